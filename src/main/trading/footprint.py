"""How much processor and memory does this bot's process use?"""

from dataclasses import dataclass
from decimal import Decimal

import psutil

from main.clock import monotonic

SHORTEST_SECONDS = 2.0
"""Processor time is counted in hundredths of a second: a share of less than this is noise."""

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Usage:
    """Per cent of one core since the sample before, ``None`` until there are two; resident memory.

    Both ``None`` where the system does not tell.
    """

    cpu_percent: Decimal | None = None
    rss_bytes: int | None = None


class Footprint:
    """Samples the process it is made in, threads included. Bots of several accounts in one process share one.

    What the process starts is not counted: the manager and its services say what they use themselves.
    """

    def __init__(self) -> None:
        """Take no sample yet."""
        self._process = psutil.Process()
        self._last: tuple[float, float] | None = None  # on the monotonic clock, and the processor time until then
        self._usage = Usage()

    def sample(self) -> Usage:
        """Return the usage now, or the last one when that is younger than two seconds. Never raises."""
        moment = monotonic()
        if self._last is not None and moment - self._last[0] < SHORTEST_SECONDS:
            return self._usage
        try:
            times, rss = self._process.cpu_times(), self._process.memory_info().rss
        except (psutil.Error, OSError):
            return Usage()
        self._usage = Usage(self._share(moment, times.user + times.system), rss)
        return self._usage

    def _share(self, moment: float, seconds: float) -> Decimal | None:
        last, self._last = self._last, (moment, seconds)
        if last is None:
            return None
        percent = max(0.0, seconds - last[1]) / (moment - last[0]) * 100
        return Decimal(repr(percent)).quantize(_TENTH)
