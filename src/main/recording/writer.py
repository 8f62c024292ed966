"""How does a batch of events get into its tables in one transaction?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from main.domain.events import Event
from main.errors import RecordRejected
from main.recording.session import REFUSED
from main.recording.tables import ORDER, TABLES, EventTable


@dataclass(frozen=True, slots=True)
class Row:
    """An event that can be written, with its line in COPY's text format."""

    table: EventTable
    event: Event
    line: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows of a transaction; the names are those of `RecorderStatistics`."""

    written: int = 0
    superseded: int = 0
    duplicates: int = 0
    conflicts: int = 0

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(
            self.written + other.written,
            self.superseded + other.superseded,
            self.duplicates + other.duplicates,
            self.conflicts + other.conflicts,
        )


def encode(events: Iterable[Event]) -> tuple[list[Row], list[tuple[Event, str]]]:
    """Return the rows of events in the order of their tables, and the events that have no row, each with the reason."""
    rows: list[Row] = []
    refused: list[tuple[Event, str]] = []
    for event in sorted(events, key=lambda event: ORDER[type(event)]):  # a stable sort: within a table as recorded
        table = TABLES[type(event)]
        try:
            rows.append(Row(table, event, table.encode(event)))
        except RecordRejected as error:
            refused.append((event, error.message))
        except Exception as error:  # noqa: BLE001 - an object of the bot's may raise anything; the others must go in
            refused.append((event, f"{type(error).__name__} while it was encoded"))
    return rows, refused


class Writer:
    """Writes rows over one connection, which nobody else uses."""

    def __init__(self, connection: Any) -> None:
        """Take over an open asyncpg connection of the service role."""
        self.connection = connection
        self._prepared: set[EventTable] = set()

    async def write(self, rows: Sequence[Row]) -> Outcome:
        """Merge all rows, which are in the order of their tables, or none. Errors are asyncpg's.

        After an error of the data the connection is usable, after any other it is in doubt: the rows may be committed.
        To write them again is always right.
        """
        execute = self.connection.execute
        # The Recorder announces by itself, so the triggers that announce for other writers keep quiet.
        await execute("BEGIN; SET LOCAL app.announced = 'on'")
        try:
            outcome = Outcome()
            for table, group in groupby(rows, key=lambda row: row.table):
                outcome += await self._merge(table, list(group))
        except REFUSED:
            await execute("ROLLBACK")
            raise
        await execute("COMMIT")
        self._prepared.update(row.table for row in rows)  # only now: a rollback takes the temporary tables away
        return outcome

    async def _merge(self, table: EventTable, rows: list[Row]) -> Outcome:
        if table not in self._prepared:
            await self.connection.execute(table.create_incoming)
        lines = _newest(table, rows) if table.is_state else [row.line for row in rows]
        await self.connection.copy_to_table(
            table.incoming, source=bytearray().join(lines), columns=table.columns, format="text"
        )
        tag = await self.connection.execute(table.merge)
        written = int(tag.rpartition(" ")[2])
        missing = len(rows) - written
        if table.is_state:
            return Outcome(written, superseded=missing)
        conflicts = await self.connection.fetchval(table.report_conflicts) if missing else 0
        return Outcome(written, duplicates=missing - conflicts, conflicts=conflicts)


def _newest(table: EventTable, rows: list[Row]) -> list[bytes]:
    """Return the newest line of each key: one INSERT may meet a key only once. In the order of the keys, so that two
    Recorders that touch the same states lock them in the same order."""
    newest: dict[Any, Row] = {}
    for row in rows:
        key = table.key_of(row.event)
        held = newest.get(key)
        if held is None or row.event.at >= held.event.at:
            newest[key] = row
    return [newest[key].line for key in sorted(newest)]
