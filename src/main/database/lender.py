"""Which connections does a pool lend: those that answer, and never one from before a loss of the server."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from main.clock import monotonic
from main.database.address import Address
from main.database.reach import Reach
from main.database.session import UNREACHABLE, connect
from main.errors import DatabaseError, DatabaseTimeout

ROUND_TRIP_SECONDS = 2.0
"""What takes no work of the server's, such as BEGIN or ROLLBACK, has an answer by then, or the connection is dead."""
CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Loan:
    """A connection that is lent, and how often the server had been lost when it was."""

    pool: asyncpg.Pool
    connection: Any
    pid: int
    losses: int


class Lender:
    """A pool of asyncpg's, and what is known of each of its connections. Used on one event loop."""

    def __init__(self, address: Address, application_name: str, *, size: int, command_seconds: float) -> None:
        """Name the server; nothing is connected yet. `command_seconds` limits every command on our side."""
        self._address = address
        self._application_name = application_name
        self._size = size
        self._command_seconds = command_seconds
        self._pool: asyncpg.Pool | None = None
        self._connections: dict[int, asyncpg.Connection] = {}
        self._lent: set[int] = set()
        self._losses = 0
        self.waiting = 0
        self.asked = 0
        self.waited_seconds = 0.0  # of all that asked since the start
        self.reach = Reach(address, self._attempt)
        self.reach.on_change(self._reach_changed)

    @property
    def connected(self) -> int:
        """How many connections there are."""
        return self._pool.get_size() if self._pool else 0

    @property
    def idle(self) -> int:
        """How many of them nobody uses."""
        return self._pool.get_idle_size() if self._pool else 0

    async def open(self) -> None:
        """Make the pool; it connects on first use."""
        self._pool = await asyncpg.create_pool(
            connect=self._connect,
            min_size=0,
            max_size=self._size,
            max_inactive_connection_lifetime=120.0,
            timeout=self._address.limits.connect_seconds,
            command_timeout=self._command_seconds,
            reset=_keep,
        )

    async def close(self) -> None:
        """Close all connections; those still busy after two seconds, or without a server, are cut."""
        pool, self._pool = self._pool, None
        try:
            await self.reach.close()
            if pool is not None and self.reach.reachable is not False:
                with contextlib.suppress(TimeoutError, *UNREACHABLE):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await pool.close()
        finally:  # also when cancelled: nobody would close them later
            if pool is not None:
                pool.terminate()

    async def lend(self, opening: Callable[[Any], Awaitable[object]]) -> Loan:
        """Return a connection on which `opening` was done; on another one when the first turns out to be dead.

        Nothing has been asked of the server by then, so trying again is safe, and a restart of the server is no error.
        """
        for last in (False, True):
            await self.reach.require()
            loan = await self._acquired()
            try:
                async with asyncio.timeout(ROUND_TRIP_SECONDS):
                    await opening(loan.connection)
                self._require_writes(loan.connection)
            except BaseException as error:
                dead = isinstance(error, (TimeoutError, *UNREACHABLE))
                try:
                    if dead:
                        cut(loan.connection)
                    else:  # when cancelled, too: the server may have begun the transaction
                        await rolled_back(loan.connection)
                finally:
                    await self.take_back(loan)
                if last or not dead:
                    raise
            else:
                return loan
            self.forget()
            await self.reach.prove()
        raise AssertionError("the second attempt returns or raises")

    async def take_back(self, loan: Loan) -> None:
        """Take a connection back, in bounded time; it is lent again only when it is known to be sound."""
        self._lent.discard(loan.pid)
        if loan.losses != self._losses:  # the server was lost meanwhile: what comes from before is not lent again
            cut(loan.connection)
        try:
            await loan.pool.release(loan.connection, timeout=ROUND_TRIP_SECONDS)
        except Exception:  # noqa: BLE001  # what ended its use is what counts, a cancellation above all
            cut(loan.connection)  # lent while its pool was closed: nobody else would ever close it

    def forget(self) -> None:
        """Cut what is idle, and have what is lent cut when it comes back: a server that is lost comes back as another.

        Left to asyncpg, each would be closed politely, in a task of its own that waits for the server.
        """
        self._losses += 1
        for pid, connection in tuple(self._connections.items()):
            if pid not in self._lent:
                connection.terminate()

    async def _acquired(self) -> Loan:
        if self._pool is None:
            raise DatabaseError("the database pool is not open: call open() first, or the process is shutting down")
        pool, seconds = self._pool, self._address.limits.connect_seconds
        self.waiting += 1
        asked = monotonic()
        try:
            connection = await self._free(pool, monotonic() + seconds)
        except TimeoutError as error:
            await self.reach.prove()
            raise DatabaseTimeout("a free connection of the pool", seconds, setting="database.pool_size") from error
        except asyncpg.TooManyConnectionsError as error:
            raise self.reach.lost(error) from error
        except asyncpg.PostgresError as error:  # whatever keeps us from logging in means the same to a viewer
            raise ConnectionRefusedError(str(error)) from error
        finally:
            self.waiting -= 1
            self.asked += 1
            self.waited_seconds += monotonic() - asked
        loan = Loan(pool, connection, connection.get_server_pid(), self._losses)
        self._lent.add(loan.pid)
        return loan

    async def _free(self, pool: asyncpg.Pool, deadline: float) -> Any:
        while True:
            try:
                # Not acquire(timeout=…): the wait_for in there may swallow a cancellation until Python 3.12.
                async with asyncio.timeout(max(0.0, deadline - monotonic())):
                    return await pool.acquire()
            except asyncpg.TooManyConnectionsError:
                if not pool.get_size() or monotonic() > deadline:
                    raise
            # The server has none left, but we have some that are busy: one of them will be free again.
            await asyncio.sleep(random.uniform(0.05, 0.2))  # noqa: S311  # jitter, no secret

    async def _connect(self, *_: object, **options: Any) -> asyncpg.Connection:
        """Make a connection of the pool; while the server is in doubt, not before that is settled."""
        await self.reach.settled()
        known = {name: option for name, option in options.items() if name not in ("timeout", "command_timeout")}
        name = self._application_name
        connection = await connect(self._address, name, command_seconds=self._command_seconds, **known)
        pid = connection.get_server_pid()

        def forget(_: object) -> None:
            self._connections.pop(pid, None)

        self._connections[pid] = connection
        connection.add_termination_listener(forget)
        return connection

    async def _attempt(self) -> None:
        connection = await connect(self._address, self._application_name, command_seconds=ROUND_TRIP_SECONDS)
        with contextlib.suppress(Exception):
            await connection.close(timeout=ROUND_TRIP_SECONDS)

    def _require_writes(self, connection: Any) -> None:
        """Of several servers, the one we are connected to may have been demoted behind our back."""
        if not self._address.others:
            return
        told = connection.get_settings()
        if "on" in (getattr(told, name, "off") for name in ("in_hot_standby", "default_transaction_read_only")):
            raise ConnectionResetError("the server has become read-only")

    def _reach_changed(self, reachable: bool) -> None:
        if not reachable:
            self.forget()


async def rolled_back(connection: Any, rollback: Callable[[], Awaitable[object]] | None = None) -> None:
    """End a transaction that failed; a connection that cannot be rolled back must not be used again.

    Nothing is raised but a cancellation: an error here would take the place of the one that ended the transaction, and
    a cancellation that is lost keeps its task going for ever.
    """
    if not usable(connection):
        return
    try:
        async with asyncio.timeout(ROUND_TRIP_SECONDS):
            await (rollback() if rollback is not None else connection.execute("ROLLBACK"))
    except Exception:  # noqa: BLE001
        cut(connection)
    except BaseException:
        cut(connection)
        raise


def cut(connection: Any) -> None:
    """Close a connection at once, without a word to the server. Never raises."""
    with contextlib.suppress(Exception):
        connection.terminate()


def usable(connection: Any) -> bool:
    """Return whether a lent connection is still open."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it was cut and given back meanwhile
        return False


async def _keep(connection: Any) -> None:
    """Leave a returned connection as it is: every setting was local to its transaction."""
