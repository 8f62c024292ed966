"""How much processor and memory does the container leave to us, and how much of that is used?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as the largest number of pages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The tightest limits on the way from our control group up, with what is used of them; ``None`` without one."""

    memory_bytes: int | None = None
    memory_used_bytes: int | None = None
    cores: float | None = None
    cpu_seconds: float | None = None  # used by all in the limited group since it was made


def limits(root: Path = ROOT, own: Path = _OWN) -> Limits:
    """Return the limits of this process's control group, of version 2 or 1; none where there is no such thing."""
    paths = _paths(own)
    memory = [each for each in map(_memory, _places(root, paths, "memory")) if each is not None]
    cores = [each for each in map(_cores, _places(root, paths, "cpu")) if each is not None]
    total, used = min(memory) if memory else (None, None)
    if not cores:
        return Limits(total, used)
    limit, where = min(cores)
    return Limits(total, used, limit, _cpu_seconds(Path(where), root, paths))


def _paths(own: Path) -> dict[str, str]:
    """Return our group's path by controller; version 2 has one for all, under the empty name."""
    found: dict[str, str] = {}
    for line in (_read(own) or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        found |= dict.fromkeys(controllers.split(","), path.strip())
    return found


def _places(root: Path, paths: dict[str, str], controller: str) -> Iterator[Path]:
    """Yield the folders of our group and those above it; a container sees its own one as the root."""
    first = root / controller
    base, path = (first, paths.get(controller, "/")) if first.is_dir() else (root, paths.get("", "/"))
    below = base / path.lstrip("/")
    for place in (below, *below.parents):
        if place.is_relative_to(base):
            yield place


def _memory(place: Path) -> tuple[int, int] | None:
    limit = _number(place / "memory.max", place / "memory.limit_in_bytes")
    used = _number(place / "memory.current", place / "memory.usage_in_bytes")
    if limit is None or used is None or limit >= _UNLIMITED:
        return None
    statistics = dict(line.split() for line in (_read(place / "memory.stat") or "").splitlines() if " " in line)
    # Cached files that nobody uses are given up before anything is refused: they are not used.
    idle = int(statistics.get("total_inactive_file", statistics.get("inactive_file", "0")))
    return limit, max(0, used - idle)


def _cores(place: Path) -> tuple[float, str] | None:
    words = (_read(place / "cpu.max") or "").split()
    if len(words) == 2 and words[0].isdigit():
        return int(words[0]) / int(words[1]), str(place)
    quota, period = _number(place / "cpu.cfs_quota_us"), _number(place / "cpu.cfs_period_us")
    return (quota / period, str(place)) if quota and period and quota > 0 else None


def _cpu_seconds(place: Path, root: Path, paths: dict[str, str]) -> float | None:
    for line in (_read(place / "cpu.stat") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
    nanoseconds = _number(root / "cpuacct" / paths.get("cpuacct", "/").lstrip("/") / "cpuacct.usage")
    return None if nanoseconds is None else nanoseconds / 1e9


def _number(*candidates: Path) -> int | None:
    for path in candidates:
        said = (_read(path) or "").strip()
        if said.lstrip("-").isdigit():
            return int(said)
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
