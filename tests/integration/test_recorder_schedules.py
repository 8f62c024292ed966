"""A connection that is lost at any statement, above all after a commit and before its answer, in a thousand ways."""

import os
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.recording import delivery, session, waiting
from main.recording.recorder import Recorder
from tests.factories import fill
from tests.integration.recorder_events import account, balanced, looking, order, position, wait_until
from tests.integration.tcp_proxy import TcpProxy

SCHEDULES = int(os.environ.get("TESTS_SCHEDULES", "1000"))
CUTS = int(os.environ.get("TESTS_SCHEDULES", "25"))
"""Schedules in which a real connection is cut; to connect anew takes its time."""

ROUND = 50
"""Schedules for one look at the database."""


@pytest.fixture
async def sql(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """Look at what arrived, as an administrator."""
    async with looking(address) as connection:
        yield connection


class Losing:
    """A connection that executes a statement and then, when its turn has come, is lost before the answer.

    The next one goes on with the same session, as a server does that has finished what it was told.
    """

    turns: list[int]

    def __init__(self, session: asyncpg.Connection) -> None:
        self._session = session
        self._lost = False

    async def execute(self, statement: str, *arguments: Any) -> str:
        tag: str = await self._session.execute(statement, *arguments)
        self._lose_when_it_is_time(weight=5 if statement == "COMMIT" else 1)
        return tag

    async def copy_to_table(self, name: str, **options: Any) -> str:
        tag: str = await self._session.copy_to_table(name, **options)
        self._lose_when_it_is_time()
        return tag

    async def fetchval(self, statement: str) -> Any:
        return await self._session.fetchval(statement)

    def is_closed(self) -> bool:
        return self._lost

    def terminate(self) -> None:
        self._lost = True

    async def close(self, timeout: float) -> None:  # noqa: ASYNC109 - asyncpg's own signature
        await self._session.close(timeout=timeout)

    def _lose_when_it_is_time(self, weight: int = 1) -> None:
        if not Losing.turns:
            return
        Losing.turns[0] -= weight
        if Losing.turns[0] <= 0:
            Losing.turns.pop(0)
            self._lost = True
            raise asyncpg.ConnectionDoesNotExistError("lost by the test")


class Recording:
    """A Recorder that is given something to write by one schedule after the other."""

    def __init__(self, address: Address) -> None:
        self.recorder = Recorder(address, flush_interval=0.001)
        self.fills: list[str] = []
        self._moments = 0
        self.recorder.record(account())
        self.recorder.start()
        wait_until(lambda: self.recorder.statistics.written == 1)

    def schedule(self, chance: random.Random) -> None:
        for _ in range(chance.randint(1, 12)):
            self._moments += 1
            if chance.random() < 0.3:
                self.recorder.record(order("accepted", self._moments))
            if chance.random() < 0.3:
                self.recorder.record(position(1 + self._moments, self._moments))
            event = fill("buy", 1, 100)
            self.recorder.record(event)
            self.fills.append(event.source_id)

    async def check(self, sql: asyncpg.Connection) -> None:
        assert balanced(self.recorder)
        statistics = self.recorder.statistics
        assert statistics.conflicts == statistics.dead_letters == 0
        assert [row[0] for row in await sql.fetch("SELECT source_id FROM fills ORDER BY 1")] == sorted(self.fills)
        for history in ("orders_history", "positions_history"):
            versions = [row[0] for row in await sql.fetch(f"SELECT at FROM {history} ORDER BY changed_at")]
            assert versions == sorted(set(versions)), f"{history}: each version once and in order"


async def test_each_event_is_there_once_over_a_thousand_schedules_of_lost_answers(
    address: Address, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "FIRST_WAIT_SECONDS", 0.0005)
    monkeypatch.setattr(session, "LONGEST_WAIT_SECONDS", 0.001)
    sessions: list[asyncpg.Connection] = []

    async def reconnect(address: Address, application_name: str, **settings: str) -> Losing:
        if not sessions:
            sessions.append(await connect(address, application_name, **settings))
        await sessions[0].execute("ROLLBACK")  # what the server does with a transaction whose client is gone
        return Losing(sessions[0])

    connect = session.connect
    monkeypatch.setattr(delivery, "connect", reconnect)
    Losing.turns = []
    recording = Recording(address)
    for seed in range(SCHEDULES):
        chance = random.Random(seed)
        monkeypatch.setattr(waiting, "BATCH", chance.randint(1, 12))
        Losing.turns = [chance.randint(1, 20) for _ in range(chance.randint(1, 3))]
        recording.schedule(chance)
        wait_until(lambda: recording.recorder.statistics.queued == 0, pause=0.001)
        if seed % ROUND == 0:
            await recording.check(sql)
    Losing.turns = []
    assert recording.recorder.close(20) == 0
    assert recording.recorder.statistics.duplicates > SCHEDULES / 10, "answers to commits were lost"
    await recording.check(sql)


@pytest.mark.timeout(60 + 2 * CUTS)
async def test_each_event_is_there_once_when_real_connections_are_cut_between_commit_and_answer(
    address: Address, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "FIRST_WAIT_SECONDS", 0.001)
    monkeypatch.setattr(session, "LONGEST_WAIT_SECONDS", 0.002)
    with TcpProxy(address) as proxy:
        recording = Recording(proxy.address)
        for seed in range(CUTS):
            chance = random.Random(seed)
            monkeypatch.setattr(waiting, "BATCH", chance.randint(1, 8))
            proxy.lose_answers_to_commits(chance.choice((1, 1, 1, 2)))
            before = proxy.cuts
            recording.schedule(chance)
            wait_until(lambda before=before: proxy.cuts > before and recording.recorder.statistics.queued == 0)
        proxy.lose_answers_to_commits(0)
        assert recording.recorder.close(20) == 0
    assert proxy.cuts >= CUTS
    assert recording.recorder.statistics.duplicates > 0
    await recording.check(sql)
