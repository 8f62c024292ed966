"""How does a batch get into the database while its sender waits: all that is right of it, and what was wrong?"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import structlog

from main.clock import now
from main.database.address import Address
from main.database.session import connect
from main.domain.events import Account, Event
from main.domain.topics import CHANNEL, Announcement, Topic
from main.errors import DatabaseError, DatabaseTimeout, DatabaseUnreachable
from main.recording.batch import Batch, Part, encode, size
from main.recording.dead_letters import INSERT, DeadLetter
from main.recording.session import REFUSED, ROLE, describe
from main.recording.writer import Outcome, Writer

T = TypeVar("T")
CONNECTIONS = 2
LIMIT_SECONDS = 12.0
"""From the first wait to the commit; who waits longer is told to come again."""

CONFLICT = "stored before with other content, which is kept; a correction needs a higher revision"

_KNOWN = "SELECT account_id::text AS account_id FROM public.accounts WHERE account_id = ANY($1)"
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"
_KEY = re.compile(r"\((?P<column>[a-z_]+)[,)]")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not stored, the field at fault (empty where nobody can tell), and why."""

    event: Event
    field: str
    problem: str
    conflict: bool = False


@dataclass(slots=True)
class Receipt:
    """What became of a batch. ``duplicates`` had been stored before, by the same words or newer ones."""

    accepted: int = 0
    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Intake:
    """Writes batches through at most two connections, made when they are first needed.

    A batch is one transaction with its dead letters. When the answer to its COMMIT is lost it is written once more:
    the keys of its events make that harmless, they count as duplicates then.
    """

    def __init__(self, address: Address) -> None:
        """Write to a database, past any connection pooler: temporary tables need a session."""
        self._address = address
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Writer] = []

    async def write(self, events: Sequence[Event], letters: Sequence[DeadLetter] = ()) -> Receipt:
        """Store events, and `letters` of what told none; return what became of them.

        Raise `DatabaseUnreachable` or `DatabaseTimeout`: then nothing is stored, or all of it (the answer was lost),
        and the same batch may be sent again.
        """

        async def settled(writer: Writer) -> Receipt:
            settling = _Settling(writer)
            announcements = await settling.settle(events, letters)
            try:
                await _announce(writer.connection, announcements)
            except (TimeoutError, *_LATER):  # it is stored; listeners look by themselves in a while
                writer.connection.terminate()  # where its transaction is now nobody knows
            return settling.receipt

        return await self.lent(settled)

    async def lent(self, use: Callable[[Writer], Awaitable[T]]) -> T:
        """Return what `use` of a connection returned; when that is lost it is used once more, on another one.

        Raise `DatabaseUnreachable` or `DatabaseTimeout`, as `write` does.
        """
        try:
            async with asyncio.timeout(LIMIT_SECONDS), self._places:
                try:
                    return await self._once(use)
                except (OSError, asyncpg.PostgresConnectionError, *_BROKEN) as error:
                    if isinstance(error, TimeoutError):
                        raise
                    return await self._once(use)  # the connection was old, or cut on the way
        except TimeoutError as error:
            raise DatabaseTimeout("the batch", LIMIT_SECONDS) from error
        except (OSError, asyncpg.PostgresError, *_BROKEN) as error:
            _log.warning("batch not written", database=str(self._address), reason=describe(error))
            raise DatabaseUnreachable(str(self._address), describe(error), since=now()) from error

    async def close(self) -> None:
        """Cut the connections."""
        for writer in self._idle:
            writer.connection.terminate()
        self._idle.clear()

    async def _once(self, use: Callable[[Writer], Awaitable[T]]) -> T:
        writer = await self._connected()
        try:
            outcome = await use(writer)
        except BaseException:
            writer.connection.terminate()
            raise
        if not writer.connection.is_closed():
            self._idle.append(writer)
        return outcome

    async def _connected(self) -> Writer:
        while self._idle:
            writer = self._idle.pop()
            if not writer.connection.is_closed():
                return writer
        statement = int(self._address.limits.statement_seconds * 1000)
        settings = {
            "statement_timeout": str(statement),
            "lock_timeout": str(statement // 2),
            "idle_in_transaction_session_timeout": "30s",
            "timezone": "UTC",
        }
        connection = await connect(self._address, "ai-trader api", settings=settings)
        try:
            await connection.execute(f"SET ROLE {ROLE}")
        except BaseException:
            connection.terminate()
            raise
        return Writer(connection)


_BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError)  # the connection's end, as its client tells it
_LATER = (OSError, asyncpg.PostgresError, *_BROKEN, DatabaseError)


class _Settling:
    """One transaction: what the database refuses is found by halving, between savepoints."""

    def __init__(self, writer: Writer) -> None:
        self.receipt = Receipt()
        self._writer = writer
        self._execute = writer.connection.execute
        self._outcome = Outcome()
        self._again = False

    async def settle(self, events: Sequence[Event], letters: Sequence[DeadLetter]) -> list[str]:
        # The Recorder's way: what is announced is announced by us, so the triggers keep quiet.
        await self._execute("BEGIN; SET LOCAL app.announced = 'on'")
        part, unencodable = await encode(await self._of_known_accounts(events))
        for event, reason in unencodable:
            self._refuse(event, reason.partition(":")[0] if ": got" in reason else "", reason)
        for rows in part:
            await self._execute(rows.table.create_incoming)
        if part:
            await self._merge(part)
        for letter in (*letters, *self._own_letters()):
            await self._execute(INSERT, *letter.arguments())
        await self._execute("COMMIT")
        self._writer.committed(part)
        self.receipt.accepted = self._outcome.written
        self.receipt.duplicates = self._outcome.duplicates + self._outcome.superseded
        announcements = {rows.table.announcement(event) for rows in part for event in rows.events}
        if self._outcome.conflicts:
            announcements |= {Announcement(Topic.EVENTS, each.account) for each in tuple(announcements)}
        return sorted(announcement.payload for announcement in announcements)

    async def _of_known_accounts(self, events: Sequence[Event]) -> list[Event]:
        """Refuse what belongs to nobody: most tables would take it, and nobody would ever see it."""
        named = {account for event in events if (account := getattr(event, "account", None)) is not None}
        rows = await self._writer.connection.fetch(_KNOWN, sorted(named))
        known = {row["account_id"] for row in rows} | {each.account for each in events if isinstance(each, Account)}
        for event in events:
            if (account := getattr(event, "account", None)) is not None and account not in known:
                self._refuse(event, "account", f"account: got {account!r}, expected one that is known; record it first")
        refused = {id(each.event) for each in self.receipt.refused}
        return [event for event in events if id(event) not in refused]

    async def _merge(self, part: Part) -> None:
        conflicting: list[Event] = []
        outcome = Outcome()
        await self._execute("SAVEPOINT half")
        try:
            for rows in part:
                if self._again:  # the rows of the half before are still there
                    await self._execute(f"TRUNCATE pg_temp.{rows.table.incoming}")
                outcome += await self._writer.merge(rows, conflicting)
        except REFUSED as error:
            await self._execute("ROLLBACK TO half; RELEASE half")
            self._again = True
            if size(part) == 1:
                self._refuse(part[0].events[0], _field_of(error), describe(error))
                return
            halves = Batch()
            halves.split(part)
            for half in reversed(halves.parts):
                await self._merge(half)
            return
        await self._execute("RELEASE half")
        self._again = True
        self._outcome += outcome
        self.receipt.refused += [Refusal(event, "revision", CONFLICT, conflict=True) for event in conflicting]

    def _refuse(self, event: Event, name: str, problem: str) -> None:
        self.receipt.refused.append(Refusal(event, name, problem))

    def _own_letters(self) -> list[DeadLetter]:
        return [DeadLetter.of(each.event, each.problem) for each in self.receipt.refused if not each.conflict]


async def _announce(connection: Any, payloads: Sequence[str]) -> None:
    """Tell the dashboards. In a transaction of its own: NOTIFY takes a lock that all committing writers share."""
    if payloads:
        await connection.execute("BEGIN; SET LOCAL synchronous_commit = off")
        await connection.execute(_NOTIFY, CHANNEL, list(payloads))
        await connection.execute("COMMIT")


def _field_of(error: BaseException) -> str:
    """The field that PostgreSQL names, as the event calls it; empty where it names none."""
    column = getattr(error, "column_name", None)
    if not column and (match := _KEY.search(getattr(error, "detail", None) or "")):
        column = match["column"]
    return "account" if column == "account_id" else str(column or "")
