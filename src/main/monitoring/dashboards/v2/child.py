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

from main.clock import now
from main.monitoring.dashboards.v2.lifeline import Lifeline, kill_marked
from main.monitoring.dashboards.v2.service_output import Allowance, OutputLines
from main.telemetry.services import Kind

KILL_SECONDS = 1.5
"""After SIGKILL only the kernel can keep a process (a disk that hangs): nobody waits longer for that."""


@dataclass(frozen=True, slots=True)
class ServiceCommand:
    """What to run and where it will listen. ``argv`` is visible to every user of the machine: no secrets in it."""

    name: str
    kind: Kind
    argv: tuple[str, ...]
    host: str
    port: int
    setting: str = ""  # what the user changes to move the port


@dataclass(frozen=True, slots=True)
class Listener:
    """Who gets what a child writes."""

    line: Callable[[bytes, bool], None]  # and whether it is an error's; one that writes without end is not heard out
    error: Callable[[bytes], None]  # lines of standard error, all of them


class Child:
    """A running service in a session of its own, so that it and all its descendants can be signalled as one group."""

    def __init__(self, process: "subprocess.Popen[bytes]", mark: str, listener: Listener) -> None:
        """Use `start_child`."""
        self.pid = process.pid
        self.started_at: datetime = now()
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()  # the exit code; negative: the signal
        self._process = process
        self._mark = mark
        self._reaping = threading.Lock()
        self._reaped = False
        assert process.stdout is not None
        assert process.stderr is not None
        allowance = Allowance()
        self._output = (
            OutputLines(process.stdout, allowance, lambda line: listener.line(line, False)),
            OutputLines(process.stderr, allowance, lambda line: listener.line(line, True), listener.error),
        )
        threading.Thread(target=self._wait, name=f"wait-{process.pid}", daemon=True).start()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the child and its descendants; nothing happens when it is gone."""
        with self._reaping, contextlib.suppress(ProcessLookupError, PermissionError):
            if not self._reaped:  # else its number may be another's by now
                os.killpg(self.pid, number)

    async def end(self, grace: float) -> int:
        """Ask the child to end, kill its whole group after `grace` seconds; return its exit code."""
        with self._reaping, contextlib.suppress(ProcessLookupError):
            if not self._reaped:
                os.kill(self.pid, signal.SIGTERM)
                os.kill(self.pid, signal.SIGCONT)  # a stopped process takes no SIGTERM
        await asyncio.wait({self.exited}, timeout=grace)
        return await self.kill()

    async def kill(self) -> int:
        """End the child and its group now; return its exit code, that of SIGKILL where the kernel keeps it."""
        self.signal_group(signal.SIGKILL)
        await asyncio.wait({self.exited}, timeout=KILL_SECONDS)
        for output in self._output:
            output.close()
        return self.exited.result() if self.exited.done() else -signal.SIGKILL

    def _wait(self) -> None:
        """Wait for the end, and end what the child leaves behind while its number is still its own."""
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.signal_group(signal.SIGKILL)
        with self._reaping:
            code = self._process.wait()
            self._reaped = True
        with contextlib.suppress(Exception):
            kill_marked(self._mark)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._tell, code)

    def _tell(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)


def start_child(
    command: ServiceCommand, environment: Mapping[str, str], lifeline: Lifeline, listener: Listener
) -> Child:
    """Start a service from the main thread's event loop. Raises OSError when the program cannot be started."""
    mark = lifeline.next_mark()
    process = subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, **lifeline.environment(mark)},
        pass_fds=(lifeline.descriptor,),
        start_new_session=True,
    )
    try:
        lifeline.hold(process.pid)
        return Child(process, mark, listener)
    except BaseException:  # no thread, no memory: what nobody watches must not run
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(KILL_SECONDS)
        raise
