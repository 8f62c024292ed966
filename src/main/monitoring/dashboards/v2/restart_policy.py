"""When is a service that ended started again, and when is that given up?"""

import random
from collections import deque
from collections.abc import Callable

CRASHES = 5
WINDOW_SECONDS = 60.0
USELESS_TO_RESTART = frozenset({2, 3})
"""Exit codes of ConfigurationError and PortInUse: only the user can change what the service would meet again."""

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 15.0


class RestartPolicy:
    """Five ends within a minute are enough, and so are five starts waited for in vain, however long each took.

    Until then the pause doubles, jittered: siblings must not march in step.
    """

    def __init__(self, *, draw: Callable[[], float] = random.random) -> None:
        """Take the source of jitter, numbers in [0, 1)."""
        self._draw = draw
        self._ends: deque[float] = deque(maxlen=CRASHES)
        self._unanswered = 0  # runs in a row

    def pause_after_end(self, moment: float, *, answered: bool = True) -> float | None:
        """Return the seconds to wait before the next start, or ``None`` to give up; `moment` is monotonic seconds.

        `answered`: whether the run that ended answered before; else it was waited for in vain.
        """
        self._unanswered = 0 if answered else self._unanswered + 1
        while self._ends and moment - self._ends[0] > WINDOW_SECONDS:
            self._ends.popleft()
        self._ends.append(moment)
        if len(self._ends) >= CRASHES or self._unanswered >= CRASHES:
            return None
        longest: float = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** (len(self._ends) - 1))
        return longest * (0.5 + self._draw() / 2)

    @property
    def gives_up_because(self) -> str:
        """What was too much, where `pause_after_end` gave up."""
        return "ended five times within a minute" if len(self._ends) >= CRASHES else "five starts without an answer"

    def forget(self) -> None:
        """Start counting anew, because the user asked for a restart."""
        self._ends.clear()
        self._unanswered = 0
