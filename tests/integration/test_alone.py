"""A process that runs by itself, without a manager, without its database, without a disk for its log."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import program
from tests.running import ROOT, fetch, free_ports, until

DASHBOARD = ROOT / "src" / "main" / "monitoring" / "dashboards" / "v2" / "run_trading_dashboard.py"


@contextmanager
def alone(which: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Run a dashboard or a worker whose database is away; yield its port and the file of its standard output."""
    port, nobody, another = free_ports(3)
    environment = {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(nobody),
        "DB_NAME": "ai_trader",
        "DB_USER": "ai_trader",
        "DB_PASSWORD": "not used",
        "WORKER_PORT": str(port if which == "worker" else another),
        "AI_TRADER_DATA_DIR": str(folder / "data"),
        "AI_TRADER_LOG_DIR": str(folder / "logs"),
    }
    argv = [str(DASHBOARD), "--port", str(port)] if which == "trading-dashboard" else ["-m", "main.worker"]
    output = folder / "stdout"
    with output.open("wb") as stdout, program(argv, environment, cwd=folder, stdout=stdout) as process:
        alive = f"http://127.0.0.1:{port}/livez"
        until(lambda: fetch(alive)[0] == 200 or process.poll() is not None, 40, "alive")
        assert process.poll() is None, output.read_text()
        yield port, output


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def degraded(port: int) -> dict[str, Any]:
    status, body = fetch(f"http://127.0.0.1:{port}/health")
    health: dict[str, Any] = json.loads(body)
    return health if status == 200 and health["state"] == "degraded" else {}


@pytest.mark.parametrize("which", ["trading-dashboard", "worker"])
def test_without_its_database_a_process_is_degraded_alive_and_tells_what_it_can_measure(
    which: str, tmp_path: Path
) -> None:
    with alone(which, tmp_path) as (port, output):
        health = until(lambda: degraded(port), 20, "degraded")
        degraded_ones = [check["name"] for check in health["checks"] if check["state"] == "degraded"]
        assert degraded_ones in (["database"], ["database", "schema"])  # nobody knows the schema without it
        status, body = fetch(f"http://127.0.0.1:{port}/readyz")
        assert (status, json.loads(body)) == (200, {"service": which, "state": "degraded"}), "no details for strangers"
        text = fetch(f"http://127.0.0.1:{port}/metrics")[1].decode()
        if which == "worker":
            assert "\nai_trader_worker_elected 0.0\n" in text
            for unknown in ("ai_trader_feed_age", "ai_trader_bot_heartbeat_age", "ai_trader_alerts_open"):
                assert f"\n{unknown}" not in text
        else:
            assert "\nai_trader_database_up 0.0\n" in text
            assert "\nai_trader_listener_connected 0.0\n" in text
            for unknown in ("ai_trader_listener_lag", "ai_trader_database_ping"):
                assert f"\n{unknown}" not in text
            told = json.loads(fetch(f"http://127.0.0.1:{port}/status")[1])
            assert told["database"]["reachable"] is False
            assert told["database"]["since"]
        log = (tmp_path / "logs" / "dashboards" / f"{which}.log").read_text()
        assert output.read_text().startswith(log), "the file and standard output have the same lines"
        assert {event["service"] for event in events(log)} == {which}


def test_on_a_disk_that_takes_no_log_the_lines_are_on_standard_output_which_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with alone("worker", tmp_path) as (port, output):
        until(lambda: degraded(port), 20, "degraded")
        text = fetch(f"http://127.0.0.1:{port}/metrics")[1].decode()
        assert "\nai_trader_log_files_up 0.0\n" in text
        said = [event["event"] for event in events(output.read_text())]
        assert said.count("log file cannot be written") == 1
        assert "worker started" in said


def test_a_full_standard_output_and_an_unwritable_file_stop_nothing(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    text = (
        "import structlog; from pathlib import Path; from main.telemetry.logging import LOGGED, configure\n"
        f"configure('worker', Path({str(tmp_path / 'file')!r}))\n"
        "for number in range(100): structlog.get_logger().info('tick', number=number)\n"
        "import sys; sys.stderr.write(str(LOGGED.lost))\n"
    )
    (tmp_path / "file").write_text("in the way")
    argv, environment = [sys.executable, "-c", text], {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(argv, env=environment, stdout=full, stderr=subprocess.PIPE, check=False, timeout=30)
    assert b"{'file': 101, 'stream': 101}" in ended.stderr
