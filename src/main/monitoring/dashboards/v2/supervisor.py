"""How is one service kept running: probed, replaced when it hangs, restarted when it ends, given up when it must be?"""

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from main.clock import monotonic
from main.errors import AITraderError
from main.monitoring.dashboards.v2.child import Child, Listener, ServiceCommand, start_child
from main.monitoring.dashboards.v2.lifeline import Lifeline
from main.monitoring.dashboards.v2.probe import ask
from main.monitoring.dashboards.v2.restart_policy import USELESS_TO_RESTART, RestartPolicy
from main.telemetry.child_log import told_plainly
from main.telemetry.inert import inert
from main.telemetry.ports import ensure_free, is_free
from main.telemetry.services import RestartReason, State

_log = structlog.get_logger(__name__)

_STDERR_LINES = 20
_STDERR_BYTES = 2_000  # of each line
_STARTING_SECONDS = 0.2
_LATE_SECONDS = 0.5
"""A probe that took us so much longer than its limit tells nothing of the service."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the supervisor is; all in seconds but ``misses``, the unanswered probes in a row that mean "hung".

    A hung service is noticed after ``misses · probe_timeout``, at most one ``probe_interval`` later: in 9 to 12 s.
    """

    probe_interval: float = 2.0  # from the start of one probe to that of the next
    probe_timeout: float = 3.0
    misses: int = 3
    startup: float = 60.0  # a service that has not answered once by then hangs
    stop: float = 6.5  # of the ten in which everything must have ended
    port: float = 6.0  # what is left of an earlier set may hold the port for as long


@dataclass(frozen=True, slots=True)
class ServiceRun:
    """What the supervisor knows of its service at one moment."""

    state: State
    pid: int | None
    started_at: datetime | None
    restarts: Mapping[RestartReason, int]
    reason: str | None
    probe_seconds: float | None
    last_stderr: str | None


@dataclass(frozen=True, slots=True)
class _End:
    """How a run of the service ended."""

    reason: RestartReason
    words: str
    code: int


class Supervisor:
    """Keeps one service running in the running event loop, which must be the main thread's."""

    def __init__(
        self,
        command: ServiceCommand,
        environment: Mapping[str, str],
        lifeline: Lifeline,
        write_log: Callable[[str, bool], None],
        *,
        redact: Callable[[str], str],
        timing: Timing,
        on_change: Callable[[], None],
    ) -> None:
        """Name the service; `on_change` is called when its state changes.

        `write_log` gets its redacted lines, and whether they come from standard error.
        """
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
        self._restarts: Counter[RestartReason] = Counter()
        self._reason: str | None = None
        self._probe_seconds: float | None = None
        self._answered = False  # in this run
        self._stderr: deque[bytes] = deque(maxlen=_STDERR_LINES)
        self._stop = asyncio.Event()
        self._restart = asyncio.Event()
        self._wish: RestartReason = "asked"
        self.settled = asyncio.Event()  # it runs, or it failed

    @property
    def state(self) -> State:
        """What the service does now."""
        return self._state

    @property
    def now(self) -> ServiceRun:
        """What is known at this moment."""
        child = self._child
        return ServiceRun(
            self._state,
            child.pid if child else None,
            child.started_at if child else None,
            dict(self._restarts),
            self._reason,
            self._probe_seconds if child else None,
            self._told(*self._stderr) or None,
        )

    def restart(self, reason: RestartReason = "asked") -> None:
        """Replace the service now, also one that was given up."""
        self._policy.forget()
        self._wish = reason
        self._restart.set()

    def stop(self) -> None:
        """Ask for the end; `run` returns when the service and its descendants are gone."""
        self._stop.set()

    async def run(self) -> None:
        """Keep the service running until `stop`."""
        while not self._stop.is_set():
            end, pause = await self._one_run()
            if not await self._stopped_within(pause):
                self._restarts[self._wish if self._restart.is_set() else end] += 1
            self._restart.clear()
        if self._state != "failed":  # that stays to be seen
            self._enter("stopped")

    async def _one_run(self) -> tuple[RestartReason, float | None]:
        """Run the service until it ends; return why, and the pause before the next start: ``None`` for the user's word.

        Nothing is raised: whatever goes wrong with one service, somebody goes on looking after it.
        """
        try:
            end = await self._until_gone()
        except AITraderError as error:
            self._fail(error.message)
            return "crashed", None
        except OSError as error:  # no process, no descriptor, no program: some of it passes
            end = _End("crashed", f"cannot be started: {error}", 1)
        except Exception as error:  # noqa: BLE001  # a boundary
            _log.exception("supervision failed", name=self.command.name)
            end = _End("crashed", f"its supervision failed: {type(error).__name__}: {error}", 1)
        return end.reason, self._pause_after(end)

    def _pause_after(self, end: _End) -> float | None:
        if self._stop.is_set():
            return 0.0
        self._reason = end.words
        if self._restart.is_set():
            return 0.0
        if end.code in USELESS_TO_RESTART:
            self._fail(self._told(*self._stderr).rpartition("\n")[2] or end.words)
            return None
        # One that ends by itself says why, and may only wait for a database that takes long to recover.
        pause = self._policy.pause_after_end(monotonic(), answered=self._answered or end.reason != "hung")
        if pause is None:
            self._fail(f"{self._policy.gives_up_because}; last: {end.words}")
            return None
        _log.warning("service ended", name=self.command.name, reason=end.words, restart_in_seconds=round(pause, 2))
        self._enter("restarting")
        return pause

    async def _until_gone(self) -> _End:
        """Start the service and return how it ended; then nothing of it is left."""
        self._answered = False
        self._enter("restarting" if self._restarts.total() else "starting")
        await self._port_to_be_free()
        if self._stop.is_set():
            return _End("asked", "asked for", 0)
        self._restart.clear()  # whatever was asked for until now is what begins now
        self._stderr.clear()
        self._probe_seconds = None
        listener = Listener(self._on_line, lambda line: self._stderr.append(line[:_STDERR_BYTES]))
        child = self._child = start_child(self.command, self._environment, self._lifeline, listener)
        _log.info("service started", name=self.command.name, pid=child.pid, port=self.command.port)
        self._on_change()
        try:
            return await self._until_end(child)
        finally:
            await child.kill()
            self._lifeline.let_go(child.pid)
            self._child = None

    async def _until_end(self, child: Child) -> _End:
        hung = asyncio.create_task(self._probe_until_hung(child))
        asked = [asyncio.create_task(event.wait()) for event in (self._stop, self._restart)]
        signs: set[asyncio.Future[Any]] = {child.exited, hung, *asked}
        try:
            await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (hung, *asked):
                task.cancel()
        if child.exited.done():
            return _end_of(child.exited.result())
        if hung.done() and not hung.cancelled():
            _log.warning("service hangs", name=self.command.name, pid=child.pid, reason=hung.result())
            return _End("hung", hung.result(), await child.kill())  # a hung process heeds nothing else
        self._enter("stopping")
        code = await child.end(self._timing.stop)
        if code == -signal.SIGKILL:
            _log.warning("service did not end in time, it was killed", name=self.command.name, pid=child.pid)
        return _End("asked", "asked for", code)

    async def _probe_until_hung(self, child: Child) -> str:
        """Return why the service counts as hung; lasts as long as it does not."""
        timing, missed = self._timing, 0
        deadline = began = monotonic()
        deadline += timing.startup
        while True:
            pace = timing.probe_interval if self._answered else _STARTING_SECONDS
            await asyncio.sleep(max(_STARTING_SECONDS, began + pace - monotonic()))
            began = monotonic()
            try:
                reply = await ask(self.command.host, self.command.port, "/livez", within=timing.probe_timeout)
            except (OSError, ValueError) as error:
                if monotonic() - began > timing.probe_timeout + _LATE_SECONDS:
                    continue  # it is we who were held up: by a machine short of processors or memory, or one that slept
                missed += 1
                if self._answered and missed >= timing.misses:
                    return f"hung: {missed} probes without an answer ({str(error) or type(error).__name__})"
                if not self._answered and began > deadline:
                    return f"hung: no answer within {timing.startup:g} s of its start"
                continue
            missed = 0
            self._probe_seconds = reply.seconds
            if not self._answered:
                self._answered = True
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
        self._write_log(self._redact(line.decode(errors="replace")), is_error)

    def _told(self, *lines: bytes) -> str:
        return "\n".join(inert(told_plainly(self._redact(line.decode(errors="replace")))) for line in lines)

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


def _end_of(code: int) -> _End:
    if code >= 0:
        return _End("crashed", f"ended with exit code {code}", code)
    try:
        return _End("killed", f"killed by {signal.Signals(-code).name}", code)
    except ValueError:
        return _End("killed", f"killed by signal {-code}", code)
