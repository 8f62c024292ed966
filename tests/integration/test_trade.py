"""The bot comes first: `trade` with its dashboards, started, killed, taken over and ended, as real processes."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from main.database.embedded import EmbeddedServer
from main.telemetry.ports import port_owner
from tests.running import Suite, fetch, until

MONITORED = ("trade", "--enable-monitoring", "--interval", "0.5")


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path / "suite")
    yield suite
    suite.stop()


def manager_pid(suite: Suite) -> int:
    return int(json.loads((suite.folder / "data" / "manager.json").read_text())["pid"])


def services(suite: Suite) -> dict[str, dict[str, object]]:
    code, body = fetch(suite.url("manager", "/status"))
    return {row["service"]: row for row in json.loads(body)["services"]} if code == 200 else {}


def all_run(suite: Suite) -> dict[str, dict[str, object]]:
    names = {"manager", "trading-dashboard", "system-dashboard", "worker", "database"}

    def ask() -> dict[str, dict[str, object]]:
        found = services(suite)
        return (
            found if set(found) == names and {row["state"] for row in found.values()} <= {"running", "degraded"} else {}
        )

    return until(ask, 60, f"all services\n{suite.said()}\n{services(suite)}")  # type: ignore[no-any-return]


def nothing_left(suite: Suite) -> bool:
    return not suite.members() and EmbeddedServer(suite.folder / "data").running() is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--feed", "simm"), 'unknown feed "simm"; did you mean "sim"?'),
        (("--strategy", "market_makr"), 'unknown strategy "market_makr"; did you mean "market_maker"?'),
        (("--broker", "papr"), 'unknown broker "papr"; did you mean "paper"?'),
        (("--trading-dashboard-only", "--system-dashboard-only"), "got both, expected one of them"),
        (("--disable-monitoring", "--system-dashboard-only"), "got --disable-monitoring too"),
        (("--trading-port", "70000"), "got 70000, expected a port from 1 to 65535"),
    ],
)
def test_what_is_misspelt_is_one_line_and_exit_code_2_and_starts_nothing(
    suite: Suite, arguments: tuple[str, ...], told: str
) -> None:
    process = (
        suite.start("trade", "--enable-monitoring", *arguments)
        if "--disable-monitoring" not in arguments
        else (suite.start("trade", *arguments))
    )
    assert process.wait(timeout=20) == 2
    assert told in suite.said()
    assert suite.said().count("\n") == 1
    assert not (suite.folder / "data" / "manager.json").exists()
    assert not suite.members()


@pytest.mark.promise(5)
def test_a_taken_port_is_named_with_its_owner_before_anything_starts(suite: Suite) -> None:
    with socket.create_server(("127.0.0.1", suite.port("trading"))):
        process = suite.start(*MONITORED)
        assert process.wait(timeout=20) == 3
    assert f"port {suite.port('trading')} is in use by" in suite.said()
    assert f"pid {os.getpid()}" in suite.said()
    assert suite.said().count("\n") == 1
    assert nothing_left(suite)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_bot_dashboards_worker_and_database_in_order(suite: Suite, number: signal.Signals) -> None:
    process = suite.start(*MONITORED)
    all_run(suite)
    until(lambda: "Trading dashboard" in suite.said() and "System dashboard" in suite.said(), 5, "both addresses")
    assert f"http://localhost:{suite.port('trading')}" in suite.said()
    assert f"http://localhost:{suite.port('system')}" in suite.said()
    process.send_signal(number)
    assert process.wait(timeout=25) == 0
    until(lambda: nothing_left(suite), 5, f"nothing left; {suite.members()}")
    assert "Traceback" not in suite.said()


@pytest.mark.promise(4)
def test_a_killed_manager_takes_its_services_along_but_never_the_bot_and_comes_back(suite: Suite) -> None:
    bot = suite.start(*MONITORED)
    before = all_run(suite)
    os.kill(manager_pid(suite), signal.SIGKILL)
    gone = [int(str(before[name]["pid"])) for name in ("trading-dashboard", "system-dashboard", "worker")]
    until(lambda: not any(psutil.pid_exists(pid) for pid in gone), 10, "the old services to end")
    after = all_run(suite)
    assert after["manager"]["pid"] != before["manager"]["pid"]
    assert bot.poll() is None
    assert fetch(suite.url("bot", "/health"))[0] == 200
    assert "the bot goes on" in suite.said()


@pytest.mark.promise(4)
def test_dashboards_outlive_a_killed_bot_and_the_next_bot_takes_them_over(suite: Suite) -> None:
    bot = suite.start(*MONITORED)
    before = all_run(suite)
    bot.kill()
    bot.wait(timeout=5)
    assert fetch(suite.url("trading", "/livez"))[0] == 200
    assert fetch(suite.url("system", "/livez"))[0] == 200
    successor = suite.start(*MONITORED)
    until(lambda: "Taking over the running dashboards" in suite.said(), 20, f"the take-over\n{suite.said()}")
    until(lambda: fetch(suite.url("bot", "/livez"))[0] == 200, 20, "the new bot")
    assert {name: row["pid"] for name, row in all_run(suite).items()} == {
        name: row["pid"] for name, row in before.items()
    }
    successor.send_signal(signal.SIGINT)
    assert successor.wait(timeout=25) == 0
    until(lambda: nothing_left(suite), 5, f"nothing left; {suite.members()}")


def test_dashboards_stopped_on_purpose_stay_down_until_they_are_started_again(suite: Suite) -> None:
    bot = suite.start(*MONITORED)
    all_run(suite)
    assert suite.start("dashboards", "stop").wait(timeout=20) == 0
    until(lambda: "The dashboards have ended; the bot goes on" in suite.said(), 5, "the bot tells")
    assert fetch(suite.url("trading", "/livez"))[0] == 0
    assert fetch(suite.url("bot", "/health"))[0] == 200
    assert suite.start("dashboards", "start").wait(timeout=60) == 0
    all_run(suite)
    bot.send_signal(signal.SIGINT)
    assert bot.wait(timeout=25) == 0
    until(lambda: nothing_left(suite), 5, f"nothing left; {suite.members()}")


def test_a_killed_embedded_database_is_brought_back_and_the_services_recover(suite: Suite) -> None:
    bot = suite.start(*MONITORED)
    before = all_run(suite)
    address = EmbeddedServer(suite.folder / "data").running()
    assert address is not None
    owner = port_owner(address.port) or ""
    os.kill(int(owner.rsplit(" ", 1)[1]), signal.SIGKILL)
    until(lambda: services(suite).get("database", {}).get("state") != "running", 10, "the loss is seen")
    after = all_run(suite)
    until(lambda: json.loads(fetch(suite.url("worker", "/status"))[1]).get("elected"), 15, "the worker at work again")
    assert bot.poll() is None
    assert {name: row["restarts"] for name, row in after.items()} == {
        name: row["restarts"] for name, row in before.items()
    }


def test_only_the_wanted_dashboard_runs(suite: Suite) -> None:
    suite.start("trade", "--system-dashboard-only")
    until(lambda: "System dashboard" in suite.said(), 60, f"the address\n{suite.said()}")
    assert "Trading dashboard" not in suite.said()
    assert set(services(suite)) == {"manager", "system-dashboard", "worker", "database"}


def test_without_monitoring_the_bot_runs_alone(suite: Suite) -> None:
    process = suite.start("trade", "--interval", "0.5")
    until(lambda: fetch(suite.url("bot", "/health"))[0] == 200, 30, f"the bot\n{suite.said()}")
    assert services(suite) == {}
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    until(lambda: nothing_left(suite), 5, "nothing left")


def test_two_copies_with_other_ports_and_folders_do_not_interfere(suite: Suite, tmp_path: Path) -> None:
    suite.start(*MONITORED)
    first = all_run(suite)
    other = Suite(tmp_path / "other")
    try:
        process = other.start(*MONITORED)
        all_run(other)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=25) == 0
        until(lambda: nothing_left(other), 5, "nothing of the second left")
    finally:
        other.stop()
    assert {name: row["pid"] for name, row in all_run(suite).items()} == {
        name: row["pid"] for name, row in first.items()
    }


@pytest.mark.promise(7)
def test_no_password_is_in_any_command_line_or_log_of_a_running_suite(suite: Suite) -> None:
    key = "canary-8f14e45fceea167a5a36dedd4bea2543"
    suite.extra["SECRET_KEY"] = key
    suite.start(*MONITORED)
    all_run(suite)
    password = EmbeddedServer(suite.folder / "data").running()
    assert password is not None
    assert password.password
    members = suite.members()
    assert len(members) >= 5
    lines = " ".join(word for member in members for word in member.cmdline())
    logs = "".join(file.read_text(errors="replace") for file in (suite.folder / "logs").rglob("*") if file.is_file())
    for secret in (key, password.password):
        assert secret not in lines
        assert secret not in logs
        assert secret not in suite.said()
        for which in ("manager", "worker", "bot"):
            for path in ("/status", "/metrics", "/health"):
                assert secret.encode() not in fetch(suite.url(which, path))[1]
