"""How is the database reached: a pool that scopes transactions, limits every wait and knows since when it is down."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from main.clock import monotonic, now
from main.database.address import Address
from main.database.reach import Reach
from main.database.session import UNREACHABLE, connect
from main.domain.scope import account_id
from main.errors import DatabaseError, DatabaseLocked, DatabaseTimeout, DatabaseUnreachable

__all__ = ["UNREACHABLE", "Database", "DatabaseStatus", "Role"]

Role = Literal["app", "service"]
Opening = Callable[[Any], Awaitable[object]]

ROUND_TRIP_SECONDS = 2.0
"""What takes no work of the server's, such as BEGIN or ROLLBACK, has an answer by then, or the connection is dead."""
MARGIN_SECONDS = 1.0
"""The server's own limit comes first: it ends a query better than we can, and says whether it was a lock."""
CLOSE_SECONDS = 2.0
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
        self._application_name = application_name
        self._guard = guard
        self._reach = Reach(address, self._attempt)
        self._reach.on_change(self._reach_changed)
        self._pool: asyncpg.Pool | None = None
        self._connections: dict[int, asyncpg.Connection] = {}
        self._lent_pids: set[int] = set()
        self._losses = 0
        self._version: str | None = None
        self._ping_seconds: float | None = None
        self._waiting = 0
        self._asked = 0
        self._waited_seconds = 0.0

    async def open(self) -> None:
        """Make the pool. It connects on first use, so a server that is down is no error here."""
        self._pool = await asyncpg.create_pool(
            connect=self._connect,
            min_size=0,
            max_size=self._max_size,
            max_inactive_connection_lifetime=120.0,
            timeout=self.address.limits.connect_seconds,
            command_timeout=self._patience,
            reset=_keep,
        )

    async def close(self) -> None:
        """Close all connections; those still busy after two seconds, or without a server, are cut."""
        await self._reach.close()
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        if self._reach.reachable is not False:
            with contextlib.suppress(TimeoutError, *UNREACHABLE):
                await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
        pool.terminate()

    def on_reachable(self, listener: Callable[[bool], None]) -> None:
        """Call `listener` with whether the database answers, each time that changes."""
        self._reach.on_change(listener)

    @property
    def status(self) -> DatabaseStatus:
        """What is known of the database at this moment; asks nothing."""
        return DatabaseStatus(
            str(self.address),
            self._reach.reachable,
            self._reach.since,
            "" if self._reach.reachable else self._reach.reason,
            self._version,
            self._ping_seconds,
            self._pool.get_size() if self._pool else 0,
            self._pool.get_idle_size() if self._pool else 0,
            self._max_size,
            self._waiting,
            self._asked,
            self._waited_seconds,
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
                await _rolled_back(connection)
                raise
            await _committed(connection, connection.execute("COMMIT"))
            self._reach.heard()

    @asynccontextmanager
    async def transaction(self, accounts: Sequence[str] = ()) -> AsyncIterator[asyncpg.Connection]:
        """As `scoped`, but inside asyncpg's own ``transaction()``, so that one of the caller's becomes a savepoint."""
        begin = self.begin_statement(accounts, opened=True)
        opened: list[Any] = []

        async def start(connection: Any) -> None:
            opened[:] = [connection.transaction()]
            await opened[0].start()
            await connection.execute(begin)

        async with self._lent(start) as connection:
            try:
                yield connection
            except BaseException:
                await _rolled_back(connection, opened[0].rollback)
                raise
            await _committed(connection, opened[0].commit())
            self._reach.heard()

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
            self._reach.heard()
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
            loan = await self._opened(opening)
            try:
                yield loan.connection
            except BaseException:
                alive = _usable(loan.connection)
                raise
            finally:
                await self._given_back(loan)
        except asyncpg.QueryCanceledError as error:
            raise DatabaseTimeout("the query", self._statement_seconds, setting="database.statement_timeout") from error
        except asyncpg.LockNotAvailableError as error:
            raise DatabaseLocked("the query", self._lock_seconds) from error
        except asyncpg.ReadOnlySQLTransactionError as error:
            self._forget_connections()  # the next one is made to a server that takes writes
            raise DatabaseUnreachable(str(self.address), f"it takes no writes: {error}", since=now()) from error
        except TimeoutError as error:
            await self._reach.prove()  # raises when it is the server, not the query
            raise DatabaseTimeout("the query", self._patience, setting="database.statement_timeout") from error
        except UNREACHABLE as error:
            if alive and isinstance(error, (OSError, asyncpg.InterfaceError)):
                raise  # a file that is not there, a wrong number of arguments: nothing that says the server is gone
            self._forget_connections()
            raise self._reach.lost(error) from error

    async def _opened(self, opening: Opening) -> "_Loan":
        """Return a connection on which `opening` was done; on another one when the first turns out to be dead.

        Nothing has been asked of the server by then, so trying again is safe, and a restart of the server is no error.
        """
        for last in (False, True):
            await self._reach.require()
            loan = await self._acquired()
            try:
                async with asyncio.timeout(ROUND_TRIP_SECONDS):
                    await opening(loan.connection)
                self._require_writes(loan.connection)
            except BaseException as error:
                dead = isinstance(error, (TimeoutError, *UNREACHABLE))
                if isinstance(error, asyncpg.PostgresError):
                    await _rolled_back(loan.connection)
                else:
                    _cut(loan.connection)  # when cancelled, too: the server may begin the transaction yet
                await self._given_back(loan)
                if last or not dead:
                    raise
            else:
                return loan
            self._forget_connections()
            await self._reach.prove()
        raise AssertionError("the second attempt returns or raises")

    async def _acquired(self) -> "_Loan":
        if self._pool is None:
            raise DatabaseError("the database pool is not open: call open() first, or the process is shutting down")
        pool, seconds = self._pool, self.address.limits.connect_seconds
        self._waiting += 1
        try:
            connection = await self._free(pool, monotonic() + seconds)
        except TimeoutError as error:
            await self._reach.prove()
            raise DatabaseTimeout("a free connection of the pool", seconds, setting="database.pool_size") from error
        except asyncpg.TooManyConnectionsError as error:
            raise self._reach.lost(error) from error
        except asyncpg.PostgresError as error:  # whatever keeps us from logging in means the same to a viewer
            raise ConnectionRefusedError(str(error)) from error
        finally:
            self._waiting -= 1
        loan = _Loan(pool, connection, connection.get_server_pid(), self._losses)
        self._lent_pids.add(loan.pid)
        return loan

    async def _free(self, pool: asyncpg.Pool, deadline: float) -> Any:
        while True:
            try:
                return await pool.acquire(timeout=max(0.001, deadline - monotonic()))
            except asyncpg.TooManyConnectionsError:
                if not pool.get_size() or monotonic() > deadline:
                    raise
            # The server has none left, but we have some that are busy: one of them will be free again.
            await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311  # jitter, no secret

    async def _given_back(self, loan: "_Loan") -> None:
        self._lent_pids.discard(loan.pid)
        if loan.losses != self._losses:  # the server was lost meanwhile: what comes from before is not lent again
            _cut(loan.connection)
        with contextlib.suppress(Exception):  # what ended its use is what counts, a cancellation above all
            await loan.pool.release(loan.connection, timeout=ROUND_TRIP_SECONDS)

    async def _connect(self, *_: object, **options: Any) -> asyncpg.Connection:
        """Make a connection of the pool; while the server is in doubt, not before that is settled."""
        await self._reach.settled()
        known = {name: option for name, option in options.items() if name not in ("timeout", "command_timeout")}
        name = self._application_name
        connection = await connect(self.address, name, command_seconds=self._patience, **known)
        pid = connection.get_server_pid()

        def forget(_: object) -> None:
            self._connections.pop(pid, None)

        self._connections[pid] = connection
        connection.add_termination_listener(forget)
        return connection

    async def _attempt(self) -> None:
        connection = await connect(self.address, self._application_name, command_seconds=ROUND_TRIP_SECONDS)
        with contextlib.suppress(Exception):
            await connection.close(timeout=ROUND_TRIP_SECONDS)

    def _require_writes(self, connection: Any) -> None:
        """Of several servers, the one we are connected to may have been demoted behind our back."""
        if not self.address.others:
            return
        told = connection.get_settings()
        if "on" in (getattr(told, name, "off") for name in ("in_hot_standby", "default_transaction_read_only")):
            raise ConnectionResetError("the server has become read-only")

    def _reach_changed(self, reachable: bool) -> None:
        if not reachable:
            self._forget_connections()

    def _forget_connections(self) -> None:
        """Cut what is idle, and have what is lent cut when it comes back: a server that is lost comes back as another.

        Left to asyncpg, each would be closed politely, in a task of its own that waits for the server.
        """
        self._losses += 1
        for pid, connection in tuple(self._connections.items()):
            if pid not in self._lent_pids:
                connection.terminate()


@dataclass(frozen=True, slots=True)
class _Loan:
    """A connection that is lent, and how often the server had been lost when it was."""

    pool: asyncpg.Pool
    connection: Any
    pid: int
    losses: int


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


async def _committed(connection: Any, commit: Awaitable[object]) -> None:
    """End a transaction; a connection on which that is in doubt must not be used again."""
    try:
        await commit
    except asyncpg.PostgresError:  # a definite no: the server has ended the transaction
        raise
    except BaseException:
        _cut(connection)
        raise


async def _rolled_back(connection: Any, rollback: Callable[[], Awaitable[object]] | None = None) -> None:
    """End a transaction that failed; a connection that cannot be rolled back must not be used again.

    Nothing is raised but a cancellation: an error here would take the place of the one that ended the transaction, and
    a cancellation that is lost keeps its task going for ever.
    """
    if not _usable(connection):
        return
    try:
        async with asyncio.timeout(ROUND_TRIP_SECONDS):
            await (rollback() if rollback is not None else connection.execute("ROLLBACK"))
    except Exception:  # noqa: BLE001
        _cut(connection)
    except BaseException:
        _cut(connection)
        raise


def _cut(connection: Any) -> None:
    with contextlib.suppress(Exception):
        connection.terminate()


def _usable(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it was cut and given back meanwhile
        return False


async def _keep(connection: Any) -> None:
    """Leave a returned connection as it is: every setting was local to its transaction."""
