"""When did the user ask for the end, and who is told, in every phase of a foreground process?"""

import signal
from collections.abc import Callable
from types import FrameType


class StopSignals:
    """SIGINT, SIGTERM and SIGHUP, all meaning "end in order".

    Before somebody listens, the first one raises KeyboardInterrupt in the main thread; afterwards none interrupts
    anything: the listener is told, and what is being ended ends undisturbed however often Ctrl-C is pressed.
    """

    def __init__(self) -> None:
        """Take the signals over; only in the main thread."""
        self.received = False
        self._listener: Callable[[], None] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def listen(self, listener: Callable[[], None]) -> None:
        """Tell `listener` of every signal from now on, and at once if one came before."""
        self._listener = listener
        if self.received:
            listener()

    def _take(self, _: int, __: FrameType | None) -> None:
        first, self.received = not self.received, True
        if self._listener is not None:
            self._listener()
        elif first:
            raise KeyboardInterrupt
