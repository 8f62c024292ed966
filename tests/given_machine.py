"""A machine of two cores whose counters grow with its uptime, so that its rates are known."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from main.monitoring.collectors.parts import PartsCollector
from main.monitoring.host_parts import Disk, FileSystem, HostParts, Interface, Temperature


def machine_parts(at: datetime, uptime: float, **given: Any) -> HostParts:
    """A machine of two cores; what is counted grows with its uptime, so that rates are known."""
    real = PartsCollector(Path.cwd()).sample()
    cpu = {"user_seconds": 0.5 * uptime, "system_seconds": 0.2 * uptime, "iowait_seconds": 0.1 * uptime}
    cpu |= {"steal_seconds": 0.0, "idle_seconds": 1.2 * uptime}
    busy: list[float] = [0.6 * uptime, 0.1 * uptime]
    disk = Disk(round(1000 * uptime), round(3000 * uptime), round(2 * uptime), round(4 * uptime), 0.25 * uptime)
    interface = Interface(round(500 * uptime), round(100 * uptime), round(uptime / 100), 0, True)
    used = given.get("used", 600)
    room = FileSystem("/dev/vda", "ext4", 1000, used, 1000 - used, 100, 20)
    return replace(
        real,
        host="trader-01",
        at=at,
        cpu=replace(real.cpu, at=at, uptime_seconds=uptime, core_busy_seconds=busy, limit_cores=1.5, **cpu),
        memory=replace(real.memory, at=at, total_bytes=1000, used_bytes=400, cached_bytes=300),
        file_systems=replace(real.file_systems, at=at, file_systems={"/": room}),
        disks=replace(real.disks, at=at, uptime_seconds=uptime, disks={"vda": disk}),
        interfaces=replace(real.interfaces, at=at, uptime_seconds=uptime, interfaces={"eth0": interface}),
        temperatures=replace(real.temperatures, at=at, temperatures={"core 0": Temperature(91.0, 90.0, 100.0)}),
    )
