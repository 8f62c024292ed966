"""Which samples does a panel of the machine show: the stored ones, or this process's own while the database is away?"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2.panel import Answers
from main.monitoring.read import Read, State
from main.monitoring.reads import host_now
from main.monitoring.reads.host_now import HostNow

T = TypeVar("T")

NO_SAMPLES = ("No samples in this range", "The worker samples the machine while it runs.")


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """What is shown, ``None`` for nothing; ``note`` says so where it is not what was stored."""

    value: T | None
    note: str = ""

    def caption(self, usual: str) -> str:
        """Return the caption of a panel: the note, where there is one."""
        return self.note or usual


def shown(answers: Answers, scope: Scope, read: Read[T], part: Callable[[HostNow], T]) -> Shown[T]:
    """Return the answer of `read`, or while the database is away the same `part` of what this process saw itself."""
    stored, own = answers[read], answers[host_now.READ]
    if own.value and own.value.host is not None and scope.live and stored.state is State.UNREACHABLE:
        since = stored.freshness.since
        away = "" if since is None else f" for {text.duration(own.freshness.moment - since)}"
        return Shown(part(own.value), f"live samples · no database{away}")
    return Shown(stored.value or None)
