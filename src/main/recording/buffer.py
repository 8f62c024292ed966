"""Which events wait to be written, and which are given up when there is no room for all?"""

import os
from collections import deque
from collections.abc import Callable

from main.domain.events import Event
from main.recording.statistics import Drops, Tally
from main.recording.tables import TABLES

MANY = 1000
"""Events at which whoever takes them out is woken, rather than after its usual pause."""


class Buffer:
    """A bounded queue that any thread or signal handler may add to, and one thread takes from.

    No lock guards it: a signal handler that met one held by its own thread would wait for ever. Every step is a single
    indivisible operation of `deque`, so `n` threads that add at once may exceed the capacity by `n`.

    When it is full the oldest droppable event goes; when there is none, the newcomer does: what came first, such as the
    account the others refer to, stays.
    """

    def __init__(self, capacity: int, tap: Callable[[Event], None] | None = None) -> None:
        """Hold at most `capacity` events. Each that comes in while the buffer is open is shown to `tap`, which must
        neither block nor raise."""
        if capacity < 1:
            raise ValueError(f"capacity: got {capacity}, expected at least 1")
        self.drops = Drops()
        self.received = Tally()
        self.when_many: Callable[[], None] = _nobody  # must neither block nor raise
        self._capacity = capacity
        self._tap = tap
        self._kept: deque[Event] = deque()
        self._droppable: deque[Event] = deque()
        self._closed = False
        self._owner = os.getpid()

    def __len__(self) -> int:
        return len(self._kept) + len(self._droppable)

    @property
    def foreign(self) -> bool:
        """Whether this process is a forked child of the one that made the buffer, so that nobody takes from it."""
        return os.getpid() != self._owner

    def close(self) -> None:
        """Take no more events; those inside can still be taken out."""
        self._closed = True

    def add(self, event: Event) -> None:
        """Queue an event, or count why it is given up. Never blocks, never raises."""
        self.received.add()
        table = TABLES.get(type(event))
        if table is None:
            self.drops.add("", "not_an_event")
        elif self.foreign:
            self.drops.add(table.name, "forked")
        elif self._closed:
            self.drops.add(table.name, "closed")
        else:
            if self._tap is not None:
                self._tap(event)
            self._queue(table.name, event)

    def _queue(self, table: str, event: Event) -> None:
        waiting = len(self._kept) + len(self._droppable)
        if waiting < self._capacity or self._make_room():
            (self._droppable if event.droppable else self._kept).append(event)
        else:
            self.drops.add(table, "buffer_full")
        if waiting == MANY:
            self.when_many()

    def take(self, limit: int) -> list[Event]:
        """Remove and return `limit` events, or all: first those that are kept, each kind oldest first.

        What is droppable never overtakes what one thread added before it: whoever reads it stored, such as the
        heartbeat that ends a tick, knows that all else is. What is added meanwhile may exceed the limit a little.
        """
        taken = _popped(self._kept, limit)
        droppable = _popped(self._droppable, limit - len(taken))
        if droppable:  # whatever came before one of them is in line by now
            taken += _popped(self._kept, len(self._kept))
        return taken + droppable

    def give_up(self, reason: str) -> int:
        """Empty the buffer, count its events under `reason` and return how many there were."""
        rest = self.take(len(self))
        for event in rest:
            self.drops.add(event.table, reason)
        return len(rest)

    def _make_room(self) -> bool:
        try:
            given_up = self._droppable.popleft()
        except IndexError:
            return False
        self.drops.add(given_up.table, "buffer_full")
        return True


def _popped(queue: deque[Event], limit: int) -> list[Event]:
    taken: list[Event] = []
    while len(taken) < limit:
        try:
            taken.append(queue.popleft())
        except IndexError:
            break
    return taken


def _nobody() -> None:
    """Nobody is to be woken, so far."""
