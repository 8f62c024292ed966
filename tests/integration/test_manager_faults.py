"""What a service can do to its manager and its siblings, and what killing the manager leaves: nothing."""

import contextlib
import json
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import DEVNULL

import psutil
import pytest

from main.database.address import Address
from main.telemetry.inert import inert
from tests.integration.managers import Managed, managed
from tests.integration.processes import marked
from tests.running import fetch, until

Start = Callable[..., AbstractContextManager[Managed]]
PATIENT = {"probe_timeout": 2.0}  # where nobody hangs, a slow machine must not look as if


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"mark-{tmp_path.parent.name}-{tmp_path.name}"


@pytest.fixture
def start(address: Address, tmp_path: Path, mark: str) -> Start:
    return lambda *options, **more: managed(address, tmp_path, mark, *options, **more)


def tail(log: Path) -> str:
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 200_000))
        return file.read().decode(errors="replace")
    return ""


@pytest.mark.promise(3)
def test_a_service_that_hangs_while_it_starts_is_replaced(start: Start, tmp_path: Path) -> None:
    with start(["--stop-at-start", str(tmp_path / "once")], [], timing={"startup": 2.0}) as manager:
        after = manager.until(0, state="running", restarts=1)
        assert after["restarts_by_reason"] == {"hung": 1}
        assert "no answer within 2 s of its start" in after["restart_reason"]
        assert manager.until(1, state="running")["restarts"] == 0


@pytest.mark.promise(1)
@pytest.mark.promise(3)
def test_restarts_are_counted_by_reason(start: Start) -> None:
    with start([], [], timing=PATIENT | {"probe_timeout": 0.7}) as manager:
        manager.all_running()
        os.kill(manager.pid(0), signal.SIGSEGV)
        manager.until(0, state="running", restarts_by_reason={"killed": 1})
        os.kill(manager.pid(0), signal.SIGSTOP)
        manager.until(0, state="running", restarts_by_reason={"killed": 1, "hung": 1})
        os.kill(manager.pid(0), signal.SIGTERM)
        row = manager.until(0, state="running", restarts_by_reason={"killed": 1, "hung": 1, "crashed": 1})
        assert row["restarts"] == 3
        assert row["restart_reason"] == "ended with exit code 0"
        told = manager.metrics()
        for reason, count in {"crashed": 1, "killed": 1, "hung": 1, "asked": 0, "moved": 0}.items():
            assert f'ai_trader_service_restarts_total{{name="service-0",reason="{reason}"}} {count}.0' in told
        assert 'ai_trader_service_restarts_total{name="service-1",reason="killed"} 0.0' in told


@pytest.mark.promise(4)
@pytest.mark.parametrize("how", ["--stray", "--grandchild"])
def test_what_a_killed_service_had_started_goes_with_it(start: Start, mark: str, how: str) -> None:
    with start([how]) as manager:
        manager.all_running()
        until(lambda: len(marked(mark)) == 3, 5, "manager, service and its child")
        (child,) = [each for each in marked(mark) if each.ppid() == manager.pid()]
        os.kill(manager.pid(), signal.SIGKILL)
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5, "it is gone")
        manager.until(0, state="running", restarts=1)


@pytest.mark.promise(4)
def test_a_killed_manager_leaves_nobody_not_even_in_another_session_or_stopped_before_it_looked(
    start: Start, mark: str, tmp_path: Path
) -> None:
    with start(["--stray"], ["--stop-at-start", str(tmp_path / "once")], ["--deaf"]) as manager:
        until(lambda: [row["state"] for row in manager.services().values()].count("running") == 2, 20, "two run")
        assert manager.service(1)["state"] == "starting"
        until(lambda: len(marked(mark)) == 5, 5, "manager, three services and a stray")
        manager.process.kill()
        manager.process.wait(timeout=5)
        until(lambda: not marked(mark), 9, "nobody left")


@pytest.mark.promise(4)
def test_a_manager_killed_while_it_stops_leaves_nobody(start: Start, mark: str) -> None:
    with start(["--deaf", "--stray"], []) as manager:
        manager.all_running()
        manager.process.terminate()
        until(lambda: manager.service(0).get("state") == "stopping", 3, "it stops")
        manager.process.kill()
        manager.process.wait(timeout=5)
        until(lambda: not marked(mark), 9, "nobody left")


@pytest.mark.promise(4)
def test_a_killed_sentinel_is_replaced(start: Start, mark: str) -> None:
    with start([], []) as manager:
        before = manager.all_running()
        (sentinel,) = [each for each in psutil.Process(manager.process.pid).children() if "sentinel" in each.cmdline()]
        sentinel.kill()
        os.kill(before["service-1"]["pid"], signal.SIGKILL)  # at every change the manager also looks after its sentinel
        manager.until(1, state="running", restarts=1)
        os.kill(before["service-0"]["pid"], signal.SIGSTOP)
        manager.process.kill()
        manager.process.wait(timeout=5)
        until(lambda: not marked(mark), 9, "nobody left")


@pytest.mark.parametrize("words", ["words", "line"])
def test_a_service_that_floods_its_output_hurts_neither_itself_nor_its_siblings(
    start: Start, tmp_path: Path, words: str
) -> None:
    with start(["--flood", words], [], timing=PATIENT, stdout=DEVNULL) as manager:
        manager.all_running()
        before = manager.pid(1)
        os.kill(before, signal.SIGKILL)
        manager.until(1, state="running", restarts=1)
        until(lambda: "output left out" in tail(tmp_path / "logs" / "dashboards" / "service-0.log"), 20, "told")
        assert manager.service(0)["restarts"] == 0
        assert manager.service(0)["state"] == "running"
        assert psutil.Process(manager.process.pid).memory_info().rss < 75_000_000  # 60 at rest
        logs = [each.stat().st_size for each in (tmp_path / "logs" / "dashboards").glob("service-0.log*")]
        assert sum(logs) < 60_000_000


async def test_a_manager_takes_what_services_do_to_their_pipes_and_to_its_log(
    start: Start, tmp_path: Path, address: Address
) -> None:
    (tmp_path / "logs" / "dashboards").mkdir(parents=True)
    (tmp_path / "logs" / "dashboards" / "service-0.log").symlink_to("/dev/full")
    (tmp_path / "logs" / "dashboards" / "service-1.log").mkdir()
    strange = "nul \\0 escape \\x1b[31m red"
    with start(["--complain", strange], ["--close-pipes"], timing=PATIENT) as manager:
        manager.all_running()
        told = manager.service(0)["last_stderr"]
        assert told == inert("nul \0 escape \x1b[31m red")
        until(lambda: "cannot be written" in json.dumps(manager.health()["checks"]), 5, "health tells of the log")
        until(lambda: {"name": "database", "state": "ok", "detail": ""} in manager.health()["checks"], 10, "reports")
        assert [row["restarts"] for row in manager.services().values()] == [0, 0]


def test_a_log_folder_that_cannot_be_made_keeps_no_service_down(start: Start, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where a folder should be")
    with start([], timing=PATIENT) as manager:
        manager.all_running()
        assert manager.process.poll() is None


def test_a_manager_that_was_stopped_for_a_while_says_so_and_restarts_nobody(start: Start) -> None:
    with start([], [], timing={"probe_timeout": 1.0}) as manager:
        before = manager.all_running()
        assert "event loop" not in json.dumps(manager.health())
        manager.process.send_signal(signal.SIGSTOP)
        until(lambda: psutil.Process(manager.process.pid).status() == psutil.STATUS_STOPPED, 2, "it is stopped")
        assert fetch(f"http://127.0.0.1:{manager.port}/livez", timeout=2.5)[0] == 0
        manager.process.send_signal(signal.SIGCONT)
        until(lambda: "was blocked for" in json.dumps(manager.health()), 5, "it is told")
        after = manager.all_running()
        assert {name: row["pid"] for name, row in after.items()} == {name: row["pid"] for name, row in before.items()}
