"""Rows for tests of reads, written with plain SQL as the service role; each names only what the test is about."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from main.database.pool import Database
from main.database.rollups import BATCH, RolledUp, roll_up
from main.domain.scope import Scope
from main.monitoring.read import Read

MOMENT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""The moment that scopes of these tests ask about, a Friday afternoon."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

_numbers = count(1)


def live(*accounts: str, window: str = "1D", moment: datetime = MOMENT, **given: Any) -> Scope:
    """A resolved scope about now, of account A unless others are named."""
    return Scope(accounts=accounts or ("A",), window=window, **given).resolved(moment)


def past(at: datetime, *accounts: str, window: str = "1D", known_at: datetime | None = None) -> Scope:
    """A resolved scope about a past moment."""
    return Scope(accounts=accounts or ("A",), window=window, as_of=at, known_at=known_at).resolved(MOMENT)


async def asked(database: Database, read: Read[Any], scope: Scope) -> Any:
    """The read's value as a dashboard gets it: role app, the scope's accounts visible and no others."""
    async with database.scoped(scope.accounts) as connection:
        return await read.fetch(connection, scope)


async def settle(service: Database) -> None:
    """Let all that was recorded until a second ago count as settled: nobody else writes into a test's own database.

    Else an open transaction of any test in the same server, a vacuum of it too, would hold the horizon back.
    """
    async with service.scoped() as connection:  # the transaction with that number is long over
        await connection.execute("INSERT INTO settlement VALUES (clock_timestamp(), '3') ON CONFLICT DO NOTHING")


async def rolled_up(service: Database, *, until: datetime | None = None, batch: int = BATCH) -> RolledUp:
    """Bring the roll-ups up to all that was recorded until a second ago, or `until`."""
    await settle(service)
    return await roll_up(service, until=until, batch=batch)


async def insert(service: Database, table: str, rows: Sequence[dict[str, Any]], *, again: bool = False) -> None:
    """Insert rows that have the same columns; those whose key is there already are left out where `again` is said."""
    columns = list(rows[0])
    marks = ", ".join(f"${index + 1}" for index in range(len(columns)))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    statement += " ON CONFLICT DO NOTHING" if again else ""
    async with service.scoped() as connection:
        await connection.executemany(statement, [[row[column] for column in columns] for row in rows])


async def given_account(service: Database, account: str = "A", **given: Any) -> None:
    values = {"source": "sim", "broker": "paper", "label": f"Account {account}", "currency": "USD", "mode": "paper"}
    await insert(service, "accounts", [{"account_id": account, "at": MOMENT - 365 * DAY} | values | given])
    async with service.scoped() as connection:  # known since then too: the trigger wrote the time of the test's run
        await connection.execute("UPDATE accounts_history SET changed_at = at WHERE account_id = $1", account)


async def given_equity(
    service: Database,
    *values: object,
    account: str = "A",
    ending: datetime = MOMENT,
    every: timedelta = MINUTE,
    **given: Any,
) -> list[datetime]:
    """Observations of equity, the last at `ending`; return their times. An absent one (None) leaves a gap."""
    times = [ending - every * (len(values) - 1 - index) for index in range(len(values))]
    rows = [
        fact(account, at) | {"equity": value} | given
        for at, value in zip(times, values, strict=True)
        if value is not None
    ]
    await insert(service, "trading_pnl", rows)
    return times


async def given_flow(service: Database, amount: object, at: datetime, account: str = "A", **given: Any) -> str:
    kind = "deposit" if Decimal(str(amount)) >= 0 else "withdrawal"
    return await _given_fact(service, "cash_flows", account, at, {"kind": kind, "amount": amount} | given)


async def given_trade(service: Database, net: object, at: datetime, account: str = "A", **given: Any) -> str:
    fees = Decimal(str(given.pop("fees", "1")))
    values: dict[str, Any] = {
        "symbol": "X",
        "transaction_type": "BUY",
        "quantity": 1,
        "entry_time": at - MINUTE,
        "exit_time": at,
        "entry_price": 100,
        "exit_price": 100,
        "gross_pnl": Decimal(str(net)) + fees,
        "fees": fees,
        "realized_pnl": net,
        "exit_type": "signal",
    }
    row = fact(account, at) | values | given
    del row["at"]
    await insert(service, "trades", [row])
    return str(row["source_id"])


async def given_fill(service: Database, side: str, quantity: object, price: object, at: datetime, **given: Any) -> str:
    """An execution of a symbol that is described, as all that are traded must be."""
    account = str(given.pop("account", "A"))
    values = {"symbol": "X", "side": side, "quantity": quantity, "price": price} | given
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO instruments (source, symbol, currency, at) SELECT source, $2, currency, at FROM accounts "
            "WHERE account_id = $1 ON CONFLICT DO NOTHING",
            account,
            values["symbol"],
        )
    return await _given_fact(service, "fills", account, at, values)


async def given_order_event(service: Database, kind: str, at: datetime, account: str = "A", **given: Any) -> str:
    values = {"order_id": f"o{next(_numbers)}", "kind": kind, "symbol": "X", "side": "buy", "quantity": 10, "price": 99}
    return await _given_fact(service, "order_events", account, at, values | given)


async def given_position(
    service: Database, symbol: str = "X", side: str = "long", quantity: object = 10, account: str = "A", **given: Any
) -> None:
    values = {
        "position_id": f"{symbol}",
        "source": "bot",
        "symbol": symbol,
        "side": side,
        "quantity": quantity,
        "entry_time": MOMENT - HOUR,
        "entry_price": 100,
        "current_price": 110,
        "at": MOMENT,
    }
    await insert(service, "positions", [{"account_id": account} | values | given])


async def given_heartbeat(service: Database, at: datetime = MOMENT, account: str = "A", **given: Any) -> None:
    values = {"status": "running", "interval_seconds": 3, "cycle_count": 7, "uptime_seconds": 21, "regime": "calm"}
    await insert(service, "bot_heartbeats", [fact(account, at) | values | given])


async def given_instrument(service: Database, symbol: str = "X", **given: Any) -> None:
    row = {"source": "sim", "symbol": symbol, "currency": "USD"} | given
    async with service.scoped() as connection:  # instead of the one that a fill made
        await connection.execute(
            "DELETE FROM instruments WHERE source = $1 AND symbol = $2", row["source"], row["symbol"]
        )
    await insert(service, "instruments", [row])


async def given_snapshots(service: Database, *times: datetime, symbol: str = "X", **given: Any) -> None:
    rows = [{"source": "sim", "symbol": symbol, "at": at, "recorded_at": at, "mid": 100} | given for at in times]
    await insert(service, "market_snapshots", rows)


async def given_daily(service: Database, day: date, account: str = "A", **given: Any) -> None:
    await insert(service, "daily_stats", [{"account_id": account, "day": day, "at": MOMENT} | given])


async def given_event(service: Database, kind: str, severity: str, at: datetime, **given: Any) -> None:
    values = {"source": "test", "source_id": f"e{next(_numbers)}", "recorded_at": at, "message": f"{kind} happened"}
    await insert(service, "system_events", [{"kind": kind, "severity": severity, "at": at} | values | given])


async def given_alert(service: Database, title: str, fired_at: datetime, **given: Any) -> None:
    values = {"alert_id": f"a{next(_numbers)}", "rule": "rule", "severity": "warning", "at": fired_at}
    await insert(service, "alerts", [{"title": title, "fired_at": fired_at} | values | given])


async def given_host(service: Database, *shares: float, ending: datetime = MOMENT, every: timedelta = MINUTE) -> None:
    """Samples of a machine with 1,000 bytes of memory and disk, CPU, memory and disk at the same share."""
    rows = [
        {
            "host": "trader-01",
            "at": ending - every * (len(shares) - 1 - index),
            "recorded_at": ending - every * (len(shares) - 1 - index),
            "cpu_percent": share * 100,
            "cpu_count": 16,
            "memory_used_bytes": round(share * 1000),
            "memory_total_bytes": 1000,
            "disk_used_bytes": round(share * 1000),
            "disk_total_bytes": 1000,
            "disk_path": "/",
        }
        for index, share in enumerate(shares)
    ]
    await insert(service, "system_metrics", rows)


async def given_service(service: Database, name: str, **given: Any) -> None:
    values = {"host": "trader-01", "kind": "dashboard", "state": "running"}
    await insert(service, "services", [{"service": name} | values | given])


def fact(account: str, at: datetime) -> dict[str, Any]:
    """The key of a new fact, learned when it happened."""
    return {
        "account_id": account,
        "source": "bot",
        "source_id": f"{next(_numbers):08d}",
        "revision": 0,
        "at": at,
        "recorded_at": at,
    }


async def _given_fact(service: Database, table: str, account: str, at: datetime, values: dict[str, Any]) -> str:
    row = fact(account, at) | values
    await insert(service, table, [row])
    return str(row["source_id"])
