"""`show READ`: the number of the page, on the command line of a real process."""

import asyncio
import csv
import io
import json
import os
import sys
from pathlib import Path

from main.database.address import Address
from main.database.pool import Database

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = """
    INSERT INTO accounts (account_id, source, broker, label, currency, mode) VALUES ($1, 's', 'b', $2, 'USD', 'paper')
"""


async def run(address: Address, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("DB_", "DATABASE_", "AI_"))}
    environment |= {"DATABASE_URL": address.dsn, "AI_TRADER_DATA_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "ai_trader.py"),
        "show",
        *arguments,
        cwd=tmp_path,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def given_accounts(service: Database) -> None:
    async with service.scoped() as connection:
        await connection.executemany(ACCOUNT, [("A", "=HYPERLINK(1)"), ("B", "second")])


async def test_show_prints_the_read_as_json_table_and_csv(address: Address, service: Database, tmp_path: Path) -> None:
    await given_accounts(service)
    code, out, err = await run(address, tmp_path, "accounts", "--format", "json")
    assert code == 0, err
    document = json.loads(out)
    assert document["read"] == "accounts"
    assert {row["account"] for row in document["value"]} == {"A", "B"}
    code, out, err = await run(address, tmp_path, "accounts", "--account", "B", "--format", "csv")
    assert code == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["account"] for row in rows] == ["B"]
    code, out, err = await run(address, tmp_path, "accounts")
    assert code == 0, err
    assert out.startswith("Accounts (text), live, as of 20")
    assert "=HYPERLINK(1)" in out


async def test_show_lists_every_read(address: Address, tmp_path: Path) -> None:
    code, out, _ = await run(address, tmp_path, "--list")
    assert code == 0
    assert any(line.startswith("accounts ") for line in out.splitlines())


async def test_what_is_wrong_is_said_in_one_line_each_and_ends_with_2(address: Address, tmp_path: Path) -> None:
    code, out, err = await run(address, tmp_path, "acounts")
    assert (code, out) == (2, "")
    assert 'did you mean "accounts"?' in err
    code, out, err = await run(address, tmp_path, "accounts", "--range", "2X", "--as-of", "yesterday")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 2
    code, _, err = await run(address, tmp_path, "accounts", "--account", "Z")
    assert code == 2, err
    assert "Traceback" not in err


async def test_a_read_of_a_running_process_says_where_to_ask(address: Address, tmp_path: Path) -> None:
    code, _, err = await run(address, tmp_path, "database_status")
    assert code == 1
    assert "/api/reads/database_status" in err
