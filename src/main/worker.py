"""What must happen once, however many dashboards run? Collectors and housekeeping, by the worker that is elected."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from main.books.bookkeeper import Bookkeeper
from main.clock import monotonic, now
from main.config import Settings, load_settings
from main.database.address import Address
from main.database.keeper import DatabaseKeeper, direct_address
from main.database.leader import Leader
from main.database.migrate import migrate
from main.database.partitions import make_partitions_ahead
from main.database.pool import Database
from main.database.retention import kept, purge
from main.database.rollups import roll_up
from main.errors import AITraderError
from main.monitoring.collectors.host import HostCollector, store
from main.security.guard import guarded
from main.security.policy import service_policy
from main.telemetry.logging import configure
from main.telemetry.metrics import PREFIX, Metrics
from main.telemetry.orphans import die_with_parent
from main.telemetry.probes import Check, ProbeApp
from main.telemetry.redaction import secrets_of
from main.telemetry.server import ProbeServer
from main.telemetry.version import version

_log = structlog.get_logger(__name__)

NAME = "worker"
HOST = "127.0.0.1"
LOCK_KEY = 0x41495452_574F524B  # "AITR" "WORK"
_MINUTE = 60.0
_HOUR = 3600.0
_BOOKS_SECONDS = 1.0


@dataclass(slots=True)
class Job:
    """One recurring task of the elected worker, and how its last run went."""

    name: str
    every_seconds: float
    run: Callable[[Database], Awaitable[None]]
    runs: int = 0
    failures: int = 0
    last_started_at: datetime | None = None
    last_seconds: float | None = None
    last_error: str | None = None

    @property
    def report(self) -> dict[str, Any]:
        """What the status page says of it."""
        told = ("name", "every_seconds", "runs", "failures", "last_started_at", "last_seconds", "last_error")
        return {name: getattr(self, name) for name in told}


@dataclass(slots=True)
class Jobs:
    """The jobs; each keeps its own pace, and one that fails is logged and tried again at its next turn."""

    jobs: tuple[Job, ...] = field(default_factory=tuple)

    async def run(self, database: Database) -> None:
        """Run all jobs until cancelled."""
        async with asyncio.TaskGroup() as group:
            for job in self.jobs:
                group.create_task(self._repeat(job, database), name=job.name)

    async def _repeat(self, job: Job, database: Database) -> None:
        due, task = monotonic(), asyncio.current_task()
        # A job that ends with an error while it is being cancelled has swallowed the cancellation.
        while task is None or not task.cancelling():
            await self._once(job, database)
            # A job that took longer than its pace skips turns instead of running them in a burst.
            due = max(due + job.every_seconds, monotonic())
            await asyncio.sleep(due - monotonic())

    async def _once(self, job: Job, database: Database) -> None:
        started, job.last_started_at = monotonic(), now()
        job.runs += 1
        try:
            await job.run(database)
        except Exception as error:  # noqa: BLE001  # a boundary: one job's failure is not the others'
            job.failures += 1
            told = str(error) or type(error).__name__
            if job.last_error is None:
                _log.warning("job fails", job=job.name, reason=told, exc_info=not isinstance(error, AITraderError))
            job.last_error = told
        else:
            if job.last_error is not None:
                _log.info("job works again", job=job.name)
            job.last_error = None
        job.last_seconds = monotonic() - started


class Worker:
    """One candidate: serves its probes at once, and works while it is elected."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is started yet."""
        self._settings = settings
        self._keeper = DatabaseKeeper(settings)
        self._leader = Leader(LOCK_KEY, self._reachable_address, "ai-trader worker election")
        self._migrated: Address | None = None
        self._host = HostCollector(settings.data_dir)
        self.jobs = Jobs(
            (
                Job("host", settings.dashboards.system.update_interval, self._collect_host),
                Job("books", _BOOKS_SECONDS, Bookkeeper().run),
                Job("partitions", _HOUR, self._make_partitions),
                Job("rollups", _MINUTE, self._roll_up),
                Job("retention", _HOUR, self._purge),
            )
        )
        self._probes = ProbeApp(NAME, self._checks, self._document, self._metrics().registry)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve and stand for election until `stop`. Raises PortInUse."""
        app = guarded(self._probes, service_policy())
        server = ProbeServer(app, HOST, self._settings.worker.port, setting="WORKER_PORT")
        await server.start()
        election = asyncio.create_task(self._leader.run(self._work), name="election")
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({election, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if election.done():
                election.result()
        finally:
            self._probes.drain()
            for task in (election, stopping):
                task.cancel()
            await asyncio.gather(election, stopping, return_exceptions=True)
            await server.stop()
            await asyncio.to_thread(self._keeper.close)

    async def _reachable_address(self) -> Address:
        address = self._keeper.address
        if address is None:
            address = await asyncio.to_thread(self._keeper.open)
        address = direct_address(self._settings, address)
        if address != self._migrated:
            await migrate(address)
            self._migrated = address
        return address

    async def _work(self, address: Address) -> None:
        database = Database(address, role="service", max_size=3, application_name="ai-trader worker")
        await database.open()
        try:
            await self.jobs.run(database)
        finally:
            await database.close()

    async def _collect_host(self, database: Database) -> None:
        await store(database, self._host.sample())

    async def _make_partitions(self, database: Database) -> None:
        made = await make_partitions_ahead(database)
        if made:
            _log.info("partitions made", count=made)

    async def _roll_up(self, database: Database) -> None:
        await roll_up(database)

    async def _purge(self, database: Database) -> None:
        chosen, system = self._settings.retention, self._settings.dashboards.system
        ages = kept(system.metrics_retention, chosen.market_snapshots_days, chosen.system_events_days)
        for purged in await purge(database, ages):
            _log.info("old data deleted", table=purged.table, rows=purged.rows, partitions=len(purged.partitions))

    def _checks(self) -> list[Check]:
        trouble = self._leader.trouble
        checks = [Check("database", "degraded" if trouble else "ok", trouble or "")]
        return checks + [Check(job.name, "degraded", job.last_error) for job in self.jobs.jobs if job.last_error]

    def _document(self) -> dict[str, Any]:
        return {
            "version": version(),
            "elected": self._leader.elected,
            "database": self._leader.trouble or "ok",
            "jobs": [job.report for job in self.jobs.jobs],
        }

    def _metrics(self) -> Metrics:
        metrics, label = Metrics(NAME, version()), ("job",)
        metrics.gauge(f"{PREFIX}worker_elected", "1 for the worker that works.", lambda: float(self._leader.elected))
        metrics.counter(
            f"{PREFIX}job_runs_total", "Runs.", lambda: {(job.name,): job.runs for job in self.jobs.jobs}, label
        )
        metrics.counter(
            f"{PREFIX}job_failures_total",
            "Runs that failed.",
            lambda: {(job.name,): job.failures for job in self.jobs.jobs},
            label,
        )
        metrics.gauge(
            f"{PREFIX}job_last_run_seconds",
            "How long the last run took.",
            lambda: {(job.name,): job.last_seconds for job in self.jobs.jobs if job.last_seconds is not None},
            label,
        )
        metrics.gauge(
            f"{PREFIX}job_last_start_timestamp_seconds",
            "When the last run began.",
            lambda: {(job.name,): job.last_started_at.timestamp() for job in self.jobs.jobs if job.last_started_at},
            label,
        )
        return metrics


async def run_worker(settings: Settings) -> None:
    """Run a worker until SIGTERM, SIGINT or SIGHUP. Raises PortInUse."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Worker(settings).run(stop)


def main() -> int:
    """Run the worker as a program; errors go to standard error, one a line."""
    die_with_parent()
    try:
        settings = load_settings()
        configure(NAME, secrets=secrets_of(settings))
        asyncio.run(run_worker(settings))
    except AITraderError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
