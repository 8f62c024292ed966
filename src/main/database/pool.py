"""How is the database reached: a pool that scopes transactions, limits every wait and knows since when it is down."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from main.clock import now
from main.database.address import Address
from main.database.lender import Lender, cut, rolled_back, usable
from main.database.session import UNREACHABLE
from main.domain.scope import account_id
from main.errors import DatabaseLocked, DatabaseTimeout, DatabaseUnreachable

__all__ = ["UNREACHABLE", "Database", "DatabaseStatus", "Role"]

Role = Literal["app", "service"]
Opening = Callable[[Any], Awaitable[object]]

MARGIN_SECONDS = 1.0
"""The server's own limit comes first: it ends a query better than we can, and says whether it was a lock."""
LEAST_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """What a process knows of its database without asking it. ``reachable`` is ``None`` before the first attempt."""

    target: str
    reachable: bool | None
    since: datetime | None
    reason: str
    version: str | None
    ping_seconds: float | None
    pool_size: int
    pool_idle: int
    pool_limit: int
    waiting: int
    acquired: int = 0  # times that somebody asked for a connection since the start, and how long all of them waited
    waited_seconds: float = 0.0


class Database:
    """A pool of connections. Every transaction names its role and the accounts it may see, nothing lives in a session.

    So connections are handed on without a reset, and a transaction-pooling PgBouncer may stand between.
    """

    def __init__(
        self,
        address: Address,
        *,
        role: Role = "app",
        max_size: int | None = None,
        command_timeout: float | None = None,
        application_name: str = "ai-trader",
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the address, whose limits hold unless others are given; `guard` may raise before each transaction."""
        self.address = address
        self._role = role
        self._max_size = max_size or address.limits.pool_size
        self._statement_seconds = command_timeout or address.limits.statement_seconds
        self._guard = guard
        self._lender = Lender(address, application_name, size=self._max_size, command_seconds=self._patience)
        self._version: str | None = None
        self._ping_seconds: float | None = None

    async def open(self) -> None:
        """Make the pool. It connects on first use, so a server that is down is no error here."""
        await self._lender.open()

    async def close(self) -> None:
        """Close all connections; those still busy after two seconds, or without a server, are cut."""
        await self._lender.close()

    def on_reachable(self, listener: Callable[[bool], None]) -> None:
        """Call `listener` with whether the database answers, each time that changes."""
        self._lender.reach.on_change(listener)

    @property
    def status(self) -> DatabaseStatus:
        """What is known of the database at this moment; asks nothing."""
        lender, reach = self._lender, self._lender.reach
        return DatabaseStatus(
            str(self.address),
            reach.reachable,
            reach.since,
            "" if reach.reachable else reach.reason,
            self._version,
            self._ping_seconds,
            lender.connected,
            lender.idle,
            self._max_size,
            lender.waiting,
            lender.asked,
            lender.waited_seconds,
        )

    @asynccontextmanager
    async def scoped(
        self, accounts: Sequence[str] = (), *, snapshot: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """Open a transaction that sees the rows of `accounts` (the service role: of all) and yield its connection.

        With `snapshot` everything that is read is of one moment, and nothing can be written.
        Raise `DatabaseUnreachable` or `DatabaseTimeout`, ``ValueError`` for a malformed account id; other errors of
        PostgreSQL pass through.
        """
        begin = self.begin_statement(accounts)
        if snapshot:
            begin = begin.replace("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 1)
        async with self._lent(lambda connection: connection.execute(begin)) as connection:
            try:
                yield connection
            except BaseException:
                await rolled_back(connection)
                raise
            await _committed(connection, connection.execute("COMMIT"))
            self._lender.reach.heard()

    @asynccontextmanager
    async def transaction(
        self, accounts: Sequence[str] = (), *, snapshot: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """As `scoped`, but inside asyncpg's own ``transaction()``: it knows cursors, and one inside is a savepoint."""
        kind: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True} if snapshot else {}
        begin = self.begin_statement(accounts, opened=True)
        opened: list[Any] = []

        async def start(connection: Any) -> None:
            opened[:] = [connection.transaction(**kind)]
            try:
                await opened[0].start()
                await connection.execute(begin)
            except BaseException:  # asyncpg goes on believing in a transaction that failed to start
                cut(connection)
                raise

        async with self._lent(start) as connection:
            try:
                yield connection
            except BaseException:
                await rolled_back(connection, opened[0].rollback)
                raise
            await _committed(connection, opened[0].commit())
            self._lender.reach.heard()

    def begin_statement(self, accounts: Sequence[str], *, opened: bool = False) -> str:
        """Return the one statement that begins a scoped transaction, or scopes one that is `opened` already.

        The ids are quoted by hand (bind parameters would cost a round trip); `account_id` closes their alphabet. A
        lock is waited for half as long as the statement may take, so that the error can tell the one from the other. A
        transaction whose client stopped in the middle of it (a machine that vanished) must not hold its locks, nor
        what cursor consumers wait for, for ever. Compiling costs short queries more than it gives them.
        """
        visible = ",".join(account_id(account) for account in accounts)
        idle = max(LEAST_IDLE_SECONDS, 3 * self._statement_seconds)
        return (
            ("" if opened else "BEGIN; ")
            + f"SET LOCAL ROLE ai_trader_{self._role}; "
            + f"SET LOCAL statement_timeout = {_milliseconds(self._statement_seconds)}; "
            + f"SET LOCAL lock_timeout = {_milliseconds(self._lock_seconds)}; "
            + f"SET LOCAL idle_in_transaction_session_timeout = {_milliseconds(idle)}; SET LOCAL jit = off; "
            + f"SELECT set_config('app.accounts', '{visible}', true)"
        )

    async def account_ids(self) -> tuple[str, ...]:
        """Return the ids of all accounts there are, sorted."""
        async with self.scoped() as connection:
            return tuple(row[0] for row in await connection.fetch("SELECT account_ids()"))

    async def ping(self) -> float:
        """Return the seconds of one round trip. Raise `DatabaseUnreachable` or `DatabaseTimeout`."""

        async def look(connection: Any) -> None:
            started = time.perf_counter()
            self._version = await connection.fetchval("SHOW server_version")
            self._ping_seconds = time.perf_counter() - started

        async with self._lent(look):
            self._lender.reach.heard()
        return self._ping_seconds or 0.0

    @property
    def _patience(self) -> float:
        return self._statement_seconds + min(MARGIN_SECONDS, self._statement_seconds)

    @property
    def _lock_seconds(self) -> float:
        return self._statement_seconds / 2

    @asynccontextmanager
    async def _lent(self, opening: Opening) -> AsyncIterator[Any]:
        """Lend a connection on which `opening` was done, and tell apart what ends its use.

        That may be no server, a limit, or the borrower's own mistake.
        """
        self._guard()
        alive = False
        try:
            loan = await self._lender.lend(opening)
            try:
                yield loan.connection
            except BaseException:
                alive = usable(loan.connection)
                raise
            finally:
                await self._lender.take_back(loan)
        except asyncpg.QueryCanceledError as error:
            self._lender.reach.heard()
            raise DatabaseTimeout("the query", self._statement_seconds, setting="database.statement_timeout") from error
        except asyncpg.LockNotAvailableError as error:
            self._lender.reach.heard()
            raise DatabaseLocked("the query", self._lock_seconds) from error
        except asyncpg.ReadOnlySQLTransactionError as error:
            self._lender.forget()  # the next one is made to a server that takes writes
            raise DatabaseUnreachable(str(self.address), f"it takes no writes: {error}", since=now()) from error
        except TimeoutError as error:
            await self._lender.reach.prove()  # raises when it is the server, not the query
            raise DatabaseTimeout("the query", self._patience, setting="database.statement_timeout") from error
        except UNREACHABLE as error:
            if alive and isinstance(error, (OSError, asyncpg.InterfaceError)):
                raise  # a file that is not there, a wrong number of arguments: nothing that says the server is gone
            self._lender.forget()
            raise self._lender.reach.lost(error) from error


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


async def _committed(connection: Any, commit: Awaitable[object]) -> None:
    """End a transaction; a connection on which that is in doubt must not be used again."""
    try:
        await commit
    except asyncpg.PostgresError:  # a definite no: the server has ended the transaction
        raise
    except BaseException:
        cut(connection)
        raise
