"""The books that the suite keeps: whatever comes, in whatever order, they are those of one fold over all facts."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from main.books.bookkeeper import Bookkeeper
from main.books.facts import Mark, facts, marks
from main.books.fold import Books, fold
from main.books.rebuild import rebuild
from main.books.stored import stored, trades
from main.books.timeline import Look
from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.domain.events import CashFlow, Fill
from main.errors import AITraderError, UnknownName
from tests.given import insert

BEGIN = datetime(2026, 11, 19, 14, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 2, tzinfo=UTC)

_numbers = count(1)
Row = tuple[str, dict[str, Any]]


async def given_suite_account(service: Database, **given: Any) -> str:
    """An account whose books the suite keeps, on a source of its own with X in USD and Y in EUR."""
    name = f"S{next(_numbers)}"
    values = {"source": f"market-{name}", "broker": "b", "label": name, "currency": "USD", "mode": "paper"}
    await insert(service, "accounts", [{"account_id": name, "books": "suite", "at": BEGIN} | values | given])
    for symbol, currency in (("X", "USD"), ("Y", "EUR")):
        await insert(service, "instruments", [{"source": f"market-{name}", "symbol": symbol, "currency": currency}])
    return name


def fill_row(name: str, number: int, second: float, side: str, quantity: object, price: object, **given: Any) -> Row:
    values = {"account_id": name, "source": "venue", "source_id": f"f{number}", "at": BEGIN + second * SECOND}
    values |= {"symbol": "X", "side": side, "quantity": quantity, "price": price, "revision": 0, "fee": Decimal("0.1")}
    return "fills", values | given


def flow_row(name: str, number: int, second: float, kind: str, amount: object, **given: Any) -> Row:
    values = {"account_id": name, "source": "venue", "source_id": f"c{number}", "at": BEGIN + second * SECOND}
    return "cash_flows", values | {"kind": kind, "amount": amount, "revision": 0} | given


def mark_row(name: str, second: float, price: object, symbol: str = "X") -> Row:
    values = {"source": f"market-{name}", "symbol": symbol, "at": BEGIN + second * SECOND, "mid": price}
    return "market_snapshots", values


def rate_row(name: str, second: float, rate: object, **given: Any) -> Row:
    values = {"source": f"market-{name}", "base": "EUR", "quote": "USD", "at": BEGIN + second * SECOND, "rate": rate}
    return "fx_rates", values | {"revision": 0} | given


def heartbeat_row(name: str, second: float) -> Row:
    values = {"account_id": name, "source": "bot", "source_id": f"b{next(_numbers)}", "at": BEGIN + second * SECOND}
    return "bot_heartbeats", values | {
        "status": "running",
        "interval_seconds": 3,
        "cycle_count": 1,
        "uptime_seconds": 1,
    }


async def tell(service: Database, rows: Sequence[Row]) -> None:
    """Write rows in one transaction."""
    async with service.scoped() as connection:
        for table, row in rows:
            columns, marks_ = ", ".join(row), ", ".join(f"${place}" for place in range(1, len(row) + 1))
            await connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks_})", *row.values())


async def keep(service: Database, bookkeeper: Bookkeeper) -> None:
    await bookkeeper.run(service)


async def expected(service: Database, name: str) -> tuple[Books, datetime]:
    """One fold of everything that is known, looked at whenever the suite did."""
    async with service.scoped() as connection:
        known = await facts(connection, name)
        until = await connection.fetchval("SELECT until FROM books_progress WHERE account_id = $1", name)
        prices = await marks(connection, known.account.source, known.symbols, EPOCH, until)
        kept = await stored(connection, name, known.account.source, EPOCH)
    looks = [Look(each.at) for each in kept.equity]
    looks += [Look(each.position.at, False, each.position.position_id) for each in kept.versions]
    return fold(known, prices, until, looks), until


async def assert_books_are_those_of_one_fold(service: Database, name: str) -> Books:
    books, _ = await expected(service, name)
    async with service.scoped() as connection:
        source = f"market-{name}"
        kept = await stored(connection, name, source, EPOCH)
        current = [replace(each, revision=0) for each in await trades(connection, name, EPOCH, []) if each.quantity]
        rows = await connection.fetch("SELECT * FROM positions WHERE account_id = $1", name)
        days = await connection.fetch("SELECT * FROM daily_stats WHERE account_id = $1", name)
    assert sorted(current, key=lambda each: each.source_id) == sorted(books.trades, key=lambda each: each.source_id)
    assert {row["position_id"]: _position(row) for row in rows} == {
        key: _position(asdict(each)) for key, each in books.positions.items()
    }
    assert {each.at: replace(each, revision=0) for each in kept.equity} == books.equity
    assert {row["day"]: _day(row) for row in days} == {key: _day(asdict(each)) for key, each in books.days.items()}
    for version in kept.versions:
        state = books.looked[version.position.position_id, version.position.at]
        assert state is not None
        assert _held(asdict(state)) == _held(asdict(version.position))
    written = {(each.position.position_id, each.position.at) for each in kept.versions}
    assert written >= books.versions.keys() - books.marked
    assert books.ledger.proof().residual == 0
    return books


def _position(row: Any) -> tuple[Any, ...]:
    return (*_held(row), row["current_price"], row["unrealized_pnl"], row["at"])


def _held(row: Any) -> tuple[Any, ...]:
    return tuple(row[key] for key in ("symbol", "side", "quantity", "entry_time", "entry_price", "is_active"))


def _day(row: Any) -> tuple[Any, ...]:
    names = ("realized_pnl", "unrealized_pnl", "trades", "volume", "fees", "loss_used", "limit_hit", "at")
    return tuple(row[key] for key in (*names, "max_position", "min_position"))


@st.composite
def told(draw: st.DrawFn) -> list[list[tuple[str, tuple[Any, ...]]]]:
    """Facts and prices of two minutes around a midnight, some corrected or busted, in any order and any batches."""
    rows: list[tuple[str, tuple[Any, ...]]] = [("flow", (0, -60, "deposit", 10_000)), ("rate", (-50, "1.1"))]
    seconds = st.integers(0, 110)
    for number in range(draw(st.integers(2, 7))):
        symbol = draw(st.sampled_from(["X", "X", "Y"]))
        side, quantity = draw(st.sampled_from(["buy", "sell"])), draw(st.integers(1, 5))
        second, price = draw(seconds), draw(st.integers(90, 110))
        rows.append(("fill", (number, second, side, quantity, price, {"symbol": symbol})))
        change = draw(st.sampled_from(["none", "none", "bust", "quantity", "time"]))
        if change != "none":
            quantity = 0 if change == "bust" else quantity + (change == "quantity")
            second = draw(seconds) if change == "time" else second
            rows.append(("fill", (number, second, side, quantity, price, {"symbol": symbol, "revision": 1})))
    for second in range(0, 120, 12):
        rows.append(("mark", (second, draw(st.integers(90, 110)), draw(st.sampled_from(["X", "Y"])))))
    rows.append(("rate", (draw(seconds), "1.2")))
    if draw(st.booleans()):
        rows.append(("flow", (1, draw(seconds), "withdrawal", -500)))
        rows.append(("flow", (1, draw(seconds), "withdrawal", -700, {"revision": 1})))
    rows = draw(st.permutations(rows)) if draw(st.booleans()) else sorted(rows, key=_second)
    cuts = sorted(draw(st.sets(st.integers(1, len(rows) - 1), max_size=4)))
    return [rows[first:last] for first, last in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


def _second(row: tuple[str, tuple[Any, ...]]) -> Any:
    return row[1][0] if row[0] in ("mark", "rate") else row[1][1]


def _row_of(name: str, row: tuple[str, tuple[Any, ...]]) -> Row:
    kind, values = row
    *plain, given_ = (*values, {}) if not isinstance(values[-1], dict) else values
    makers: dict[str, Any] = {"fill": fill_row, "flow": flow_row, "mark": mark_row, "rate": rate_row}
    table, made = makers[kind](name, *plain, **given_)
    # Two minutes around midnight: a day turns in the middle.
    made["at"] += datetime(2026, 11, 19, 23, 59, tzinfo=UTC) - BEGIN
    return table, {key: Decimal(value) if key == "rate" else value for key, value in made.items()}


@settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(batches=told(), clock=st.sampled_from(["wall", "replay"]), restarts=st.booleans())
def test_any_order_any_batching_and_any_correction_give_the_books_of_one_fold(
    address: Address, batches: list[Any], clock: str, restarts: bool
) -> None:
    async def kept_books() -> None:
        service = Database(address, role="service", max_size=2)
        await service.open()
        try:
            name = await given_suite_account(service, clock=clock)
            bookkeeper = Bookkeeper(late_prices_every=0.0)
            for batch in batches:
                await tell(service, [_row_of(name, row) for row in batch])
                with contextlib.suppress(AITraderError):  # a fill in euros waits for the first rate
                    await bookkeeper.run(service)
                if restarts:
                    bookkeeper = Bookkeeper(late_prices_every=0.0)
            table, beat = heartbeat_row(name, 0)
            await tell(service, [(table, beat | {"at": datetime(2026, 11, 20, 0, 2, tzinfo=UTC)})])
            for _ in range(2):
                await bookkeeper.run(service)
            await assert_books_are_those_of_one_fold(service, name)
            assert not (await rebuild(service, name, EPOCH)).changed
            async with service.scoped() as connection:
                await connection.execute("UPDATE accounts SET books = 'bot' WHERE account_id = $1", name)
        finally:
            await service.close()

    asyncio.run(kept_books())
