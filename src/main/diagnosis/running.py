"""Does the manager run, are its services ready, and is what runs what the settings and this version ask for?"""

from collections.abc import Iterator
from typing import Any

from main.diagnosis.finding import Finding, failed, passed, skipped, warned
from main.diagnosis.situation import Situation
from main.errors import AITraderError
from main.monitoring.dashboards.v2.manager_state import ManagerFile
from main.monitoring.dashboards.v2.running_manager import RunningManager, find_manager
from main.monitoring.dashboards.v2.service_commands import DASHBOARDS, configuration_of, service_commands
from main.telemetry.version import version

_SERVICES = ("dashboard", "worker")
_RESTART = "ai_trader.py dashboards restart"
_ANEW = "ai_trader.py dashboards stop, then: ai_trader.py dashboards start"


def services(situation: Situation) -> list[Finding]:
    """Look at the manager of the data folder and at what it runs."""
    settings = situation.known
    manager = find_manager(settings)
    if manager is None:
        if not ManagerFile(settings.data_dir).left:
            path = settings.data_dir.expanduser() / "manager.json"
            seen = f"{path} was left by a manager that was killed"
            return [warned("manager", seen, "ai_trader.py dashboards start replaces it")]
        return [skipped("manager", "the dashboards do not run", "ai_trader.py dashboards start")]
    try:
        told = manager.document()
        rows = [row for row in told["services"] if row["kind"] in _SERVICES]
    except (AITraderError, KeyError, TypeError) as error:
        return [failed("manager", str(error), _ANEW)]
    return [_manager(situation, manager), *(_service(row) for row in rows), *_versions(rows)]


def _manager(situation: Situation, manager: RunningManager) -> Finding:
    settings, state = situation.known, manager.state
    seen = f"runs, pid {state.pid}"
    if state.version != version():
        return warned("manager", f"{seen}, with version {state.version}; installed is {version()}", _ANEW)
    sets = [(name,) for name in DASHBOARDS] + [DASHBOARDS]
    if state.configuration not in {configuration_of(settings, service_commands(settings, each)) for each in sets}:
        return warned("manager", f"{seen}, with other settings than those of now", _ANEW)
    return passed("manager", seen)


def _service(row: dict[str, Any]) -> Finding:
    name, state = row["service"], row["state"]
    seen = f"{state}, pid {row['pid']}, {row['restarts']} restarts" if row["pid"] else state
    why = next((row[key] for key in ("degraded_reason", "restart_reason", "last_stderr") if row.get(key)), "")
    if state == "running":
        return passed(name, seen)
    told = f"{seen}: {why}" if why else seen
    if state in ("starting", "stopping"):
        return skipped(name, told, "ai_trader.py doctor again in a moment")
    log = f"see logs/dashboards/{name}.log"
    if state == "degraded":
        return warned(name, told, f"mend what it names; {log}")
    if state == "stopped":
        return warned(name, told, _RESTART)
    return failed(name, told, f"mend what it names ({log}), then: {_RESTART}")


def _versions(rows: list[dict[str, Any]]) -> Iterator[Finding]:
    other = sorted({str(row["version"]) for row in rows if row["version"] and row["version"] != version()})
    if other:
        yield warned("versions", f"{', '.join(other)} still runs, installed is {version()}", _RESTART)
