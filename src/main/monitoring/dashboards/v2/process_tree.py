"""How much processor and memory does each service use, its descendants included?"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

_SHORTEST_SECONDS = 2.0  # processor time is counted in hundredths of a second: a share of less is noise


@dataclass(frozen=True, slots=True)
class Usage:
    """What a service used: per cent of one core since the last sample (``None`` in the first), and resident bytes."""

    cpu_percent: float | None
    rss_bytes: int


class ProcessTrees:
    """Samples services that lead sessions of their own; one pass over the machine's processes for all of them."""

    def __init__(self) -> None:
        """Take no sample yet."""
        self._last: dict[int, tuple[float, float]] = {}  # pid of the leader: (monotonic, seconds of processor time)
        self._percent: dict[int, float] = {}
        self._self = psutil.Process()

    def sample(self, leaders: Mapping[str, int]) -> dict[str, Usage]:
        """Return the usage by name of the services whose leading process is still there."""
        members: dict[int, list[psutil.Process]] = {pid: [] for pid in leaders.values()}
        for process in [self._self, *self._self.children(recursive=True)]:
            try:
                leader = process.pid if process.pid in members else os.getsid(process.pid)
            except ProcessLookupError:
                continue
            if leader in members:
                members[leader].append(process)
        usages = {name: self._usage(pid, members[pid]) for name, pid in leaders.items() if members[pid]}
        self._last = {pid: last for pid, last in self._last.items() if pid in members}
        self._percent = {pid: percent for pid, percent in self._percent.items() if pid in members}
        return usages

    def _usage(self, leader: int, processes: list[psutil.Process]) -> Usage:
        seconds, rss = 0.0, 0
        for process in processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    seconds += times.user + times.system
                    rss += process.memory_info().rss
            except psutil.Error:
                continue
        return Usage(self._percent_since_last(leader, seconds), rss)

    def _percent_since_last(self, leader: int, seconds: float) -> float | None:
        moment = time.monotonic()
        then, before = self._last.setdefault(leader, (moment, seconds))
        if moment - then >= _SHORTEST_SECONDS:
            self._last[leader] = (moment, seconds)
            self._percent[leader] = max(0.0, seconds - before) / (moment - then) * 100
        return self._percent.get(leader)
