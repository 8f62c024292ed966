"""A dashboard that cannot start says why in one line, with the exit code the manager understands."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.running import ROOT, fetch, free_ports, until

SCRIPT = ROOT / "src/main/monitoring/dashboards/v2/run_system_dashboard.py"


def started(port: int, folder: Path) -> subprocess.Popen[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", str(port)],
        cwd=ROOT,
        env=kept | {"AI_TRADER_DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_start_that_fails_is_one_line_and_no_port_in_use(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    _, errors = (process := started(free_ports(1)[0], tmp_path / "file" / "data")).communicate(timeout=30)
    assert process.returncode == 1
    assert errors.startswith("cannot keep the embedded database in")
    assert errors.count("\n") == 1


def test_of_two_dashboards_started_at_once_on_one_port_the_second_names_the_first(run_dir: Path) -> None:
    (port,) = free_ports(1)
    folder = run_dir / "started-twice"
    first = started(port, folder)
    try:
        until(lambda: not _free(port), 20, "the first has the port")
        _, errors = (second := started(port, folder)).communicate(timeout=30)
        assert second.returncode == 3
        assert str(first.pid) in errors
        until(lambda: fetch(f"http://127.0.0.1:{port}/livez")[0] == 200, 30, "the first answers")
    finally:
        first.terminate()
        assert first.communicate(timeout=20) is not None
    assert first.returncode == 0


def _free(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) != 0
