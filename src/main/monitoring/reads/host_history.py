"""Host history: how busy and how full is the machine, now and through the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

CPU_LIMIT = 0.8
MEMORY_LIMIT = 0.8
DISK_LIMIT = 0.9
"""From where on a share of the machine is too much (SPEC §6: 80/80/90 %)."""

DISK_FULL = 0.97
"""From where on PostgreSQL is about to stop: no longer a warning."""


@dataclass(frozen=True, slots=True)
class HostPoint:
    """Means of one bucket as fractions of the machine; ``None`` where that was not sampled."""

    at: datetime
    cpu: float | None
    memory: float | None
    disk: float | None


@dataclass(frozen=True, slots=True)
class HostSample:
    """The newest sample, and mean and maximum of the window's samples: fractions of the machine, sizes in bytes."""

    host: str
    at: datetime
    cpu: float | None
    cpu_mean: float | None
    cpu_max: float | None
    cpu_count: int | None
    memory: float | None
    memory_mean: float | None
    memory_max: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    swap_used_bytes: int | None
    disk: float | None
    disk_path: str | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None
    disk_growth_bytes: float | None
    boot_at: datetime | None
    samples: int

    @property
    def disk_condition(self) -> str:
        """Whether there is room: ok, degraded from the limit on, down when nearly full, unknown when not sampled."""
        if self.disk is None:
            return "unknown"
        return "ok" if self.disk < DISK_LIMIT else "degraded" if self.disk < DISK_FULL else "down"

    @property
    def disk_limit_seconds(self) -> float | None:
        """Seconds until the disk reaches its limit at the present growth; ``None`` while it does not grow."""
        if not self.disk_growth_bytes or self.disk_growth_bytes < 0 or not self.disk_total_bytes:
            return None
        room = DISK_LIMIT * self.disk_total_bytes - (self.disk_used_bytes or 0)
        return max(0.0, room / self.disk_growth_bytes * 86_400)


@dataclass(frozen=True, slots=True)
class HostHistory:
    """One machine: its newest sample and its course through the window, oldest first."""

    latest: HostSample | None
    points: tuple[HostPoint, ...]
    start: datetime
    end: datetime
    cpu_limit: float = CPU_LIMIT
    memory_limit: float = MEMORY_LIMIT
    disk_limit: float = DISK_LIMIT


LATEST = Query(
    HostSample,
    """
    SELECT n.host, n.at::timestamptz AS at, n.cpu_percent / 100 AS cpu, w.cpu_mean, w.cpu_max, n.cpu_count,
           n.memory_used_bytes::float8 / nullif(n.memory_total_bytes, 0) AS memory, w.memory_mean, w.memory_max,
           n.memory_used_bytes, n.memory_total_bytes, n.swap_used_bytes,
           n.disk_used_bytes::float8 / nullif(n.disk_total_bytes, 0) AS disk, n.disk_path, n.disk_used_bytes,
           n.disk_total_bytes, w.disk_growth_bytes, n.boot_at, w.samples
      FROM (SELECT m.*
              FROM system_metrics m
             WHERE m.at > $1 AND m.at <= $2 AND m.recorded_at <= $3
             ORDER BY m.at DESC
             LIMIT 1) n
      CROSS JOIN LATERAL (
            SELECT avg(m.cpu_percent) / 100 AS cpu_mean, max(m.cpu_percent) / 100 AS cpu_max,
                   avg(m.memory_used_bytes::float8 / nullif(m.memory_total_bytes, 0)) AS memory_mean,
                   max(m.memory_used_bytes::float8 / nullif(m.memory_total_bytes, 0)) AS memory_max,
                   CASE WHEN max(m.at) - min(m.at) >= interval '30 minutes'
                        THEN regr_slope(m.disk_used_bytes, extract(epoch FROM m.at)::float8) * 86400
                   END AS disk_growth_bytes,
                   count(*) AS samples
              FROM system_metrics m
             WHERE m.host = n.host AND m.at > $1 AND m.at <= $2 AND m.recorded_at <= $3) w
    """,
)

POINTS = Query(
    HostPoint,
    """
    SELECT max(m.at)::timestamptz AS at, avg(m.cpu_percent) / 100 AS cpu,
           avg(m.memory_used_bytes::float8 / nullif(m.memory_total_bytes, 0)) AS memory,
           avg(m.disk_used_bytes::float8 / nullif(m.disk_total_bytes, 0)) AS disk
      FROM system_metrics m
     WHERE m.host = $1 AND m.at > $2 AND m.at <= $3 AND m.recorded_at <= $4
     GROUP BY date_bin($5, m.at, '2000-01-03 00:00Z')
     ORDER BY 1
    """,
)


async def host_history(db: Fetcher, scope: Scope) -> HostHistory:
    """Return the window's CPU, memory and disk of the machine that was sampled last; no points when none was.

    A point is the mean of a bucket of samples, at most about 300 of them, on round times so that they stay put while
    the window moves; buckets without a sample are absent. Disk growth is the slope of a straight line through the
    window, in bytes a day, ``None`` below half an hour of it.
    """
    bounds = scope.bounds()
    latest = await LATEST.first(db, bounds.start, bounds.end, bounds.known_at)
    if latest is None:
        return HostHistory(None, (), bounds.start, bounds.end)
    width = timedelta(seconds=max(1, round((bounds.end - bounds.start).total_seconds() / 300)))
    points = await POINTS.all(db, latest.host, bounds.start, bounds.end, bounds.known_at, width)
    return HostHistory(latest, tuple(points), bounds.start, bounds.end)


READ = Read(
    "host_history",
    "Host",
    host_history,
    topics=frozenset({Topic.HOST}),
    unit="fraction",
    freshness=timedelta(seconds=15),
    about="suite",
    as_of=lambda history: history.latest.at if history.latest else None,
    formula="mean of the samples in a bucket; used / total",
)
