"""Health: host, services, bots and feeds, live and in the past."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.errors import AccessDenied
from main.monitoring.read import LiveSource
from main.monitoring.reads import bots, database_status, feeds, host_history, service_logs, services, worker_jobs
from main.security.viewer import Viewer
from main.telemetry.log_question import LogQuestion
from main.telemetry.log_search import LogFolder
from tests.conftest import administrator
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
    insert,
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


async def test_the_database_uses_what_its_sampled_processes_take_together(
    service: Database, database: Database
) -> None:
    moment = now()
    for name, host, given in (("database", "one", {}), ("database", "two", {}), ("gone", "one", {"state": "stopped"})):
        await given_service(service, name, host=host, kind="database", **given)
    await given_service(service, "worker", host="one", kind="worker")
    sample = {"host": "one", "recorded_at": moment, "name": "postgres", "service": "database"}
    for pid, seconds, percent in ((1, 20, 50.0), (1, 10, 2.5), (2, 10, 1.3)):
        at = moment - timedelta(seconds=seconds)
        await insert(service, "process_metrics", [sample | {"pid": pid, "at": at, "cpu_percent": percent}])
    old = {"host": "two", "at": moment - 10 * MINUTE, "pid": 3, "cpu_percent": 7.0}
    await insert(service, "process_metrics", [sample | old])
    rows = {(row.service, row.host): row.cpu_share for row in await asked(database, services.READ, live())}
    assert rows[("database", "one")] == pytest.approx(0.038)
    assert {place: share for place, share in rows.items() if place != ("database", "one")} == {
        ("database", "two"): None,
        ("gone", "one"): None,
        ("worker", "one"): None,
    }


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


async def test_a_service_tells_its_restarts_by_reason_its_push_times_and_what_sharing_saved(
    service: Database, database: Database
) -> None:
    told = {"push_p50_seconds": 0.008, "push_p95_seconds": 0.031, "questions_answered": 1800, "questions_shared": 7200}
    reasons = json.dumps({"killed": 3, "hung": 1})
    await given_service(service, "trading", restarts=4, restarts_by_reason=reasons, degraded_reason="slow", **told)
    await given_service(service, "worker", kind="worker")
    busy, worker = await asked(database, services.READ, live())
    assert busy.restarts_by_reason == {"killed": 3, "hung": 1}
    assert {name: getattr(busy, name) for name in told} == told
    assert (busy.degraded_reason, worker.restarts_by_reason, worker.push_p50_seconds) == ("slow", {}, None)


async def test_a_bot_tells_what_its_process_uses(service: Database, database: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, MOMENT, recorded_at=now(), cpu_percent=12.5, rss_bytes=68_000_000)
    (row,) = await asked(database, bots.READ, live())
    assert (row.cpu_share, row.rss_bytes) == (pytest.approx(0.125), 68_000_000)


async def test_worker_jobs_are_overdue_when_they_do_not_begin_and_silent_when_nobody_speaks_of_them(
    service: Database, database: Database
) -> None:
    job = {"host": "h", "pid": 7, "every_seconds": 60.0, "limit_seconds": 30.0, "state": "waiting", "runs": 5}
    moment = now()
    failing = {"state": "failing", "failures": 2, "last_error": "no room"}
    for name, due, more in (("books", MINUTE, {}), ("host", -MINUTE, {}), ("rollups", MINUTE, failing)):
        await insert(service, "worker_jobs", [job | more | {"job": name, "next_at": moment + due}])
    found = {row.job: row for row in await asked(database, worker_jobs.READ, live())}
    assert {name: (row.condition, row.overdue, row.silent) for name, row in found.items()} == {
        "books": ("ok", False, False),
        "host": ("degraded", True, False),
        "rollups": ("degraded", False, False),
    }
    assert (found["rollups"].last_error, found["rollups"].failures, found["books"].runs) == ("no room", 2, 5)
    assert await asked(database, worker_jobs.READ, past(MOMENT)) == []


async def test_a_worker_job_that_nobody_renewed_is_silent(
    service: Database, database: Database, address: Address
) -> None:
    job = {"host": "h", "pid": 7, "every_seconds": 60.0, "limit_seconds": 30.0, "state": "waiting"}
    connection = await administrator(address)
    try:
        await connection.execute("ALTER TABLE worker_jobs DISABLE TRIGGER USER")  # it stamps what is learned
    finally:
        await connection.close()
    await insert(service, "worker_jobs", [job | {"job": "books", "recorded_at": now() - MINUTE}])
    (row,) = await asked(database, worker_jobs.READ, live())
    assert (row.condition, row.silent) == ("down", True)


async def test_logs_are_read_without_the_database_and_up_to_the_moment_asked_about(tmp_path: Path) -> None:
    lines = [{"at": (MOMENT + number * MINUTE).isoformat(), "event": f"event {number}"} for number in range(3)]
    (tmp_path / "bot.log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = LiveSource({"logs": lambda: LogFolder(tmp_path)})
    page = await service_logs.service_logs(source, live())
    assert [line.event for line in page.lines] == ["event 2", "event 1", "event 0"]
    then = await service_logs.service_logs(source, past(MOMENT + MINUTE), LogQuestion(text="EVENT"))
    assert [line.event for line in then.lines] == ["event 1", "event 0"]


def test_logs_are_for_those_who_may_see_every_account() -> None:
    service_logs.READ.allow(Viewer("all", "viewer"))
    services.READ.allow(Viewer("some", "viewer", ("A",)))
    with pytest.raises(
        AccessDenied, match="Service logs may tell of every account, and some may see only some of them"
    ):
        service_logs.READ.allow(Viewer("some", "operator", ("A",)))
