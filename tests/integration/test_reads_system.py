"""Health: host, services, bots and feeds, live and in the past."""

from datetime import timedelta

import pytest

from main.clock import now
from main.database.pool import Database
from main.monitoring.read import LiveSource
from main.monitoring.reads import bots, database_status, feeds, host_history, services
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_heartbeat,
    given_host,
    given_instrument,
    given_service,
    given_snapshots,
    live,
    past,
)

SECOND = timedelta(seconds=1)


async def test_host_history_has_the_newest_sample_and_the_windows_mean_and_maximum(
    service: Database, database: Database
) -> None:
    await given_host(service, 0.9, ending=MOMENT - DAY)
    await given_host(service, 0.2, 0.6, 0.4)
    history = await asked(database, host_history.READ, live(window="1h"))
    now_, points = history.latest, history.points
    assert (now_.host, now_.cpu, now_.memory, now_.disk, now_.at) == ("trader-01", 0.4, 0.4, 0.4, MOMENT)
    assert (now_.cpu_mean, now_.cpu_max, now_.samples) == (pytest.approx(0.4), pytest.approx(0.6), 3)
    assert [point.cpu for point in points] == pytest.approx([0.2, 0.6, 0.4])
    assert (history.cpu_limit, history.memory_limit, history.disk_limit) == (0.8, 0.8, 0.9)
    assert now_.disk_growth_bytes is None


async def test_host_history_is_bounded_however_many_samples_there_are(service: Database, database: Database) -> None:
    await given_host(service, *([0.25, 0.75] * 900), every=2 * SECOND)
    history = await asked(database, host_history.READ, live(window="1h"))
    assert 295 <= len(history.points) <= 301
    assert all(point.cpu == pytest.approx(0.5, abs=0.26) for point in history.points)


async def test_disk_growth_is_the_slope_of_the_window_and_says_when_the_limit_is_met(
    service: Database, database: Database
) -> None:
    await given_host(service, *(0.5 + step / 1000 for step in range(61)))
    sample = (await asked(database, host_history.READ, live(window="1h"))).latest
    assert sample.disk_growth_bytes == pytest.approx(1440)
    assert sample.disk_limit_seconds == pytest.approx((900 - 560) / 1440 * 86_400)
    assert sample.disk_condition == "ok"


async def test_a_machine_never_sampled_has_no_history(database: Database) -> None:
    history = await asked(database, host_history.READ, live(window="1h"))
    assert (history.latest, history.points) == (None, ())


async def test_a_service_that_does_not_renew_its_row_is_silent(service: Database, database: Database) -> None:
    await given_service(service, "trading", interval_seconds=1000.0, port=8080, cpu_percent=3.5, viewers=2)
    await given_service(service, "system", interval_seconds=0.001)
    await given_service(service, "worker", kind="worker", state="failed", last_stderr="boom")
    await given_service(service, "old", state="stopped", interval_seconds=0.001)
    rows = {row.service: row for row in await asked(database, services.READ, live())}
    assert {name: (row.condition, row.silent) for name, row in rows.items()} == {
        "trading": ("ok", False),
        "system": ("down", True),
        "worker": ("down", False),
        "old": ("unknown", False),
    }
    assert (rows["trading"].cpu_share, rows["trading"].viewers) == (pytest.approx(0.035), 2)
    assert await asked(database, services.READ, past(MOMENT)) == []


async def test_bots_tell_of_themselves_and_silence_counts_from_when_they_were_heard(
    service: Database, database: Database
) -> None:
    for name in "ABCD":
        await given_account(service, name)
    await given_heartbeat(service, MOMENT, "A", recorded_at=now(), dropped_events=2, interval_seconds=60)
    await given_heartbeat(service, MOMENT, "B", recorded_at=now() - MINUTE)
    await given_heartbeat(service, MOMENT, "C", recorded_at=now(), status="blocked", interval_seconds=60)
    rows = {row.account: row for row in await asked(database, bots.READ, live("A", "B", "C", "D"))}
    assert {name: (row.condition, row.silent) for name, row in rows.items()} == {
        "A": ("ok", False),
        "B": ("down", True),
        "C": ("degraded", False),
        "D": ("unknown", False),
    }
    assert (rows["A"].dropped_events, rows["D"].status, rows["D"].heard_at) == (2, None, None)


async def test_a_bot_whose_clock_is_ahead_is_not_silent(service: Database, database: Database) -> None:
    await given_account(service)
    moment = now()
    await given_heartbeat(service, moment - 10 * SECOND, recorded_at=moment - 30 * SECOND)
    await given_heartbeat(service, moment + 20 * SECOND, recorded_at=moment)
    (row,) = await asked(database, bots.READ, live(moment=moment))
    assert (row.silent, row.condition) == (False, "ok")


async def test_a_past_bot_is_silent_by_its_own_clock_and_a_replayed_one_never(
    service: Database, database: Database
) -> None:
    await given_account(service, "A")
    await given_account(service, "R", clock="replay")
    for name in "AR":
        await given_heartbeat(service, MOMENT - HOUR, name)
    scope = past(MOMENT - HOUR + 5 * SECOND, "A", "R")
    assert [row.condition for row in await asked(database, bots.READ, scope)] == ["ok", "ok"]
    later = await asked(database, bots.READ, past(MOMENT, "A", "R"))
    assert [row.condition for row in later] == ["down", "ok"]


async def test_feeds_count_the_last_minute_and_are_late_by_their_bots_pace(
    service: Database, database: Database
) -> None:
    moment = now()
    await given_account(service, "A", source="sim")
    await given_account(service, "B", source="kraken")
    await given_account(service, "C", source="idle")
    await given_account(service, "D", source="never")
    for name, source in (("A", "sim"), ("B", "kraken"), ("C", "idle"), ("D", "never")):
        status = "stopped" if name == "C" else "running"
        await given_heartbeat(service, moment, name, status=status, interval_seconds=60)
        await given_instrument(service, source=source)
        await given_instrument(service, "Y", source=source)
    await given_snapshots(service, *(moment - step * SECOND for step in (1, 20, 40, 70)))
    await given_snapshots(service, moment - 2 * SECOND, symbol="Y")
    await given_snapshots(service, moment - 150 * SECOND, source="kraken")
    await given_snapshots(service, moment - SECOND, source="idle")
    rows = await asked(database, feeds.READ, live("A", "B", "C", "D", moment=now()))
    states = {row.source: row for row in rows}
    assert {name: row.condition for name, row in states.items()} == {
        "sim": "ok",
        "kraken": "late",
        "idle": "idle",
        "never": "unknown",
    }
    assert states["sim"].messages_per_second == pytest.approx(4 / 60)
    assert (states["sim"].symbols, states["sim"].last_at) == (2, moment - SECOND)
    earlier = await asked(database, feeds.READ, past(moment - 30 * SECOND, "A"))
    assert (earlier[0].last_at, earlier[0].messages_per_second) == (moment - 40 * SECOND, pytest.approx(2 / 60))


async def test_the_databases_status_comes_from_the_process_itself(database: Database) -> None:
    await database.ping()
    source = LiveSource({"database": lambda: database.status})
    status = await database_status.READ.fetch(source, live())
    assert status.reachable is True
    assert status.version is not None
