"""Runs a real DashboardManager over stand-in services, in a process of its own that tests may kill."""

import asyncio
import json
import sys

from main.config import load_settings
from main.errors import AITraderError
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.dashboard_manager import DashboardManager, heed_no_more_signals, supervise
from main.monitoring.dashboards.v2.supervisor import Timing
from main.telemetry.logging import configure
from main.telemetry.redaction import secrets_of


async def run(specification: dict[str, object]) -> int:
    services = specification["services"]
    assert isinstance(services, list)
    commands = [ServiceCommand(s["name"], "dashboard", tuple(s["argv"]), "127.0.0.1", s["port"]) for s in services]
    given = specification.get("timing", {})
    assert isinstance(given, dict)
    timing = Timing(**{"probe_interval": 0.3, "probe_timeout": 0.5, "startup": 20, "stop": 3, "port": 1} | given)
    code = await supervise(DashboardManager(load_settings(), commands=commands, timing=timing))
    heed_no_more_signals()
    return code


if __name__ == "__main__":
    settings = load_settings()
    configure("manager", secrets=secrets_of(settings))
    try:
        sys.exit(asyncio.run(run(json.loads(sys.argv[1]))))
    except AITraderError as error:
        sys.stderr.write(error.message + "\n")
        sys.exit(error.exit_code)
