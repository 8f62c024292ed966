"""How does one bot run from its settings to its end?"""

import asyncio
import contextlib

import structlog

from main.config import Settings
from main.database.address import Address
from main.database.migrate import migrate
from main.database.pool import Database
from main.errors import DatabaseError, SchemaMismatch
from main.recording import Recorder
from main.trading.choice import Chosen, choose
from main.trading.engine import Engine
from main.trading.health_server import HealthServer
from main.trading.journal import Journal
from main.trading.restore import Restored, restore

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Waits between attempts to read the bot's books back; the last one repeats."""

DRAIN_SECONDS = 5.0

_log = structlog.get_logger(__name__)


async def run_bot(settings: Settings, address: Address, stop: asyncio.Event) -> None:
    """Trade until `stop` is set, then record what is left and return.

    A bot that does not know its positions must not trade: until the database has told them, it waits, and its health
    says so. Once it trades, the database may go away; the Recorder keeps what happens meanwhile. Raise `UnknownName`,
    `FeedError`, `ConfigurationError`, `SchemaMismatch` or `PortInUse` before anything has begun.
    """
    chosen = choose(settings)
    recorder = Recorder(address)
    health = HealthServer(chosen.account, recorder, settings.trade.health_port)
    await health.start()
    try:
        restored = await _restored(address, chosen, stop)
        if restored is not None:
            recorder.start()
            health.engine = _engine(chosen, restored, recorder, health.port)
            await health.engine.run(stop)
    finally:
        lost = await asyncio.to_thread(recorder.close, DRAIN_SECONDS)
        await health.stop()
        _log.info("bot stopped", account=chosen.account.account, unwritten=lost)


async def _restored(address: Address, chosen: Chosen, stop: asyncio.Event) -> Restored | None:
    """What an earlier run left; ``None`` when the bot is to stop before the database told."""
    database = Database(address, role="service", max_size=1, command_timeout=60.0, application_name="ai-trader bot")
    await database.open()
    attempt = 0
    try:
        while not stop.is_set():
            try:
                await migrate(address)
                return await restore(database, chosen.account, chosen.feed, chosen.limits)
            except SchemaMismatch:
                raise
            except DatabaseError as error:
                if attempt == 0:
                    _log.warning("waiting for the database before trading", reason=error.message)
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                attempt += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), pause)
        return None
    finally:
        await database.close()


def _engine(chosen: Chosen, restored: Restored, recorder: Recorder, health_port: int) -> Engine:
    account, feed = chosen.account, chosen.feed
    recorder.record(account)
    for event in restored.loose_ends:
        recorder.record(event)
    feed.resume(restored.mids, restored.moment)
    journal = Journal(
        account,
        recorder,
        strategy=chosen.strategy.name,
        health_port=health_port,
        dropped=lambda: sum(recorder.statistics.dropped.values()),
    )
    _log.info("bot starts", account=account.account, feed=feed.source, fills_restored=restored.fills)
    return Engine(
        feed=feed,
        strategy=chosen.strategy,
        broker=chosen.broker,
        risk=restored.risk,
        journal=journal,
        ledger=restored.ledger,
        day=restored.day,
        alerts=restored.alerts,
        moment=restored.moment,
    )
