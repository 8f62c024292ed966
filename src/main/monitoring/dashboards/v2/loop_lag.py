"""Does this process's event loop turn in time, and how late was it lately?"""

import asyncio
from collections import deque

import structlog

from main.clock import monotonic

_log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60.0
BLOCKED_SECONDS = 1.0
"""Later than this the loop counts as blocked: the services' probes wait for it too."""

_EVERY_SECONDS = 0.5


class LoopLag:
    """Sleeps half a second, over and over, and looks how late it wakes."""

    def __init__(self) -> None:
        """Look at nothing yet."""
        self._lags: deque[tuple[float, float]] = deque(maxlen=int(WINDOW_SECONDS / _EVERY_SECONDS))

    @property
    def worst_seconds(self) -> float:
        """The worst of the last minute; 0 before the first look."""
        since = monotonic() - WINDOW_SECONDS
        return max((lag for moment, lag in self._lags if moment >= since), default=0.0)

    async def watch(self) -> None:
        """Look until cancelled; a loop that was blocked is told of in the log."""
        while True:
            due = monotonic() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            lag = max(0.0, monotonic() - due)
            self._lags.append((monotonic(), lag))
            if lag >= BLOCKED_SECONDS:
                _log.warning("event loop was blocked", seconds=round(lag, 2))
