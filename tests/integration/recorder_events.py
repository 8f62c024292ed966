"""What the tests of the Recorder share: events, a Recorder that has written them, programs to kill."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from main.database.address import Address
from main.domain.events import Account, Equity, Event, MarketSnapshot, Order, Position
from main.recording.recorder import Recorder
from tests.factories import START
from tests.running import told


@asynccontextmanager
async def looking(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """An administrator's connection to a database that knows the symbol X, so that fills of it are taken."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    await connection.execute(
        "INSERT INTO instruments (source, symbol, currency, at) VALUES ('test', 'X', 'USD', $1)",
        START - timedelta(days=365),
    )
    yield connection
    await connection.close()


def account(name: str = "A", **given: Any) -> Account:
    values: dict[str, Any] = {"source": "test", "broker": "paper", "label": name, "currency": "USD", "mode": "paper"}
    return Account(at=START, account=name, **(values | given))


def order(status: str, seconds: float, **given: Any) -> Order:
    values: dict[str, Any] = {
        "account": "A",
        "source": "test",
        "order_id": "o1",
        "symbol": "X",
        "side": "buy",
        "order_type": "limit",
        "quantity": Decimal(10),
        "placed_at": START,
        "price": Decimal("99.5"),
    }
    return Order(at=START + timedelta(seconds=seconds), status=status, **(values | given))


def position(quantity: object, seconds: float, **given: Any) -> Position:
    values: dict[str, Any] = {
        "account": "A",
        "source": "test",
        "position_id": "p1",
        "symbol": "X",
        "side": "long",
        "entry_time": START,
        "entry_price": Decimal(100),
    }
    return Position(at=START + timedelta(seconds=seconds), quantity=Decimal(str(quantity)), **(values | given))


def snapshot(number: int, **given: Any) -> MarketSnapshot:
    values: dict[str, Any] = {"source": "test", "symbol": "X", "mid": Decimal(100)}
    return MarketSnapshot(at=START + timedelta(seconds=number), **(values | given))


def equity(number: int, value: object = 1000, **given: Any) -> Equity:
    values: dict[str, Any] = {"account": "A", "source": "test", "source_id": f"e{number}"}
    return Equity(at=START + timedelta(seconds=number), equity=Decimal(str(value)), **(values | given))


def written(address: Address, events: Sequence[Event], **options: Any) -> Recorder:
    """Record events, close the Recorder and return it."""
    recorder = Recorder(address, flush_interval=0.02, **options)
    for event in events:
        recorder.record(event)
    recorder.start()
    assert recorder.close(20) == 0
    return recorder


def wait_until(condition: Callable[[], object], seconds: float = 15, *, pause: float = 0.01) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)


def balanced(recorder: Recorder) -> bool:
    is_ = recorder.statistics
    became = is_.written + is_.superseded + is_.duplicates + is_.conflicts + is_.dead_letters + is_.queued
    return is_.recorded + is_.recovered == became + sum(is_.dropped.values())


def run_program(text: str, address: Address) -> subprocess.CompletedProcess[str]:
    """Run a program, indented like the test it is in, which reads the address of its database from its input."""
    lines = [line[8:] for line in text.splitlines()]
    return subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        input=repr(told(address)),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
