"""What is asked, who waits for it, and when is it due again? The hub's own notes on one question."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from main.domain.scope import Scope
from main.monitoring.read import Answer, Read

SLOW_SECONDS = 0.5


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
    alarm: asyncio.TimerHandle | None = None  # when the bot will count as silent unless it is heard before

    @property
    def wanted(self) -> bool:
        """Whether it should be answered as soon as it may."""
        return self.dirty and not self.running and bool(self.watchers or self.waiting)

    @property
    def slow(self) -> bool:
        """Whether it took so long, or failed so late, that others should not share its transaction."""
        return self.took > SLOW_SECONDS

    @property
    def group(self) -> Hashable:
        """What questions that are answered in one transaction have in common."""
        if self.read.source == "live":
            return ("live",)
        return (self.scope.accounts, id(self) if self.slow else None)


class Watched:
    """A question that stays asked until it is closed."""

    def __init__(self, question: Question, on_change: Callable[[], None]) -> None:
        self._question = question
        self._on_change = on_change

    @property
    def answer(self) -> Answer[Any] | None:
        """The newest answer; ``None`` until there is a first one."""
        return self._question.answer

    def close(self) -> None:
        """Stop watching."""
        with contextlib.suppress(ValueError):
            self._question.watchers.remove(self._on_change)
        self._question.touched = time.monotonic()
