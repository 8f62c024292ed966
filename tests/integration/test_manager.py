"""The supervisor under fire: real processes, killed, stopped and crashed."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import asyncpg
import psutil
import pytest

from main.database.address import Address
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.dashboard_manager import DashboardManager, supervise
from tests.integration.managers import CANARY, environment, stand_in
from tests.integration.processes import HERE, marked, program, status
from tests.running import fetch, free_ports, until

Manager = tuple[Popen[bytes], int, list[int]]
Start = Callable[..., AbstractContextManager[Manager]]


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return f"mark-{tmp_path.parent.name}-{tmp_path.name}"


@pytest.fixture
def start(address: Address, tmp_path: Path, mark: str) -> Start:
    @contextmanager
    def started(*options: list[str], **popen: Any) -> Iterator[Manager]:
        ports = free_ports(len(options) + 1)
        services = [
            {"name": f"service-{number}", "port": port, "argv": stand_in(port, mark, *extra)}
            for number, (port, extra) in enumerate(zip(ports[1:], options, strict=True))
        ]
        with program(
            [str(HERE / "manager_process.py"), json.dumps({"services": services})],
            environment(address, tmp_path, ports[0]),
            **popen,
        ) as manager:
            yield manager, ports[0], ports[1:]

    return started


def all_running(port: int, count: int) -> dict[str, dict[str, Any]]:
    def ask() -> dict[str, dict[str, Any]]:
        services = {name: row for name, row in status(port).items() if name.startswith("service-")}
        return services if [row["state"] for row in services.values()] == ["running"] * count else {}

    return until(ask, 20, f"{count} running services; {status(port)}")


@pytest.mark.promise(1)
def test_a_killed_service_is_back_within_five_seconds_and_its_siblings_keep_their_pids(start: Start) -> None:
    with start([], [], []) as (_, port, _ports):
        before = all_running(port, 3)
        os.kill(before["service-0"]["pid"], signal.SIGKILL)
        until(lambda: status(port)["service-0"]["pid"] != before["service-0"]["pid"], 2, "a new pid")
        after = until(
            lambda: (now := status(port)) and now["service-0"]["state"] == "running" and now,
            5,
            "it is back",
        )
        assert after["service-0"]["restarts"] == 1
        assert after["service-0"]["restart_reason"] == "killed by SIGKILL"
        assert [after[name]["pid"] for name in ("service-1", "service-2")] == [
            before[name]["pid"] for name in ("service-1", "service-2")
        ]


@pytest.mark.promise(2)
def test_five_crashes_within_a_minute_are_a_failure_with_its_last_words_while_the_others_go_on(start: Start) -> None:
    with start(["--exit", "1", "--complain", "no such table: equity"], []) as (manager, port, _):
        failed = until(lambda: (now := status(port)) and now["service-0"]["state"] == "failed" and now, 40, "failed")
        assert failed["service-0"]["restarts"] == 4
        assert "five times within a minute" in failed["service-0"]["restart_reason"]
        assert "no such table: equity" in failed["service-0"]["last_stderr"]
        assert failed["service-1"]["state"] == "running"
        assert failed["service-1"]["restarts"] == 0
        assert manager.poll() is None


@pytest.mark.promise(2)
@pytest.mark.parametrize("code", [2, 3])
def test_exit_codes_that_only_the_user_can_mend_burn_no_restarts_and_end_a_manager_left_with_nothing(
    start: Start, code: int
) -> None:
    with start(["--exit", str(code), "--complain", "dashboards.trading.port: got 0"], stdout=PIPE) as (manager, *_):
        output, _ = manager.communicate(timeout=20)
        assert manager.returncode == 1
        assert b"dashboards.trading.port: got 0" in output
        assert output.count(b'"service started"') == 1


@pytest.mark.promise(3)
def test_a_hung_service_is_replaced(start: Start) -> None:
    with start([], []) as (_, port, _ports):
        before = all_running(port, 2)
        os.kill(before["service-0"]["pid"], signal.SIGSTOP)
        after = until(
            lambda: (
                (now := status(port))
                and now["service-0"]["restarts"] == 1
                and now["service-0"]["state"] == "running"
                and now
            ),
            15,
            "a replacement",
        )
        assert "hung" in after["service-0"]["restart_reason"]
        assert not psutil.pid_exists(before["service-0"]["pid"])
        assert after["service-1"]["pid"] == before["service-1"]["pid"]


@pytest.mark.promise(4)
def test_a_killed_manager_leaves_no_orphans_grandchildren_and_hung_ones_included(start: Start, mark: str) -> None:
    with start([], ["--grandchild"], []) as (manager, port, _ports):
        services = all_running(port, 3)
        until(lambda: len(marked(mark)) == 5, 5, "manager, three services, one grandchild")
        os.kill(services["service-2"]["pid"], signal.SIGSTOP)
        manager.kill()
        manager.wait(timeout=5)
        until(lambda: not marked(mark), 9, "nobody left")


@pytest.mark.promise(6)
def test_sigterm_ends_everything_in_order_with_exit_code_0(start: Start, mark: str) -> None:
    with start([], ["--grandchild"]) as (manager, port, ports):
        all_running(port, 2)
        manager.send_signal(signal.SIGTERM)
        assert manager.wait(timeout=10) == 0
        assert not marked(mark)
        assert all(fetch(f"http://127.0.0.1:{each}/livez")[0] == 0 for each in (port, *ports))


@pytest.mark.promise(6)
def test_sigterm_also_ends_a_manager_whose_services_hang(start: Start, mark: str) -> None:
    with start([]) as (manager, port, _):
        os.kill(all_running(port, 1)["service-0"]["pid"], signal.SIGSTOP)
        manager.send_signal(signal.SIGINT)
        assert manager.wait(timeout=10) == 0
        assert not marked(mark)


@pytest.mark.promise(5)
def test_a_port_in_use_is_named_with_its_owner_and_burns_no_restarts(start: Start) -> None:
    with start([], []) as (_, port, ports):
        before = all_running(port, 2)
        os.kill(before["service-0"]["pid"], signal.SIGKILL)
        with _squatter(ports[0]):
            failed = until(
                lambda: (now := status(port)) and now["service-0"]["state"] == "failed" and now,
                10,
                "failed",
            )
            reason = failed["service-0"]["restart_reason"]
            assert f"port {ports[0]} is in use by" in reason
            assert f"pid {os.getpid()}" in reason
            assert failed["service-1"]["state"] == "running"


@pytest.mark.promise(5)
def test_the_managers_own_port_in_use_ends_it_with_one_line_and_exit_code_3(address: Address, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        argv = [str(HERE / "manager_process.py"), '{"services": []}']
        with program(argv, environment(address, tmp_path, port), stderr=PIPE, stdout=PIPE) as manager:
            _, errors = manager.communicate(timeout=15)
            assert manager.returncode == 3
            assert errors.decode().count("\n") == 1
            assert f"port {port} is in use by" in errors.decode()
            assert "MANAGER_PORT" in errors.decode()


async def test_every_service_is_written_down_and_marked_stopped_at_the_end(start: Start, address: Address) -> None:
    query = "SELECT service, kind, state, restarts, rss_bytes, probe_seconds FROM services ORDER BY service"
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        await connection.execute("SET ROLE ai_trader_service")
        with start([], []) as (manager, port, _):
            all_running(port, 2)
            deadline = 60
            rows = await connection.fetch(query)
            while [row["state"] for row in rows] != ["running"] * 3 and deadline:
                deadline -= 1
                await connection.execute("SELECT pg_sleep(0.2)")
                rows = await connection.fetch(query)
            assert [tuple(row)[:4] for row in rows] == [
                ("manager", "manager", "running", 0),
                ("service-0", "dashboard", "running", 0),
                ("service-1", "dashboard", "running", 0),
            ]
            manager.terminate()
            assert manager.wait(timeout=10) == 0
        assert [row["state"] for row in await connection.fetch(query)] == ["stopped"] * 3
    finally:
        await connection.close()


@pytest.mark.promise(7)
def test_no_secret_is_in_any_command_line_or_log(start: Start, address: Address, tmp_path: Path, mark: str) -> None:
    with start([], ["--complain", "cannot connect: postgresql://me:hunter2secret@db/x"]) as (_, port, _ports):
        all_running(port, 2)
        secrets = (CANARY, "hunter2secret", address.password or CANARY)
        processes = marked(mark)
        assert len(processes) == 3
        assert not [line for process in processes for line in process.cmdline() if CANARY in line]
        assert not [line for process in processes for line in process.cmdline() if (address.password or CANARY) in line]
        logs = "".join(file.read_text() for file in (tmp_path / "logs").rglob("*.log"))
        assert "listening, password=***" in logs
        assert not [secret for secret in secrets if secret in logs]
        assert "hunter2secret" not in (status(port)["service-1"]["last_stderr"] or "")


@contextmanager
def _squatter(port: int) -> Iterator[None]:
    """Take the port as soon as its owner has died."""

    def attempt() -> socket.socket | None:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            return None

    with until(attempt, 2, f"port {port} to be free"):
        yield


async def test_the_manager_is_used_from_a_program_with_the_databases_address(
    address: Address, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports(2)
    for name, value in environment(address, tmp_path, ports[0]).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DB_HOST")
    db_config = {
        "host": address.host,
        "port": address.port,
        "database": address.database,
        "user": address.user,
        "password": address.password,
    }
    command = ServiceCommand("service-0", "dashboard", tuple(stand_in(ports[1], mark)), "127.0.0.1", ports[1])
    manager = DashboardManager(db_config, commands=[command])
    await manager.start_all()
    try:
        (service,) = manager.status()
        assert (service.service, service.state, service.restarts) == ("service-0", "running", 0)
        assert service.pid in [process.pid for process in marked(mark)]
    finally:
        await manager.stop_all()
    assert not marked(mark)
    assert fetch(f"http://127.0.0.1:{ports[0]}/livez")[0] == 0


async def test_a_manager_told_to_stop_while_it_starts_leaves_nothing_running(
    address: Address, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = free_ports(2)
    for name, value in environment(address, tmp_path, ports[0]).items():
        monkeypatch.setenv(name, value)
    command = ServiceCommand("service-0", "dashboard", tuple(stand_in(ports[1], mark)), "127.0.0.1", ports[1])
    manager = DashboardManager(commands=[command])
    manager.stop_requested.set()
    assert await supervise(manager) == 0
    assert not marked(mark)
    assert [service.state for service in manager.status()] in ([], ["stopped"])
    assert fetch(f"http://127.0.0.1:{ports[0]}/livez")[0] == 0
