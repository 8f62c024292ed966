"""How does the manager write the state of every process down, with or without a database that answers?"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncpg
import psutil
import structlog

from main.clock import from_epoch, monotonic
from main.config import Settings
from main.database.address import Address
from main.database.embedded_home import locate
from main.database.keeper import DatabaseKeeper, direct_address
from main.database.migrate import migrate
from main.database.pool import Database
from main.database.postmaster import Postmaster
from main.errors import AITraderError
from main.telemetry.probes import Check
from main.telemetry.services import ProcessStatus, State, report_services

_log = structlog.get_logger(__name__)

_INTERVAL_SECONDS = 5.0
_LEAST_SECONDS = 0.2  # a burst of changes is one report
_COMMAND_SECONDS = 2.0
_LAST_WORD_SECONDS = 1.5

T = TypeVar("T")


class ServiceRows:
    """Keeps the database up and migrated, and reports to it every five seconds and at each change."""

    def __init__(self, settings: Settings, rows: Callable[[], Sequence[ProcessStatus]]) -> None:
        """Take what to report; nothing is started yet."""
        self._settings = settings
        self._rows = rows
        self._loop = asyncio.get_running_loop()
        self._keeper = DatabaseKeeper(settings, on_moved=self._moved)
        self._database: Database | None = None
        self._migrated = False
        self._trouble: str | None = "not connected yet"
        self._lost = False  # it took reports and takes none now
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.on_moved: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to report."""
        self._task = asyncio.create_task(self._run(), name="service-rows")

    def report_soon(self) -> None:
        """Report now rather than in five seconds."""
        self._changed.set()

    async def stop(self, deadline: float) -> None:
        """Report once more, with everything stopped, and let go of the database, until `deadline` (monotonic seconds).

        A server that does not answer is left alone then. The embedded one has been told to end, and does when it can.
        """
        if self._task is not None:
            self._task.cancel()
        ending = asyncio.create_task(self._last_word(), name="last-word")
        await asyncio.wait({ending}, timeout=min(_LAST_WORD_SECONDS, deadline - monotonic()))
        ending.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - monotonic())):
                await _in_thread(self._keeper.close)
                return
        _log.warning("embedded database does not end in time, it is left to itself")

    async def _last_word(self) -> None:
        if self._task is not None:
            await asyncio.wait({self._task})
        if self._database is None:
            return
        try:
            if self._migrated:
                await report_services(self._database, [_stopped(row) for row in self._rows()])
        except (AITraderError, asyncpg.PostgresError, OSError) as error:
            _log.warning("database does not take the last report", reason=str(error))
        finally:
            await self._database.close()

    def check(self) -> Check:
        """Tell whether the database takes the reports."""
        return Check("database", "degraded" if self._trouble else "ok", self._trouble or "")

    def database_row(self) -> ProcessStatus | None:
        """Return the embedded database as a service; ``None`` where the database is outside."""
        if not self._settings.database.embedded:
            return None
        address = self._keeper.address
        version = self._database.status.version if self._database is not None else None
        pid = started = None
        up: State = "starting" if address is None else "failed"
        with contextlib.suppress(psutil.Error, OSError):  # it may go while it is looked at
            postmaster = Postmaster.find(locate(self._settings.data_dir).cluster)
            if postmaster is not None:
                pid, started = postmaster.process.pid, from_epoch(postmaster.process.create_time())
                up = "starting" if not postmaster.ready else "degraded" if self._lost else "running"
        return ProcessStatus(
            service="database",
            kind="database",
            state=up,
            pid=pid,
            port=address.port if address is not None else None,
            version=version,
            started_at=started,
            degraded_reason=self._trouble if up != "running" else None,
        )

    async def _run(self) -> None:
        while True:
            try:
                await self._report()
                if self._trouble is not None:
                    _log.info("database takes the reports")
                self._trouble, self._lost = None, False
            except Exception as error:  # noqa: BLE001  # a boundary: the reports go on, whatever ails one of them
                if self._trouble is None:
                    known = isinstance(error, (AITraderError, asyncpg.PostgresError, OSError))
                    _log.warning("database does not take the reports", reason=str(error), exc_info=not known)
                self._trouble, self._lost = str(error) or type(error).__name__, self._migrated
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_SECONDS):  # wait_for would lose a cancellation that meets a change
                    await self._changed.wait()
            await asyncio.sleep(_LEAST_SECONDS)
            self._changed.clear()

    async def _report(self) -> None:
        database = await self._open()
        own = self.database_row()
        await report_services(database, [*self._rows(), *([own] if own else [])])

    async def _open(self) -> Database:
        address = self._keeper.address
        if address is None:
            address = await _in_thread(self._keeper.open)
        if self._database is None or self._database.address != address:
            if self._database is not None:
                await self._database.close()
            self._database = Database(
                address,
                role="service",
                max_size=1,
                command_timeout=_COMMAND_SECONDS,
                application_name="ai-trader manager",
            )
            await self._database.open()
            self._migrated = False
        if not self._migrated:
            await migrate(direct_address(self._settings, address))
            await self._database.ping()  # learns the server's version
            self._migrated = True
        return self._database

    def _moved(self, _: Address) -> None:
        self._loop.call_soon_threadsafe(self.on_moved)


async def _in_thread(work: Callable[[], T]) -> T:
    """As `asyncio.to_thread`, but neither our cancellation nor the end of the process waits for a thread that hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(how: Callable[..., None], what: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(lambda: None if done.done() else how(what))

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  # raised again where it is awaited
            tell(done.set_exception, error)
        else:
            tell(done.set_result, result)

    threading.Thread(target=run, name="database-patience", daemon=True).start()
    return await done


def _stopped(row: ProcessStatus) -> ProcessStatus:
    return ProcessStatus(
        service=row.service,
        kind=row.kind,
        state="failed" if row.state == "failed" else "stopped",
        port=row.port,
        version=row.version,
        restarts=row.restarts,
        restart_reason=row.restart_reason,
        restarts_by_reason=row.restarts_by_reason,
        last_stderr=row.last_stderr,
    )
