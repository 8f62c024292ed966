"""Which one of several equal processes does the work that must happen once?"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import structlog

from main.clock import boottime
from main.database.address import Address
from main.database.session import UNREACHABLE, connect, reason_of
from main.errors import AITraderError, DatabaseError

_log = structlog.get_logger(__name__)

_HOLDER = """
    SELECT a.pid, a.state_change::text
      FROM pg_locks AS l
      JOIN pg_stat_activity AS a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND l.classid = (($1::bigint >> 32) & 4294967295)::oid AND l.objid = ($1::bigint & 4294967295)::oid
"""
# Not those of one that has spoken since, nor of its successor: another candidate may have been quicker.
_END = f"""
    WITH silent AS MATERIALIZED ({_HOLDER})
    SELECT count(*) FILTER (WHERE pg_terminate_backend(each.pid))
      FROM pg_stat_activity AS each, silent
     WHERE silent.pid = $2 AND silent.state_change = $3
       AND each.datname = current_database() AND each.usename = session_user
       AND (each.pid = silent.pid OR each.application_name = $4)
"""  # noqa: S608  # two constants
_ELECTION = " election"


@dataclass(frozen=True, slots=True)
class ElectionTiming:
    """Seconds. A leader proves itself at every poll; one that did not for `silent_polls` polls is deposed.

    It stops taking new work itself after `sure_seconds` without a proof, well before that.
    """

    poll_seconds: float = 1.0
    proof_seconds: float = 2.5
    sure_seconds: float = 4.0
    silent_polls: int = 6


class Leader:
    """A candidate for one task, elected by a PostgreSQL advisory lock that lives as long as its session.

    Polled, because a blocking wait for a lock and CREATE INDEX CONCURRENTLY would deadlock. The session of a leader
    that dies ends with it. That of one that is stopped or cut off does not: its kernel, or the server's, goes on
    answering for it. So the leader asks something at every poll, the candidates watch when it last did, and end the
    sessions of one that has fallen silent while the server answered them; the same role may do that.
    """

    def __init__(
        self,
        key: int,
        address: Callable[[], Awaitable[Address]],
        application_name: str,
        timing: ElectionTiming = ElectionTiming(),  # frozen
    ) -> None:
        """Name the lock and where it is held; `address` may raise while there is no database, and is asked again.

        `application_name` is the session's that holds the lock. Without its last word "election" it is the name of the
        sessions that the work uses: those of a silent leader end with its lock.
        """
        self._key = key
        self._address = address
        self._application_name = application_name
        self._timing = timing
        self._holds_lock = False
        self._proven_at = 0.0
        self.trouble: str | None = "not connected yet"

    @property
    def elected(self) -> bool:
        """Whether it leads for sure: a process that was stopped for a while has to prove it again first."""
        return self._holds_lock and boottime() - self._proven_at < self._timing.sure_seconds

    def require(self) -> None:
        """Raise DatabaseError unless it leads for sure; to be asked before each piece of work (`Database(guard=…)`)."""
        if not self.elected:
            raise DatabaseError("this process no longer leads, or cannot tell: another one may do the work by now")

    async def run(self, work: Callable[[Address], Awaitable[None]]) -> None:
        """Stand for election until cancelled; while elected, run `work`, which is cancelled when the lock is lost."""
        while True:
            try:
                await self._stand(work)
            except (*UNREACHABLE, TimeoutError, asyncpg.PostgresError, AITraderError) as error:
                told = reason_of(error)
                if self.trouble is None or self._holds_lock:
                    _log.warning("no election without the database", reason=told)
                self.trouble = told
            finally:
                self._holds_lock = False
            await asyncio.sleep(self._timing.poll_seconds)

    async def _stand(self, work: Callable[[Address], Awaitable[None]]) -> None:
        address = await self._address()
        connection = await connect(
            address,
            self._application_name,
            command_seconds=self._timing.proof_seconds,
            settings={"client_min_messages": "warning"},
        )
        try:
            if self.trouble is not None:
                _log.info("database answers, standing for election")
            self.trouble = None
            await self._win(connection)
            _log.info("elected")
            self._holds_lock, self._proven_at = True, boottime()
            await self._lead(connection, work(address))
        finally:
            connection.terminate()  # ends the session, and so the lock, without waiting for an answer

    async def _win(self, connection: asyncpg.Connection) -> None:
        """Return when the lock is ours; depose a holder that stays silent while the server answers us promptly."""
        seen, polls = None, 0
        while True:
            asked = boottime()
            if await connection.fetchval("SELECT pg_try_advisory_lock($1)", self._key):
                return
            holder = await connection.fetchrow(_HOLDER, self._key)
            prompt = boottime() - asked < self._timing.poll_seconds
            # A server that was frozen makes everybody look silent: only polls that it answered at once count.
            polls = polls + 1 if holder is not None and holder == seen and prompt else 0
            seen = holder
            if holder is not None and polls >= self._timing.silent_polls and holder["state_change"] is not None:
                sessions = self._application_name.removesuffix(_ELECTION)
                ended = await connection.fetchval(_END, self._key, *holder, sessions)
                _log.warning("leader is silent, its sessions were ended", pid=holder["pid"], sessions=ended)
                polls = 0
                await asyncio.sleep(self._timing.poll_seconds / 10)
                continue
            await asyncio.sleep(self._timing.poll_seconds)

    async def _lead(self, connection: asyncpg.Connection, work: Awaitable[None]) -> None:
        """Work until the connection that holds the lock no longer answers."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self._timing.poll_seconds)
                asked = boottime()
                await connection.fetchval("SELECT 1")
                self._proven_at = asked
            await task
        finally:
            self._holds_lock = False
            task.cancel()
            await asyncio.wait({task})  # awaiting the task itself would take a cancellation of ours for one of its own
            if not task.cancelled():
                task.exception()  # retrieved: what ends the leadership is told already
