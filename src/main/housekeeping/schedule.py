"""When does each job run, and what becomes of one that fails or does not end? The others go on, whatever it does."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from main.clock import monotonic, now
from main.database.pool import Database
from main.errors import AITraderError
from main.housekeeping.job import Job, told

_log = structlog.get_logger(__name__)

_JITTER_SHARE, _LONGEST_JITTER_SECONDS = 0.2, 10.0
"""Of its pace a job's first start is put off, at random: what starts together would otherwise run together for ever."""

RETRY_SECONDS = 60.0
"""A job that failed is tried again after this, or at its own pace where that is quicker: a moment without the database
must not cost an hourly job an hour."""

ENDING_SECONDS = 2.0
"""A run that was cancelled may take as long as this to roll back, before its connection is cut."""

Outcome = tuple[str | None, BaseException | None]


class Schedule:
    """The jobs, each at its own pace and on a connection of its own, so that none can keep another waiting.

    `connect` makes a database with one connection, not opened yet; `changed` is called with a job whose state changed.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        connect: Callable[[], Database],
        *,
        changed: Callable[[Job], None] = lambda _: None,
        ending_seconds: float = ENDING_SECONDS,
    ) -> None:
        """Take the jobs; nothing is started yet."""
        self._jobs = tuple(jobs)
        self._connect = connect
        self._changed = changed
        self._ending_seconds = ending_seconds

    async def run(self) -> None:
        """Run all jobs until cancelled."""
        rounds = {asyncio.create_task(self._repeat(job), name=job.name) for job in self._jobs}
        try:
            done, _ = await asyncio.wait(rounds, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        finally:
            # Once each: a second cancellation would meet the ones that wind up, and leave their connections behind.
            for each in rounds:
                each.cancel()
            await asyncio.wait(rounds)

    async def _repeat(self, job: Job) -> None:
        due = monotonic() + random.uniform(0, min(_JITTER_SHARE * job.every_seconds, _LONGEST_JITTER_SECONDS))  # noqa: S311
        turn = _Turn(job, self._connect, self._ending_seconds, self._changed)
        try:
            while True:
                job.next_at = now() + timedelta(seconds=max(0.0, due - monotonic()))
                self._changed(job)
                await asyncio.sleep(max(0.0, due - monotonic()))
                await turn.take()
                pace = job.every_seconds if job.last_error is None else min(job.every_seconds, RETRY_SECONDS)
                # A job that took longer than its pace skips turns instead of running them in a burst.
                due = max(due + pace, monotonic())
        finally:
            job.rest()
            await turn.close()


class _Turn:
    """The runs of one job, one after the other, and the connection they share."""

    def __init__(
        self, job: Job, connect: Callable[[], Database], ending_seconds: float, changed: Callable[[Job], None]
    ) -> None:
        self._job = job
        self._connect = connect
        self._ending_seconds = ending_seconds
        self._changed = changed
        self._database: Database | None = None
        self._run: asyncio.Task[Outcome] | None = None

    async def take(self) -> None:
        """Run the job once, to its end or its limit; only a cancellation from outside comes out of here."""
        job, began = self._job, monotonic()
        job.begin(now())
        self._changed(job)
        if self._run is not None and not self._run.done():
            self._fail("an earlier run does not end though it was cancelled; restart the worker", began)
            return
        run = self._run = asyncio.create_task(self._attempt(), name=f"{job.name} run")
        await asyncio.wait({run}, timeout=job.limit_seconds)
        if not run.done():
            ended = await self._end(run)
            told_too = "" if ended else "; it does not end"
            self._fail(f"not over after {job.limit_seconds:g} s, its limit: cancelled{told_too}", began)
            return
        result, error = run.result()
        if error is None:
            self._succeed(result, began)
        else:
            self._fail(told(error), began, error)

    async def close(self) -> None:
        """End the run under way and let go of the connection."""
        try:
            if self._run is not None and not self._run.done():
                await self._end(self._run)
        finally:
            await self._disconnect()

    async def _attempt(self) -> Outcome:
        """Run the job and return what came of it: also what would otherwise end more than this task."""
        try:
            if self._database is None:
                self._database = self._connect()
                await self._database.open()
            return await self._job.run(self._database), None
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # a boundary: SystemExit would end the loop, a group the others
            return None, error

    async def _end(self, run: "asyncio.Task[Outcome]") -> bool:
        """Cancel a run, then cut its connection: it may be waiting for a server that does not answer."""
        run.cancel()
        await asyncio.wait({run}, timeout=self._ending_seconds)
        if not run.done():
            await self._disconnect()
            run.cancel()
            await asyncio.wait({run}, timeout=self._ending_seconds)
        return run.done()

    async def _disconnect(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    def _succeed(self, result: str | None, began: float) -> None:
        if self._job.last_error is not None:
            _log.info("job works again", job=self._job.name)
        self._job.succeed(now(), monotonic() - began, result)
        self._changed(self._job)

    def _fail(self, reason: str, began: float, error: BaseException | None = None) -> None:
        if self._job.last_error is None:
            unknown = error is not None and not isinstance(error, AITraderError)
            _log.warning("job fails", job=self._job.name, reason=reason, exc_info=error if unknown else None)
        self._job.fail(now(), monotonic() - began, reason)
        self._changed(self._job)
