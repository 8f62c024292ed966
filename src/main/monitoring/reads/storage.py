"""Storage: how big is the database, how full is its disk, when will that be full, and is old data purged?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import linear_regression

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import bucket_width

LIMIT = 0.9
"""From where on a disk is too full (SPEC §6)."""

SHORTEST = timedelta(minutes=30)
"""A slope over less says what the last minutes did, not where it leads."""

POINTS = 120
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """The size of the database at the end of the window and at its beginning, and how old data was purged last."""

    database_bytes: int | None
    database_at: datetime | None
    first_bytes: int | None
    first_at: datetime | None
    purged_at: datetime | None
    purged_rows: int | None
    next_purge_at: datetime | None


@dataclass(frozen=True, slots=True)
class DiskUse:
    """How full the disk was in one bucket."""

    at: datetime
    path: str | None
    used_bytes: int | None
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Storage:
    """The database, its disk, and the last purge; ``None`` for what was not sampled.

    Growth of the database is between the window's first and last sample, that of the disk the slope of a straight line
    through the window's samples, both in bytes a day; ``None`` over less than half an hour. ``limit_seconds`` and
    ``full_seconds`` are until the disk is filled to `disk_limit` and altogether, at its present growth; ``None`` while
    it does not grow. The disk is the one that the suite's data lie on, on the machine that was sampled last: an outside
    database may have another. ``purged_rows`` counts the day of the last purge; ``next_purge_at`` is only known
    live.
    """

    database_bytes: int | None
    database_daily_bytes: float | None
    database_share: float | None
    disk_path: str | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None
    disk: float | None
    disk_daily_bytes: float | None
    disk_limit: float
    limit_seconds: float | None
    full_seconds: float | None
    purged_at: datetime | None
    purged_rows: int | None
    next_purge_at: datetime | None
    at: datetime | None


SIZES = Query(
    Sizes,
    """
    SELECT l.database_bytes, l.at AS database_at, f.database_bytes AS first_bytes, f.at AS first_at,
           p.purged_at, p.purged_rows, j.next_at AS next_purge_at
      FROM (SELECT) one
      LEFT JOIN LATERAL (
            SELECT d.database_bytes, d.at::timestamptz AS at
              FROM database_samples d
             WHERE d.at > $1 AND d.at <= $2 AND d.recorded_at <= $3 AND d.database_bytes IS NOT NULL
             ORDER BY d.at DESC
             LIMIT 1) l ON true
      LEFT JOIN LATERAL (
            SELECT d.database_bytes, d.at::timestamptz AS at
              FROM database_samples d
             WHERE d.at > $1 AND d.at <= $2 AND d.recorded_at <= $3 AND d.database_bytes IS NOT NULL
             ORDER BY d.at
             LIMIT 1) f ON true
      LEFT JOIN LATERAL (
            SELECT max(g.finished_at)::timestamptz AS purged_at, sum(g.rows_deleted)::bigint AS purged_rows
              FROM daily_purge_flags g
             WHERE g.finished_at <= $2
             GROUP BY g.day
             ORDER BY g.day DESC
             LIMIT 1) p ON true
      LEFT JOIN worker_jobs j ON $4 AND j.job = 'retention'
    """,
)

DISK = Query(
    DiskUse,
    """
    SELECT w.last_at AS at, w.disk_path AS path, w.disk_used_bytes AS used_bytes, w.disk_total_bytes AS total_bytes
      FROM sampled_host($1, $2, $3) AS h (host)
      CROSS JOIN LATERAL host_window(h.host, $1, $2, $3, $4) w
     WHERE h.host IS NOT NULL
     ORDER BY w.last_at
    """,
)


async def storage(db: Fetcher, scope: Scope) -> Storage:
    """Return the sizes at the end of the window and how they change through it; ``None`` for what nobody sampled."""
    bounds = scope.bounds()
    about = (bounds.start, bounds.end, bounds.known_at)
    sizes = await SIZES.first(db, *about, scope.present)
    assert sizes is not None  # one row, whatever there is
    width = bucket_width(bounds.start, bounds.end, POINTS, timedelta(minutes=1))
    course = [each for each in await DISK.all(db, *about, width) if each.used_bytes is not None]
    last = course[-1] if course else None
    used, total = (last.used_bytes, last.total_bytes) if last else (None, None)
    growth = _slope([(each.at, float(each.used_bytes or 0)) for each in course])
    times = [at for at in (last.at if last else None, sizes.database_at) if at is not None]
    return Storage(
        database_bytes=sizes.database_bytes,
        database_daily_bytes=_slope(_ends(sizes)),
        database_share=_ratio(sizes.database_bytes, total),
        disk_path=last.path if last else None,
        disk_used_bytes=used,
        disk_total_bytes=total,
        disk=_ratio(used, total),
        disk_daily_bytes=growth,
        disk_limit=LIMIT,
        limit_seconds=_left(used, total, LIMIT, growth),
        full_seconds=_left(used, total, 1.0, growth),
        purged_at=sizes.purged_at,
        purged_rows=sizes.purged_rows,
        next_purge_at=sizes.next_purge_at,
        at=max(times, default=None),
    )


def _ends(sizes: Sizes) -> list[tuple[datetime, float]]:
    pairs = ((sizes.first_at, sizes.first_bytes), (sizes.database_at, sizes.database_bytes))
    return [(at, float(size)) for at, size in pairs if at is not None and size is not None]


def _slope(course: Sequence[tuple[datetime, float]]) -> float | None:
    """Return bytes a day."""
    if len(course) < 2 or course[-1][0] - course[0][0] < SHORTEST:
        return None
    return linear_regression([at.timestamp() for at, _ in course], [size for _, size in course]).slope * _DAY


def _left(used: int | None, total: int | None, share: float, growth: float | None) -> float | None:
    if used is None or not total or growth is None or growth <= 0:
        return None
    return max(0.0, (share * total - used) / growth * _DAY)


def _ratio(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None


READ = Read(
    "storage",
    "Storage",
    storage,
    topics=frozenset({Topic.SERVICES}),
    unit="bytes",
    freshness=timedelta(minutes=2),
    about="suite",
    as_of=lambda found: found.at,
    scalar=lambda found: found.full_seconds,
    formula="until full = (total - used) / growth of the used bytes",
)
