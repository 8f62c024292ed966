"""What may stand between memory and the database, so that an outage or a killed bot loses nothing?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from main.domain.events import CashFlow, Event, Fill, OrderEvent

PRECIOUS = (Fill, OrderEvent, CashFlow)
"""What happened to money: it is on the disk itself, not only in the system's memory, before it counts as kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the spool: some events of one class."""

    file: str
    id: int
    table: str
    events: int


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of events that were handed to the spool."""

    rows: tuple[Kept, ...]
    refused: tuple[Event, ...] = ()  # of no form that the disk could keep; they have to stay in memory


class Spool(Protocol):
    """Rows of events that outlive the process. The Recorder's own thread alone calls it.

    What was appended and never removed is read again after a restart; the keys of the events make that harmless.
    Every method raises ``OSError`` when the disk does not let it; the events then have to stay in memory.
    """

    def open(self) -> Sequence[Kept]:
        """Begin, and return what was left by processes that are no more, oldest first."""
        ...

    def append(self, events: Sequence[Event]) -> Appended:
        """Store events durably, in the order of their tables. Older rows may have to make room, market data first."""
        ...

    def read(self, row: Kept) -> Sequence[Event]:
        """Return the events of a row; none when it is gone or cannot be read, of which `lost` tells."""
        ...

    def lost(self) -> Sequence[tuple[Kept, str]]:
        """Return the rows that were given up since the last call, each with the reason."""
        ...

    def remove(self, rows: Iterable[Kept]) -> None:
        """Forget rows; those that are not there count as forgotten."""
        ...

    def close(self) -> None:
        """Let go of the files; a spool that holds nothing leaves none."""
        ...

    @property
    def bytes(self) -> int:
        """How much disk it takes."""
        ...
