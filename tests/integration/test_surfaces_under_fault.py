"""What pages, API and sockets say while the database is away, frozen, locked or full, and how soon after it is back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import psutil
import pytest

from main.database.address import Address, Limits
from main.database.migrate import LOCK_KEY, schema_status
from main.database.pool import Database
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.stream import Greeting
from main.monitoring.dashboards.v2.backbone import Backbone
from main.monitoring.hub import PARALLEL, SLOW_PARALLEL
from main.monitoring.question import Watched
from main.monitoring.read import Answer, Read, State
from main.security.policy import dashboard_policy
from main.telemetry.probes import ProbeApp
from tests.given import given_equity, given_heartbeat
from tests.integration.tcp_proxy import TcpProxy
from tests.integration.test_api import serving
from tests.integration.test_hub import SCOPE, Cash, cash, given_account, given_cash, read_of
from tests.quiet import server, template  # noqa: F401 - a server that may be stopped and filled without harm to others

TOLD_SECONDS = 9.0
BACK_SECONDS = 10.0
PATIENT = Limits(connect_seconds=2.0, statement_seconds=4.0)
COUNT = Query(Cash, "SELECT count(*)::int AS amount FROM trading_pnl WHERE account_id = ANY($1)")


async def count(source: Fetcher, scope: Scope) -> Cash | None:
    """Number of observations: a figure of another table."""
    return await COUNT.first(source, list(scope.accounts))


async def held_up(source: Fetcher, scope: Scope) -> Cash | None:
    """A figure that takes longer than it may."""
    return await Query(Cash, "SELECT 1 AS amount FROM pg_sleep(30)").first(source)


READS = {
    "cash": read_of(cash),
    "count": replace(read_of(count, "count"), topics=frozenset({Topic.EQUITY})),
    "slow": read_of(held_up, "slow"),
}


class Nothing:
    """Nobody draws here."""

    def reads(self, panel: str) -> tuple[Read[Any], ...]:
        return (READS["cash"],)

    def encode(self, panel: str, answers: Mapping[str, Answer[Any]], scope: Scope) -> bytes:
        return b'"children":null'


@dataclass(frozen=True, slots=True)
class Surface:
    """A dashboard's parts on a database, and a client of its API."""

    backbone: Backbone
    client: httpx.AsyncClient

    def watch(self, name: str = "cash") -> Watched:
        return self.backbone.hub.watch(READS[name], SCOPE, lambda: None)

    async def get(self, path: str, seconds: float = 15) -> httpx.Response:
        async with asyncio.timeout(seconds):
            return await self.client.get(path)


@asynccontextmanager
async def surface(address: Address, limits: Limits = PATIENT) -> AsyncIterator[Surface]:
    reached = replace(address, limits=limits)
    greeting = Greeting("trading", "0", datetime.now(UTC))
    with ThreadPoolExecutor(1) as drawing:
        backbone = Backbone(lambda: nullcontext(reached), lambda same: same, Nothing(), drawing, greeting)
        await backbone.start()
        app = create_app(
            title="t",
            version="0",
            lifespan=None,
            hub=lambda: backbone.hub,
            directory=lambda: backbone.directory,
            intake=lambda: backbone.intake,
            exports=lambda: backbone.exports,
            stream=backbone.serve_socket,
            probes=ProbeApp("trading", backbone.checks),
            catalogue=lambda: READS,
        )
        protect(app, lambda: dashboard_policy(()))
        async with serving(app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=30) as client:
            yield Surface(backbone, client)
            await backbone.stop()


async def becomes(watched: Watched, state: State, seconds: float, value: Cash | None = None) -> Answer[Any]:
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = watched.answer
                if answer is not None and answer.state is state and (value is None or answer.value == value):
                    return answer
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not {state} within {seconds:g} s: {watched.answer}") from None


@pytest.mark.promise(8)
async def test_pages_are_up_while_another_process_migrates_for_long_and_migrate_when_it_has_not(
    address: Address,
) -> None:
    """The manager would take a dashboard that does not answer for hung, and end it in the middle, again and again."""
    other = await asyncpg.connect(**address.connect_arguments())
    await other.execute("DELETE FROM schema_migrations WHERE name = (SELECT max(name) FROM schema_migrations)")
    await other.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        async with asyncio.timeout(30), surface(address) as page:
            health = (await page.get("/health")).json()
            assert [(check["name"], check["state"]) for check in health["checks"]] == [
                ("database", "ok"),
                ("schema", "degraded"),
            ]
            await other.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)
            while (await page.get("/health")).json()["state"] != "ready":
                await asyncio.sleep(0.05)
            assert (await schema_status(address)).current
    finally:
        other.terminate()


@contextmanager
def gone(proxy: TcpProxy, pids: list[int]) -> Iterator[None]:
    proxy.refuse()
    yield
    proxy.accept()


@contextmanager
def frozen(proxy: TcpProxy, pids: list[int]) -> Iterator[None]:
    proxy.freeze()
    yield
    proxy.freeze(False)


@contextmanager
def stopped(proxy: TcpProxy, pids: list[int]) -> Iterator[None]:
    postmaster = psutil.Process(pids[0])
    every = [postmaster, *postmaster.children(recursive=True)]
    for process in every:
        process.suspend()
    try:
        yield
    finally:
        for process in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


FAULTS = pytest.mark.parametrize("fault", [gone, frozen, stopped], ids=["lost", "frozen", "stopped"])
Fault = Callable[[TcpProxy, list[int]], contextlib.AbstractContextManager[None]]


@pytest.fixture
async def pids(address: Address) -> list[int]:
    """The number of the server's first process."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    line = str(await connection.fetchval("SELECT pg_read_file('postmaster.pid')")).split("\n", 1)[0]
    await connection.close()
    return [int(line)]


@pytest.mark.promise(8)
async def test_down_at_start_the_pages_are_up_say_since_when_and_recover_by_themselves(
    address: Address, service: Database
) -> None:
    await given_account(service)
    await given_cash(service, 7, "1")
    with TcpProxy(address) as proxy:
        proxy.refuse()
        async with surface(proxy.address) as dashboard:
            watched = dashboard.watch()
            answer = await becomes(watched, State.UNREACHABLE, TOLD_SECONDS)
            assert answer.value is None
            assert answer.freshness.since is not None
            read = await dashboard.get("/api/reads/cash?accounts=A", 5)
            assert (read.status_code, read.json()["state"]) == (503, "unreachable")
            assert int(read.headers["retry-after"]) > 0
            assert (await dashboard.get("/livez", 2)).status_code == 200
            assert (await dashboard.get("/readyz", 2)).json()["state"] == "degraded"
            proxy.accept()
            assert (await becomes(watched, State.LIVE, BACK_SECONDS, Cash(7))).error is None


@pytest.mark.promise(9)
@pytest.mark.promise(10)
@FAULTS
async def test_last_good_values_stay_labelled_nobody_waits_long_and_ten_seconds_after_its_return_all_is_right(
    address: Address, service: Database, pids: list[int], fault: Fault
) -> None:
    await given_account(service)
    await given_cash(service, 7, "1")
    with TcpProxy(address) as proxy:
        async with surface(proxy.address) as dashboard:
            watched = dashboard.watch()
            await becomes(watched, State.LIVE, BACK_SECONDS, Cash(7))
            assert (await dashboard.get("/api/reads/cash?accounts=A")).status_code == 200
            with fault(proxy, pids):
                answer = await becomes(watched, State.UNREACHABLE, TOLD_SECONDS)
                assert answer.value == Cash(7)
                assert answer.freshness.since is not None
                documents = [(await dashboard.get("/api/reads/cash?accounts=A", 3)) for _ in range(3)]
                for read in documents:
                    assert (read.status_code, read.json()["state"]) == (200, "unreachable")
                    assert read.json()["age_seconds"] > 0
                    assert read.json()["value"] == {"amount": 7}
                asked = [dashboard.get(f"/api/reads/cash?accounts=A&range={n}D", 15) for n in (1, 2)] * 30
                assert {each.status_code for each in await asyncio.gather(*asked)} <= {200, 422, 503}
                assert dashboard.backbone.hub.running <= PARALLEL + SLOW_PARALLEL
                assert (await dashboard.get("/livez", 2)).status_code == 200
                ready = await dashboard.get("/readyz", 2)
                assert (ready.status_code, ready.json()["state"]) == (200, "degraded")
            await becomes(watched, State.LIVE, BACK_SECONDS)
            await given_cash(service, 3, "2")
            assert (await becomes(watched, State.LIVE, BACK_SECONDS, Cash(10))).error is None
            assert dashboard.backbone.hub.running <= PARALLEL + SLOW_PARALLEL


@pytest.mark.promise(10)
async def test_a_locked_table_labels_the_reads_on_it_and_no_others(address: Address, service: Database) -> None:
    await given_account(service)
    await given_cash(service, 7, "1")
    await given_heartbeat(service, datetime.now(UTC), interval_seconds=600)
    holder = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    async with surface(address, Limits(connect_seconds=2.0, statement_seconds=3.0)) as dashboard:
        money, others = dashboard.watch(), dashboard.watch("count")
        await becomes(money, State.LIVE, BACK_SECONDS, Cash(7))
        await becomes(others, State.LIVE, BACK_SECONDS, Cash(0))
        await holder.execute("BEGIN; LOCK TABLE cash_flows IN ACCESS EXCLUSIVE MODE")
        dashboard.backbone.hub.announce_all()
        labelled = asyncio.create_task(becomes(money, State.ERROR, TOLD_SECONDS, Cash(7)))
        for number in range(1, 5):
            await given_equity(service, 100, ending=datetime.now(UTC))
            dashboard.backbone.hub.announce(Announcement(Topic.EQUITY, "A"))
            await becomes(others, State.LIVE, 5, Cash(number))
        answer = await labelled
        assert answer.timed_out
        assert "lock" in answer.freshness.detail
        assert others.answer is not None
        assert others.answer.state is State.LIVE
        read = await dashboard.get("/api/reads/cash?accounts=A", 15)
        assert (read.status_code, read.json()["state"], read.json()["value"]) == (200, "error", {"amount": 7})
        await holder.execute("ROLLBACK")
        await becomes(money, State.LIVE, BACK_SECONDS, Cash(7))
    await holder.close()


@pytest.mark.promise(10)
async def test_what_takes_too_long_is_ended_by_our_limit_and_nothing_waits_behind_it(
    address: Address, service: Database
) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval_seconds=600)
    async with surface(address, Limits(connect_seconds=2.0, statement_seconds=2.0)) as dashboard:
        slow = [
            dashboard.backbone.hub.watch(READS["slow"], Scope(("A",), window), list)
            for window in ("1D", "1W", "1M", "3M")
        ]
        money = dashboard.watch()
        await becomes(money, State.LIVE, 5, Cash(0))
        await given_cash(service, 1, "1")
        await becomes(money, State.LIVE, 5, Cash(1))
        for each in slow:
            assert (await becomes(each, State.ERROR, 15)).timed_out
        read = await dashboard.get("/api/reads/slow?accounts=A&range=1Y", 15)
        assert read.status_code == 503
        assert int(read.headers["retry-after"]) > 0


@pytest.mark.promise(11)
async def test_with_every_connection_taken_pages_are_degraded_and_writes_are_503(
    address: Address, service: Database
) -> None:
    await given_account(service)
    await given_cash(service, 7, "1")
    async with surface(address) as dashboard:
        watched = dashboard.watch()
        await becomes(watched, State.LIVE, BACK_SECONDS, Cash(7))
        taken = []
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(**address.connect_arguments(), timeout=5))
        body = json.dumps({"account": "A", "balance": 1})
        answer = await dashboard.client.post("/api/balance", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        read = await dashboard.get("/api/reads/cash?accounts=A", 15)
        assert (read.status_code, read.json()["value"]) == (200, {"amount": 7})
        assert (await dashboard.get("/livez", 2)).status_code == 200
        for connection in taken:
            await connection.close()
        await becomes(watched, State.LIVE, BACK_SECONDS)
        answer = await dashboard.client.post("/api/balance", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text


@pytest.mark.promise(12)
async def test_what_was_committed_while_nobody_listened_is_shown(address: Address, service: Database) -> None:
    await given_account(service)
    async with surface(address) as dashboard:
        watched = dashboard.watch()
        await becomes(watched, State.LIVE, BACK_SECONDS, Cash(0))
        async with asyncio.timeout(BACK_SECONDS):
            while not dashboard.backbone.listener.connected:
                await asyncio.sleep(0.02)
        administrator = await asyncpg.connect(**address.connect_arguments(), timeout=5)
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name LIKE '%listener%'"
        )
        await given_cash(service, 5, "1")
        await becomes(watched, State.LIVE, BACK_SECONDS, Cash(5))
        await administrator.close()
