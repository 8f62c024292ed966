"""How does `trade` keep the monitoring up beside the bot without the bot ever noticing?"""

import subprocess
import threading
from collections.abc import Callable
from typing import Any

import structlog

from main.clock import monotonic
from main.config import Settings
from main.monitoring.dashboards.v2.manager_state import ManagerFile
from main.monitoring.dashboards.v2.restart_policy import RestartPolicy
from main.monitoring.dashboards.v2.running_manager import (
    ManagerFailed,
    RunningManager,
    find_manager,
    found_or_free,
    launch_manager,
    wait_until_settled,
)
from main.monitoring.dashboards.v2.service_commands import configuration_of, dashboard_url, service_commands

_log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_JOIN_SECONDS = 40.0
_ASK_SECONDS = 5.0
_ANSWER_SECONDS, _LATE_SECONDS = 2.0, 0.5
_MISSES = 5  # one every seven seconds: a manager that is only slow must not lose its services for it


class Monitoring:
    """The manager of these settings: the running one taken over, or one of our own, brought back when it is lost."""

    def __init__(self, settings: Settings, dashboards: tuple[str, ...], say: Callable[[str], None]) -> None:
        """Name what is wanted; `say` gets lines for the user, from a thread."""
        self._settings = settings
        self._dashboards = dashboards
        self._say = say
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._ours: subprocess.Popen[bytes] | None = None
        self._file = ManagerFile(settings.data_dir)
        self._said: set[str] = set()

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread is not None

    def prepare(self) -> None:
        """See to it that a manager can run: end one that supervises something else, and find the ports free or ours.

        Raises PortInUse, before anything is started.
        """
        running = found_or_free(self._settings, self._dashboards)
        if running is not None and not self._suits(running):
            self._say("The running dashboards have other settings; replacing them.")
            running.stop()
            found_or_free(self._settings, self._dashboards)

    def start(self) -> None:
        """Take over or start the manager, in the background."""
        self._thread = threading.Thread(target=self._run, name="monitoring", daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Let the manager run on without us."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def stop(self) -> None:
        """End the manager and everything it supervises, in order."""
        self.leave()
        running = find_manager(self._settings)
        if running is not None:
            running.stop()
        if self._ours is not None:
            if self._ours.poll() is None:
                self._ours.terminate()
            try:
                self._ours.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self._ours.kill()

    def _run(self) -> None:
        policy = RestartPolicy()
        while not self._stop.is_set():
            try:
                self._keep_one()
                on_purpose = self._file.left
            except Exception as error:  # noqa: BLE001  # a boundary: whatever happens here, the bot goes on
                self._say(f"Monitoring is down: {error}")
                on_purpose = False
            if self._stop.is_set():
                return
            if on_purpose:
                self._say(
                    "The dashboards have ended; the bot goes on. `ai_trader.py dashboards start` starts them again."
                )
                self._wait_for_another()
            else:
                pause = policy.pause_after_end(monotonic()) or _LONGEST_PAUSE_SECONDS
                self._say(f"The dashboards' manager is gone; the bot goes on. Starting it again in {pause:.1f} s.")
                self._stop.wait(pause)

    def _keep_one(self) -> None:
        """Take the running manager over, or start one; return when it has ended."""
        running = find_manager(self._settings)
        if running is not None:
            self._say(f"Taking over the running dashboards (manager pid {running.state.pid}).")
            if self._suits(running):
                self._greet(running.document())
            else:
                self._say("They were started with other settings; `ai_trader.py dashboards status` shows them.")
            self._watch(running)
            return
        process = self._ours = launch_manager(self._settings, self._dashboards)
        told = wait_until_settled(self._settings, process, self._stop.is_set)
        if told is not None:
            self._greet(told)
            running = find_manager(self._settings)
            if running is not None:
                self._watch(running)
        process.poll()  # no zombie stays behind

    def _wait_for_another(self) -> None:
        """Somebody ended the dashboards on purpose, so it is for them to start the next ones."""
        while find_manager(self._settings) is None and not self._stop.wait(_POLL_SECONDS):
            pass

    def _watch(self, running: RunningManager) -> None:
        """Return when it has ended; one that hangs is killed, and its services end with it."""
        missed, asked = 0, monotonic()
        while running.state.alive and not self._stop.wait(_POLL_SECONDS):
            if monotonic() - asked < _ASK_SECONDS:
                continue
            began, answers = monotonic(), running.answers(_ANSWER_SECONDS)
            asked = monotonic()
            if not answers and asked - began > _ANSWER_SECONDS + _LATE_SECONDS:
                continue  # it is we who were held up: by a busy bot, a machine that swaps or has slept
            missed = 0 if answers else missed + 1
            if missed >= _MISSES:
                self._say(f"The dashboards' manager (pid {running.state.pid}) hangs; replacing it.")
                running.kill()

    def _suits(self, running: RunningManager) -> bool:
        wanted = configuration_of(self._settings, service_commands(self._settings, self._dashboards))
        return running.state.configuration == wanted

    def _greet(self, told: dict[str, Any]) -> None:
        for line in summary(self._settings, self._dashboards, told):
            if line not in self._said:  # addresses do not change with the manager that serves them
                self._said.add(line)
                self._say(line)


def summary(settings: Settings, dashboards: tuple[str, ...], told: dict[str, Any]) -> list[str]:
    """Return a line for each dashboard, with its address, and for each service that failed, with the reason."""
    services = {row["service"]: row for row in told["services"]}
    lines = []
    for name in dashboards:
        row = services.get(f"{name}-dashboard", {})
        if row.get("state") in ("running", "degraded"):
            lines.append(f"{name.capitalize()} dashboard  {dashboard_url(settings, name)}")
    failed = [row for row in services.values() if row["state"] == "failed" and row["kind"] in ("dashboard", "worker")]
    return lines + [f"{row['service']} failed: {row['restart_reason']}" for row in failed]


def launch_and_wait(settings: Settings, dashboards: tuple[str, ...]) -> dict[str, Any]:
    """Start a manager and return its status once every service answers or was given up.

    Where somebody else has just started one, of that one. Raises PortInUse or ManagerFailed.
    """
    running = found_or_free(settings, dashboards)
    told = wait_until_settled(settings, launch_manager(settings, dashboards) if running is None else None)
    if told is None:
        raise ManagerFailed("the manager was stopped while it started; start it again")
    return told
