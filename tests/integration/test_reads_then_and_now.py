"""Is what a read says of a past moment, with what was known then, what it said live at that moment?"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from operator import itemgetter
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from main.database.kept_days import roll_trade_days
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import Read
from main.monitoring.reads import (
    account_totals,
    correlation,
    costs,
    cumulative_pnl,
    daily_pnl,
    drawdowns,
    equity,
    monthly_returns,
    performance,
    pnl_by,
    pnl_by_period,
    pnl_calendar,
    pnl_proof,
    return_distribution,
    rolling_metrics,
    trade_distribution,
    trade_statistics,
    trades,
)
from main.monitoring.reads.pnl_by import PnlByParams
from tests.given import DAY, given_account, insert
from tests.given_trades import asked_with

BEGIN = datetime(2026, 10, 30, 12, 0, tzinfo=UTC)
"""Two days before the clocks change in New York, and after they changed in London."""

READS: Sequence[tuple[Read[Any], Any]] = (
    (trades.READ, None),
    (trades.READ, trades.TradesPage(sort="pnl", side="long", limit=1000)),
    (trade_statistics.READ, None),
    (pnl_by.READ, None),
    (pnl_by.READ, PnlByParams(by="weekday")),
    (pnl_by.READ, PnlByParams(by="hour", symbol="x")),
    (pnl_calendar.READ, None),
    (pnl_by_period.READ, None),
    (trade_distribution.READ, None),
    (costs.READ, None),
    (performance.READ, None),
    (monthly_returns.READ, None),
    (rolling_metrics.READ, rolling_metrics.Rolling(window=5)),
    (return_distribution.READ, None),
    (drawdowns.READ, None),
    (correlation.READ, None),
    (account_totals.READ, None),
    (cumulative_pnl.READ, None),
    (daily_pnl.READ, None),
    (equity.READ, None),
    (pnl_proof.READ, None),
)
_numbers = count(1)


class Book:
    """Facts of one account as they are learned, one after the other: new ones, corrections and busts."""

    def __init__(self, service: Database, account: str, chance: Random) -> None:
        self._service, self._account, self._chance = service, account, chance
        self.learned: list[tuple[str, dict[str, Any]]] = []
        self._told: dict[str, list[dict[str, Any]]] = {"trades": [], "trading_pnl": [], "cash_flows": []}

    async def learn(self, now: datetime) -> None:
        """Record something of the last days: as it happens, late, or corrected."""
        table = self._chance.choice(("trades", "trades", "trading_pnl", "trading_pnl", "cash_flows"))
        late = self._chance.choice((timedelta(0), timedelta(hours=self._chance.randrange(60))))
        known = self._told[table]
        if known and self._chance.random() < 0.35:
            row = self._corrected(table, self._chance.choice(known))
        else:
            row = self._fact(now - late) | self._new(table, now - late)
            if table == "trades":
                del row["at"]
        row["recorded_at"] = now
        self.learned.append((table, row))
        self._told[table] = [each for each in known if each["source_id"] != row["source_id"]] + [row]
        await insert(self._service, table, [row])

    def _fact(self, at: datetime) -> dict[str, Any]:
        key = f"{next(_numbers):08d}"
        return {"account_id": self._account, "source": "bot", "source_id": key, "revision": 0, "at": at}

    def _new(self, table: str, at: datetime) -> dict[str, Any]:
        match table:
            case "trades":
                return self._trade(at) | {"symbol": self._chance.choice(("X", "Y")), "quantity": Decimal("0.5")}
            case "trading_pnl":
                return {"equity": self._chance.randrange(500, 1500), "unrealized_pnl": self._chance.randrange(100)}
        kind = self._chance.choice(("deposit", "withdrawal", "funding", "dividend"))
        amount = self._chance.randrange(1, 200)
        return {"kind": kind, "amount": -amount if kind == "withdrawal" else amount}

    def _trade(self, at: datetime) -> dict[str, Any]:
        net = Decimal(self._chance.choice((0, self._chance.randrange(-500, 500)))) / 10
        return {
            "transaction_type": self._chance.choice(("BUY", "SELL")),
            "entry_time": at - timedelta(hours=1),
            "exit_time": at,
            "entry_price": 100,
            "exit_price": 101,
            "gross_pnl": net + 1,
            "fees": 1,
            "realized_pnl": net,
            "exit_type": "signal",
            "strategy": self._chance.choice(("one", "two")),
        }

    def _corrected(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        newer = row | {"revision": row["revision"] + 1}
        match table:
            case "trades" if self._chance.random() < 0.4:
                return newer | {"quantity": 0}
            case "trades":  # whose exit may have been earlier too
                return newer | self._trade(row["exit_time"] - timedelta(hours=self._chance.randrange(40)))
            case "trading_pnl":
                return newer | {"equity": self._chance.randrange(500, 1500)}
        return newer | {"amount": row["amount"] * self._chance.choice((0, 2))}


@pytest.mark.parametrize("seed", range(6))
async def test_the_past_is_what_was_shown_whatever_was_corrected_busted_or_imported_since(
    service: Database, database: Database, seed: int
) -> None:
    chance, names = Random(seed), ("A", "B", "C")
    strategy, window = chance.choice((None, "one")), chance.choice(("All", "1D"))
    zones = (("America/New_York", 17, "USD"), ("Asia/Kolkata", 0, "USD"), ("Europe/London", 0, "EUR"))
    for name, (zone, roll_over, currency) in zip(names, zones, strict=True):
        given = {"zone": zone, "roll_over": timedelta(hours=roll_over), "currency": currency}
        await given_account(service, name, at=BEGIN - timedelta(days=365), **given)
    books = [Book(service, name, chance) for name in names]
    shown: list[tuple[datetime, list[Any]]] = []
    now = BEGIN
    for _ in range(7):
        for _ in range(8):
            now += timedelta(minutes=chance.randrange(1, 300))
            await chance.choice(books).learn(now)
        now = chance.choice((now, (now + DAY).replace(hour=22, minute=0), (now + DAY).replace(hour=0, minute=0)))
        if chance.random() < 0.5:
            await roll_trade_days(service)
        live = Scope(accounts=names, window=window, strategy=strategy).resolved(now)
        shown.append((now, [await asked_with(database, read, live, params) for read, params in READS]))
        now += timedelta(hours=3)
    await roll_trade_days(service)
    for moment, said in shown:
        then = Scope(accounts=names, window=window, strategy=strategy, as_of=moment, known_at=moment).resolved(now)
        for (read, params), value in zip(READS, said, strict=True):
            assert await asked_with(database, read, then, params) == value, (read.name, params, moment)


@pytest.mark.parametrize("seed", range(4))
async def test_every_read_of_trades_adds_up_what_was_known_as_a_fold_trade_by_trade_does(
    service: Database, database: Database, seed: int
) -> None:
    chance, now = Random(seed), BEGIN
    zones = {"A": ("America/New_York", 17), "B": ("Asia/Kolkata", 0)}
    for name, (zone, roll_over) in zones.items():
        roll = timedelta(hours=roll_over)
        await given_account(service, name, zone=zone, roll_over=roll, at=BEGIN - timedelta(days=365))
    books = [Book(service, name, chance) for name in zones]
    for _ in range(90):
        now += timedelta(minutes=chance.randrange(1, 200))
        await chance.choice(books).learn(now)
        if chance.random() < 0.05:
            await roll_trade_days(service)
    rows = [row for book in books for table, row in book.learned if table == "trades"]
    exits = [row["exit_time"] for row in rows]
    for _ in range(8):
        until, known_at = chance.choice((*exits, now)), chance.choice((None, now, *exits))
        start = min(chance.choice(exits), until - timedelta(seconds=1))
        strategy = chance.choice((None, "one"))
        window = f"{start.isoformat()}..{until.isoformat()}"
        scope = Scope(tuple(zones), window, until, known_at, strategy).resolved(now)
        known = latest(rows, known_at or now)
        wanted = [
            row
            for row in known
            if start < row["exit_time"] <= until and row["quantity"] and strategy in (None, row["strategy"])
        ]
        await agree(database, scope, wanted, zones)
        calendar = await asked_with(database, pnl_calendar.READ, scope, pnl_calendar.CalendarParams(year=2026))
        year = [
            row
            for row in known
            if row["exit_time"] <= until and row["quantity"] and strategy in (None, row["strategy"])
        ]
        assert {row.day: row.net_pnl for row in calendar} == summed(year, lambda row: day_of(row, zones))


def latest(rows: Sequence[dict[str, Any]], known_at: datetime) -> list[dict[str, Any]]:
    """The newest revision of each trade that was known."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["recorded_at"] <= known_at:
            found[row["source_id"]] = row
    return list(found.values())


async def agree(
    database: Database, scope: Scope, wanted: Sequence[dict[str, Any]], zones: dict[str, tuple[str, int]]
) -> None:
    total = sum((row["realized_pnl"] for row in wanted), Decimal(0))
    found = await asked_with(database, trades.READ, scope, trades.TradesPage(limit=1000))
    assert sorted(item.id.split("/")[2] for item in found.items) == sorted(row["source_id"] for row in wanted)
    assert [(row.total_trades, row.net_pnl) for row in found.summary] == [(len(wanted), total)]
    [figures] = await asked_with(database, trade_statistics.READ, scope)
    assert (figures.trades, figures.net_pnl, figures.recent) == (len(wanted), total, len(wanted))
    days = await asked_with(database, pnl_by_period.READ, scope)
    assert {row.start: row.net_pnl for row in days} == summed(wanted, lambda row: day_of(row, zones))
    assert not days or days[-1].cumulative == total
    for by, key in (("symbol", "symbol"), ("strategy", "strategy"), ("account", "account_id")):
        parts = await asked_with(database, pnl_by.READ, scope, PnlByParams(by=by))  # type: ignore[arg-type]
        assert {row.name: row.net_pnl for row in parts} == summed(wanted, itemgetter(key))
    by_month = [row for row in await asked_with(database, costs.READ, scope) if row.trades]
    assert {row.name: row.fees for row in by_month} == {
        month: sum(row["fees"] for row in wanted if f"{day_of(row, zones):%Y-%m}" == month)
        for month in {f"{day_of(row, zones):%Y-%m}" for row in wanted}
    }
    spread = await asked_with(database, trade_distribution.READ, scope)
    assert sum(each.count for row in spread for each in row.pnl) == len(wanted)


def summed(rows: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, Decimal]:
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[key(row)] += row["realized_pnl"]
    return dict(sums)


def day_of(row: dict[str, Any], zones: dict[str, tuple[str, int]]) -> date:
    """The trading day of the exit, read off the wall clock."""
    zone, roll_over = zones[row["account_id"]]
    at: datetime = row["exit_time"]
    local = at.astimezone(ZoneInfo(zone))
    return local.date() if local.hour >= roll_over else local.date() - DAY
