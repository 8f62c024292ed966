"""`db migrate` and `db status` against a real server."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from main.database.address import Address
from tests.running import ROOT, free_ports


def command(address: Address, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "AI_TRADER_DATA_DIR": str(folder / "data"),
    }
    return subprocess.run(
        [sys.executable, str(ROOT / "ai_trader.py"), "db", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_status_tells_reach_version_schema_and_sizes(address: Address, tmp_path: Path) -> None:
    done = command(address, tmp_path, "status", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["current"] is True
    assert told["embedded"] is False
    assert told["schema"]["pending"] == []
    assert told["version"].split(".")[0].isdigit()
    assert told["database_bytes"] > 1_000_000
    tables = {row["table"] for row in told["tables"]}
    assert {"fills", "market_snapshots"} <= tables
    assert not [name for name in tables if name.startswith("market_snapshots_")]  # counted with their parent
    words = command(address, tmp_path, "status")
    assert "applied" in words.stdout
    assert (address.password or "-") not in words.stdout + done.stdout


@pytest.mark.parametrize("json_wanted", [False, True])
def test_migrate_of_a_current_schema_applies_nothing(address: Address, tmp_path: Path, json_wanted: bool) -> None:
    done = command(address, tmp_path, "migrate", *(["--json"] if json_wanted else []))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ('{\n  "applied": []\n}' if json_wanted else "The schema is current.")


def test_a_database_that_is_not_there_is_one_line(address: Address, tmp_path: Path) -> None:
    done = command(replace(address, port=free_ports(1)[0]), tmp_path, "status")
    assert done.returncode == 1
    assert "database unreachable since" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (address.password or "-") not in done.stderr
