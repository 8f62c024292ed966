"""What the page of health draws from answers made by hand: errors, uptime, services, lights of pipelines and rules."""

from datetime import timedelta
from typing import Any

import pytest

from main.domain.scope import Scope
from main.monitoring.dashboards.v2.health_lights import alerts_light, pipelines_light
from main.monitoring.reads import bots, error_history, service_cpu, services, uptime
from main.monitoring.reads.error_history import ErrorHour
from main.monitoring.reads.open_alerts import OpenAlert
from main.monitoring.reads.pipelines import PipelineRun
from main.monitoring.reads.service_cpu import ServiceCpu
from main.monitoring.reads.uptime import Uptime, UptimeDay
from main.monitoring.reads.worker_jobs import JobState
from tests.drawing import NOW, bot, drawn, filled, words

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOSTILE = "<img src=x onerror=alert(1)>"


def hours(*counts: tuple[int, int, str | None]) -> list[ErrorHour]:
    return [ErrorHour(NOW - (len(counts) - 1 - place) * HOUR, *count) for place, count in enumerate(counts)]


def thing(kind: str, service: str, *days: tuple[int, float, float, float], label: str = "") -> Uptime:
    seen = [UptimeDay((NOW - ago * DAY).date(), up, degraded, down) for ago, up, degraded, down in days]
    known = sum(up + degraded + down for _, up, degraded, down in days)
    share = sum(up for _, up, _, _ in days) / known if known else None
    return Uptime(kind, service, label or service, share, NOW, seen)


def run(**given: Any) -> PipelineRun:
    return filled(PipelineRun, **({"newest": True, "condition": "ok", "pipeline": "books", "started_at": NOW} | given))


def nodes(drawing: Any, name: str) -> list[dict[str, Any]]:
    """The properties of every element of a drawing with a class."""
    found: list[dict[str, Any]] = []
    for part in drawing if isinstance(drawing, list) else [drawing]:
        if isinstance(part, dict):
            inner = part.get("props", part)
            if name in str(inner.get("className", "")).split():
                found.append(inner)
            found += nodes(inner.get("children"), name)
    return found


def test_errors_stand_on_warnings_and_the_worst_hour_says_what_it_was_about() -> None:
    said = f"websocket dropped {HOSTILE}\nTraceback"
    members = drawn("errors_per_hour", (error_history.READ, hours((0, 2, "slow"), (3, 1, said), (0, 0, None))))
    warnings, errors = members["figure"]["data"]
    assert (warnings["y"], errors["y"]) == ([2, 1, 0], [0, 3, 0])
    (note,) = members["figure"]["layout"]["annotations"]
    assert note["text"].startswith("websocket dropped &lt;img")
    assert "Traceback" not in note["text"]
    assert members["subtitle"] == "events of 24 h · 3 errors, 3 warnings"


def test_a_day_without_an_error_is_quiet() -> None:
    members = drawn("errors_per_hour", (error_history.READ, hours(*[(0, 0, None)] * 24)))
    assert "Quiet" in words(members)
    assert "Lines of logs do not count" in words(members)
    assert members["subtitle"] == "events of 24 h · 0 errors, 0 warnings"


def test_a_day_that_nobody_saw_is_hollow_and_trouble_is_seen_however_short() -> None:
    given = thing("database", "database", (2, 80_000.0, 0.0, 0.0), (1, 86_000.0, 0.0, 30.0), (0, 3_000.0, 600.0, 0.0))
    members = drawn("uptime", (uptime.READ, [given]))
    assert len(nodes(members, "uptime-day")) == uptime.DAYS
    assert len(nodes(members, "uptime-unseen")) == uptime.DAYS - 3
    (down,), (degraded,) = nodes(members, "uptime-down"), nodes(members, "uptime-degraded")
    assert down["style"] == {"height": "34%"}
    assert degraded["style"] == {"height": "34%"}
    assert "99.63" in words(members)
    titles = [day["title"] for day in nodes(members, "uptime-day")]
    assert titles[-1] == "20 Nov: up 50 m 00 s, degraded 10 m 00 s, not seen 23 h 00 m"
    assert titles[0].endswith("nobody looked")


def test_what_was_never_looked_at_has_no_percentage() -> None:
    members = drawn("uptime", (uptime.READ, [thing("bot", "A", (0, 0.0, 0.0, 0.0), label=HOSTILE)]))
    assert f"{HOSTILE} —" in words(members)
    assert len(nodes(members, "uptime-unseen")) == uptime.DAYS


def test_things_are_named_as_people_call_them_and_by_machine_where_there_are_several() -> None:
    rows = [
        thing("worker", "worker@one", (0, 1.0, 0.0, 0.0)),
        thing("feed", "sim", (0, 1.0, 0.0, 0.0)),
        thing("database", "database", (0, 1.0, 0.0, 0.0)),
    ]
    assert words(drawn("uptime", (uptime.READ, rows))).startswith("Database 100.00 Feed: sim 100.00 Worker 100.00")
    several = [*rows, thing("worker", "worker@two", (0, 1.0, 0.0, 0.0))]
    assert "Worker@one 100.00 Worker@two" in words(drawn("uptime", (uptime.READ, several)))


def test_services_have_their_last_hour_and_bots_of_one_process_the_same() -> None:
    states = [
        filled(services.ServiceState, service="trading-dashboard", host="h", state="running", condition="ok", pid=5),
        filled(
            services.ServiceState,
            service="database",
            host="h",
            state="running",
            condition="ok",
            cpu_share=0.038,
            restarts=0,
            restarts_by_reason={},
        ),
    ]
    states[0] = filled(
        services.ServiceState,
        **{name: getattr(states[0], name) for name in ("service", "host", "state", "condition", "pid")},
        cpu_share=0.031,
        restarts=2,
        restarts_by_reason={},
        last_stderr="first\nwebsocket closed (1006)",
    )
    courses = [
        ServiceCpu("h", "trading-dashboard", [0.01, 0.02]),
        ServiceCpu("h", "database", [0.05, 0.04]),
        ServiceCpu("h", "bot:A", [0.1, 0.2]),
    ]
    heard = [
        bot(host="h", pid=9),
        bot(account="B", label="Second", host="h", pid=9),
        bot(account="C", host="h", pid=10),
    ]
    given = ((services.READ, states), (bots.READ, heard), (service_cpu.READ, courses))
    members = drawn("health_services", *given)
    assert len(nodes(members, "sparkline")) == 4
    said = words(members)
    assert "trading dashboard Running 5" in said
    assert "websocket closed (1006)" in said
    assert "first" not in said
    assert "database Running — — 0 3.8" in said
    assert "4.0" not in said, "both pages have the share that the read has"
    assert members["subtitle"] == "4 processes · 3 bots in 2 of them · CPU over the last hour"
    assert drawn("services", *given[:2])["subtitle"].startswith("4 processes · 3 bots in 2 of them")


def test_services_have_no_past() -> None:
    past = Scope(accounts=("A",), as_of=NOW).resolved(NOW)
    assert "no past" in words(drawn("health_services", (bots.READ, [bot()]), scope=past))


@pytest.mark.parametrize(
    ("runs", "state", "word", "detail"),
    [
        ([], "unknown", "None runs", "no pipeline told of itself"),
        ([run(condition="ended")], "unknown", "None runs", "no pipeline told of itself"),
        ([run(lag_seconds=12.0, slo_seconds=60.0), run()], "ok", "2 of 2 on time", "lag 12 s of 1 m 00 s SLO"),
        ([run(condition="late"), run()], "late", "1 of 2 on time", "books"),
        ([run(condition="late"), run(condition="down", pipeline="bars")], "down", "0 of 2 on time", "books, bars"),
        ([run(condition="failed"), run(newest=False)], "down", "0 of 1 on time", "books"),
    ],
)
def test_the_light_of_the_pipelines_is_that_of_the_worst(
    runs: list[PipelineRun], state: str, word: str, detail: str
) -> None:
    light = pipelines_light(runs)
    assert (light.state, light.word, light.detail) == (state, word, detail)


def test_the_alert_engine_is_not_said_to_run_where_nothing_evaluates_rules() -> None:
    alert = filled(OpenAlert, fired_at=NOW)
    assert (alerts_light([], [alert]).state, alerts_light([], [alert]).word) == ("unknown", "Not running")
    job = filled(JobState, job="alerts", condition="ok", state="waiting", heard_at=NOW)
    assert (alerts_light([job], []).state, alerts_light([job], []).detail) == ("ok", "none firing")
    failing = filled(JobState, job="alerts", condition="degraded", state="failing", heard_at=NOW)
    assert (alerts_light([failing], [alert]).word, alerts_light([failing], [alert]).detail) == ("Failing", "1 firing")
