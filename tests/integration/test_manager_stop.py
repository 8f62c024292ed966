"""However the manager is told to end, and whatever the database does: ten seconds, exit code 0, nothing left."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.embedded_home import locate
from main.database.postmaster import Postmaster
from tests.integration.managers import Managed, managed
from tests.integration.processes import marked
from tests.integration.tcp_proxy import TcpProxy
from tests.running import Suite, fetch, until

Start = Callable[..., AbstractContextManager[Managed]]


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"mark-{tmp_path.parent.name}-{tmp_path.name}"


@pytest.mark.promise(6)
@pytest.mark.parametrize("trouble", [TcpProxy.freeze, TcpProxy.refuse], ids=["frozen", "gone"])
def test_sigterm_ends_a_manager_in_ten_seconds_whatever_its_database_does(
    address: Address, tmp_path: Path, mark: str, trouble: Callable[[TcpProxy], None]
) -> None:
    with TcpProxy(address) as proxy, managed(proxy.address, tmp_path, mark, [], ["--deaf"]) as manager:
        manager.all_running()
        until(lambda: {"name": "database", "state": "ok", "detail": ""} in manager.health()["checks"], 10, "reports")
        trouble(proxy)
        manager.process.terminate()
        assert manager.process.wait(timeout=10) == 0
        assert not marked(mark)


@pytest.mark.promise(6)
def test_signals_by_the_dozen_end_a_manager_as_one_does(address: Address, tmp_path: Path, mark: str) -> None:
    with managed(address, tmp_path, mark, [], []) as manager:
        manager.all_running()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) * 200:
            manager.process.send_signal(number)
            with contextlib.suppress(Exception):
                manager.process.wait(timeout=0.02)
            if manager.process.returncode is not None:
                break
        assert manager.process.wait(timeout=10) == 0
        assert not marked(mark)


@pytest.mark.promise(6)
@pytest.mark.parametrize("moment", [0.4, 0.8, 1.2])
def test_a_signal_while_the_manager_starts_leaves_nobody(
    address: Address, tmp_path: Path, mark: str, moment: float
) -> None:
    with managed(address, tmp_path, mark, [], []) as manager:
        time.sleep(moment)  # not to wait for something: whatever it is about then
        manager.process.terminate()
        assert manager.process.wait(timeout=10) in (0, -signal.SIGTERM)  # the latter: before it did anything
        assert not marked(mark)


@pytest.mark.promise(2)
def test_a_manager_with_a_service_given_up_goes_on_and_ends_with_exit_code_1(
    address: Address, tmp_path: Path, mark: str
) -> None:
    with managed(address, tmp_path, mark, ["--exit", "2", "--complain", "bad configuration"], []) as manager:
        assert manager.until(0, state="failed")["restart_reason"] == "bad configuration"
        manager.until(1, state="running")
        manager.process.terminate()
        assert manager.process.wait(timeout=10) == 1


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Suite]:
    suite = Suite(tmp_path / "suite")
    yield suite
    for process in _server(suite):
        process.resume()
    suite.stop()


@pytest.mark.promise(6)
def test_a_whole_set_ends_in_ten_seconds_with_its_embedded_database_frozen(suite: Suite) -> None:
    assert suite.start("dashboards", "start").wait(timeout=70) == 0, suite.said()
    manager = suite.json("manager", "/status")["services"][0]
    assert manager["rss_bytes"] < 60_000_000
    for process in _server(suite):
        process.suspend()
    os.kill(manager["pid"], signal.SIGTERM)
    until(lambda: not suite.members(), 10, "all to end")
    assert all(fetch(suite.url(each, "/livez"))[0] == 0 for each in ("trading", "system", "worker"))
    for process in _server(suite):
        process.resume()
    until(lambda: EmbeddedServer(suite.folder / "data").running() is None, 15, "the database ends when it can")


def _server(suite: Suite) -> list[psutil.Process]:
    """Return the embedded server and what it started, the postmaster first: then it can start no more of them."""
    postmaster = Postmaster.find(locate(suite.folder / "data").cluster)
    return [] if postmaster is None else [postmaster.process, *postmaster.process.children(recursive=True)]
