"""What must happen once, however many dashboards run? Collectors and housekeeping, by the worker that is elected."""

import asyncio
import signal
import sys
from typing import Any

import structlog

from main.config import Settings, load_settings
from main.database.address import Address
from main.database.keeper import DatabaseKeeper, direct_address
from main.database.leader import Leader
from main.database.migrate import migrate
from main.database.pool import Database
from main.errors import AITraderError
from main.housekeeping.data_ages import DataAges
from main.housekeeping.duties import duties
from main.housekeeping.job_metrics import offer_jobs
from main.housekeeping.job_rows import JobRows
from main.housekeeping.schedule import Schedule
from main.security.guard import guarded
from main.security.policy import service_policy
from main.telemetry.logging import configure
from main.telemetry.metrics import PREFIX, Metrics
from main.telemetry.orphans import die_with_parent
from main.telemetry.probes import Check, ProbeApp
from main.telemetry.process_metrics import process_metrics
from main.telemetry.redaction import secrets_of
from main.telemetry.server import ProbeServer
from main.telemetry.version import version

_log = structlog.get_logger(__name__)

NAME = "worker"
HOST = "127.0.0.1"
LOCK_KEY = 0x41495452_574F524B  # "AITR" "WORK"

_ROWS_SECONDS = 2.0
_SESSIONS = "ai-trader worker"
"""All sessions of the work have this name: those of a leader that fell silent are ended by it, with the lock."""


class Worker:
    """One candidate: serves its probes at once, and works while it is elected."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is started yet."""
        self._settings = settings
        self._keeper = DatabaseKeeper(settings)
        self._leader = Leader(LOCK_KEY, self._reachable_address, f"{_SESSIONS} election")
        self._migrated: Address | None = None
        self._ages = DataAges()
        self.jobs = duties(settings, self._ages)
        self._probes = ProbeApp(NAME, self._checks, self._document, self._metrics().registry)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve and stand for election until `stop`. Raises PortInUse."""
        app = guarded(self._probes, service_policy())
        server = ProbeServer(app, HOST, self._settings.worker.port, setting="WORKER_PORT")
        await server.start()
        _log.info("worker started", port=self._settings.worker.port)
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
        """Do the jobs until cancelled: a connection for each of them, and one for what is written down of them."""

        def connect(command_timeout: float | None = None) -> Database:
            return Database(
                address,
                role="service",
                max_size=1,
                command_timeout=command_timeout,
                application_name=_SESSIONS,
                guard=self._leader.require,
            )

        rows = JobRows(self.jobs, connect(_ROWS_SECONDS))
        schedule = Schedule(self.jobs, connect, changed=rows.soon)
        async with asyncio.TaskGroup() as group:
            group.create_task(rows.run(), name="job rows")
            group.create_task(schedule.run(), name="jobs")

    def _checks(self) -> list[Check]:
        trouble = self._leader.trouble
        checks = [Check("database", "degraded" if trouble else "ok", trouble or "")]
        if self._leader.elected:  # what failed before another was elected is the other's now
            checks += [Check(job.name, "degraded", job.last_error) for job in self.jobs if job.last_error]
        return checks

    def _document(self) -> dict[str, Any]:
        return {
            "version": version(),
            "elected": self._leader.elected,
            "database": self._leader.trouble or "ok",
            "jobs": [job.report for job in self.jobs],
        }

    def _metrics(self) -> Metrics:
        metrics = process_metrics(NAME)
        metrics.gauge(f"{PREFIX}worker_elected", "1 for the worker that works.", lambda: float(self._leader.elected))
        offer_jobs(metrics, self.jobs)
        self._ages.offer(metrics)
        return metrics


async def run_worker(settings: Settings) -> None:
    """Run a worker until SIGTERM, SIGINT or SIGHUP. Raises PortInUse."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Worker(settings).run(stop)


def main() -> int:
    """Run the worker as a program; errors go to standard error, one a line."""
    supervised = die_with_parent()
    try:
        settings = load_settings()
        configure(NAME, None if supervised else settings.log_dir, secrets=secrets_of(settings))
        asyncio.run(run_worker(settings))
    except AITraderError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
