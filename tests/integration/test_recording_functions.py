"""The functions a simple bot calls: plain values in, rows out, nothing raised."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from main.config import database_url
from main.database.address import Address
from main.domain.events import Account
from main.errors import ConfigurationError, RecordRejected
from main.recording import (
    Recorder,
    close_database,
    init_database,
    log_order_event,
    log_system_event,
    record_metric,
    save_market_snapshot,
)
from tests.factories import START


@pytest.fixture(autouse=True)
def closed(address: Address) -> Iterator[None]:
    """Close the default Recorder before its database is dropped."""
    yield
    close_database()


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    yield connection
    await connection.close()


async def test_a_bot_records_with_plain_numbers_texts_and_iso_times(address: Address, sql: asyncpg.Connection):
    recorder = init_database(address, "A", source="mybot", currency="EUR", mode="paper")
    assert save_market_snapshot(
        "BTC", bids=[(99.9, 1), ("99.8", "2.5")], asks=[(100.1, 3)], at="2026-11-20T14:00:00+01:00"
    )
    assert log_order_event("o1", "PLACED", "BTC", "Buy", 0.1, "99.90", at=START, strategy="mm")
    assert log_order_event("o1", "PLACED", "BTC", "Buy", 0.1, "99.90", at=START, strategy="mm")
    assert log_system_event("start", "Started", details={"risk": 0.5})
    assert close_database() == 0
    assert recorder.statistics.duplicates == 1

    book = await sql.fetchrow("SELECT * FROM market_snapshots")
    assert (book["mid"], book["best_bid"], book["best_ask"]) == (Decimal(100), Decimal("99.9"), Decimal("100.1"))
    assert (book["spread_bps"], book["bid_depth"], book["source"]) == (Decimal(20), Decimal("3.5"), "mybot")
    assert book["at"] == datetime(2026, 11, 20, 13, tzinfo=UTC)
    event = await sql.fetchrow("SELECT * FROM order_events")
    assert (event["kind"], event["side"], event["quantity"], event["price"]) == (
        "placed",
        "buy",
        Decimal("0.1"),
        Decimal("99.90"),
    )
    assert await sql.fetchval("SELECT account_id FROM system_events") == "A"
    assert tuple(await sql.fetchrow("SELECT currency, mode FROM accounts")) == ("EUR", "paper")


async def test_a_metric_is_the_accounts_unless_there_is_none(address: Address, sql: asyncpg.Connection):
    init_database(address, "A", source="mybot")
    assert record_metric("funding_rate", 0.0001, unit="fraction", at=START)
    assert record_metric("funding_rate", "0.0001", unit="fraction", at=START)
    assert record_metric("queue", 7, account="B", source="feed")
    assert close_database() == 0
    recorder = init_database(address)
    assert record_metric("queue", 8, at=START)
    assert record_metric("queue", 8, at=START)
    assert record_metric("queue", 9, at=START)
    assert close_database() == 0
    assert (recorder.statistics.duplicates, recorder.statistics.conflicts) == (1, 1)

    rows = await sql.fetch("SELECT name, account_id, source, value, unit FROM custom_metrics ORDER BY name, value")
    assert [tuple(row) for row in rows] == [
        ("funding_rate", "A", "mybot", Decimal("0.0001"), "fraction"),
        ("queue", "B", "feed", Decimal(7), ""),
        ("queue", None, "bot", Decimal(8), ""),
    ]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: save_market_snapshot("X", float("nan")), {"rejected mid": 1}),
        (lambda: save_market_snapshot("X", "1e400"), {"rejected mid": 1}),
        (lambda: save_market_snapshot("X"), {"rejected mid": 1}),
        (lambda: save_market_snapshot("X", 1, best_bid=0), {"rejected best_bid": 1}),
        (lambda: save_market_snapshot("X", 1, bids=[1, 2]), {"rejected bids": 1}),  # type: ignore[list-item]
        (lambda: save_market_snapshot("X", 1, at=datetime(2026, 1, 1)), {"rejected at": 1}),  # noqa: DTZ001
        (lambda: save_market_snapshot("X", 1, at="2026-01-01T00:00:00"), {"rejected at": 1}),
        (lambda: save_market_snapshot("X\x00", 1), {"rejected symbol": 1}),
        (lambda: save_market_snapshot(None, True), {"rejected symbol": 1}),  # type: ignore[arg-type]
        (lambda: log_order_event("o", "lost", "X", "buy", 1), {"rejected kind": 1}),
        (lambda: log_order_event("o", "placed", "X", "buy", 0), {"rejected quantity": 1}),
        (lambda: log_order_event("o", "placed", "X", "buy", 1, account="no spaces"), {"rejected account": 1}),
        (lambda: log_order_event("o", "placed", "X", "buy", 1, reason=5), {"rejected reason": 1}),  # type: ignore[arg-type]
        (lambda: record_metric("slippage", float("inf")), {"rejected value": 1}),
        (lambda: record_metric("slippage", None), {"rejected value": 1}),  # type: ignore[arg-type]
        (lambda: record_metric("", 1), {"rejected name": 1}),
        (lambda: record_metric("slippage", 1, unit=5), {"rejected unit": 1}),  # type: ignore[arg-type]
        (lambda: record_metric("slippage", 1, at="yesterday"), {"rejected at": 1}),
        (lambda: log_system_event("k", "m", severity="loud"), {"rejected severity": 1}),
        (lambda: log_system_event("k", "m", details={"x": object()}), {"rejected details": 1}),
        (lambda: log_system_event("k", "m", details=5), {"rejected": 1}),  # type: ignore[arg-type]
    ],
)
async def test_a_bad_value_is_counted_by_its_field_and_answered_with_false(address: Address, call: Any, reason: Any):
    recorder = init_database(address, "A")
    assert call() is False
    assert call() is False
    dropped = {name: 2 * count for name, count in reason.items()}
    assert recorder.statistics.dropped == dropped


async def test_a_bad_value_is_logged_once_for_its_field(address: Address, capsys: pytest.CaptureFixture[str]):
    init_database(address, "A")
    for _ in range(3):
        save_market_snapshot("ONCE", "no number")
    assert capsys.readouterr().out.count("no number") <= 1


async def test_without_a_database_nothing_is_raised():
    assert log_system_event("start", "nobody opened a database") is False


async def test_a_known_account_is_not_overwritten_by_its_id(address: Address, sql: asyncpg.Connection):
    known = Account(
        at=START, account="A", source="s", broker="b", label="Mine", currency="JPY", mode="live",
        daily_loss_limit=Decimal(7),
    )  # fmt: skip
    init_database(address, known)
    init_database(address, "A")
    close_database()
    assert tuple(await sql.fetchrow("SELECT label, currency, daily_loss_limit FROM accounts")) == ("Mine", "JPY", 7)


async def test_the_database_may_be_given_as_mapping_or_url(address: Address, sql: asyncpg.Connection):
    as_mapping = {
        "host": address.host,
        "port": address.port,
        "database": address.database,
        "user": address.user,
        "password": address.password,
    }
    assert database_url.parts(address.dsn)["name"] == address.database
    for db_config in (as_mapping, address.dsn):
        init_database(db_config, "A")
        assert log_system_event("start", "hello")
        assert close_database() == 0
    assert await sql.fetchval("SELECT count(*) FROM system_events") == 2


async def test_a_new_database_gets_its_schema(address: Address, sql: asyncpg.Connection):
    name = address.database + "_new"
    await sql.execute(f"CREATE DATABASE {name}")
    try:
        init_database(replace(address, database=name), "A")
        assert log_system_event("start", "hello")
        assert close_database() == 0
    finally:
        await sql.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_database_that_is_away_is_no_error(address: Address):
    recorder = init_database(replace(address, port=1), "A")
    assert isinstance(recorder, Recorder)
    assert log_system_event("start", "hello")
    assert close_database(0.2) == 2


@pytest.mark.parametrize("db_config", [{"hots": "x"}, "{", "postgresql://", {"host": "x", "port": "many"}])
def test_a_bad_configuration_says_what_is_wrong(db_config: Any):
    with pytest.raises(ConfigurationError):
        init_database(db_config)


def test_a_bad_account_is_refused():
    with pytest.raises(RecordRejected, match="account"):
        init_database("{}", "no spaces")
