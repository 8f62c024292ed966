"""The worker: elected once, succeeded quickly, patient with the database."""

import asyncio
import json
import os
import signal
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import asyncpg
import pytest

from main.clock import now
from main.config import load_settings
from main.database.address import Address
from main.database.partitions import PARENTS, make_partitions_ahead
from main.database.pool import Database
from main.database.retention import HOST_ROLLUPS, SHOWN
from main.domain.scope import Scope
from main.housekeeping.duties import duties
from main.monitoring.collectors.host import HostCollector, store
from main.monitoring.dashboards.v2.navigation import SYSTEM_WINDOWS
from main.monitoring.reads.host_history import bucket_width
from main.telemetry.services import host_name
from main.worker import Worker
from tests.given import MINUTE, MOMENT
from tests.integration.processes import program
from tests.integration.tcp_proxy import TcpProxy
from tests.running import fetch, free_ports, until


def environment(address: Address, folder: Path, port: int) -> dict[str, str]:
    return {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "WORKER_PORT": str(port),
        "DASHBOARD_UPDATE_INTERVAL": "0.3",
        "AI_TRADER_DATA_DIR": str(folder / "data"),
        "AI_TRADER_LOG_DIR": str(folder / "logs"),
    }


def worker(address: Address, folder: Path, port: int, **options: Any) -> AbstractContextManager[Popen[bytes]]:
    return program(["-m", "main.worker"], environment(address, folder, port), **options)


def told(port: int) -> dict[str, Any]:
    code, body = fetch(f"http://127.0.0.1:{port}/status")
    return json.loads(body) if code == 200 else {}


def job(port: int, name: str) -> dict[str, Any]:
    return next((each for each in told(port).get("jobs", []) if each["name"] == name), {})


async def job_rows(address: Address) -> dict[str, asyncpg.Record]:
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
    try:
        return {row["job"]: row for row in await connection.fetch("SELECT * FROM worker_jobs")}
    finally:
        await connection.close()


async def written_by(address: Address, process: Popen[bytes], seconds: float) -> dict[str, asyncpg.Record]:
    """The rows of all jobs, once they are those of this worker."""
    async with asyncio.timeout(seconds):
        while True:
            rows = await job_rows(address)
            if rows and {row["pid"] for row in rows.values()} == {process.pid}:
                return rows
            await asyncio.sleep(0.1)


async def test_of_two_workers_one_works_and_is_succeeded_within_ten_seconds_when_it_is_killed(
    address: Address, tmp_path: Path
) -> None:
    ports = free_ports(2)
    with worker(address, tmp_path, ports[0]) as first, worker(address, tmp_path, ports[1]) as second:
        processes = dict(zip(ports, (first, second), strict=True))
        until(lambda: sum(bool(told(port).get("elected")) for port in ports) == 1, 15, "one elected")
        leading = next(port for port in ports if told(port).get("elected"))
        waiting = next(port for port in ports if port != leading)
        until(lambda: job(leading, "host").get("runs", 0) >= 3, 10, "three samples")
        assert job(waiting, "host")["runs"] == 0
        assert set(await written_by(address, processes[leading], 10)) == {
            each.name for each in duties(load_settings({}, env={}, cwd=tmp_path))
        }
        processes[leading].kill()
        until(lambda: told(waiting).get("elected") and job(waiting, "host")["runs"] >= 1, 10, "a successor at work")
        rows = await written_by(address, processes[waiting], 10)
        assert {row["host"] for row in rows.values()} == {host_name()}
        assert rows["retention"]["next_at"] is None or rows["retention"]["next_at"] > now() - timedelta(seconds=10)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="POSIX only")
async def test_of_two_workers_the_other_works_within_ten_seconds_when_the_leader_is_stopped_and_the_thawed_one_does_not(
    address: Address, tmp_path: Path
) -> None:
    ports = free_ports(2)
    with worker(address, tmp_path, ports[0]) as first, worker(address, tmp_path, ports[1]) as second:
        processes = dict(zip(ports, (first, second), strict=True))
        until(lambda: sum(bool(told(port).get("elected")) for port in ports) == 1, 15, "one elected")
        leading = next(port for port in ports if told(port).get("elected"))
        waiting = next(port for port in ports if port != leading)
        until(lambda: job(leading, "host").get("runs", 0) >= 3, 10, "three samples")
        processes[leading].send_signal(signal.SIGSTOP)
        try:
            until(lambda: job(waiting, "host").get("runs", 0) >= 1, 10, "a successor at work")
            await written_by(address, processes[waiting], 5)
        finally:
            processes[leading].send_signal(signal.SIGCONT)
        before = await samples(address)
        runs = job(waiting, "host")["runs"]
        until(lambda: told(leading) and not told(leading)["elected"], 5, "the thawed one knows that it was deposed")
        until(lambda: job(waiting, "host")["runs"] >= runs + 6, 10, "the successor goes on")
        # Nothing but the successor's samples came, and its rows stand.
        made = job(waiting, "host")["runs"] - runs
        assert await samples(address) - before <= made + 2  # one may have come before each of the counts
        assert {row["pid"] for row in (await job_rows(address)).values()} == {processes[waiting].pid}
        assert not told(leading)["elected"]


def test_a_leader_whose_database_falls_silent_is_succeeded_within_ten_seconds_and_ends_in_order(
    address: Address, tmp_path: Path
) -> None:
    ports = free_ports(2)
    with TcpProxy(address) as proxy, worker(proxy.address, tmp_path, ports[0]) as cut_off:
        until(lambda: job(ports[0], "host").get("runs", 0) >= 1, 20, "the first at work")
        with worker(address, tmp_path, ports[1]):
            until(lambda: told(ports[1]).get("database") == "ok", 15, "the second stands for election")
            proxy.freeze(both=True)
            until(lambda: job(ports[1], "host").get("runs", 0) >= 1, 10, "a successor at work")
            until(lambda: not told(ports[0])["elected"], 5, "the one cut off knows that it does not lead")
            cut_off.terminate()
            assert cut_off.wait(timeout=10) == 0


async def samples(address: Address) -> int:
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM system_metrics"))
    finally:
        await connection.close()


async def test_the_worker_samples_the_machine_and_announces_it(address: Address, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    heard: list[str] = []
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        await connection.add_listener("ai_trader", lambda *arguments: heard.append(arguments[3]))
        with worker(address, tmp_path, port) as process:
            until(lambda: job(port, "host").get("runs", 0) >= 3, 20, "three samples")
            await connection.execute("SET ROLE ai_trader_service")
            rows = await connection.fetch("SELECT * FROM system_metrics ORDER BY at")
            assert len(rows) >= 2
            newest = rows[-1]
            assert 0 <= newest["cpu_percent"] <= 100
            assert 0 < newest["memory_used_bytes"] < newest["memory_total_bytes"]
            assert 0 < newest["disk_used_bytes"] <= newest["disk_total_bytes"]
            assert abs((now() - newest["at"]).total_seconds()) < 10
            assert "host:" in heard
            assert fetch(f"http://127.0.0.1:{port}/readyz")[0] == 200
            code, metrics = fetch(f"http://127.0.0.1:{port}/metrics")
            assert code == 200
            assert b'ai_trader_job_runs_total{job="host"}' in metrics
            process.terminate()
            assert process.wait(timeout=10) == 0
    finally:
        await connection.close()


def test_a_worker_without_its_database_lives_says_so_and_recovers(address: Address, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    nowhere = replace(address, port=free_ports(1)[0])
    with worker(nowhere, tmp_path, port, stdout=PIPE) as process:
        until(lambda: told(port).get("database", "ok") not in ("ok", "not connected yet"), 15, "the trouble is told")
        assert fetch(f"http://127.0.0.1:{port}/livez")[0] == 200
        assert json.loads(fetch(f"http://127.0.0.1:{port}/readyz")[1])["state"] == "degraded"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert b"Traceback" not in output


async def test_a_worker_whose_connection_is_cut_is_elected_again(address: Address, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        with worker(address, tmp_path, port):
            until(lambda: job(port, "host").get("runs", 0) >= 1, 20, "a sample")
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            runs = job(port, "host")["runs"]
            until(lambda: told(port).get("elected") and job(port, "host")["runs"] > runs + 2, 10, "at work again")
    finally:
        await connection.close()


async def test_a_job_that_fails_is_named_by_its_worker_and_in_its_row_and_the_others_go_on(
    address: Address, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
    try:
        with worker(address, tmp_path, port) as process:
            until(lambda: job(port, "host").get("runs", 0) >= 1, 20, "a sample")
            await connection.execute("REVOKE INSERT ON system_metrics FROM ai_trader_service")
            until(lambda: job(port, "host").get("state") == "failing", 10, "the job fails")
            health = json.loads(fetch(f"http://127.0.0.1:{port}/health")[1])
            assert health["state"] == "degraded"
            (named,) = [each for each in health["checks"] if each["state"] == "degraded"]
            assert named["name"] == "host"
            assert "system_metrics" in named["detail"]
            async with asyncio.timeout(5):
                while (await written_by(address, process, 5))["host"]["state"] != "failing":
                    await asyncio.sleep(0.05)
            books = job(port, "books")["runs"]
            until(lambda: job(port, "books")["runs"] > books, 10, "the others go on")
            await connection.execute("GRANT INSERT ON system_metrics TO ai_trader_service")
            until(lambda: job(port, "host").get("state") != "failing", 10, "it works again")
            assert json.loads(fetch(f"http://127.0.0.1:{port}/readyz")[1])["state"] == "ready"
            assert job(port, "host")["failures"] >= 1
    finally:
        await connection.close()


async def test_partitions_are_made_ahead_and_rows_that_waited_move_over(service: Database) -> None:
    assert await make_partitions_ahead(service) == 0  # the migration made them
    assert await make_partitions_ahead(service, months=4) == 2 * len(PARENTS)  # two more months
    assert await make_partitions_ahead(service, months=4) == 0


def test_everything_that_the_health_page_asks_samples_for_is_kept() -> None:
    offered = [Scope(window=window).resolved(MOMENT).bounds() for window in SYSTEM_WINDOWS]
    lengths = [each.end - each.start for each in offered]
    assert max(length for length in lengths if bucket_width(length) < MINUTE) <= SHOWN
    assert max(lengths) <= HOST_ROLLUPS


def test_the_worker_rolls_up_and_runs_the_retention(tmp_path: Path) -> None:
    settings = load_settings({}, env={}, cwd=tmp_path)
    assert {"rollups", "retention"} <= {each.name for each in Worker(settings).jobs}


async def test_a_sample_is_stored_once(service: Database, tmp_path: Path) -> None:
    collector = HostCollector(tmp_path / "not" / "there" / "yet")
    first, second = collector.sample(), collector.sample()
    assert first.cpu_percent is None  # nothing to compare with yet
    assert second.cpu_percent is not None
    assert Path(first.disk_path) == tmp_path
    for sample in (first, second, second):
        await store(service, sample)
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT count(*) FROM system_metrics") == 2


def test_a_port_in_use_is_one_line_with_its_owner_and_exit_code_3(address: Address, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with worker(address, tmp_path, port):
        until(lambda: told(port), 15, "the first worker")
        with worker(address, tmp_path, port, stderr=PIPE) as second:
            _, errors = second.communicate(timeout=15)
            assert second.returncode == 3
            assert f"port {port} is in use by" in errors.decode()
            assert errors.decode().count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="POSIX only")
def test_a_worker_ends_when_asked_by_each_signal(address: Address, tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        (port,) = free_ports(1)
        with worker(address, tmp_path, port) as process:
            until(lambda port=port: told(port), 15, "the worker")
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
