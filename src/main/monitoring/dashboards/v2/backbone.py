"""What runs behind the pages of one dashboard, on the bridge's loop: database, hub, listener, sockets."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from starlette.websockets import WebSocket

from main.clock import now
from main.database.address import Address
from main.database.listen import Listener
from main.database.pool import Database, DatabaseStatus
from main.domain.topics import Announcement, Topic
from main.errors import DatabaseError, DatabaseUnreachable
from main.exporters.exports import Exports
from main.monitoring.answer_cache import AnswerCache
from main.monitoring.api.directory import Directory
from main.monitoring.api.pictures import Encoder, PictureBook
from main.monitoring.api.socket_io import SocketIo
from main.monitoring.api.stream import Greeting, Stream
from main.monitoring.dashboards.v2.facade import AddressSource
from main.monitoring.dashboards.v2.machine_ring import MachineRing
from main.monitoring.dashboards.v2.schema_watch import SchemaWatch
from main.monitoring.hub import Hub, Statistics
from main.monitoring.latencies import Latencies
from main.monitoring.read import LiveSource
from main.recording.intake import Intake
from main.telemetry.probes import Check

MIGRATION_PATIENCE_SECONDS = 5.0
"""Pages are up by then: who migrates years of data, or waits until another process has, would be taken for hung."""
PING_SECONDS = 2.0
"""A frozen server refuses nothing: that it is away shows only when it is asked."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Hearing:
    """How well announcements are heard; ``lag_seconds`` is ``None`` while they are not.

    ``reconnections`` counts how often listening began anew since the start.
    """

    connected: bool
    lag_seconds: float | None
    reconnections: int = 0


class Backbone:
    """The parts that need an event loop. They are made by `open` and `start`; before that nothing exists."""

    def __init__(
        self,
        source: AddressSource,
        direct: Callable[[Address], Address],
        encoder: Encoder,
        workers: Executor,
        greeting: Greeting,
        *,
        facts: Mapping[str, Callable[[], Any]] | None = None,
        machine: MachineRing | None = None,
        pace: float = 0.0,
        cache: AnswerCache | None = None,
    ) -> None:
        """Take `facts` that live reads may look at, beside those of the backbone itself, and the replicas' `cache`.

        With a `pace` pages are pushed to at most once in so many seconds, but for trouble.
        """
        self._source = source
        self._direct = direct
        self._encoder = encoder
        self._workers = workers
        self._greeting = greeting
        self._facts = facts or {}
        self._machine = machine
        self._pace = pace
        self._cache = cache
        self._resources = ExitStack()
        self._opening = asyncio.Lock()
        self._database: Database | None = None
        self._hub: Hub | None = None
        self._directory: Directory | None = None
        self._stream: Stream | None = None
        self._socket_io: SocketIo | None = None
        self._intake: Intake | None = None
        self._exports: Exports | None = None
        self._listener: Listener | None = None
        self._schema = SchemaWatch()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def hub(self) -> Hub:
        """The hub of the running dashboard."""
        return _made(self._hub)

    @property
    def directory(self) -> Directory:
        """The accounts of the running dashboard."""
        return _made(self._directory)

    @property
    def intake(self) -> Intake:
        """What writes facts that are posted, made when the first ones come."""
        if self._intake is None:
            self._intake = Intake(self._direct(_made(self._database).address))
        return self._intake

    @property
    def exports(self) -> Exports:
        """What reads whole lists for files, made when the first one is asked for."""
        if self._exports is None:
            self._exports = Exports(_made(self._database).address)
        return self._exports

    @property
    def socket_io(self) -> SocketIo:
        """The Socket.IO clients of the running dashboard."""
        return _made(self._socket_io)

    @property
    def viewers(self) -> int:
        """How many pages are open."""
        return self._stream.viewers if self._stream else 0

    @property
    def push(self) -> Latencies:
        """How long changes took from this process to the sockets; without any before `start`."""
        return self._stream.push if self._stream else Latencies()

    @property
    def statistics(self) -> Statistics:
        """What the hub has done; nothing before `start`."""
        return self._hub.statistics if self._hub else Statistics()

    @property
    def status(self) -> DatabaseStatus | None:
        """What is known of the database without asking it; ``None`` before the pool is made."""
        return self._database.status if self._database else None

    @property
    def listener(self) -> Hearing:
        """How well announcements are heard."""
        listener = self._listener
        if listener is None:
            return Hearing(False, None)
        return Hearing(listener.connected, listener.lag_seconds, max(0, listener.connections - 1))

    async def database(self) -> Database:
        """Return the pool, made on first need; an embedded server is started, an outside one is not contacted."""
        async with self._opening:
            if self._database is None:
                address = await asyncio.to_thread(self._resources.enter_context, self._source())
                database = Database(address, application_name=f"ai-trader {self._greeting.server} dashboard")
                await database.open()
                self._database = database
            return self._database

    async def start(self) -> None:
        """Begin to answer. A database that is away is no error: it is waited for."""
        database = await self.database()
        live = LiveSource({"database": lambda: database.status, "viewers": lambda: self.viewers, **self._facts})
        self._hub = hub = Hub(database, live, self._cache)
        self._directory = directory = Directory(database)
        book = PictureBook(hub, self._encoder, self._workers, self._pace)
        self._stream = Stream(hub, directory, book, self._greeting, self._pace)
        self._socket_io = SocketIo(hub, directory)
        migrating = self._run(self._schema.migrated(self._direct(database.address)))
        await asyncio.wait({migrating}, timeout=MIGRATION_PATIENCE_SECONDS)
        database.on_reachable(self._reached)
        if self._cache is not None:
            self._run(self._cache.run(database))
        self._run(hub.run())
        self._run(_keep_asking(database))
        if self._machine is not None:
            self._run(self._machine.run(self._sampled))
        self._listener = Listener(self._direct(database.address), self._announced, self._missed)
        self._run(self._listener.run())
        if not (migrating.done() and migrating.result()):
            later = self._schema.until_migrated(migrating, lambda: self._direct(database.address), self._missed)
            self._run(later)

    async def stop(self) -> None:
        """End everything that `start` began and give the database back."""
        if self._socket_io is not None:
            await self._socket_io.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._cache is not None:
            await self._cache.close()
        if self._intake is not None:
            await self._intake.close()
        if self._exports is not None:
            await self._exports.close()
        if self._database is not None:
            await self._database.close()
            self._database = None
        await asyncio.to_thread(self._resources.close)

    def drain(self) -> None:
        """Let go of who waits for news by long polling. To be called on the loop when the process begins to end."""
        if self._socket_io is not None:
            self._socket_io.end()

    async def serve_socket(self, socket: WebSocket) -> None:
        """Serve one page until it leaves."""
        await _made(self._stream).endpoint(socket)

    def checks(self) -> tuple[Check, ...]:
        """Return what readiness depends on. Without its database a dashboard still shows what it last knew."""
        status = self.status
        down = status is not None and status.reachable is False
        database = Check("database", "degraded" if down else "ok", status.reason if down and status else "")
        return database, self._schema.check(), *self._cache_check()

    def _cache_check(self) -> tuple[Check, ...]:
        if self._cache is None:
            return ()
        obstacle = self._cache.obstacle
        return (Check("redis", "degraded" if obstacle else "ok", obstacle),)

    def _announced(self, announcement: Announcement) -> None:
        if self._cache is not None:
            self._cache.heard(announcement)
        self.hub.announce(announcement)
        if announcement.topic in Directory.TOPICS:
            self._run(self.directory.refresh())

    def _sampled(self) -> None:
        """Have the machine's own samples shown while nobody announces those of the worker."""
        if self.hub.away:
            self.hub.announce(Announcement(Topic.HOST))

    def _missed(self) -> None:
        if self._cache is not None:
            self._cache.missed()
        self.hub.announce_all()
        self._run(self.directory.refresh())

    def _reached(self, reachable: bool) -> None:
        status = self.status
        if not reachable and status is not None:
            self.hub.lost(DatabaseUnreachable(status.target, status.reason, since=status.since or now()))
        elif self.hub.away:
            self.hub.found()
            self._run(self.directory.refresh())
        else:
            self._missed()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background task failed", task=task.get_name(), exc_info=error)


async def _keep_asking(database: Database) -> None:
    """Keep what is known of the database true while no page asks it anything: reachable, version, round trip."""
    while True:
        try:
            await database.ping()
        except DatabaseError:
            pass  # the pool knows, and says so once
        except Exception:  # noqa: BLE001 - a boundary: without this loop a frozen server would look well for ever
            _log.exception("ping failed")
        # Drawn, as everything that many processes do against one server.
        await asyncio.sleep(PING_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311


def _made(part: T | None) -> T:
    if part is None:
        raise DatabaseError("the dashboard does not run: call run() first")
    return part
