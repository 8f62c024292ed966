"""What is told of a machine's parts at one moment? Counters count since it started; rates are differences of two."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CpuSample:
    """Processor time in seconds since the machine started: of all cores by use, and busy ones core by core."""

    at: datetime
    uptime_seconds: float
    user_seconds: float | None
    system_seconds: float | None
    iowait_seconds: float | None
    steal_seconds: float | None
    idle_seconds: float | None
    core_busy_seconds: list[float]
    limit_cores: float | None
    load_1: float | None
    load_5: float | None
    load_15: float | None


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Memory and swap in bytes; ``limit_bytes`` is the container's, ``None`` without one."""

    at: datetime
    total_bytes: int | None
    used_bytes: int | None
    cached_bytes: int | None
    available_bytes: int | None
    limit_bytes: int | None
    swap_total_bytes: int | None
    swap_used_bytes: int | None


@dataclass(frozen=True, slots=True)
class FilesSample:
    """File descriptors in use on the machine, and how many it allows; ``None`` where the system does not tell."""

    at: datetime
    open_files: int | None
    open_files_limit: int | None


@dataclass(frozen=True, slots=True)
class FileSystem:
    """One mounted file system. ``total_bytes`` is what users can fill; inodes are ``None`` where it has none."""

    device: str
    kind: str
    total_bytes: int
    used_bytes: int
    free_bytes: int
    inodes_total: int | None
    inodes_used: int | None


@dataclass(frozen=True, slots=True)
class Disk:
    """What went to and from one device; ``busy_seconds`` is ``None`` where the system does not count it."""

    read_bytes: int
    written_bytes: int
    reads: int
    writes: int
    busy_seconds: float | None


@dataclass(frozen=True, slots=True)
class Interface:
    """What went through one network interface; ``up`` is ``None`` where that is not known."""

    received_bytes: int
    sent_bytes: int
    errors: int
    drops: int
    up: bool | None


@dataclass(frozen=True, slots=True)
class Temperature:
    """One sensor, in degrees Celsius; ``None`` where it names no bounds."""

    celsius: float
    high: float | None
    critical: float | None


@dataclass(frozen=True, slots=True)
class FileSystemsSample:
    """Every file system that matters, by mount point."""

    at: datetime
    file_systems: dict[str, FileSystem]

    def __post_init__(self) -> None:
        object.__setattr__(self, "file_systems", decoded(FileSystem, self.file_systems))


@dataclass(frozen=True, slots=True)
class DisksSample:
    """Every disk, by device."""

    at: datetime
    uptime_seconds: float
    disks: dict[str, Disk]

    def __post_init__(self) -> None:
        object.__setattr__(self, "disks", decoded(Disk, self.disks))


@dataclass(frozen=True, slots=True)
class InterfacesSample:
    """Every network interface, by name."""

    at: datetime
    uptime_seconds: float
    interfaces: dict[str, Interface]

    def __post_init__(self) -> None:
        object.__setattr__(self, "interfaces", decoded(Interface, self.interfaces))


@dataclass(frozen=True, slots=True)
class TemperaturesSample:
    """Every temperature sensor, by name; none on most virtual machines."""

    at: datetime
    temperatures: dict[str, Temperature]

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperatures", decoded(Temperature, self.temperatures))


@dataclass(frozen=True, slots=True)
class HostParts:
    """One look at all parts of a machine."""

    host: str
    at: datetime
    cpu: CpuSample
    memory: MemorySample
    files: FilesSample
    file_systems: FileSystemsSample
    disks: DisksSample
    interfaces: InterfacesSample
    temperatures: TemperaturesSample


def decoded(kind: type[T], stored: Any) -> dict[str, T]:
    """Return parts by name out of what is stored of them: the driver hands jsonb over as it stands."""
    parts: Mapping[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return {name: kind(**part) if isinstance(part, Mapping) else part for name, part in parts.items()}
