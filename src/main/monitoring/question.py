"""What is asked, who waits for it, and when is it due again? The hub's own notes on one question."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.monitoring.read import Answer, Read, State

SLOW_SECONDS = 0.5
REST_FACTOR = 3.0
"""A question rests so many times as long as it took: one that is asked all the time has a quarter of a connection."""


@dataclass(slots=True, eq=False)
class Question:
    """One read of one scope, as long as somebody watches it or waits for it, and a little longer."""

    read: Read[Any]
    scope: Scope
    params: Hashable
    answer: Answer[Any] | None = None
    watchers: list[Callable[[], None]] = field(default_factory=list)
    waiting: list["asyncio.Future[Answer[Any]]"] = field(default_factory=list)
    dirty: bool = True  # set by every announcement, also while a query runs: then it runs once more
    running: bool = False
    not_before: float = 0.0
    answered: float = 0.0
    touched: float = 0.0  # answered, or let go by a watcher
    took: float = 0.0
    heard: float = 0.0  # when the first announcement came that no evaluation has begun after; 0: none
    learned: float = 0.0  # when this process learned of what the present answer, or the running evaluation, is about
    alarm: asyncio.TimerHandle | None = None  # when the bot will count as silent unless it is heard before

    @property
    def wanted(self) -> bool:
        """Whether it should be answered as soon as it may."""
        return self.dirty and not self.running and bool(self.watchers or self.waiting)

    @property
    def idle(self) -> bool:
        """Whether nobody watches it, waits for it or answers it."""
        return not (self.watchers or self.waiting or self.running)

    @property
    def stored(self) -> bool:
        """Whether the database has the answer; else this process knows it."""
        return self.read.source == "sql"

    @property
    def slow(self) -> bool:
        """Whether it took so long, or failed so late, that others should not share its transaction."""
        return self.took > SLOW_SECONDS

    @property
    def group(self) -> Hashable:
        """What questions that are answered in one transaction have in common."""
        own = id(self) if self.slow else None
        return (self.scope.accounts, own) if self.stored else ("live", own)

    def concerned_by(self, announcement: Announcement) -> bool:
        """Whether what is announced may change the answer: its facts, or that a bot that was silent is heard again."""
        silent = self.answer is not None and self.answer.state is State.SILENT
        return (
            announcement.topic in self.read.topics or (silent and announcement.topic is Topic.HEARTBEATS)
        ) and announcement.account in (None, *self.scope.accounts)

    def mark(self, heard: float = 0.0) -> None:
        """Have it answered anew; `heard` is when an announcement called for that."""
        self.dirty = True
        self.heard = self.heard or heard

    def begin(self) -> None:
        """Take note that its evaluation begins: what is announced from now on calls for another one."""
        self.running, self.dirty = True, False
        self.learned, self.heard = self.heard or time.monotonic(), 0.0

    def rest(self, started: float) -> None:
        """Take note of how long an evaluation took that began at `started`, and let the question rest accordingly.

        The quicker of the last two counts: once, it may have waited for a lock, and what it says then is soon wrong.
        """
        ended = time.monotonic()
        usual, self.took = min(self.took, ended - started), ended - started
        self.not_before = ended + usual * REST_FACTOR

    def end(self) -> None:
        """Take note that its evaluation is over. Who still waits, because it was cut short, is not forgotten."""
        self.running = False
        self.dirty |= bool(self.waiting)

    def publish(self, answer: Answer[Any]) -> None:
        """Give everybody the answer."""
        self.answer = answer
        self.answered = self.touched = time.monotonic()
        for waiting in self.waiting:
            if not waiting.done():
                waiting.set_result(answer)
        self.waiting.clear()
        for on_change in tuple(self.watchers):
            on_change()


@dataclass(slots=True, eq=False)
class Group:
    """Questions that are answered in one transaction, one after the other; the first is the one being answered."""

    questions: list[Question]
    slow: bool  # whether it has one of the places for slow ones
    started: float = field(default_factory=time.monotonic)

    def let_go(self, first: int = 0) -> None:
        """Leave the questions from the `first` on to other groups."""
        for question in self.questions[first:]:
            question.end()
            question.mark()
        del self.questions[first:]


class Watched:
    """A question that stays asked until it is closed."""

    def __init__(self, question: Question, on_change: Callable[[], None]) -> None:
        self._question = question
        self._on_change = on_change

    @property
    def answer(self) -> Answer[Any] | None:
        """The newest answer; ``None`` until there is a first one."""
        return self._question.answer

    @property
    def read(self) -> Read[Any]:
        """What is asked."""
        return self._question.read

    @property
    def learned(self) -> float:
        """When this process learned of what the answer is about, on the monotonic clock."""
        return self._question.learned

    def close(self) -> None:
        """Stop watching."""
        with contextlib.suppress(ValueError):
            self._question.watchers.remove(self._on_change)
        self._question.touched = time.monotonic()
