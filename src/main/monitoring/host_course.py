"""How did the parts of a machine do, sample by sample? Shares and rates out of samples, stored or of this moment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import linear_regression
from typing import TypeVar

from main.monitoring.host_parts import (
    CpuSample,
    Disk,
    DisksSample,
    FilesSample,
    FileSystemsSample,
    Interface,
    InterfacesSample,
    MemorySample,
    TemperaturesSample,
)
from main.monitoring.host_states import (
    CpuPoint,
    DiskCourse,
    DiskPoint,
    FilesPoint,
    FileSystemState,
    HostCpu,
    HostMemory,
    InterfaceCourse,
    InterfacePoint,
    MemoryPoint,
    SensorState,
)

DAY = timedelta(days=1)
LEAST_GROWTH = timedelta(minutes=30)
"""A growth measured over less says more of the moment than of the disk."""

FULL_LIMIT, FULL = 0.9, 0.97
"""A file system is degraded from the first share on, down from the second: then programs stop."""

Sample = TypeVar("Sample", DisksSample, InterfacesSample)
Part = TypeVar("Part")
Point = TypeVar("Point")
Timed = TypeVar("Timed", DiskPoint, InterfacePoint)


def cpu_course(samples: Sequence[CpuSample]) -> HostCpu:
    """Return what the cores did from each sample to the next; no points below two samples."""
    points = [_cpu_point(one, other) for one, other in pairwise(samples)]
    last = samples[-1] if samples else None
    cores = len(last.core_busy_seconds) if last else 0
    return HostCpu(cores, last.limit_cores if last else None, points[-1] if points else None, points)


def memory_course(samples: Sequence[MemorySample]) -> HostMemory:
    """Return memory at each sample."""
    points = [
        MemoryPoint(
            each.at,
            each.total_bytes,
            each.used_bytes,
            each.cached_bytes,
            each.available_bytes,
            each.swap_total_bytes,
            each.swap_used_bytes,
        )
        for each in samples
    ]
    return HostMemory(samples[-1].limit_bytes if samples else None, points[-1] if points else None, points)


def files_course(samples: Sequence[FilesSample]) -> list[FilesPoint]:
    """Return the file descriptors at each sample."""
    return [FilesPoint(each.at, each.open_files, each.open_files_limit) for each in samples]


def file_systems_now(samples: Sequence[FileSystemsSample]) -> list[FileSystemState]:
    """Return each file system of the last sample, the fullest first, with its growth over all of them."""
    if not samples:
        return []
    found = []
    for mount, now in samples[-1].file_systems.items():
        growth = _growth(
            [(each.at, each.file_systems[mount].used_bytes) for each in samples if mount in each.file_systems]
        )
        inodes = _share(now.inodes_used, now.inodes_total)
        used = now.used_bytes / now.total_bytes
        fullest = max(used, inodes or 0.0)
        found.append(
            FileSystemState(
                mount,
                now.device,
                now.kind,
                "ok" if fullest < FULL_LIMIT else "degraded" if fullest < FULL else "down",
                used,
                now.used_bytes,
                now.free_bytes,
                now.total_bytes,
                inodes,
                now.inodes_used,
                now.inodes_total,
                growth,
                now.free_bytes / growth * DAY.total_seconds() if growth and growth > 0 else None,
            )
        )
    return sorted(found, key=lambda each: (-each.used_share, each.mount))


def disk_courses(samples: Sequence[DisksSample]) -> list[DiskCourse]:
    """Return each device of the last sample with its rates, by name."""
    return [
        DiskCourse(name, points[-1] if points else None, points)
        for name in sorted(samples[-1].disks if samples else ())
        for points in [_points(samples, lambda each: each.uptime_seconds, lambda each: each.disks, name, _disk_point)]
    ]


def interface_courses(samples: Sequence[InterfacesSample]) -> list[InterfaceCourse]:
    """Return each interface of the last sample with its rates, by name, the loop back last."""
    found = []
    for name, now in sorted(
        (samples[-1].interfaces if samples else {}).items(), key=lambda each: (each[0] == "lo", each[0])
    ):
        points = _points(
            samples, lambda each: each.uptime_seconds, lambda each: each.interfaces, name, _interface_point
        )
        steps = [
            (one.interfaces[name], other.interfaces[name])
            for one, other in pairwise(samples)
            if name in one.interfaces and name in other.interfaces
        ]
        errors = sum(max(0, other.errors - one.errors) for one, other in steps) if steps else None
        drops = sum(max(0, other.drops - one.drops) for one, other in steps) if steps else None
        found.append(InterfaceCourse(name, now.up, errors, drops, points[-1] if points else None, points))
    return found


def sensors_now(samples: Sequence[TemperaturesSample]) -> list[SensorState]:
    """Return each sensor of the last sample, the hottest first; empty where the machine has none."""
    if not samples:
        return []
    highest: dict[str, float] = {}
    for each in samples:
        for name, sensor in each.temperatures.items():
            highest[name] = max(sensor.celsius, highest.get(name, sensor.celsius))
    found = [
        SensorState(
            name,
            now.celsius,
            highest[name],
            now.high,
            now.critical,
            "down"
            if now.critical is not None and now.celsius >= now.critical
            else "degraded"
            if now.high is not None and now.celsius >= now.high
            else "ok",
        )
        for name, now in samples[-1].temperatures.items()
    ]
    return sorted(found, key=lambda each: (-each.celsius, each.sensor))


def all_disks(courses: Iterable[DiskCourse]) -> list[DiskPoint]:
    """Return what all devices did together, and how busy the busiest was."""
    return [
        DiskPoint(
            at,
            _sum(point.read_bytes_per_second for point in points),
            _sum(point.written_bytes_per_second for point in points),
            _sum(point.reads_per_second for point in points),
            _sum(point.writes_per_second for point in points),
            max((point.busy_share for point in points if point.busy_share is not None), default=None),
        )
        for at, points in _together(course.points for course in courses)
    ]


def all_interfaces(courses: Iterable[InterfaceCourse]) -> list[InterfacePoint]:
    """Return what went through all interfaces together, but for the loop back, which leaves no machine."""
    return [
        InterfacePoint(
            at,
            _sum(point.received_bytes_per_second for point in points),
            _sum(point.sent_bytes_per_second for point in points),
            _sum(point.errors_per_second for point in points),
            _sum(point.drops_per_second for point in points),
        )
        for at, points in _together(course.points for course in courses if course.interface != "lo")
    ]


def _cpu_point(one: CpuSample, other: CpuSample) -> CpuPoint:
    seconds = other.uptime_seconds - one.uptime_seconds
    names = ("user_seconds", "system_seconds", "iowait_seconds", "steal_seconds", "idle_seconds")
    used = [_more(getattr(one, name), getattr(other, name)) for name in names]
    total = sum(each for each in used if each is not None)
    usable = seconds > 0 and total > 0  # else the machine was started anew in between
    user, system, iowait, steal, _ = (each / total if usable and each is not None else None for each in used)
    same = seconds > 0 and len(one.core_busy_seconds) == len(other.core_busy_seconds)
    cores = [
        min(1.0, (now - before) / seconds) if same and now >= before else None
        for before, now in zip(one.core_busy_seconds, other.core_busy_seconds, strict=False)
    ]
    busy = None if user is None else user + (system or 0.0) + (steal or 0.0)
    return CpuPoint(other.at, busy, user, system, iowait, steal, other.load_1, other.load_5, other.load_15, cores)


def _points(
    samples: Sequence[Sample],
    uptime: Callable[[Sample], float],
    parts: Callable[[Sample], Mapping[str, Part]],
    name: str,
    point: Callable[[datetime, float, Part, Part], Point],
) -> list[Point]:
    """Return one part's rates from each sample to the next; a restart and a part that came anew leave a gap."""
    found = []
    for one, other in pairwise(samples):
        before, now = parts(one).get(name), parts(other).get(name)
        seconds = uptime(other) - uptime(one)
        if before is not None and now is not None and seconds > 0:
            found.append(point(other.at, seconds, before, now))
    return found


def _disk_point(at: datetime, seconds: float, before: Disk, now: Disk) -> DiskPoint:
    busy = _more(before.busy_seconds, now.busy_seconds)
    return DiskPoint(
        at,
        _rate(before.read_bytes, now.read_bytes, seconds),
        _rate(before.written_bytes, now.written_bytes, seconds),
        _rate(before.reads, now.reads, seconds),
        _rate(before.writes, now.writes, seconds),
        None if busy is None else min(1.0, busy / seconds),
    )


def _interface_point(at: datetime, seconds: float, before: Interface, now: Interface) -> InterfacePoint:
    return InterfacePoint(
        at,
        _rate(before.received_bytes, now.received_bytes, seconds),
        _rate(before.sent_bytes, now.sent_bytes, seconds),
        _rate(before.errors, now.errors, seconds),
        _rate(before.drops, now.drops, seconds),
    )


def _together(courses: Iterable[Sequence[Timed]]) -> list[tuple[datetime, list[Timed]]]:
    at: dict[datetime, list[Timed]] = {}
    for course in courses:
        for point in course:
            at.setdefault(point.at, []).append(point)
    return sorted(at.items())


def _growth(used: Sequence[tuple[datetime, int]]) -> float | None:
    if len(used) < 2 or used[-1][0] - used[0][0] < LEAST_GROWTH:
        return None
    slope = linear_regression([at.timestamp() for at, _ in used], [size for _, size in used]).slope
    return slope * DAY.total_seconds()


def _rate(before: float, now: float, seconds: float) -> float | None:
    more = _more(before, now)
    return None if more is None else more / seconds


def _more(before: float | None, now: float | None) -> float | None:
    """Return by how much a counter grew; ``None`` where it began anew."""
    return now - before if before is not None and now is not None and now >= before else None


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
