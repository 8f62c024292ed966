"""What is answered of the parts of a machine: shares, rates and states, now and through a window."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CpuPoint:
    """Shares of all cores between two samples, as fractions; ``core_share`` core by core; ``None`` where not known."""

    at: datetime
    busy_share: float | None
    user_share: float | None
    system_share: float | None
    iowait_share: float | None
    steal_share: float | None
    load_1: float | None
    load_5: float | None
    load_15: float | None
    core_share: list[float | None]


@dataclass(frozen=True, slots=True)
class HostCpu:
    """The processor through a window, oldest first; ``limit_cores`` is the container's, ``None`` without one."""

    cores: int
    limit_cores: float | None
    latest: CpuPoint | None
    points: list[CpuPoint]


@dataclass(frozen=True, slots=True)
class MemoryPoint:
    """Memory and swap at one moment; ``cached_bytes`` is part of what is available, ``None`` where it is not told."""

    at: datetime
    total_bytes: int | None
    used_bytes: int | None
    cached_bytes: int | None
    available_bytes: int | None
    swap_total_bytes: int | None
    swap_used_bytes: int | None


@dataclass(frozen=True, slots=True)
class HostMemory:
    """Memory through a window, oldest first; ``limit_bytes`` is the container's, ``None`` without one."""

    limit_bytes: int | None
    latest: MemoryPoint | None
    points: list[MemoryPoint]


@dataclass(frozen=True, slots=True)
class FileSystemState:
    """One file system now. ``growth_bytes`` is a day's, ``full_seconds`` until it is full at that pace.

    ``condition`` is ok, degraded from 90 % on (of bytes or inodes), down from 97 %. ``None`` where it has no inodes,
    where growth is not known yet, and where it does not grow.
    """

    mount: str
    device: str
    kind: str
    condition: str
    used_share: float
    used_bytes: int
    free_bytes: int
    total_bytes: int
    inodes_share: float | None
    inodes_used: int | None
    inodes_total: int | None
    growth_bytes: float | None
    full_seconds: float | None


@dataclass(frozen=True, slots=True)
class DiskPoint:
    """What a device, or all together, did between two samples; ``busy_share`` is the busiest one's."""

    at: datetime
    read_bytes_per_second: float | None
    written_bytes_per_second: float | None
    reads_per_second: float | None
    writes_per_second: float | None
    busy_share: float | None


@dataclass(frozen=True, slots=True)
class DiskCourse:
    """One device: its last point (``None`` before there are two samples), and its course, oldest first."""

    device: str
    latest: DiskPoint | None
    points: list[DiskPoint]


@dataclass(frozen=True, slots=True)
class InterfacePoint:
    """What went through an interface, or all but the loop back, between two samples."""

    at: datetime
    received_bytes_per_second: float | None
    sent_bytes_per_second: float | None
    errors_per_second: float | None
    drops_per_second: float | None


@dataclass(frozen=True, slots=True)
class InterfaceCourse:
    """One interface: its last point, errors and drops in the window, and its course; ``None`` where not known."""

    interface: str
    up: bool | None
    errors: int | None
    drops: int | None
    latest: InterfacePoint | None
    points: list[InterfacePoint]


@dataclass(frozen=True, slots=True)
class FilesPoint:
    """File descriptors in use on the machine, and its limit; ``None`` where the system does not tell."""

    at: datetime
    open_files: int | None
    open_files_limit: int | None


@dataclass(frozen=True, slots=True)
class SensorState:
    """One temperature now, with the window's highest, in degrees Celsius; ``None`` where the sensor has no bound."""

    sensor: str
    celsius: float
    highest_celsius: float
    high_celsius: float | None
    critical_celsius: float | None
    condition: str
