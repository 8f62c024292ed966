"""Host history: how busy and how full is the machine, now and through the window?"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_usage import (
    DISK_LIMIT,
    HostBucket,
    HostHistory,
    HostPoint,
    HostSample,
    host_usage,
)
from main.monitoring.read import Read

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

POINTS = 300
"""Of a chart; more than a screen can tell apart."""

ROUND_WIDTHS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 20, 30, 40, 60, 120, 180, 240, 360, 720, 1440)
)

__all__ = ["DISK_LIMIT", "READ", "HostHistory", "HostPoint", "HostSample"]


@dataclass(frozen=True, slots=True)
class SampledHost:
    """The machine sampled last in a window, and since when all its samples are kept; ``None`` is since ever."""

    host: str
    kept_since: datetime | None


HOST = Query(
    SampledHost,
    """
    SELECT h.host, nullif(p.kept_since, '-infinity') AS kept_since
      FROM sampled_host($1, $2, $3) AS h (host)
      CROSS JOIN rollup_progress p
     WHERE p.fact = 'host' AND h.host IS NOT NULL
    """,
)

BUCKETS = Query(
    HostBucket,
    """
    SELECT b.last_at AS at, b.samples, b.cpu_sum, b.cpu_samples, b.cpu_max, b.memory_sum, b.memory_samples,
           b.memory_max, b.disk_sum, b.disk_samples, b.disk_max, b.load_sum, b.load_samples, b.load_max,
           b.cpu_percent, b.cpu_count, b.memory_used_bytes, b.memory_total_bytes, b.swap_used_bytes, b.disk_path,
           b.disk_used_bytes, b.disk_total_bytes, b.boot_at
      FROM host_window($1, $2, $3, $4, $5) b
     ORDER BY b.last_at
    """,
)


async def host_history(db: Fetcher, scope: Scope) -> HostHistory:
    """Return the window's CPU, memory, disk and load of the machine that was sampled last; no points when none was.

    A point is the mean and the maximum of a bucket of samples, at most about 300 of them, on round times so that they
    stay put while the window moves; buckets without a sample are absent. From a minute on they come from roll-ups, and
    so do the ones of a past whose samples are not kept any more. Disk growth is the slope of a straight line through
    the last samples of the buckets, in bytes a day, ``None`` below half an hour.
    """
    bounds = scope.bounds()
    sampled = await HOST.first(db, bounds.start, bounds.end, bounds.known_at)
    if sampled is None:
        return HostHistory(None, (), bounds.start, bounds.end)
    width = bucket_width(bounds.end - bounds.start)
    if sampled.kept_since is not None and bounds.start < sampled.kept_since:
        width = max(width, MINUTE)
    buckets = await BUCKETS.all(db, sampled.host, bounds.start, bounds.end, bounds.known_at, width)
    return host_usage(sampled.host, buckets, bounds.start, bounds.end)


def bucket_width(window: timedelta) -> timedelta:
    """Return the width of the buckets of a window: about 300 fill it; from a minute on only round ones, fewer of them.

    Below a minute the samples themselves are asked, from there on the roll-ups.
    """
    width = timedelta(seconds=max(1, round(window.total_seconds() / POINTS)))
    if width < MINUTE:
        return width
    return next((each for each in ROUND_WIDTHS if each >= width), timedelta(days=math.ceil(width / DAY)))


READ = Read(
    "host_history",
    "Host",
    host_history,
    topics=frozenset({Topic.HOST}),
    unit="fraction",
    freshness=timedelta(seconds=15),
    about="suite",
    as_of=lambda history: history.latest.at if history.latest else None,
    formula="mean and maximum of the samples in a bucket; used / total",
)
