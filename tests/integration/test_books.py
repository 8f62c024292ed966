"""The books that the suite keeps: whatever comes, in whatever order, they are those of one fold over all facts."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from main.books.bookkeeper import Bookkeeper
from main.books.facts import facts, marks
from main.books.fold import Books, fold
from main.books.rebuild import begin, rebuild, refold
from main.books.stored import stored, trades
from main.books.timeline import Look
from main.database.address import Address
from main.database.pool import Database
from main.errors import AITraderError, UnknownName
from tests.given import insert

BEGIN = datetime(2024, 11, 19, 14, 0, tzinfo=UTC)
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


def fill_row(name: str, number: int, second: float, order: str, price: object, **given: Any) -> Row:
    side, _, quantity = order.partition(" ")
    values = {"account_id": name, "source": "venue", "source_id": f"f{number}", "at": BEGIN + second * SECOND}
    values |= {
        "symbol": "X",
        "side": side,
        "quantity": Decimal(quantity),
        "price": price,
        "revision": 0,
        "fee": Decimal("0.1"),
    }
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
        rows.append(("fill", (number, second, f"{side} {quantity}", price, {"symbol": symbol})))
        change = draw(st.sampled_from(["none", "none", "bust", "quantity", "time"]))
        if change != "none":
            quantity = 0 if change == "bust" else quantity + (change == "quantity")
            second = draw(seconds) if change == "time" else second
            rows.append(("fill", (number, second, f"{side} {quantity}", price, {"symbol": symbol, "revision": 1})))
    prices, symbols = st.integers(90, 110), st.sampled_from(["X", "Y"])
    rows += [("mark", (second, draw(prices), draw(symbols))) for second in range(0, 120, 12)]
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
    made["at"] += datetime(2024, 11, 19, 23, 59, tzinfo=UTC) - BEGIN
    return table, {key: Decimal(value) if key == "rate" else value for key, value in made.items()}


A_CLOSE_THAT_MOVES_TO_AN_EARLIER_TIME = [
    [("fill", (2, 4, "sell 1", 98, {"symbol": "X"}))],
    [("fill", (3, 91, "buy 4", 98, {"symbol": "X"})), ("rate", (-50, "1.1")), ("flow", (0, -60, "deposit", 10_000))],
    [("fill", (1, 27, "buy 3", 90, {"symbol": "X"}))],
]


@settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@example(batches=A_CLOSE_THAT_MOVES_TO_AN_EARLIER_TIME, clock="replay", restarts=True)
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
            # Prices come late by ten minutes at most: on the wall's clock, which is far ahead, they come first.
            early = [row for batch in batches for row in batch if row[0] == "mark" and clock == "wall"]
            for batch in [early, *([row for row in batch if row not in early] for batch in batches)]:
                await tell(service, [_row_of(name, row) for row in batch])
                with contextlib.suppress(AITraderError):  # a fill in euros waits for the first rate
                    await bookkeeper.run(service)
                if restarts:
                    bookkeeper = Bookkeeper(late_prices_every=0.0)
            table, beat = heartbeat_row(name, 0)
            await tell(service, [(table, beat | {"at": datetime(2024, 11, 20, 0, 2, tzinfo=UTC)})])
            for _ in range(2):
                await bookkeeper.run(service)
            await assert_books_are_those_of_one_fold(service, name)
            assert not (await rebuild(service, name, EPOCH)).changed
            async with service.scoped() as connection:
                await connection.execute("UPDATE accounts SET books = 'bot' WHERE account_id = $1", name)
        finally:
            await service.close()

    asyncio.run(kept_books())


async def test_trades_keep_their_ids_and_busts_take_them_back(service: Database) -> None:
    name = await given_suite_account(service)
    bookkeeper = Bookkeeper()
    await tell(service, [fill_row(name, 1, 1, "buy 5", 100), fill_row(name, 2, 2, "sell 5", 110)])
    await bookkeeper.run(service)
    await tell(service, [fill_row(name, 2, 2, "sell 5", 120, revision=1)])
    await bookkeeper.run(service)
    await tell(service, [fill_row(name, 1, 1, "buy 0", 100, revision=1)])
    await bookkeeper.run(service)
    async with service.scoped() as connection:
        rows = await connection.fetch(
            "SELECT source_id, revision, quantity, gross_pnl FROM trades WHERE account_id = $1 ORDER BY revision", name
        )
        held = await connection.fetch("SELECT symbol, side, quantity FROM positions WHERE is_active")
    assert [tuple(row) for row in rows] == [("f1:f2", 0, 5, 50), ("f1:f2", 1, 5, 100), ("f1:f2", 2, 0, 0)]
    assert [tuple(row) for row in held] == [("X", "short", 5)]


async def test_an_account_whose_facts_make_no_books_keeps_no_other_waiting(service: Database) -> None:
    stuck, fine = await given_suite_account(service), await given_suite_account(service)
    await tell(service, [fill_row(stuck, 1, 1, "buy 1", 100, symbol="Y"), fill_row(fine, 1, 1, "buy 1", 100)])
    bookkeeper = Bookkeeper()
    with pytest.raises(AITraderError, match=f"the books of {stuck} stand still.*EUR"):
        await bookkeeper.run(service)
    await assert_books_are_those_of_one_fold(service, fine)
    await tell(service, [rate_row(stuck, 0, Decimal("1.25"))])
    await bookkeeper.run(service)
    books = await assert_books_are_those_of_one_fold(service, stuck)
    assert books.ledger.cash == Decimal("-125.1")


async def test_only_fills_and_prices_are_needed_and_the_books_are_announced(service: Database) -> None:
    name = await given_suite_account(service, daily_loss_limit=50)
    prices = [mark_row(name, second, price) for second, price in ((0, 100), (3, 101), (7, 90), (61, 95))]
    facts_ = [flow_row(name, 1, 0, "deposit", 1000), fill_row(name, 1, 2, "buy 10", 100)]
    await tell(service, [*prices, *facts_])
    await Bookkeeper().run(service)
    async with service.scoped() as connection:
        equity = await connection.fetch("SELECT at, equity FROM trading_pnl WHERE account_id = $1 ORDER BY at", name)
        day = await connection.fetchrow("SELECT * FROM daily_stats WHERE account_id = $1", name)
        position = await connection.fetchrow("SELECT * FROM positions WHERE account_id = $1", name)
        versions = await connection.fetch("SELECT at, current_price FROM positions_history ORDER BY at")
    seen = [((row["at"] - BEGIN).total_seconds(), row["equity"]) for row in equity]
    assert seen == [(0, 1000), (5, Decimal("1009.9")), (10, Decimal("899.9")), (65, Decimal("949.9"))]
    assert (day["origin"], day["limit_hit"], day["loss_used"], day["loss_limit"]) == ("ledger", True, 50, 50)
    assert (position["current_price"], position["unrealized_pnl"], position["at"]) == (95, -50, BEGIN + 61 * SECOND)
    assert [tuple(row) for row in versions] == [(BEGIN + 2 * SECOND, 100), (BEGIN + 61 * SECOND, 95)]


async def test_two_rebuilds_at_once_write_every_difference_once(service: Database) -> None:
    name = await given_suite_account(service)
    await tell(service, [fill_row(name, 1, 1, "buy 5", 100), fill_row(name, 2, 2, "sell 5", 110)])
    await Bookkeeper().run(service)
    await tell(service, [fill_row(name, 2, 2, "sell 5", 120, revision=1)])
    done = await asyncio.gather(rebuild(service, name, BEGIN), rebuild(service, name, BEGIN))
    assert sorted(each.trades for each in done) == [0, 1]
    assert sum(each.changed for each in done) == 1
    await assert_books_are_those_of_one_fold(service, name)


async def test_a_rebuild_that_is_killed_in_the_middle_leaves_no_trace(service: Database) -> None:
    name = await given_suite_account(service)
    await tell(service, [fill_row(name, 1, 1, "buy 5", 100), fill_row(name, 2, 2, "sell 5", 110)])
    await Bookkeeper().run(service)
    await tell(service, [fill_row(name, 2, 2, "sell 5", 120, revision=1)])
    everything = """
        SELECT (SELECT json_agg(t ORDER BY source_id, revision) FROM trades t)::text,
               (SELECT json_agg(h ORDER BY sequence) FROM positions_history h)::text,
               (SELECT json_agg(e ORDER BY at, revision) FROM trading_pnl e)::text
    """
    async with service.scoped() as connection:
        before = tuple(await connection.fetchrow(everything))
    async with service.scoped() as holding:  # the last table that a rebuild writes
        await holding.execute("SELECT FROM daily_stats WHERE account_id = $1 FOR UPDATE", name)
        rebuilding = asyncio.create_task(rebuild(service, name, BEGIN))
        await _killed_while_it_waits(service)
        with pytest.raises(AITraderError):
            await rebuilding
    async with service.scoped() as connection:
        assert tuple(await connection.fetchrow(everything)) == before
    assert (await rebuild(service, name, BEGIN)).changed
    await assert_books_are_those_of_one_fold(service, name)


async def _killed_while_it_waits(service: Database) -> None:
    waits = """
        SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%daily_stats%'
    """
    async with asyncio.timeout(20):
        while True:
            async with service.scoped() as connection:
                await connection.execute("RESET ROLE")
                pid = await connection.fetchval(waits)
                if pid is not None:
                    await connection.execute("SELECT pg_terminate_backend($1)", pid)
                    return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("restarts", [False, True])
async def test_books_are_kept_by_new_rules_from_their_beginning(service: Database, restarts: bool) -> None:
    name = await given_suite_account(service)
    bought = [fill_row(name, number, number, "buy 1", price) for number, price in enumerate((10, 20))]
    await tell(service, [*bought, fill_row(name, 2, 60, "sell 1", 30)])
    bookkeeper = Bookkeeper()
    await bookkeeper.run(service)
    assert [trade.gross_pnl for trade in (await assert_books_are_those_of_one_fold(service, name)).trades] == [20]

    async def settled() -> bool:  # the turn has seen that everything recorded by now is in the books
        async with service.scoped() as connection:
            asked = "SELECT known_at > (SELECT max(recorded_at) FROM fills WHERE account_id = $1) FROM books_progress"
            return bool(await connection.fetchval(f"{asked} WHERE account_id = $1", name))

    async with asyncio.timeout(30):
        while not await settled():
            await asyncio.sleep(0.1)
            await bookkeeper.run(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET lot_matching = 'LIFO' WHERE account_id = $1", name)
    await (Bookkeeper() if restarts else bookkeeper).run(service)
    assert [trade.gross_pnl for trade in (await assert_books_are_those_of_one_fold(service, name)).trades] == [10]


async def test_a_rebuild_up_to_a_moment_leaves_alone_what_a_bot_writes_meanwhile(service: Database) -> None:
    name = await given_suite_account(service)
    await tell(service, [fill_row(name, 1, 10, "buy 1", 10), fill_row(name, 2, 90_000, "sell 1", 30)])
    await Bookkeeper().run(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET books = 'bot' WHERE account_id = $1", name)
    assert not (await rebuild(service, name, BEGIN, upto=BEGIN + 20 * SECOND)).changed
    await tell(service, [fill_row(name, 1, 10, "buy 0", 10, revision=1)])
    await rebuild(service, name, BEGIN, upto=BEGIN + 20 * SECOND)
    async with service.scoped() as connection:
        kept = await trades(connection, name, EPOCH, ())
    assert [trade.quantity for trade in kept] == [1]  # it follows from facts no more, and the next rebuild says so
    await rebuild(service, name, BEGIN)
    async with service.scoped() as connection:
        kept = await trades(connection, name, EPOCH, ())
    assert [trade.quantity for trade in kept] == [0]


async def test_a_rebuild_of_a_replay_that_its_bot_keeps_ends_where_the_bot_is(service: Database) -> None:
    name = await given_suite_account(service, clock="replay")
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET books = 'bot' WHERE account_id = $1", name)
    early = flow_row(name, 2, 500, "deposit", 7)
    await tell(service, [flow_row(name, 1, 0, "deposit", 100), early, fill_row(name, 1, 10, "buy 1", 10)])
    await tell(service, [heartbeat_row(name, 20)])
    async with service.scoped() as connection:
        await begin(connection, name)
        _, folding = await refold(connection, name, BEGIN)
    assert (folding.ledger.external, folding.until) == (100, BEGIN + 20 * SECOND)
    assert [each.source_id for each in folding.waiting] == ["c2"]


async def test_books_of_nobody_are_refused(service: Database) -> None:
    with pytest.raises(UnknownName, match="NOBODY"):
        await rebuild(service, "NOBODY", BEGIN)


async def test_what_purged_prices_said_stays_when_the_facts_agree(service: Database) -> None:
    name = await given_suite_account(service)
    prices = [mark_row(name, second, price) for second, price in ((1, 100), (20, 150), (40, 110), (90, 105))]
    await tell(service, [*prices, fill_row(name, 1, 2, "buy 9", 100), fill_row(name, 2, 50, "sell 5", 110)])
    await Bookkeeper().run(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM market_snapshots WHERE source = $1", f"market-{name}")
        await connection.execute(
            "INSERT INTO daily_purge_flags (day, table_name, cutoff) VALUES ('2024-12-20', 'market_snapshots', $1)",
            BEGIN + timedelta(days=1),
        )
    assert not (await rebuild(service, name, BEGIN)).changed
    await tell(service, [fill_row(name, 2, 50, "sell 6", 110, revision=1)])
    assert (await rebuild(service, name, BEGIN)).trades == 1
    async with service.scoped() as connection:
        mfe = await connection.fetchval("SELECT mfe FROM trades WHERE revision = 1")
        equity = await connection.fetch(
            "SELECT DISTINCT ON (at) at, revision FROM trading_pnl ORDER BY at, revision DESC"
        )
    assert mfe == Decimal("0.5")
    assert {(row["at"] - BEGIN).total_seconds(): row["revision"] for row in equity if row["revision"]} == {50: 1, 90: 1}


async def test_a_rate_known_the_other_way_round_is_the_same_to_the_fold_and_to_the_views(service: Database) -> None:
    name = await given_suite_account(service)
    pair = {"base": "USD", "quote": "EUR"}
    rows = [rate_row(name, second, Decimal(rate), **pair) for second, rate in enumerate(("0.9", "0.93", "150.25", "7"))]
    await tell(service, rows)
    async with service.scoped() as connection:
        folded = (await facts(connection, name)).rates
        viewed = [
            await connection.fetchval("SELECT fx_rate_at($1, 'EUR', 'USD', $2, 'infinity')", each.source, each.at)
            for each in folded
        ]
    assert [(each.base, each.quote, each.rate) for each in folded] == [("EUR", "USD", rate) for rate in viewed]
    assert viewed[0] == Decimal("1.111111111111")
