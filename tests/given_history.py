"""A little of everything that is recorded, in phases, for tests of what reads say of a past moment."""

from datetime import datetime, timedelta
from typing import Any

from main.database.pool import Database
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    given_alert,
    given_daily,
    given_equity,
    given_event,
    given_fill,
    given_flow,
    given_heartbeat,
    given_instrument,
    given_order_event,
    given_position,
    given_trade,
    insert,
)
from tests.given_market import given_bars, given_judgement, given_levels, given_mids, given_model

SECOND = timedelta(seconds=1)
BOOK: dict[str, Any] = {
    "best_bid": 99,
    "best_ask": 101,
    "spread_bps": 200,
    "bid_prices": [99, 98],
    "bid_sizes": [3, 1],
    "ask_prices": [101],
    "ask_sizes": [2],
    "bid_depth": 4,
    "ask_depth": 2,
}
STATES = ("accounts", "orders", "positions", "daily_stats", "alerts", "models", "instruments")


async def given_market(service: Database, source: str = "sim", symbol: str = "X", shift: int = 0) -> None:
    """Books, bars, levels and a model of one source, up to `MOMENT`."""
    await given_instrument(service, symbol, source=source, sector="tech")
    mids = [100 + shift + step % 7 for step in range(120)]
    await given_mids(service, *mids, symbol=symbol, every=HOUR, source=source, **BOOK)
    await given_bars(service, [100 + shift + step for step in range(130)], symbol, source=source)
    if source == "sim":
        await given_levels(service, "INDEX", "index", 100 + shift, 101 + shift)
    await given_model(service, f"model-{source}", source=source)
    await given_judgement(service, f"model-{source}", MOMENT - HOUR, source=source, accuracy=0.5 + shift / 100)


async def given_trading(service: Database, account: str = "A", symbol: str = "X", size: int = 1) -> None:
    """An account's orders, fills, trades, positions, equity, day, words of its bot and alerts, up to `MOMENT`."""
    at = MOMENT - 2 * HOUR
    for number, side in enumerate(("buy", "sell", "buy")):
        placed = at + number * MINUTE
        order = {"order_id": f"{account}{number}", "symbol": symbol, "side": side, "account": account}
        for step, kind in enumerate(("placed", "accepted", "filled")):
            await given_order_event(service, kind, placed + step * SECOND, **order)
        await _given_order(service, placed, order, size)
        prices = {"arrival_mid": 100, "decision_price": 99, "liquidity": "taker", "order_id": order["order_id"]}
        await given_fill(
            service, side, size, 101, placed + 2 * SECOND, account=account, symbol=symbol, strategy="s", **prices
        )
    await given_order_event(service, "rejected", at, account=account, symbol=symbol, reason=f"too large for {account}")
    await given_trade(service, 10 * size, at, account, symbol=symbol, strategy="s")
    await given_flow(service, 1000 * size, MOMENT - 40 * DAY, account)
    await given_equity(service, *[1000 * size + step for step in range(45)], account=account, every=DAY)
    held: dict[str, Any] = {"position_id": f"{account}-{symbol}", "current_price": 100}  # the last mid
    await given_position(service, symbol, quantity=size, account=account, **held)
    await given_daily(service, MOMENT.date(), account, loss_used=size, loss_limit=100)
    await given_heartbeat(service, MOMENT - SECOND, account, risk_factor=0.5, risk_reason=f"of {account}")
    await given_alert(service, f"Alert of {account}", at, account_id=account, alert_id=f"alert-{account}")
    await given_event(service, "risk_block", "warning", at, account_id=account)


async def given_future(service: Database, account: str = "A", symbol: str = "X") -> None:
    """More of everything, and every state changed, after `MOMENT`."""
    later = MOMENT + HOUR
    await given_mids(service, 150, 151, symbol=symbol, ending=later, every=MINUTE, **BOOK)
    await given_bars(service, [500], symbol, last=MOMENT + 9 * HOUR)
    await given_levels(service, "INDEX", "index", 300, ending=later)
    await given_judgement(service, "model-sim", later, accuracy=0.9)
    await given_order_event(service, "placed", later, account=account, symbol=symbol)
    await given_fill(service, "buy", 7, 130, later, account=account, symbol=symbol, arrival_mid=100)
    await given_trade(service, -500, later, account, symbol=symbol)
    await given_equity(service, 5, account=account, ending=later)
    await given_heartbeat(service, later, account, status="stopped", risk_factor=0.1)
    await given_alert(service, "Later", later, account_id=account)
    await given_event(service, "error", "error", later, account_id=account)
    changes = {
        "alerts": "acknowledged_at = $1, acknowledged_by = 'somebody', resolved_at = $1, at = $1",
        "orders": "status = 'cancelled', filled_quantity = 0, quantity = 999, at = $1",
        "positions": "quantity = 999, current_price = 1, at = $1",
        "daily_stats": "loss_used = 99, limit_hit = true, trading_blocked = true, at = $1",
        "accounts": "label = 'Renamed', daily_loss_limit = 1, position_limit = 1, at = $1",
        "models": "status = 'retired', at = $1",
    }
    async with service.scoped() as connection:
        for table, change in changes.items():
            await connection.execute(f"UPDATE {table} SET {change}", later)


async def given_late_news(service: Database, account: str = "A", symbol: str = "X") -> None:
    """Facts of before `MOMENT` that are learned after it: new ones, a bust and corrections."""
    learned: dict[str, Any] = {"recorded_at": MOMENT + HOUR}
    at = MOMENT - 30 * MINUTE
    await given_mids(service, 200, symbol=symbol, ending=at, every=MINUTE, **BOOK, **learned)
    await given_fill(service, "buy", 5, 120, at, account=account, symbol=symbol, arrival_mid=100, **learned)
    await given_order_event(service, "rejected", at, account=account, symbol=symbol, **learned)
    await given_trade(service, 77, at, account, symbol=symbol, **learned)
    await given_equity(service, 9999, account=account, ending=at, **learned)
    await given_event(service, "error", "error", at, account_id=account, **learned)
    async with service.scoped() as connection:
        for table, change in (("fills", "quantity = 0"), ("trades", "quantity = 0"), ("order_events", "quantity = 50")):
            await connection.execute(
                f"CREATE TEMP TABLE corrected ON COMMIT DROP AS SELECT * FROM {table} "
                "WHERE account_id = $1 AND revision = 0 ORDER BY source_id LIMIT 1",
                account,
            )
            await connection.execute(f"UPDATE corrected SET revision = 1, recorded_at = $1, {change}", MOMENT + HOUR)
            await connection.execute(f"INSERT INTO {table} {await _columns(connection, table)}")
            await connection.execute("DROP TABLE corrected")


async def learned_at_once(service: Database, since: datetime) -> None:
    """Versions that triggers kept after `since`, of their clock, were known when they began."""
    async with service.scoped() as connection:
        for table in STATES:
            await connection.execute(
                f"UPDATE {table}_history SET changed_at = at WHERE changed_at > $1 AND changed_at <> at", since
            )


async def database_time(service: Database) -> datetime:
    async with service.scoped() as connection:
        return datetime.fromisoformat(str(await connection.fetchval("SELECT clock_timestamp()")))


async def _columns(connection: Any, table: str) -> str:
    names = await connection.fetchval(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
        "WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        table,
    )
    return f"({names}) SELECT {names} FROM corrected"


async def _given_order(service: Database, placed: datetime, order: dict[str, Any], size: int) -> None:
    row = {
        "account_id": order["account"],
        "order_id": order["order_id"],
        "source": "bot",
        "symbol": order["symbol"],
        "side": order["side"],
        "order_type": "limit",
        "status": "filled" if order["order_id"].endswith(("0", "1")) else "partially_filled",
        "quantity": 2 * size,
        "filled_quantity": size,
        "decision_price": 99,
        "arrival_mid": 100,
        "price": 101,
        "placed_at": placed,
        "at": placed + 2 * SECOND,
        "strategy": "s",
    }
    await insert(service, "orders", [row])
