"""What a user gets wrong on the command line: one clear line on standard error, the right exit code, no traceback."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import ROOT, free_ports

V2 = ROOT / "src" / "main" / "monitoring" / "dashboards" / "v2"
SCRIPTS = ("run_trading_dashboard.py", "run_system_dashboard.py")
NOWHERE = '{"host": "127.0.0.1", "port": 1, "database": "d", "user": "u"}'


def tried(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run a Python program in a folder of its own; return its exit code and the lines on standard error."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    folders = {"AI_TRADER_DATA_DIR": str(folder / "data"), "AI_TRADER_LOG_DIR": str(folder / "logs")}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=folder,
        env=kept | folders,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def command(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    return tried(folder, str(ROOT / "ai_trader.py"), *arguments)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this test listens on."""
    (port,) = free_ports(1)
    with contextlib.closing(socket.create_server(("127.0.0.1", port))):
        yield port


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--feed", "ccxt"), 'unknown feed "ccxt"; known: ccxt:EXCHANGE, replay:PATH, sim'),
        (("--feed", "replay:nowhere"), "nowhere: no such file or directory; check the path after replay:"),
        (("--account", "my account"), 'trade.account: got "my account", expected an account id: letters, digits'),
        (("--account", "../A"), 'trade.account: got "../A", expected an account id'),
        (("--interval", "-1"), "trade.interval: got -1.0, expected a number of seconds"),
    ],
)
def test_a_bot_that_cannot_be_as_asked_says_so_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, lines = command(tmp_path, "trade", *arguments)
    assert code == 2, lines
    assert len(lines) == 1, lines
    assert told in lines[0]
    assert not (tmp_path / "data" / "postgresql").exists(), "started a database for nothing"


def test_a_file_of_prices_without_a_column_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("date,open,high,low\n2026-01-02,1,1,1\n")
    code, lines = command(tmp_path, "trade", "--feed", "replay:prices.csv")
    assert (code, lines) == (2, ["prices.csv:1: no column close; it has date, open, high, low"])


@pytest.mark.parametrize("arguments", [("trade",), ("dashboards", "start")])
def test_bad_yaml_is_named_with_file_and_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "dashboards.yaml").write_text("dashboards:\n  trading: {port: 8080\n  system: [\n")
    code, lines = command(tmp_path, *arguments)
    assert code == 2, lines
    assert len(lines) == 1, lines
    assert "config/dashboards.yaml:" in lines[0]


@pytest.mark.parametrize(
    ("script", "config", "told"),
    [
        (SCRIPTS[0], '{"host": "localhost",', "--config: got no JSON"),
        (SCRIPTS[1], '{"host": "localhost",', "--config: got no JSON"),
        (SCRIPTS[0], "[]", "--config: got JSON that is no object"),
        (SCRIPTS[1], '{"hots": "localhost"}', 'did you mean "host"?'),
        (SCRIPTS[0], '{"host": "localhost", "port": "many"}', "port"),
    ],
)
def test_a_run_script_names_what_is_wrong_with_its_configuration(
    tmp_path: Path, script: str, config: str, told: str
) -> None:
    code, lines = tried(tmp_path, str(V2 / script), "--config", config)
    assert code == 2, lines
    assert len(lines) == 1, lines
    assert told in lines[0]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_run_script_names_a_taken_port_and_its_owner(tmp_path: Path, script: str, taken: int) -> None:
    code, lines = tried(tmp_path, str(V2 / script), "--config", NOWHERE, "--port", str(taken))
    assert code == 3, lines
    assert f"port {taken} is in use by" in lines[-1]
    assert f"pid {os.getpid()}" in lines[-1]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_run_script_refuses_to_be_reached_by_others_and_says_why(tmp_path: Path, script: str) -> None:
    (port,) = free_ports(1)
    code, lines = tried(tmp_path, str(V2 / script), "--config", NOWHERE, "--port", str(port), "--host", "0.0.0.0")
    assert code == 2, lines
    assert "as long as there is no user" in lines[-1]
    assert "ssh -L" in lines[-1]


def test_the_command_refuses_another_address_before_a_database_is_started(tmp_path: Path) -> None:
    code, lines = command(tmp_path, "dashboards", "run", "system", "--host", "0.0.0.0")
    assert code == 2, lines
    assert len(lines) == 1, lines
    assert "as long as there is no user" in lines[0]
    assert not (tmp_path / "data" / "postgresql").exists()


def test_an_unknown_dashboard_is_named_with_the_known_ones(tmp_path: Path) -> None:
    code, lines = command(tmp_path, "dashboards", "run", "tradng")
    assert code == 2, lines
    assert any("tradng" in line and "trading" in line for line in lines), lines
