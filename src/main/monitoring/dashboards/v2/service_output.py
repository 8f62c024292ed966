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

SHARE = 0.1
BURST_SECONDS = 2.0
_CHUNK = 65_536
_PIECES_LEFT = 16  # as much as a pipe can hold


class Allowance:
    """How much of a service's output is kept: what takes a tenth of the manager's time, and two seconds of it at once.

    The rest is read and left out. Not read at all it would stop the service in its next `write`, and it would be taken
    for hung; all of it kept, one service would leave the manager no time for the others.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Begin with everything that a burst may take."""
        self._clock = clock
        self._left = BURST_SECONDS
        self._then = clock()

    def keep(self, line: bytes, keep: OnLine) -> bool:
        """Hand the line on to `keep`, unless such lines have taken too much time lately; tell if it was handed on."""
        began = self._clock()
        self._left = min(BURST_SECONDS, self._left + (began - self._then) * SHARE)
        self._then = began
        if self._left <= 0:
            return False
        keep(line)
        self._left -= self._clock() - began
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
            if not self._allowance.keep(piece, self._keep):
                self._left_out += 1

    def _keep(self, line: bytes) -> None:
        self._say_what_is_missing()
        self._on_line(line)

    def _say_what_is_missing(self) -> None:
        if self._left_out:
            told = {"at": now().isoformat(), "level": "warning", "event": "output left out", "lines": self._left_out}
            self._left_out = 0
            self._on_line(json.dumps(told).encode())
