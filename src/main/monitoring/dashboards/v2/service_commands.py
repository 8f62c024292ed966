"""Which processes make up the supervised set, and how is each of them started?"""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from main.config import Settings
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.telemetry.version import version

DASHBOARDS = ("trading", "system")
_HERE = Path(__file__).parent
_SOURCE = _HERE.parents[3]
_WORKER_HOST = "127.0.0.1"


def service_commands(settings: Settings, dashboards: tuple[str, ...] = DASHBOARDS) -> tuple[ServiceCommand, ...]:
    """Return the chosen `dashboards` and the worker, which every set has; settings travel in the environment."""
    return (
        *(dashboard_command(settings, name) for name in dashboards),
        ServiceCommand(
            "worker",
            "worker",
            (sys.executable, "-P", "-m", "main.worker"),
            _WORKER_HOST,
            settings.worker.port,
            "WORKER_PORT",
        ),
    )


def dashboard_command(settings: Settings, name: str) -> ServiceCommand:
    """Return how the dashboard `name` (trading, system, monitoring) is started."""
    chosen = getattr(settings.dashboards, name)
    script = _HERE / f"run_{name}_dashboard.py"
    return ServiceCommand(
        f"{name}-dashboard",
        "dashboard",
        (sys.executable, "-P", str(script), "--port", str(chosen.port)),
        settings.dashboards.host,
        chosen.port,
        f"{name.upper()}_DASHBOARD_PORT",
    )


def dashboard_url(settings: Settings, name: str) -> str:
    """Return the address at which a person opens the dashboard `name`."""
    chosen = getattr(settings.dashboards, name)
    return chosen.public_url or f"http://localhost:{chosen.port}"


def service_environment(settings: Settings) -> Mapping[str, str]:
    """Return the environment of a child: ours, the settings with their secrets, and the way to our packages."""
    path = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, **settings.child_environment(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def configuration_of(settings: Settings, commands: Sequence[ServiceCommand]) -> str:
    """Return a fingerprint of what a manager with these settings supervises and how; it holds no secret."""
    database = settings.database
    facts = (
        version(),
        settings.manager.port,
        settings.dashboards.model_dump_json(),
        (database.host, database.port, database.name, database.user) if not database.embedded else "embedded",
        str(settings.log_dir),
        [(command.name, command.host, command.port, command.argv) for command in commands],
    )
    return hashlib.sha256(repr(facts).encode()).hexdigest()
