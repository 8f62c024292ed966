"""What does a service write, line by line, however much and however fast it writes?"""

import asyncio
import json
import os
from collections.abc import Callable
from typing import IO

from main.clock import monotonic, now

OnLine = Callable[[bytes], None]

LONGEST_LINE = 16_384
"""Bytes; what is longer comes in pieces. Whoever reads lines looks for secrets in them, which takes time."""

BYTES_PER_SECOND = 500_000.0
BURST_BYTES = 4_000_000.0
_COST_OF_A_LINE = 100  # to write it down, in the time that so many bytes take
_CHUNK = 65_536
_PIECES_LEFT = 16  # as much as a pipe can hold


class Allowance:
    """How much of a service's output is kept: five seconds of everything, 500 kB a second for ever.

    The rest is read and left out. Not read at all it would stop the service in its next `write`, and it would be taken
    for hung; all of it kept, one service would use up the manager and the disk.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin with everything that a burst may take."""
        self._clock = clock
        self._left = BURST_BYTES
        self._then = clock()

    def takes(self, line: bytes) -> bool:
        """Tell whether the line may be kept, and count it if so."""
        moment = self._clock()
        self._left = min(BURST_BYTES, self._left + (moment - self._then) * BYTES_PER_SECOND)
        self._then = moment
        if self._left <= 0:
            return False
        self._left -= len(line) + _COST_OF_A_LINE
        return True


class OutputLines:
    """Splits what comes out of a pipe into lines until it ends; its memory is bounded whatever comes."""

    def __init__(self, pipe: IO[bytes], allowance: Allowance, on_line: OnLine, on_any: OnLine | None = None) -> None:
        """Read in the running event loop. `on_line` gets what is kept, `on_any` also what is left out."""
        self._loop = asyncio.get_running_loop()
        self._pipe = pipe
        self._allowance = allowance
        self._on_line = on_line
        self._on_any = on_any
        self._rest = b""
        self._left_out = 0
        os.set_blocking(pipe.fileno(), False)
        self._loop.add_reader(pipe.fileno(), self._read)

    def close(self) -> None:
        """Read what is there and stop, also when a stranger holds the other end open. Idempotent."""
        for _ in range(_PIECES_LEFT):
            if self._pipe.closed or not self._read():
                break
        self._end()

    def _read(self) -> bool:
        """Take one piece; tell whether there was one."""
        try:
            chunk = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._end()
            return False
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take(line)
        while len(self._rest) >= LONGEST_LINE:
            self._take(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        return True

    def _end(self) -> None:
        if self._pipe.closed:
            return
        self._loop.remove_reader(self._pipe.fileno())
        self._pipe.close()
        self._take(self._rest)
        self._rest = b""
        self._say_what_is_missing()

    def _take(self, line: bytes) -> None:
        for start in range(0, len(line), LONGEST_LINE):
            piece = line[start : start + LONGEST_LINE]
            if self._on_any is not None:
                self._on_any(piece)
            if self._allowance.takes(piece):
                self._say_what_is_missing()
                self._on_line(piece)
            else:
                self._left_out += 1

    def _say_what_is_missing(self) -> None:
        if self._left_out:
            told = {"at": now().isoformat(), "level": "warning", "event": "output left out", "lines": self._left_out}
            self._left_out = 0
            self._on_line(json.dumps(told).encode())
