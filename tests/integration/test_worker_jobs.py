"""The worker's jobs: none stops or starves another, and how each goes is there to be seen."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.errors import AITraderError
from main.housekeeping.job import Job, told
from main.housekeeping.job_rows import JobRows, write_jobs
from main.housekeeping.schedule import Schedule

PATIENCE = 10.0


NOWHERE = Address("127.0.0.1", 1, "none", "nobody")
"""For jobs that ask the database nothing: a pool connects when it is first used."""


def connecting(address: Address) -> Callable[[], Database]:
    return lambda: Database(address, role="service", max_size=1, application_name="jobs")


@asynccontextmanager
async def at_work(address: Address, jobs: Sequence[Job], **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    schedule = Schedule(jobs, connecting(address), **{"ending_seconds": 0.2} | options)
    running = asyncio.create_task(schedule.run())
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=PATIENCE)


async def until(condition: Callable[[], Any], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE:g} s: {what}") from None


def counting() -> Job:
    async def run(_: Database) -> str | None:
        return "counted"

    return Job("counting", 0.02, run)


def raising(error: BaseException) -> Callable[[Database], Awaitable[str | None]]:
    async def run(_: Database) -> str | None:
        raise error

    return run


async def hanging(_: Database) -> str | None:
    await asyncio.sleep(3600)
    return None


async def test_a_worker_that_leads_no_longer_leaves_no_connection_behind_whatever_job_takes_its_time_to_end(
    address: Address,
) -> None:
    made: list[Database] = []
    at_it = asyncio.Event()

    def connect() -> Database:
        made.append(connecting(address)())
        return made[-1]

    async def slow_to_end(database: Database) -> str | None:
        async with database.scoped() as connection:
            try:
                at_it.set()
                await asyncio.sleep(3600)
            finally:
                await connection.execute("SELECT pg_sleep(0.3)")
        return None

    schedule = Schedule([Job("resting", 3600.0, hanging), Job("slow", 0.01, slow_to_end)], connect)
    running = asyncio.create_task(schedule.run())
    await at_it.wait()
    running.cancel()
    await asyncio.wait({running}, timeout=PATIENCE)
    assert running.cancelled()
    assert [database.status.pool_size for database in made] == [0]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AITraderError("no books"), "no books"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (asyncio.CancelledError(), "something inside it cancelled it"),
        (ExceptionGroup("several", [ValueError("one"), OSError("two")]), "one; two"),
        (BaseExceptionGroup("worse", [SystemExit(3)]), "it asked the process to end (exit code 3)"),
        (SystemExit(2), "it asked the process to end (exit code 2)"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_a_job_that_fails_in_whatever_way_is_counted_and_the_others_go_on(
    error: BaseException, words: str
) -> None:
    failing, other = Job("failing", 0.02, raising(error)), counting()
    async with at_work(NOWHERE, (failing, other)) as running:
        await until(lambda: failing.failures >= 3, "tried again and again")
        runs = other.runs
        await until(lambda: other.runs > runs + 3, "the other job goes on")
        assert not running.done()
    assert failing.last_error == words
    assert failing.report["state"] == "failing"
    assert (other.failures, other.last_result) == (0, "counted")


async def test_a_job_that_works_again_is_no_longer_failing() -> None:
    broken = [True]

    async def run(_: Database) -> str | None:
        if broken:
            raise ValueError("broken")
        return "mended"

    job = Job("sometimes", 0.02, run)
    async with at_work(NOWHERE, (job,)):
        await until(lambda: job.state == "failing", "it fails")
        broken.clear()
        await until(lambda: job.last_result == "mended", "it works")
        assert (job.state == "failing", job.last_error) == (False, None)
    assert job.last_started_at is not None
    assert job.last_finished_at is not None
    assert job.last_seconds is not None
    assert job.failures < job.runs


async def test_a_job_that_hangs_is_cancelled_at_its_limit_counted_and_tried_again() -> None:
    stuck, other = Job("stuck", 0.02, hanging, limit_seconds=0.1), counting()
    async with at_work(NOWHERE, (stuck, other)):
        await until(lambda: stuck.failures >= 2, "two runs are ended")
        runs = other.runs
        await until(lambda: other.runs > runs, "the other job goes on")
    assert stuck.last_error == "not over after 0.1 s, its limit: cancelled"


async def test_a_job_whose_statement_hangs_loses_its_connection_and_no_other_job_waits_for_it(
    address: Address, service: Database
) -> None:
    async def frozen(database: Database) -> str | None:
        async with database.scoped() as connection:
            await connection.execute("SELECT pg_sleep(30)")
        return None

    async def asking(database: Database) -> str | None:
        async with database.scoped() as connection:
            return str(await connection.fetchval("SELECT 'asked'"))

    stuck = [Job(f"stuck{number}", 0.02, frozen, limit_seconds=0.2) for number in range(3)]
    other = Job("asking", 0.02, asking)
    async with at_work(address, (*stuck, other)):
        await until(lambda: all(job.failures >= 2 for job in stuck), "all are ended, twice")
        runs = other.runs
        await until(lambda: other.runs > runs + 3, "the other job goes on")
    async with service.scoped() as connection:
        await _until_none(
            connection,
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'jobs' AND state = 'active' AND query LIKE '%pg_sleep%'",
        )
    assert other.failures == 0


async def test_a_job_that_swallows_its_cancellation_is_never_run_twice_at_once() -> None:
    release, inside = asyncio.Event(), [0, 0]

    async def deaf(_: Database) -> str | None:
        inside[0] += 1
        inside[1] = max(inside)
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        inside[0] -= 1
        return "at last"

    job, other = Job("deaf", 0.02, deaf, limit_seconds=0.05), counting()
    async with at_work(NOWHERE, (job, other), ending_seconds=0.05):
        await until(lambda: "earlier run does not end" in (job.last_error or ""), "it is said")
        assert other.failures == 0
        release.set()
        await until(lambda: job.last_result == "at last", "it is run again once it has ended")
    assert inside[1] == 1


async def test_a_job_that_answers_its_cancellation_with_an_error_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def swallowing(_: Database) -> str | None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("the connection broke while the transaction was rolled back") from None
        return None

    job = Job("swallowing", 0.01, swallowing)
    async with at_work(NOWHERE, (job,)) as running:
        await begun.wait()
        running.cancel()
        done, _ = await asyncio.wait({running}, timeout=PATIENCE)
        assert done == {running}
    assert (job.running, job.next_at) == (False, None)


async def test_a_slow_job_skips_turns_instead_of_making_up_for_them() -> None:
    begun: list[float] = []

    async def slow(_: Database) -> str | None:
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        return None

    async with at_work(NOWHERE, (Job("slow", 0.03, slow),)):
        await until(lambda: len(begun) >= 4, "four runs")
    assert min(later - earlier for earlier, later in itertools.pairwise(begun)) >= 0.1


async def test_a_rare_job_that_failed_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("main.housekeeping.schedule.RETRY_SECONDS", 0.02)
    monkeypatch.setattr("main.housekeeping.schedule.random.uniform", lambda *_: 0.0)
    rare = Job("rare", 3600.0, raising(OSError("the database was away")))
    async with at_work(NOWHERE, (rare,)):
        await until(lambda: rare.failures >= 2, "it is tried again")


async def test_first_starts_are_spread_and_announced_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("main.housekeeping.schedule.random.uniform", lambda _, longest: longest)
    job = Job("hourly", 3600.0, hanging)
    async with at_work(NOWHERE, (job,)):
        await until(lambda: job.next_at is not None, "it is planned")
        assert job.next_at is not None
        assert timedelta(seconds=8) < job.next_at - now() <= timedelta(seconds=10)
        assert (job.state, job.runs) == ("waiting", 0)


async def test_the_rows_say_what_the_status_says(service: Database) -> None:
    gone, job = Job("gone", 1.0, hanging), Job("kept", 60.0, hanging, limit_seconds=5.0)
    await write_jobs(service, (gone, job))
    job.begin(now())
    job.fail(now(), 0.25, "no disk")
    job.next_at = now()
    await write_jobs(service, (job,))
    async with service.scoped() as connection:
        (row,) = await connection.fetch("SELECT * FROM worker_jobs")
    told_by_row = {name: row["job" if name == "name" else name] for name in job.report}
    assert told_by_row == job.report
    assert (row["state"], row["runs"], row["failures"], row["last_error"]) == ("failing", 1, 1, "no disk")


async def test_a_change_is_written_down_and_announced_at_once(address: Address, service: Database) -> None:
    heard = asyncio.Queue[str]()
    listening = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=5)
    await listening.add_listener("ai_trader", lambda *arguments: heard.put_nowait(arguments[3]))
    job = Job("daily", 86_400.0, hanging)
    rows = JobRows((job,), connecting(address)())
    writing = asyncio.create_task(rows.run())
    try:
        assert await asyncio.wait_for(heard.get(), PATIENCE) == "services:"
        job.begin(now())
        rows.soon(job)
        assert await asyncio.wait_for(heard.get(), 4.0) == "services:"  # sooner than the next regular one
        async with service.scoped() as connection:
            assert await connection.fetchval("SELECT state FROM worker_jobs WHERE job = 'daily'") == "running"
    finally:
        writing.cancel()
        await asyncio.wait({writing}, timeout=PATIENCE)
        await listening.close()


def test_an_error_always_has_words() -> None:
    assert told(ValueError()) == "ValueError"
    assert told(ExceptionGroup("outer", [ExceptionGroup("inner", [OSError("disk")])])) == "disk"


async def _until_none(connection: Any, statement: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await connection.fetchval(statement):
            await asyncio.sleep(0.05)
