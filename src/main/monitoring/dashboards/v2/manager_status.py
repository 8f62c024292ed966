"""What does the manager say of itself, of the services it supervises and of the database it keeps?"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from main.config import Settings
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.process_tree import Usage
from main.monitoring.dashboards.v2.service_reports import ServiceReport
from main.monitoring.dashboards.v2.supervisor import ServiceRun
from main.telemetry.probes import Check
from main.telemetry.services import ProcessStatus, State
from main.telemetry.version import version


def service_status(
    command: ServiceCommand, run: ServiceRun, usage: Usage | None, report: ServiceReport | None
) -> ProcessStatus:
    """Put together what the supervisor sees of a service and what the service says of itself."""
    complaint = report.degraded_reason if report and run.state == "running" else None
    told = report or ServiceReport(0)
    return ProcessStatus(
        service=command.name,
        kind=command.kind,
        state="degraded" if complaint else run.state,
        pid=run.pid,
        port=command.port,
        version=version(),
        started_at=run.started_at,
        restarts=sum(run.restarts.values()),
        restart_reason=run.reason,
        restarts_by_reason=run.restarts,
        degraded_reason=complaint,
        cpu_percent=usage.cpu_percent if usage and run.pid else None,
        rss_bytes=usage.rss_bytes if usage and run.pid else None,
        probe_seconds=run.probe_seconds,
        viewers=told.viewers,
        push_p50_seconds=told.push_p50_seconds,
        push_p95_seconds=told.push_p95_seconds,
        questions_answered=told.questions_answered,
        questions_shared=told.questions_shared,
        last_stderr=run.last_stderr,
    )


def manager_row(name: str, port: int, state: State, started_at: datetime, usage: Usage | None) -> ProcessStatus:
    """Return what the manager, this process, says of itself."""
    return ProcessStatus(
        service=name,
        kind="manager",
        state=state,
        pid=os.getpid(),
        port=port,
        version=version(),
        started_at=started_at,
        cpu_percent=usage.cpu_percent if usage else None,
        rss_bytes=usage.rss_bytes if usage else None,
    )


def service_check(status: ProcessStatus) -> Check:
    """Return what a service's state means for the manager's own readiness: it goes on whatever befalls one."""
    if status.state == "running":
        return Check(status.service, "ok")
    return Check(status.service, "degraded", status.degraded_reason or status.restart_reason or status.state)


def manager_document(
    settings: Settings,
    *,
    started_at: datetime | None,
    rows: Sequence[ProcessStatus],
    database: Check | None,
    loop_lag_seconds: float | None,
) -> Mapping[str, Any]:
    """Return what ``/status`` and `dashboards status --json` show; the keys are the same when no manager runs."""
    return {
        "running": started_at is not None,
        "version": version(),
        "started_at": started_at,
        "data_dir": str(settings.data_dir),
        "log_dir": str(settings.log_dir),
        "loop_lag_seconds": loop_lag_seconds,
        "database": asdict(database) if database is not None else None,
        "services": [asdict(row) for row in rows],
    }
