"""How is one service started, read and ended, together with everything that it started itself?"""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from main.clock import now
from main.monitoring.dashboards.v2.lifeline import Lifeline
from main.telemetry.services import Kind

OnLine = Callable[[bytes, bool], None]
"""Called with each line a child writes, without its newline, and whether it came from standard error."""

_LONGEST_LINE = 65_536


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """What to run and where it will listen. ``argv`` is visible to every user of the machine: no secrets in it."""

    name: str
    kind: Kind
    argv: tuple[str, ...]
    host: str
    port: int
    setting: str = ""  # what the user changes to move the port


class Child:
    """A running service in a session of its own, so that it and all its descendants can be signalled as one group."""

    def __init__(self, process: subprocess.Popen[bytes], exited: asyncio.Future[int]) -> None:
        """Use `start_child`."""
        self.pid = process.pid
        self.started_at: datetime = now()
        self.exited = exited  # the exit code; negative: the signal that ended it

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the child and its descendants; nothing happens when none is left."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    async def end(self, grace: float) -> int:
        """Ask the child to end, kill its whole group after `grace` seconds; return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
            os.kill(self.pid, signal.SIGCONT)  # a stopped process takes no SIGTERM
        await asyncio.wait({self.exited}, timeout=grace)
        self.signal_group(signal.SIGKILL)  # also what a child that ended in order left behind
        return await self.exited


def start_child(command: ServiceCommand, environment: Mapping[str, str], lifeline: Lifeline, on_line: OnLine) -> Child:
    """Start a service from the main thread's event loop. Raises OSError when the program cannot be started."""
    loop = asyncio.get_running_loop()
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, **lifeline.environment},
        pass_fds=(lifeline.descriptor,),
        start_new_session=True,
    )
    lifeline.hold(process.pid)
    exited: asyncio.Future[int] = loop.create_future()
    threading.Thread(target=_wait, args=(process, exited, loop), name=f"wait-{command.name}", daemon=True).start()
    assert process.stdout is not None
    assert process.stderr is not None
    _Lines(loop, process.stdout, lambda line: on_line(line, False))
    _Lines(loop, process.stderr, lambda line: on_line(line, True))
    return Child(process, exited)


def _wait(process: subprocess.Popen[bytes], exited: asyncio.Future[int], loop: asyncio.AbstractEventLoop) -> None:
    code = process.wait()
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
        loop.call_soon_threadsafe(exited.set_result, code)


class _Lines:
    """Splits what comes out of a pipe into lines until it ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pipe: IO[bytes], on_line: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._pipe = pipe
        self._on_line = on_line
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)
        loop.add_reader(pipe.fileno(), self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._pipe.fileno(), _LONGEST_LINE)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk or len(self._rest) >= _LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            if line:
                self._on_line(line)
        if not chunk:
            self._loop.remove_reader(self._pipe.fileno())
            self._pipe.close()
