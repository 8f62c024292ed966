"""Data quality: what came whole, on time, once and alive; whose fault it is where it did not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from main.clock import now
from main.database.pool import Database
from main.monitoring.collectors.data_quality import measure_data_quality
from main.monitoring.reads import data_quality
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_heartbeat,
    given_instrument,
    insert,
    live,
    past,
    settle,
)
from tests.given_market import asked_with, given_run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library uses pandas
SECOND = timedelta(seconds=1)
BRIEFLY = timedelta(milliseconds=50)


async def given_ticks(
    service: Database, times: Sequence[datetime], symbol: str = "X", *, still: bool = False, **given: Any
) -> None:
    """Snapshots that move each time, unless they stand `still`; learned when they were true."""
    rows = [
        {
            "source": "sim",
            "symbol": symbol,
            "at": at,
            "recorded_at": at + BRIEFLY,
            "mid": 100,
            "bid_prices": [99],
            "bid_sizes": [1 if still else place + 1],
            "ask_prices": [101],
            "ask_sizes": [1],
        }
        | given
        for place, at in enumerate(times)
    ]
    await insert(service, "market_snapshots", rows)


def ticks(ending: datetime, count: int, every: timedelta = 3 * SECOND) -> list[datetime]:
    return [ending - every * (count - 1 - place) for place in range(count)]


async def measured(service: Database) -> None:
    """Have everything measured that was recorded until a second ago."""
    await settle(service)
    await measure_data_quality(service)


async def symbols(database: Database, scope: Any, **params: Any) -> dict[str, data_quality.SymbolQuality]:
    page = await asked_with(database, data_quality.READ, scope, **params)
    return {each.symbol: each for each in page.items}


async def test_a_feed_that_comes_whole_is_complete_and_ok(service: Database, database: Database) -> None:
    await given_account(service)
    moment = now()
    await given_heartbeat(service, moment, recorded_at=moment, interval_seconds=60)
    await given_instrument(service)
    await given_ticks(service, ticks(moment, 400))
    await measured(service)
    found = (await symbols(database, live(moment=moment)))["X"]
    assert (found.state, found.reason) == ("ok", "")
    assert found.pace_seconds == pytest.approx(3)
    assert found.completeness == pytest.approx(1, abs=0.02)
    assert (found.gaps, found.repeated, found.late, found.frozen_seconds) == (0, 0, 0, 0)


async def test_gaps_repeats_late_and_frozen_snapshots_are_counted(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service)
    start = MOMENT - HOUR
    moving = [start + place * 3 * SECOND for place in range(400)]  # 20 minutes
    await given_ticks(service, moving)
    after = start + 30 * MINUTE  # ten minutes are missing
    await given_ticks(service, [after + place * 3 * SECOND for place in range(100)], still=True)
    await given_ticks(service, moving[:5], revision=1)
    late = [after + 6 * MINUTE + place * 3 * SECOND for place in range(10)]
    for place, at in enumerate(late):
        await given_ticks(service, [at], recorded_at=at + 8 * SECOND, mid=101 + place)
    await given_run(service, "prices", start, start, slo_seconds=5)
    await measured(service)
    found = (await symbols(database, past(MOMENT, window="1h")))["X"]
    assert (found.received, found.repeated, found.late, found.late_after_seconds) == (510, 5, 10, 5)
    assert found.gaps == 3  # the last one goes on
    assert found.gap_seconds == pytest.approx(603 + 63 + 1413)
    assert found.longest_gap_seconds == pytest.approx(1413)
    assert found.frozen_seconds == pytest.approx(99 * 3)
    assert found.expected == 1200
    assert found.completeness == pytest.approx(510 / 1200)
    assert found.late_share == pytest.approx(10 / 510)


async def test_an_hour_without_any_snapshot_is_missing_too(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service)
    for hours in (3, 1):  # the one between is away
        await given_ticks(service, [MOMENT - hours * HOUR + place * 6 * SECOND for place in range(600)])
    await measured(service)
    found = (await symbols(database, past(MOMENT, window="6h")))["X"]
    assert (found.received, found.expected) == (1200, 1800)
    assert found.gaps == 1
    assert found.longest_gap_seconds == pytest.approx(3606)


async def test_a_stopped_bot_is_silent_a_frozen_feed_frozen_a_missing_one_a_gap_a_closed_market_none_of_them(
    service: Database, database: Database
) -> None:
    moment = now()
    for account, status, heard in (
        ("stopped", "stopped", moment - HOUR),
        ("dead", "running", moment - HOUR),
        ("alive", "running", moment),
    ):
        await given_account(service, account, source=account)
        await given_heartbeat(service, heard, account, status=status, recorded_at=heard, interval_seconds=60)
    for account in ("stopped", "dead"):
        await given_instrument(service, account, source=account)
        await given_ticks(service, ticks(moment - HOUR, 50), account, source=account)
    for symbol, ending, still in (
        ("frozen", moment, True),
        ("missing", moment - 5 * MINUTE, False),
        ("moving", moment, False),
    ):
        await given_instrument(service, symbol, source="alive")
        await given_ticks(service, ticks(ending, 50), symbol, still=still, source="alive")
    await given_instrument(service, "never", source="alive")
    await measured(service)
    found = await symbols(database, live("stopped", "dead", "alive", moment=now()))
    assert {name: (each.state, each.reason) for name, each in found.items()} == {
        "frozen": ("frozen", "the same prices and sizes again and again"),
        "missing": ("gap", "nothing comes, though its bot is at work"),
        "stopped": ("silent", "its bot was stopped"),
        "dead": ("silent", "its bot is silent"),
        "never": ("unknown", "no snapshot was recorded"),
        "moving": ("ok", ""),
    }
    assert list(found)[:2] == ["frozen", "missing"]
    assert found["missing"].gaps == 1  # it goes on
    assert 300 <= (found["missing"].longest_gap_seconds or 0) < 360
    page = await asked_with(database, data_quality.READ, live("alive", moment=now()), state="troubled")
    assert [each.symbol for each in page.items] == ["frozen", "missing"]
    assert (page.summary.frozen, page.summary.gap, page.summary.ok, page.summary.unknown) == (1, 1, 1, 1)


SATURDAY = MOMENT + DAY


@pytest.mark.parametrize("status", ["running", "stopped"])
async def test_a_closed_market_is_neither_silent_nor_frozen_nor_incomplete(
    service: Database, database: Database, status: str
) -> None:
    await given_account(service)
    await given_heartbeat(service, SATURDAY, status=status, interval_seconds=60)
    await given_instrument(service, calendar="XNYS")
    # Friday's session ends at 21:00 UTC; from then on the same book is told again and again, and then nothing.
    close = MOMENT.replace(hour=21)
    await given_ticks(service, ticks(close - SECOND, 1200))
    await given_ticks(service, ticks(close + 30 * MINUTE, 500), still=True)
    async with service.scoped() as connection:  # rows of tomorrow are learned now
        await connection.execute("UPDATE market_snapshots SET recorded_at = least(recorded_at, clock_timestamp())")
    await measured(service)
    found = (await symbols(database, past(SATURDAY, window="1W")))["X"]
    assert (found.state, found.reason) == ("closed", "the exchange is closed")
    assert (found.received, found.gaps, found.frozen_seconds) == (1200, 0, 0)
    assert found.completeness == pytest.approx(1, abs=0.01)


async def test_a_snapshot_that_comes_late_is_counted_in_its_hour(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service)
    start = MOMENT - 3 * HOUR
    kept = [start + place * 6 * SECOND for place in range(600)]
    await given_ticks(service, kept[:300])
    await measured(service)
    scope = past(MOMENT - 2 * HOUR, window="1h")
    before = (await symbols(database, scope))["X"]
    await given_ticks(service, kept[300:], recorded_at=now() - 2 * SECOND)
    await measured(service)
    after = (await symbols(database, scope))["X"]
    assert (before.received, after.received, after.late) == (300, 600, 300)


async def test_an_hour_that_is_not_over_is_no_part_of_the_past(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service)
    await given_ticks(service, ticks(MOMENT + HOUR - 3 * SECOND, 2400, 3 * SECOND))
    async with service.scoped() as connection:  # rows of tomorrow are learned now
        await connection.execute("UPDATE market_snapshots SET recorded_at = least(recorded_at, clock_timestamp())")
    await measured(service)
    found = (await symbols(database, past(MOMENT + 40 * MINUTE, window="6h")))["X"]
    assert (found.received, found.expected) == (1200, 1200)


async def test_as_known_then_is_answered_where_nothing_was_measured_anew_and_refused_where_it_was(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service)
    await given_instrument(service, "Y")
    for symbol in ("X", "Y"):
        await given_ticks(service, ticks(MOMENT - 3 * SECOND, 2400, 3 * SECOND), symbol)
    await measured(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE data_quality SET recorded_at = at + interval '61 minutes'")
        await connection.execute("UPDATE data_quality_progress SET looked_until = $1", MOMENT + MINUTE)
    known = MOMENT + 10 * MINUTE
    then = await symbols(database, past(MOMENT, window="6h", known_at=known))
    assert {name: (each.received, each.expected) for name, each in then.items()} == {
        "X": (2400, 2400),
        "Y": (2400, 2400),
    }
    # The hour that was just over had not been measured to its end.
    (sooner,) = {
        each.received for each in (await symbols(database, past(MOMENT, window="6h", known_at=MOMENT))).values()
    }
    assert sooner == 1200
    await given_ticks(service, [MOMENT - HOUR], "Y", revision=1, recorded_at=now() - 2 * SECOND)
    await measured(service)
    anew = await symbols(database, past(MOMENT, window="6h", known_at=known))
    assert (anew["X"].received, anew["Y"].received, anew["Y"].gaps, anew["Y"].completeness) == (2400, None, None, None)
    assert (await symbols(database, past(MOMENT, window="6h")))["Y"].repeated == 1


async def test_replays_are_not_measured_and_an_unknown_calendar_is_not_guessed(
    service: Database, database: Database
) -> None:
    await given_account(service, "R", source="replay", clock="replay")
    await given_account(service, "A")
    await given_instrument(service, "R", source="replay")
    await given_instrument(service, "X", calendar="NOWHERE")
    await given_ticks(service, ticks(MOMENT, 50), "R", source="replay")
    await given_ticks(service, ticks(MOMENT, 50))
    await measured(service)
    found = await symbols(database, past(MOMENT, "A", "R", window="1h"))
    assert (found["R"].state, found["R"].received, found["R"].completeness) == ("ok", None, None)
    assert found["X"].completeness is None


async def test_a_history_that_was_filled_in_was_not_received(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service)
    filled_in = [MOMENT - HOUR + place * 5 * MINUTE for place in range(10)]
    for at in filled_in:
        await given_ticks(service, [at], recorded_at=at)
    await given_ticks(service, ticks(MOMENT - 3 * SECOND, 100))
    await measured(service)
    found = (await symbols(database, past(MOMENT, window="1h")))["X"]
    assert (found.received, found.expected, found.gaps) == (100, 100, 0)


async def test_a_second_run_finds_nothing_new_and_nothing_recorded_is_no_error(
    service: Database, database: Database
) -> None:
    await measured(service)
    assert (await asked(database, data_quality.READ, live())).items == []
    await given_account(service)
    await given_instrument(service)
    await given_ticks(service, ticks(MOMENT - HOUR, 50))
    await measured(service)
    assert (await measure_data_quality(service)).snapshots == 0
