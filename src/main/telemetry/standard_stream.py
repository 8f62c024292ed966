"""How does a process write to its standard output without ever being stopped by whoever reads it?"""

import select
import sys
from typing import Literal, TextIO

_PATIENCE_MILLISECONDS = 50


class StandardStream:
    """Standard output or error as it is at the time of writing.

    A reader that does not read (a manager that is stopped, a terminal that is held) costs lines, which are counted, and
    never the time of the event loop.
    """

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        self.lost = 0  # lines that nobody took
        self._name = name
        self._stalled = False

    def write(self, line: bytes) -> None:
        """Write one line, which ends in a newline; never raises."""
        stream: TextIO | None = getattr(sys, self._name)
        try:
            if stream is None or not self._takes(stream):
                self.lost += 1
                return
            encoding = stream.encoding or "utf-8"
            stream.write(line.decode("utf-8", "replace").encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError):  # the reader is gone, or the stream closed
            self.lost += 1

    def _takes(self, stream: TextIO) -> bool:
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):  # a stream of a test, or of an application that has us inside
            return True
        waiting = select.poll()
        waiting.register(descriptor, select.POLLOUT)
        # Whoever has not read for a while is not waited for again with every line.
        self._stalled = not waiting.poll(0 if self._stalled else _PATIENCE_MILLISECONDS)
        return not self._stalled
