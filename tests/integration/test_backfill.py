"""The months before the first start: complete, provable, told as if the bot had been there."""

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from main.clock import now
from main.config import load_settings
from main.database.address import Address
from main.database.pool import Database
from main.domain.events import Candle, CashFlow, Fill, FxRate, Instrument
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.errors import DatabaseError, DatabaseUnreachable
from main.monitoring.reads import account_summary, daily_pnl, positions
from main.trading.backfill import Backfilled, backfill, has_no_past
from main.trading.choice import choose
from main.trading.feeds.sim_history import CRASH_DAYS_AGO
from main.trading.run import run_bot
from main.trading.staff import Staff
from tests.given import asked, past, rolled_up
from tests.integration.test_trading import KILLABLE, exit_of, free_port, until, value
from tests.running import told

DAYS = 120
DAY = timedelta(days=1)
UNTIL = datetime.now(UTC)
MIDNIGHT = UNTIL.replace(hour=0, minute=0, second=0, microsecond=0)
ACCOUNTS = {"SIM": "USD", "SIM-EUR": "EUR", "SIM-ROTATION": "USD"}
IN_TIME = {"market_data", "model_predictions"}  # a bar is known when it closes, an outcome when it comes


def settings_for(folder: Path, days: int, **trade: object) -> Any:
    ports = {"health_port": free_port(), "interval": 0.2}
    values = {"feed": "sim", "history_days": days, **ports, **trade}
    given = {"data_dir": str(folder / "data")} | {f"trade.{name}": each for name, each in values.items()}
    return load_settings(given, env={}, cwd=folder)  # with a spool of its own: a killed test's would be written here


async def fill(address: Address, days: int, *, seed: int = 1, moment: datetime = UNTIL, **options: Any) -> Any:
    chosen = choose(load_settings({"trade.feed": "sim", "trade.seed": seed}, env={}, cwd=Path("/nonexistent")))
    history = chosen.feed.history(days, moment)  # type: ignore[attr-defined]
    return await backfill(address, chosen.feed, history, Staff(chosen).of_history(history), **options)


@dataclass
class Filled:
    address: Address
    done: Backfilled
    logged: list[Any]


@contextlib.contextmanager
def cloned(server: Address, template: str) -> Iterator[Address]:
    """A fresh database, for as long as wanted."""
    address = replace(server, database=f"test_{uuid.uuid4().hex[:16]}")

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(**server.connect_arguments(), timeout=5)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(administer(f"CREATE DATABASE {address.database} TEMPLATE {template} STRATEGY file_copy"))
    try:
        yield address
    finally:
        asyncio.run(administer(f"DROP DATABASE {address.database} WITH (FORCE)"))


@pytest.fixture(scope="module")
def filled(server: Address, template: str) -> Iterator[Filled]:
    """One database with the whole history, for all tests that only look at it."""
    with cloned(server, template) as address:
        with capture_logs() as logged:
            done = asyncio.run(fill(address, DAYS))
        yield Filled(address, done, logged)


@pytest.fixture
async def books(filled: Filled) -> Any:
    database = Database(filled.address, role="service", max_size=2, command_timeout=60)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def pages(filled: Filled) -> Any:
    database = Database(filled.address, role="app", max_size=2)
    await database.open()
    yield database
    await database.close()


async def rows(service: Database, sql: str, *arguments: object) -> list[Any]:
    async with service.scoped() as connection:
        return list(await connection.fetch(sql, *arguments))


async def test_every_observation_of_120_days_is_explained_to_the_last_digit(books):
    proof = """
        SELECT p.account_id, count(*) AS observations,
               max(abs(p.equity - flows.external - p.realized_pnl + p.fees - p.unrealized_pnl - coalesce(p.fx_pnl, 0)))
               AS residual
          FROM trading_pnl p,
               LATERAL (SELECT sum(amount) AS external FROM cash_flows f
                         WHERE f.account_id = p.account_id AND f.at <= p.at) AS flows
         GROUP BY 1
    """
    found = {row["account_id"]: row for row in await rows(books, proof)}
    assert set(found) == set(ACCOUNTS)
    for row in found.values():
        assert row["residual"] == 0
        assert row["observations"] > 1200


@pytest.mark.parametrize("account", ACCOUNTS)
async def test_books_folded_from_the_stored_facts_are_the_books_that_were_recorded(books, account):
    facts = "at, account_id AS account, source, source_id, revision"
    fills = await rows(
        books,
        f"SELECT {facts}, symbol, side, quantity, price, fee, multiplier FROM fills WHERE account_id = $1",
        account,
    )
    flows = await rows(books, f"SELECT {facts}, kind, amount FROM cash_flows WHERE account_id = $1", account)
    rates = await rows(books, "SELECT at, source, base, quote, rate FROM fx_rates")
    symbols = await rows(books, "SELECT at, source, symbol, currency FROM instruments")
    ledger = Ledger.folded(
        account,
        "sim",
        [Fill(**dict(row)) for row in fills],
        [CashFlow(**dict(row)) for row in flows],
        [Instrument(**dict(row)) for row in symbols],
        rates=[FxRate(**dict(row)) for row in rates],
        currency=ACCOUNTS[account],
    )
    mids = "SELECT DISTINCT ON (symbol) symbol, mid, at FROM market_snapshots ORDER BY symbol, at DESC"
    for row in await rows(books, mids):
        ledger.mark(row["symbol"], row["mid"], row["at"])
    last = "SELECT * FROM trading_pnl WHERE account_id = $1 ORDER BY at DESC LIMIT 1"
    recorded = (await rows(books, last, account))[0]
    proof = ledger.proof()
    assert proof.residual == 0
    assert (proof.equity, proof.realized, proof.fees) == (
        recorded["equity"],
        recorded["realized_pnl"],
        recorded["fees"],
    )
    gross = "SELECT sum(gross_pnl) FROM trades WHERE account_id = $1"
    assert await value(books, gross, account) == ledger.realized
    held = "SELECT symbol, quantity FROM positions WHERE account_id = $1 AND is_active ORDER BY symbol"
    assert [tuple(row) for row in await rows(books, held, account)] == [
        (each.symbol, each.quantity) for each in ledger.positions
    ]


async def test_every_table_that_pages_need_has_rows(books):
    tables = """
        accounts accounts_history alerts alerts_history bot_heartbeats candles cash_flows daily_stats
        daily_stats_history fills fx_rates instruments market_data market_indices market_snapshots order_events orders
        orders_history positions positions_history system_events trades trading_pnl
    """
    for table in tables.split():
        assert await value(books, f"SELECT count(*) FROM {table}") > 0, table


async def test_there_is_no_day_without_statistics_equity_or_bars(books):
    days = """
        SELECT account_id, count(*) AS days, max(day) - min(day) + 1 AS span FROM daily_stats GROUP BY 1
    """
    for row in await rows(books, days):
        assert row["days"] == row["span"] >= DAYS
    gaps = "SELECT at - lag(at) OVER (PARTITION BY account_id ORDER BY at) AS gap FROM trading_pnl"
    assert await value(books, f"SELECT max(gap) FROM ({gaps}) AS gaps") == timedelta(hours=4)
    bars = """
        SELECT symbol, count(*) AS bars, max(at) - min(at) AS span, max(at) AS last FROM candles
         WHERE interval = '1d' GROUP BY 1
    """
    found = await rows(books, bars)
    assert len(found) == 9  # the symbols and the index
    for row in found:
        assert row["bars"] == row["span"] / DAY + 1 == 260 + DAYS
        assert row["last"] == MIDNIGHT - DAY


async def test_everything_was_learned_when_it_happened(books):
    tables = """
        SELECT c.table_name, max(c.column_name) FILTER (WHERE c.column_name IN ('at', 'exit_time')) AS moment
          FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name !~ '_(default|\\d{4}_\\d{2})$'
         GROUP BY 1 HAVING bool_or(c.column_name = 'recorded_at') AND bool_or(c.column_name IN ('at', 'exit_time'))
    """
    looked_at = 0
    for row in await rows(books, tables):
        table, moment = row["table_name"], row["moment"]
        late = f"recorded_at - {moment} NOT BETWEEN '0' AND '1 microsecond'"  # the first deposit comes before its tick
        wrong = await value(books, f"SELECT count(*) FROM {table} WHERE {late}")
        if table not in IN_TIME:
            assert wrong == 0, table
        looked_at += await value(books, f"SELECT count(*) FROM {table}")
    assert looked_at >= 120_000
    early = """
        SELECT count(*) FROM market_data WHERE recorded_at < at + CASE interval WHEN '5m' THEN interval '5 minutes'
                                               WHEN '1h' THEN interval '1 hour' ELSE interval '1 day' END
    """
    assert await value(books, early) == 0
    for table in ("orders", "positions", "daily_stats", "alerts", "accounts"):
        assert await value(books, f"SELECT count(*) FROM {table}_history WHERE changed_at <> recorded_at") == 0


async def test_one_day_hits_the_loss_limit_blocks_trading_and_leaves_an_alert_behind(books):
    crash = (MIDNIGHT - CRASH_DAYS_AGO * DAY).date()
    days = "SELECT day, loss_used, trading_blocked FROM daily_stats WHERE account_id = 'SIM' AND limit_hit"
    hit = await rows(books, days)
    assert [(row["day"], row["trading_blocked"]) for row in hit] == [(crash, True)]
    assert hit[0]["loss_used"] >= 5000
    alert = "SELECT severity, value, threshold, fired_at, resolved_at FROM alerts WHERE alert_id = $1"
    told = (await rows(books, alert, f"SIM:auto_loss_limit:{crash}"))[0]
    assert (told["severity"], told["threshold"]) == ("critical", 5000)
    assert told["value"] >= 5000
    assert told["fired_at"].date() == crash
    assert told["resolved_at"].date() == crash + DAY
    closed = "SELECT DISTINCT exit_time::date FROM trades WHERE account_id = 'SIM' AND exit_type = 'auto_loss_limit'"
    assert [row[0] for row in await rows(books, closed)] == [crash]
    traded = "SELECT count(*) FROM fills WHERE account_id = 'SIM' AND at > $1 AND at < $2"
    assert await value(books, traded, told["fired_at"] + timedelta(hours=1), told["resolved_at"]) == 0


def test_the_log_tells_what_the_simulated_past_brought_with_its_own_time_and_warns_nobody_of_it_today(filled):
    assert {line["log_level"] for line in filled.logged} == {"info"}
    blocked = [line for line in filled.logged if line["event"] == "trading blocked in the simulated past"]
    assert {line["account"] for line in blocked} >= {"SIM"}
    crash = (MIDNIGHT - CRASH_DAYS_AGO * DAY).date()
    assert [datetime.fromisoformat(line["market_time"]).date() for line in blocked if line["account"] == "SIM"] == [
        crash
    ]


async def test_the_venue_refuses_orders_while_it_is_maintained_on_sundays(books):
    refused = "SELECT reason, at FROM order_events WHERE account_id = 'SIM' AND kind = 'rejected'"
    found = await rows(books, refused)
    assert len(found) > 20
    assert {(row["at"].weekday(), row["at"].hour) for row in found if "cancel only" in row["reason"]} == {(6, 4)}


async def test_cash_came_and_went_on_the_days_of_the_script(books):
    flows = "SELECT kind, amount, at FROM cash_flows WHERE account_id = 'SIM-EUR' ORDER BY at"
    found = await rows(books, flows)
    assert [(row["kind"], row["amount"]) for row in found] == [
        ("deposit", 100_000),
        ("deposit", 25_000),
        ("deposit", 10_000),
        ("withdrawal", -15_000),
    ]
    assert [(MIDNIGHT - row["at"].replace(hour=0, minute=0)) // DAY for row in found[1:]] == [90, 60, 20]


async def test_every_run_of_a_pipeline_came_to_its_end(books):
    told = await rows(books, "SELECT status, finished_at FROM pipeline_status")
    assert len(told) > 4 * 90  # four pipelines, a run a day
    assert {row["status"] for row in told} == {"succeeded"}
    assert all(row["finished_at"] for row in told)


async def test_the_past_can_be_asked_about_as_any_other(pages, books):
    then = MIDNIGHT - 50 * DAY + timedelta(hours=7)
    held = await asked(pages, positions.READ, past(then, "SIM", "SIM-EUR"))
    assert held == await asked(pages, positions.READ, past(then, "SIM", "SIM-EUR", known_at=then))
    signed: dict[tuple[str, str], Decimal] = {
        (row["account_id"], row["symbol"]): row["held"]
        for row in await rows(
            books,
            "SELECT account_id, symbol, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) AS held FROM fills "
            "WHERE at <= $1 AND account_id <> 'SIM-ROTATION' GROUP BY 1, 2",
            then,
        )
    }
    assert {(row.account, row.symbol): row.quantity * (1 if row.side == "long" else -1) for row in held} == {
        place: quantity for place, quantity in signed.items() if quantity
    }
    summary = (await asked(pages, account_summary.READ, past(then, "SIM")))[0]
    equity = "SELECT equity FROM trading_pnl WHERE account_id = 'SIM' AND at <= $1 ORDER BY at DESC LIMIT 1"
    assert summary.equity == await value(books, equity, then)
    assert await asked(pages, daily_pnl.READ, past(then, "SIM"))


OF_A_RUN = {"source_id", "uptime_seconds", "pid", "host", "sequence"}
"""Columns that tell one run or one writing from another."""

MADE = "fills orders order_events trades trading_pnl positions_history market_snapshots market_data bot_heartbeats"


async def digest(address: Address) -> dict[str, Any]:
    """Everything of a back-fill but what tells its run from another."""
    database = Database(address, role="service", max_size=1, command_timeout=60)
    await database.open()
    found = {}
    try:
        for table in MADE.split():
            own = sorted(OF_A_RUN if table == "bot_heartbeats" else {"sequence"})
            lines = f"SELECT (to_jsonb(t) - $1::text[])::text AS line FROM {table} t"
            whole = f"SELECT md5(string_agg(line, '' ORDER BY line)) FROM ({lines}) AS lines"
            found[table] = await value(database, whole, own)
    finally:
        await database.close()
    return found


def test_the_same_seed_and_moment_make_the_same_past(server, template):
    digests = []
    for _ in range(2):
        with cloned(server, template) as address:
            asyncio.run(fill(address, 3))
            digests.append(asyncio.run(digest(address)))
    assert digests[0] == digests[1]
    assert all(digests[0].values())


async def nothing_recorded(service: Database) -> bool:
    async with service.scoped() as connection:
        return await has_no_past(connection, list(ACCOUNTS), "sim")


async def test_a_back_fill_killed_in_the_middle_leaves_nothing_and_the_next_start_makes_it_whole(
    tmp_path, address, service
):
    given = {
        "trade": {"trade.feed": "sim", "trade.history_days": 30, "trade.health_port": free_port()},
        "folder": str(tmp_path),
        "address": told(address),
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLABLE, stdin=asyncio.subprocess.PIPE, env={"PYTHONPATH": "src"}
    )
    assert bot.stdin is not None
    bot.stdin.write(json.dumps(given).encode())
    bot.stdin.close()

    watching = await asyncpg.connect(**address.connect_arguments(), timeout=5)  # sees what others execute
    back_fills = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ai-trader back-fill' "
        "AND datname = current_database() AND query LIKE $1"
    )

    async def writing() -> bool:
        return bool(await watching.fetchval(back_fills, "INSERT INTO public.%"))

    try:
        await until(writing, asyncio.create_task(exit_of(bot)))
    finally:
        bot.kill()
        await bot.wait()

    async def gone() -> bool:
        return not await watching.fetchval(back_fills, "%")

    await until(gone, asyncio.create_task(asyncio.sleep(60)))
    await watching.close()
    assert await nothing_recorded(service)
    assert await value(service, "SELECT count(*) FROM accounts") == 0
    await fill(address, 3)
    assert not await nothing_recorded(service)
    assert await value(service, "SELECT count(DISTINCT account_id) FROM trading_pnl") == 3


async def test_a_bot_that_is_to_stop_gives_its_back_fill_up(address, service):
    asked_before = iter([False] * 20)
    with pytest.raises(DatabaseError, match="the next start writes it"):
        await fill(address, 3, stopping=lambda: next(asked_before, True))
    assert await nothing_recorded(service)


async def test_without_a_database_the_back_fill_says_so(address):
    with pytest.raises(DatabaseUnreachable):
        await fill(replace(address, port=free_port()), 1)


async def test_rows_that_are_refused_leave_nothing_behind_and_do_not_keep_the_bot_from_trading(address, service):
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    await connection.execute("ALTER TABLE fills ADD CONSTRAINT none_at_all CHECK (price < 0) NOT VALID")
    await connection.close()
    assert await fill(address, 3) is None
    assert await nothing_recorded(service)


async def test_a_bot_tells_that_it_writes_its_past_and_is_stopped_in_the_middle_without_ado(tmp_path, address, service):
    stop = asyncio.Event()

    async def begun() -> bool:
        return any(line["event"] == "history is written first" for line in told)

    with capture_logs() as told:
        bot = asyncio.create_task(run_bot(settings_for(tmp_path, 60), address, stop))
        await until(begun, bot)
        stop.set()
        await bot
    assert not [line for line in told if line["log_level"] != "info"]
    assert await nothing_recorded(service)


async def test_the_bot_goes_on_live_from_where_its_past_ended_and_never_fills_in_twice(tmp_path, address, service):
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings_for(tmp_path, 2), address, stop))

    async def live(cycles: int) -> bool:
        beats = "SELECT count(*) >= $1 FROM bot_heartbeats WHERE interval_seconds < 60 AND recorded_at > $2"
        return bool(await value(service, beats, cycles, began))

    began = now()
    await until(lambda: live(12), bot)
    stop.set()
    await bot
    last = await value(service, "SELECT max(at) FROM bot_heartbeats WHERE interval_seconds >= 60 OR at < $1", began)
    jump = """
        WITH moves AS (
            SELECT at, mid, lag(mid) OVER (PARTITION BY symbol ORDER BY at) AS before, best_ask - best_bid AS spread
              FROM market_snapshots)
        SELECT max(abs(mid - before) / spread) FROM moves WHERE at::timestamptz > $1
    """
    assert await value(service, jump, last) < 20
    snapshots = "SELECT count(*) FROM market_snapshots WHERE at < $1"
    before = await value(service, snapshots, began)
    assert await value(service, "SELECT count(*) FROM cash_flows WHERE source_id = 'initial'") == 3
    residual = """
        SELECT max(abs(p.equity - 100000 - p.realized_pnl + p.fees - p.unrealized_pnl - coalesce(p.fx_pnl, 0)))
          FROM trading_pnl p
    """
    assert await value(service, residual) == 0  # through the restart, too

    stop = asyncio.Event()
    again = asyncio.create_task(run_bot(settings_for(tmp_path, 2), address, stop))
    began = now()
    await until(lambda: live(3), again)
    stop.set()
    await again
    assert await value(service, snapshots, began) >= before
    assert await value(service, "SELECT count(*) FROM cash_flows WHERE source_id = 'initial'") == 3


async def test_a_roll_up_that_was_there_before_the_past_learns_of_it(address, service):
    async with service.scoped() as connection:  # as after another market's facts were rolled up
        await connection.execute("UPDATE rollup_progress SET rolled_until = clock_timestamp()")
    done = await fill(address, 3)

    async def rolled() -> bool:
        await rolled_up(service)
        hours = "SELECT count(DISTINCT at) > 24 FROM equity_rollups WHERE width = 'hour' AND account_id = 'SIM-EUR'"
        days = "SELECT count(DISTINCT at) = 3 FROM market_rollups WHERE width = 'day' AND source = 'sim'"
        return bool(await value(service, hours) and await value(service, days))

    assert done is not None
    await until(rolled, asyncio.create_task(asyncio.sleep(60)))


class Recorded:
    """What a recorder is to the floor; it keeps the bars of one symbol."""

    statistics = SimpleNamespace(dropped={}, database_reachable=True)

    def __init__(self) -> None:
        self.bars: list[Candle] = []

    def record(self, event: Any) -> None:
        if isinstance(event, Candle) and event.symbol == "BTC-USD":
            self.bars.append(event)


async def test_bars_in_which_the_past_ends_are_closed_by_the_live_market_with_all_that_was_traded(address, service):
    end = MIDNIGHT - DAY + timedelta(hours=10, minutes=42, seconds=30)
    chosen = choose(load_settings({"trade.feed": "sim"}, env={}, cwd=Path("/nonexistent")))
    staff, history = Staff(chosen), chosen.feed.history(1, end)  # type: ignore[attr-defined]
    assert await backfill(address, chosen.feed, history, staff.of_history(history))
    staff.go_on_from_history()
    await staff.restore(service)
    recorded = Recorded()
    floor, _ = staff.floor(recorded, [free_port() for _ in chosen.seats])  # type: ignore[arg-type]
    for minute in range(3, 19):  # what it takes to write a history goes by first
        await floor.cycle(history.market.advance(end + timedelta(minutes=minute), 60.0))
    found = {bar.at.strftime("%H:%M"): bar for bar in recorded.bars if bar.interval == "5m"}
    assert list(found) == ["10:40", "10:45", "10:50", "10:55"]
    assert None not in {bar.volume for bar in found.values()}
    (hour,) = (bar for bar in recorded.bars if bar.interval == "1h")
    opened = "SELECT open FROM market_data WHERE symbol = $1 AND interval = '5m' AND at = $2"
    assert hour.at.strftime("%H:%M") == "10:00"
    assert hour.open == await value(service, opened, hour.symbol, hour.at)
    assert hour.volume > sum(bar.volume for bar in found.values())


async def test_an_account_that_joins_a_market_with_a_past_begins_today(address, service):
    await fill(address, 1)
    async with service.scoped() as connection:
        assert not await has_no_past(connection, ["SIM-NEW"], "sim")
        assert await has_no_past(connection, ["OTHER"], "sim:OTHER")


def test_ticks_of_the_past_hold_all_that_is_recorded_of_a_market():
    feed = choose(load_settings({"trade.feed": "sim"}, env={}, cwd=Path("/nonexistent"))).feed
    tick: Tick = next(iter(feed.history(1, UNTIL)))  # type: ignore[attr-defined]
    assert set(tick.levels) == {"SIMX", "SIMVOL"}
    assert set(tick.rates) == {("USD", "EUR")}
