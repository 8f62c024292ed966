"""How is the database reached: a pool that scopes transactions, limits every wait and knows since when it is down."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import asyncpg

from main.clock import now
from main.database.address import Address
from main.domain.scope import account_id
from main.errors import DatabaseError, DatabaseTimeout, DatabaseUnreachable

Role = Literal["app", "service"]

CONNECT_SECONDS = 3.0
ACQUIRE_SECONDS = 5.0
COMMAND_SECONDS = 10.0
UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,  # "database is not currently accepting connections"
)
"""What means "no server to talk to". `TimeoutError` is an `OSError` too and is told apart where it is caught."""


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
        max_size: int = 8,
        command_timeout: float = COMMAND_SECONDS,
        application_name: str = "ai-trader",
    ) -> None:
        self.address = address
        self._role = role
        self._max_size = max_size
        self._command_timeout = command_timeout
        self._application_name = application_name
        self._pool: asyncpg.Pool | None = None
        self._reachable: bool | None = None
        self._since: datetime | None = None
        self._reason = ""
        self._version: str | None = None
        self._ping_seconds: float | None = None
        self._waiting = 0
        self._asked = 0
        self._waited_seconds = 0.0
        self._listeners: list[Callable[[bool], None]] = []

    async def open(self) -> None:
        """Make the pool. It connects on first use, so a server that is down is no error here."""
        self._pool = await asyncpg.create_pool(
            **self.address.connect_arguments(),
            min_size=0,
            max_size=self._max_size,
            max_inactive_connection_lifetime=120.0,
            timeout=CONNECT_SECONDS,
            command_timeout=self._command_timeout,
            reset=_keep,
            server_settings={"application_name": self._application_name},
        )

    async def close(self) -> None:
        """Close all connections; those still busy after three seconds are cut."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            await asyncio.wait_for(pool.close(), 3.0)
        except TimeoutError:
            pool.terminate()

    def on_reachable(self, listener: Callable[[bool], None]) -> None:
        """Call `listener` with whether the database answers, each time that changes."""
        self._listeners.append(listener)

    @property
    def status(self) -> DatabaseStatus:
        """What is known of the database at this moment; asks nothing."""
        size = self._pool.get_size() if self._pool else 0
        idle = self._pool.get_idle_size() if self._pool else 0
        return DatabaseStatus(
            str(self.address),
            self._reachable,
            self._since,
            self._reason,
            self._version,
            self._ping_seconds,
            size,
            idle,
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
        async with self._connection() as connection:
            await connection.execute(begin)
            try:
                yield connection
            except BaseException:
                await _rolled_back(connection)
                raise
            await connection.execute("COMMIT")
            self._heard()

    @asynccontextmanager
    async def transaction(self, accounts: Sequence[str] = ()) -> AsyncIterator[asyncpg.Connection]:
        """As `scoped`, but inside asyncpg's own ``transaction()``, so that one of the caller's becomes a savepoint."""
        begin = self.begin_statement(accounts, opened=True)
        async with self._connection() as connection, connection.transaction():
            await connection.execute(begin)
            yield connection
            self._heard()

    def begin_statement(self, accounts: Sequence[str], *, opened: bool = False) -> str:
        """Return the one statement that begins a scoped transaction, or scopes one that is `opened` already.

        The ids are quoted by hand (bind parameters would cost a round trip); `account_id` closes their alphabet.
        """
        visible = ",".join(account_id(account) for account in accounts)
        milliseconds = int(self._command_timeout * 1000)
        return (
            ("" if opened else "BEGIN; ")
            + f"SET LOCAL ROLE ai_trader_{self._role}; SET LOCAL statement_timeout = {milliseconds}; "
            + f"SELECT set_config('app.accounts', '{visible}', true)"
        )

    async def account_ids(self) -> tuple[str, ...]:
        """Return the ids of all accounts there are, sorted."""
        async with self.scoped() as connection:
            return tuple(row[0] for row in await connection.fetch("SELECT account_ids()"))

    async def ping(self) -> float:
        """Return the seconds of one round trip. Raise `DatabaseUnreachable` or `DatabaseTimeout`."""
        async with self._connection() as connection:
            started = time.perf_counter()
            self._version = await connection.fetchval("SHOW server_version", timeout=CONNECT_SECONDS)
            self._ping_seconds = time.perf_counter() - started
            self._heard()
            return self._ping_seconds

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """Lend a connection, and tell apart what ends its use: no server, a limit, or the borrower's own mistake."""
        alive = False
        try:
            async with self._acquired() as connection:
                try:
                    yield connection
                except BaseException:
                    alive = _usable(connection)
                    raise
        except asyncpg.QueryCanceledError as error:
            raise DatabaseTimeout("the query", self._command_timeout, setting="database.command_timeout") from error
        except TimeoutError as error:
            if self._pool is not None and await self._answers_a_new_connection():
                what = "the query (or a free connection)"
                raise DatabaseTimeout(what, self._command_timeout, setting="database.command_timeout") from error
            raise await self._lost(error) from error
        except UNREACHABLE as error:
            if alive and isinstance(error, (OSError, asyncpg.InterfaceError)):
                raise  # a file that is not there, a wrong number of arguments: nothing that says the server is gone
            raise await self._lost(error) from error

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise DatabaseError("the database pool is not open: call open() first, or the process is shutting down")
        pool = self._pool
        self._waiting += 1
        asked = time.monotonic()
        try:
            connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
        except asyncpg.PostgresError as error:  # whatever keeps us from logging in means the same to a viewer
            raise ConnectionRefusedError(str(error)) from error
        finally:
            self._waiting -= 1
            self._asked += 1
            self._waited_seconds += time.monotonic() - asked
        try:
            yield connection
        except BaseException:
            with contextlib.suppress(Exception):  # what ended its use is what counts, a cancellation above all
                await pool.release(connection, timeout=CONNECT_SECONDS)
            raise
        await pool.release(connection, timeout=CONNECT_SECONDS)

    async def _answers_a_new_connection(self) -> bool:
        try:
            arguments = self.address.connect_arguments()
            probe = await asyncpg.connect(**arguments, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS)
        except (*UNREACHABLE, TimeoutError):
            return False
        await probe.close(timeout=CONNECT_SECONDS)
        return True

    async def _lost(self, error: BaseException) -> DatabaseUnreachable:
        """Note that the server is gone, and since when; connections made before are not handed out again."""
        self._reason = str(error) or type(error).__name__
        if self._reachable is not False:
            self._reachable, self._since = False, now()
            if self._pool is not None:
                await self._pool.expire_connections()
            self._tell(False)
        return DatabaseUnreachable(str(self.address), self._reason, since=self._since or now())

    def _heard(self) -> None:
        if self._reachable is not True:
            self._reachable, self._since, self._reason = True, now(), ""
            self._tell(True)

    def _tell(self, reachable: bool) -> None:
        for listener in self._listeners:
            listener(reachable)


async def _rolled_back(connection: Any) -> None:
    """End a transaction that failed; a connection that cannot be rolled back must not be used again.

    Nothing is raised: an error here would take the place of the one that ended the transaction, and a cancellation that
    is lost keeps its task going for ever.
    """
    if not _usable(connection):
        return
    try:
        await connection.execute("ROLLBACK", timeout=CONNECT_SECONDS)
    except Exception:  # noqa: BLE001
        with contextlib.suppress(Exception):
            connection.terminate()


def _usable(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it was cut and given back meanwhile
        return False


async def _keep(connection: Any) -> None:
    """Leave a returned connection as it is: every setting was local to its transaction."""
