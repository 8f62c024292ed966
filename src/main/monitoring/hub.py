"""How many questions become few queries: a watched one is asked again when its facts change, once for everybody."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

import structlog

from main.clock import now
from main.database.pool import UNREACHABLE, Database
from main.database.pulse import Pulse, pulse
from main.domain.scope import Scope
from main.domain.topics import Announcement
from main.errors import AITraderError, DatabaseUnreachable
from main.monitoring.freshness import freshness_of, troubled
from main.monitoring.question import Question, Watched
from main.monitoring.read import Answer, LiveSource, Read

COALESCE_SECONDS = 0.02
SWEEP_SECONDS = 15.0
KEEP_SECONDS = 60.0
REUSE_SECONDS = 1.0
ALARM_MARGIN_SECONDS = 0.1
REST_FACTOR = 3.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 4.0)
PARALLEL = 4

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Statistics:
    """What the hub has done since the process started."""

    evaluated: int = 0
    shared: int = 0
    failed: int = 0
    announcements: int = 0


class Hub:
    """Topics in, shared answers out. Everything happens on one event loop; `run` must be running there."""

    def __init__(self, database: Database, live: LiveSource | None = None) -> None:
        self._database = database
        self._live = live or LiveSource()
        self._questions: dict[tuple[str, Scope, Hashable], Question] = {}
        self._wake = asyncio.Event()
        self._failures = 0
        self._slots = asyncio.Semaphore(PARALLEL)
        self._tasks: set[asyncio.Task[None]] = set()
        self.statistics = Statistics()

    async def ask(self, read: Read[Any], scope: Scope, params: Hashable = None) -> Answer[Any]:
        """Return the answer to one question, shared with everybody who asks it within the same second."""
        question = self._question(read, scope, params)
        fresh = time.monotonic() - question.answered < REUSE_SECONDS and not question.dirty
        if fresh and question.answer is not None and question.answer.error is None:
            self.statistics.shared += 1
            return question.answer
        outcome: asyncio.Future[Answer[Any]] = asyncio.get_running_loop().create_future()
        question.waiting.append(outcome)
        question.dirty = True
        question.not_before = 0.0
        self._wake.set()
        return await outcome

    def watch(self, read: Read[Any], scope: Scope, on_change: Callable[[], None], params: Hashable = None) -> Watched:
        """Keep a question answered; `on_change` is called on the loop after every new answer.

        An answer that is there already is reported at once, and asked for anew.
        """
        question = self._question(read, scope, params)
        question.watchers.append(on_change)
        question.dirty = True
        if question.answer is not None:
            self.statistics.shared += 1
            asyncio.get_running_loop().call_soon(on_change)
        self._wake.set()
        return Watched(question, on_change)

    def announce(self, announcement: Announcement) -> None:
        """Take note that facts of a topic changed."""
        self.statistics.announcements += 1
        for question in self._questions.values():
            if announcement.topic in question.read.topics and (
                announcement.account is None or announcement.account in question.scope.accounts
            ):
                question.dirty = True
        self._wake.set()

    def announce_all(self) -> None:
        """Take note that anything may have changed: announcements were missed."""
        for question in self._questions.values():
            question.dirty = True
            question.not_before = 0.0
        self._wake.set()

    async def run(self) -> None:
        """Answer questions until cancelled."""
        sweeper = asyncio.create_task(self._sweep())
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(COALESCE_SECONDS)
                self._wake.clear()
                self._start_due()
        finally:
            sweeper.cancel()
            for task in self._tasks:
                task.cancel()

    def _question(self, read: Read[Any], scope: Scope, params: Hashable) -> Question:
        key = (read.name, scope, params)
        question = self._questions.get(key)
        if question is None:
            question = self._questions[key] = Question(read, scope, params)
        return question

    def _start_due(self) -> None:
        moment = time.monotonic()
        wanted = [question for question in self._questions.values() if question.wanted]
        due = [question for question in wanted if question.not_before <= moment]
        groups: dict[Hashable, list[Question]] = {}
        for question in due:
            question.running, question.dirty = True, False
            groups.setdefault(question.group, []).append(question)
        for questions in groups.values():
            self._spawn(self._answer_group(questions))
        later = [question.not_before for question in wanted if question.not_before > moment]
        if later:
            asyncio.get_running_loop().call_later(min(later) - moment, self._wake.set)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_group(self, questions: list[Question]) -> None:
        try:
            if questions[0].read.source == "live":  # never behind a database that does not answer
                for question in questions:
                    await self._evaluate(question, self._live, Pulse(now(), ()))
            else:
                async with self._slots:
                    await self._answer_stored(questions)
        finally:
            for question in questions:
                question.running = False
                if not question.wanted and question.waiting:  # cancelled on the way: nobody may wait for ever
                    question.dirty = True
            self._wake.set()

    async def _answer_stored(self, questions: list[Question]) -> None:
        """Answer questions of the same accounts in one transaction; an error ends it, the rest goes into the next."""
        remaining = list(questions)
        while remaining:
            try:
                async with self._database.scoped(questions[0].scope.accounts) as connection:
                    beat = await pulse(connection, questions[0].scope.accounts)
                    go_on = True
                    while remaining and go_on:
                        go_on = await self._evaluate(remaining[0], connection, beat)
                        del remaining[0]
                self._failures = 0
            except Exception as error:  # noqa: BLE001 - a boundary: whatever it is, nobody may wait for ever
                if not isinstance(error, AITraderError):
                    _log.exception("transaction of reads failed")
                self._fail(remaining, questions, error)
                return

    def _fail(self, remaining: list[Question], questions: list[Question], error: Exception) -> None:
        """Give the error to those it concerns: to all without a server, else to the one that was being answered."""
        lost, ours = isinstance(error, DatabaseUnreachable), isinstance(error, AITraderError)
        first = remaining[:1] if not ours or any(question.slow for question in remaining[:1]) else remaining
        blamed = questions if lost else first
        for question in blamed:
            self._publish(question, troubled(question.read, question.answer, error), Pulse(now(), ()))
        for question in remaining:
            question.dirty |= question not in blamed
        if lost:
            self._retry_later()

    def _retry_later(self) -> None:
        delay = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        self._failures += 1
        at = time.monotonic() + delay
        for question in self._questions.values():
            if question.watchers and question.read.source == "sql":
                question.dirty, question.not_before = True, at
        asyncio.get_running_loop().call_later(delay, self._wake.set)

    async def _evaluate(self, question: Question, source: Any, beat: Pulse) -> bool:
        """Answer one question; return whether the transaction may go on. A read's own error stays in its answer."""
        started = time.monotonic()
        if question.read.about == "suite":
            beat = Pulse(
                beat.now, ()
            )  # a replay's time is that of its accounts; machines and processes live on the wall
        try:
            scope = question.scope.resolved(beat.moment)
            arguments = (source, scope) if question.params is None else (source, scope, question.params)
            answer = _answer(question, await question.read.fetch(*arguments), beat)
        except Exception as error:
            if source is not self._live and isinstance(error, UNREACHABLE):
                raise  # the pool tells which kind of loss it is
            _log.exception("read failed", read=question.read.name, scope=repr(question.scope))
            self._publish(question, troubled(question.read, question.answer, error), beat)
            return source is self._live
        finally:
            question.took = time.monotonic() - started
            question.not_before = started + question.took * (1 + REST_FACTOR)
        self.statistics.evaluated += 1
        self._publish(question, answer, beat)
        return True

    def _publish(self, question: Question, answer: Answer[Any], beat: Pulse) -> None:
        self.statistics.failed += answer.error is not None
        question.answer = answer
        question.answered = question.touched = time.monotonic()
        self._set_alarm(question, beat)
        for waiting in question.waiting:
            if not waiting.done():
                waiting.set_result(question.answer)
        question.waiting.clear()
        for on_change in tuple(question.watchers):
            on_change()

    def _set_alarm(self, question: Question, beat: Pulse) -> None:
        """Have a watched question asked again the moment its bot turns silent: no announcement will come for that."""
        if question.alarm is not None:
            question.alarm.cancel()
            question.alarm = None
        silent_at = question.answer.freshness.silent_at if question.answer is not None else None
        if question.watchers and silent_at is not None and silent_at > beat.now:
            delay = (silent_at - beat.now).total_seconds() + ALARM_MARGIN_SECONDS
            question.alarm = asyncio.get_running_loop().call_later(delay, self._mark, question)

    def _mark(self, question: Question) -> None:
        question.dirty = True
        self._wake.set()

    async def _sweep(self) -> None:
        """Ask everything watched again every 15 s (lost announcements, moving windows) and forget what nobody asks."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = time.monotonic() - KEEP_SECONDS
            for key, question in tuple(self._questions.items()):
                idle = not (question.watchers or question.waiting or question.running)
                if idle and question.touched < oldest:
                    del self._questions[key]
                question.dirty = True
            self._wake.set()


def _answer(question: Question, value: Any, beat: Pulse) -> Answer[Any]:
    last = question.answer
    version = last.version if last is not None and last.value == value else (last.version if last else 0) + 1
    return Answer(value, freshness_of(question.read, value, question.scope, beat), None, version)
