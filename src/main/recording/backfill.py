"""How does a whole past get into the tables at once, just as if it had been recorded while it happened?

All of it is one transaction: after a kill there is nothing, and the next start begins anew. Rows are stamped with the
moment at which they would have been learned. Of a state, every version goes into its history and the last one into its
table; PostgreSQL's own triggers for that keep still (`app.backfill`). COPY goes into temporary tables, because it is
refused where row-level security is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from main.domain.events import Account, Event, Instrument
from main.domain.topics import CHANNEL, Announcement, Topic
from main.recording.tables import TABLES, EventTable
from main.recording.versions import KEPT_FOR

COMMAND_SECONDS = 120.0

_BEGIN = "BEGIN; SET LOCAL app.backfill = 'on'; SET LOCAL app.announced = 'on'; SET LOCAL statement_timeout = '120s'"
_TABLES = """
    SELECT relname FROM pg_class
     WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname = ANY ($1)
"""
_PARENTS = """
    SELECT c.relname FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
     WHERE p.partdefid <> 0 AND c.relname = ANY ($1)
"""
_PARTITION = """
    SELECT make_month_partition($1, month::date)
      FROM generate_series(date_trunc('month', $2 AT TIME ZONE 'UTC'), $3 AT TIME ZONE 'UTC', '1 month') AS month
"""
_ROLL_UP_AGAIN = "UPDATE public.rollup_progress SET rolled_until = '-infinity' WHERE fact IN ('market', 'equity')"
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"

_NONE: Mapping[str, str] = {}
_WRITER = {"daily_stats_history": {"origin": "'bot'"}}  # columns of a history that have no default there
_REFERRED_TO = (Account, Instrument)  # other rows need these to be there, so they cannot wait for the end


@dataclass(slots=True)
class _Pending:
    """Events of one class, each with the moment it was learned at."""

    events: list[Event] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)


class BackfillWriter:
    """A sink for events of the past, and the transaction that they are written in.

    `record` may go on while `write` waits for the database. It is for accounts and a source that have nothing yet.
    """

    def __init__(self, connection: Any) -> None:
        """Take over an open connection of the service role, which nobody else uses."""
        self.rows = 0
        self.pending = 0
        self._connection = connection
        self._waiting: dict[type[Event], _Pending] = {}
        self._at: datetime | None = None
        self._learned = ""
        self._histories: set[str] = set()
        self._prepared: set[str] = set()
        self._newest: dict[EventTable, dict[Any, str]] = {}
        self._meanings: dict[EventTable, dict[Any, object]] = {}
        self._topics: set[Topic] = set()
        self._accounts: set[str] = set()

    def turn(self, at: datetime) -> None:
        """Let what is recorded from now on have been learned at `at`."""
        self._at, self._learned = at, at.isoformat()

    def record(self, event: Event) -> None:
        """Take an event. It was learned at the moment of the last `turn`, or when it happened if that was later."""
        waiting = self._waiting.get(type(event))
        if waiting is None:
            waiting = self._waiting[type(event)] = _Pending()
        waiting.events.append(event)
        late = self._at is not None and event.at <= self._at
        waiting.learned.append(self._learned if late else event.at.isoformat())
        self.pending += 1

    async def begin(self) -> None:
        """Open the transaction. Errors here and later are asyncpg's; after one, all is undone with the connection."""
        names = [f"{table.name}_history" for table in TABLES.values() if table.is_state]
        self._histories = {row[0] for row in await self._connection.fetch(_TABLES, names)}
        await self._connection.execute(_BEGIN)

    async def write(self) -> None:
        """Write what was recorded so far; states wait for `commit`."""
        waiting, self._waiting, self.pending = self._waiting, {}, 0
        for kind, table in TABLES.items():  # in the order in which rows refer to each other
            pending = waiting.get(kind)
            if pending is None:
                continue
            self._topics.add(kind.topic)
            lines = _stamped(table.encode_all(pending.events), pending.learned)
            if not table.is_state:
                await self._insert(table.name, (*table.columns, "recorded_at"), lines)
                continue
            await self._write_versions(table, pending, lines)
            if kind in _REFERRED_TO:
                await self._write_newest(table)
            if kind is Account:
                self._accounts |= {str(table.account_of(event)) for event in pending.events}

    async def commit(self) -> None:
        """Write what is left, the newest version of every state too, and make all of it visible at once."""
        await self.write()
        for table in [table for table in TABLES.values() if table in self._newest]:
            await self._write_newest(table)
        await self._connection.execute(_ROLL_UP_AGAIN)  # who goes by recorded_at has passed these moments already
        payloads = {
            Announcement(topic, account).payload for topic in self._topics for account in (None, *self._accounts)
        }
        await self._connection.execute(_NOTIFY, CHANNEL, sorted(payloads))
        await self._connection.execute("COMMIT", timeout=COMMAND_SECONDS)

    async def _write_versions(self, table: EventTable, pending: _Pending, lines: Sequence[str]) -> None:
        newest = self._newest.setdefault(table, {})
        meanings = self._meanings.setdefault(table, {})
        meaning_of = KEPT_FOR.get(table.event)
        kept: list[str] = []
        for event, learned, line in zip(pending.events, pending.learned, lines, strict=True):
            key = table.key_of(event)
            meaning = line if meaning_of is None else meaning_of(event)
            if key not in newest or meanings[key] != meaning:
                kept.append(f"{'update' if key in newest else 'insert'}\t{learned}\t{line}")
            newest[key], meanings[key] = line, meaning
        name = f"{table.name}_history"
        if name in self._histories:
            await self._insert(
                name, ("operation", "changed_at", *table.columns, "recorded_at"), kept, _WRITER.get(name, {})
            )

    async def _write_newest(self, table: EventTable) -> None:
        lines = self._newest.pop(table)
        await self._insert(
            table.name, (*table.columns, "recorded_at"), list(lines.values()), there="ON CONFLICT DO NOTHING"
        )

    async def _insert(
        self,
        name: str,
        columns: Sequence[str],
        lines: Sequence[str],
        constants: Mapping[str, str] = _NONE,
        *,
        there: str = "",
    ) -> None:
        if not lines:
            return
        incoming, listed = f"past_{name}", ", ".join(columns)
        if name not in self._prepared:
            await self._connection.execute(
                f"CREATE TEMPORARY TABLE {incoming} ON COMMIT DROP AS "  # noqa: S608  # names are constants
                f"SELECT {listed} FROM public.{name} WITH NO DATA"
            )
            self._prepared.add(name)
        source = bytearray(("\n".join(lines) + "\n").encode())  # bytes would be the name of a file
        await self._connection.copy_to_table(incoming, source=source, columns=columns, format="text")
        into, values = ", ".join((*columns, *constants)), ", ".join((*columns, *constants.values()))
        await self._connection.execute(
            f"INSERT INTO public.{name} ({into}) SELECT {values} FROM pg_temp.{incoming} {there}; "  # noqa: S608
            f"TRUNCATE pg_temp.{incoming}",
            timeout=COMMAND_SECONDS,
        )
        self.rows += len(lines)


async def make_partitions(connection: Any, since: datetime, until: datetime, bars_since: datetime) -> None:
    """Make the partitions of all months from `since` to `until`; of those for bars from `bars_since` on."""
    names = [*(table.name for table in TABLES.values()), "market_rollups"]
    for row in await connection.fetch(_PARENTS, names):
        first = bars_since if row[0] == "market_data" else since
        await connection.execute(_PARTITION, row[0], first, until)


async def analyze(connection: Any, role: str = "ai_trader_owner") -> None:
    """Let the planner know how much there is now. Raise asyncpg's errors, one of them where `role` cannot be taken."""
    names = [table.name for table in TABLES.values()]
    names += [f"{name}_history" for name in names]
    there = [f"public.{row[0]}" for row in await connection.fetch(_TABLES, names)]
    await connection.execute(f"SET ROLE {role}")
    await connection.execute("ANALYZE " + ", ".join(there), timeout=COMMAND_SECONDS)


def _stamped(lines: Iterable[str], learned: Iterable[str]) -> list[str]:
    return [f"{line}\t{moment}" for line, moment in zip(lines, learned, strict=True)]
