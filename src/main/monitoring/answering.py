"""How does a group of questions get its answers, and what do those say when the database fails or takes its time?"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import asyncpg
import structlog

from main.clock import now
from main.database.pool import UNREACHABLE, Database
from main.database.pulse import Pulse, pulse
from main.errors import AITraderError, DatabaseTimeout, DatabaseUnreachable
from main.monitoring.answer_cache import AnswerCache, Asked, Stamp
from main.monitoring.freshness import freshness_of, troubled
from main.monitoring.question import Group, Question
from main.monitoring.read import Answer, LiveSource

AGAIN_SECONDS = 3.0
"""The rest after an answer that did not come in time."""
OVERDUE_SECONDS = 1.0
"""From here on the questions behind one that is being answered need not wait for it: its table may be locked."""

ENDING = (*UNREACHABLE, asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
"""What ends a transaction: the pool tells which kind of loss, or of waiting in vain, it is."""

_log = structlog.get_logger(__name__)

Publish = Callable[[Question, Answer[Any], Pulse], None]


class Answering:
    """Evaluates groups; a question's own error stays in its answer, the loss of the database is told to the hub."""

    def __init__(
        self,
        database: Database,
        live: LiveSource,
        *,
        publish: Publish,
        on_lost: Callable[[DatabaseUnreachable], None],
        on_found: Callable[[], None],
        on_overdue: Callable[[Group], None],
        cache: AnswerCache | None = None,
    ) -> None:
        """Take what is asked, and who is told: of answers, of a lost and a found database, of an overdue question.

        With a `cache`, what another replica has just answered is not asked of the database again.
        """
        self._database = database
        self._live = live
        self._publish = publish
        self._on_lost = on_lost
        self._on_found = on_found
        self._on_overdue = on_overdue
        self._cache = cache

    async def answer(self, group: Group) -> None:
        """Answer a group's questions, which leave it one by one. Never raises but when it is cancelled."""
        try:
            if not group.questions[0].stored:  # never behind a database that does not answer
                while group.questions:
                    await self._evaluate(group.questions[0], self._live, Pulse(now(), ()))
                    group.questions.pop(0).end()
            else:
                await self._answer_stored(group)
        finally:
            for question in group.questions:
                question.end()

    async def _answer_stored(self, group: Group) -> None:
        """Answer questions of the same accounts in one transaction; an error ends it, the rest goes into the next."""
        accounts = group.questions[0].scope.accounts
        while group.questions:
            try:
                stamp = await self._stamp(group)
                async with self._database.scoped(accounts) as connection:
                    beat = await pulse(connection, accounts)
                    go_on = True
                    while group.questions and go_on:
                        go_on = await self._watched_evaluation(group, connection, beat, stamp)
                        for question in group.questions[:1]:  # none when the group was given up meanwhile
                            question.end()
                        del group.questions[:1]
                self._on_found()
            except Exception as error:  # noqa: BLE001 - a boundary: whatever it is, nobody may wait for ever
                if not isinstance(error, AITraderError):
                    _log.exception("transaction of reads failed")
                self._fail(group.questions, error)
                return

    async def _watched_evaluation(self, group: Group, connection: Any, beat: Pulse, stamp: Stamp | None) -> bool:
        overdue = asyncio.get_running_loop().call_later(OVERDUE_SECONDS, self._on_overdue, group)
        try:
            return await self._evaluate(group.questions[0], connection, beat, stamp)
        finally:
            overdue.cancel()

    def _fail(self, remaining: list[Question], error: Exception) -> None:
        """Give the error to those it concerns: to all without a server, else to the one that was being answered."""
        if isinstance(error, DatabaseUnreachable):
            for question in remaining:
                question.mark()
            self._on_lost(error)
            return
        ours = isinstance(error, AITraderError)
        blamed = remaining[:1] if not ours or any(question.slow for question in remaining[:1]) else remaining
        for question in blamed:
            self._publish(question, troubled(question.read, question.answer, error), Pulse(now(), ()))
            if isinstance(error, DatabaseTimeout):  # locks are let go of, and nobody announces that
                question.mark()
                question.not_before = time.monotonic() + AGAIN_SECONDS
        for question in remaining[len(blamed) :]:
            question.mark()

    async def _stamp(self, group: Group) -> Stamp | None:
        return await self._cache.stamp(question.read for question in group.questions) if self._cache else None

    async def _evaluate(self, question: Question, source: Any, beat: Pulse, stamp: Stamp | None = None) -> bool:
        """Answer one question; return whether the transaction may go on. A read's own error stays in its answer."""
        started, taken = time.monotonic(), False
        if question.read.about == "suite":  # a replay's time is its accounts'; machines and processes live on the wall
            beat = Pulse(beat.now, ())
        try:
            scope = question.scope.resolved(beat.moment)
            arguments = (source, scope) if question.params is None else (source, scope, question.params)
            compute = partial(question.read.fetch, *arguments)
            if self._cache is None or stamp is None or (beat.clock == "replay" and scope.live):
                value = await compute()
            else:
                asked = Asked(question.read, question.scope, question.params, beat.now)
                value, at, taken = await self._cache.value(asked, stamp, compute)
                beat = Pulse(at, beat.hearts)
            answer = _answer(question, value, beat)
        except Exception as error:
            if source is not self._live and isinstance(error, ENDING):
                raise
            _log.exception("read failed", read=question.read.name, scope=repr(question.scope))
            self._publish(question, troubled(question.read, question.answer, error), beat)
            return source is self._live
        finally:
            if not taken:  # what it costs the database is not known of an answer that somebody else computed
                question.rest(started)
        self._publish(question, answer, beat)
        return True


def _answer(question: Question, value: Any, beat: Pulse) -> Answer[Any]:
    last = question.answer
    version = last.version if last is not None and last.value == value else (last.version if last else 0) + 1
    return Answer(value, freshness_of(question.read, value, question.scope, beat), None, version)
