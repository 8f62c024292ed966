"""Worker jobs: does everything that must happen once happen, when it should, and without an error?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class JobState:
    """One job of the elected worker. ``condition`` is ok, degraded (its last run failed, or it is overdue) or down.

    ``state`` is waiting, running or failing; ``silent`` when the worker said nothing of it for 15 s, three of its
    intervals. ``overdue`` when its run should have begun 15 s ago and more. ``runs`` and ``failures`` count since that
    worker started, ``last_seconds`` and ``last_error`` are of the last run that is over.
    """

    job: str
    host: str
    pid: int
    condition: str
    state: str
    silent: bool
    overdue: bool
    every_seconds: float
    limit_seconds: float
    runs: int
    failures: int
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_seconds: float | None
    last_result: str | None
    last_error: str | None
    next_at: datetime | None
    heard_at: datetime


STATES = Query(
    JobState,
    """
    SELECT j.job, j.host, j.pid,
           CASE WHEN sign.silent THEN 'down'
                WHEN sign.overdue OR j.state = 'failing' THEN 'degraded'
                ELSE 'ok' END AS condition,
           j.state, sign.silent, sign.overdue, j.every_seconds, j.limit_seconds, j.runs, j.failures,
           j.last_started_at, j.last_finished_at, j.last_seconds, j.last_result, j.last_error, j.next_at,
           j.recorded_at AS heard_at
      FROM worker_jobs j
      CROSS JOIN LATERAL (
            SELECT j.recorded_at < database_clock() - interval '15 seconds' AS silent,
                   coalesce(j.next_at < database_clock() - interval '15 seconds', false) AS overdue) sign
     WHERE $1
     ORDER BY j.job
    """,
)


async def worker_jobs(db: Fetcher, scope: Scope) -> list[JobState]:
    """Return the newest word on every job, by name; empty in the past, because none is kept of it.

    The elected worker renews every row each five seconds: a row that is older belongs to a worker that is gone, and
    until another is elected nobody does the job.
    """
    return await STATES.all(db, scope.present)


READ = Read(
    "worker_jobs",
    "Worker jobs",
    worker_jobs,
    topics=frozenset({Topic.SERVICES}),
    unit="text",
    freshness=timedelta(seconds=15),
    about="suite",
    formula="silent: not renewed for 15 s; overdue: due 15 s ago and not begun",
)
