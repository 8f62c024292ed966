"""A bot in any language that knows nothing but SQL: it is seen, heard and remembered like any other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.domain.topics import CHANNEL
from main.monitoring.hub import Hub
from main.monitoring.read import State
from main.monitoring.reads import account_summary, positions
from tests.given import asked

QUIET_SECONDS = 0.3
OPEN = """
    INSERT INTO positions (account_id, position_id, source, symbol, side, quantity, entry_time, entry_price,
                           current_price, at)
    VALUES ('A', 'p1', 'script', 'X', 'long', 10, now(), 100, 101, now())
"""
TRADE = """
    INSERT INTO trades (account_id, source, source_id, symbol, transaction_type, quantity, entry_time, exit_time,
                        entry_price, exit_price, gross_pnl, fees, realized_pnl)
    VALUES ('A', 'script', 't1', 'X', 'BUY', 4, now() - interval '1 minute', now(), 100, 105, 20, 1, 19)
"""
BEAT = """
    INSERT INTO bot_heartbeats (account_id, source, source_id, at, status, interval_seconds, cycle_count,
                                uptime_seconds)
    VALUES ('A', 'script', 'b1', now(), 'running', 1, 1, 1)
"""


@pytest.fixture
async def bot(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """The bot's own connection; its account and its symbol are described."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    await connection.execute("SET ROLE ai_trader_service")
    await connection.execute(
        "INSERT INTO accounts (account_id, source, broker, label, currency, mode) "
        "VALUES ('A', 'venue', 'broker', 'Script', 'USD', 'live')"
    )
    await connection.execute("INSERT INTO instruments (source, symbol, currency) VALUES ('venue', 'X', 'USD')")
    yield connection
    await connection.close()


class Heard:
    """What a listener hears on the suite's channel."""

    def __init__(self) -> None:
        self.payloads: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> set[str]:
        """What is announced from now until it is quiet, at least one thing."""
        found = {await asyncio.wait_for(self.payloads.get(), 10)}
        while True:
            try:
                found.add(await asyncio.wait_for(self.payloads.get(), QUIET_SECONDS))
            except TimeoutError:
                return found


@pytest.fixture
async def heard(address: Address, bot: asyncpg.Connection) -> AsyncIterator[Heard]:
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    listening = Heard()
    await connection.add_listener(CHANNEL, lambda *notification: listening.payloads.put_nowait(notification[3]))
    yield listening
    await connection.close()


def today() -> Scope:
    return Scope(accounts=("A",), window="1D").resolved(datetime.now(UTC))


async def test_its_positions_are_announced_remembered_and_shown(
    bot: asyncpg.Connection, heard: Heard, database: Database
):
    await bot.execute(OPEN)
    assert await heard.next() == {"positions:A"}
    (held,) = await asked(database, positions.READ, today())
    assert (held.symbol, held.quantity, held.value, held.unrealized_pnl) == ("X", 10, 1010, 10)
    assert abs(now() - held.mark_at) < timedelta(seconds=30)

    before = datetime.now(UTC)
    await bot.execute("UPDATE positions SET quantity = 6, current_price = 103, at = clock_timestamp()")
    assert await heard.next() == {"positions:A"}
    (held,) = await asked(database, positions.READ, today())
    assert (held.quantity, held.value, held.unrealized_pnl) == (6, 618, 18)

    await bot.execute("DELETE FROM positions")
    assert await heard.next() == {"positions:A"}
    assert await asked(database, positions.READ, today()) == []

    versions = await bot.fetch("SELECT operation, quantity::int FROM positions_history ORDER BY changed_at")
    assert [tuple(version) for version in versions] == [("insert", 10), ("update", 6), ("delete", 6)]
    past = Scope(accounts=("A",), window="1D", as_of=before).resolved(datetime.now(UTC))
    (held,) = await asked(database, positions.READ, past)
    assert held.quantity == 10, "what was held then"


async def test_its_trades_are_announced_and_counted(bot: asyncpg.Connection, heard: Heard, database: Database):
    await bot.execute(TRADE)
    assert await heard.next() == {"trades:A"}
    (figures,) = await asked(database, account_summary.READ, today())
    assert (figures.closed_today, figures.won_today) == (1, 1)
    assert (figures.realized_today, figures.gross_today, figures.fees_today) == (19, 20, 1)


async def test_what_one_transaction_writes_is_announced_once_a_topic_after_its_commit(
    bot: asyncpg.Connection, heard: Heard
):
    async with bot.transaction():
        await bot.execute(OPEN)
        await bot.execute("UPDATE positions SET quantity = 7")
        await bot.execute(TRADE)
        assert heard.payloads.empty()
    assert await heard.next() == {"positions:A", "trades:A"}


OTHERS = [
    ("INSERT INTO fx_rates (source, base, quote, at, rate) VALUES ('venue', 'EUR', 'USD', now(), 1.1)", "market:"),
    ("UPDATE instruments SET sector = 'Tech'", "market:"),
    (
        "INSERT INTO models (source, model, version, kind, status, at) "
        "VALUES ('venue', 'm', '1', 'k', 'active', now())",
        "models:",
    ),
    (
        "INSERT INTO model_performance (source, model, version, at, window_start, predictions) "
        "VALUES ('venue', 'm', '1', now(), now(), 0)",
        "models:",
    ),
    (
        "INSERT INTO pipeline_status (source, pipeline, run_id, kind, status, started_at, at) "
        "VALUES ('venue', 'p', '1', 'job', 'running', now(), now())",
        "pipelines:",
    ),
    ("INSERT INTO custom_metrics (source, name, at, value) VALUES ('venue', 'n', now(), 1)", "metrics:"),
    (
        "INSERT INTO custom_metrics (source, name, account_id, at, value) VALUES ('venue', 'n', 'A', now(), 1)",
        "metrics:A",
    ),
    (
        "INSERT INTO broker_snapshots (account_id, source, source_id, at, kind, content) "
        "VALUES ('A', 'venue', '1', now(), 'cash', '{}')",
        "reconciliation:A",
    ),
]


@pytest.mark.parametrize(("statement", "payload"), OTHERS)
async def test_whatever_else_it_writes_is_announced_too(
    statement: str, payload: str, bot: asyncpg.Connection, heard: Heard
):
    await bot.execute(statement)
    assert await heard.next() == {payload}


async def test_a_writer_that_announces_by_itself_is_not_announced_twice(bot: asyncpg.Connection, heard: Heard):
    async with bot.transaction():
        await bot.execute("SET LOCAL app.announced = 'on'")
        for statement in (OPEN, TRADE, *(each for each, _ in OTHERS)):
            await bot.execute(statement)
    await bot.execute("DELETE FROM models")
    assert await heard.next() == {"models:"}


async def test_its_figures_are_live_while_it_beats_and_say_when_it_went_silent(
    bot: asyncpg.Connection, database: Database
):
    await bot.execute(OPEN)
    scope = Scope(accounts=("A",), window="1D")
    hub = Hub(database)
    running = asyncio.create_task(hub.run())
    try:
        await bot.execute(BEAT)
        answer = await asyncio.wait_for(hub.ask(account_summary.READ, scope), 10)
        assert answer.value is not None
        assert (answer.value[0].status, answer.value[0].silent) == ("running", False)
        assert answer.state is State.LIVE

        await bot.execute("UPDATE bot_heartbeats SET recorded_at = recorded_at - interval '1 minute'")
        async with asyncio.timeout(10):
            while answer.state is State.LIVE:  # an answer is shared for a second
                await asyncio.sleep(0.05)
                answer = await hub.ask(account_summary.READ, scope)
        assert answer.value is not None
        assert (answer.value[0].silent, answer.state) == (True, State.SILENT)
    finally:
        running.cancel()
