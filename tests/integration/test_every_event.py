"""Every kind of event, with any value it may have, through a Recorder into its table and back."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from datetime import timedelta
from itertools import count
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from main.database.address import Address
from main.domain.events import Event
from main.recording.recorder import Recorder
from main.recording.tables import TABLES
from tests.any_event import any_event, numbered
from tests.factories import START

numbers = count(1)


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """Look at what arrived, as an administrator; account A and symbol X are known."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    long_since = START - timedelta(days=20 * 365)
    await connection.execute(
        "INSERT INTO accounts (account_id, source, broker, label, currency, mode, at) "
        "VALUES ('A', 'feed', 'paper', 'A', 'USD', 'paper', $1)",
        long_since,
    )
    await connection.execute(
        "INSERT INTO instruments (source, symbol, currency, at) VALUES ('feed', 'X', 'USD', $1)", long_since
    )
    yield connection
    await connection.close()


def stored(kind: type[Event], row: Mapping[str, Any]) -> Event:
    """The event that a row of its table tells."""
    table = TABLES[kind]
    columns = dict(zip((spec.name for spec in fields(kind)), table.columns, strict=True))
    values = {name: row[column] for name, column in columns.items()}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


@pytest.mark.parametrize("kind", TABLES)
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # every example leaves its rows, so that none can be tried again
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_an_event_comes_back_as_it_was(
    kind: type[Event], data: st.DataObject, address: Address, sql: asyncpg.Connection
):
    drawn = data.draw(st.lists(any_event(kind), min_size=1, max_size=12))
    events = [numbered(event, next(numbers)) for event in drawn]
    with Recorder(address, flush_interval=0.01) as recorder:
        for event in events:
            recorder.record(event)
    statistics = recorder.statistics
    assert (statistics.written, statistics.last_error) == (len(events), None)

    table = TABLES[kind]
    rows = await sql.fetch(f"SELECT * FROM {table.name}")
    found = {table.key_of(event): event for event in (stored(kind, row) for row in rows)}
    for event in events:
        assert found[table.key_of(event)] == event
