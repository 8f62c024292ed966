"""What may stand between memory and the database, so that an outage or a killed bot loses nothing?"""

from collections.abc import Sequence
from typing import Protocol

from main.domain.events import Event


class Spool(Protocol):
    """A queue that outlives the process, first in, first out.

    The Recorder's own thread alone calls it. It moves events from memory into the spool as they come, also while the
    database is away, writes what `peek` shows, and acknowledges it once it is committed. What was peeked and never
    acknowledged is written again after a restart; the keys of the events make that harmless.
    """

    def append(self, events: Sequence[Event]) -> None:
        """Store events durably, in order. Raise ``OSError`` where there is no room; they then stay in memory."""
        ...

    def peek(self, limit: int) -> Sequence[Event]:
        """Return the oldest events, at most `limit`, without removing them."""
        ...

    def acknowledge(self, count: int) -> None:
        """Remove the `count` oldest events."""
        ...

    def __len__(self) -> int:
        """Return how many events wait."""
        ...
