"""What keeps the dashboards and the worker running, and what is known of each of them?

``python -m main.monitoring.dashboards.v2.dashboard_manager`` is the container's command; `trade` and `dashboards start`
run the same. Never imports Dash or pandas: it is the smallest process of the suite, and the last to fall.
"""

import sys

if __name__ == "__main__":  # a process of its own: what structlog and uvicorn would load for colours and reloading
    sys.modules["rich"] = sys.modules["watchfiles"] = None  # type: ignore[assignment]  # is a tenth of its memory

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import psutil
import structlog

from main.clock import monotonic, now
from main.config import Settings, database_overrides, load_settings
from main.errors import AITraderError, UnknownName
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.lifeline import Lifeline
from main.monitoring.dashboards.v2.manager_api import ManagerApi, manager_app
from main.monitoring.dashboards.v2.manager_metrics import manager_metrics
from main.monitoring.dashboards.v2.manager_state import ManagerFile, ManagerState
from main.monitoring.dashboards.v2.manager_status import manager_document, manager_row, service_check, service_status
from main.monitoring.dashboards.v2.process_tree import ProcessTrees, Usage
from main.monitoring.dashboards.v2.service_commands import (
    DASHBOARDS,
    configuration_of,
    service_commands,
    service_environment,
)
from main.monitoring.dashboards.v2.service_reports import ServiceReports
from main.monitoring.dashboards.v2.service_rows import ServiceRows
from main.monitoring.dashboards.v2.supervisor import Supervisor, Timing
from main.telemetry.child_log import ChildLog
from main.telemetry.logging import LOGGED, LogFile, configure
from main.telemetry.loop_lag import BLOCKED_SECONDS, LOOP_LAG
from main.telemetry.probes import Check, ProbeApp
from main.telemetry.redaction import Redactor, secrets_of
from main.telemetry.server import ProbeServer
from main.telemetry.services import ProcessStatus, RestartReason, State
from main.telemetry.version import version

_log = structlog.get_logger(__name__)

HOST = "127.0.0.1"
NAME = "manager"
STOP_SECONDS = 8.5
"""For all of it, whatever the database does: ten are promised, and the process itself needs a moment to go."""

_SAMPLE_SECONDS = 5.0
_SENTINEL_SECONDS = 0.5


class DashboardManager:
    """Supervises the trading dashboard, the system dashboard and the worker, each a process of its own.

    Use it from the event loop of the main thread: the kernel ends children with the *thread* that started them.
    """

    def __init__(
        self,
        db_config: Mapping[str, Any] | Settings | None = None,
        *,
        dashboards: tuple[str, ...] = DASHBOARDS,
        commands: Sequence[ServiceCommand] | None = None,
        timing: Timing | None = None,
    ) -> None:
        """Take the settings, or where the database is (host, port, database, user, password); nothing is started yet.

        `commands` replaces the processes that the settings call for. Raises ConfigurationError.
        """
        self.settings = db_config if isinstance(db_config, Settings) else _settings_with(db_config or {})
        self.commands = tuple(commands) if commands is not None else service_commands(self.settings, dashboards)
        self._timing = timing or Timing()
        self._file = ManagerFile(self.settings.data_dir)
        self._lifeline: Lifeline | None = None
        self._supervisors: dict[str, Supervisor] = {}
        self._runs: list[asyncio.Task[None]] = []
        self._logs: list[ChildLog] = []
        self._trees = ProcessTrees()
        self._usage: dict[str, Usage] = {}
        self._reports = ServiceReports(self._report_soon)
        self._started_at = now()
        metrics = manager_metrics(NAME, self.status)
        self._probes = ProbeApp(NAME, self._checks, self._document, metrics.registry)
        self._server: ProbeServer | None = None
        self._rows: ServiceRows | None = None
        self._watches: list[asyncio.Task[None]] = []
        self._state_changed = asyncio.Event()
        self.stop_requested = asyncio.Event()

    async def start_all(self) -> None:
        """Start everything; returns once every service answers or has failed (`status` tells which).

        Raises PortInUse for the manager's own port and ManagerAlreadyRuns; then nothing is left running.
        """
        self._file.take()
        try:
            await self._open_control()
        except BaseException:
            self._file.leave()
            raise
        self._started_at = now()
        self._lifeline = Lifeline()
        self._rows = ServiceRows(self.settings, self._own_rows)
        self._rows.on_moved = self._database_moved
        environment = service_environment(self.settings)
        redactor = Redactor(secrets_of(self.settings))
        for command in self.commands:
            self._supervise(command, environment, redactor)
        self._rows.start()
        LOOP_LAG.watch()
        self._watches = [
            asyncio.create_task(self._sample(), name="sampler"),
        ]
        await asyncio.gather(*(supervisor.settled.wait() for supervisor in self._supervisors.values()))

    async def stop_all(self) -> None:
        """End every service in order: SIGTERM, then SIGKILL. Within ten seconds nothing is left. Idempotent.

        A database that does not answer is not waited for: the embedded one ends when it can, by itself.
        """
        deadline = monotonic() + STOP_SECONDS
        self._probes.drain()
        for supervisor in self._supervisors.values():
            supervisor.stop()
            supervisor.settled.set()
        await asyncio.gather(*self._runs, return_exceptions=True)
        for watch in self._watches:
            watch.cancel()
        if self._lifeline is not None:
            await asyncio.to_thread(self._lifeline.close, _SENTINEL_SECONDS)
            self._lifeline = None
        ends = [self._rows.stop(deadline)] if self._rows is not None else []
        await asyncio.gather(*ends, *([self._server.stop()] if self._server is not None else []))
        for log in self._logs:
            log.close()
        self._file.leave()

    def status(self) -> tuple[ProcessStatus, ...]:
        """Return the services as they are now, in the order they were started."""
        return tuple(self._status_of(supervisor) for supervisor in self._supervisors.values())

    def restart(self, name: str = "", *, reason: RestartReason = "asked") -> None:
        """Replace the service `name`, or all of them, now. Raises UnknownName."""
        if name and name not in self._supervisors:
            raise UnknownName("service", name, self._supervisors)
        for each, supervisor in self._supervisors.items():
            if name in ("", each):
                supervisor.restart(reason)

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the services that were given up."""
        return tuple(name for name, each in self._supervisors.items() if each.state == "failed")

    async def _open_control(self) -> None:
        token = secrets.token_urlsafe(32)
        app = manager_app(ManagerApi(self._probes, token, self.restart))
        port = self.settings.manager.port
        self._server = ProbeServer(app, HOST, port, setting="MANAGER_PORT")
        await self._server.start()
        self._file.write(ManagerState.of_this_process(port, token, version(), self.configuration))

    @property
    def configuration(self) -> str:
        """A fingerprint of what is supervised and how; no secret can be had from it."""
        return configuration_of(self.settings, self.commands)

    def _supervise(self, command: ServiceCommand, environment: Mapping[str, str], redact: Redactor) -> None:
        assert self._lifeline is not None
        log = ChildLog(command.name, LogFile(self.settings.log_dir, command.name))
        self._logs.append(log)
        supervisor = self._supervisors[command.name] = Supervisor(
            command,
            environment,
            self._lifeline,
            log,
            redact=redact,
            timing=self._timing,
            on_change=self._changed,
        )
        self._runs.append(asyncio.create_task(supervisor.run(), name=command.name))

    def _report_soon(self) -> None:
        if self._rows is not None:
            self._rows.report_soon()

    def _changed(self) -> None:
        self._state_changed.set()
        self._report_soon()
        if len(self.failed) == len(self.commands):  # nothing is left to do
            self.stop_requested.set()

    def _database_moved(self) -> None:
        _log.warning("the embedded database has another port now, services are restarted")
        self.restart(reason="moved")

    async def _sample(self) -> None:
        while True:
            self._state_changed.clear()
            runs = {each.command: each.now for each in self._supervisors.values()}
            leaders = {command.name: run.pid for command, run in runs.items() if run.pid is not None}
            with contextlib.suppress(psutil.Error, OSError):  # a process that goes while it is looked at
                self._usage = self._trees.sample({**leaders, NAME: os.getpid()})
            if self._lifeline is not None:
                self._lifeline.renew()
            with contextlib.suppress(OSError):
                self._file.renew()
            await self._reports.ask_all(
                {command: run.pid for command, run in runs.items() if run.pid is not None and run.state == "running"}
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SAMPLE_SECONDS):
                    await self._state_changed.wait()

    def _status_of(self, supervisor: Supervisor) -> ProcessStatus:
        name, run = supervisor.command.name, supervisor.now
        return service_status(supervisor.command, run, self._usage.get(name), self._reports.of(name, run.pid))

    def _own_rows(self) -> tuple[ProcessStatus, ...]:
        state: State = "stopping" if self._probes.draining else "running"
        port = self.settings.manager.port
        return (manager_row(NAME, port, state, self._started_at, self._usage.get(NAME)), *self.status())

    def _checks(self) -> list[Check]:
        checks = [service_check(each) for each in self.status()]
        if self._rows is not None:
            checks.append(self._rows.check())
        if (lag := LOOP_LAG.worst or 0.0) >= BLOCKED_SECONDS:
            checks.append(Check("event loop", "degraded", f"was blocked for {lag:.1f} s within the last minute"))
        if LOGGED.trouble is not None:
            checks.append(Check("logs", "degraded", f"a log file cannot be written: {LOGGED.trouble}"))
        return checks

    def _document(self) -> Mapping[str, Any]:
        database = self._rows.database_row() if self._rows is not None else None
        return manager_document(
            self.settings,
            started_at=self._started_at,
            rows=(*self._own_rows(), *((database,) if database else ())),
            database=self._rows.check() if self._rows is not None else None,
            loop_lag_seconds=LOOP_LAG.worst,
        )


def _settings_with(db_config: Mapping[str, Any]) -> Settings:
    return load_settings(database_overrides(db_config, "db_config"))


_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def heed_no_more_signals() -> None:
    """Be deaf from now on to what asks us to end: we do, and one more of it must not change our exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


async def supervise(manager: DashboardManager) -> int:
    """Run the manager until a signal or the command line ends it; return its exit code: 1 when a service was given up.

    It goes on as long as one of them is left.

    Raises as `DashboardManager.start_all`.
    """
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, manager.stop_requested.set)
    starting = asyncio.create_task(manager.start_all())
    stopping = asyncio.create_task(manager.stop_requested.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done() and starting.exception() is not None:
        stopping.cancel()
        starting.result()
    await stopping
    failed, began = bool(manager.failed), monotonic()
    starting.cancel()  # told to stop while it starts: or it would go on starting what is being stopped
    await asyncio.gather(starting, return_exceptions=True)
    await manager.stop_all()
    _log.info("manager stopped", seconds=round(monotonic() - began, 2))
    return 1 if failed else 0


async def _run(settings: Settings, dashboards: tuple[str, ...]) -> int:
    code = await supervise(DashboardManager(settings, dashboards=dashboards))
    heed_no_more_signals()
    return code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the manager from the command line; errors go to standard error, one a line."""
    parser = argparse.ArgumentParser(prog="dashboard_manager", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", action="append", choices=DASHBOARDS, help="run this dashboard, not all")
    parser.add_argument("--log-file", action="store_true", help="nobody reads stdout: log to logs/dashboards/ only")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        configure(NAME, settings.log_dir, stdout=not options.log_file, secrets=secrets_of(settings))
        return asyncio.run(_run(settings, tuple(options.only or DASHBOARDS)))
    except AITraderError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
