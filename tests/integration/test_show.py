"""`show READ`: the number of the page, on the command line of a real process."""

import asyncio
import csv
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

from main.cli import show_output
from main.database.address import Address
from main.database.pool import Database
from main.monitoring.parameters import own_parameters
from main.monitoring.read import reads
from tests.given import MINUTE, MOMENT, given_account, given_trade
from tests.given_trades import given_closed, random_trades

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = """
    INSERT INTO accounts (account_id, source, broker, label, currency, mode) VALUES ($1, 's', 'b', $2, 'USD', 'paper')
"""


def environment(address: Address, tmp_path: Path) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("DB_", "DATABASE_", "AI_"))}
    return kept | {"DATABASE_URL": address.dsn, "AI_TRADER_DATA_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}


async def run(address: Address, tmp_path: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "ai_trader.py"),
        "show",
        *arguments,
        cwd=tmp_path,
        env=environment(address, tmp_path),
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
    code, out, err = await run(address, tmp_path, "accounts", "--account", "A", "--format", "csv")
    assert code == 0, err
    assert err.startswith("live · as of 20")
    [row] = csv.DictReader(io.StringIO(out))
    assert (row["account"], row["label"], row["roll_over_seconds"]) == ("A", "'=HYPERLINK(1)", "0.0")
    code, out, err = await run(address, tmp_path, "accounts", "--zone", "Asia/Kolkata")
    assert (code, err) == (0, "")
    assert out.startswith("Accounts · A, B · 1D\n\n")
    assert "=HYPERLINK(1)" in out
    assert out.splitlines()[-1].endswith("times in Asia/Kolkata (UTC+05:30)")


async def test_show_lists_every_read_and_explains_each(address: Address, tmp_path: Path) -> None:
    code, out, _ = await run(address, tmp_path, "--list")
    assert code == 0
    assert {line.split()[0] for line in out.splitlines()[1:]} == set(reads())
    code, out, _ = await run(address, tmp_path, "trades", "--help")
    assert code == 0
    assert out.startswith("Trades (trades)\n")
    assert "--sort" in out
    assert "By default -exit_time." in out


def test_the_help_of_every_read_tells_of_all_its_parameters() -> None:
    for read in reads().values():
        words = show_output.help_of(read)
        assert read.title in words
        named = [each.name for each in own_parameters(read) if each.name != "account"]
        assert [name for name in named if f"--{name.replace('_', '-')} " not in words] == [], read.name


async def test_every_mistake_is_told_at_once_by_the_options_name_and_ends_with_2(
    address: Address, tmp_path: Path
) -> None:
    code, out, err = await run(address, tmp_path, "acounts")
    assert (code, out) == (2, "")
    assert 'did you mean "accounts"?' in err
    mistakes = ("--range", "2X", "--as-of", "yesterday", "--format", "xlm", "--zone", "Europe/Berln", "--symbl", "X")
    code, out, err = await run(address, tmp_path, "trades", *mistakes, "--side", "up", "--param", "sort")
    assert (code, out) == (2, "")
    wrong = [line.partition(":")[0] for line in err.splitlines()]
    assert sorted(wrong) == ["--as-of", "--format", "--param", "--range", "--side", "--symbl", "--zone"]
    assert 'did you mean "--symbol"?' in err
    assert 'did you mean "Europe/Berlin"?' in err
    code, _, err = await run(address, tmp_path, "accounts", "--account", "Z")
    assert code == 2, err
    assert "Traceback" not in err


async def test_a_reads_parameters_are_options_wherever_they_stand(
    address: Address, service: Database, tmp_path: Path
) -> None:
    await given_account(service)
    for net in (3, -2, 1):
        await given_trade(service, net, MOMENT, symbol=f"S{net}")
    about = ("--as-of", MOMENT.isoformat(), "--format", "json")
    for words in (
        ("trades", "--sort", "pnl", "--limit=2", *about),
        ("--sort=pnl", *about, "--limit", "2", "trades"),
        ("trades", "--param", "sort=pnl", "--param", "limit=2", *about),
    ):
        code, out, err = await run(address, tmp_path, *words)
        assert code == 0, err
        assert [item["pnl"] for item in json.loads(out)["value"]["items"]] == [-2, 1], words


async def test_a_page_says_which_part_of_the_whole_it_is(address: Address, service: Database, tmp_path: Path) -> None:
    await given_account(service)
    for net in (3, -2, 1):
        await given_trade(service, net, MOMENT)
    options = ("--as-of", MOMENT.isoformat(), "--limit", "2", "--offset", "1")
    code, out, err = await run(address, tmp_path, "trades", *options)
    assert code == 0, err
    assert "\n2–3 of 3\n" in out
    assert "\nsummary\n" in out
    assert "past · as of 2026-11-20 " in out


async def test_what_a_process_knows_of_itself_is_asked_of_the_command(address: Address, tmp_path: Path) -> None:
    code, out, err = await run(address, tmp_path, "database_status", "--format", "json")
    assert code == 0, err
    assert json.loads(out)["value"]["reachable"] is True
    code, out, err = await run(address, tmp_path, "service_logs")
    assert (code, err) == (0, "")
    assert "complete" in out


async def test_a_database_that_is_away_has_an_exit_code_of_its_own(address: Address, tmp_path: Path) -> None:
    away = replace(address, host="127.0.0.1", port=1)
    code, out, err = await run(away, tmp_path, "accounts")
    assert (code, out) == (4, "")
    assert "database unreachable" in err
    code, out, err = await run(away, tmp_path, "database_status")
    assert code == 0, err
    assert "reachable       no" in out


async def test_a_reader_that_leaves_early_is_no_error(address: Address, service: Database, tmp_path: Path) -> None:
    await given_account(service)
    await given_closed(service, random_trades(Random(1), [MOMENT - number * MINUTE for number in range(300)]))
    words = f"trades --as-of {MOMENT.isoformat()} --limit 300 --format json"  # more than a pipe holds
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} {ROOT / 'ai_trader.py'} show {words} | head -c 1",
        cwd=tmp_path,
        env=environment(address, tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (out, err) == (b"{", b"")
