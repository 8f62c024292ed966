"""How busy and how full is the machine? What samples of it come to, be they stored or of this process."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import linear_regression

DAY = timedelta(days=1)

CPU_LIMIT = 0.8
MEMORY_LIMIT = 0.8
DISK_LIMIT = 0.9
"""From where on a share of the machine is too much (SPEC §6: 80/80/90 %)."""

DISK_FULL = 0.97
"""From where on PostgreSQL is about to stop: no longer a warning."""


@dataclass(frozen=True, slots=True)
class HostPoint:
    """Means and highest values of one bucket as fractions of the machine; ``None`` where that was not sampled.

    ``load`` is how many processes wanted to run, of samples that are means of a minute. ``disk_max`` is ``None`` also
    where only a roll-up is left that was made before it was kept.
    """

    at: datetime
    cpu: float | None
    memory: float | None
    disk: float | None
    cpu_max: float | None = None
    memory_max: float | None = None
    disk_max: float | None = None
    load: float | None = None
    load_max: float | None = None


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


@dataclass(frozen=True, slots=True)
class HostBucket:
    """A bucket of samples: sums with their counts, maxima, and the last sample of it, taken ``at``."""

    at: datetime
    samples: int
    cpu_sum: float | None
    cpu_samples: int
    cpu_max: float | None
    memory_sum: float | None
    memory_samples: int
    memory_max: float | None
    disk_sum: float | None
    disk_samples: int
    disk_max: float | None
    load_sum: float | None
    load_samples: int
    load_max: float | None
    cpu_percent: float | None
    cpu_count: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    swap_used_bytes: int | None
    disk_path: str | None
    disk_used_bytes: int | None
    disk_total_bytes: int | None
    boot_at: datetime | None

    @property
    def point(self) -> HostPoint:
        """Its means and its maxima."""
        return HostPoint(
            self.at,
            _share(_mean((self.cpu_sum, self.cpu_samples)), 100),
            _mean((self.memory_sum, self.memory_samples)),
            _mean((self.disk_sum, self.disk_samples)),
            cpu_max=_share(self.cpu_max, 100),
            memory_max=self.memory_max,
            disk_max=self.disk_max,
            load=_mean((self.load_sum, self.load_samples)),
            load_max=self.load_max,
        )


def host_usage(host: str, buckets: Sequence[HostBucket], start: datetime, end: datetime) -> HostHistory:
    """Return the newest sample and the course of buckets, oldest first; nothing where there are none."""
    if not buckets:
        return HostHistory(None, (), start, end)
    return HostHistory(_latest(host, buckets), tuple(bucket.point for bucket in buckets), start, end)


def _latest(host: str, buckets: Sequence[HostBucket]) -> HostSample:
    last = buckets[-1]
    return HostSample(
        host,
        last.at,
        cpu=_share(last.cpu_percent, 100),
        cpu_mean=_share(_mean(*((each.cpu_sum, each.cpu_samples) for each in buckets)), 100),
        cpu_max=_share(_highest(each.cpu_max for each in buckets), 100),
        cpu_count=last.cpu_count,
        memory=_share(last.memory_used_bytes, last.memory_total_bytes),
        memory_mean=_mean(*((each.memory_sum, each.memory_samples) for each in buckets)),
        memory_max=_highest(each.memory_max for each in buckets),
        memory_used_bytes=last.memory_used_bytes,
        memory_total_bytes=last.memory_total_bytes,
        swap_used_bytes=last.swap_used_bytes,
        disk=_share(last.disk_used_bytes, last.disk_total_bytes),
        disk_path=last.disk_path,
        disk_used_bytes=last.disk_used_bytes,
        disk_total_bytes=last.disk_total_bytes,
        disk_growth_bytes=_growth(buckets),
        boot_at=last.boot_at,
        samples=sum(each.samples for each in buckets),
    )


def _growth(buckets: Sequence[HostBucket]) -> float | None:
    used = [(each.at.timestamp(), each.disk_used_bytes) for each in buckets if each.disk_used_bytes is not None]
    if len(used) < 2 or used[-1][0] - used[0][0] < timedelta(minutes=30).total_seconds():
        return None
    return linear_regression([at for at, _ in used], [size for _, size in used]).slope * DAY.total_seconds()


def _mean(*parts: tuple[float | None, int]) -> float | None:
    count = sum(number for _, number in parts)
    return sum(total or 0.0 for total, _ in parts) / count if count else None


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
