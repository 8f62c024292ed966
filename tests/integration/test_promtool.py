"""Prometheus' own tool has nothing to complain of in what the five processes of a running suite tell it."""

import subprocess
from collections.abc import Iterator

import pytest
from prometheus_client.exposition import generate_latest

from main.monitoring.dashboards.v2.manager_metrics import manager_metrics
from main.telemetry.metrics import Metrics
from tests.integration.whole_suite import PROCESSES, metrics_of, until_told, whole_suite
from tests.promtool import promtool
from tests.running import Suite

pytestmark = pytest.mark.timeout(600)  # the package may have to be fetched first

FULLEST = {
    "manager": 'ai_trader_service_memory_bytes{name="worker"}',
    "worker": "ai_trader_feed_age_seconds",
    "trading": "ai_trader_listener_lag_seconds",
    "system": "ai_trader_listener_lag_seconds",
    "bot": "ai_trader_bot_cycles_total",
}


@pytest.fixture(scope="module")
def tool() -> str:
    found = promtool()
    if found is None:
        pytest.skip("no promtool here, and not root to install Debian's prometheus")
    return found


@pytest.fixture(scope="module")
def suite(tool: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with whole_suite(tmp_path_factory.mktemp("promtool") / "suite") as suite:
        yield suite


def complaints(tool: str, text: str) -> str:
    checked = subprocess.run(
        [tool, "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=30
    )
    return f"exit code {checked.returncode}: {checked.stdout}{checked.stderr}" if checked.returncode else checked.stderr


@pytest.mark.parametrize("process", PROCESSES)
def test_promtool_accepts_the_metrics_of_every_process(tool: str, suite: Suite, process: str) -> None:
    until_told(suite, process, FULLEST[process])
    assert complaints(tool, metrics_of(suite, process)) == ""


def test_promtool_would_complain(tool: str) -> None:
    assert "help" in complaints(tool, "# TYPE ai_trader_x_total gauge\nai_trader_x_total 1\n")


def test_promtool_accepts_a_process_that_has_nothing_to_tell_yet(tool: str) -> None:
    for metrics in (manager_metrics("manager", lambda: ()), Metrics("bot", "1")):
        assert complaints(tool, generate_latest(metrics.registry).decode()) == ""
