"""`dashboards start|status|restart|stop`: the supervised set without a bot."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from main.database.embedded import EmbeddedServer
from main.telemetry.services import ProcessStatus
from tests.running import Suite, fetch, until


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path / "suite")
    yield suite
    finished(suite, "dashboards", "stop")
    suite.stop()


def finished(suite: Suite, *arguments: str) -> tuple[int, str]:
    """Run a command to its end and return its exit code and what it said."""
    before = len(suite.said())
    code = suite.start(*arguments).wait(timeout=70)
    return code, suite.said()[before:]


def test_the_set_is_started_looked_at_restarted_and_stopped(suite: Suite) -> None:
    code, told = finished(suite, "dashboards", "status", "--json")
    absent = json.loads(told)
    assert (code, absent["running"], absent["services"]) == (1, False, [])
    code, told = finished(suite, "dashboards", "start")
    assert code == 0, told
    assert f"http://localhost:{suite.port('trading')}" in told
    assert fetch(suite.url("trading", "/readyz"))[0] == 200

    code, told = finished(suite, "dashboards", "status", "--json")
    assert code == 0, told
    assert set(json.loads(told)) == set(absent)
    before = {row["service"]: row for row in json.loads(told)["services"]}
    assert {frozenset(row) for row in before.values()} == {frozenset(each.name for each in fields(ProcessStatus))}
    assert set(before) == {"manager", "trading-dashboard", "system-dashboard", "worker", "database"}
    code, told = finished(suite, "dashboards", "start")
    assert code == 0
    assert "run already" in told

    assert finished(suite, "dashboards", "restart", "system")[0] == 0

    def restarted() -> dict[str, dict[str, object]]:
        code, told = finished(suite, "dashboards", "status", "--json")
        after = {row["service"]: row for row in json.loads(told)["services"]}
        return after if code == 0 and after["system-dashboard"]["pid"] != before["system-dashboard"]["pid"] else {}

    after = until(restarted, 20, "another system dashboard")
    assert after["trading-dashboard"]["pid"] == before["trading-dashboard"]["pid"]
    assert after["system-dashboard"]["restarts_by_reason"] == {"asked": 1}
    shown = finished(suite, "dashboards", "status")[1]
    assert "system-dashboard: 1 asked" in shown
    assert "…" not in shown, "80 columns are enough"
    assert finished(suite, "dashboards", "restart", "sytem")[0] == 2

    assert finished(suite, "dashboards", "stop") == (0, "The dashboards have ended.\n")
    assert finished(suite, "dashboards", "stop") == (0, "The dashboards do not run.\n")
    assert not suite.members()
    assert EmbeddedServer(suite.folder / "data").running() is None


def test_a_new_set_starts_right_after_the_manager_was_killed(suite: Suite) -> None:
    assert finished(suite, "dashboards", "start")[0] == 0
    pid = json.loads((suite.folder / "data" / "manager.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    code, told = finished(suite, "dashboards", "start")
    assert code == 0, told


def test_a_command_to_the_manager_needs_its_token(suite: Suite) -> None:
    assert finished(suite, "dashboards", "start")[0] == 0
    url = suite.url("manager", "/control/restart")
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", url],  # what any local user could do
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "403"


def test_one_dashboard_runs_in_the_foreground_on_the_port_given(suite: Suite) -> None:
    port = max(suite.ports.values()) + 1
    process = suite.start("dashboards", "run", "system", "--port", str(port))
    until(lambda: fetch(f"http://127.0.0.1:{port}/livez")[0] == 200, 30, "it answers")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_two_starts_at_once_share_one_manager(suite: Suite) -> None:
    both = [suite.start("dashboards", "start") for _ in range(2)]
    assert [process.wait(timeout=70) for process in both] == [0, 0], suite.said()
    managers = [each for each in suite.members() if "dashboard_manager" in " ".join(each.cmdline())]
    assert len(managers) == 1
    assert suite.said().count(f"http://localhost:{suite.port('trading')}") == 2
