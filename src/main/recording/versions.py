"""Which versions of a state does a batch hold that its history must keep, and in which order are they merged?

A table holds a key once, and one INSERT may meet it only once. So the versions of a key go in rounds, each of which
the table's own triggers see, just as if they had come one by one. Versions that the triggers would not keep are left
out beforehand: after a fast replay there may be thousands of mere marks in a batch.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any

from main.domain.events import DailyStats, Event, PipelineRun, Position
from main.recording.batch import Rows

_POSITION = attrgetter(
    "side", "quantity", "multiplier", "entry_time", "entry_price", "initial_stop", "strategy", "is_active"
)
_DAY = attrgetter("limit_hit", "trading_blocked", "trailing_active", "loss_limit")


_NOTHING = object()


KEPT_FOR: dict[type[Event], Callable[[Any], object]] = {
    Position: lambda event: (_POSITION(event), event.at.timestamp() // 60),
    DailyStats: lambda event: (_DAY(event), event.at.timestamp() // 3600),
    PipelineRun: lambda event: _NOTHING,
}
"""By class of state: what makes a version worth keeping when it differs from the version before, as the triggers
``keep_history_of_changes`` say it. Of a state that has no history only the newest counts. Default: every version."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The lines of the versions to merge, with their round, in an order in which all writers lock the same rows."""

    lines: Sequence[str]
    count: int
    ties: bool  # two versions of a key are of the same moment


def rounds_of(rows: Rows) -> Rounds:
    """Return the rounds of a batch's states: the first has a version of every key, each key's oldest comes first; of
    two of the same moment the one that was recorded later counts."""
    kept_for = KEPT_FOR.get(type(rows.events[0]))
    by_key: dict[Any, list[tuple[Event, str]]] = {}
    for event, line in zip(rows.events, rows.lines, strict=True):
        by_key.setdefault(rows.table.key_of(event), []).append((event, line))
    lines: list[tuple[int, Any, str]] = []
    ties = False
    for key, versions in by_key.items():
        versions.sort(key=lambda version: version[0].at)
        worth = _worth_keeping(versions, kept_for) if len(versions) > 1 else versions
        ties = ties or len({event.at for event, _ in worth}) < len(worth)
        lines += ((number, key, f"{line}\t{number}") for number, (_, line) in enumerate(worth, 1))
    lines.sort(key=itemgetter(0, 1))
    return Rounds([line for _, _, line in lines], lines[-1][0], ties)


def _worth_keeping(
    versions: Sequence[tuple[Event, str]], kept_for: Callable[[Any], object] | None
) -> list[tuple[Event, str]]:
    """Leave out a version that says what the one before says, but not the last one: that is how it stands."""
    meanings: Iterable[object] = [line if kept_for is None else kept_for(event) for event, line in versions]
    worth: list[tuple[Event, str]] = []
    before = _NOTHING
    for version, meaning in zip(versions[:-1], meanings, strict=False):
        if meaning != before:
            worth.append(version)
            before = meaning
    return [*worth, versions[-1]]
