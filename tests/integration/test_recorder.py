"""The Recorder against a real PostgreSQL: exactly once in effect, nothing raised, every loss counted."""

import asyncio
import json
import random
import signal
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import structlog

from main.database.address import Address
from main.domain.events import (
    Alert,
    CashFlow,
    DailyStats,
    Equity,
    Event,
    Fill,
    Heartbeat,
    Instrument,
    OrderEvent,
    Position,
    SystemEvent,
    Trade,
)
from main.recording.recorder import Recorder
from tests.factories import START, fill
from tests.integration.recorder_events import (
    account,
    balanced,
    looking,
    order,
    run_program,
    snapshot,
    wait_until,
    written,
)
from tests.integration.tcp_proxy import TcpProxy

INCOMPRESSIBLE = random.Random(1).randbytes(10_000).hex()  # longer than an index entry can be


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """Look at what arrived, as an administrator."""
    async with looking(address) as connection:
        yield connection


def noted(details: dict[str, Any]) -> SystemEvent:
    return SystemEvent(
        at=START, source="test", source_id=repr(details), severity="info", kind="note", message="m", details=details
    )


def one_of_each() -> list[Event]:
    fact: dict[str, Any] = {"at": START, "account": "A", "source": "test", "source_id": "1"}
    return [
        account(roll_over=timedelta(hours=17, microseconds=5), zone="America/New_York", position_limit=Decimal("12.5")),
        Instrument(at=START, source="test", symbol="X", currency="USD", tick=Decimal("0.001"), sector="Tech"),
        order("filled", 3, filled_quantity=Decimal("10.0"), average_fill_price=Decimal("99.49"), reason="tab\there\\N"),
        OrderEvent(**fact, order_id="o1", kind="placed", symbol="X", side="buy", quantity=Decimal(10)),
        Fill(**fact, symbol="X", side="buy", quantity=Decimal("1E-8"), price=Decimal("1E+5"), fee=Decimal("-0.01")),
        Position(
            at=START, account="A", source="test", position_id="p", symbol="X", side="long", quantity=Decimal(1),
            entry_time=START, entry_price=Decimal("99.49"), is_active=True,
        ),
        Trade(
            **fact, symbol="X", transaction_type="BUY", quantity=Decimal(1), entry_time=START - timedelta(hours=1),
            entry_price=Decimal(1), exit_price=Decimal(2), gross_pnl=Decimal(1), fees=Decimal("0.25"),
            realized_pnl=Decimal("0.75"), notes='one\nline "two", {braces}', tags=("a,b", 'c"d', "e\\f", "", "NULL"),
        ),
        CashFlow(**fact, kind="deposit", amount=Decimal(1000)),
        DailyStats(at=START, account="A", day=START.date(), loss_used=Decimal("1.5"), trading_blocked=True),
        Equity(**fact, equity=Decimal("1000.75"), cash=Decimal(1000)),
        snapshot(0, bid_prices=(Decimal("99.9"), Decimal("99.8")), bid_sizes=(Decimal(5), Decimal("6.5"))),
        Heartbeat(
            **fact, status="running", interval_seconds=Decimal("0.5"), cycle_count=7, uptime_seconds=Decimal(1),
            models=("m1", "m 2"),
        ),
        SystemEvent(
            at=START, source="test", source_id="1", account="A", severity="info", kind="start", message="Grüße 🙂",
            details={"n": Decimal("1.10"), "nested": [1, "tab\t", {"deep": None}]},
        ),
        Alert(at=START, alert_id="1", account="A", rule="risk", severity="critical", title="Blocked", fired_at=START),
    ]  # fmt: skip


async def test_every_class_of_event_arrives_with_every_value_as_it_was(address: Address, sql: asyncpg.Connection):
    events = one_of_each()
    recorder = written(address, events)
    assert recorder.statistics.last_error is None
    assert recorder.statistics.written == len(events)
    for event in events:
        row = await sql.fetchrow(f"SELECT * FROM {event.table}")
        assert row is not None
        for spec in fields(event):
            column = "exit_time" if isinstance(event, Trade) and spec.name == "at" else spec.name
            value, stored = getattr(event, spec.name), row["account_id" if column == "account" else column]
            if isinstance(value, dict):
                value, stored = {"n": "1.10", "nested": [1, "tab\t", {"deep": None}]}, json.loads(stored)
            assert (list(value) if isinstance(value, tuple) else value) == stored, (event.table, spec.name)
        assert row["recorded_at"] is not None


async def test_recording_the_same_facts_again_adds_nothing_and_is_counted(address: Address, sql: asyncpg.Connection):
    events = one_of_each()
    written(address, events)
    again = written(address, [*events, *events])
    facts = sum(not event.replaces for event in events)
    assert again.statistics.written == 0
    assert again.statistics.duplicates == 2 * facts
    assert again.statistics.superseded == 2 * (len(events) - facts)
    assert again.statistics.conflicts == 0
    assert await sql.fetchval("SELECT count(*) FROM orders_history") == 1
    assert balanced(again)


async def test_the_answer_to_a_commit_may_be_lost_any_number_of_times(address: Address, sql: asyncpg.Connection):
    with TcpProxy(address) as proxy:
        recorder = Recorder(proxy.address, flush_interval=0.01)
        recorder.record(account())
        recorder.start()
        wait_until(lambda: recorder.statistics.written == 1)
        for cut in range(6):
            proxy.lose_answers_to_commits(1)
            before = proxy.cuts
            for number in range(20):
                recorder.record(fill("buy", 1, 100))
                recorder.record(order("accepted", 20 * cut + number))
            wait_until(lambda before=before: proxy.cuts > before and recorder.statistics.queued == 0)
        assert recorder.close(20) == 0
    assert proxy.cuts == 6
    statistics = recorder.statistics
    assert await sql.fetchval("SELECT count(*) FROM fills") == 120
    assert await sql.fetchval("SELECT count(DISTINCT source_id) FROM fills") == 120
    assert statistics.dead_letters == statistics.conflicts == 0
    assert statistics.recorded == 241
    assert statistics.duplicates > 0
    assert balanced(recorder)
    versions = [row[0] for row in await sql.fetch("SELECT at FROM orders_history ORDER BY changed_at")]
    assert versions == sorted(set(versions)), "a state written a second time adds no history"
    assert await sql.fetchval("SELECT at FROM orders") == versions[-1] == START + timedelta(seconds=119)


@pytest.mark.parametrize("seed", range(3))
async def test_each_fact_is_there_once_whatever_fails_and_when(address: Address, sql: asyncpg.Connection, seed: int):
    chance = random.Random(seed)
    expected: list[str] = []
    with TcpProxy(address) as proxy:
        recorder = Recorder(proxy.address, flush_interval=0.005)
        recorder.record(account())
        recorder.start()
        for _ in range(15):
            fault = chance.choice(("answer", "cut", "kill", "poison", "none"))
            if fault == "answer":
                proxy.lose_answers_to_commits(chance.randint(1, 2))
            for number in range(chance.randint(1, 60)):
                event = fill("buy", 1, 100)
                recorder.record(event)
                expected.append(event.source_id)
                if fault == "poison" and number % 7 == 0:
                    recorder.record(fill("buy", 1, 100, account="nobody"))
            if fault == "cut":
                proxy.refuse()
                await asyncio.sleep(chance.random() / 50)
                proxy.accept()
            if fault == "kill":
                await sql.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name LIKE 'ai-trader%'"
                )
            await asyncio.sleep(chance.random() / 10)
        proxy.lose_answers_to_commits(0)
        assert recorder.close(30) == 0
    assert balanced(recorder)
    assert recorder.statistics.conflicts == 0
    assert [row[0] for row in await sql.fetch("SELECT source_id FROM fills ORDER BY 1")] == sorted(expected)
    assert await sql.fetchval("SELECT count(*) FROM dead_letters") == recorder.statistics.dead_letters


async def test_a_lost_database_and_its_return_are_logged_once_each(address: Address):
    with structlog.testing.capture_logs() as lines, TcpProxy(address) as proxy:
        recorder = Recorder(proxy.address, flush_interval=0.01)
        recorder.start()
        wait_until(lambda: recorder.statistics.database_reachable)
        proxy.refuse()
        recorder.record(account())
        wait_until(lambda: recorder.statistics.database_reachable is False)
        await asyncio.sleep(0.5)  # several attempts fail meanwhile
        proxy.accept()
        wait_until(lambda: recorder.statistics.written == 1)
        recorder.close()
    assert [line["event"] for line in lines] == ["database lost, events are kept", "database back"]
    assert address.password is not None
    assert address.password not in str(lines)


async def test_a_state_keeps_the_newest_whatever_the_order_of_arrival(address: Address, sql: asyncpg.Connection):
    first = written(address, [account(), order("filled", 5), order("placed", 1), order("accepted", 2)])
    assert await sql.fetchval("SELECT status FROM orders") == "filled"
    assert first.statistics.superseded == 0, "each of them is part of the history"
    late = written(address, [order("accepted", 4)])
    assert await sql.fetchval("SELECT status FROM orders") == "filled"
    assert late.statistics.written == 0
    written(address, [order("cancelled", 5), order("expired", 5)])
    assert await sql.fetchval("SELECT status FROM orders") == "expired", "of two at the same moment the later one wins"


async def test_the_same_key_with_other_content_is_a_reported_conflict(address: Address, sql: asyncpg.Connection):
    kept = fill("buy", 1, 100)
    other = replace(kept, price=Decimal(101))
    recorder = written(address, [account(), kept])
    recorder = written(address, [other, fill("sell", 1, 100), kept, other])
    assert recorder.statistics.conflicts == 2
    assert recorder.statistics.duplicates == 1
    assert recorder.statistics.written == 1
    assert await sql.fetchval("SELECT price FROM fills WHERE source_id = $1", kept.source_id) == 100
    report = await sql.fetchrow("SELECT * FROM system_events")
    assert (report["kind"], report["severity"], report["account_id"]) == ("record_conflict", "error", "A")
    details = json.loads(report["details"])
    assert (details["kept"]["price"], details["refused"]["price"]) == (100, 101)
    written(address, [other])
    assert await sql.fetchval("SELECT count(*) FROM system_events") == 1, "the same refusal is reported once"


async def test_a_correction_is_a_row_of_its_own_and_no_conflict(address: Address, sql: asyncpg.Connection):
    first = fill("buy", 1, 100)
    recorder = written(address, [account(), first, replace(first, revision=1, quantity=Decimal(0))])
    assert recorder.statistics.conflicts == 0
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2


async def test_poison_rows_become_dead_letters_and_the_others_are_written(address: Address, sql: asyncpg.Connection):
    good = [fill("buy", 1, 100) for _ in range(100)]
    poison: list[Event] = [
        fill("buy", 1, 100, account="nobody"),
        noted({"x": "\x00"}),
        noted({"x": "\ud800"}),
        noted({"x": float("nan")}),
        CashFlow(at=START, account="A", source="s", source_id=INCOMPRESSIBLE, kind="fee", amount=Decimal(1)),
        DailyStats(at=START, account="A", day=START.date(), trades=2**40),
        account("B", currency="dollars"),
    ]  # fmt: skip
    broken = fill("buy", 1, 100)
    object.__setattr__(broken, "price", Decimal("NaN"))
    wrong_type = fill("buy", 1, 100)
    object.__setattr__(wrong_type, "quantity", "1")
    poison += [broken, wrong_type]
    recorder = written(address, [*poison[:3], account(), *good[:50], *poison[3:], *good[50:]])
    statistics = recorder.statistics
    assert statistics.dead_letters == len(poison)
    assert statistics.written == len(good) + 1
    assert await sql.fetchval("SELECT count(*) FROM fills") == len(good)
    letters = await sql.fetch("SELECT * FROM dead_letters ORDER BY table_name")
    assert len(letters) == len(poison)
    assert all(letter["reason"] for letter in letters)
    orphan = next(letter for letter in letters if letter["account_id"] == "nobody")
    assert json.loads(orphan["payload"])["price"] == "100"
    assert "accounts" in orphan["reason"]
    assert balanced(recorder)


async def test_a_dead_letter_is_seen_by_its_own_account_only(address: Address, sql: asyncpg.Connection):
    written(address, [account("A"), account("B"), fill("buy", 1, 100, account="C")])
    for accounts, count in (("A,B", 0), ("C", 1)):
        async with sql.transaction():
            await sql.execute(f"SET LOCAL ROLE ai_trader_app; SET LOCAL app.accounts = '{accounts}'")
            assert await sql.fetchval("SELECT count(*) FROM dead_letters") == count


async def test_the_database_may_be_down_at_the_start_and_go_away_in_between(address: Address, sql: asyncpg.Connection):
    with TcpProxy(address) as proxy:
        proxy.refuse()
        recorder = Recorder(proxy.address, flush_interval=0.01)
        recorder.start()
        recorder.record(account())
        wait_until(lambda: recorder.statistics.database_reachable is False)
        assert recorder.statistics.queued == 1
        assert "refused" in (recorder.statistics.last_error or "").lower()
        for _ in range(2):
            proxy.accept()
            wait_until(lambda: recorder.statistics.queued == 0 and recorder.statistics.database_reachable)
            proxy.refuse()
            recorder.record(fill("buy", 1, 100))
            wait_until(lambda: recorder.statistics.database_reachable is False)
        proxy.accept()
        assert recorder.close(20) == 0
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2
    assert balanced(recorder)


async def test_memory_is_bounded_through_an_outage_and_fills_outlive_snapshots(
    address: Address, sql: asyncpg.Connection
):
    with TcpProxy(address) as proxy:
        proxy.refuse()
        recorder = Recorder(proxy.address, flush_interval=0.01, capacity=200)
        recorder.start()
        wait_until(lambda: recorder.statistics.database_reachable is False)
        recorder.record(account())
        for number in range(1000):
            recorder.record(snapshot(number))
            if number % 10 == 0:
                recorder.record(fill("buy", 1, 100))
        assert recorder.statistics.queued == 200
        proxy.accept()
        assert recorder.close(20) == 0
    assert await sql.fetchval("SELECT count(*) FROM fills") == 100
    assert (
        await sql.fetchval("SELECT count(*) FROM market_snapshots WHERE at >= $1", START + timedelta(seconds=901)) == 99
    )
    assert recorder.statistics.dropped_by_table == {"market_snapshots": {"buffer_full": 901}}
    assert balanced(recorder)


async def test_a_frozen_database_neither_blocks_record_nor_holds_close_for_longer_than_asked(address: Address):
    with TcpProxy(address) as proxy:
        recorder = Recorder(proxy.address, flush_interval=0.01)
        recorder.start()
        wait_until(lambda: recorder.statistics.database_reachable)
        proxy.freeze()
        started = time.monotonic()
        for number in range(1000):
            recorder.record(snapshot(number))
        assert time.monotonic() - started < 1
        assert recorder.close(0.5) == 1000
        assert time.monotonic() - started < 6
        assert recorder.statistics.dropped == {"not_written": 1000}
        assert balanced(recorder)


async def test_a_database_without_the_schema_keeps_events_until_it_has_one(server: Address, sql: asyncpg.Connection):
    name = (await sql.fetchval("SELECT current_database()")) + "_empty"
    await sql.execute(f"CREATE DATABASE {name}")
    try:
        recorder = Recorder(replace(server, database=name), flush_interval=0.01)
        recorder.start()
        recorder.record(account())
        wait_until(lambda: recorder.statistics.last_error)
        assert recorder.statistics.dead_letters == 0
        assert recorder.statistics.queued == 1
        assert recorder.close(0.2) == 1
    finally:
        await sql.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_closing_with_nothing_to_write_does_not_wait_for_a_database_that_is_away(server: Address):
    recorder = Recorder(replace(server, port=1), flush_interval=0.01)
    recorder.start()
    wait_until(lambda: recorder.statistics.database_reachable is False)
    started = time.monotonic()
    assert recorder.close(20) == 0
    assert time.monotonic() - started < 5


async def test_nothing_is_raised_after_close_or_for_junk(address: Address):
    recorder = written(address, [account()])
    junk: Any
    for junk in (None, float("nan"), object(), [], Fill):
        recorder.record(junk)
    recorder.record(fill("buy", 1, 100))
    assert recorder.statistics.dropped == {"not_an_event": 5, "closed": 1}
    assert recorder.close() == 0
    recorder.start()
    assert balanced(recorder)


async def test_a_forked_child_neither_writes_nor_disturbs_its_parent(address: Address, sql: asyncpg.Connection):
    program = """
        import os, sys
        from tests.factories import fill
        from tests.integration.recorder_events import account, looking, wait_until
        from main.database.address import Address
        from main.recording.recorder import Recorder
        recorder = Recorder(Address(**eval(sys.stdin.read())), flush_interval=0.01)
        recorder.start()
        recorder.record(account())
        wait_until(lambda: recorder.statistics.written == 1)
        child = os.fork()
        recorder.record(fill("buy", 1, 100, source_id="child" if child == 0 else "parent"))
        if child == 0:
            assert recorder.statistics.dropped == {"forked": 1}
            assert recorder.close() == 0
            sys.exit(0)  # runs the exit handlers the child inherited
        assert os.waitpid(child, 0)[1] == 0
        recorder.record(fill("buy", 1, 100, source_id="after"))
        assert recorder.close() == 0
        assert recorder.statistics.database_reachable and recorder.statistics.last_error is None
    """
    done = run_program(program, address)
    assert done.returncode == 0, done.stderr
    assert [row[0] for row in await sql.fetch("SELECT source_id FROM fills ORDER BY 1")] == ["after", "parent"]


async def test_what_is_recorded_last_is_written_when_the_interpreter_ends(address: Address, sql: asyncpg.Connection):
    program = """
        import sys
        from tests.factories import fill
        from tests.integration.recorder_events import account
        from main.database.address import Address
        from main.recording.recorder import Recorder
        recorder = Recorder(Address(**eval(sys.stdin.read())), flush_interval=60)
        recorder.start()
        recorder.record(account())
        for _ in range(100):
            recorder.record(fill("buy", 1, 100))
    """
    done = run_program(program, address)
    assert done.returncode == 0, done.stderr
    assert await sql.fetchval("SELECT count(*) FROM fills") == 100


async def test_a_killed_bot_loses_only_what_was_not_flushed(address: Address, sql: asyncpg.Connection):
    program = """
        import os, signal, sys
        from tests.factories import fill
        from tests.integration.recorder_events import account, looking, wait_until
        from main.database.address import Address
        from main.recording.recorder import Recorder
        recorder = Recorder(Address(**eval(sys.stdin.read())), flush_interval=0.01)
        recorder.start()
        recorder.record(account())
        for _ in range(100):
            recorder.record(fill("buy", 1, 100))
        wait_until(lambda: recorder.statistics.written == 101)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert run_program(program, address).returncode == -signal.SIGKILL
    assert await sql.fetchval("SELECT count(*) FROM fills") == 100


async def test_announcements_come_after_the_commit_is_visible_one_for_each_topic_and_account(
    address: Address, sql: asyncpg.Connection
):
    listening = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    looking = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    heard: asyncio.Queue[str] = asyncio.Queue()
    await listening.add_listener("ai_trader", lambda *notification: heard.put_nowait(notification[3]))
    recorder = Recorder(address, flush_interval=0.01)
    recorder.start()
    try:
        recorder.record(account())
        assert await asyncio.wait_for(heard.get(), 10) == "accounts:A"
        for number in range(1, 6):
            recorder.record(fill("buy", 1, 100))
            assert await asyncio.wait_for(heard.get(), 10) == "fills:A"
            assert await looking.fetchval("SELECT count(*) FROM fills") == number
        recorder.record(snapshot(1))
        recorder.record(SystemEvent(at=START, source="t", source_id="1", severity="info", kind="k", message="m"))
        assert {await asyncio.wait_for(heard.get(), 10) for _ in range(2)} == {"market:", "events:"}
        assert heard.empty()
    finally:
        recorder.close()
        await listening.close()
        await looking.close()


async def test_announcements_of_a_topic_are_at_most_twenty_a_second(address: Address):
    listening = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    heard: list[str] = []
    await listening.add_listener("ai_trader", lambda *notification: heard.append(notification[3]))
    recorder = Recorder(address, flush_interval=0.001)
    recorder.record(account())
    recorder.start()
    try:
        started = time.monotonic()
        number = 0
        while time.monotonic() - started < 1:
            number += 1
            recorder.record(snapshot(number))
            await asyncio.sleep(0.001)
        elapsed = time.monotonic() - started
        assert 2 <= heard.count("market:") <= 20 * elapsed + 1
    finally:
        recorder.close()
        await listening.close()


async def test_many_threads_record_and_nothing_is_lost(address: Address, sql: asyncpg.Connection):
    recorder = Recorder(address, flush_interval=0.01)
    recorder.record(account())
    recorder.start()

    def record_many(thread: int) -> None:
        for number in range(500):
            recorder.record(fill("buy", 1, 100, source_id=f"{thread}-{number}"))

    threads = [threading.Thread(target=record_many, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.close(20) == 0
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2000
    assert recorder.statistics.written == 2001
