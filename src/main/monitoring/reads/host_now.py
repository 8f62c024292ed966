"""This machine now: how did it do in the last quarter of an hour, as this process sees it without the database?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.collectors.host import HostSample
from main.monitoring.host_course import (
    cpu_course,
    disk_courses,
    file_systems_now,
    files_course,
    interface_courses,
    memory_course,
    sensors_now,
)
from main.monitoring.host_parts import HostParts
from main.monitoring.host_states import (
    DiskCourse,
    FilesPoint,
    FileSystemState,
    HostCpu,
    HostMemory,
    InterfaceCourse,
    SensorState,
)
from main.monitoring.host_usage import HostBucket, HostHistory, host_usage
from main.monitoring.read import LiveSource, Read

RING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class HostNow:
    """The machine of the process that is asked; every part as the read of stored samples has it."""

    host: str | None
    usage: HostHistory
    cpu: HostCpu
    memory: HostMemory
    files: list[FilesPoint]
    file_systems: list[FileSystemState]
    disks: list[DiskCourse]
    network: list[InterfaceCourse]
    temperatures: list[SensorState]


async def host_now(live: LiveSource, scope: Scope) -> HostNow:
    """Return what this process saw of its own machine in the last quarter of an hour.

    It works while the database is down. It has no past: whatever moment the scope names, this is now. Nothing but empty
    courses before the second sample. Raises `UnknownName` in a process that offers no "host".
    """
    ring: Sequence[tuple[HostSample, HostParts]] = live["host"]
    parts = [part for _, part in ring]
    end = ring[-1][0].at if ring else scope.bounds().end
    host = ring[-1][0].host if ring else None
    return HostNow(
        host,
        host_usage(host or "", [_bucket(sample) for sample, _ in ring], end - RING, end),
        cpu_course([part.cpu for part in parts]),
        memory_course([part.memory for part in parts]),
        files_course([part.files for part in parts]),
        file_systems_now([part.file_systems for part in parts]),
        disk_courses([part.disks for part in parts]),
        interface_courses([part.interfaces for part in parts]),
        sensors_now([part.temperatures for part in parts]),
    )


def _bucket(sample: HostSample) -> HostBucket:
    """Return a bucket of this one sample."""
    memory = sample.memory_used_bytes / sample.memory_total_bytes if sample.memory_total_bytes else None
    disk = sample.disk_used_bytes / sample.disk_total_bytes if sample.disk_total_bytes else None
    return HostBucket(
        at=sample.at,
        samples=1,
        cpu_sum=sample.cpu_percent,
        cpu_samples=int(sample.cpu_percent is not None),
        cpu_max=sample.cpu_percent,
        memory_sum=memory,
        memory_samples=int(memory is not None),
        memory_max=memory,
        disk_sum=disk,
        disk_samples=int(disk is not None),
        disk_max=disk,
        load_sum=sample.load_1,
        load_samples=int(sample.load_1 is not None),
        load_max=sample.load_1,
        cpu_percent=sample.cpu_percent,
        cpu_count=sample.cpu_count,
        memory_used_bytes=sample.memory_used_bytes,
        memory_total_bytes=sample.memory_total_bytes,
        swap_used_bytes=sample.swap_used_bytes,
        disk_path=sample.disk_path,
        disk_used_bytes=sample.disk_used_bytes,
        disk_total_bytes=sample.disk_total_bytes,
        boot_at=sample.boot_at,
    )


READ = Read(
    "host_now",
    "This machine",
    host_now,
    topics=frozenset({Topic.HOST}),
    unit="by column",
    freshness=timedelta(seconds=20),
    source="live",
    about="suite",
    stands_in=True,
    as_of=lambda now: now.usage.latest.at if now.usage.latest else None,
    formula="as the reads of stored samples, out of this process's own samples of 15 minutes",
)
