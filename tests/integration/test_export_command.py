"""`export READ`: the file has every row, is whole or not there, and replaces no other unless it is told to."""

import asyncio
import csv
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from main.cli import exported_file
from main.cli.exported_file import Wanted, chosen_format, wanted_read, wanted_table, write
from main.cli.show_options import sorted_words
from main.config import load_settings
from main.database.address import Address
from main.database.pool import Database
from main.errors import ConfigurationError, UnknownName
from tests.given import MINUTE, MOMENT, given_account, given_fill, given_snapshots, given_trade
from tests.integration.test_show import ROOT, environment

ALL = {"range": "All", "as_of": MOMENT.isoformat()}


async def run(address: Address, folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "ai_trader.py"),
        "export",
        *arguments,
        cwd=folder,
        env=environment(address, folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


def of_read(*words: str, form: str = "csv", **given: str) -> Wanted:
    return wanted_read(sorted_words(words), ALL | given, (), form)


def of_table(name: str, form: str = "csv", **given: str) -> Wanted:
    return wanted_table(name, sorted_words(()), given, form)


async def done(address: Address, wanted: Wanted, output: Path, *, force: bool = False) -> str:
    settings = load_settings(env={"DATABASE_URL": address.dsn})
    return await write(address, settings, wanted, output, force=force)


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def rows(path: Path) -> list[Mapping[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


async def given_trades(service: Database, count: int = 3) -> None:
    await given_account(service)
    for number in range(count):
        await given_trade(service, number, MOMENT - number * MINUTE, symbol=f"S{number % 2}")


async def test_a_read_is_exported_with_its_own_parameters_as_options(
    address: Address, service: Database, tmp_path: Path
) -> None:
    await given_trades(service)
    about = ("--range", "All", "--as-of", MOMENT.isoformat())
    code, out, err = await run(address, tmp_path, "trades", "--symbol", "S0", "--sort=pnl", *about)
    name = f"trades_A_{MOMENT:%Y-%m-%d}.csv"
    assert (code, out) == (0, ""), err
    assert err.startswith(f"2 rows written to {name} (")
    assert [row["pnl"] for row in rows(tmp_path / name)] == ["0", "2"]
    code, out, err = await run(address, tmp_path, "trades", *about, "--format", "ndjson", "--output", "-")
    assert (code, err.startswith("3 rows written (")) == (0, True), err
    assert [json.loads(line)["pnl"] for line in out.splitlines()] == [0, 1, 2]
    code, _, err = await run(address, tmp_path, "trades", "--symbol", "S0", *about)
    assert (code, "--force" in err) == (2, True)


async def test_what_is_wrong_is_told_by_the_options_name_all_at_once(address: Address, tmp_path: Path) -> None:
    mistakes = ("--side", "up", "--range", "2X", "--format", "xlsx", "--symbl", "X", "--limit", "5")
    code, out, err = await run(address, tmp_path, "trades", *mistakes)
    assert (code, out) == (2, "")
    wrong = [line.partition(":")[0] for line in err.splitlines()]
    assert sorted(wrong) == ["--format", "--limit", "--range", "--side", "--symbl"]
    assert not [name for name in files(tmp_path) if name.endswith(".csv")]
    code, out, _ = await run(address, tmp_path, "--list")
    assert (code, "order_events" in out) == (0, True)


async def test_the_format_is_the_one_that_the_file_is_called_after(
    address: Address, service: Database, tmp_path: Path
) -> None:
    await given_trades(service)
    assert [chosen_format(None, Path(f"x.{end}")) for end in ("parquet", "JSON", "txt")] == ["parquet", "json", "csv"]
    assert (chosen_format("csv", Path("x.json")), chosen_format(None, None)) == ("csv", "csv")
    said = await done(address, of_read("trades", form="parquet"), tmp_path / "x.parquet")
    assert said.startswith("3 rows written to ")
    assert pq.read_table(tmp_path / "x.parquet")["pnl"].to_pylist() == [Decimal(0), Decimal(1), Decimal(2)]
    assert (await done(address, of_read("trades"), tmp_path)).startswith("3 rows")
    assert len(rows(tmp_path / f"trades_A_{MOMENT:%Y-%m-%d}.csv")) == 3, "a folder is filled under the usual name"


async def test_a_file_that_is_there_is_replaced_only_when_told_to(
    address: Address, service: Database, tmp_path: Path
) -> None:
    await given_trades(service)
    target = tmp_path / "kept.csv"
    target.write_text("mine")
    with pytest.raises(ConfigurationError, match="another name, or --force"):
        await done(address, of_read("trades"), target)
    assert target.read_text() == "mine"
    await done(address, of_read("trades"), target, force=True)
    assert len(rows(target)) == 3
    assert files(tmp_path) == ["kept.csv"], "nothing is left beside it"


async def test_an_export_that_fails_leaves_no_file(
    address: Address, service: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_trades(service)
    wanted = of_read("trades")

    def failing(*_: object) -> bytes:
        raise OSError("the disk is full")

    monkeypatch.setattr("main.exporters.csv.CsvWriter.end", failing)
    with pytest.raises(OSError, match="disk is full"):
        await done(address, wanted, tmp_path / "x.csv")
    assert files(tmp_path) == []
    with pytest.raises(ConfigurationError, match="a folder that can be written to"):
        await done(address, wanted, tmp_path / "nowhere" / "x.csv")


def test_somebody_who_was_quicker_keeps_their_file(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"

    def slowly() -> None:
        with exported_file._file(target, force=False) as file:
            file.write(b"ours")
            target.write_text("theirs")

    with pytest.raises(ConfigurationError, match="--force"):
        slowly()
    assert (target.read_text(), files(tmp_path)) == ("theirs", ["x.csv"])


async def test_a_table_is_exported_as_it_is_stored(address: Address, service: Database, tmp_path: Path) -> None:
    await given_account(service)
    await given_account(service, "B")
    for account in "AB":
        for number in range(3):
            await given_fill(service, "buy", "0.5", 100 + number, MOMENT - number * MINUTE, account=account)
    target = tmp_path / "fills.csv"
    await done(address, of_table("fills"), target)
    assert len(rows(target)) == 6
    window = f"{(MOMENT - MINUTE - MINUTE / 2).isoformat()}..{MOMENT.isoformat()}"
    await done(address, of_table("fills", accounts="A", range=window), target, force=True)
    found = rows(target)
    assert [(row["account_id"], row["price"]) for row in found] == [("A", "101"), ("A", "100")]
    assert datetime.fromisoformat(found[0]["at"]) == MOMENT - MINUTE
    await done(
        address, of_table("fills", "parquet", known_at=(MOMENT - 9 * MINUTE).isoformat()), tmp_path / "x.parquet"
    )
    table = pq.read_table(tmp_path / "x.parquet")
    assert (table.num_rows, str(table.schema.field("price").type)) == (0, "decimal128(38, 18)")


async def test_a_table_that_cannot_be_exported_or_filtered_so_is_refused(
    address: Address, service: Database, tmp_path: Path
) -> None:
    await given_snapshots(service, MOMENT - MINUTE, MOMENT)
    with pytest.raises(UnknownName, match='did you mean "fills"'):
        await done(address, of_table("fils"), tmp_path / "x.csv")
    with pytest.raises(UnknownName):
        await done(address, of_table("users"), tmp_path / "x.csv")
    with pytest.raises(ConfigurationError, match="--account"):
        await done(address, of_table("market_snapshots", accounts="A"), tmp_path / "x.csv")
    with pytest.raises(ConfigurationError, match="READ") as refused:
        wanted_table("fills", sorted_words(("trades", "--symbol", "X")), {"range": "2X"}, "xlsx")
    assert [each.key for each in refused.value.problems] == ["READ", "--symbol", "--format", "--range"]
    await done(address, of_table("market_snapshots", "ndjson"), tmp_path / "m.ndjson")
    assert len((tmp_path / "m.ndjson").read_text().splitlines()) == 2
