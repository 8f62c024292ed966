"""Probes and metrics: what a process says of itself, and that promtool would have nothing to complain of."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from main.database.pool import DatabaseStatus
from main.security.guard import guarded
from main.security.policy import Rule, service_policy
from main.telemetry import loop_lag
from main.telemetry.loop_lag import LoopLag
from main.telemetry.metrics import MOST_SERIES, Distribution, Metrics
from main.telemetry.probes import Check, ProbeApp
from main.telemetry.process_metrics import offer_database
from main.telemetry.requests import UNLISTED, Requests
from tests.running import ROOT

OK, DEGRADED, FAILED = Check("a", "ok"), Check("b", "degraded", "database away"), Check("c", "failed", "schema too old")


async def ask(app: Any, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": method, "path": path, "headers": []}, None, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


@pytest.mark.parametrize(
    ("checks", "status", "state"),
    [
        ([], 200, "ready"),
        ([OK], 200, "ready"),
        ([OK, DEGRADED], 200, "degraded"),
        ([OK, DEGRADED, FAILED], 503, "failed"),
    ],
)
async def test_readiness_is_that_of_the_worst_check(checks: Sequence[Check], status: int, state: str) -> None:
    app = ProbeApp("bot", lambda: checks)
    for path in ("/readyz", "/health"):
        answered, _, body = await ask(app, path)
        assert (answered, json.loads(body)["state"]) == (status, state)
    details = json.loads((await ask(app, "/health"))[2])["checks"]
    assert [check["name"] for check in details] == [check.name for check in checks]
    assert b"database away" not in (await ask(app, "/readyz"))[2]


async def test_a_process_that_drains_wants_no_work_and_is_alive() -> None:
    app = ProbeApp("bot", lambda: [OK])
    app.drain()
    assert (await ask(app, "/readyz"))[0] == 503
    assert json.loads((await ask(app, "/health"))[2])["state"] == "draining"
    assert (await ask(app, "/livez"))[0] == 200


async def test_liveness_asks_nobody_and_a_check_that_breaks_is_not_ready() -> None:
    def broken() -> Sequence[Check]:
        raise OSError("no such host: db.internal")

    app = ProbeApp("bot", broken)
    assert (await ask(app, "/livez"))[0] == 200
    status, _, body = await ask(app, "/health")
    assert status == 503
    assert b"db.internal" not in body


async def test_head_answers_as_get_without_the_body_and_other_methods_and_paths_are_refused() -> None:
    app = ProbeApp("bot", status=lambda: {"pid": 7}, registry=Metrics("bot", "1").registry)
    assert app.paths == ("/livez", "/readyz", "/health", "/metrics", "/status")
    for path in app.paths:
        status, headers, body = await ask(app, path, "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) > 0
    assert json.loads((await ask(app, "/status"))[2]) == {"pid": 7}
    status, headers, _ = await ask(app, "/livez", "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert (await ask(app, "/nope"))[0] == 404
    assert (await ask(ProbeApp("bot"), "/metrics"))[0] == 404


async def test_the_server_may_start_and_stop_it() -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await ProbeApp("bot")({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def exposition(metrics: Metrics) -> str:
    status, headers, body = await ask(ProbeApp("bot", registry=metrics.registry), "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    return body.decode()


async def test_metrics_are_pulled_when_they_are_asked_for() -> None:
    counts = {("crash",): 1, ("hang",): 0}
    age: list[float | None] = [None]
    metrics = Metrics("manager", "0.1.0", "0009_security")
    metrics.counter("ai_trader_restarts_total", "Restarts by reason.", lambda: counts, ("reason",))
    metrics.gauge("ai_trader_data_age_seconds", "Age of the newest fact.", lambda: age[0])
    before = await exposition(metrics)
    counts["crash",] = 3
    age[0] = 1.5
    after = await exposition(metrics)
    assert "ai_trader_data_age_seconds " not in before.replace("# HELP ai_trader_data_age_seconds ", "").replace(
        "# TYPE ai_trader_data_age_seconds ", ""
    )
    assert 'ai_trader_restarts_total{reason="crash"} 3.0' in after
    assert "\nai_trader_data_age_seconds 1.5\n" in after
    assert re.search(
        r'ai_trader_build_info\{python="3[^"]+",schema="0009_security",service="manager",version="0.1.0"\} 1.0', after
    )
    assert "process_resident_memory_bytes" in after


async def test_a_source_that_fails_hides_no_other() -> None:
    def broken() -> float:
        raise OSError("gone")

    metrics = Metrics("bot", "1")
    metrics.gauge("ai_trader_broken", "Fails.", broken)
    metrics.gauge("ai_trader_whole", "Works.", lambda: 2)
    text = await exposition(metrics)
    assert "ai_trader_whole 2.0" in text
    assert "ai_trader_broken" not in text


async def test_labels_do_not_grow_without_end() -> None:
    metrics = Metrics("bot", "1")
    metrics.gauge("ai_trader_symbols", "One a symbol.", lambda: {(f"S{n}",): 1 for n in range(1000)}, ("symbol",))
    await exposition(metrics)
    text = await exposition(metrics)
    assert text.count("ai_trader_symbols{") == MOST_SERIES
    assert "ai_trader_metric_series_dropped_total 0.0" not in text


@pytest.mark.parametrize(
    "offer",
    [
        lambda metrics: metrics.counter("ai_trader_restarts", "x", int),
        lambda metrics: metrics.gauge("ai_trader_restarts_total", "x", int),
        lambda metrics: metrics.gauge("restarts", "x", int),
        lambda metrics: metrics.gauge("ai_trader_lag_milliseconds", "x", int),
        lambda metrics: metrics.gauge("ai_trader_cpu_percent", "x", int),
        lambda metrics: metrics.gauge("ai_trader_camelCase", "x", int),
        lambda metrics: metrics.gauge("ai_trader_helpless", "", int),
        lambda metrics: metrics.counter("ai_trader_metric_series_dropped_total", "taken", int),
    ],
)
def test_a_name_that_promtool_would_complain_of_is_refused(offer: Callable[[Metrics], None]) -> None:
    with pytest.raises(ValueError, match=r"ai_trader_|restarts"):
        offer(Metrics("bot", "1"))


async def test_the_exposition_passes_promtools_rules() -> None:
    metrics = Metrics("bot", "1")
    metrics.counter("ai_trader_restarts_total", "Restarts.", lambda: {("crash",): 1}, ("reason",))
    text = await exposition(metrics)
    families = list(text_string_to_metric_families(text))
    assert len(families) > 5
    for family in families:
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name), family.name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            assert not {"le", "quantile"} & set(sample.labels), sample.name
    assert len({family.name for family in families}) == len(families)


async def test_a_summary_tells_how_often_how_long_and_its_quantiles_where_they_are_known() -> None:
    metrics = Metrics("bot", "1")
    told: list[Distribution | None] = [None]
    metrics.summary("ai_trader_push_seconds", "Pushes.", lambda: told[0])
    metrics.summary("ai_trader_route_seconds", "Routes.", lambda: {("/x",): Distribution(2, 0.5)}, ("route",))
    assert "\nai_trader_push_seconds" not in await exposition(metrics)
    told[0] = Distribution(3, 1.5, {0.5: 0.25, 0.95: None})
    text = await exposition(metrics)
    assert '\nai_trader_push_seconds{quantile="0.5"} 0.25\n' in text
    assert "\nai_trader_push_seconds_sum 1.5\nai_trader_push_seconds_count 3.0\n" in text
    assert "0.95" not in text
    assert '\nai_trader_route_seconds_count{route="/x"} 2.0\n' in text


async def test_the_build_says_which_schema_it_needs() -> None:
    newest = max(path.stem for path in (ROOT / "sql" / "schema").glob("*.sql"))
    assert f'schema="{newest}"' in await exposition(Metrics("bot", "1"))


async def test_requests_are_counted_by_route_and_class_of_status_and_timed_also_when_they_fail() -> None:
    requests = Requests()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert requests.running == 1
        if scope["path"] == "/fails":
            raise OSError("before any answer")
        if scope["path"] == "/listed":
            scope.setdefault("state", {})["route"] = "/{name}"
        await send({"type": "http.response.start", "status": 404 if scope["path"] == "/odd" else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    counted = requests.counted(app)
    for path in ("/listed", "/listed", "/odd", "/odder"):
        await ask(counted, path)
    with pytest.raises(OSError, match="before any answer"):
        await ask(counted, "/fails")
    assert dict(requests.answers) == {
        ("/{name}", "2xx"): 2,
        (UNLISTED, "4xx"): 1,
        (UNLISTED, "2xx"): 1,
        (UNLISTED, "none"): 1,
    }
    assert {route: took.count for (route,), took in requests.durations.items()} == {"/{name}": 2, UNLISTED: 3}
    assert requests.running == 0


async def test_the_guard_names_the_route_of_a_request_and_puts_its_id_into_what_is_logged() -> None:
    requests, seen = Requests(), []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(get_contextvars()["request_id"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    served = requests.counted(guarded(app, service_policy(Rule("/control/{name}", ("GET",), "public"))))
    transport = httpx.ASGITransport(served, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/control/abc")
        await client.get("/control/abc/def")
    assert seen == [answer.headers["x-request-id"]]
    assert dict(requests.answers) == {("/control/{name}", "2xx"): 1, (UNLISTED, "4xx"): 1}
    assert "request_id" not in get_contextvars()


async def test_a_loop_that_is_held_up_is_noticed_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(loop_lag, "monotonic", lambda: clock[0])
    lag = LoopLag(every_seconds=0.001)
    assert (lag.last, lag.worst) == (None, None)
    lag.watch()
    lag.watch()
    with capture_logs() as said:
        clock[0] += 3.0
        while lag.last is None:
            await asyncio.sleep(0)
    assert (lag.last, lag.worst) == (pytest.approx(2.999), pytest.approx(2.999))
    assert [each["event"] for each in said] == ["event loop was blocked"]
    clock[0] += loop_lag.WINDOW_SECONDS + 1
    assert lag.worst is None, "what is older than a minute is forgotten"


async def test_what_is_known_of_the_pool_is_told_and_what_is_not_is_absent() -> None:
    status: list[DatabaseStatus | None] = [None]
    metrics = Metrics("trading-dashboard", "1")
    offer_database(metrics, lambda: status[0])
    assert "\nai_trader_pool" not in await exposition(metrics)
    status[0] = DatabaseStatus("db", None, None, "", None, None, 0, 0, 8, 0)
    text = await exposition(metrics)
    assert "\nai_trader_database_up" not in text
    assert "\nai_trader_pool_limit_connections 8.0\n" in text
    status[0] = DatabaseStatus("db", False, None, "gone", "18", 0.002, 3, 1, 8, 2, acquired=10, waited_seconds=0.5)
    text = await exposition(metrics)
    for line in (
        "ai_trader_database_up 0.0",
        "ai_trader_database_ping_seconds 0.002",
        "ai_trader_pool_connections 3.0",
        "ai_trader_pool_idle_connections 1.0",
        "ai_trader_pool_waiting 2.0",
        "ai_trader_pool_wait_seconds_sum 0.5",
        "ai_trader_pool_wait_seconds_count 10.0",
    ):
        assert f"\n{line}\n" in text
