"""Where does the elected worker write down how its jobs go? In ``worker_jobs``, for every page and replica to read."""

import asyncio
import contextlib
import os
from collections.abc import Sequence

import structlog

from main.clock import now
from main.database.pool import Database
from main.domain.topics import CHANNEL, Announcement, Topic
from main.housekeeping.job import Job, told
from main.telemetry.services import host_name

_log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 5.0
_LEAST_SECONDS = 0.2  # a burst of changes is one report

_COLUMNS = (
    *("job", "every_seconds", "limit_seconds", "state", "runs", "failures", "last_started_at", "last_finished_at"),
    *("last_seconds", "last_result", "last_error", "next_at"),
)
_UPSERT = """
    INSERT INTO worker_jobs (host, pid, at, job, every_seconds, limit_seconds, state, runs, failures, last_started_at,
                             last_finished_at, last_seconds, last_result, last_error, next_at)
    SELECT $1, $2, $3, said.*
      FROM unnest($4::text[], $5::float8[], $6::float8[], $7::text[], $8::bigint[], $9::bigint[], $10::timestamptz[],
                  $11::timestamptz[], $12::float8[], $13::text[], $14::text[], $15::timestamptz[]) AS said
    ON CONFLICT (job) DO UPDATE
       SET host = excluded.host, pid = excluded.pid, at = excluded.at, every_seconds = excluded.every_seconds,
           limit_seconds = excluded.limit_seconds, state = excluded.state, runs = excluded.runs,
           failures = excluded.failures, last_started_at = excluded.last_started_at,
           last_finished_at = excluded.last_finished_at, last_seconds = excluded.last_seconds,
           last_result = excluded.last_result, last_error = excluded.last_error, next_at = excluded.next_at
"""
# What a worker of another version did and this one does not would stand there for ever.
_FORGET = "DELETE FROM worker_jobs WHERE job <> ALL ($1)"


class JobRows:
    """Writes the jobs' rows every five seconds, and at once when `soon` says that something changed."""

    def __init__(self, jobs: Sequence[Job], database: Database) -> None:
        """Take the jobs and a database of the role service, not opened yet; nothing is started."""
        self._jobs = tuple(jobs)
        self._database = database
        self._due = asyncio.Event()
        self._failing = False
        self._states: dict[str, str] = {}

    def soon(self, job: Job) -> None:
        """Note that a job changed. One that runs more often than the rows are written is worth no row of its own.

        Unless it begins to fail, or works again.
        """
        failed = "failing" in (job.state, self._states.get(job.name)) and job.state != self._states.get(job.name)
        self._states[job.name] = job.state
        if failed or job.every_seconds > INTERVAL_SECONDS:
            self._due.set()

    async def run(self) -> None:
        """Write until cancelled; a database that does not take the rows is waited for."""
        await self._database.open()
        try:
            while True:
                await self._try()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(INTERVAL_SECONDS):
                        await self._due.wait()
                await asyncio.sleep(_LEAST_SECONDS)
                self._due.clear()
        finally:
            await self._database.close()

    async def _try(self) -> None:
        try:
            await write_jobs(self._database, self._jobs)
            self._failing = False
        except Exception as error:  # noqa: BLE001  # a boundary: the jobs go on, written down or not
            if not self._failing:
                _log.warning("jobs are not written down", reason=told(error))
            self._failing = True


async def write_jobs(database: Database, jobs: Sequence[Job]) -> None:
    """Write the rows of this process's jobs, forget those of jobs there are no more, and announce them.

    Needs the role service. Raises DatabaseUnreachable or DatabaseTimeout.
    """
    reports = [{"job": job.name, **job.report} for job in jobs]
    columns = [[report[name] for report in reports] for name in _COLUMNS]
    async with database.scoped() as connection:
        await connection.execute(_FORGET, columns[0])
        await connection.execute(_UPSERT, host_name(), os.getpid(), now(), *columns)
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.SERVICES).payload)
