"""The hub and the pictures on a real database: shared answers, kept promises about freshness, no lost change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.database.listen import Listener
from main.database.pool import Database
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.errors import DatabaseUnreachable
from main.monitoring.api.directory import Directory
from main.monitoring.api.pictures import PictureBook
from main.monitoring.hub import MOST_IDLE, Hub
from main.monitoring.read import Answer, LiveSource, Read, State
from tests.integration.tcp_proxy import TcpProxy

SCOPE = Scope(("A",))


@dataclass(frozen=True, slots=True)
class Cash:
    amount: int


CASH = Query(Cash, "SELECT coalesce(sum(amount), 0)::int AS amount FROM cash_flows WHERE account_id = ANY($1)")
SLOW = Query(Cash, "SELECT 1 AS amount FROM pg_sleep(0.3)")


async def cash(source: Fetcher, scope: Scope) -> Cash | None:
    """Sum of all cash flows."""
    return await CASH.first(source, list(scope.accounts))


async def slow_cash(source: Fetcher, scope: Scope) -> Cash | None:
    """The same, read before a pause, so that a commit can come while it runs."""
    answer = await cash(source, scope)
    await SLOW.first(source)
    return answer


async def broken(source: Fetcher, scope: Scope) -> None:
    """A read whose SQL is wrong."""
    await Query(Cash, "SELECT amount FROM nowhere").all(source)


def read_of(fetch: Callable[..., Any], name: str = "cash", **options: Any) -> Read[Any]:
    topics = frozenset({Topic.CASH})
    return Read(name, name, fetch, topics=topics, unit="USD", freshness=timedelta(seconds=60), **options)


async def given_account(service: Database, name: str = "A", clock: str = "wall") -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO accounts (account_id, source, broker, label, currency, mode, clock) "
            "VALUES ($1, 's', 'b', 'l', 'USD', 'paper', $2)",
            name,
            clock,
        )


async def given_heartbeat(
    service: Database, at: datetime, name: str = "A", status: str = "running", interval: float = 3, **extra: Any
) -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO bot_heartbeats (account_id, source, source_id, at, recorded_at, status, interval_seconds, "
            "cycle_count, uptime_seconds) VALUES ($1, 's', $2, $3, $4, $5, $6, 1, 1)",
            name,
            f"{at.timestamp()}",
            at,
            extra.get("recorded_at", at),
            status,
            interval,
        )


async def given_cash(service: Database, amount: int, source_id: str, name: str = "A") -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO cash_flows (account_id, source, source_id, at, kind, amount) "
            "VALUES ($1, 's', $2, now(), 'deposit', $3)",
            name,
            source_id,
            amount,
        )


async def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_hub(database: Database, live: LiveSource | None = None) -> AsyncIterator[Hub]:
    hub = Hub(database, live)
    listener = Listener(database.address, hub.announce, hub.announce_all)
    tasks = [asyncio.create_task(hub.run()), asyncio.create_task(listener.run())]
    await until(lambda: listener.connected)
    try:
        yield hub
    finally:
        for task in tasks:
            task.cancel()


async def test_a_committed_fact_reaches_a_watcher(database: Database, service: Database) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        watched = hub.watch(read_of(cash), SCOPE, lambda: None)
        await until(lambda: watched.answer is not None)
        await given_cash(service, 100, "1")
        await until(lambda: watched.answer is not None and watched.answer.value == Cash(100))
        assert watched.answer is not None
        assert watched.answer.version == 2


async def test_many_watchers_of_one_question_cost_one_query_a_change(database: Database, service: Database) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        watchers = [hub.watch(read_of(cash), SCOPE, lambda: None) for _ in range(50)]
        await until(lambda: all(w.answer is not None for w in watchers))
        before = hub.statistics.evaluated
        await given_cash(service, 1, "1")
        await until(lambda: all(w.answer is not None and w.answer.value == Cash(1) for w in watchers))
        assert hub.statistics.evaluated - before <= 2


async def test_a_change_that_is_committed_while_the_query_runs_is_not_lost(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        watched = hub.watch(read_of(slow_cash), SCOPE, lambda: None)
        await until(lambda: watched.answer is not None)
        await given_cash(service, 1, "1")
        await asyncio.sleep(0.15)  # the query that the first commit caused is in its pause now
        await given_cash(service, 2, "2")
        await until(lambda: watched.answer is not None and watched.answer.value == Cash(3))


async def test_what_takes_a_moment_is_answered_before_what_takes_long(database: Database, service: Database) -> None:
    await given_account(service)
    said: list[str] = []
    async with running_hub(database) as hub:
        long = hub.watch(read_of(slow_cash, "long"), SCOPE, lambda: said.append("long"))
        short = hub.watch(read_of(cash, "short"), SCOPE, lambda: said.append("short"))
        await until(lambda: long.answer is not None and short.answer is not None)
        for question in hub._questions.values():  # both are due at once, and who takes long has waited longer
            question.not_before = 0.0
            question.answered = float(question.read.name == "short")
        said.clear()
        hub.announce(Announcement(Topic.CASH, "A"))
        await until(lambda: len(said) == 2)
        assert said == ["short", "long"]


async def test_an_equal_answer_keeps_its_version_and_gets_a_new_age(database: Database, service: Database) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        first = await hub.ask(read_of(cash), SCOPE)
        hub.announce(Announcement(Topic.CASH, "A"))
        second = await hub.ask(read_of(cash), SCOPE)
        assert second.version == first.version
        assert second.freshness.moment > first.freshness.moment


async def test_a_broken_read_fails_alone_and_says_so(database: Database, service: Database) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        bad, good = await asyncio.gather(hub.ask(read_of(broken, "broken"), SCOPE), hub.ask(read_of(cash), SCOPE))
    assert (bad.state, bad.value) == (State.ERROR, None)
    assert "nowhere" in (bad.error or "")
    assert good.value == Cash(0)


async def test_the_last_good_value_stays_beside_since_when_the_database_is_unreachable(
    address: Address, service: Database, server: Address
) -> None:
    await given_account(service)
    await given_cash(service, 7, "1")
    database = Database(address)
    await database.open()
    async with running_hub(database) as hub:
        watched = hub.watch(read_of(cash), SCOPE, lambda: None)
        await until(lambda: watched.answer is not None)
        admin = await asyncpg.connect(**server.connect_arguments(), timeout=5)
        await admin.execute(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS false")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", address.database
        )
        hub.announce_all()
        await until(lambda: watched.answer is not None and watched.answer.state is State.UNREACHABLE)
        assert watched.answer is not None
        assert watched.answer.value == Cash(7)
        assert watched.answer.freshness.since is not None
        since = watched.answer.freshness.since
        await asyncio.sleep(1)
        assert watched.answer.freshness.since == since
        await admin.execute(f"ALTER DATABASE {address.database} ALLOW_CONNECTIONS true")
        await admin.close()
        await until(lambda: watched.answer is not None and watched.answer.state is State.LIVE, 10)
    await database.close()


async def test_who_comes_while_the_database_is_away_is_not_told_the_last_answer_as_if_it_were_live(
    database: Database, service: Database
) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval=60)
    async with running_hub(database) as hub:
        before = await hub.ask(read_of(cash), SCOPE)  # nobody watches it when the database is lost
        assert before.freshness.silent_at is not None
        hub.lost(DatabaseUnreachable("db", "it was stopped", since=datetime.now(UTC)))
        answer = hub.watch(read_of(cash), SCOPE, lambda: None).answer
    assert answer is not None
    assert (answer.state, answer.value) == (State.UNREACHABLE, before.value)
    assert answer.freshness.silent_at is None  # else a page would soon say that the bot is silent


async def test_what_the_process_knows_itself_is_told_anew_when_the_database_is_lost_and_found(
    database: Database,
) -> None:
    async def away(source: LiveSource, scope: Scope) -> bool:
        """Whether the database is away."""
        return bool(source["away"])

    known = {"away": False}
    async with running_hub(database, LiveSource({"away": lambda: known["away"]})) as hub:
        watched = hub.watch(read_of(away, source="live", about="suite"), Scope(), lambda: None)
        await until(lambda: watched.answer is not None and watched.answer.value is False)
        known["away"] = True
        hub.lost(DatabaseUnreachable("db", "it was stopped", since=datetime.now(UTC)))
        await until(lambda: watched.answer is not None and watched.answer.value is True)
        known["away"] = False
        hub.found()
        await until(lambda: watched.answer is not None and watched.answer.value is False)


@pytest.mark.parametrize(
    ("age", "state"), [(10, State.LIVE), (100, State.LATE), (300, State.STALE)], ids=["live", "late", "stale"]
)
async def test_age_decides_between_live_late_and_stale(
    database: Database, service: Database, age: int, state: State
) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval=60)
    newest = datetime.now(UTC) - timedelta(seconds=age)
    async with running_hub(database) as hub:
        answer = await hub.ask(read_of(cash, as_of=lambda _: newest), SCOPE)
    assert answer.state is state
    assert answer.as_of == newest


async def test_a_bot_that_misses_three_heartbeats_is_silent(database: Database, service: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC) - timedelta(seconds=30), interval=3)
    async with running_hub(database) as hub:
        answer = await hub.ask(read_of(cash), SCOPE)
    assert answer.state is State.SILENT
    assert "A" in answer.freshness.detail


async def test_a_watched_bot_is_called_silent_at_that_very_moment(database: Database, service: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval=0.5)
    async with running_hub(database) as hub:
        watched = hub.watch(read_of(cash), SCOPE, lambda: None)
        await until(lambda: watched.answer is not None and watched.answer.state is State.LIVE)
        await until(lambda: watched.answer is not None and watched.answer.state is State.SILENT, 5)


async def test_a_bot_that_is_heard_again_is_silent_no_longer_whatever_the_read_depends_on(
    database: Database, service: Database
) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC) - timedelta(seconds=30), interval=3)
    async with running_hub(database) as hub:
        watched = hub.watch(read_of(cash), SCOPE, lambda: None)
        await until(lambda: watched.answer is not None and watched.answer.state is State.SILENT)
        await given_heartbeat(service, datetime.now(UTC), interval=60)
        hub.announce(Announcement(Topic.HEARTBEATS, "A"))
        await until(lambda: watched.answer is not None and watched.answer.state is State.LIVE)


async def test_a_replay_lives_in_its_own_time(database: Database, service: Database) -> None:
    await given_account(service, clock="replay")
    then = datetime(2013, 3, 1, 21, tzinfo=UTC)
    await given_heartbeat(service, then, recorded_at=datetime.now(UTC))
    async with running_hub(database) as hub:
        answer = await hub.ask(read_of(cash), SCOPE)
    assert (answer.freshness.moment, answer.freshness.clock, answer.state) == (then, "replay", State.LIVE)


async def test_whoever_asks_about_ever_other_moments_does_not_fill_the_memory(database: Database) -> None:
    async def cores(source: LiveSource, scope: Scope) -> int:
        """How many processors there are."""
        return 2

    read = read_of(cores, source="live", about="suite")
    first = datetime(2026, 1, 1, tzinfo=UTC)
    most = 0
    async with running_hub(database) as hub:
        watched = hub.watch(read, SCOPE, lambda: None)
        for batch in range(25):
            moments = [first + timedelta(seconds=100 * batch + number) for number in range(100)]
            answers = await asyncio.gather(*(hub.ask(read, replace(SCOPE, as_of=moment)) for moment in moments))
            assert {answer.value for answer in answers} == {2}
            most = max(most, len(hub._questions))
        assert 100 < most <= MOST_IDLE + 100
        hub.announce_all()
        evaluated = hub.statistics.evaluated
        await until(lambda: hub.statistics.evaluated > evaluated)  # what is watched stays asked
        watched.close()


async def test_a_past_moment_is_never_called_live(database: Database, service: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval=60)
    async with running_hub(database) as hub:
        answer = await hub.ask(read_of(cash), replace(SCOPE, as_of=datetime.now(UTC)))
    assert answer.state is State.PAST


async def test_live_reads_need_no_database(server: Address) -> None:
    database = Database(replace(server, host="127.0.0.1", port=1))
    await database.open()

    async def cores(source: LiveSource, scope: Scope) -> int:
        return int(source["cores"])

    hub = Hub(database, LiveSource({"cores": lambda: 2}))
    turning = asyncio.create_task(hub.run())
    answer = await asyncio.wait_for(hub.ask(read_of(cores, source="live", about="suite"), Scope()), 5)
    assert (answer.value, answer.state) == (2, State.LIVE)
    turning.cancel()
    await database.close()


class CountingEncoder:
    def __init__(self) -> None:
        self.encoded = 0

    def asks(self, panel: str) -> tuple[tuple[Read[Any], Hashable], ...]:
        return ((read_of(cash), None),)

    def scope(self, panel: str, page: Scope) -> Scope:
        return page

    def encode(self, panel: str, answers: Mapping[str, Answer[Any]], scope: Scope) -> bytes:
        self.encoded += 1
        return b'"children":"%d"' % answers["cash"].value.amount


async def test_a_panel_is_encoded_once_for_all_its_viewers(database: Database, service: Database) -> None:
    await given_account(service)
    encoder = CountingEncoder()
    async with running_hub(database) as hub:
        with ThreadPoolExecutor(1) as workers:
            book = PictureBook(hub, encoder, workers)
            seen: list[tuple[int, bytes]] = []
            leave = [book.look("p", SCOPE, lambda p, content: seen.append((p.version, p.content))) for _ in range(20)]
            await until(lambda: len(seen) >= 20)
            await given_cash(service, 5, "1")
            await until(lambda: seen[-1] == (2, b'"children":"5"'))
            assert encoder.encoded == 2
            for end in leave:
                end()
            assert len(book) == 0


async def test_accounts_of_different_clocks_are_never_shown_together(database: Database, service: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "R", clock="replay")
    await given_heartbeat(service, datetime(2013, 3, 1, tzinfo=UTC), "R", recorded_at=datetime.now(UTC))
    directory = Directory(database)
    assert (await directory.select([], None)).accounts == ("R",)
    assert (await directory.select(["A", "R"], None)).accounts == ("A",)
    assert (await directory.select(["A"], ["R"])).accounts == ("R",)
    assert (await directory.select([], [])).accounts == ()


async def unreadable(source: LiveSource, scope: Scope) -> None:
    """A read that meets a closed file."""
    raise PermissionError("/proc is closed")


def without_time(value: object) -> datetime:
    raise ValueError("a value without a time")


@pytest.mark.parametrize(
    "read",
    [read_of(cash, as_of=without_time), read_of(unreadable, source="live")],
    ids=["the age of a value", "a live read"],
)
async def test_whatever_fails_is_answered_once_and_not_asked_for_ever(
    database: Database, service: Database, read: Read[Any]
) -> None:
    await given_account(service)
    async with running_hub(database) as hub:
        async with asyncio.timeout(5):
            answer = await hub.ask(read, SCOPE)
        assert (answer.state, answer.value) == (State.ERROR, None)
        assert hub.statistics.failed == 1


async def test_live_reads_do_not_queue_behind_a_database_that_hangs(address: Address, service: Database) -> None:
    await given_account(service)

    async def cores(source: LiveSource, scope: Scope) -> int:
        return int(source["cores"])

    with TcpProxy(address) as proxy:
        database = Database(proxy.address)
        await database.open()
        async with running_hub(database, LiveSource({"cores": lambda: 2})) as hub:
            proxy.freeze()
            hanging = [asyncio.ensure_future(hub.ask(read_of(cash), Scope((f"A{n}",)))) for n in range(5)]
            await asyncio.sleep(0.2)  # they have taken every slot
            async with asyncio.timeout(1.5):
                answer = await hub.ask(read_of(cores, "cores", source="live", about="suite"), Scope())
            assert answer.value == 2
            for each in hanging:
                each.cancel()
        proxy.freeze(False)
        await database.close()


async def test_a_listener_outlives_an_error_of_the_server(address: Address) -> None:
    administrator = await asyncpg.connect(**address.connect_arguments())
    heard: list[Announcement] = []
    # What pg_cancel_backend() does to the listener's proof of life, at a moment that a test can choose.
    await administrator.execute(
        "CREATE SCHEMA broken; CREATE FUNCTION broken.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'cancelled' USING ERRCODE = '57014'; END $$"
    )
    login = f"ALTER ROLE {address.user} IN DATABASE {address.database}"
    await administrator.execute(f"{login} SET search_path = broken, pg_catalog, public")
    listener = Listener(address, heard.append, lambda: None)
    listening = asyncio.create_task(listener.run())
    try:
        await asyncio.sleep(0.5)
        assert not listening.done()
        await administrator.execute(f"{login} RESET search_path")
        await until(lambda: listener.connected)
        async with asyncio.timeout(8):
            while not heard:
                await administrator.execute("SELECT pg_catalog.pg_notify('ai_trader', 'cash:A')")
                await asyncio.sleep(0.1)
    finally:
        listening.cancel()
        await administrator.close()
