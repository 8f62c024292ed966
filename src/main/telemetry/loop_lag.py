"""How late does the event loop get to what is due? (Whatever blocks it makes every page and probe wait as long.)"""

import asyncio
import weakref
from collections import deque

from main.clock import monotonic

EVERY_SECONDS = 0.5
WINDOW_SECONDS = 60.0


class LoopLag:
    """Sets itself an alarm every half second on each loop that it watches, and notes by how much it comes too late."""

    def __init__(self, *, every_seconds: float = EVERY_SECONDS, window_seconds: float = WINDOW_SECONDS) -> None:
        self._every = every_seconds
        self._lags: deque[float] = deque(maxlen=max(1, round(window_seconds / every_seconds)))
        self._watched: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()

    def watch(self) -> None:
        """Begin with the running loop; nothing happens when it is watched already."""
        loop = asyncio.get_running_loop()
        if loop not in self._watched:
            self._watched.add(loop)
            self._set(loop)

    @property
    def worst(self) -> float | None:
        """The longest delay of the last minute, in seconds; ``None`` before the first alarm."""
        return max(self._lags, default=None)

    @property
    def last(self) -> float | None:
        """The newest delay, in seconds; ``None`` before the first alarm."""
        return self._lags[-1] if self._lags else None

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(self._every, self._ring, loop, monotonic() + self._every)

    def _ring(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._lags.append(max(0.0, monotonic() - due))
        self._set(loop)


LOOP_LAG = LoopLag()
"""Of the loop that answers this process's probes."""
