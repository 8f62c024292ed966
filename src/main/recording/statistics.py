"""What became of the events a bot handed in?"""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecorderStatistics:
    """Counts since the Recorder was made.

    ``recorded`` + ``recovered`` = ``written`` + ``superseded`` + ``duplicates`` + ``conflicts`` + ``dead_letters``
    + all ``dropped`` + ``queued``, exactly so while nothing is on its way.
    """

    recorded: int  # handed in, whatever became of them
    written: int  # rows this Recorder inserted or updated
    superseded: int  # states that a newer or equal one made needless
    duplicates: int  # facts that were there already, with the same content
    conflicts: int  # facts that were there with other content under the same key and revision
    dropped: Mapping[str, int]  # by reason
    dropped_by_table: Mapping[str, Mapping[str, int]]  # by table, then by reason
    dead_letters: int
    queued: int  # waiting or being written
    last_error: str | None
    database_reachable: bool | None  # None before the first attempt
    recovered: int = 0  # found in the spool, from runs before this one
    spooled: int = 0  # of those queued: how many are on the disk
    spool_bytes: int = 0
    spool_error: str | None = None  # why the disk keeps nothing; None while it does
    mirror_failures: int = 0  # lines of the JSONL logs that could not be written


class Tally:
    """A counter that threads and signal handlers may advance at any instant, without a lock that could stop them."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._looks = 0
        self._reading = threading.RLock()  # of readers only; reentrant for a reader in a signal handler

    def add(self) -> None:
        """Count one more."""
        next(self._ticks)  # one C call, hence indivisible; `+= 1` is three steps and loses counts

    @property
    def value(self) -> int:
        """How many were counted."""
        with self._reading:  # to look is to take a tick: subtract the earlier looks
            seen = next(self._ticks) - self._looks
            self._looks += 1
            return seen


class Drops:
    """Events that were given up, by table and reason. Safe from threads and signal handlers."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}

    def add(self, table: str, reason: str) -> None:
        """Count one event of `table` (empty when it has none) as given up."""
        tally = self._tallies.get((table, reason))
        if tally is None:
            tally = self._tallies.setdefault((table, reason), Tally())
        tally.add()

    def by_table(self) -> dict[str, dict[str, int]]:
        """Return the counts by table, then reason."""
        counts: dict[str, dict[str, int]] = {}
        for (table, reason), tally in tuple(self._tallies.items()):
            counts.setdefault(table, {})[reason] = tally.value
        return counts

    def by_reason(self) -> dict[str, int]:
        """Return the counts by reason, over all tables."""
        counts: dict[str, int] = {}
        for (_, reason), tally in tuple(self._tallies.items()):
            counts[reason] = counts.get(reason, 0) + tally.value
        return counts

    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Return every (table, reason) there has been, in the order of their first drop."""
        return tuple(self._tallies)
