"""How many events does a Recorder take and write, and for how long does `record()` hold the bot up?"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from main.domain.events import Account, Event, Fill, Instrument, MarketSnapshot
from main.recording import Recorder
from main.recording.spool import Spool
from main.recording.sqlite_spool import SqliteSpool
from main.recording.tables import TABLES
from tests.bench.row import Aim, Row, median_row, quantile
from tests.running import until

NAME = "recorder"
TITLE = "The Recorder"
ORDER = 50
METHOD = """
30,000 events at once, three times, from the first `record()` until all are committed; against a COPY of the same rows,
encoded beforehand, straight into the same empty table by the superuser, which checks no duplicates and no row-level
security. "With its spool": what waits longer than 0.1 s goes to a file as well. `record()` is timed call by call, in
that burst, where a second thread encodes and writes at the same time, and at 2,000 events a second, which is more than
a busy bot does.
"""
EVENTS = 30_000
REPETITIONS = 3
PACED_SECONDS, PACED_EACH = 5.0, 20
BEGAN = datetime.now(UTC)
CALL_AIM = Aim(100)
SHARE_AIM = Aim(0.5, least=True)
RATE_AIM = Aim(50_000, least=True)


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres").acquire() as lease:
        asyncio.run(migrate(lease.address))
        calls: list[float] = []
        for title, make in (("Fills", fills), ("Snapshots of 5 levels", snapshots)):
            recorded, spooling, copied = [], [], []
            for number in range(REPETITIONS):
                events = make(number)
                asyncio.run(_empty(lease.address, events[0].table))
                recorded.append(EVENTS / _record_all(lease.address, events, calls))
                asyncio.run(_empty(lease.address, events[0].table))
                spooling.append(EVENTS / _record_all(lease.address, events, calls, SqliteSpool(folder / "spool")))
                asyncio.run(_empty(lease.address, events[0].table))
                copied.append(EVENTS / asyncio.run(_copy(lease.address, events)))
            yield median_row(f"{title}: Recorder", recorded, "events/s", RATE_AIM)
            yield median_row(f"{title}: Recorder with its spool", spooling, "events/s")
            yield median_row(f"{title}: raw COPY", copied, "rows/s")
            shares = [mine / raw for mine, raw in zip(recorded, copied, strict=True)]
            yield median_row(f"{title}: Recorder ÷ raw COPY", shares, "", SHARE_AIM)
        yield from _call_rows("in the burst", calls)
        yield from _call_rows("at 2,000 events/s", _paced(lease.address), CALL_AIM)


def fills(number: int) -> list[Event]:
    return [
        Fill(
            at=BEGAN + timedelta(microseconds=index),
            account="bench",
            source="bench",
            source_id=f"{number}-{index}",
            symbol=f"SYM{index % 20}",
            side="buy" if index % 2 else "sell",
            quantity=Decimal("12.5"),
            price=Decimal("101.37") + Decimal(index % 100) / 100,
            order_id=f"o{index // 3}",
            fee=Decimal("0.12"),
            liquidity="maker",
            strategy="market_maker",
        )
        for index in range(EVENTS)
    ]


def snapshots(number: int) -> list[Event]:
    levels = tuple(Decimal(100 - level) / 10 for level in range(5))
    return [
        MarketSnapshot(
            at=BEGAN + timedelta(seconds=number, microseconds=index),
            source="bench",
            symbol=f"SYM{index % 20}",
            mid=Decimal("10.05"),
            best_bid=Decimal("10.0"),
            best_ask=Decimal("10.1"),
            spread_bps=Decimal("99.5"),
            bid_prices=levels,
            bid_sizes=levels,
            ask_prices=levels,
            ask_sizes=levels,
            bid_depth=Decimal(49),
            ask_depth=Decimal(49),
        )
        for index in range(EVENTS)
    ]


def _started(address: Address, spool: Spool | None = None) -> Recorder:
    recorder = Recorder(address, spool=spool)
    recorder.start()
    recorder.record(
        Account(
            at=BEGAN, account="bench", source="bench", broker="paper", label="Bench", currency="USD", mode="simulated"
        )
    )
    for number in range(20):
        recorder.record(Instrument(at=BEGAN, source="bench", symbol=f"SYM{number}", currency="USD"))
    until(lambda: recorder.statistics.queued == 0 and recorder.statistics.database_reachable, 10, "account written")
    return recorder


def _record_all(address: Address, events: Sequence[Event], calls: list[float], spool: Spool | None = None) -> float:
    """Seconds until all are written; the duration of each call, in µs, is added to `calls`."""
    recorder = _started(address, spool)
    before = recorder.statistics.written
    clock, took = time.perf_counter_ns, []
    began = time.perf_counter()
    for event in events:
        start = clock()
        recorder.record(event)
        took.append(clock() - start)
    while recorder.statistics.written - before < len(events):
        assert time.perf_counter() - began < 60, recorder.statistics
        time.sleep(0.002)
    seconds = time.perf_counter() - began
    recorder.close()
    calls.extend(nanoseconds / 1e3 for nanoseconds in took)
    return seconds


def _paced(address: Address) -> list[float]:
    recorder = _started(address)
    clock, took = time.perf_counter_ns, []
    events = iter(fills(REPETITIONS))
    began = time.monotonic()
    due = began
    while due - began < PACED_SECONDS:
        for _ in range(PACED_EACH):
            event = next(events)
            start = clock()
            recorder.record(event)
            took.append((clock() - start) / 1e3)
        due += PACED_EACH / 2_000
        time.sleep(max(0.0, due - time.monotonic()))
    recorder.close()
    return took


async def _empty(address: Address, table: str) -> None:
    connection = await _administrator(address)
    await connection.execute(f"TRUNCATE {table}; CHECKPOINT")
    await connection.close()


async def _copy(address: Address, events: Sequence[Event]) -> float:
    table = TABLES[type(events[0])]
    lines = bytearray(("\n".join(table.encode_all(events)) + "\n").encode())
    connection = await _administrator(address)
    await connection.execute("SET app.announced = 'on'")
    began = time.perf_counter()
    await connection.copy_to_table(table.name, source=lines, columns=table.columns, format="text")
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


async def _administrator(address: Address) -> Any:
    return await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=60)


def _call_rows(when: str, calls: Sequence[float], aim: Aim | None = None) -> Iterator[Row]:
    spread = f"n = {len(calls):,}, longest {max(calls):,.0f} µs"
    yield Row(f"record() {when}: median", quantile(calls, 0.5), "µs", None, spread)
    yield Row(f"record() {when}: 99.9th percentile", quantile(calls, 0.999), "µs", aim, spread)
