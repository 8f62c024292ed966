"""Uptime: what was seen counts, what nobody saw is unknown, and an outage of the database is counted as one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from main.clock import now
from main.database.pool import Database
from main.domain.scope import Scope
from main.errors import DatabaseUnreachable
from main.monitoring.collectors import uptime as collector
from main.monitoring.collectors.uptime import UptimeCollector, days_of
from main.monitoring.reads import uptime
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    asked,
    given_account,
    given_heartbeat,
    given_instrument,
    given_service,
    given_snapshots,
    insert,
    live,
    past,
)


class Clock:
    """A clock that a test moves, for how far apart two looks are."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return 1000.0 + self.ahead

    def now(self) -> datetime:
        return now() + timedelta(seconds=self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(collector, "monotonic", made.monotonic)
    monkeypatch.setattr(collector, "now", made.now)
    return made


def today(*accounts: str) -> Scope:
    """The present, by the clock and not by the tests' own moment."""
    return replace(live(*accounts), moment=now())


async def found(database: Database, *accounts: str) -> dict[str, tuple[float, float, float]]:
    rows = await asked(database, uptime.READ, today(*accounts))
    return {
        row.service: (
            sum(day.up_seconds for day in row.days),
            sum(day.degraded_seconds for day in row.days),
            sum(day.down_seconds for day in row.days),
        )
        for row in rows
    }


async def given_suite(service: Database) -> None:
    for name in "ABC":
        await given_account(service, name)
    await given_heartbeat(service, now(), "A", recorded_at=now(), interval_seconds=600)
    await given_heartbeat(service, now() - HOUR, "B", recorded_at=now() - HOUR, interval_seconds=60)
    await given_heartbeat(service, now(), "C", recorded_at=now(), interval_seconds=600, status="stopped")
    await given_service(service, "trading", interval_seconds=1000.0)
    await given_service(service, "system", interval_seconds=1000.0, state="degraded")
    await given_service(service, "worker", kind="worker", state="stopped")


async def test_time_between_two_looks_counts_as_the_second_one_saw_it(
    service: Database, database: Database, clock: Clock
) -> None:
    await given_suite(service)
    looking = UptimeCollector()
    for ahead in (0.0, 15.0, 30.0):
        clock.ahead = ahead
        await looking.look(service)
    assert await found(database, "A", "B", "C") == {
        "database": (30.0, 0.0, 0.0),
        "A": (30.0, 0.0, 0.0),
        "B": (0.0, 0.0, 30.0),
        "trading@trader-01": (30.0, 0.0, 0.0),
        "system@trader-01": (0.0, 30.0, 0.0),
    }
    (only, *_) = [row for row in await asked(database, uptime.READ, today("A")) if row.service == "A"]
    assert (only.label, only.up_share) == ("Account A", 1.0)
    assert "B" not in await found(database, "A"), "another account's bot"


async def test_what_nobody_saw_is_unknown_and_no_uptime(service: Database, database: Database, clock: Clock) -> None:
    looking = UptimeCollector()
    await looking.look(service)
    clock.ahead = 3600.0
    await looking.look(service)
    assert await found(database) == {}, "an hour without a look"
    clock.ahead += 15.0
    await UptimeCollector().look(service)
    assert await found(database) == {}, "another process: it knows nothing of before"


async def test_a_refusal_in_a_gap_makes_it_the_databases_downtime(
    service: Database, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = UptimeCollector()
    await looking.look(service)
    clock.ahead = 15.0
    await looking.look(service)

    def refused(*_: Any, **__: Any) -> Any:
        raise DatabaseUnreachable("here", "gone", since=now())

    with monkeypatch.context() as patched:
        patched.setattr(service, "scoped", refused)
        with pytest.raises(DatabaseUnreachable):
            await looking.look(service)
    clock.ahead = 615.0
    await looking.look(service)
    assert (await found(database))["database"] == (15.0, 0.0, pytest.approx(600.0))


async def test_a_feed_is_up_while_snapshots_come_and_unknown_while_its_market_may_be_closed(
    service: Database, database: Database, clock: Clock
) -> None:
    for name, source in (("A", "round"), ("B", "closing"), ("C", "fresh")):
        await given_account(service, name, source=source)
        await given_heartbeat(service, now(), name, recorded_at=now(), interval_seconds=1)
    for source, calendar in (("round", "24/7"), ("closing", "XNYS"), ("fresh", "24/7")):
        await given_instrument(service, "X", source=source, calendar=calendar)
        await given_snapshots(service, now() - HOUR, source=source, symbol="X")
    await insert(
        service,
        "market_snapshots",
        [{"source": "fresh", "symbol": "X", "at": now(), "recorded_at": now(), "mid": 1, "best_bid": 1, "best_ask": 1}],
    )
    looking = UptimeCollector()
    for ahead in (0.0, 1.0):
        clock.ahead = ahead
        await looking.look(service)
    rows = await found(database, "A", "B", "C")
    assert rows["round"] == (0.0, 0.0, 1.0)
    assert rows["fresh"] == (1.0, 0.0, 0.0)
    assert "closing" not in rows


async def test_a_past_moment_shows_the_days_that_were_over_then(service: Database, database: Database) -> None:
    noon = now().replace(hour=12)
    rows = [
        {
            "kind": "database",
            "service": "database",
            "day": (noon - n * DAY).date(),
            "at": noon - n * DAY,
            "up_seconds": 60.0,
        }
        for n in range(3)
    ]
    for row in rows:
        await insert(service, "service_days", [row | {"recorded_at": row["at"]}])
    (row,) = await asked(database, uptime.READ, past(noon - DAY))
    assert [day.day for day in row.days] == [(noon - 2 * DAY).date()]
    (row,) = await asked(database, uptime.READ, today())
    assert len(row.days) == 3


def test_a_stretch_over_midnight_is_of_both_days() -> None:
    start = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    assert list(days_of(start, 180)) == [(start.date(), 60.0), ((start + MINUTE).date(), 120.0)]
    assert list(days_of(start, 0)) == []
