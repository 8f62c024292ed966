"""What the books never take: each refused with its reason, counted, and the good events beside it are written."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from main.clock import now
from main.database.address import Address
from main.domain.events import (
    Account,
    Candle,
    Equity,
    Event,
    Fill,
    FxRate,
    Heartbeat,
    IndexLevel,
    MarketSnapshot,
    Metric,
    Model,
    ModelPerformance,
    ModelPrediction,
    Order,
    OrderEvent,
    PipelineRun,
    Position,
    SystemEvent,
    Trade,
)
from main.errors import RecordRejected
from main.recording.recorder import Recorder
from tests.factories import START, fill, flow, instrument

SOON = timedelta(hours=1)
HUGE = Decimal("1e400")
KNOWN: tuple[Event, ...] = (
    Account(at=START, account="A", source="feed", broker="paper", label="A", currency="USD", mode="paper"),
    instrument("X", source="feed"),
)


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """A bot that writes with plain SQL: the role service, all accounts."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    await connection.execute("SET ROLE ai_trader_service")
    yield connection
    await connection.close()


def recorded(address: Address, events: Sequence[Event]) -> Recorder:
    with Recorder(address, flush_interval=0.01) as recorder:
        for event in (*KNOWN, *events):
            recorder.record(event)
    return recorder


def forced(event: Event, **values: Any) -> Event:
    """The event with values that its class refuses: what a careless bot or an older version could hand in."""
    for name, value in values.items():
        object.__setattr__(event, name, value)
    return event


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", 1.5])
@pytest.mark.parametrize("name", ["quantity", "price", "fee", "arrival_mid"])
def test_an_event_with_a_number_that_is_none_cannot_be_made(name: str, value: Any):
    number = Decimal(value) if isinstance(value, str) else value
    with pytest.raises(RecordRejected, match=name):
        replace(fill("buy", 1, 100), **{name: number})


@pytest.mark.parametrize("quantity", [0, -1])
def test_an_execution_of_nothing_or_less_cannot_be_made(quantity: int):
    with pytest.raises(RecordRejected, match="quantity"):
        fill("buy", quantity, 100)


def test_an_event_without_a_time_zone_cannot_be_made():
    with pytest.raises(RecordRejected, match="aware"):
        fill("buy", 1, 100, at=datetime(2026, 11, 20))  # noqa: DTZ001


POISON = {
    "not a number": ({"price": Decimal("NaN")}, "positive"),
    "infinity": ({"quantity": Decimal("Infinity")}, "finite"),
    "1e400": ({"price": HUGE}, "positive"),
    "1e400 as a fee": ({"fee": -HUGE}, "finite"),
    "a number too small": ({"fee": Decimal("1e-400")}, "finite"),
    "no quantity": ({"quantity": Decimal(0)}, "quantity_above_zero"),
    "a negative quantity": ({"quantity": Decimal(-1)}, "quantity_above_zero"),
    "a price of nothing": ({"price": Decimal(0)}, "positive"),
    "an unknown symbol": ({"symbol": "MYTH"}, "unknown symbol MYTH of source feed"),
    "a symbol of another source": ({"symbol": "ELSEWHERE"}, "unknown symbol ELSEWHERE of source feed"),
    "an unknown account": ({"account": "nobody"}, "accounts"),
    "a time to come": ({"at": START + timedelta(days=36500)}, "not_in_the_future"),
    "a time without a zone": ({"at": datetime(2026, 11, 20)}, "aware"),  # noqa: DTZ001
    "a side there is not": ({"side": "hold"}, "side"),
}


@pytest.mark.parametrize("case", POISON)
async def test_a_bad_fill_is_kept_apart_with_its_reason_and_the_others_go_in(
    case: str, address: Address, sql: asyncpg.Connection
):
    values, reason = POISON[case]
    good = [fill("buy", 1, 100) for _ in range(6)]
    bad = forced(fill("sell", 1, 100), **values)
    recorder = recorded(address, [instrument("ELSEWHERE", source="test"), *good[:3], bad, *good[3:]])

    statistics = recorder.statistics
    assert (statistics.dead_letters, statistics.conflicts, dict(statistics.dropped)) == (1, 0, {})
    assert statistics.written == len(KNOWN) + 1 + len(good)
    assert statistics.recorded == statistics.written + statistics.dead_letters
    assert {row[0] for row in await sql.fetch("SELECT source_id FROM fills")} == {each.source_id for each in good}
    letters = await sql.fetch("SELECT table_name, account_id, reason, payload FROM dead_letters")
    assert [letter["table_name"] for letter in letters] == ["fills"]
    assert reason in letters[0]["reason"]
    assert json.loads(letters[0]["payload"])["source_id"] == bad.source_id


def to_come() -> list[Event]:
    """One of every class that tells of something that happened, an hour before it does."""
    at = now() + SOON
    fact: dict[str, Any] = {"at": at, "account": "A", "source": "t", "source_id": "1"}
    shared: dict[str, Any] = {"at": at, "source": "t"}
    one = Decimal(1)
    bar = {"open": one, "high": one, "low": one, "close": one}
    prices = {"entry_price": one, "exit_price": one, "gross_pnl": one, "fees": one, "realized_pnl": one}
    order = {"order_id": "o", "symbol": "X", "side": "buy", "quantity": one}
    window = {"version": "1", "window_start": START, "predictions": 1}
    return [
        Fill(**fact, symbol="X", side="buy", quantity=one, price=one),
        OrderEvent(**fact, **order, kind="placed"),
        flow("deposit", 1, at=at),
        Equity(**fact, equity=one),
        Trade(**fact, symbol="X", transaction_type="BUY", quantity=one, entry_time=START, **prices),
        Heartbeat(**fact, status="running", interval_seconds=one, cycle_count=1, uptime_seconds=one),
        MarketSnapshot(**shared, symbol="X", mid=one),
        FxRate(**shared, base="EUR", quote="USD", rate=one),
        Candle(**shared, symbol="X", interval="1d", **bar),
        IndexLevel(**shared, name="VIX", kind="volatility", level=one),
        ModelPrediction(
            **shared, source_id="1", model="m", version="1", symbol="X", horizon_seconds=60, prediction=one
        ),
        ModelPerformance(**shared, model="m", **window),
        Metric(**shared, name="n", value=one),
        SystemEvent(**shared, source_id="1", severity="info", kind="k", message="m"),
        Order(at=at, account="A", source="t", **order, order_type="limit", status="placed", placed_at=START),
        Position(
            at=at, account="A", source="t", position_id="p", symbol="X", side="long", quantity=one,
            entry_time=START, entry_price=one,
        ),
        Model(**shared, model="m", version="1", kind="k", status="active"),
        PipelineRun(**shared, pipeline="p", run_id="1", kind="feed", status="running", started_at=START),
    ]  # fmt: skip


async def test_nothing_has_happened_yet_that_is_still_to_come(address: Address, sql: asyncpg.Connection):
    early = to_come()
    recorder = recorded(address, [*early, fill("buy", 1, 100)])
    assert recorder.statistics.dead_letters == len(early)
    assert recorder.statistics.written == len(KNOWN) + 1
    letters = await sql.fetch("SELECT table_name, reason FROM dead_letters")
    assert {letter["table_name"] for letter in letters} == {event.table for event in early}
    assert all("not_in_the_future" in letter["reason"] for letter in letters)


async def test_a_clock_some_minutes_ahead_loses_nothing(address: Address):
    recorder = recorded(address, [fill("buy", 1, 100, at=now() + timedelta(minutes=5))])
    assert (recorder.statistics.written, recorder.statistics.dead_letters) == (len(KNOWN) + 1, 0)


async def test_a_symbol_described_in_the_same_batch_is_known(address: Address, sql: asyncpg.Connection):
    recorder = recorded(address, [fill("buy", 1, 100, symbol="NEW"), instrument("NEW", source="feed")])
    assert (recorder.statistics.written, recorder.statistics.dead_letters) == (len(KNOWN) + 2, 0)


async def test_the_same_fact_again_is_a_duplicate_and_another_under_its_key_a_conflict(
    address: Address, sql: asyncpg.Connection
):
    first = fill("buy", 1, 100)
    other = replace(first, price=Decimal(200))
    recorder = recorded(address, [first, first, fill("sell", 1, 101), other])
    again = recorded(address, [other, first])
    assert (recorder.statistics.duplicates, recorder.statistics.conflicts) == (1, 1)
    assert (again.statistics.duplicates, again.statistics.conflicts, again.statistics.dead_letters) == (1, 1, 0)
    assert await sql.fetchval("SELECT price FROM fills WHERE source_id = $1", first.source_id) == 100
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2
    reported = await sql.fetch("SELECT details FROM system_events WHERE kind = 'record_conflict'")
    details = [json.loads(row["details"]) for row in reported]
    assert [(each["kept"]["price"], each["refused"]["price"]) for each in details] == [(100, 200)]


PLAIN = {
    "not a number": ({"price": "'NaN'"}, "positive_number"),
    "infinity": ({"quantity": "'Infinity'"}, "finite_number"),
    "1e400": ({"price": "1e400"}, "positive_number"),
    "1e400 as a fee": ({"fee": "-1e400"}, "finite_number"),
    "no quantity": ({"quantity": "0"}, "quantity_above_zero"),
    "a negative quantity": ({"quantity": "-1"}, "quantity_above_zero"),
    "an unknown symbol": ({"symbol": "'MYTH'"}, "unknown symbol MYTH of source feed: record its Instrument first"),
    "an unknown account": ({"account_id": "'nobody'"}, "accounts"),
    "a time to come": ({"at": "clock_timestamp() + interval '1 hour'"}, "not_in_the_future"),
    "the end of time": ({"at": "'infinity'"}, "finite_moment"),
    "the same id": ({"source_id": "'known'"}, "fills_pkey"),
}


async def test_a_trade_that_ends_before_it_begins_is_refused(address: Address, sql: asyncpg.Connection):
    recorded(address, [])
    with pytest.raises(asyncpg.CheckViolationError, match="exit_after_entry"):
        await sql.execute(
            "INSERT INTO trades (account_id, source, source_id, symbol, transaction_type, quantity, entry_time, "
            "exit_time, entry_price, exit_price, gross_pnl, realized_pnl) "
            "VALUES ('A', 't', '1', 'X', 'BUY', 1, '2026-01-02Z', '2026-01-01Z', 1, 1, 0, 0)"
        )


@pytest.mark.parametrize("case", PLAIN)
async def test_plain_sql_is_bound_by_the_same_rules(case: str, address: Address, sql: asyncpg.Connection):
    values, reason = PLAIN[case]
    recorded(address, [fill("buy", 1, 100, source_id="known")])
    row = {
        "account_id": "'A'",
        "source": "'test'",
        "source_id": "'1'",
        "at": "clock_timestamp()",
        "symbol": "'X'",
        "side": "'buy'",
        "quantity": "1",
        "price": "100",
        "fee": "0",
    }
    insert = "INSERT INTO fills ({}) VALUES ({})"
    bad = row | values
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=reason):
        await sql.execute(insert.format(", ".join(bad), ", ".join(bad.values())))
    assert await sql.fetchval("SELECT count(*) FROM fills") == 1
    await sql.execute(insert.format(", ".join(row), ", ".join(row.values())))
    assert await sql.fetchval("SELECT count(*) FROM fills") == 2
