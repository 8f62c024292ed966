"""How do other processes find the manager of a data folder, start it, ask it and end it?"""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import psutil

from main.config import Settings
from main.errors import AITraderError, PortInUse, UnknownName
from main.monitoring.dashboards.v2.manager_api import RESTART
from main.monitoring.dashboards.v2.manager_state import ManagerFile, ManagerState
from main.monitoring.dashboards.v2.probe import Reply, ask
from main.monitoring.dashboards.v2.service_commands import DASHBOARDS, service_commands, service_environment
from main.telemetry.logging import log_path
from main.telemetry.ports import ensure_free, is_free

HOST = "127.0.0.1"
STOP_SECONDS = 15.0
_KILL_SECONDS = 3.0
_POLL_SECONDS = 0.1
_READY_SECONDS = 60.0
_DYING_SECONDS = 6.0  # the children of a killed manager hold their ports for as long
_RIVAL_SECONDS = 3.0  # from taking its place to saying where it is, a manager needs less


class ManagerFailed(AITraderError):
    """The manager did not start or does not answer: the message has its words, logs/dashboards/manager.log more."""

    exit_code: ClassVar[int] = 1


class RunningManager:
    """A manager that was found to be alive and ours."""

    def __init__(self, state: ManagerState) -> None:
        """Use `find_manager`."""
        self.state = state

    def document(self) -> dict[str, Any]:
        """Return what it says of its services. Raises ManagerFailed when it does not answer."""
        reply = self._ask("/status")
        try:
            told = json.loads(reply.body)
        except ValueError:
            told = None
        if reply.status != 200 or not isinstance(told, dict):
            raise ManagerFailed(
                f"the manager (pid {self.state.pid}) answers its status with {reply.status}; restart it"
            )
        return told

    def settled(self) -> dict[str, Any] | None:
        """Return the status once every service answers or was given up; ``None`` before."""
        try:
            told = self.document()
        except ManagerFailed:
            return None
        states = {row["state"] for row in told["services"] if row["kind"] in ("dashboard", "worker")}
        return told if states and states <= {"running", "degraded", "failed"} else None

    def restart(self, name: str = "") -> None:
        """Have the service `name`, or all of them, replaced. Raises UnknownName or ManagerFailed."""
        known = [row["service"] for row in self.document()["services"] if row["kind"] in ("dashboard", "worker")]
        name = f"{name}-dashboard" if name in DASHBOARDS else name
        if name and name not in known:
            raise UnknownName("service", name, known)
        reply = self._ask(f"{RESTART}/{name}" if name else RESTART, method="POST", token=self.state.token)
        if reply.status != 202:
            raise ManagerFailed(f"the manager refuses to restart {name or 'its services'}: {reply.body.decode()}")

    def stop(self) -> None:
        """End it and its services in order; kill it after fifteen seconds. Returns when it is gone.

        Raises ManagerFailed where the kernel does not let it go.
        """
        if not self._ended_by((signal.SIGTERM, signal.SIGCONT), STOP_SECONDS):  # a stopped process takes no SIGTERM
            self.kill()

    def kill(self) -> None:
        """End it at once; its services end by themselves. Raises ManagerFailed where the kernel does not let it go."""
        if not self._ended_by((signal.SIGKILL,), _KILL_SECONDS):
            raise ManagerFailed(f"the manager (pid {self.state.pid}) does not even heed SIGKILL: look at its disk")

    def answers(self, within: float = 2.0) -> bool:
        """Tell whether its event loop turns."""
        try:
            return asyncio.run(ask(HOST, self.state.port, "/livez", within=within)).status == 200
        except (OSError, ValueError):
            return False

    def _ended_by(self, numbers: tuple[signal.Signals, ...], patience: float) -> bool:
        for number in numbers:
            with contextlib.suppress(psutil.NoSuchProcess):
                if self.state.alive:
                    psutil.Process(self.state.pid).send_signal(number)
        deadline = time.monotonic() + patience
        while (alive := self.state.alive) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return not alive

    def _ask(self, path: str, *, method: str = "GET", token: str | None = None) -> Reply:
        try:
            return asyncio.run(ask(HOST, self.state.port, path, within=5.0, method=method, token=token))
        except (OSError, ValueError) as error:
            raise ManagerFailed(
                f"the manager (pid {self.state.pid}, port {self.state.port}) does not answer: "
                f"{str(error) or 'no reply within 5 s'}; see logs/dashboards/manager.log"
            ) from error


def find_manager(settings: Settings) -> RunningManager | None:
    """Return the manager of these settings' data folder; ``None`` when none runs."""
    state = ManagerFile(settings.data_dir).read()
    return None if state is None else RunningManager(state)


def found_or_free(settings: Settings, dashboards: tuple[str, ...] = DASHBOARDS) -> RunningManager | None:
    """Return the manager that runs; ``None`` when one could be started.

    Raises PortInUse, unless it is a manager that was started this moment, by somebody else.
    """
    running = find_manager(settings)
    if running is None:
        try:
            ensure_ports(settings, dashboards)
        except PortInUse:
            if (running := _rival(settings)) is None:
                raise
    return running


def _rival(settings: Settings) -> RunningManager | None:
    """Return the manager that holds the place; one that has just taken it gets time to say where it is."""
    deadline = time.monotonic() + _RIVAL_SECONDS
    file = ManagerFile(settings.data_dir)
    while (state := file.read()) is None and file.taken and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return None if state is None else RunningManager(state)


def ensure_ports(settings: Settings, dashboards: tuple[str, ...] = DASHBOARDS) -> None:
    """Raise PortInUse when the manager or a service of it could not listen; what a killed one left gets time to end."""
    places = [(command.host, command.port, command.setting) for command in service_commands(settings, dashboards)]
    deadline = time.monotonic() + _DYING_SECONDS
    for host, port, setting in [(HOST, settings.manager.port, "MANAGER_PORT"), *places]:
        while not is_free(host, port) and _dying(port) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        ensure_free(host, port, setting=setting)


def launch_manager(settings: Settings, dashboards: tuple[str, ...] = DASHBOARDS) -> subprocess.Popen[bytes]:
    """Start a manager in a session of its own, where no signal of our terminal reaches it. Raises OSError."""
    argv = [sys.executable, "-P", "-m", "main.monitoring.dashboards.v2.dashboard_manager", "--log-file"]
    for name in dashboards if dashboards != DASHBOARDS else ():
        argv += ["--only", name]
    with contextlib.ExitStack() as stack:
        try:
            errors = _errors(settings)
            errors.parent.mkdir(parents=True, exist_ok=True)
            target: Any = stack.enter_context(errors.open("wb"))
        except OSError:
            target = subprocess.DEVNULL  # a read-only disk must not keep the dashboards down
        return subprocess.Popen(
            argv,
            env=dict(service_environment(settings)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=target,
            start_new_session=True,
        )


def wait_until_settled(
    settings: Settings, process: subprocess.Popen[bytes] | None, stopped: Callable[[], bool] = lambda: False
) -> dict[str, Any] | None:
    """Return the status once all services answer or were given up; ``None`` when `stopped` said so before.

    `process` is the manager that was started; ``None`` for any. Where another was quicker to take the place it is that
    one's status. Raises ManagerFailed with the manager's own words when it ended, or is not there within a minute.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while not stopped():
        manager = find_manager(settings)
        if process is not None and process.poll() is not None:
            manager = manager or _rival(settings)
            if manager is None or manager.state.pid == process.pid:
                raise ManagerFailed(f"the manager ended with exit code {process.returncode}: {last_words(settings)}")
        if manager is not None and (told := manager.settled()) is not None:
            return told
        if time.monotonic() > deadline:
            raise ManagerFailed(f"the manager is not ready after {_READY_SECONDS:g} s; see {_log(settings)}")
        time.sleep(_POLL_SECONDS)
    return None


def last_words(settings: Settings) -> str:
    """Return the last line a manager wrote to standard error."""
    with contextlib.suppress(OSError):
        lines = _errors(settings).read_text(errors="replace").strip().splitlines()
        if lines:
            return lines[-1]
    return f"see {_log(settings)}"


def _errors(settings: Settings) -> Path:
    return _log(settings).with_suffix(".err")


def _log(settings: Settings) -> Path:
    return log_path(settings.log_dir, "manager")


def _dying(port: int) -> bool:
    """Tell whether a process of the suite holds the port whose manager is gone."""
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            with contextlib.suppress(psutil.Error):
                command = " ".join(psutil.Process(connection.pid).cmdline()) if connection.pid else ""
                return "_dashboard.py" in command or "main.worker" in command or "dashboard_manager" in command
    return False
