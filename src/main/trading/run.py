"""How does one bot run from its settings to its end?"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from main.clock import now
from main.config import Settings
from main.database.address import Address
from main.database.keeper import direct_address
from main.database.migrate import migrate
from main.database.pool import Database
from main.errors import BrokerSilent, DatabaseError, FeedError, SchemaMismatch
from main.recording import Recorder
from main.recording.sqlite_spool import SqliteSpool
from main.trading.backfill import backfill, has_no_past
from main.trading.choice import Chosen, choose
from main.trading.corrections import Corrections
from main.trading.feed import Feed, RemoteFeed
from main.trading.feeds.sim import SimFeed
from main.trading.floor import Floor
from main.trading.health_server import HealthServer
from main.trading.staff import Staff

RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
"""Waits between attempts to learn what is needed for trading; the last one repeats."""

DRAIN_SECONDS = 5.0

Value = TypeVar("Value")

_log = structlog.get_logger(__name__)


async def run_bot(settings: Settings, address: Address, stop: asyncio.Event, chosen: Chosen | None = None) -> None:
    """Trade until `stop` is set, then record what is left and return. `chosen` spares choosing a second time.

    A bot that does not know its positions must not trade: until the database has told them, it waits, and its health
    says so. Once it trades, the database may go away; the Recorder keeps what happens meanwhile. Raise `UnknownName`,
    `FeedError`, `BrokerError`, `ConfigurationError`, `SchemaMismatch` or `PortInUse` before anything has begun.
    """
    chosen = chosen or choose(settings)
    spool = SqliteSpool(settings.spool_folder)
    recorder = Recorder(direct_address(settings, address), spool=spool, jsonl=settings.trade.jsonl)
    ports = range(settings.trade.health_port, settings.trade.health_port + len(chosen.seats))
    health = [HealthServer(seat.account, recorder, port) for seat, port in zip(chosen.seats, ports, strict=True)]
    listening: list[HealthServer] = []
    try:
        for server in health:
            await server.start()
            listening.append(server)
        start = _Start(settings, address, chosen, recorder=recorder, health=health, stop=stop)
        try:
            floor = await start.floor()
            if floor is not None:
                await start.run(floor)
        finally:
            await start.close()
    finally:
        lost = await asyncio.to_thread(recorder.close, DRAIN_SECONDS)
        for server in listening:
            await server.stop()
        _log.info("bot stopped", accounts=[seat.account.account for seat in chosen.seats], unwritten=lost)


class _Start:
    """The way from the settings to a floor that trades."""

    def __init__(
        self,
        settings: Settings,
        address: Address,
        chosen: Chosen,
        *,
        recorder: Recorder,
        health: list[HealthServer],
        stop: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._direct = direct_address(settings, address)
        self._database = Database(
            address, role="service", max_size=1, command_timeout=60.0, application_name="ai-trader bot"
        )
        self._chosen = chosen
        self._recorder = recorder
        self._health = health
        self._stop = stop
        self._staff: Staff | None = None

    async def floor(self) -> Floor | None:
        """The floor, ready to run; ``None`` when the bot is to stop before all is known."""
        await self._database.open()
        if await self._patiently(self._opened, "the market") is None:
            return None
        staff = await self._patiently(self._restored, "the database")
        if staff is None:
            return None
        self._staff = staff
        for server in self._health:
            server.waiting_for = "the past to be lived through again"
        floor, engines = staff.floor(self._recorder, [server.port for server in self._health])
        await asyncio.to_thread(floor.relive, self._stop.is_set)
        if await self._patiently(self._brokers_opened, "the broker") is None:
            return None
        for server, engine in zip(self._health, engines, strict=True):
            server.engine = engine
        return floor

    async def run(self, floor: Floor) -> None:
        """Trade until the bot is to stop, and keep the books right that others correct. Raise `FeedError`."""
        corrections = Corrections(self._database, self._recorder, floor.engines)
        await corrections.begin()
        correcting = asyncio.create_task(corrections.run())
        try:
            await floor.run(self._stop)
        finally:
            correcting.cancel()
            await asyncio.wait({correcting})
            await corrections.finish()

    async def close(self) -> None:
        """Let go of database, market and brokers."""
        await self._database.close()
        if isinstance(self._chosen.feed, RemoteFeed):
            await self._chosen.feed.close()
        if self._staff is not None:
            await self._staff.close_brokers()

    async def _brokers_opened(self) -> bool:
        assert self._staff is not None
        await self._staff.open_brokers()
        return True

    async def _opened(self) -> Feed:
        feed = self._chosen.feed
        if isinstance(feed, RemoteFeed):
            await feed.open()
        return feed

    async def _restored(self) -> Staff:
        await migrate(self._direct)
        staff = Staff(self._chosen)
        await staff.check(self._database)
        await self._backfill(staff)
        await self._write_what_was_spooled()
        await staff.restore(self._database)
        return staff

    async def _write_what_was_spooled(self) -> None:
        """Have the facts of a run that was killed in the database before the books are read from it."""
        self._recorder.start()
        if not await asyncio.to_thread(self._recorder.flush, committed=True):
            _log.warning("facts of an earlier run are still on their way", books="corrected when they come")

    async def _backfill(self, staff: Staff) -> None:
        """Give a simulated market that is new to the database its months of history."""
        feed, days = self._chosen.feed, self._settings.trade.history_days
        if not isinstance(feed, SimFeed) or not days:
            return
        accounts = [seat.account.account for seat in self._chosen.seats]
        async with self._database.scoped() as connection:
            new = await has_no_past(connection, accounts, feed.source)
        if new:
            for server in self._health:
                server.waiting_for = f"{days} days of history to be written"
            _log.info("history is written first", days=days, accounts=accounts)
            history = feed.history(days, now())
            if await backfill(self._direct, feed, history, staff.of_history(history), self._stop.is_set):
                staff.go_on_from_history()

    async def _patiently(self, ask: Callable[[], Awaitable[Value]], whom: str) -> Value | None:
        """Ask until there is an answer; ``None`` when the bot is to stop before that."""
        for server in self._health:
            server.waiting_for = whom
        attempt = 0
        while not self._stop.is_set():
            try:
                return await ask()
            except SchemaMismatch:
                raise
            except (DatabaseError, FeedError, BrokerSilent) as error:
                if self._stop.is_set():
                    return None
                if attempt == 0:
                    _log.warning(f"waiting for {whom} before trading", reason=error.message)
                pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                attempt += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
        return None
