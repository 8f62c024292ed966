"""How is one service kept running: probed, replaced when it hangs, restarted when it ends, given up when it must be?"""

import asyncio
import signal
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from main.clock import monotonic
from main.errors import AITraderError
from main.monitoring.dashboards.v2.child import Child, ServiceCommand, start_child
from main.monitoring.dashboards.v2.lifeline import Lifeline
from main.monitoring.dashboards.v2.probe import ask
from main.monitoring.dashboards.v2.restart_policy import USELESS_TO_RESTART, RestartPolicy
from main.telemetry.ports import ensure_free, is_free
from main.telemetry.services import State

_log = structlog.get_logger(__name__)

_STDERR_LINES = 20


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the supervisor is; all in seconds but ``misses``, the unanswered probes in a row that mean "hung"."""

    probe_interval: float = 3.0
    probe_timeout: float = 3.0
    misses: int = 3
    startup: float = 60.0  # a service that has not answered once by then hangs
    stop: float = 8.0
    port: float = 6.0  # what is left of an earlier set may hold the port for as long


@dataclass(frozen=True, slots=True)
class ServiceRun:
    """What the supervisor knows of its service at one moment."""

    state: State
    pid: int | None
    started_at: datetime | None
    restarts: int
    reason: str | None
    probe_seconds: float | None
    last_stderr: str | None


class Supervisor:
    """Keeps one service running in the running event loop, which must be the main thread's."""

    def __init__(
        self,
        command: ServiceCommand,
        environment: Mapping[str, str],
        lifeline: Lifeline,
        write_log: Callable[[str], None],
        *,
        redact: Callable[[str], str],
        timing: Timing,
        on_change: Callable[[], None],
    ) -> None:
        """Name the service; `write_log` gets its redacted lines, `on_change` is called when its state changes."""
        self.command = command
        self._environment = environment
        self._lifeline = lifeline
        self._write_log = write_log
        self._redact = redact
        self._timing = timing
        self._on_change = on_change
        self._policy = RestartPolicy()
        self._state: State = "stopped"
        self._child: Child | None = None
        self._restarts = 0
        self._reason: str | None = None
        self._probe_seconds: float | None = None
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._stop = asyncio.Event()
        self._restart = asyncio.Event()
        self.settled = asyncio.Event()  # it runs, or it failed

    @property
    def now(self) -> ServiceRun:
        """What is known at this moment."""
        child = self._child
        return ServiceRun(
            self._state,
            child.pid if child else None,
            child.started_at if child else None,
            self._restarts,
            self._reason,
            self._probe_seconds if child else None,
            "\n".join(self._stderr) or None,
        )

    def restart(self) -> None:
        """Replace the service now, also one that was given up."""
        self._policy.forget()
        self._restart.set()

    def stop(self) -> None:
        """Ask for the end; `run` returns when the service and its descendants are gone."""
        self._stop.set()

    async def run(self) -> None:
        """Keep the service running until `stop`."""
        while not self._stop.is_set():
            try:
                pause = await self._run_once()
            except AITraderError as error:
                self._fail(error.message)
                pause = None
            except OSError as error:
                self._fail(f"cannot be started: {error}")
                pause = None
            if not await self._stopped_within(pause):
                self._restarts += 1
            self._restart.clear()
        self._enter("stopped")

    async def _run_once(self) -> float | None:
        """Run the service until it ends; return the pause before the next start, ``None`` to wait for the user."""
        self._enter("restarting" if self._restarts else "starting")
        await self._port_to_be_free()
        if self._stop.is_set():
            return 0.0
        self._stderr.clear()
        child = self._child = start_child(self.command, self._environment, self._lifeline, self._on_line)
        _log.info("service started", name=self.command.name, pid=child.pid, port=self.command.port)
        try:
            reason, code = await self._until_end(child)
        finally:
            child.signal_group(signal.SIGKILL)
            self._lifeline.let_go(child.pid)
            self._child = None
        if self._stop.is_set():
            return 0.0
        self._reason = reason
        if self._restart.is_set():
            return 0.0
        if code in USELESS_TO_RESTART:
            self._fail(self._stderr[-1] if self._stderr else reason)
            return None
        pause = self._policy.pause_after_end(monotonic())
        if pause is None:
            self._fail(f"ended five times within a minute; last: {reason}")
            return None
        _log.warning("service ended", name=self.command.name, reason=reason, restart_in_seconds=round(pause, 2))
        self._enter("restarting")
        return pause

    async def _until_end(self, child: Child) -> tuple[str, int]:
        hung = asyncio.create_task(self._probe_until_hung(child))
        asked = [asyncio.create_task(event.wait()) for event in (self._stop, self._restart)]
        signs: set[asyncio.Future[Any]] = {child.exited, hung, *asked}
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hung, *asked):
                task.cancel()
        if child.exited.done():
            return _cause(child.exited.result()), child.exited.result()
        if hung.done() and not hung.cancelled():
            _log.warning("service hangs", name=self.command.name, pid=child.pid, reason=hung.result())
            child.signal_group(signal.SIGKILL)  # a hung process heeds nothing else
            return hung.result(), await child.exited
        self._enter("stopping")
        return "asked for", await child.end(self._timing.stop)

    async def _probe_until_hung(self, child: Child) -> str:
        """Return why the service counts as hung; lasts as long as it does not."""
        deadline, missed = monotonic() + self._timing.startup, 0
        answered = False
        while True:
            await asyncio.sleep(self._timing.probe_interval if answered else 0.2)
            try:
                reply = await ask(self.command.host, self.command.port, "/livez", within=self._timing.probe_timeout)
            except (OSError, ValueError) as error:
                missed += 1
                if answered and missed >= self._timing.misses:
                    return f"hung: {missed} probes without an answer ({str(error) or type(error).__name__})"
                if not answered and monotonic() > deadline:
                    return f"hung: no answer within {self._timing.startup:g} s of its start"
                continue
            missed = 0
            self._probe_seconds = reply.seconds
            if not answered:
                answered = True
                self._enter("running")
                _log.info("service answers", name=self.command.name, pid=child.pid)

    async def _port_to_be_free(self) -> None:
        host, port = self.command.host, self.command.port
        deadline = monotonic() + self._timing.port
        while not is_free(host, port) and monotonic() < deadline and not self._stop.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        ensure_free(host, port, setting=self.command.setting)

    async def _stopped_within(self, pause: float | None) -> bool:
        """Wait for `pause` seconds (or for ever) unless a stop or a restart is asked for; tell if it was a stop."""
        waiting = [asyncio.create_task(event.wait()) for event in (self._stop, self._restart)]
        await asyncio.wait(waiting, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        return self._stop.is_set()

    def _on_line(self, line: bytes, is_error: bool) -> None:
        text = self._redact(line.decode(errors="replace"))
        self._write_log(text)
        if is_error:
            self._stderr.append(text)

    def _fail(self, reason: str) -> None:
        self._reason = reason
        _log.error("service failed", name=self.command.name, reason=reason)
        self._enter("failed")

    def _enter(self, state: State) -> None:
        if state in ("running", "failed"):
            self.settled.set()
        if state != self._state:
            self._state = state
            self._on_change()


def _cause(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
