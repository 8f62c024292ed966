"""How many questions become few queries: a watched one is asked again when its facts change, once for everybody."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any

from main.clock import now
from main.database.pool import Database
from main.database.pulse import Pulse
from main.domain.scope import Scope
from main.domain.topics import Announcement
from main.errors import DatabaseTimeout, DatabaseUnreachable
from main.monitoring.answer_cache import AnswerCache
from main.monitoring.answering import OVERDUE_SECONDS, Answering
from main.monitoring.freshness import troubled
from main.monitoring.outage import SPREAD_SECONDS, Outage
from main.monitoring.question import Group, Question, Watched
from main.monitoring.read import Answer, LiveSource, Read

COALESCE_SECONDS = 0.02
SWEEP_SECONDS = 15.0
KEEP_SECONDS = 60.0
MOST_IDLE = 1_000
"""Questions kept that nobody asks any more: who browses the past, or scripts it, asks a new one every time."""
REUSE_SECONDS = 1.0
ALARM_MARGIN_SECONDS = 0.1
ASK_SECONDS = 10.0
"""The longest wait for an answer; afterwards the last good one is given, labelled."""
PARALLEL = 4
SLOW_PARALLEL = 3
"""Places of their own for slow questions: whatever a locked table holds up, the others go on. Both together are fewer
than the connections of the pool, which callbacks use too."""


@dataclass(slots=True)
class Statistics:
    """What the hub has done since the process started."""

    evaluated: int = 0
    shared: int = 0
    failed: int = 0
    announcements: int = 0


class Hub:
    """Topics in, shared answers out. Everything happens on one event loop; `run` must be running there.

    While the database is away one transaction at a time tries it, and everybody is told at once what is known.
    """

    def __init__(self, database: Database, live: LiveSource | None = None, cache: AnswerCache | None = None) -> None:
        self._answering = Answering(
            database,
            live or LiveSource(),
            publish=self._publish,
            on_lost=self.lost,
            on_found=self.found,
            on_overdue=self._part,
            cache=cache,
        )
        self._questions: dict[tuple[str, Scope, Hashable], Question] = {}
        self._crowded_at = MOST_IDLE
        self._wake = asyncio.Event()
        self._outage = Outage()
        self._groups: dict[Group, asyncio.Task[None]] = {}  # those of stored questions that are being answered
        self._trial: Group | None = None  # the one that finds out whether the database is back
        self._backlog = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.statistics = Statistics()

    @property
    def running(self) -> int:
        """How many transactions are under way."""
        return len(self._groups)

    @property
    def away(self) -> bool:
        """Whether the database does not answer, as far as is known."""
        return self._outage.error is not None

    async def ask(self, read: Read[Any], scope: Scope, params: Hashable = None) -> Answer[Any]:
        """Return the answer to one question, shared with everybody who asks it within the same second.

        Never waits longer than ten seconds: then, and at once while the database is away, it is the last good value
        beside the error.
        """
        question = self._question(read, scope, params)
        fresh = time.monotonic() - question.answered < REUSE_SECONDS and not question.dirty
        if fresh and question.answer is not None and question.answer.error is None:
            self.statistics.shared += 1
            return question.answer
        if question.stored and self._outage.error is not None and (self._outage.refuses or self._trial is not None):
            self.statistics.failed += 1
            return troubled(read, question.answer, self._outage.error)
        outcome: asyncio.Future[Answer[Any]] = asyncio.get_running_loop().create_future()
        question.waiting.append(outcome)
        question.mark()
        question.not_before = 0.0
        self._wake.set()
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await outcome
        except TimeoutError:
            self.statistics.failed += 1
            late = DatabaseTimeout(f"{read.title} (or a place to ask it from)", ASK_SECONDS)
            return troubled(read, question.answer, late)
        finally:
            if outcome in question.waiting:  # who has gone is no reason to ask
                question.waiting.remove(outcome)

    def watch(self, read: Read[Any], scope: Scope, on_change: Callable[[], None], params: Hashable = None) -> Watched:
        """Keep a question answered; `on_change` is called on the loop after every new answer.

        An answer that is there already is reported at once, and asked for anew. One from before the database was lost
        says that it is: nobody can know meanwhile what has become of what it tells, a bot's silence least of all.
        """
        question = self._question(read, scope, params)
        question.watchers.append(on_change)
        question.mark()
        if question.stored and self._outage.error is not None:
            question.answer = troubled(read, question.answer, self._outage.error)
        if question.answer is not None:
            self.statistics.shared += 1
            asyncio.get_running_loop().call_soon(on_change)
        self._wake.set()
        return Watched(question, on_change)

    def announce(self, announcement: Announcement) -> None:
        """Take note that facts of a topic changed."""
        self.statistics.announcements += 1
        heard = time.monotonic()
        for question in self._questions.values():
            if question.concerned_by(announcement):
                question.mark(heard)
        self._wake.set()

    def announce_all(self) -> None:
        """Take note that anything may have changed: announcements were missed."""
        self._outage.retry_now()
        for question in self._questions.values():
            question.mark()
            question.not_before = 0.0
        self._wake.set()

    def lost(self, error: DatabaseUnreachable) -> None:
        """Take note that the database is away: every question about it is answered so at once, and asked later.

        What this process knows by itself is asked at once: that the database is away is part of it.
        """
        begins = self._outage.note(error)
        self._give_up_overdue()
        for question in tuple(self._questions.values()):
            if begins and not question.stored:
                self._due(question)
            if question.stored and (question.waiting or (begins and question.watchers)):
                self._publish(question, troubled(question.read, question.answer, error), Pulse(now(), ()))
            if question.stored and question.watchers:
                question.mark()
        self._wake_at(self._outage.retry_at)

    def found(self) -> None:
        """Take note that the database answers: what was asked in vain is asked again, not by everybody at once."""
        if not self._outage.over():
            return
        resume = time.monotonic() + random.uniform(0.0, SPREAD_SECONDS)  # noqa: S311 - jitter, no secret
        for question in self._questions.values():
            question.mark()
            if question.stored:
                question.not_before = resume
        self._wake.set()
        self._wake_at(resume)

    async def run(self) -> None:
        """Answer questions until cancelled."""
        self._spawn(self._sweep())
        try:
            while True:
                await self._wake.wait()
                await asyncio.sleep(COALESCE_SECONDS)
                self._wake.clear()
                self._start_due()
        finally:
            for task in self._tasks:
                task.cancel()

    def _question(self, read: Read[Any], scope: Scope, params: Hashable) -> Question:
        # Who leaves a read's parameters open asks the same as who writes its defaults.
        params = read.defaults if params is None else params
        key = (read.name, scope, params)
        question = self._questions.get(key)
        if question is None:
            if len(self._questions) >= self._crowded_at:
                self._forget_idle()
            question = self._questions[key] = Question(read, scope, params)
        return question

    def _forget_idle(self) -> None:
        """Forget what nobody asks any more, but for the newest: there is no end of past moments to ask about."""
        idle = [key for key, question in self._questions.items() if question.idle]
        idle.sort(key=lambda key: self._questions[key].touched)
        for key in idle[: max(0, len(idle) - MOST_IDLE // 2)]:
            del self._questions[key]
        self._crowded_at = len(self._questions) + MOST_IDLE // 2

    def _start_due(self) -> None:
        """Start what is due as far as there are places; who waited longest comes first, of the same accounts the quick.

        A feed that takes a millisecond must not wait until ten charts of its accounts are there.
        """
        moment = time.monotonic()
        wanted = [question for question in self._questions.values() if question.wanted]
        groups: dict[Hashable, list[Question]] = {}
        for question in sorted(wanted, key=lambda question: question.answered):
            if question.not_before <= moment:
                groups.setdefault(question.group, []).append(question)
        self._backlog = False
        for questions in groups.values():
            questions.sort(key=lambda question: question.took)
            group = Group(questions, questions[0].slow)
            if questions[0].stored and not self._has_place(group):
                self._backlog = True
                continue
            for question in questions:
                question.begin()
            task = self._spawn(self._answer(group))
            if questions[0].stored:
                self._groups[group] = task
                self._trial = group if self._outage.error is not None else None
        later = [question.not_before for question in wanted if question.not_before > moment]
        if later:
            self._wake_at(min(later))

    def _has_place(self, group: Group) -> bool:
        """Tell whether a group may start; of a database that is away one group at a time finds out."""
        if self._outage.error is not None and (self._outage.refuses or self._trial is not None):
            return False
        return sum(each.slow is group.slow for each in self._groups) < (SLOW_PARALLEL if group.slow else PARALLEL)

    async def _answer(self, group: Group) -> None:
        try:
            await self._answering.answer(group)
        finally:
            self._groups.pop(group, None)
            self._trial = None if self._trial is group else self._trial
            if self._backlog:
                self._start_due()
            self._wake.set()

    def _part(self, group: Group) -> None:
        """Free those behind a question that takes its time, and its place for quick ones if there is one for slow."""
        group.let_go(1)
        group.slow |= sum(each.slow for each in self._groups) < SLOW_PARALLEL
        self._wake.set()

    def _give_up_overdue(self) -> None:
        """Free the places of those who wait on connections that are lost: it could be long until they notice."""
        oldest = time.monotonic() - OVERDUE_SECONDS
        for group, task in tuple(self._groups.items()):
            if group.started < oldest and task is not asyncio.current_task():
                group.let_go()
                task.cancel()
                del self._groups[group]
                self._trial = None if self._trial is group else self._trial

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wake_at(self, moment: float) -> None:
        asyncio.get_running_loop().call_later(max(0.0, moment - time.monotonic()), self._wake.set)

    def _publish(self, question: Question, answer: Answer[Any], beat: Pulse) -> None:
        if answer.error is not None and question.stored and self._outage.error is not None:
            # What was under way when the database was lost ends later, in an error of its own that tells less.
            answer = troubled(question.read, question.answer, self._outage.error)
        if answer.error is None:
            self.statistics.evaluated += 1
        else:
            self.statistics.failed += 1
        self._set_alarm(question, answer, beat)
        question.publish(answer)

    def _set_alarm(self, question: Question, answer: Answer[Any], beat: Pulse) -> None:
        """Have a watched question asked again the moment its bot turns silent: no announcement will come for that."""
        if question.alarm is not None:
            question.alarm.cancel()
            question.alarm = None
        silent_at = answer.freshness.silent_at
        if question.watchers and silent_at is not None and silent_at > beat.now:
            delay = (silent_at - beat.now).total_seconds() + ALARM_MARGIN_SECONDS
            question.alarm = asyncio.get_running_loop().call_later(delay, self._due, question)

    def _due(self, question: Question) -> None:
        question.mark()
        self._wake.set()

    async def _sweep(self) -> None:
        """Ask everything watched again every 15 s (lost announcements, moving windows) and forget what nobody asks."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311 - jitter, no secret
            oldest = time.monotonic() - KEEP_SECONDS
            for key, question in tuple(self._questions.items()):
                if question.idle and question.touched < oldest:
                    del self._questions[key]
                question.mark()
            self._wake.set()
