"""What do the parts of the machine do: its cores, memory, file systems, disks, network interfaces, sensors?"""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import psutil

from main.clock import boottime, monotonic, now
from main.database.pool import Database
from main.monitoring.control_group import Limits, limits
from main.monitoring.host_parts import (
    CpuSample,
    Disk,
    DisksSample,
    FilesSample,
    FileSystem,
    FileSystemsSample,
    HostParts,
    Interface,
    InterfacesSample,
    MemorySample,
    Temperature,
    TemperaturesSample,
)
from main.telemetry.services import host_name

SLOW_SECONDS = 30.0
"""File systems and temperatures change slowly, and asking for them takes longest."""

MOST_PARTS = 64
"""File systems, disks, interfaces or sensors of one sample: a machine full of containers has hundreds of interfaces."""

_WITHOUT_ROOM = frozenset({"squashfs", "iso9660", "erofs", "cramfs"})  # images: always full, never filled
_STORED = """
    INSERT INTO host_parts (host, at, width, uptime_seconds, cpu_user_seconds, cpu_system_seconds, cpu_iowait_seconds,
        cpu_steal_seconds, cpu_idle_seconds, core_busy_seconds, cpu_limit_cores, load_1, load_5, load_15,
        memory_total_bytes, memory_used_bytes, memory_cached_bytes, memory_available_bytes, memory_limit_bytes,
        swap_total_bytes, swap_used_bytes, open_files, open_files_limit, file_systems, disks, interfaces, temperatures)
    SELECT $1, $2::timestamptz,
           CASE WHEN NOT EXISTS (SELECT FROM host_parts p WHERE p.host = $1 AND p.width = 'hour'
                                    AND p.at >= round.hour AND p.at < round.hour + interval '1 hour') THEN 'hour'
                WHEN NOT EXISTS (SELECT FROM host_parts p WHERE p.host = $1 AND p.width IN ('hour', 'minute')
                                    AND p.at >= round.minute AND p.at < round.minute + interval '1 minute')
                THEN 'minute'
                ELSE 'sample' END,
           $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
           $23::jsonb, $24::jsonb, $25::jsonb, $26::jsonb
      FROM (SELECT bucket_start('1 hour', $2), bucket_start('1 minute', $2)) AS round (hour, minute)
        ON CONFLICT DO NOTHING
"""


class PartsCollector:
    """Samples the parts of this machine, without rights of any kind; what it does not tell is left out."""

    def __init__(self, path: Path) -> None:
        """Name a folder whose file system matters in any case; it need not exist yet."""
        self._path = path.expanduser().absolute()
        self._slow: tuple[dict[str, FileSystem], dict[str, Temperature]] | None = None
        self._slow_at = 0.0

    def sample(self) -> HostParts:
        """Return how the parts are now. Takes a few milliseconds at most; waits for nothing but file systems."""
        at, uptime, container = now(), boottime(), limits()
        if self._slow is None or monotonic() - self._slow_at >= SLOW_SECONDS:
            self._slow, self._slow_at = (_file_systems(self._path), _temperatures()), monotonic()
        file_systems, temperatures = self._slow
        return HostParts(
            host_name(),
            at,
            _cpu(at, uptime, container),
            _memory(at, container),
            FilesSample(at, *_open_files()),
            FileSystemsSample(at, file_systems),
            DisksSample(at, uptime, _disks()),
            InterfacesSample(at, uptime, _interfaces()),
            TemperaturesSample(at, temperatures),
        )


async def store_parts(database: Database, parts: HostParts) -> None:
    """Write a sample down. Needs the role service; raises DatabaseUnreachable or DatabaseTimeout."""
    cpu, memory, files = parts.cpu, parts.memory, parts.files
    values = (
        *(cpu.uptime_seconds, cpu.user_seconds, cpu.system_seconds, cpu.iowait_seconds, cpu.steal_seconds),
        *(cpu.idle_seconds, cpu.core_busy_seconds, cpu.limit_cores, cpu.load_1, cpu.load_5, cpu.load_15),
        *(memory.total_bytes, memory.used_bytes, memory.cached_bytes, memory.available_bytes, memory.limit_bytes),
        *(memory.swap_total_bytes, memory.swap_used_bytes, files.open_files, files.open_files_limit),
        *(_stored(parts.file_systems.file_systems), _stored(parts.disks.disks)),
        *(_stored(parts.interfaces.interfaces), _stored(parts.temperatures.temperatures)),
    )
    async with database.scoped() as connection:
        await connection.execute(_STORED, parts.host, parts.at, *values)


def _stored(parts: dict[str, Any]) -> str:
    return orjson.dumps({name: asdict(part) for name, part in parts.items()}).decode()


def _cpu(at: Any, uptime: float, container: Limits) -> CpuSample:
    cores = psutil.cpu_times(percpu=True)
    totals = {name: sum(getattr(core, name, 0.0) for core in cores) for name in cores[0]._fields} if cores else {}
    loads: tuple[float | None, ...] = os.getloadavg() if hasattr(os, "getloadavg") else (None, None, None)
    return CpuSample(
        at,
        uptime,
        totals.get("user", 0.0) + totals.get("nice", 0.0),
        sum(totals.get(name, 0.0) for name in ("system", "irq", "softirq", "interrupt", "dpc")),
        totals.get("iowait"),
        totals.get("steal"),
        totals.get("idle"),
        [round(_busy(core), 2) for core in cores],
        container.cores,
        *loads,
    )


def _busy(core: Any) -> float:
    names = ("user", "nice", "system", "irq", "softirq", "steal", "interrupt", "dpc")  # guests are part of user
    return sum(getattr(core, name, 0.0) for name in names)


def _memory(at: Any, container: Limits) -> MemorySample:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    cached = getattr(memory, "cached", None)
    limit = container.memory_bytes if container.memory_bytes and container.memory_bytes < memory.total else None
    used = memory.total - memory.available
    if limit is None or container.memory_used_bytes is None:
        return MemorySample(at, memory.total, used, cached, memory.available, None, swap.total, swap.used)
    used = container.memory_used_bytes
    return MemorySample(at, limit, used, None, max(0, limit - used), limit, swap.total, swap.used)


def _open_files() -> tuple[int | None, int | None]:
    try:
        used, free, most = Path("/proc/sys/fs/file-nr").read_text().split()
    except (OSError, ValueError):
        return None, None
    limit = int(most)
    return int(used) - int(free), limit if limit < 1 << 60 else None


def _file_systems(path: Path) -> dict[str, FileSystem]:
    found: dict[str, FileSystem] = {}
    devices: set[int] = set()
    for mount, device, kind in _mounts(path):
        try:
            place, here = os.statvfs(mount), Path(mount).stat().st_dev
        except OSError:
            continue
        total = (place.f_blocks - place.f_bfree + place.f_bavail) * place.f_frsize  # without what is kept for root
        if total <= 0 or here in devices or len(found) >= MOST_PARTS:
            continue
        devices.add(here)
        used, free = (place.f_blocks - place.f_bfree) * place.f_frsize, place.f_bavail * place.f_frsize
        inodes = (place.f_files, place.f_files - place.f_ffree) if place.f_files else (None, None)
        found[mount] = FileSystem(device, kind, total, used, free, *inodes)
    return found


def _mounts(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield mount point, device and kind: the root and our data first, whatever they are on, then the disks' own."""
    known = {each.mountpoint: (each.device, each.fstype) for each in psutil.disk_partitions(all=True)}
    data = next(place for place in (path, *path.parents) if place.exists())
    ours = next((str(place) for place in (data, *data.parents) if os.path.ismount(place)), "/")
    for mount in dict.fromkeys(("/", ours)):
        yield mount, *known.get(mount, ("", ""))
    for each in psutil.disk_partitions(all=False):
        # A file that is mounted into a container, such as its resolv.conf, is no disk of its own.
        if each.fstype not in _WITHOUT_ROOM and Path(each.mountpoint).is_dir():
            yield each.mountpoint, each.device, each.fstype


def _disks() -> dict[str, Disk]:
    blocks = Path("/sys/block")
    whole = {each.name for each in blocks.iterdir()} if blocks.is_dir() else None
    found = {}
    for name, each in (psutil.disk_io_counters(perdisk=True) or {}).items():
        idle = not (each.read_count or each.write_count)
        if idle or name.startswith(("loop", "ram")) or (whole is not None and name not in whole):
            continue  # a partition's traffic is its disk's
        busy = getattr(each, "busy_time", None)
        seconds = None if busy is None else busy / 1000
        found[name] = Disk(each.read_bytes, each.write_bytes, each.read_count, each.write_count, seconds)
    return _most_used(found, lambda disk: disk.read_bytes + disk.written_bytes)


def _interfaces() -> dict[str, Interface]:
    states = psutil.net_if_stats()
    found = {}
    for name, each in psutil.net_io_counters(pernic=True).items():
        state = states.get(name)
        if each.bytes_recv or each.bytes_sent:
            errors, drops = each.errin + each.errout, each.dropin + each.dropout
            up = None if state is None else state.isup
            found[name] = Interface(each.bytes_recv, each.bytes_sent, errors, drops, up)
    return _most_used(found, lambda interface: interface.received_bytes + interface.sent_bytes)


def _temperatures() -> dict[str, Temperature]:
    if not hasattr(psutil, "sensors_temperatures"):
        return {}
    found = {}
    for chip, sensors in psutil.sensors_temperatures().items():
        for number, each in enumerate(sensors[:MOST_PARTS]):
            if each.current is not None:
                found[f"{chip} {each.label or number}".strip()] = Temperature(each.current, each.high, each.critical)
    return dict(list(found.items())[:MOST_PARTS])


def _most_used(found: dict[str, Any], used: Any) -> dict[str, Any]:
    kept = sorted(found, key=lambda name: -used(found[name]))[:MOST_PARTS]
    return {name: found[name] for name in found if name in kept}
