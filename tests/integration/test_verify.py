"""`db verify` finds nothing in right books, and everything in wrong ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from main.books.bookkeeper import Bookkeeper
from main.books.verify import Difference, Verified, verify
from main.config import load_settings
from main.database.address import Address
from main.database.pool import Database
from main.domain.market import Tick
from main.errors import UnknownName
from main.recording import Recorder
from main.trading.choice import choose
from main.trading.feeds.sim import SimFeed
from main.trading.floor import Floor
from main.trading.staff import Staff
from tests.given import given_account, given_fill, given_flow, given_instrument, given_trade, insert
from tests.integration.test_backfill import cloned
from tests.integration.test_books import fill_row, flow_row, given_suite_account, mark_row, rate_row, tell
from tests.integration.test_db_command import command
from tests.integration.test_trading import running, settings_for, until, value
from tests.prices import write_bars

TICKS = 300
STEP = timedelta(minutes=10)


class Hours(SimFeed):
    """A simulated market that ticks some hours as fast as it can, and then asks the bot to stop."""

    def __init__(self, recorder: Recorder, stop: asyncio.Event) -> None:
        self.begin = datetime.now(UTC) - (TICKS + 1) * STEP
        super().__init__(1, STEP.total_seconds(), moments=lambda: self.begin, paced=False)
        self._recorder, self._stop = recorder, stop

    async def __aiter__(self) -> AsyncIterator[Tick]:
        for number in range(TICKS):
            if number % 20 == 0:  # or prices would be dropped, for nobody waits for the database
                assert await asyncio.to_thread(self._recorder.flush, 30)
            yield self.next_tick()
        self._stop.set()


async def trade(address: Address) -> None:
    """Two days of an account in dollars and one in euros on one simulated market, recorded as always."""
    stop, recorder = asyncio.Event(), Recorder(address)
    recorder.start()
    settings = load_settings({"trade.feed": "sim", "trade.account": "SIM,SIM-EUR"}, env={}, cwd=Path("/nonexistent"))
    feed = Hours(recorder, stop)
    history = SimFeed(1).history(1, feed.begin)
    journal, engines = Staff(choose(settings)).of_history(history)(feed, recorder)
    for event in (*(engine.journal.account for engine in engines), *feed.instruments):
        recorder.record(event)
    try:
        await Floor(feed, journal, engines).run(stop)
    finally:
        unwritten = await asyncio.to_thread(recorder.close, 30)
    assert (unwritten, sum(recorder.statistics.dropped.values())) == (0, 0)


@pytest.fixture(scope="module")
def traded(server: Address, template: str) -> Iterator[str]:
    """The name of a database with two right accounts, to be copied."""
    with cloned(server, template) as address:
        asyncio.run(trade(address))
        yield address.database


@pytest.fixture
def copy(server: Address, traded: str) -> Iterator[Address]:
    with cloned(server, traded) as address:
        yield address


@pytest.fixture
async def books(copy: Address) -> AsyncIterator[Database]:
    service = Database(copy, role="service", max_size=2)
    await service.open()
    yield service
    await service.close()


async def execute(service: Database, *statements: str) -> None:
    async with service.scoped() as connection:
        for statement in statements:
            assert not (await connection.execute(statement)).endswith(" 0"), statement


async def verified(service: Database, account: str) -> Verified:
    (found,) = await verify(service, [account])
    return found


def told(found: Verified) -> set[tuple[str, str]]:
    return {(each.kind, each.field) for each in found.differences}


async def test_what_a_bot_recorded_in_two_currencies_over_days_follows_from_its_facts(books: Database) -> None:
    found = {each.account: each for each in await verify(books)}
    assert set(found) == {"SIM", "SIM-EUR"}
    for each in found.values():
        assert (each.differences, each.skipped, each.waiting) == ((), None, 0)
        assert each.facts > 100
        assert each.compared > TICKS
    fx = "SELECT count(*) FROM trading_pnl WHERE account_id = 'SIM-EUR' AND fx_pnl <> 0"
    assert await value(books, fx) > 0
    assert await value(books, "SELECT count(*) FROM daily_stats") >= 4
    assert await value(books, "SELECT count(*) FROM positions WHERE is_active") > 0


async def test_a_replay_that_was_stopped_and_went_on_verifies(tmp_path: Path, address: Address, service: Database):
    folder = write_bars(tmp_path / "prices", "2008-06-01", "2008-12-31", ("AAPL", "IBM"))
    settings = settings_for(tmp_path, f"replay:{folder}", speed=500, account="R")

    def bars(count: int) -> Callable[[], object]:
        async def seen() -> bool:
            return bool(await value(service, "SELECT count(DISTINCT at) >= $1 FROM trading_pnl", count))

        return seen

    for count in (40, 149):
        async with running(settings, address) as bot:
            await until(bars(count), bot)  # type: ignore[arg-type]
        found = await verified(service, "R")
        assert found.differences == ()
        assert found.compared > count


async def suite_account(service: Database) -> str:
    name = await given_suite_account(service)
    facts = [flow_row(name, 1, 0, "deposit", 10_000), rate_row(name, 0, Decimal("1.1")), mark_row(name, 0, 100)]
    facts += [fill_row(name, 1, 1, "buy 5", 100), fill_row(name, 2, 2, "sell 7", 110), mark_row(name, 3, 107)]
    facts += [fill_row(name, 3, 90_000, "buy 3", 50, symbol="Y"), mark_row(name, 90_001, 51, "Y")]
    await tell(service, [*facts, rate_row(name, 90_002, Decimal("1.2"))])
    return name


async def test_the_books_that_the_suite_keeps_verify_before_and_after_a_correction(service: Database) -> None:
    name = await suite_account(service)
    assert "not kept its books yet" in str((await verified(service, name)).skipped)
    await Bookkeeper().run(service)
    found = await verified(service, name)
    assert (found.differences, found.facts, found.skipped) == ((), 4, None)
    await tell(service, [fill_row(name, 2, 2, "sell 5", 111, revision=1)])
    assert told(await verified(service, name)) >= {("trade", "gross_pnl"), ("equity", "cash"), ("day", "realized_pnl")}
    await Bookkeeper().run(service)
    assert (await verified(service, name)).differences == ()


async def test_facts_that_the_worker_has_not_come_to_are_no_difference(service: Database) -> None:
    name = await suite_account(service)
    await Bookkeeper().run(service)
    later = (datetime.now(UTC) - datetime(2024, 11, 19, 14, tzinfo=UTC)).total_seconds()
    await tell(service, [fill_row(name, 9, later, "sell 2", 110)])
    found = await verified(service, name)
    assert (found.differences, found.waiting) == ((), 1)


ONE = "account_id = 'SIM-EUR' AND ctid = (SELECT max(ctid) FROM {} WHERE account_id = 'SIM-EUR' {})"
TRADE = ONE.format("trades", "")
EQUITY = ONE.format("trading_pnl", "")
DAY = ONE.format("daily_stats", "")
POSITION = ONE.format("positions", "AND is_active")
SAME = "source, revision, exit_time, symbol, transaction_type, quantity, entry_time, entry_price, exit_price, exit_type"
ANOTHER = f"""
    INSERT INTO trades (account_id, source_id, entry_fill, exit_fill, gross_pnl, fees, realized_pnl, {SAME})
    SELECT account_id, %s, 12, 2, 10, {SAME} FROM trades WHERE {TRADE}
"""
INVENTED = ANOTHER % "'in:vented', 'in', 'vented'"
BY_HAND = ANOTHER % "'by-hand', NULL, NULL"
ONE_TOO_MANY = """
    INSERT INTO positions (account_id, position_id, source, symbol, side, quantity, entry_time, entry_price, at)
    VALUES ('SIM-EUR', 'GHOST@1', 'sim', 'GHOST', 'long', 1, now(), 100, now())
"""

TAMPERING = {
    "a trade's result": (f"UPDATE trades SET gross_pnl = gross_pnl + 1 WHERE {TRADE}", {("trade", "gross_pnl")}),
    "a trade's excursion": (f"UPDATE trades SET mfe = mfe + 1 WHERE {TRADE}", {("trade", "mfe")}),
    "a trade deleted": (f"DELETE FROM trades WHERE {TRADE}", {("trade", "")}),
    "a trade invented": (INVENTED, {("trade", "")}),
    "a position's quantity": (
        f"UPDATE positions SET quantity = quantity * 2 WHERE {POSITION}",
        {("position", "quantity")},
    ),
    "a position missing": (f"DELETE FROM positions WHERE {POSITION}", {("position", "")}),
    "a position too many": (ONE_TOO_MANY, {("position", "")}),
    "an observation": (f"UPDATE trading_pnl SET equity = equity + 0.01 WHERE {EQUITY}", {("equity", "equity")}),
    "cash": (f"UPDATE trading_pnl SET cash = cash + 0.01 WHERE {EQUITY}", {("equity", "cash")}),
    "the result of rates": (f"UPDATE trading_pnl SET fx_pnl = fx_pnl + 1 WHERE {EQUITY}", {("equity", "fx_pnl")}),
    "a day's result": (f"UPDATE daily_stats SET realized_pnl = 7 WHERE {DAY}", {("day", "realized_pnl")}),
    "a day's trades": (f"UPDATE daily_stats SET trades = trades + 1 WHERE {DAY}", {("day", "trades")}),
    "a day's fees": (f"UPDATE daily_stats SET fees = fees + 1 WHERE {DAY}", {("day", "fees")}),
    "a day's loss": (f"UPDATE daily_stats SET loss_used = loss_used + 1 WHERE {DAY}", {("day", "loss_used")}),
    "the only deposit missing": (
        "DELETE FROM cash_flows WHERE account_id = 'SIM-EUR'",
        {("equity", "cash"), ("equity", "equity")},
    ),
    "a deposit missing": (  # what was recorded is what followed from two
        "UPDATE trading_pnl SET equity = equity + 500, cash = cash + 500 WHERE account_id = 'SIM-EUR'",
        {("equity", "cash"), ("equity", "equity"), ("proof", "residual")},
    ),
    "a fill missing": (
        f"DELETE FROM fills WHERE {ONE.format('fills', '')}",
        {("trade", ""), ("equity", "cash"), ("day", "volume")},
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
async def test_whatever_is_tampered_with_is_found_and_named(books: Database, kind: str) -> None:
    statement, expected = TAMPERING[kind]
    await execute(books, statement)
    found = await verified(books, "SIM-EUR")
    proof = {("proof", "residual")} if any(each.kind in ("trade", "equity") for each in found.differences) else set()
    if len(expected) == 1:
        assert told(found) - proof == expected
        assert len({each.key for each in found.differences if each.kind != "proof"}) == 1
    else:
        assert told(found) >= expected
    assert {each.account for each in found.differences} == {"SIM-EUR"}
    assert (await verified(books, "SIM")).differences == ()


async def test_a_difference_says_which_row_and_both_values(books: Database) -> None:
    row = f"SELECT source_id || '|' || gross_pnl FROM trades WHERE {TRADE}"
    source_id, _, gross = (await value(books, row)).partition("|")
    await execute(books, f"UPDATE trades SET gross_pnl = 5 WHERE {TRADE}")
    wrong = [each for each in (await verified(books, "SIM-EUR")).differences if each.kind == "trade"]
    assert wrong == [Difference("SIM-EUR", "trade", source_id, "gross_pnl", Decimal(5), Decimal(gross))]
    await execute(books, BY_HAND)
    found = await verified(books, "SIM-EUR")
    assert [each.key for each in found.differences if each.kind == "trade"] == [source_id]  # one by hand is nobody's


async def test_a_day_between_others_is_missed(books: Database) -> None:
    await execute(
        books, "DELETE FROM daily_stats WHERE account_id = 'SIM' AND day = (SELECT min(day) + 1 FROM daily_stats)"
    )
    found = await verified(books, "SIM")
    assert [(each.kind, each.field, each.derived) for each in found.differences] == [("day", "", "there")]


async def test_what_needs_prices_that_are_purged_is_left_out_and_the_rest_is_compared(books: Database) -> None:
    half = f"'{await value(books, 'SELECT min(at) + (max(at) - min(at)) / 2 FROM market_snapshots')}'"
    first = "ctid = (SELECT ctid FROM {} WHERE account_id = 'SIM' ORDER BY {} LIMIT 1)"
    await execute(
        books,
        f"DELETE FROM market_snapshots WHERE at < {half}",
        f"UPDATE trading_pnl SET equity = 1, unrealized_pnl = 1 WHERE account_id = 'SIM' AND at < {half}"
        " AND at > (SELECT min(at) + interval '1 day' FROM trading_pnl)",
        f"UPDATE trades SET mfe = 1000000 WHERE account_id = 'SIM' AND {first.format('trades', 'exit_time')}",
    )
    assert (await verified(books, "SIM")).differences == ()
    await execute(
        books,
        f"UPDATE trading_pnl SET cash = 1 WHERE account_id = 'SIM' AND {first.format('trading_pnl', 'at')}",
        f"UPDATE trades SET fees = 77 WHERE account_id = 'SIM' AND {first.format('trades', 'exit_time')}",
        "UPDATE trading_pnl SET equity = 1 WHERE account_id = 'SIM' AND at = (SELECT max(at) FROM trading_pnl)",
    )
    assert told(await verified(books, "SIM")) >= {("equity", "cash"), ("trade", "fees"), ("equity", "equity")}
    await execute(books, "DELETE FROM market_snapshots")
    assert told(await verified(books, "SIM")) - {("proof", "residual")} == {("equity", "cash"), ("trade", "fees")}


async def test_an_account_without_facts_and_one_that_no_ledger_keeps_are_not_verified(service: Database) -> None:
    await given_account(service, "EMPTY")
    await given_account(service, "SQL")
    at = datetime.now(UTC) - timedelta(hours=1)
    await given_flow(service, 1000, at, "SQL")
    await given_fill(service, "buy", 1, 100, at, account="SQL")
    await given_trade(service, 10, at, "SQL")
    await insert(service, "daily_stats", [{"account_id": "SQL", "day": at.date(), "at": at, "realized_pnl": 9}])
    found = {each.account: each for each in await verify(service)}
    assert "nothing follows from nothing" in str(found["EMPTY"].skipped)
    assert "none of its derived rows" in str(found["SQL"].skipped)
    assert found["SQL"].differences == ()


async def test_derived_rows_whose_facts_are_all_gone_are_differences(books: Database) -> None:
    await execute(
        books, "DELETE FROM fills WHERE account_id = 'SIM'", "DELETE FROM cash_flows WHERE account_id = 'SIM'"
    )
    found = await verified(books, "SIM")
    assert (found.facts, found.skipped) == (0, None)
    assert told(found) >= {("trade", ""), ("position", ""), ("equity", "cash")}


async def test_facts_that_make_no_books_are_told_and_keep_no_other_account_waiting(service: Database) -> None:
    await given_account(service, "A", books="suite")
    await given_instrument(service, "X", currency="JPY")
    await given_fill(service, "buy", 1, 100, datetime.now(UTC) - timedelta(hours=1), account="A")
    await insert(
        service, "books_progress", [{"account_id": "A", "known_at": datetime.now(UTC), "until": datetime.now(UTC)}]
    )
    await given_account(service, "B")
    first, second = await verify(service)
    assert [(each.kind, each.field) for each in first.differences] == [("facts", "currency")]
    assert "JPY" in str(first.differences[0].stored)
    assert second.account == "B"


async def test_an_account_that_does_not_exist_is_an_unknown_name(books: Database) -> None:
    with pytest.raises(UnknownName, match='did you mean "SIM"'):
        await verify(books, ["SIN"])


async def test_the_command_tells_people_and_programs(books: Database, copy: Address, tmp_path: Path) -> None:
    right = await asyncio.to_thread(command, copy, tmp_path, "verify")
    assert right.returncode == 0, right.stderr
    assert right.stdout.startswith("SIM: right (")
    assert "SIM-EUR: right (" in right.stdout
    unknown = await asyncio.to_thread(command, copy, tmp_path, "verify", "--account", "SIN")
    assert unknown.returncode == 2
    assert 'did you mean "SIM"' in unknown.stderr

    ghost = "\x1b[31m[red]EVIL\r\n@1"
    async with books.scoped() as connection:
        await connection.execute(ONE_TOO_MANY.replace("'GHOST@1'", "$1").replace("'GHOST'", "$2"), ghost, ghost[:8])
    for arguments in ((), ("--account", "SIM-EUR")):
        wrong = await asyncio.to_thread(command, copy, tmp_path, "verify", *arguments)
        assert wrong.returncode == 1
        assert "SIM-EUR: 1 differences" in wrong.stdout
        assert "\x1b" not in wrong.stdout
        assert "[red]EVIL" in wrong.stdout
        assert ("SIM: right" in wrong.stdout) is not arguments
    machine = await asyncio.to_thread(command, copy, tmp_path, "verify", "--json")
    assert machine.returncode == 1
    accounts = {each["account"]: each for each in json.loads(machine.stdout)["accounts"]}
    assert accounts["SIM"]["differences"] == []
    (difference,) = accounts["SIM-EUR"]["differences"]
    assert difference == {
        "account": "SIM-EUR", "kind": "position", "key": ghost, "field": "", "stored": "there", "derived": None
    }  # fmt: skip


async def test_no_more_than_a_screenful_of_differences_is_printed(
    books: Database, copy: Address, tmp_path: Path
) -> None:
    await execute(books, "UPDATE trading_pnl SET cash = cash + 1 WHERE account_id = 'SIM'")
    wrong = await asyncio.to_thread(command, copy, tmp_path, "verify", "--account", "SIM")
    assert f"SIM: {TICKS} differences" in wrong.stdout
    assert f"… and {TICKS - 50} more (--json prints all)" in wrong.stdout
    assert len(wrong.stdout.splitlines()) == 53
    machine = await asyncio.to_thread(command, copy, tmp_path, "verify", "--account", "SIM", "--json")
    (found,) = json.loads(machine.stdout)["accounts"]
    assert len(found["differences"]) == TICKS
    one = found["differences"][0]
    assert Decimal(one["stored"]) - Decimal(one["derived"]) == 1  # every digit, as text


async def test_an_empty_database_has_nothing_to_verify(address: Address, tmp_path: Path) -> None:
    done = await asyncio.to_thread(command, address, tmp_path, "verify")
    assert (done.returncode, done.stdout) == (0, "No accounts: nothing to verify.\n")
