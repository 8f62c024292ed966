"""Probes, status, metrics and logs of the five processes of a running suite: one behaviour, and true figures."""

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from main.telemetry.version import schema_version, version
from tests.integration.whole_suite import PROCESSES, metrics_of, until_told, whole_suite
from tests.running import Suite, fetch, until

MOST_SERIES = 600
EVERYWHERE = {
    "ai_trader_build_info",
    "ai_trader_event_loop_lag_seconds",
    "ai_trader_event_loop_worst_lag_seconds",
    "ai_trader_http_requests",
    "ai_trader_http_requests_running",
    "ai_trader_http_request_seconds",
    "ai_trader_log_events",
    "ai_trader_log_lines_lost",
    "ai_trader_metric_series_dropped",
    "process_resident_memory_bytes",
    "process_open_fds",
}
DASHBOARD = {
    "ai_trader_viewers",
    "ai_trader_database_up",
    "ai_trader_database_ping_seconds",
    "ai_trader_pool_connections",
    "ai_trader_pool_idle_connections",
    "ai_trader_pool_limit_connections",
    "ai_trader_pool_waiting",
    "ai_trader_pool_wait_seconds",
    "ai_trader_listener_connected",
    "ai_trader_listener_lag_seconds",
    "ai_trader_listener_reconnections",
    "ai_trader_questions_answered",
    "ai_trader_questions_shared",
    "ai_trader_questions_failed",
    "ai_trader_announcements",
    "ai_trader_push_seconds",
    "ai_trader_callbacks_running",
    "ai_trader_callbacks",
    "ai_trader_callback_failures",
}
OWN = {
    "trading": DASHBOARD,
    "system": DASHBOARD,
    "manager": {
        "ai_trader_service_up",
        "ai_trader_service_ready",
        "ai_trader_service_restarts",
        "ai_trader_service_probe_seconds",
        "ai_trader_service_memory_bytes",
        "ai_trader_service_cpu_ratio",
        "ai_trader_log_files_up",
    },
    "worker": {
        "ai_trader_worker_elected",
        "ai_trader_job_runs",
        "ai_trader_job_failures",
        "ai_trader_job_failing",
        "ai_trader_job_last_run_seconds",
        "ai_trader_feed_age_seconds",
        "ai_trader_bot_heartbeat_age_seconds",
        "ai_trader_alerts_open",
    },
    "bot": {
        "ai_trader_bot_up",
        "ai_trader_bot_tick_age_seconds",
        "ai_trader_recorder_queued",
        "ai_trader_recorder_spooled",
        "ai_trader_recorder_spool_bytes",
        "ai_trader_recorder_dropped",
        "ai_trader_recorder_dead_letters",
        "ai_trader_log_files_up",
    },
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    with whole_suite(tmp_path_factory.mktemp("metrics") / "suite") as suite:
        yield suite


def ask(suite: Suite, process: str, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", suite.port(process), timeout=5)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_answers_its_probes_alike(suite: Suite, process: str) -> None:
    status, headers, body = ask(suite, process, "GET", "/livez")
    name = json.loads(body)["service"]
    assert (status, json.loads(body)) == (200, {"service": name, "state": "alive"})
    assert name in {"trading-dashboard", "system-dashboard", "manager", "worker", "bot"}
    status, headers, body = ask(suite, process, "GET", "/readyz")
    assert (status, set(json.loads(body))) == (200, {"service", "state"})
    status, headers, body = ask(suite, process, "GET", "/health")
    health = json.loads(body)
    assert status == 200
    assert set(health) == {"service", "state", "uptime_seconds", "checks"}
    assert all(set(check) == {"name", "state", "detail"} for check in health["checks"])
    status, headers, body = ask(suite, process, "GET", "/status")
    assert (status, json.loads(body)["version"]) == (200, version())
    for path in ("/livez", "/readyz", "/health", "/status", "/metrics"):
        status, headers, body = ask(suite, process, "GET", path)
        kind = "text/plain" if path == "/metrics" else "application/json"
        assert headers["content-type"].startswith(kind), path
        assert (headers["x-content-type-options"], len(headers["x-request-id"])) == ("nosniff", 16), path
        head, head_headers, nothing = ask(suite, process, "HEAD", path)
        assert (head, nothing) == (200, b""), path
        assert int(head_headers["content-length"]) > 0
        refused, headers, _ = ask(suite, process, "POST", path)
        assert (refused, headers["allow"]) == (405, "GET, HEAD"), path
    assert ask(suite, process, "GET", "/livez/")[0] == 404


@pytest.mark.parametrize("process", PROCESSES)
def test_every_process_tells_what_it_should_and_no_more_than_can_be_kept(suite: Suite, process: str) -> None:
    text = until_told(suite, process, *sorted(OWN[process] - {"ai_trader_recorder_dropped"}))  # no drop: no series
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert (EVERYWHERE | OWN[process]) - set(families) == set()
    (build,) = families["ai_trader_build_info"].samples
    assert (build.labels["version"], build.labels["schema"]) == (version(), schema_version())
    samples = [sample for family in families.values() for sample in family.samples]
    assert len(samples) < MOST_SERIES
    assert len(text) < 100_000
    assert all(sample.value == sample.value for sample in samples), "no NaN: what is not known is absent"


def value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, f"{name} in\n{text}"
    return float(found[1])


def test_requests_are_counted_by_the_route_table_whatever_strangers_ask_for(suite: Suite) -> None:
    for process in PROCESSES:
        before = metrics_of(suite, process)
        for number in range(30):
            assert ask(suite, process, "GET", f"/nobody/knows/{number}")[0] == 404
        assert ask(suite, process, "POST", "/livez")[0] == 405
        after = metrics_of(suite, process)
        routes = set(re.findall(r'ai_trader_http_requests_total\{route="([^"]+)"', after))
        assert not [route for route in routes if "knows" in route]
        unlisted = 'ai_trader_http_requests_total{route="(unlisted)",status="4xx"}'
        known = value(before, unlisted) if unlisted in before else 0
        assert value(after, unlisted) == known + 31
        scraped = 'ai_trader_http_requests_total{route="/metrics",status="2xx"}'
        assert value(after, scraped) >= 1
        assert value(after, 'ai_trader_http_request_seconds_count{route="/metrics"}') == value(after, scraped)
        assert value(after, 'ai_trader_http_request_seconds_sum{route="/metrics"}') > 0
    assert ask(suite, "trading", "GET", "/api/reads/accounts")[0] == 200
    assert ask(suite, "trading", "GET", "/api/reads/nothing_such")[0] == 404
    text = metrics_of(suite, "trading")
    assert value(text, 'ai_trader_http_requests_total{route="/api/reads/{name}",status="2xx"}') == 1
    assert value(text, 'ai_trader_http_requests_total{route="/api/reads/{name}",status="4xx"}') == 1


def test_what_the_metrics_say_of_the_suite_is_so(suite: Suite) -> None:
    manager = until_told(suite, "manager", 'ai_trader_service_memory_bytes{name="worker"}')
    pids = {row["service"]: row["pid"] for row in suite.json("manager", "/status")["services"]}
    for service in ("trading-dashboard", "system-dashboard", "worker"):
        assert value(manager, f'ai_trader_service_up{{name="{service}"}}') == 1
        assert 0 < value(manager, f'ai_trader_service_probe_seconds{{name="{service}"}}') < 3
        measured = psutil.Process(pids[service]).memory_info().rss
        assert value(manager, f'ai_trader_service_memory_bytes{{name="{service}"}}') == pytest.approx(measured, rel=0.5)
    worker = until_told(suite, "worker", "ai_trader_feed_age_seconds", "ai_trader_bot_heartbeat_age_seconds")
    assert value(worker, "ai_trader_worker_elected") == 1
    aged = re.compile(r"^ai_trader_(?:feed|bot_heartbeat)_age_seconds\{.+\} (\S+)$", re.MULTILINE)
    ages = [float(age) for age in aged.findall(worker)]
    assert len(ages) >= 2
    assert all(0 <= age < 60 for age in ages)
    assert value(worker, 'ai_trader_alerts_open{severity="critical"}') == 0
    trading = metrics_of(suite, "trading")
    assert value(trading, "ai_trader_database_up") == 1
    assert value(trading, "ai_trader_listener_connected") == 1
    assert 0 < value(trading, "ai_trader_listener_lag_seconds") < 3
    assert value(trading, "ai_trader_pool_wait_seconds_count") > 0
    assert value(trading, "ai_trader_questions_answered_total") >= 1
    assert value(trading, "ai_trader_viewers") == 0
    bot = metrics_of(suite, "bot")
    assert value(bot, "ai_trader_bot_up") == 1
    assert value(bot, "ai_trader_bot_cycles_total") > 0


def test_a_dashboard_tells_the_manager_what_it_keeps_in_the_services_table(suite: Suite) -> None:
    told = suite.json("trading", "/status")
    assert {"version", "started_at", "viewers", "push_seconds", "questions"} < set(told)
    assert {"listener", "pool", "database"} < set(told)
    assert set(told["push_seconds"]) == {"p50", "p95"}
    assert told["questions"]["answered"] >= 1
    assert told["database"]["reachable"] is True
    assert told["listener"]["connected"] is True


def test_restarts_are_counted_by_their_reason_and_the_restarted_counts_from_nothing(suite: Suite) -> None:
    pids = {row["service"]: row["pid"] for row in suite.json("manager", "/status")["services"]}
    asked = 'ai_trader_http_requests_total{route="/readyz",status="2xx"}'
    assert value(metrics_of(suite, "system"), asked) > 0
    psutil.Process(pids["system-dashboard"]).kill()
    killed = 'ai_trader_service_restarts_total{name="system-dashboard",reason="killed"}'
    until(lambda: value(metrics_of(suite, "manager"), killed) == 1, 15, "counted as killed")
    restarts = re.compile(r'^ai_trader_service_restarts_total\{name="([^"]+)",.*\} (\S+)$', re.MULTILINE)
    counts = restarts.findall(metrics_of(suite, "manager"))
    assert sum(float(count) for name, count in counts if name != "system-dashboard") == 0
    until(lambda: fetch(suite.url("system", "/livez"))[0] == 200, 20, "back again")
    assert asked not in metrics_of(suite, "system")


def test_a_scrape_asks_the_database_nothing(suite: Suite) -> None:
    waited = "ai_trader_pool_wait_seconds_count"
    counted = 'ai_trader_http_request_seconds_count{route="/metrics"}'
    before = metrics_of(suite, "trading")
    for _ in range(50):
        last = metrics_of(suite, "trading")
    assert value(last, counted) - value(before, counted) == 50
    # The dashboard pings its database every two seconds or so; a scrape that asked would be seen fifty times.
    assert value(last, waited) - value(before, waited) < 25


def test_every_process_has_a_log_of_json_lines_with_ids_of_requests(suite: Suite) -> None:
    folder = suite.folder / "logs" / "dashboards"
    for name in ("manager", "trading-dashboard", "system-dashboard", "worker", "bot"):
        lines = [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()]
        assert lines, name
        assert all({"at", "level", "service", "event"} <= line.keys() for line in lines), name
        assert {line["service"] for line in lines} == {name}
    assert not [line for line in suite.said().splitlines() if line.startswith("{")], "a person reads words"
    assert Path(folder / "manager.err").read_text() == ""
