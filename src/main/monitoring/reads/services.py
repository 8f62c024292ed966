"""Services: what does every process of the suite say of itself, and is it still there?"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One process. ``condition`` is ok, degraded, down or unknown (stopped in order); ``silent`` after three intervals.

    ``cpu_share`` is of one core (1.0 is a core fully used); nobody reports the database's, which is what its processes
    took in the last sample of the machine. ``probe_seconds`` is the answer time of its health route.
    ``restarts_by_reason`` counts by crashed, killed, hung, asked and moved. ``push_p50_seconds`` and its p95 are of the
    last 1,000 updates, from learning of a change until it was handed to the viewer's socket;
    ``questions_answered`` and ``questions_shared`` (answered for one viewer, served to another) count since its start.
    ``degraded_reason`` is what it complains of while it lives.
    """

    service: str
    host: str
    kind: str
    condition: str
    state: str
    silent: bool
    pid: int | None
    port: int | None
    version: str | None
    started_at: datetime | None
    restarts: int
    restart_reason: str | None
    cpu_share: float | None
    rss_bytes: int | None
    probe_seconds: float | None
    viewers: int | None
    last_stderr: str | None
    heard_at: datetime
    restarts_by_reason: dict[str, int]
    push_p50_seconds: float | None
    push_p95_seconds: float | None
    questions_answered: int | None
    questions_shared: int | None
    degraded_reason: str | None

    def __post_init__(self) -> None:
        counted: object = self.restarts_by_reason
        if isinstance(counted, str):  # the driver hands jsonb over as it stands
            object.__setattr__(self, "restarts_by_reason", json.loads(counted))


STATES = Query(
    ServiceState,
    """
    SELECT s.service, s.host, s.kind,
           CASE WHEN s.state = 'stopped' THEN 'unknown'
                WHEN late.silent OR s.state = 'failed' THEN 'down'
                WHEN s.state IN ('degraded', 'restarting', 'stopping') THEN 'degraded'
                ELSE 'ok' END AS condition,
           s.state, late.silent, s.pid, s.port, s.version, s.started_at, s.restarts, s.restart_reason,
           coalesce(s.cpu_percent, sampled.cpu_percent) / 100 AS cpu_share, s.rss_bytes, s.probe_seconds, s.viewers,
           s.last_stderr, s.recorded_at AS heard_at, s.restarts_by_reason, s.push_p50_seconds, s.push_p95_seconds,
           s.questions_answered, s.questions_shared, s.degraded_reason
      FROM services s
      CROSS JOIN LATERAL (
            SELECT s.state NOT IN ('stopped', 'failed')
                   AND s.recorded_at < database_clock() - 3 * s.interval_seconds * interval '1 second' AS silent) late
      LEFT JOIN LATERAL (
            SELECT sum(m.cpu_percent) AS cpu_percent
              FROM process_metrics m
             WHERE m.host = s.host AND m.service = s.service
               AND m.at = (SELECT max(p.at) FROM process_metrics p
                            WHERE p.host = s.host AND p.at > database_clock() - interval '5 minutes')
      ) sampled ON s.kind = 'database' AND s.cpu_percent IS NULL AND s.state <> 'stopped'
     WHERE $1
     ORDER BY array_position(ARRAY['manager', 'dashboard', 'worker', 'bot', 'database'], s.kind), s.service, s.host
    """,
)


async def services(db: Fetcher, scope: Scope) -> list[ServiceState]:
    """Return the newest word of every process, by kind and name; empty in the past, because none is kept of it.

    A row that was not renewed for three of its intervals is a silent service: its process may be gone.
    """
    return await STATES.all(db, scope.present)


READ = Read(
    "services",
    "Services",
    services,
    topics=frozenset({Topic.SERVICES}),
    unit="text",
    freshness=timedelta(seconds=15),
    about="suite",
    formula="silent: not renewed for three intervals",
)
