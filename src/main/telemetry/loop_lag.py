"""How late does the event loop get to what is due? (Whatever blocks it makes every page and probe wait as long.)"""

import asyncio
import weakref
from collections import deque
from contextvars import Context

import structlog

from main.clock import monotonic

EVERY_SECONDS = 0.5
WINDOW_SECONDS = 60.0
BLOCKED_SECONDS = 1.0
"""Later than this the loop counts as blocked: probes wait for it too."""

_log = structlog.get_logger(__name__)


class LoopLag:
    """Sets itself an alarm every half second on each loop that it watches, and notes by how much it comes too late."""

    def __init__(self, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._every = every_seconds
        self._lags: deque[tuple[float, float]] = deque(maxlen=max(1, round(WINDOW_SECONDS / every_seconds)))
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
        since = monotonic() - WINDOW_SECONDS
        return max((lag for moment, lag in self._lags if moment >= since), default=None)

    @property
    def last(self) -> float | None:
        """The newest delay, in seconds; ``None`` before the first alarm."""
        return self._lags[-1][1] if self._lags else None

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        # In a context of its own: the alarm is no part of the request that happened to come first.
        loop.call_later(self._every, self._ring, loop, monotonic() + self._every, context=Context())

    def _ring(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        lag = max(0.0, monotonic() - due)
        self._lags.append((monotonic(), lag))
        if lag >= BLOCKED_SECONDS:
            _log.warning("event loop was blocked", seconds=round(lag, 2))
        self._set(loop)


LOOP_LAG = LoopLag()
"""Of the loop that answers this process's probes."""
