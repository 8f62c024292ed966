"""Replicas share answers over a real Redis: never an older one than is known, never another scope's, never needed."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from main.config import load_settings
from main.database.address import Address
from main.database.pool import Database
from main.database.pulse import pulse
from main.database.query import Fetcher, Query
from main.diagnosis import caching
from main.diagnosis.finding import Finding, State
from main.diagnosis.situation import Situation
from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.errors import ConfigurationError
from main.monitoring import answer_cache, redis_link
from main.monitoring.answer_cache import AnswerCache, Asked
from main.monitoring.answer_form import value_in, written
from main.monitoring.hub import Hub
from main.monitoring.read import Read, reads
from tests.conftest import administrator
from tests.given_everything import given_everything
from tests.integration.test_hub import given_account, given_cash
from tests.redis_server import HOW, RunningRedis, redis_server, running_redis
from tests.running import free_ports

KEY = "the installation's secret"
SCOPE = Scope(("A",), "All")
NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
CASH = Announcement(Topic.CASH, "A")


@dataclass(frozen=True, slots=True)
class Total:
    amount: Decimal
    flows: int


TOTAL = Query(
    Total,
    """
    WITH slow AS MATERIALIZED (SELECT pg_sleep(0.05))
    SELECT coalesce(sum(amount), 0)::numeric AS amount, count(*)::int AS flows
      FROM cash_flows, slow WHERE account_id = ANY($1)
    """,
)


RECORDED = Query(
    Total,
    """
    SELECT coalesce(sum(amount), 0)::numeric AS amount, count(*)::int AS flows
      FROM cash_flows WHERE account_id = ANY($1) AND recorded_at <= $2
    """,
)


async def total(db: Fetcher, scope: Scope) -> Total:
    """Return what was paid in, slowly."""
    (found,) = await TOTAL.all(db, list(scope.accounts))
    return found


READ = Read("total", "Total", total, frozenset({Topic.CASH}), "USD", timedelta(minutes=1))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRedis]:
    if redis_server() is None:
        pytest.skip(f"no redis server found or installable; {HOW}")
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in minutes elsewhere comes soon here; a slow machine is no reason to give up on Redis."""
    monkeypatch.setattr(answer_cache, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(redis_link, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(redis_link, "TIMEOUT_SECONDS", 5.0)
    monkeypatch.setattr(answer_cache, "COSTLY_SECONDS", 0.0)
    monkeypatch.setattr(answer_cache, "PATIENCE_SECONDS", 20.0)
    monkeypatch.setattr(answer_cache, "CLAIM_SECONDS", 20.0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def sharing(database: Database, redis: RunningRedis, key: str = KEY) -> AsyncIterator[AnswerCache]:
    cache = AnswerCache(redis.url, key)
    running = asyncio.create_task(cache.run(database))
    try:
        await until(lambda: cache.ready)
        yield cache
    finally:
        running.cancel()
        await asyncio.wait({running})
        await cache.close()


@contextlib.asynccontextmanager
async def replica(database: Database, redis: RunningRedis) -> AsyncIterator[tuple[Hub, AnswerCache]]:
    async with sharing(database, redis) as cache:
        hub = Hub(database, cache=cache)
        running = asyncio.create_task(hub.run())
        try:
            yield hub, cache
        finally:
            running.cancel()
            await asyncio.wait({running})


async def hear(cache: AnswerCache, announcement: Announcement = CASH) -> None:
    """Hear of a change, and wait until it is known when that was."""
    cache.heard(announcement)
    await until(lambda: cache.ready)


async def asks(cache: AnswerCache, answer: int, *, scope: Scope = SCOPE, moment: datetime = NOW) -> int:
    """Ask in a transaction of one's own; the answer is this one unless another's is taken."""
    stamp = await cache.stamp((READ,))
    assert stamp is not None
    return await answers(cache, stamp, answer, scope=scope, moment=moment)


async def answers(cache: AnswerCache, stamp: Any, answer: int, *, scope: Scope = SCOPE, moment: datetime = NOW) -> int:
    async def compute() -> Total:
        return Total(Decimal(answer), answer)

    before = cache.kept + cache.taken
    value, _, _ = await cache.value(Asked(READ, scope, None, moment), stamp, compute)
    with contextlib.suppress(TimeoutError):  # what is older than what is kept is not kept
        async with asyncio.timeout(1):
            while cache.kept + cache.taken == before:
                await asyncio.sleep(0.01)
    return int(value.flows)


async def test_what_one_replica_answered_another_takes(service: Database, redis: RunningRedis) -> None:
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        assert await asks(one, 1, scope=Scope(("first",))) == 1
        assert await asks(other, 2, scope=Scope(("first",))) == 1
        assert (one.kept, other.taken) == (1, 1)


async def test_an_answer_from_before_what_was_heard_here_is_not_taken(service: Database, redis: RunningRedis) -> None:
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        assert await asks(one, 1) == 1
        await hear(other)
        assert await asks(other, 2) == 2
        assert await asks(one, 3) == 2  # and what is newer serves who has not heard yet


async def test_an_answer_of_a_transaction_that_began_before_the_commit_is_not_taken_however_late_it_comes(
    service: Database, redis: RunningRedis
) -> None:
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        early = await one.stamp((READ,))  # its transaction begins, and reads nothing yet
        await hear(other)  # committed and announced; one has not heard yet
        assert await answers(one, early, 1) == 1
        assert await asks(other, 2) == 2


async def test_an_answer_from_before_announcements_may_have_been_missed_is_not_taken(
    service: Database, redis: RunningRedis
) -> None:
    scope = Scope(("missed",))
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        await asks(one, 1, scope=scope)
        other.missed()
        await until(lambda: other.ready)
        assert await asks(other, 2, scope=scope) == 2
        async with sharing(service, redis) as late:  # what was announced before it listened, it has not heard
            assert await asks(late, 3, scope=scope) == 3


async def test_the_number_is_taken_before_the_transaction_has_its_moment(
    database: Database, service: Database, redis: RunningRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def before(db: Fetcher, scope: Scope) -> Total:
        """Return what had been recorded at the moment asked about."""
        (found,) = await RECORDED.all(db, list(scope.accounts), scope.moment)
        return found

    await given_account(service)
    read = replace(READ, name="before", fetch=before)
    async with replica(database, redis) as (hub, cache):
        stamp = cache.stamp

        async def stamp_and_commit(reads: Any) -> Any:
            taken = await stamp(reads)
            await given_cash(service, 1, "1")
            return taken

        monkeypatch.setattr(cache, "stamp", stamp_and_commit)
        assert (await hub.ask(read, SCOPE)).value == Total(Decimal(1), 1)


async def test_what_is_announced_of_other_facts_and_accounts_is_no_reason_to_ask_again(
    service: Database, redis: RunningRedis
) -> None:
    scope = Scope(("quiet",))
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        assert await asks(one, 1, scope=scope) == 1
        await hear(other, Announcement(Topic.CASH, "A"))
        await hear(other, Announcement(Topic.TRADES, "quiet"))
        assert await asks(other, 2, scope=scope) == 1
        await hear(other, Announcement(Topic.CASH, None))
        assert await asks(other, 3, scope=scope) == 3


async def test_other_accounts_windows_moments_and_installations_share_nothing(
    service: Database, redis: RunningRedis
) -> None:
    scopes = [Scope(("S",)), Scope(("S", "T")), Scope(("T",)), Scope(("S",), "1W"), Scope(("S",), as_of=NOW), Scope()]
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        for number, scope in enumerate(scopes):
            await asks(one, number, scope=scope)
        assert [await asks(other, 99, scope=scope) for scope in scopes] == list(range(len(scopes)))
    async with sharing(service, redis, "another secret") as stranger:
        assert {await asks(stranger, 99, scope=scope) for scope in scopes} == {99}


@pytest.mark.parametrize("part", ["version", "views_digest"])
async def test_replicas_of_other_versions_of_the_code_share_nothing_while_one_is_brought_after_the_other(
    service: Database, redis: RunningRedis, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    scope = Scope((part,))
    async with sharing(service, redis) as one:
        await asks(one, 1, scope=scope)
        monkeypatch.setattr(answer_cache, part, lambda: "another")
        async with sharing(service, redis) as newer, sharing(service, redis) as newer_too:
            assert await asks(newer, 2, scope=scope) == 2
            assert await asks(newer_too, 3, scope=scope) == 2


async def test_an_answer_grows_old_the_past_later_than_the_present(service: Database, redis: RunningRedis) -> None:
    live, past = Scope(("old",)), Scope(("old",), as_of=NOW)
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        for scope in (live, past):
            await asks(one, 1, scope=scope)
        later = NOW + timedelta(seconds=answer_cache.LIVE_SECONDS + 1)
        assert await asks(other, 2, scope=live, moment=later) == 2
        assert await asks(other, 2, scope=past, moment=later) == 1


async def test_a_clock_that_was_lost_is_no_reason_to_take_what_is_old(service: Database, redis: RunningRedis) -> None:
    scope = Scope(("lost",))
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        await asks(one, 1, scope=scope)
        await one.link.script("redis.call('DEL', KEYS[1]) return 1", (f"{one._place}:clock",), ())
        assert await other.stamp((READ,)) is None
        await until(lambda: other.ready)
        assert await asks(other, 2, scope=scope) == 2


async def test_an_answer_is_not_left_with_a_clock_that_has_not_counted_so_far_after_a_fail_over(
    service: Database, redis: RunningRedis
) -> None:
    scope = Scope(("copied",))
    async with sharing(service, redis) as one, sharing(service, redis) as other:
        stamp = await one.stamp((READ,))
        back = "return redis.call('HINCRBY', KEYS[1], 'number', -1)"  # the copy has not heard of the last number
        await one.link.script(back, (f"{one._place}:clock",), ())
        assert await answers(one, stamp, 1, scope=scope) == 1
        assert await asks(other, 2, scope=scope) == 2
        assert (one.kept, other.kept) == (0, 1)


async def test_a_replica_that_may_not_ask_which_database_it_has_says_so_once_and_shares_when_it_may(
    address: Address, database: Database, redis: RunningRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, tried = AnswerCache(redis.url, KEY), 0
    ask = cache._identified

    async def counted(database: Database) -> bool:
        nonlocal tried
        known = await ask(database)
        tried += 1
        return known

    monkeypatch.setattr(cache, "_identified", counted)
    admin = await administrator(address)
    await admin.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    with capture_logs() as lines:
        running = asyncio.create_task(cache.run(database))
        await until(lambda: tried >= 3)
        assert (cache.ready, "not sharing: permission denied" in cache.obstacle) == (False, True)
        await admin.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
        await until(lambda: cache.ready)
        assert cache.obstacle == ""
    assert [line["log_level"] for line in lines if "not shared" in line["event"]] == ["warning"]
    running.cancel()
    await asyncio.wait({running})
    await cache.close()
    await admin.close()


async def test_an_answer_of_another_replica_says_nothing_of_what_the_question_costs(
    database: Database, service: Database, redis: RunningRedis
) -> None:
    await given_account(service)
    async with replica(database, redis) as (one, first), replica(database, redis) as (other, second):
        await other.ask(READ, SCOPE)
        question = other._question(READ, SCOPE, None)
        question.took = 7.0  # that was a slow one
        await given_cash(service, 1, "1")
        for hub, cache in ((one, first), (other, second)):
            await hear(cache)
            hub.announce(CASH)
        await one.ask(READ, SCOPE)
        await until(lambda: first.kept == 1)
        assert (await other.ask(READ, SCOPE)).value == Total(Decimal(1), 1)
        assert (second.taken, question.took) == (1, 7.0)
        await given_cash(service, 1, "2")
        await hear(second)
        other.announce(CASH)
        await other.ask(READ, SCOPE)
        assert question.took < 7.0


async def test_who_asks_what_is_being_answered_waits_for_that_answer(
    database: Database, service: Database, redis: RunningRedis
) -> None:
    await given_account(service)
    async with replica(database, redis) as (one, first), replica(database, redis) as (other, second):
        told = await asyncio.gather(one.ask(READ, SCOPE), other.ask(READ, SCOPE))
        assert [answer.value for answer in told] == [Total(Decimal(0), 0)] * 2
        assert first.taken + second.taken == 1


async def test_no_replica_shows_what_is_older_than_an_announcement_it_has_heard(
    database: Database, service: Database, redis: RunningRedis
) -> None:
    await given_account(service)
    async with replica(database, redis) as (one, first), replica(database, redis) as (other, second):
        ways = ((one, first), (other, second))
        for number in range(1, 11):
            await given_cash(service, 1, str(number))
            for hub, cache in ways[:: 1 if number % 2 else -1]:
                cache.heard(CASH)
                hub.announce(CASH)
            told = await asyncio.gather(*(hub.ask(READ, SCOPE) for hub, _ in ways))
            assert [answer.value.flows for answer in told if answer.value is not None] == [number] * 2
        assert first.taken + second.taken > 0


async def test_without_redis_everybody_asks_the_database_and_one_line_says_so(
    database: Database, service: Database, tmp_path: Path, redis: RunningRedis
) -> None:
    await given_account(service)
    with running_redis(tmp_path) as own, capture_logs() as lines:
        async with replica(database, own) as (hub, cache):
            assert (await hub.ask(READ, SCOPE)).value == Total(Decimal(0), 0)
            own.stop()
            for number in range(1, 4):
                await given_cash(service, 1, str(number))
                cache.heard(CASH)
                hub.announce(CASH)
                answer = await hub.ask(READ, SCOPE)
                assert (answer.error, answer.value) == (None, Total(Decimal(number), number))
            await until(lambda: cache.link.status.reachable is False)
            assert cache.link.status.reason
            own.start()
            await until(lambda: cache.ready)
            assert cache.link.status.reachable is True
    assert [line["event"] for line in lines if "redis" in line["event"]] == [
        "redis reached",
        "redis away: every replica asks the database itself",
        "redis reached",
    ]


async def test_a_redis_that_hangs_keeps_nobody_from_an_answer(
    database: Database, service: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_account(service)
    monkeypatch.setattr(redis_link, "TIMEOUT_SECONDS", 0.25)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections are made, and nobody says anything
        cache = AnswerCache(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", KEY)
        hub = Hub(database, cache=cache)
        tasks = [asyncio.create_task(cache.run(database)), asyncio.create_task(hub.run())]
        await until(lambda: cache.link.status.reachable is False)
        for number in range(1, 4):
            await given_cash(service, 1, str(number))
            hub.announce(CASH)
            answer = await hub.ask(READ, SCOPE)
            assert (answer.error, answer.value) == (None, Total(Decimal(number), number))
        assert cache.link.status.reason
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await cache.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library uses pandas
async def test_every_reads_answer_is_the_same_after_the_way_through_redis(service: Database) -> None:
    await given_everything(service)
    accounts = tuple(sorted(await service.account_ids()))
    lost, asked = [], 0
    async with service.scoped(accounts) as connection:
        beat = await pulse(connection, accounts)
        for read in reads().values():
            if read.source != "sql" or (read.params is not None and read.defaults is None):
                continue
            params = () if read.params is None else (read.defaults,)
            value = await read.fetch(connection, Scope(accounts, "All").resolved(beat.moment), *params)
            text = written(read, value)
            asked += 1
            if text is None or value_in(read, text) != value:
                lost.append(read.name)
    assert (lost, asked > 50) == ([], True)


async def test_doctor_tells_of_a_redis_that_answers_of_one_that_does_not_and_of_keys_that_differ(
    redis: RunningRedis, tmp_path: Path
) -> None:
    async def told(url: str | None, **more: str) -> Finding:
        values = {"redis_url": url, "data_dir": str(tmp_path / "data"), **more}
        (found,) = await caching.redis(Situation(load_settings(values, env={}, cwd=tmp_path)))
        return found

    assert (await told(None)).state == State.SKIP
    well = await told(redis.url, secret_key="7x2kP9vQ4mZ8tR1wY6nB3cL5hJ0gF2dS")
    assert (well.state, "answers in" in well.seen) == (State.PASS, True)
    differing = await told(redis.url)
    assert (differing.state, "SECRET_KEY" in differing.fix) == (State.WARN, True)
    (port,) = free_ports(1)
    gone = await told(f"redis://127.0.0.1:{port}/0")
    assert (gone.state, "REDIS_URL" in gone.fix) == (State.WARN, True)
    with pytest.raises(ConfigurationError, match="redis://host:6379/0"):
        await told("http://127.0.0.1/0")
