"""What does the worker collect of a machine: each figure with its unit and what it means, as the tables have it?"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CollectedFigure:
    """One figure of every sample."""

    unit: str
    description: str


PARTS: Mapping[str, CollectedFigure] = {
    "uptime_seconds": CollectedFigure(
        "seconds", "Since the machine started, sleep included, on a clock that nobody sets."
    ),
    "cpu_user_seconds": CollectedFigure("seconds", "Of all cores, for programs."),
    "cpu_system_seconds": CollectedFigure("seconds", "Of all cores, for the kernel and its interrupts."),
    "cpu_iowait_seconds": CollectedFigure("seconds", "Of all cores, idle while a disk was waited for."),
    "cpu_steal_seconds": CollectedFigure("seconds", "Of all cores, taken by other machines on the same hardware."),
    "cpu_idle_seconds": CollectedFigure("seconds", "Of all cores, with nothing to do."),
    "core_busy_seconds": CollectedFigure(
        "seconds, each core", "Core by core, everything but idle and waiting for disks."
    ),
    "cpu_limit_cores": CollectedFigure("cores", "How many cores the container may use; null without a limit."),
    "load_1": CollectedFigure("processes", "Processes that want to run, averaged over one minute."),
    "load_5": CollectedFigure("processes", "The same over five minutes."),
    "load_15": CollectedFigure("processes", "The same over a quarter of an hour."),
    "memory_total_bytes": CollectedFigure("bytes", "Of the machine, or of the container where that has a limit."),
    "memory_used_bytes": CollectedFigure("bytes", "What cannot be had back: total minus available."),
    "memory_cached_bytes": CollectedFigure("bytes", "Files kept in memory while nobody needs the room."),
    "memory_available_bytes": CollectedFigure("bytes", "What programs can have without swapping."),
    "memory_limit_bytes": CollectedFigure("bytes", "How much the container may use; null without a limit."),
    "swap_total_bytes": CollectedFigure("bytes", "Room to move memory out to; 0 for none."),
    "swap_used_bytes": CollectedFigure("bytes", "Moved out to disk."),
    "open_files": CollectedFigure(
        "count", "File descriptors in use on the machine; null where the system does not tell."
    ),
    "open_files_limit": CollectedFigure("count", "How many the machine allows."),
    "file_systems": CollectedFigure(
        "bytes and inodes", "By mount point: device, kind, total, used and free bytes, inodes and inodes used."
    ),
    "disks": CollectedFigure(
        "bytes, operations, seconds",
        "By device, since the machine started: bytes and operations read and written, seconds busy.",
    ),
    "interfaces": CollectedFigure(
        "bytes, packets", "By interface, since the machine started: bytes, errors and drops; whether it is up."
    ),
    "temperatures": CollectedFigure(
        "degrees Celsius", "By sensor: degrees Celsius, and from where on it is high and critical."
    ),
}
"""Of the machine and its parts, by the columns of ``host_parts``; what is counted, is counted since it started."""

PROCESSES: Mapping[str, CollectedFigure] = {
    "pid": CollectedFigure("number", "Of the process; used again after it has ended, so started_at belongs to it."),
    "name": CollectedFigure("text", "Of its program."),
    "service": CollectedFigure("text", "The service of the suite that it is; null for another."),
    "started_at": CollectedFigure("time", "When it started; null where we may not look."),
    "status": CollectedFigure("text", "As the system calls it: running, sleeping, zombie, …"),
    "cpu_percent": CollectedFigure(
        "per cent of a core", "Per cent of one core since the sample before; above 100 with several threads."
    ),
    "rss_bytes": CollectedFigure("bytes", "Resident memory."),
    "threads": CollectedFigure("count", "How many it has."),
    "file_descriptors": CollectedFigure("count", "How many are open; null where we may not look."),
}
"""Of each process that the process filter names, by the columns of ``process_metrics``."""


def meaning(name: str) -> str:
    """Return what a figure of the machine means, with its unit, in a line."""
    figure = PARTS[name]
    return f"{figure.description} In {figure.unit}."
