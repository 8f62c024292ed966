"""What pool, listener and leader do while the server is slow, locked, frozen, exhausted, restarted or gone."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from main.clock import boottime
from main.database.address import Address, Limits
from main.database.embedded import EmbeddedServer
from main.database.embedded_home import locate
from main.database.leader import _END, _HOLDER, ElectionTiming, Leader
from main.database.listen import Listener, ListenerTiming
from main.database.pool import Database
from main.database.postmaster import Postmaster, is_alive, wait_until_gone
from main.domain.topics import Announcement
from main.errors import ConnectionsExhausted, DatabaseError, DatabaseLocked, DatabaseTimeout, DatabaseUnreachable
from tests.integration.tcp_proxy import TcpProxy
from tests.postgres import Server
from tests.running import ROOT, Suite, fetch
from tests.running import running as running_suite

QUICK = Limits(connect_seconds=1.0, statement_seconds=0.6, pool_size=4)
FAST_ECHO = ListenerTiming(probe_seconds=0.2, echo_seconds=0.5, first_retry_seconds=0.05, longest_retry_seconds=0.2)
FAST_ELECTION = ElectionTiming(poll_seconds=0.2, proof_seconds=0.6, sure_seconds=0.8, silent_polls=6)
KEY = 4711
ACCOUNT = (
    "INSERT INTO accounts (account_id, source, broker, label, currency, mode) "
    "VALUES ($1, 's', 'b', 'l', 'USD', 'paper')"
)


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait for a condition; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


async def until_asked(ask: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """Ask until the database answers; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await ask()
            except DatabaseError:
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def opened(address: Address, **options: Any) -> AsyncIterator[Database]:
    database = Database(address, **({"role": "service"} | options))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def running(coroutine: Any) -> AsyncIterator[asyncio.Task[Any]]:
    task = asyncio.ensure_future(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answer(database: Database) -> int:
    async with database.scoped() as connection:
        return int(await connection.fetchval("SELECT 1"))


async def administrator(address: Address) -> asyncpg.Connection:
    return await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=10)


@pytest.mark.promise(8)
async def test_a_database_that_is_down_at_the_start_is_found_by_itself(
    own_server: Server, own_database: Address
) -> None:
    own_server.stop()
    told: list[bool] = []
    async with opened(replace(own_database, limits=QUICK)) as database:
        database.on_reachable(told.append)
        with pytest.raises(DatabaseUnreachable, match="database unreachable since"):
            await answer(database)
        since = database.status.since
        own_server.start()
        await until(lambda: database.status.reachable)  # without anybody asking
        assert since is not None
        assert told == [False, True]
        assert await answer(database) == 1


@pytest.mark.promise(9)
async def test_after_a_restart_of_the_server_the_very_next_question_is_answered(
    own_server: Server, own_database: Address
) -> None:
    async with opened(replace(own_database, limits=QUICK)) as database:
        assert await asyncio.gather(*(answer(database) for _ in range(4))) == [1] * 4
        own_server.stop("immediate")
        own_server.start()
        assert await answer(database) == 1


@pytest.mark.promise(10)
async def test_a_slow_query_ends_with_an_error_that_names_the_setting(each_postgres: Address) -> None:
    async with opened(replace(each_postgres, limits=QUICK)) as database:
        with pytest.raises(DatabaseTimeout, match=r"after 0\.6 s.*database\.statement_timeout"):
            async with database.scoped() as connection:
                await connection.execute("SELECT pg_sleep(30)")
        assert database.status.reachable
        assert await answer(database) == 1


@pytest.mark.promise(10)
async def test_a_locked_table_ends_the_wait_with_an_error_that_says_somebody_holds_a_lock(
    each_postgres: Address,
) -> None:
    holder = await administrator(each_postgres)
    try:
        async with opened(replace(each_postgres, limits=QUICK)) as database, holder.transaction():
            await holder.execute("LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseLocked, match=r"0\.3 s for a lock that somebody else holds"):
                await database.account_ids()
            assert database.status.reachable
    finally:
        await holder.close()


async def test_a_transaction_has_its_limits_and_leaves_none_of_them_behind(each_postgres: Address) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit", "role")
    shown = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
    async with opened(replace(each_postgres, limits=QUICK), max_size=1) as database:
        async with database.scoped() as connection:
            inside = tuple(await connection.fetchrow(shown))
        async with database._lender._pool.acquire() as connection:  # the session itself, as the next one finds it
            outside = tuple(await connection.fetchrow(shown))
    assert inside == ("600ms", "300ms", "30s", "off", "ai_trader_service")
    assert outside[:3] == ("0", "0", "0")
    assert outside[4] == "none"


async def test_a_pool_that_is_used_up_says_so_and_not_that_the_server_is_gone(each_postgres: Address) -> None:
    patient = replace(each_postgres, limits=replace(QUICK, connect_seconds=0.3))
    async with opened(patient, max_size=1, command_timeout=5) as database, database.scoped():
        with pytest.raises(DatabaseTimeout, match=r"a free connection.*database\.pool_size"):
            await answer(database)
        assert database.status.reachable is not False


@pytest.mark.promise(10)
async def test_a_frozen_server_ends_every_wait_and_is_back_soon_after_it_thaws(
    own_server: Server, own_database: Address, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(replace(own_database, limits=QUICK)) as database:
        await asyncio.gather(*(answer(database) for _ in range(4)))
        before = {connection.get_server_pid() for connection in database._lender._connections.values()}
        own_server.freeze()
        started = time.monotonic()
        storm = await asyncio.gather(*(answer(database) for _ in range(60)), return_exceptions=True)
        took = time.monotonic() - started
        assert all(isinstance(each, DatabaseUnreachable) for each in storm), set(map(repr, storm))
        assert took < 6
        assert database.status.reachable is False
        own_server.thaw()
        await until(lambda: database.status.reachable, 5)
        assert await asyncio.gather(*(answer(database) for _ in range(4))) == [1] * 4
        after = {connection.get_server_pid() for connection in database._lender._connections.values()}
        assert not before & after
    assert "active transaction" not in caplog.text


async def test_a_storm_of_callers_on_a_frozen_server_makes_one_connection_at_a_time(own_database: Address) -> None:
    with TcpProxy(own_database) as proxy:
        async with opened(replace(proxy.address, limits=QUICK)) as database:
            await answer(database)
            proxy.freeze()
            await asyncio.gather(*(answer(database) for _ in range(100)), return_exceptions=True)
            made = proxy.accepted
            await asyncio.gather(*(answer(database) for _ in range(100)), return_exceptions=True)
            assert proxy.accepted - made <= 3
            proxy.freeze(False)
            await until(lambda: database.status.reachable, 5)


async def test_who_is_cancelled_at_any_moment_leaves_no_transaction_behind(
    own_database: Address, caplog: pytest.LogCaptureFixture
) -> None:
    """The log line "Resetting connection with an active transaction" told of a BEGIN that was cancelled too late."""
    patient = replace(own_database, limits=Limits(connect_seconds=10))  # a connect is made for each cancellation
    async with opened(patient, max_size=2) as database:
        for turn in range(60):
            for way in (database.scoped, database.transaction):

                async def use(way: Any = way) -> None:
                    async with way() as connection:
                        await connection.fetchval("SELECT pg_sleep(0.001)")

                task = asyncio.create_task(use())
                for _ in range(turn // 2):
                    await asyncio.sleep(0)
                if turn % 4 == 3:
                    await asyncio.sleep(0.0005 * (turn % 7))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        assert await answer(database) == 1
        assert database.status.pool_size <= 2
    admin = await administrator(own_database)
    assert await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'") == 0
    await admin.close()
    assert "active transaction" not in caplog.text
    assert "never retrieved" not in caplog.text


@pytest.mark.promise(11)
async def test_exhausted_connections_are_told_apart_and_recovered_from(
    own_server: Server, own_database: Address
) -> None:
    admin = await administrator(own_server.address)
    await admin.execute("CREATE ROLE plain LOGIN IN ROLE ai_trader_app, ai_trader_service")
    plain = replace(own_database, user="plain", limits=QUICK)
    taken = []
    try:
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await administrator(plain))
        async with opened(plain) as database:
            with pytest.raises(ConnectionsExhausted, match=r"too many connections .*max_connections"):
                await answer(database)
            await taken.pop().close()
            assert await until_asked(lambda: answer(database)) == 1
            # It has one now and cannot get a second: whoever asks meanwhile waits for the first.
            taken += [await administrator(plain)] if len(taken) < 1 else []
            assert await asyncio.gather(*(answer(database) for _ in range(8))) == [1] * 8
            assert database.status.reachable
    finally:
        for each in taken:
            await each.close()
        await admin.execute("DROP OWNED BY plain; DROP ROLE plain")
        await admin.close()


@pytest.mark.promise(11)
async def test_a_roles_own_limit_of_connections_counts_as_exhausted_too(
    own_server: Server, own_database: Address
) -> None:
    admin = await administrator(own_server.address)
    await admin.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 1 IN ROLE ai_trader_app")
    narrow = replace(own_database, user="narrow", limits=QUICK)
    held = await administrator(narrow)
    try:
        async with opened(narrow, role="app") as database:
            with pytest.raises(ConnectionsExhausted, match="CONNECTION LIMIT"):
                await answer(database)
            assert "too many connections for role" in database.status.reason
            await held.close()
            await until(lambda: database.status.reachable)
    finally:
        await held.close()
        await admin.execute("DROP ROLE narrow")
        await admin.close()


async def test_closing_is_bounded_while_the_server_is_frozen(own_server: Server, own_database: Address) -> None:
    database = Database(replace(own_database, limits=QUICK), role="service")
    await database.open()
    await asyncio.gather(*(answer(database) for _ in range(4)))
    own_server.freeze()
    busy = asyncio.create_task(answer(database))
    await asyncio.sleep(0)
    async with asyncio.timeout(3):
        await database.close()
    own_server.thaw()
    await asyncio.gather(busy, return_exceptions=True)


def test_the_last_user_of_a_frozen_embedded_server_leaves_in_bounded_time_and_it_ends_when_it_thaws(
    run_dir: Path,
) -> None:
    folder = run_dir / "frozen"
    lease = EmbeddedServer(folder, durable=False).acquire()
    postmaster = Postmaster.find(locate(folder).cluster)
    assert postmaster is not None
    processes = [postmaster.process, *postmaster.process.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        started = time.monotonic()
        lease.release()
        assert time.monotonic() - started < 3
        assert is_alive(postmaster.process)
    finally:
        for process in processes:
            process.resume()
    assert wait_until_gone(postmaster.process, 20)


def documented() -> dict[str, int]:
    """What docs/database.md grants each application name of one dashboard process."""
    text = (ROOT / "docs" / "database.md").read_text()
    granted = {}
    for names, most in re.findall(r"^\| each dashboard \| (.+?) \| (\w+) \|", text, re.MULTILINE):
        for name in re.findall(r"`(.+?)`", names):
            granted[name] = Limits().pool_size if most == "pool_size" else int(most)
    return granted


@pytest.mark.promise(11)
def test_a_dashboard_process_keeps_to_the_documented_budget_of_connections(each_template: Any, tmp_path: Path) -> None:
    server, template = each_template
    suite = Suite(tmp_path, {"DATABASE_URL": replace(server, database=template).dsn})
    seen: dict[str, int] = {}

    async def count(stop: asyncio.Event) -> None:
        admin = await administrator(server)
        while not stop.is_set():
            for name, number in await admin.fetch(
                "SELECT application_name, count(*) FROM pg_stat_activity "
                "WHERE datname = $1 AND application_name LIKE 'ai-trader%' GROUP BY 1",
                template,
            ):
                seen[name] = max(seen.get(name, 0), number)
            await asyncio.sleep(0.02)
        await admin.close()

    async def besiege() -> None:
        stop = asyncio.Event()
        counting = asyncio.create_task(count(stop))
        reads = ("equity", "accounts", "positions", "account_summary", "services", "daily_pnl", "feeds", "open_alerts")
        for _ in range(3):
            asked = (asyncio.to_thread(fetch, suite.url("trading", f"/api/reads/{read}"), 20) for read in reads * 3)
            statuses = [status for status, _ in await asyncio.gather(*asked)]
            assert statuses.count(200) >= len(reads), statuses
        stop.set()
        await counting

    with running_suite(suite, "dashboards", "run", "trading"):
        suite.wait_until_ready("trading")
        asyncio.run(besiege())
    granted = documented()
    assert seen["ai-trader trading dashboard"] >= 1
    assert seen["ai-trader listener"] == 1
    assert {name: number for name, number in seen.items() if number > granted.get(name, 0)} == {}


@contextlib.asynccontextmanager
async def listening(
    address: Address, heard: list[Announcement], gaps: list[float], timing: ListenerTiming = FAST_ECHO
) -> AsyncIterator[Listener]:
    listener = Listener(address, heard.append, lambda: gaps.append(time.monotonic()), timing)
    async with running(listener.run()):
        yield listener


@pytest.mark.promise(12)
async def test_a_listener_on_a_frozen_server_notices_and_reports_the_gap_afterwards(
    own_server: Server, own_database: Address
) -> None:
    gaps: list[float] = []
    heard: list[Announcement] = []
    async with listening(replace(own_database, limits=QUICK), heard, gaps) as listener:
        await until(lambda: listener.connected)
        assert listener.lag_seconds is not None
        assert len(gaps) == 1
        own_server.freeze()
        await until(lambda: not listener.connected, 5)
        assert listener.lag_seconds is None
        own_server.thaw()
        await until(lambda: listener.connected, 5)
        assert len(gaps) == 2
        async with opened(own_database) as database, database.scoped() as connection:
            await connection.execute(ACCOUNT, "A")
        await until(lambda: heard)


@pytest.mark.promise(12)
async def test_a_listener_whose_connection_falls_silent_notices(own_database: Address) -> None:
    gaps: list[float] = []
    with TcpProxy(own_database) as proxy:
        async with listening(replace(proxy.address, limits=QUICK), [], gaps) as listener:
            await until(lambda: listener.connected)
            proxy.freeze()
            await until(lambda: not listener.connected, 5)
            proxy.freeze(False)
            await until(lambda: len(gaps) == 2, 5)


def test_with_the_usual_timing_a_deaf_listener_is_noticed_within_five_seconds() -> None:
    usual = ListenerTiming()
    assert usual.probe_seconds + usual.echo_seconds <= 5


@pytest.mark.promise(12)
async def test_a_listener_that_only_seems_to_listen_says_so_and_reports_no_gaps(
    own_database: Address, caplog: pytest.LogCaptureFixture
) -> None:
    """A pooler in transaction mode takes LISTEN and hears nothing: as where notifications go to nobody."""
    admin = await administrator(own_database)
    await admin.execute(
        "CREATE SCHEMA deaf; CREATE FUNCTION deaf.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS 'BEGIN END'"
    )
    await admin.execute(
        f"ALTER ROLE {own_database.user} IN DATABASE {own_database.database} SET search_path = deaf, pg_catalog, public"
    )
    await admin.close()
    gaps: list[float] = []
    async with listening(own_database, [], gaps) as listener:
        await asyncio.sleep(1.5)
        assert not listener.connected
    assert gaps == []


async def test_a_server_that_accepts_and_never_answers_is_given_up(own_database: Address) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts for it
        port = silent.getsockname()[1]
        address = replace(own_database, port=port, limits=replace(QUICK, connect_seconds=0.3))
        async with listening(address, [], []) as listener, opened(address) as database:
            with pytest.raises(DatabaseUnreachable, match="does not answer in time"):
                await answer(database)
            assert not listener.connected


def candidate(address: Address, name: str = "test") -> Leader:
    async def here() -> Address:
        return address

    return Leader(KEY, here, f"{name} election", FAST_ELECTION)


async def working(_: Address) -> None:
    await asyncio.sleep(3600)


@pytest.mark.promise(9)
async def test_leadership_is_handed_over_when_the_leader_is_cut_off(own_database: Address) -> None:
    with TcpProxy(own_database) as proxy:
        first, second = candidate(replace(proxy.address, limits=QUICK)), candidate(own_database)
        async with running(first.run(working)):
            await until(lambda: first.elected)
            async with running(second.run(working)):
                proxy.freeze(both=True)  # neither side hears the other, and nobody closes the connection
                await until(lambda: second.elected, 10)
                assert not first.elected


async def test_who_is_told_to_end_while_its_work_winds_up_after_a_loss_stands_for_election_no_more(
    own_database: Address,
) -> None:
    winding_up = asyncio.Event()

    async def slow_to_end(_: Address) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            winding_up.set()
            await asyncio.sleep(1)

    with TcpProxy(own_database) as proxy:
        leader = candidate(replace(proxy.address, limits=QUICK))
        standing = asyncio.create_task(leader.run(slow_to_end))
        await until(lambda: leader.elected)
        proxy.freeze(both=True)
        await winding_up.wait()
        standing.cancel()
        await asyncio.wait({standing}, timeout=5)
        assert standing.cancelled()


async def test_the_sessions_of_a_leader_that_has_spoken_or_been_succeeded_meanwhile_are_not_ended(
    own_database: Address,
) -> None:
    leader, work = [await asyncpg.connect(**own_database.connect_arguments()) for _ in range(2)]
    await work.execute("SET application_name = 'test'")
    await leader.fetchval("SELECT pg_try_advisory_lock($1)", KEY)
    candidate = await asyncpg.connect(**own_database.connect_arguments())
    seen = await candidate.fetchrow(_HOLDER, KEY)
    assert seen is not None
    await leader.fetchval("SELECT 1")
    assert await candidate.fetchval(_END, KEY, *seen, "test") == 0
    assert await candidate.fetchval(_END, KEY, 0, seen["state_change"], "test") == 0
    assert await work.fetchval("SELECT 1") == 1
    silent = await candidate.fetchrow(_HOLDER, KEY)
    assert silent is not None
    assert await candidate.fetchval(_END, KEY, *silent, "test") == 2
    for each in (leader, work, candidate):
        each.terminate()


async def test_a_leader_whose_machine_slept_has_to_prove_itself_again_before_it_works(
    own_database: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = 0.0
    monkeypatch.setattr("main.database.leader.boottime", lambda: boottime() + slept)
    leader = candidate(own_database)
    async with running(leader.run(working)):
        await until(lambda: leader.elected)
        slept = 3600.0
        assert not leader.elected
        await until(lambda: leader.elected)


_LEADER = """
import asyncio, sys
from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.embedded_home import locate
from main.database.leader import ElectionTiming, Leader
from main.database.pool import Database
from main.database.postmaster import Postmaster, is_alive, wait_until_gone
from main.errors import AITraderError
host, port, database, user = sys.argv[1:]
address = Address(host, int(port), database, user, tls="disable")
async def here():
    return address
leader = Leader(4711, here, "test election", ElectionTiming(0.2, 0.6, 0.8, 6))
async def work(address):
    pool = Database(address, role="service", max_size=1, application_name="test", guard=leader.require)
    await pool.open()
    while True:
        try:
            async with pool.scoped() as connection:
                await connection.execute("INSERT INTO turns (who) VALUES (pg_backend_pid())")
        except AITraderError:
            pass
        await asyncio.sleep(0.02)
asyncio.run(leader.run(work))
"""


@contextlib.contextmanager
def leading_process(address: Address) -> Any:
    process = subprocess.Popen(
        [sys.executable, "-c", _LEADER, address.host, str(address.port), address.database, address.user],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PGPASSWORD": address.password or ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(5)


@pytest.mark.promise(9)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_leadership_is_handed_over_when_the_leader_is_killed_or_stopped_and_it_works_no_more(
    each_postgres: Address, number: signal.Signals
) -> None:
    admin = await administrator(each_postgres)
    await admin.execute("CREATE TABLE turns (who int); GRANT INSERT ON turns TO ai_trader_service")
    with leading_process(each_postgres) as process:
        async with asyncio.timeout(20):
            while not await admin.fetchval("SELECT count(*) FROM turns"):
                await asyncio.sleep(0.05)
        successor = candidate(each_postgres)
        async with running(successor.run(working)):
            await asyncio.sleep(0.5)
            assert not successor.elected
            process.send_signal(number)
            await until(lambda: successor.elected, 10)
            done = await admin.fetchval("SELECT count(*) FROM turns")
            if number == signal.SIGSTOP:
                assert (
                    await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test'") == 0
                )
                process.send_signal(signal.SIGCONT)
                await asyncio.sleep(1)
            assert await admin.fetchval("SELECT count(*) FROM turns") == done
            assert successor.elected
    await admin.close()


async def test_a_server_that_was_frozen_does_not_make_its_leader_look_silent(
    own_server: Server, own_database: Address
) -> None:
    first, second = candidate(own_database), candidate(own_database)
    gently = replace(FAST_ELECTION, proof_seconds=5.0)
    first._timing = gently  # it bears with the freeze, and must not be deposed for it
    async with running(first.run(working)):
        await until(lambda: first.elected)
        async with running(second.run(working)):
            await asyncio.sleep(0.6)
            own_server.freeze()
            await asyncio.sleep(2)
            assert not first.elected  # it cannot be sure any more
            own_server.thaw()
            await until(lambda: first.elected, 5)
            assert not second.elected


def test_with_the_usual_timing_a_silent_leader_is_succeeded_within_ten_seconds_and_stops_before() -> None:
    usual = ElectionTiming()
    assert usual.poll_seconds * (usual.silent_polls + 3) < 10
    assert usual.sure_seconds < usual.poll_seconds * usual.silent_polls
    assert usual.poll_seconds + usual.proof_seconds < usual.sure_seconds
