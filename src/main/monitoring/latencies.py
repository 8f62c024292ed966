"""How long did the last thousand of something take, at a cost that nobody notices?"""

from collections import deque
from collections.abc import Iterable

WINDOW = 1_000


class Latencies:
    """The durations of what happened last, in seconds; of older ones only ``count`` and ``total`` (seconds) know."""

    def __init__(self, window: int = WINDOW) -> None:
        self._seconds: deque[float] = deque(maxlen=window)
        self.count = 0
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Take note of one duration."""
        self._seconds.append(seconds)
        self.count += 1
        self.total += seconds

    def extend(self, seconds: Iterable[float]) -> None:
        """Take note of several."""
        for each in seconds:
            self.add(each)

    def quantile(self, share: float) -> float | None:
        """Return the duration that `share` (0 to 1) of them did not exceed; ``None`` as long as there was none."""
        if not self._seconds:
            return None
        ordered = sorted(self._seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def __len__(self) -> int:
        return len(self._seconds)
