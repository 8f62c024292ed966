"""How busy and how full is the machine right now?"""

import os
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import psutil

from main.clock import from_epoch, monotonic, now
from main.database.pool import Database
from main.domain.topics import CHANNEL, Announcement, Topic
from main.monitoring.control_group import Limits, limits
from main.telemetry.services import host_name


@dataclass(frozen=True, slots=True)
class HostSample:
    """One look at the machine, by the columns of ``system_metrics``; ``None`` where the machine does not tell."""

    host: str
    at: datetime
    cpu_percent: float | None  # of all cores, or the container's, since the last sample; None in the first
    cpu_count: int | None
    load_1: float | None
    load_5: float | None
    load_15: float | None
    memory_used_bytes: int
    memory_total_bytes: int
    swap_used_bytes: int | None
    swap_total_bytes: int | None
    disk_path: str
    disk_used_bytes: int
    disk_total_bytes: int
    disk_read_bytes: int | None  # this and the next three since the machine started
    disk_written_bytes: int | None
    network_sent_bytes: int | None
    network_received_bytes: int | None
    boot_at: datetime


_COLUMNS = tuple(field.name for field in fields(HostSample))
_INSERT = f"""
    INSERT INTO system_metrics ({", ".join(_COLUMNS)})
    VALUES ({", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))})
    ON CONFLICT DO NOTHING
"""  # noqa: S608  # the names are our own


class HostCollector:
    """Samples this machine; the disk is the one that holds `path`."""

    def __init__(self, path: Path) -> None:
        """Name a folder on the disk that matters; it need not exist yet."""
        self._path = path.expanduser().absolute()
        self._primed = False
        self._used: tuple[float, float] | None = None  # monotonic, processor seconds of the container

    def sample(self) -> HostSample:
        """Return how the machine is now. Takes about a millisecond and waits for nothing."""
        container = limits()
        cpu = self._cpu_percent(container)
        loads = os.getloadavg() if hasattr(os, "getloadavg") else (None, None, None)
        swap, (memory_used, memory_total) = psutil.swap_memory(), _memory(container)
        place = _existing(self._path)
        disk, traffic, network = psutil.disk_usage(str(place)), psutil.disk_io_counters(), psutil.net_io_counters()
        return HostSample(
            host=host_name(),
            at=now(),
            cpu_percent=cpu,
            cpu_count=psutil.cpu_count(),
            load_1=loads[0],
            load_5=loads[1],
            load_15=loads[2],
            memory_used_bytes=memory_used,
            memory_total_bytes=memory_total,
            swap_used_bytes=swap.used,
            swap_total_bytes=swap.total,
            disk_path=str(place),
            disk_used_bytes=disk.used,
            disk_total_bytes=disk.used + disk.free,  # what users can fill: without the blocks reserved for root
            disk_read_bytes=traffic.read_bytes if traffic else None,
            disk_written_bytes=traffic.write_bytes if traffic else None,
            network_sent_bytes=network.bytes_sent if network else None,
            network_received_bytes=network.bytes_recv if network else None,
            boot_at=from_epoch(psutil.boot_time()),
        )

    def _cpu_percent(self, container: Limits) -> float | None:
        """Return the use since the last sample, of what the container may use where it has a limit."""
        percent = psutil.cpu_percent(interval=None)  # since the last call: the first one has nothing to compare with
        primed, self._primed = self._primed, True
        if container.cores is None or container.cpu_seconds is None:
            return percent if primed else None
        moment, before = monotonic(), self._used
        self._used = (moment, container.cpu_seconds)
        if before is None or moment <= before[0]:
            return None
        return max(0.0, container.cpu_seconds - before[1]) / (moment - before[0]) / container.cores * 100


async def store(database: Database, sample: HostSample) -> None:
    """Write a sample down and announce it. Needs the role service; raises DatabaseUnreachable or DatabaseTimeout."""
    async with database.scoped() as connection:
        await connection.execute(_INSERT, *(getattr(sample, name) for name in _COLUMNS))
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.HOST).payload)


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _memory(container: Limits) -> tuple[int, int]:
    """Return used and total bytes: what is gone, for caches can be had back; of the container where it has a limit."""
    memory = psutil.virtual_memory()
    if container.memory_bytes and container.memory_used_bytes is not None and container.memory_bytes < memory.total:
        return container.memory_used_bytes, container.memory_bytes
    return memory.total - memory.available, memory.total
