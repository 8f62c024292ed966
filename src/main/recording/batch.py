"""Which rows go into the database in one transaction, and which events can have no row?"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from main.domain.events import Event
from main.errors import RecordRejected
from main.recording.dead_letters import DeadLetter
from main.recording.tables import ORDER, TABLES, EventTable

SLICE = 250
"""Events encoded in one go, about 1 ms: for longer the bot's own thread shall not wait for the interpreter."""


@dataclass(slots=True)
class Rows:
    """Events of one table, each with its line in COPY's text format."""

    table: EventTable
    events: list[Event]
    lines: list[str]


Part = list[Rows]
Refusal = tuple[Event, str]  # the reason


@dataclass(slots=True)
class Batch:
    """What is on its way into the database: parts, of which the last is next, and letters of what was refused."""

    parts: list[Part] = field(default_factory=list)
    letters: deque[DeadLetter] = field(default_factory=deque)

    @property
    def events(self) -> Iterator[Event]:
        """The events of the rows that are not written yet."""
        return (event for part in self.parts for rows in part for event in rows.events)

    @property
    def count(self) -> int:
        """How many rows and letters are not written yet."""
        return sum(map(size, self.parts)) + len(self.letters)

    def split(self, part: Part) -> None:
        """Put the halves of a refused part on top, the first half last: accounts come before what refers to them."""
        half = size(part) // 2
        self.parts += [list(_cut(part, half, size(part))), list(_cut(part, 0, half))]


def size(part: Part) -> int:
    """Return how many rows a part has."""
    return sum(len(rows.events) for rows in part)


async def encode(events: Iterable[Event]) -> tuple[Part, list[Refusal]]:
    """Return the rows of events in the order of their tables, and the events that have no row, each with the reason.

    Between slices the event loop turns.
    """
    part: Part = []
    refused: list[Refusal] = []
    in_order = sorted(events, key=lambda event: ORDER[type(event)])  # a stable sort: within a table as recorded
    for kind, group in groupby(in_order, key=type):
        rows = Rows(TABLES[kind], [], [])
        same = list(group)
        for start in range(0, len(same), SLICE):
            refused += _encode_slice(rows, same[start : start + SLICE])
            await asyncio.sleep(0)
        if rows.events:
            part.append(rows)
    return part, refused


def _encode_slice(rows: Rows, events: Sequence[Event]) -> list[Refusal]:
    try:
        rows.lines += rows.table.encode_all(events)
    except Exception:  # noqa: BLE001 - whichever event it is: one by one they tell
        return _encode_each(rows, events)
    rows.events += events
    return []


def _encode_each(rows: Rows, events: Sequence[Event]) -> list[Refusal]:
    refused: list[Refusal] = []
    for event in events:
        try:
            line = rows.table.encode(event)
        except RecordRejected as error:
            refused.append((event, error.message))
        except Exception as error:  # noqa: BLE001 - an object of the bot's may raise anything; the others must go in
            refused.append((event, f"{type(error).__name__} while it was encoded"))
        else:
            rows.lines.append(line)
            rows.events.append(event)
    return refused


def _cut(part: Part, start: int, stop: int) -> Iterator[Rows]:
    for rows in part:
        count = len(rows.events)
        if start < count and stop > 0:
            place = slice(max(start, 0), stop)
            yield Rows(rows.table, rows.events[place], rows.lines[place])
        start, stop = start - count, stop - count
