"""What waits for the database, where is it safe meanwhile, and what is next?

Events come out of the buffer in chunks and stay in line until they are committed. Where there is a spool, a chunk whose
commit takes longer than `SPOOL_AFTER` is copied to the disk: what may not be dropped at once, everything when the
database is away. A chunk that is on the disk may leave memory, and is read back at its turn. So a database that answers
costs the disk nothing, the order is kept, and a killed bot loses what came in the last `SPOOL_AFTER` and a moment.
"""

from collections import Counter, deque
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from math import inf

import structlog

from main.clock import monotonic
from main.domain.events import Event
from main.recording.buffer import Buffer
from main.recording.session import Backoff, describe
from main.recording.spool import Kept, Spool

TICK = 0.05
"""Seconds between two looks into the buffer where there is a spool."""

SPOOL_AFTER = 0.1
"""Seconds that an event which may not be dropped is in memory alone."""

STALLED_AFTER = 1.0
"""Seconds after which a database that has not answered counts as away."""

BATCH = 5000
"""Events of one transaction: about 25 ms of the bot's processor, in slices; larger ones gain nothing (measured)."""

IN_MEMORY = 4 * BATCH
"""Events in line beside the buffer. While the database is away the disk takes more; else they stay in the buffer."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Chunk:
    """Events that came together: in memory, on the disk, or both."""

    events: Sequence[Event] | None  # None when they are on the disk only
    unsafe: Sequence[Event] = ()  # in memory only, so far
    refused: Sequence[Event] = ()  # in memory only: of no form that the disk could keep
    rows: list[Kept] = field(default_factory=list)
    since: float = field(default_factory=monotonic)

    @property
    def count(self) -> int:
        """How many events it has."""
        return len(self.events) if self.events is not None else sum(row.events for row in self.rows)


@dataclass(slots=True, eq=False)
class Load:
    """The events of one transaction, and the chunks they come from."""

    chunks: list[Chunk]
    events: list[Event]


class Waiting:
    """The line between the buffer and the database. The Recorder's own thread alone uses it."""

    def __init__(self, buffer: Buffer, spool: Spool | None) -> None:
        """Take from `buffer`, and keep safe in `spool` where there is one."""
        self.error: str | None = None  # why the spool does not work; None while it does
        self.recovered = 0
        self._buffer = buffer
        self._spool = spool
        self._opened = False
        self._line: deque[Chunk] = deque()
        self._taken: list[Chunk] = []  # on their way into the database
        self._done: list[Kept] = []  # committed, and still on the disk
        self._arriving = 0
        self._left = 0  # on the disk when it was closed
        self._backoff = Backoff()
        self._again_at = 0.0

    @property
    def count(self) -> int:
        """How many events are in line or on their way."""
        return self._left + self._arriving + sum(chunk.count for chunk in self._chunks())

    @property
    def spooled(self) -> int:
        """How many of them the disk has."""
        return self._left + sum(row.events for chunk in self._chunks() for row in chunk.rows)

    @property
    def bytes(self) -> int:
        """How much disk the spool takes."""
        return self._spool.bytes if self._spool is not None and self._opened else 0

    @property
    def all_safe(self) -> bool:
        """Whether a kill at this moment would lose nothing."""
        return len(self._buffer) == 0 and not any(chunk.unsafe or chunk.refused for chunk in self._chunks())

    def tend(self, *, away: bool, everything: bool = False) -> None:
        """Take what came, and copy to the disk what has waited too long, or `everything`. Nothing without a spool."""
        if self._spool is None or not self._usable(self._spool):
            return
        now = monotonic()
        away = away or everything or any(chunk.unsafe and chunk.since < now - STALLED_AFTER for chunk in self._chunks())
        self._fill()
        try:
            self._secure(self._spool, inf if away else now - SPOOL_AFTER, away=away)
            while away and len(self._buffer) and self._relieve():
                self._fill()
                self._secure(self._spool, inf, away=True)
            self._backoff.reset()
            self.error = None
        except OSError as error:
            self._failed(error)
        self._count_lost(self._spool)

    def next(self) -> Load | None:
        """Return the events of the next transaction, ``None`` when nothing waits. Hand it back to `done`."""
        if not self._line:
            self._take_in()
        load = Load([], [])
        try:
            while self._line and (not load.chunks or len(load.events) + self._line[0].count <= BATCH):
                self._divide_first()
                load.events += self._events(self._line[0])
                load.chunks.append(self._line[0])
                self._taken.append(self._line[0])
                self._line.popleft()
        except OSError as error:
            self._failed(error)
        return load if load.chunks else None

    def done(self, load: Load) -> None:
        """Forget what is committed, on the disk too."""
        for chunk in load.chunks:
            self._taken.remove(chunk)
            self._done += chunk.rows
        if self._spool is not None and self._done:
            try:
                self._spool.remove(self._done)
                self._done = []
            except OSError as error:  # they come back after a restart, and change nothing
                self._failed(error)
            self._count_lost(self._spool)

    def close(self) -> list[Event]:
        """Copy to the disk what is not there, and let go of it. Return the events that are lost."""
        self.tend(away=True, everything=True)
        for chunk in self._line if self._opened else ():
            self._count_missing(chunk)
        lost = [event for chunk in self._chunks() for event in (*chunk.unsafe, *chunk.refused)]
        self._left = self.spooled
        if self._spool is not None and self._opened:
            self._opened = False
            try:
                self._spool.close()
            except OSError as error:
                self._failed(error)
        self._line.clear()
        self._taken.clear()
        return lost

    def _chunks(self) -> tuple[Chunk, ...]:
        """All of them; from another thread one that moves on may be seen twice, but never not at all."""
        line = tuple(self._line)
        return (*(chunk for chunk in tuple(self._taken) if chunk not in line), *line)

    def _usable(self, spool: Spool) -> bool:
        if monotonic() < self._again_at:
            return False
        if not self._opened:
            try:
                left = spool.open()
            except OSError as error:
                self._failed(error)
                return False
            self._opened = True
            if left:
                self._line.appendleft(Chunk(None, rows=list(left)))
                self.recovered += sum(row.events for row in left)
        return True

    def _take_in(self) -> int:
        self._arriving = min(BATCH, len(self._buffer))
        events = self._buffer.take(BATCH)
        if events:
            self._line.append(Chunk(events, unsafe=events))
        self._arriving = 0
        return len(events)

    def _fill(self) -> None:
        room = IN_MEMORY - sum(len(chunk.events) for chunk in self._chunks() if chunk.events is not None)
        while room > 0 and len(self._buffer):
            room -= self._take_in()

    def _secure(self, spool: Spool, before: float, *, away: bool) -> None:
        for chunk in tuple(self._chunks()):
            if chunk.since > before or not chunk.unsafe:
                continue
            unsafe = [event for event in chunk.unsafe if away or not event.droppable]
            if unsafe:
                appended = spool.append(unsafe)
                chunk.rows += appended.rows
                chunk.refused = (*chunk.refused, *appended.refused)
                chunk.unsafe = () if away else [event for event in chunk.unsafe if event.droppable]

    def _relieve(self) -> bool:
        """Let chunks that are on the disk leave memory. Return whether there were any."""
        relieved = False
        line: list[Chunk] = []
        for chunk in self._line:
            if chunk.events is not None and not chunk.unsafe and not chunk.refused:
                self._count_missing(chunk)
                chunk.events = None
                relieved = True
            if chunk.events is None and line and line[-1].events is None:
                line[-1].rows += chunk.rows  # neighbours become one: an outage may last for days
            else:
                line.append(chunk)
        self._line = deque(line)
        return relieved

    def _divide_first(self) -> None:
        """Let the first chunk be no more than one transaction can take, when it comes from the disk."""
        chunk = self._line[0]
        if chunk.events is not None or chunk.count <= BATCH or len(chunk.rows) == 1:
            return
        count, rows = chunk.rows[0].events, 1
        while count + chunk.rows[rows].events <= BATCH:
            count += chunk.rows[rows].events
            rows += 1
        self._line.insert(1, Chunk(None, rows=chunk.rows[rows:], since=chunk.since))
        del chunk.rows[rows:]

    def _events(self, chunk: Chunk) -> Sequence[Event]:
        if chunk.events is not None or self._spool is None:
            return chunk.events or ()
        events: list[Event] = []
        have: set[Kept] = set()
        for row in tuple(chunk.rows):
            found = self._spool.read(row)
            events += found
            have.update([row] if found else [])
        self._count_lost(self._spool, have)
        chunk.events = events
        return events

    def _count_lost(self, spool: Spool, have: Set[Kept] = frozenset()) -> None:
        """Count what the disk lost or gave up and memory does not have any more."""
        lost = dict(spool.lost())
        if not lost:
            return
        for chunk in self._chunks():
            gone = [row for row in chunk.rows if row in lost]
            chunk.rows = [row for row in chunk.rows if row not in lost]
            if chunk.events is not None and any(lost[row] == "spool_damaged" for row in gone):
                chunk.unsafe = chunk.events
            elif chunk.events is None:
                for row in gone:
                    self._give_up(row, lost[row], row in have)

    def _count_missing(self, chunk: Chunk) -> None:
        """Count what the disk gave up while memory still had it, now that memory lets go of it too."""
        missing = Counter(event.table for event in chunk.events or ())
        missing.subtract(event.table for event in (*chunk.unsafe, *chunk.refused))
        for row in chunk.rows if missing else ():
            missing[row.table] -= row.events
        for table in missing.elements():
            self._buffer.drops.add(table, "spool_full")

    def _give_up(self, row: Kept, reason: str, have: bool) -> None:
        for _ in range(0 if have else row.events):
            self._buffer.drops.add(row.table, reason)

    def _failed(self, error: OSError) -> None:
        if self.error is None:
            _log.error("spool does not work, events stay in memory", reason=describe(error))
        self.error = describe(error)
        self._again_at = monotonic() + self._backoff.seconds()
