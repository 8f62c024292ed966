"""The Recorder's spool: what is on the disk outlives outages, kills, full disks and damage, and is written once."""

import os
import random
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import structlog

from main.database.address import Address
from main.domain.events import Event
from main.recording import waiting
from main.recording.recorder import Recorder
from main.recording.spool_file import FORMAT
from main.recording.sqlite_spool import SqliteSpool
from tests.factories import fill, flow
from tests.integration.recorder_events import (
    account,
    balanced,
    equity,
    looking,
    order,
    run_program,
    snapshot,
    wait_until,
    written,
)
from tests.integration.tcp_proxy import TcpProxy


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """Look at what arrived, as an administrator."""
    async with looking(address) as connection:
        yield connection


@pytest.fixture
def nowhere(address: Address) -> Address:
    """A database that refuses every connection."""
    return replace(address, host="127.0.0.1", port=1)


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))


def left_behind(folder: Path, nowhere: Address, events: list[Event]) -> Recorder:
    """Record events that only the spool takes."""
    recorder = Recorder(nowhere, flush_interval=0.01, spool=SqliteSpool(folder))
    recorder.start()
    for event in events:
        recorder.record(event)
    assert recorder.close(5) == len(events)
    assert recorder.statistics.dropped == {}
    return recorder


async def test_the_next_recorder_writes_what_an_outage_left_on_the_disk(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path
):
    fills = [fill("buy", 1, 100) for _ in range(10)]
    left_behind(tmp_path, nowhere, [account(), *fills, snapshot(1), equity(1), order("placed", 1)])
    recorder = written(address, [fill("sell", 1, 100)], spool=SqliteSpool(tmp_path))
    assert recorder.statistics.recovered == 14
    assert recorder.statistics.written == 15
    assert balanced(recorder)
    assert await sql.fetchval("SELECT count(*) FROM fills") == 11
    assert await sql.fetchval("SELECT count(*) FROM market_snapshots") == 1
    assert files(tmp_path) == [], "an empty spool leaves no file"


async def test_a_database_that_answers_costs_the_disk_nothing(address: Address, tmp_path: Path):
    recorder = Recorder(address, spool=SqliteSpool(tmp_path))
    recorder.record(account())
    recorder.start()
    wait_until(lambda: recorder.statistics.written == 1)
    sizes = {path.name: path.stat().st_size for path in files(tmp_path)}
    for number in range(200):
        recorder.record(snapshot(number))
    wait_until(lambda: recorder.statistics.queued == 0)
    assert {path.name: path.stat().st_size for path in files(tmp_path)} == sizes
    recorder.close()


async def test_a_killed_bot_loses_no_fill_it_was_answered_for(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path
):
    program = f"""
        import os, signal, sys
        from pathlib import Path
        from tests.factories import fill
        from tests.integration.recorder_events import account, snapshot
        from main.database.address import Address
        from main.recording.recorder import Recorder
        from main.recording.sqlite_spool import SqliteSpool
        recorder = Recorder(Address(**eval(sys.stdin.read())), spool=SqliteSpool(Path({str(tmp_path)!r})))
        recorder.start()
        recorder.record(account())
        for round in range(20):
            for number in range(50):
                recorder.record(fill("buy", 1, 100, source_id=f"{{round}}-{{number}}"))
                recorder.record(snapshot(50 * round + number))
            assert recorder.flush(20), recorder.statistics
            print(round, flush=True)
        recorder.record(fill("buy", 1, 100, source_id="perhaps"))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = run_program(program, nowhere)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout.split()[-1] == "19", "it was answered for every round"
    recorder = written(address, [], spool=SqliteSpool(tmp_path))
    assert recorder.statistics.recovered >= 2001
    assert balanced(recorder)
    found = {row[0] for row in await sql.fetch("SELECT source_id FROM fills")}
    assert found - {"perhaps"} == {f"{turn}-{number}" for turn in range(20) for number in range(50)}
    assert await sql.fetchval("SELECT count(*) FROM market_snapshots") == 1000


async def test_a_fill_is_on_the_disk_soon_when_the_database_is_stopped_in_the_middle(
    address: Address, sql: asyncpg.Connection, tmp_path: Path
):
    recorder = Recorder(address, flush_interval=0.01, spool=SqliteSpool(tmp_path))
    recorder.record(account())
    recorder.start()
    wait_until(lambda: recorder.statistics.written == 1)
    backend = await sql.fetchval(
        "SELECT pid FROM pg_stat_activity "
        "WHERE application_name = 'ai-trader recorder' AND datname = current_database()"
    )
    os.kill(backend, signal.SIGSTOP)
    try:
        fills = [fill("buy", 1, 100) for _ in range(20)]
        for event in fills:
            recorder.record(event)
        wait_until(lambda: recorder.statistics.spooled == 20)
        assert recorder.statistics.queued == 20
    finally:
        os.kill(backend, signal.SIGCONT)
    wait_until(lambda: recorder.statistics.queued == 0)
    assert recorder.statistics.spooled == 0
    assert recorder.close() == 0
    assert await sql.fetchval("SELECT count(*) FROM fills") == 20
    assert balanced(recorder)


@pytest.mark.parametrize("seed", range(3))
async def test_events_that_left_memory_come_back_in_order_and_once(
    address: Address, sql: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
):
    monkeypatch.setattr(waiting, "IN_MEMORY", 50)
    monkeypatch.setattr(waiting, "BATCH", 40)
    chance = random.Random(seed)
    expected = []
    with TcpProxy(address) as proxy:
        proxy.refuse()
        recorder = Recorder(proxy.address, flush_interval=0.005, capacity=20_000, spool=SqliteSpool(tmp_path))
        recorder.start()
        recorder.record(account())
        for step in range(10):
            for number in range(chance.randint(1, 100)):
                recorder.record(order("accepted", 100 * step + number))
                event = fill("buy", 1, 100)
                recorder.record(event)
                expected.append(event.source_id)
            proxy.refuse()
            if chance.random() < 0.5:
                proxy.accept()
                wait_until(lambda: recorder.statistics.database_reachable)
                proxy.lose_answers_to_commits(chance.randint(0, 2))
            else:
                wait_until(lambda: recorder.statistics.database_reachable is False)
        proxy.lose_answers_to_commits(0)
        proxy.refuse()
        proxy.accept()
        assert recorder.close(30) == 0
    assert recorder.statistics.dropped == {}
    assert recorder.statistics.dead_letters == recorder.statistics.conflicts == 0
    assert balanced(recorder)
    assert [row[0] for row in await sql.fetch("SELECT source_id FROM fills ORDER BY 1")] == sorted(expected)
    versions = [row[0] for row in await sql.fetch("SELECT at FROM orders_history ORDER BY changed_at")]
    assert versions == sorted(set(versions))


async def test_memory_and_disk_are_bounded_and_fills_outlive_equity_outlives_snapshots(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waiting, "IN_MEMORY", 100)
    largest = 400_000
    recorder = Recorder(nowhere, flush_interval=0.01, capacity=2000, spool=SqliteSpool(tmp_path, largest=largest))
    recorder.start()
    recorder.record(account())
    for turn in range(100):
        for number in range(100):
            recorder.record(snapshot(100 * turn + number))
        recorder.record(equity(turn))
        for _ in range(10):
            recorder.record(fill("buy", 1, 100))
        if turn % 5 == 4:
            assert recorder.flush(10)
            assert recorder.statistics.spool_bytes < 2 * largest + 4_300_000  # the log is cut at 4 MiB
    dropped = recorder.statistics.dropped_by_table
    assert set(dropped) == {"market_snapshots"}
    assert dropped["market_snapshots"]["spool_full"] > 1000
    more = 0
    while recorder.flush(0.5):  # until the disk is full of fills
        more += 40
        for _ in range(40):
            recorder.record(fill("buy", 1, 100, order_id="x" * 200))
    dropped = recorder.statistics.dropped_by_table
    assert dropped["trading_pnl"]["spool_full"] > 50
    assert "fills" not in dropped
    assert recorder.statistics.spool_error
    recorder.close(1)
    assert balanced(recorder)
    written(address, [], spool=SqliteSpool(tmp_path))
    lost = recorder.statistics.dropped_by_table["fills"]["not_written"]
    assert lost == 40, "what came after the disk was full"
    assert await sql.fetchval("SELECT count(*) FROM fills") == 1000 + more - lost


async def test_a_damaged_file_is_set_aside_and_a_new_one_begins(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path
):
    left_behind(tmp_path, nowhere, [account(), *(fill("buy", 1, 100) for _ in range(2000))])
    (damaged,) = files(tmp_path, "*.spool")
    content = bytearray(damaged.read_bytes())
    content[4096:8192] = random.Random(1).randbytes(4096)
    damaged.write_bytes(content)
    with structlog.testing.capture_logs() as lines:
        recorder = written(address, [account(), fill("buy", 1, 100, source_id="new")], spool=SqliteSpool(tmp_path))
    (aside,) = [path for path in files(tmp_path) if ".damaged-" in path.name]
    assert content[4096:] in aside.read_bytes(), "nothing of it is deleted"
    assert str(aside) in str(lines)
    assert recorder.statistics.written == 2
    assert await sql.fetchval("SELECT source_id FROM fills") == "new"


async def test_junk_in_the_place_of_a_spool_file_is_set_aside(address: Address, tmp_path: Path):
    (tmp_path / "1.spool").write_bytes(b"not a database at all" * 1000)
    assert written(address, [account()], spool=SqliteSpool(tmp_path)).statistics.written == 1
    assert [path.name.split("-")[0] for path in files(tmp_path, "*.spool*")] == ["1.spool.damaged"]


async def test_a_file_of_a_later_version_is_left_to_it(address: Address, nowhere: Address, tmp_path: Path):
    left_behind(tmp_path, nowhere, [account()])
    (file,) = files(tmp_path, "*.spool")
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    recorder = written(address, [account("B")], spool=SqliteSpool(tmp_path))
    assert recorder.statistics.recovered == 0
    assert file.exists()


async def test_a_row_that_nobody_can_read_stays_in_its_file_and_the_others_go_in(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path
):
    left_behind(tmp_path, nowhere, [account(), flow("deposit", 5), snapshot(1), *(fill("buy", 1, 9) for _ in range(7))])
    (file,) = files(tmp_path, "*.spool")
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE kept SET content = '[[\"at\"],[[\"yesterday\"]]]' WHERE class = 'MarketSnapshot'")
        connection.execute("UPDATE kept SET class = 'Forgotten' WHERE class = 'CashFlow'")
    connection.close()
    recorder = written(address, [], spool=SqliteSpool(tmp_path))
    assert recorder.statistics.dropped == {"spool_unreadable": 2}
    assert recorder.statistics.written == 8
    assert balanced(recorder)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM kept WHERE NOT readable").fetchone() == (2,)
    connection.close()


async def test_a_living_process_keeps_its_file_and_a_dead_ones_is_taken_over(
    address: Address, nowhere: Address, sql: asyncpg.Connection, tmp_path: Path
):
    living = Recorder(nowhere, flush_interval=0.01, spool=SqliteSpool(tmp_path))
    living.start()
    living.record(account())
    assert living.flush(10)
    other = Recorder(nowhere, flush_interval=0.01, spool=SqliteSpool(tmp_path))
    other.start()
    other.record(account("B"))
    other.record(fill("buy", 1, 100, account="B"))
    assert other.flush(10)
    assert len(files(tmp_path, "*.spool")) == 2
    assert other.close(1) == 2
    third = written(address, [], spool=SqliteSpool(tmp_path))
    assert third.statistics.recovered == 2
    assert [row[0] for row in await sql.fetch("SELECT account_id FROM accounts")] == ["B"]
    assert len(files(tmp_path, "*.spool")) == 1
    assert living.close(1) == 1


async def test_a_folder_that_cannot_be_used_costs_durability_and_nothing_else(address: Address, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with structlog.testing.capture_logs() as lines:
        recorder = Recorder(address, flush_interval=0.01, spool=SqliteSpool(tmp_path / "file"))
        recorder.record(account())
        recorder.start()
        wait_until(lambda: recorder.statistics.spool_error)
        assert recorder.close(20) == 0
    assert recorder.statistics.written == 1
    assert [line["event"] for line in lines] == ["spool does not work, events stay in memory"]


async def test_what_has_no_form_on_the_disk_still_becomes_a_dead_letter(
    address: Address, sql: asyncpg.Connection, tmp_path: Path
):
    bad = fill("buy", 1, 100)
    object.__setattr__(bad, "quantity", "1")
    with TcpProxy(address) as proxy:
        proxy.refuse()
        recorder = Recorder(proxy.address, flush_interval=0.01, spool=SqliteSpool(tmp_path))
        recorder.start()
        for event in (account(), fill("buy", 1, 100), bad, fill("buy", 1, 100)):
            recorder.record(event)
        wait_until(lambda: recorder.statistics.spooled == 3)
        assert not recorder.flush(0.2), "the disk cannot answer for all of it"
        proxy.accept()
        assert recorder.close(20) == 0
    assert recorder.statistics.dead_letters == 1
    assert recorder.statistics.written == 3
    assert balanced(recorder)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 1 MB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
        stack.callback(subprocess.run, ["umount", "--lazy", folder], check=True)
        yield folder


def fill_up(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_a_full_disk_degrades_and_recovers_and_corrupts_nothing(
    address: Address, sql: asyncpg.Connection, small_disk: Path
):
    ballast = small_disk / "ballast"
    with TcpProxy(address) as proxy:
        proxy.refuse()
        recorder = Recorder(proxy.address, flush_interval=0.01, spool=SqliteSpool(small_disk / "spool"))
        recorder.start()
        recorder.record(account())
        for _ in range(100):
            recorder.record(fill("buy", 1, 100))
        assert recorder.flush(10)
        fill_up(ballast)
        for _ in range(2000):
            recorder.record(fill("buy", 1, 100, order_id="x" * 100))
        wait_until(lambda: recorder.statistics.spool_error)
        assert recorder.statistics.queued == 2101
        assert not recorder.flush(0.2)
        ballast.unlink()
        assert recorder.flush(20), "the disk has room again"
        assert recorder.statistics.spool_error is None
        proxy.accept()
        assert recorder.close(20) == 0
    assert recorder.statistics.dropped == {}
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2100
    assert not files(small_disk / "spool", "*damaged*")
