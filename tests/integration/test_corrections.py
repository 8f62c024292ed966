"""Facts that others correct or record while the bot trades: its own books and the stored rows follow within seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from main.books.verify import verify
from main.clock import now
from main.config import Settings, load_settings
from main.database.address import Address
from main.database.pool import Database
from main.domain.events import Account, Fill
from main.domain.ledger import Ledger
from main.recording import Recorder
from main.recording.sqlite_spool import SqliteSpool
from main.trading.brokers.paper import PaperBroker
from main.trading.corrections import Corrections
from main.trading.engine import Engine
from main.trading.feeds.sim import SimFeed
from main.trading.journal import Journal
from main.trading.risk import Limits, RiskRules
from main.trading.run import run_bot
from main.trading.strategies.market_maker import MarketMaker
from tests.prices import write_bars
from tests.running import first_of_free_ports, free_ports

PATIENCE = 60.0
ACCOUNTS = ["SIM", "SIM-EUR"]
BUST = """
    INSERT INTO fills
    SELECT (jsonb_populate_record(f, '{"quantity": 0, "fee": 0, "revision": 1}' || known)).*
      FROM fills f, jsonb_build_object('recorded_at', clock_timestamp()) AS known
     WHERE (account_id, source_id) IN (SELECT DISTINCT ON (account_id) account_id, exit_fill
                                         FROM trades WHERE account_id = ANY ($1) ORDER BY account_id, exit_time)
"""
LATE = """
    INSERT INTO fills (at, account_id, source, source_id, symbol, side, quantity, price)
    SELECT min(at) + interval '1 microsecond', account_id, 'broker', 'late', min(symbol), 'buy', 1, min(price)
      FROM fills WHERE account_id = 'SIM' GROUP BY account_id
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    trade = {"feed": "sim", "account": ",".join(ACCOUNTS), "history_days": 0, "interval": 0.1}
    trade["health_port"] = first_of_free_ports(2)
    return load_settings(
        {f"trade.{name}": value for name, value in trade.items()}, env={"XDG_DATA_HOME": str(tmp_path)}, cwd=tmp_path
    )


async def value(service: Database, sql: str, *arguments: object) -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(sql, *arguments)


async def until(met: Callable[[], Awaitable[bool]], bot: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE):
        while not await met():
            assert not bot.done(), bot.result()
            await asyncio.wait({bot}, timeout=0.05)


async def test_busted_and_late_fills_reach_the_books_of_a_bot_that_trades_on(
    settings: Settings, address: Address, service: Database
) -> None:
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))
    told = "SELECT count(*) FROM system_events WHERE kind = 'correction' AND account_id = ANY ($1)"

    async def traded() -> bool:
        few = """
            SELECT min(trades) > 3
              FROM (SELECT count(t.account_id) AS trades FROM accounts a LEFT JOIN trades t USING (account_id)
                     GROUP BY a.account_id) AS counted
        """
        return bool(await value(service, few))

    async def corrected() -> bool:
        return bool(await value(service, told, ACCOUNTS) >= 2)

    async def corrected_again() -> bool:
        return bool(await value(service, told, ACCOUNTS) >= 3)

    try:
        await until(traded, bot)
        async with service.scoped() as connection:
            assert await connection.execute(BUST, ACCOUNTS) == "INSERT 0 2"
        await until(corrected, bot)
        async with service.scoped() as connection:
            assert await connection.execute(LATE) == "INSERT 0 1"
        await until(corrected_again, bot)
        before = await value(service, "SELECT count(*) FROM trading_pnl")

        async def went_on() -> bool:
            return bool(await value(service, "SELECT count(*) > $1 FROM trading_pnl", before + 20))

        await until(went_on, bot)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.trade.health_port}") as client:
            status = (await client.get("/status")).json()
            assert (status["status"], status["errors"]) == ("running", 0)
    finally:
        stop.set()
        await bot
    for verified in await verify(service, ACCOUNTS):
        assert (verified.differences, verified.skipped) == ((), None)
    gone = """
        SELECT count(*) FROM trades t JOIN fills f ON (f.account_id, f.source_id) = (t.account_id, t.exit_fill)
         WHERE f.quantity = 0 AND t.quantity > 0
           AND NOT EXISTS (SELECT FROM trades n WHERE (n.account_id, n.source_id) = (t.account_id, t.source_id)
                                                  AND n.revision > t.revision)
    """
    assert await value(service, gone) == 0
    assert await value(service, "SELECT count(*) FROM trades WHERE entry_fill = 'late' OR exit_fill = 'late'") > 0
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind IN ('error', 'record_conflict')") == 0
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0


async def test_a_fill_busted_while_a_replay_was_stopped_is_out_of_all_rows_soon_after_it_goes_on(
    tmp_path: Path, address: Address, service: Database
) -> None:
    prices = write_bars(tmp_path / "prices", "2012-06-01", "2012-08-31")
    trade = {"feed": f"replay:{prices}", "account": "R", "speed": 500, "health_port": first_of_free_ports(1)}
    settings = load_settings(
        {f"trade.{name}": each for name, each in trade.items()}, env={"XDG_DATA_HOME": str(tmp_path)}, cwd=tmp_path
    )

    async def finished() -> bool:
        over = "SELECT EXISTS (SELECT FROM bot_heartbeats WHERE status = 'finished')"
        return bool(await value(service, over))

    async def corrected() -> bool:
        return bool(await value(service, "SELECT EXISTS (SELECT FROM system_events WHERE kind = 'correction')"))

    for met in (finished, corrected):
        stop = asyncio.Event()
        bot = asyncio.create_task(run_bot(settings, address, stop))
        try:
            await until(met, bot)
        finally:
            stop.set()
            await bot
        if met is finished:
            (verified,) = await verify(service, ["R"])
            assert verified.differences == ()
            async with service.scoped() as connection:
                assert await connection.execute(BUST, ["R"]) == "INSERT 0 1"
            (verified,) = await verify(service, ["R"])
            assert verified.differences
    (verified,) = await verify(service, ["R"])
    assert (verified.differences, verified.skipped) == ((), None)


async def test_what_a_bot_learned_in_its_last_moments_is_made_up_for_by_the_next(
    settings: Settings, address: Address, service: Database
) -> None:
    """A bust that was recorded before the last heartbeat, but not followed: the bot was killed."""

    async def traded() -> bool:
        """That it had gone on from the trade for longer than a batch is what the next start knows it by."""
        long_ago = """
            SELECT EXISTS (SELECT FROM (SELECT min(exit_time) AS at FROM trades WHERE account_id = 'SIM') AS first
                             JOIN bot_heartbeats h ON h.account_id = 'SIM' AND h.at > first.at
                            WHERE h.recorded_at < (SELECT max(recorded_at) FROM bot_heartbeats
                                                    WHERE account_id = 'SIM') - interval '2 seconds')
        """
        return bool(await value(service, long_ago))

    async def corrected() -> bool:
        return bool(await value(service, "SELECT EXISTS (SELECT FROM system_events WHERE kind = 'correction')"))

    for met in (traded, corrected):
        stop = asyncio.Event()
        bot = asyncio.create_task(run_bot(settings, address, stop))
        try:
            await until(met, bot)
        finally:
            stop.set()
            await bot
        if met is traded:
            async with service.scoped() as connection:
                await connection.execute(BUST, ["SIM"])
                await connection.execute(
                    "UPDATE fills SET recorded_at = (SELECT max(recorded_at) - interval '1 millisecond' "
                    "FROM bot_heartbeats WHERE account_id = 'SIM') WHERE revision = 1"
                )
    for verified in await verify(service, ACCOUNTS):
        assert (verified.differences, verified.skipped) == ((), None)


async def test_a_corrected_rate_reaches_the_books_of_a_bot_that_trades_on(
    settings: Settings, address: Address, service: Database
) -> None:
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))

    async def traded() -> bool:
        over = """
            SELECT count(*) > 3 AND (SELECT count(*) > 1 FROM fx_rates) FROM trades WHERE account_id = 'SIM-EUR'
        """  # the rate that is in force is the feed's to say
        return bool(await value(service, over))

    async def corrected() -> bool:
        told = "SELECT count(*) FROM system_events WHERE kind = 'correction' AND account_id = 'SIM-EUR'"
        return bool(await value(service, told))

    try:
        await until(traded, bot)
        async with service.scoped() as connection:
            tag = await connection.execute(
                "INSERT INTO fx_rates (source, base, quote, at, revision, rate) "
                "SELECT source, base, quote, at, 1, rate * 1.25 FROM fx_rates WHERE at = (SELECT min(at) FROM fx_rates)"
            )
            assert tag == "INSERT 0 1"
        await until(corrected, bot)
    finally:
        stop.set()
        await bot
    for verified in await verify(service, ACCOUNTS):
        assert (verified.differences, verified.skipped) == ((), None)
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind IN ('error', 'record_conflict')") == 0
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind = 'correction'") == 1


async def test_while_the_database_is_away_nothing_stops_and_nothing_is_raised(address: Address) -> None:
    away = Database(replace(address, port=free_ports(1)[0]), role="service", max_size=1)
    await away.open()
    feed = SimFeed(1, 60.0, paced=False)
    account = Account(at=now(), account="A", source="sim", broker="paper", label="A", currency="USD", mode="simulated")
    recorder = Recorder(address)
    engine = Engine(
        feed=feed,
        strategy=MarketMaker({each.symbol: each for each in feed.instruments}),
        broker=PaperBroker("A", "sim", feed.instruments),
        risk=RiskRules(Limits()),
        journal=Journal(account, recorder, strategy="market_maker"),
        ledger=Ledger("A", "sim", feed.instruments),
    )
    await engine.cycle(feed.next_tick())
    watch = Corrections(away, recorder, [engine])
    with capture_logs() as told:
        await watch.begin()
        await watch.check()
        await watch.check()
    assert [each["event"] for each in told] == [
        "database lost",
        "when the last run ended is unknown",
        "late facts cannot be asked for now",
    ]
    await away.close()


async def test_a_restarted_bot_begins_with_the_fills_that_its_killed_run_had_only_on_the_disk(
    settings: Settings, address: Address, service: Database
) -> None:
    async def run_until(met: Callable[[], Awaitable[bool]]) -> None:
        stop = asyncio.Event()
        bot = asyncio.create_task(run_bot(settings, address, stop))
        try:
            await until(met, bot)
        finally:
            stop.set()
            await bot

    async def traded() -> bool:
        return bool(await value(service, "SELECT count(*) > 3 FROM fills WHERE account_id = 'SIM'"))

    await run_until(traded)
    spool = SqliteSpool(settings.spool_folder)
    away = Recorder(replace(address, port=first_of_free_ports(1)), spool=spool)
    away.start()
    async with service.scoped() as connection:
        newest = await connection.fetchrow("SELECT * FROM fills WHERE account_id = 'SIM' ORDER BY at DESC LIMIT 1")
        cycles = await connection.fetchval("SELECT count(*) FROM trading_pnl WHERE account_id = 'SIM'")
    assert newest is not None
    held = {name: newest[name] for name in ("source", "symbol", "side", "quantity", "price", "order_id")}
    at = newest["at"] + timedelta(microseconds=1)
    away.record(Fill(at=at, account="SIM", **held, source_id="spooled"))
    assert await asyncio.to_thread(away.flush)
    assert await asyncio.to_thread(away.close, 0.1) == 1

    async def went_on() -> bool:
        count = await value(service, "SELECT count(DISTINCT at) FROM trading_pnl WHERE account_id = 'SIM'")
        return bool(count > cycles + 60)  # some corrections' rounds later

    again = await value(
        service, "SELECT clock_timestamp()"
    )  # what the first run still said after that fill is corrected
    await run_until(went_on)
    assert await value(service, "SELECT count(*) FROM fills WHERE source_id = 'spooled'") == 1
    assert (
        await value(
            service, "SELECT count(*) FROM trading_pnl WHERE account_id = 'SIM' AND at > $1 AND revision > 0", again
        )
        == 0
    )
