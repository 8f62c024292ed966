"""Probes and metrics: what a process says of itself, and that promtool would have nothing to complain of."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from main.telemetry.metrics import MOST_SERIES, Metrics
from main.telemetry.probes import Check, ProbeApp

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
