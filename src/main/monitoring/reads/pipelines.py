"""Pipelines: does every data pipeline run, how far behind is it, and how did its last runs end?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import MOST

SILENT_AFTER = timedelta(minutes=5)
"""A running pipeline tells of itself every minute; five without a word are no delay any more."""


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """One run of a pipeline; ``newest`` marks the last one of each.

    ``condition``: ok, late (it lags behind its objective), failed, down (it said it runs, and nothing more for five
    minutes while a bot of its source is at work), ended, or cut short (it never said it ended, and a later one began).
    Rows are ``None`` where the pipeline does not
    count them, and ``lag_seconds`` and ``slo_seconds`` where there is none. ``error_share`` is errors over errors and
    rows, ``rows_per_second`` is over the run so far; both ``None`` where nothing was counted.
    """

    source: str
    pipeline: str
    run_id: str
    kind: str
    status: str
    condition: str
    newest: bool
    started_at: datetime
    finished_at: datetime | None
    last_success_at: datetime | None
    rows_in: int | None
    rows_out: int | None
    errors: int
    error_share: float | None
    rows_per_second: float | None
    lag_seconds: float | None
    slo_seconds: float | None
    message: str | None
    at: datetime


RUNS = Query(
    PipelineRun,
    """
    WITH RECURSIVE sources AS (
        SELECT DISTINCT a.source FROM accounts_at($1, $2, $3, $4) a
    ), at_work AS (
        SELECT a.source
          FROM accounts_at($1, $2, $3, $4) a
          JOIN bot_signs($1, $2, $3, $4) b ON b.account_id = a.account_id
         WHERE b.status NOT IN ('stopped', 'finished')
    ), names AS (
        -- By jumps through the index: a scan of all runs ever would grow with them.
        SELECT s.source, (SELECT min(p.pipeline) FROM pipeline_status p WHERE p.source = s.source) AS pipeline
          FROM sources s
        UNION ALL
        SELECT n.source,
               (SELECT min(p.pipeline) FROM pipeline_status p WHERE p.source = n.source AND p.pipeline > n.pipeline)
          FROM names n
         WHERE n.pipeline IS NOT NULL
    ), runs AS (
        SELECT r.*, row_number() OVER (PARTITION BY r.source, r.pipeline ORDER BY r.started_at DESC, r.run_id) AS place,
               -- What a run said after the moment is not known then: only that it was under way.
               r.at <= $2 AS told
          FROM names n
          CROSS JOIN LATERAL (
                SELECT p.*
                  FROM pipeline_status p
                 WHERE p.source = n.source AND p.pipeline = n.pipeline AND p.started_at <= $2 AND p.recorded_at <= $3
                 ORDER BY p.started_at DESC
                 LIMIT $5) r
         WHERE r.started_at > $6 OR r.finished_at IS NULL OR r.finished_at > $6
    )
    SELECT r.source, r.pipeline, r.run_id, r.kind, s.status,
           CASE WHEN s.status = 'failed' OR s.status = 'late' AND r.place = 1 THEN s.status
                WHEN s.status = 'succeeded' THEN 'ended'
                WHEN r.place > 1 THEN 'cut short'
                WHEN r.told AND r.source IN (SELECT w.source FROM at_work w)
                     AND CASE WHEN $4 THEN database_clock() - r.recorded_at::timestamptz ELSE $2 - r.at END > $7
                THEN 'down' ELSE 'ok' END AS condition,
           r.place = 1 AS newest,
           r.started_at::timestamptz AS started_at, CASE WHEN r.told THEN r.finished_at END::timestamptz AS finished_at,
           CASE WHEN r.last_success_at <= $2 THEN r.last_success_at END::timestamptz AS last_success_at,
           CASE WHEN r.told THEN r.rows_in END AS rows_in, CASE WHEN r.told THEN r.rows_out END AS rows_out,
           CASE WHEN r.told THEN r.errors ELSE 0 END AS errors,
           CASE WHEN r.told THEN r.errors::float8 / nullif(r.errors + greatest(r.rows_in, r.rows_out), 0) END
               AS error_share,
           CASE WHEN r.told THEN greatest(r.rows_in, r.rows_out)::float8
                / nullif(extract(epoch FROM coalesce(r.finished_at, r.at) - r.started_at), 0)::float8 END
               AS rows_per_second,
           CASE WHEN r.told THEN r.lag_seconds END::float8 AS lag_seconds, r.slo_seconds::float8 AS slo_seconds,
           CASE WHEN r.told THEN r.message END AS message, least(r.at, $2)::timestamptz AS at
      FROM runs r
      CROSS JOIN LATERAL (SELECT CASE WHEN r.told THEN r.status ELSE 'running' END AS status) s
     ORDER BY r.source, r.kind, r.pipeline, r.started_at DESC, r.run_id
    """,
)


@dataclass(frozen=True, slots=True)
class PipelineParams:
    """Params: at most how many runs of each pipeline, the newest first."""

    runs: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.runs <= MOST:
            raise ValueError(f"runs: got {self.runs}, expected 1 to {MOST}")


async def pipelines(db: Fetcher, scope: Scope, asked: PipelineParams | None = None) -> list[PipelineRun]:
    """Return the runs that were under way in the window, by source and pipeline, feeds first, the newest run first.

    Times UTC. A past moment shows of a run that was still told of later only that it was under way: no older word of it
    is kept. Empty when no pipeline of the accounts' sources ran.
    """
    asked = asked or PipelineParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, asked.runs, bounds.start, SILENT_AFTER)
    return await RUNS.all(db, *which)


READ = Read(
    "pipelines",
    "Pipelines",
    pipelines,
    topics=frozenset({Topic.PIPELINES, Topic.HEARTBEATS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=2),
    about="suite",
    params=PipelineParams,
    scalar=lambda rows: sum(row.newest and row.condition in {"late", "failed", "down"} for row in rows),
    formula="late: lag above the objective; down: running, but nothing heard for five minutes",
)
