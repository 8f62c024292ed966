"""What is one recurring task of the elected worker, and how did its last run go?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from main.database.pool import Database

State = Literal["waiting", "running", "failing"]

_REPORTED = ("runs", "failures", "last_started_at", "last_finished_at", "last_seconds", "last_result", "last_error")


@dataclass(slots=True)
class Job:
    """One task with its pace and its limit; ``run`` returns what it did in a few words, or ``None``.

    The counts begin with this process. ``next_at`` is ``None`` while a run is under way, and where this worker is not
    the one that works.
    """

    name: str
    every_seconds: float
    run: Callable[[Database], Awaitable[str | None]]
    limit_seconds: float = 60.0
    runs: int = 0
    failures: int = 0
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_seconds: float | None = None
    last_result: str | None = None
    last_error: str | None = None
    next_at: datetime | None = None
    running: bool = False

    @property
    def state(self) -> State:
        """A job whose last run failed is failing until one succeeds, also while it is tried again."""
        if self.last_error is not None:
            return "failing"
        return "running" if self.running else "waiting"

    @property
    def report(self) -> dict[str, Any]:
        """What the status page says of it, by the columns of ``worker_jobs``."""
        head = {"name": self.name, "every_seconds": self.every_seconds, "limit_seconds": self.limit_seconds}
        return {**head, "state": self.state, **{name: getattr(self, name) for name in (*_REPORTED, "next_at")}}

    def begin(self, at: datetime) -> None:
        """Note that a run begins."""
        self.runs += 1
        self.running, self.last_started_at, self.next_at = True, at, None

    def succeed(self, at: datetime, seconds: float, result: str | None) -> None:
        """Note that the run is over and what it did."""
        self.running, self.last_finished_at, self.last_seconds = False, at, seconds
        self.last_result, self.last_error = result, None

    def fail(self, at: datetime, seconds: float, error: str) -> None:
        """Note that the run ended with an error, or was ended at its limit."""
        self.running, self.last_finished_at, self.last_seconds = False, at, seconds
        self.failures += 1
        self.last_error = error

    def rest(self) -> None:
        """Note that this worker does not do it any more: another was elected, or the process ends."""
        self.running, self.next_at = False, None


def told(error: BaseException) -> str:
    """Return an error in words; never empty, and of a group of errors those that it holds."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(told(inner) for inner in error.exceptions)
    if isinstance(error, asyncio.CancelledError):
        return "something inside it cancelled it"
    if isinstance(error, SystemExit):
        return f"it asked the process to end (exit code {error.code})"
    return str(error) or type(error).__name__
