"""The Recorder's buffer: bounded, droppable events first, safe from threads, signal handlers and forks."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.domain.events import Equity, Event, Fill, Heartbeat, MarketSnapshot
from main.recording.buffer import Buffer
from tests.factories import START, fill


def snapshot(number: int) -> MarketSnapshot:
    return MarketSnapshot(at=START + timedelta(seconds=number), source="test", symbol="X", mid=Decimal(100))


def equity(number: int) -> Equity:
    return Equity(
        at=START + timedelta(seconds=number), account="A", source="test", source_id=f"e{number}", equity=Decimal(1)
    )


def test_events_come_out_in_the_order_they_went_in():
    buffer = Buffer(10)
    fills = [fill("buy", 1, 100) for _ in range(3)]
    for each in fills:
        buffer.add(each)
    assert buffer.take(2) == fills[:2]
    assert buffer.take(5) == fills[2:]
    assert len(buffer) == 0


def test_a_full_buffer_gives_up_the_oldest_droppable_events_first():
    buffer = Buffer(4)
    kept = [fill("buy", 1, 100) for _ in range(3)]
    for each in (snapshot(1), equity(2), *kept):
        buffer.add(each)
    assert buffer.take(10) == [*kept, equity(2)]
    assert buffer.drops.by_table() == {"market_snapshots": {"buffer_full": 1}}


def test_a_buffer_full_of_facts_refuses_the_newcomer_and_keeps_what_came_first():
    buffer = Buffer(2)
    fills = [fill("buy", 1, 100) for _ in range(3)]
    for each in (*fills, snapshot(1)):
        buffer.add(each)
    assert buffer.take(10) == fills[:2]
    assert buffer.drops.by_table() == {"fills": {"buffer_full": 1}, "market_snapshots": {"buffer_full": 1}}


def test_the_capacity_holds_for_any_number_of_events():
    buffer = Buffer(100)
    for number in range(5000):
        buffer.add(snapshot(number) if number % 2 else fill("buy", 1, 100))
    assert len(buffer) == 100
    assert all(isinstance(event, Fill) for event in buffer.take(100))
    assert buffer.received.value == 5000
    assert sum(buffer.drops.by_reason().values()) == 4900


class Unhashable(float):
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("junk", [None, 1, float("nan"), "text", object(), Fill, {}, Unhashable(1), Event(at=START)])
def test_what_is_no_event_is_counted_and_left_out(junk: Any):
    buffer = Buffer(10)
    buffer.add(junk)
    assert len(buffer) == 0
    assert buffer.drops.by_reason() == {"not_an_event": 1}


def test_a_closed_buffer_counts_what_it_refuses():
    buffer = Buffer(10)
    buffer.close()
    buffer.add(snapshot(1))
    assert buffer.drops.by_table() == {"market_snapshots": {"closed": 1}}


def test_no_count_is_lost_when_many_threads_add_to_a_full_buffer():
    buffer = Buffer(50)
    heartbeat = Heartbeat(
        at=START,
        account="A",
        source="test",
        source_id="h",
        status="running",
        interval_seconds=Decimal(3),
        cycle_count=1,
        uptime_seconds=Decimal(1),
    )

    def add_many() -> None:
        for _ in range(5000):
            buffer.add(heartbeat)

    threads = [threading.Thread(target=add_many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert buffer.received.value == 40_000
    assert len(buffer) <= 50 + len(threads)
    assert len(buffer) + buffer.drops.by_reason()["buffer_full"] == 40_000


def test_a_signal_handler_may_add_in_the_middle_of_an_add():
    buffer = Buffer(100)
    handled = 0

    def handle(*_: object) -> None:
        nonlocal handled
        handled += 1
        buffer.add(fill("sell", 1, 100))

    former = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        added = 0
        while handled < 50:
            buffer.add(snapshot(added))
            added += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    assert buffer.received.value == added + handled
    assert len(buffer) + sum(buffer.drops.by_reason().values()) == added + handled


def test_a_forked_child_counts_what_its_parent_would_have_to_write():
    buffer = Buffer(10)
    child = os.fork()
    if child == 0:
        buffer.add(snapshot(1))
        os._exit(0 if len(buffer) == 0 and buffer.drops.by_reason() == {"forked": 1} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    buffer.add(snapshot(1))
    assert len(buffer) == 1


class Interrupted(deque[Event]):
    """A queue at which the bot's thread gets its turn just when the other thread finds it empty."""

    def __init__(self, turn: Callable[[], None]) -> None:
        super().__init__()
        self._turn: Callable[[], None] | None = turn

    def popleft(self) -> Event:
        if not self and self._turn is not None:
            turn, self._turn = self._turn, None
            try:
                return super().popleft()
            finally:
                turn()
        return super().popleft()


def test_a_heartbeat_never_overtakes_what_was_recorded_before_it(monkeypatch):
    buffer = Buffer(100)
    before, meanwhile = fill("buy", 1, 100), fill("sell", 1, 101)

    def bot() -> None:
        buffer.add(meanwhile)
        buffer.add(equity(2))

    monkeypatch.setattr(buffer, "_kept", Interrupted(bot))
    buffer.add(before)
    assert buffer.take(10) == [before, meanwhile, equity(2)]


def test_what_is_droppable_waits_while_there_is_more_to_keep_than_one_batch_takes():
    buffer = Buffer(100)
    fills = [fill("buy", 1, 100) for _ in range(5)]
    for each in fills:
        buffer.add(each)
    buffer.add(equity(1))
    assert buffer.take(5) == fills
    assert buffer.take(5) == [equity(1)]
