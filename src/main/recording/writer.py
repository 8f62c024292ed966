"""How does a part of a batch get into its tables in one transaction?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from main.domain.events import Event
from main.recording.batch import Part, Rows
from main.recording.session import REFUSED
from main.recording.tables import EventTable
from main.recording.versions import rounds_of


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


class Writer:
    """Writes rows over one connection, which nobody else uses."""

    def __init__(self, connection: Any) -> None:
        """Take over an open asyncpg connection of the service role."""
        self.connection = connection
        self._prepared: set[EventTable] = set()

    async def write(self, part: Part) -> Outcome:
        """Merge all rows, which are in the order of their tables, or none. Errors are asyncpg's.

        After an error of the data the connection is usable, after any other it is in doubt: the rows may be committed.
        To write them again is always right.
        """
        execute = self.connection.execute
        # The Recorder announces by itself, so the triggers that announce for other writers keep quiet.
        await execute("BEGIN; SET LOCAL app.announced = 'on'")
        try:
            outcome = Outcome()
            for rows in part:
                outcome += await self.merge(rows)
        except REFUSED:
            await execute("ROLLBACK")
            raise
        await execute("COMMIT")
        self.committed(part)
        return outcome

    def committed(self, part: Part) -> None:
        """Take note that the temporary tables of a part are there; a rollback would have taken them away."""
        self._prepared.update(rows.table for rows in part)

    async def merge(self, rows: Rows, conflicting: list[Event] | None = None) -> Outcome:
        """Merge rows of one table inside the transaction of the caller, who commits.

        Facts that are stored with other content go into `conflicting`, where it is given. Errors are asyncpg's.
        """
        if rows.table not in self._prepared:
            await self.connection.execute(rows.table.create_incoming)
        return await (self._merge_states(rows) if rows.table.is_state else self._merge_facts(rows, conflicting))

    async def _merge_facts(self, rows: Rows, conflicting: list[Event] | None) -> Outcome:
        await self._copy(rows.table, rows.lines)
        written = _count(await self.connection.execute(rows.table.merge))
        missing = len(rows.lines) - written
        conflicts = await self.connection.fetchval(rows.table.report_conflicts) if missing else 0
        if conflicts and conflicting is not None:
            places = await self.connection.fetch(rows.table.conflicting_places)
            conflicting += [rows.events[each["place"]] for each in places]
        return Outcome(written, duplicates=missing - conflicts, conflicts=conflicts)

    async def _merge_states(self, rows: Rows) -> Outcome:
        rounds = rounds_of(rows)
        await self._copy(rows.table, rounds.lines)
        if rounds.ties:
            await self.connection.execute(rows.table.forget_applied)
        written = 0
        for number in range(1, rounds.count + 1):
            written += _count(await self.connection.execute(rows.table.merge, number))
        return Outcome(written, superseded=len(rows.lines) - written)

    async def _copy(self, table: EventTable, lines: Sequence[str]) -> None:
        source = bytearray(("\n".join(lines) + "\n").encode())  # bytes would be the name of a file
        await self.connection.copy_to_table(
            table.incoming, source=source, columns=table.incoming_columns, format="text"
        )


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
