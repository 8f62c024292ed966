"""What did the worker last see of the database server, up to a moment and as known then?

The rows and queries that the reads about the database share. Times in seconds are ages at the sample, never until now:
so the same question has the same answer whenever it is asked.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope

SAMPLED = timedelta(seconds=20)
"""How old the newest sample may be: the worker's pace and some room."""


@dataclass(frozen=True, slots=True)
class ServerSample:
    """One look at the server: connections by state, and what it has counted since its statistics began.

    ``sees_all``: the login may see other roles' sessions. ``statements`` says whether pg_stat_statements counts.
    ``freeze_age`` is of the oldest transaction not frozen, ``freeze_limit`` from where vacuum is forced. ``sessions``
    are those that waited, held up others or worked for over a second. A size is of the last look at sizes.
    """

    at: datetime
    server_version: str
    server_started_at: datetime | None
    database_name: str
    login: str
    sees_all: bool
    statements: str
    statistics_since: datetime | None
    database_bytes: int | None
    connections: int
    connections_limit: int
    connections_reserved: int
    active: int
    idle: int
    idle_in_transaction: int
    hidden: int
    waiting: int
    sessions: int
    longest_transaction_seconds: float | None
    longest_query_seconds: float | None
    freeze_age: int
    freeze_limit: int
    freeze_database: str | None
    autovacuum: bool

    @property
    def connections_share(self) -> float:
        """Of the connections that are for everybody, how many are in use: a fraction."""
        return self.connections / max(1, self.connections_limit - self.connections_reserved)

    @property
    def freeze_share(self) -> float:
        """How near vacuum is to being forced: a fraction of autovacuum_freeze_max_age."""
        return self.freeze_age / self.freeze_limit


@dataclass(frozen=True, slots=True)
class ServerSession:
    """A session that waited, held up another or worked for over a second. Seconds are ages at the sample.

    ``wait`` is what it waited for, such as ``Lock: relation``; ``blocked_by`` who holds the lock or stands before it.
    ``statement`` is the one that runs or ran last, ``None`` where it is hidden.
    """

    pid: int
    kind: str
    application: str | None
    role: str | None
    client: str | None
    state: str | None
    wait: str | None
    transaction_seconds: float | None
    query_seconds: float | None
    state_seconds: float | None
    wait_seconds: float | None
    blocked_by: list[int]
    lock_mode: str | None
    lock_target: str | None
    statement: str | None


@dataclass(frozen=True, slots=True)
class Standby:
    """A streaming replica; what it lags is ``None`` where that may not be seen, or it has caught up (seconds)."""

    standby: str
    address: str | None
    state: str | None
    sync_state: str | None
    lag_bytes: int | None
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A replication slot and the write-ahead log that it keeps from being removed."""

    slot: str
    kind: str
    active: bool
    wal_status: str | None
    held_bytes: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What the server counted through a window: differences of its counters, those over a reset left out."""

    counted_seconds: float | None
    commits: int
    rollbacks: int
    blocks_hit: int
    blocks_read: int
    temporary_files: int
    temporary_bytes: int
    deadlocks: int
    wal_bytes: int | None
    checkpoints_timed: int | None
    checkpoints_requested: int | None
    first_bytes: int | None
    first_bytes_at: datetime | None
    last_bytes_at: datetime | None


SAMPLE = Query(
    ServerSample,
    """
    SELECT at::timestamptz AS at, server_version, server_started_at, database_name, login, sees_all, statements,
           statistics_since, database_bytes, connections, connections_limit, connections_reserved, active, idle,
           idle_in_transaction, hidden, waiting, sessions, longest_transaction_seconds, longest_query_seconds,
           freeze_age, freeze_limit, freeze_database, autovacuum
      FROM database_samples
     WHERE at <= $1 AND recorded_at <= $2
     ORDER BY at DESC
     LIMIT 1
    """,
)
SESSIONS = Query(
    ServerSession,
    """
    SELECT pid, kind, application, role, client, state, wait_type || ': ' || wait_event AS wait,
           extract(epoch FROM at - transaction_at)::float8 AS transaction_seconds,
           extract(epoch FROM at - query_at)::float8 AS query_seconds,
           extract(epoch FROM at - state_at)::float8 AS state_seconds,
           extract(epoch FROM at - waits_since)::float8 AS wait_seconds,
           blocked_by, lock_mode, lock_target, nullif(statement, '<insufficient privilege>') AS statement
      FROM session_samples
     WHERE at = $1
     ORDER BY waits_since, transaction_at, query_at, pid
    """,
)
STANDBYS = Query(
    Standby,
    """
    SELECT s.standby, s.address, s.state, s.sync_state, s.lag_bytes, s.lag_seconds
      FROM database_samples d,
           jsonb_to_recordset(d.standbys) AS s (standby text, address text, state text, sync_state text,
                                                lag_bytes bigint, lag_seconds float8)
     WHERE d.at = $1
     ORDER BY s.lag_bytes DESC NULLS LAST, s.standby
    """,
)
SLOTS = Query(
    Slot,
    """
    SELECT s.slot, s.kind, s.active, s.wal_status, s.held_bytes
      FROM database_samples d,
           jsonb_to_recordset(d.slots) AS s (slot text, kind text, active boolean, wal_status text, held_bytes bigint)
     WHERE d.at = $1
     ORDER BY s.held_bytes DESC NULLS LAST, s.slot
    """,
)
# A counter that went down was reset: its difference says nothing.
COUNTED = Query(
    Counted,
    """
    WITH steps AS (
        SELECT at, database_bytes, extract(epoch FROM at - lag(at) OVER before)::float8 AS seconds,
               greatest(0, commits - lag(commits) OVER before) AS commits,
               greatest(0, rollbacks - lag(rollbacks) OVER before) AS rollbacks,
               greatest(0, blocks_hit - lag(blocks_hit) OVER before) AS blocks_hit,
               greatest(0, blocks_read - lag(blocks_read) OVER before) AS blocks_read,
               greatest(0, temporary_files - lag(temporary_files) OVER before) AS temporary_files,
               greatest(0, temporary_bytes - lag(temporary_bytes) OVER before) AS temporary_bytes,
               greatest(0, deadlocks - lag(deadlocks) OVER before) AS deadlocks,
               greatest(0, wal_bytes - lag(wal_bytes) OVER before) AS wal_bytes,
               greatest(0, checkpoints_timed - lag(checkpoints_timed) OVER before) AS checkpoints_timed,
               greatest(0, checkpoints_requested - lag(checkpoints_requested) OVER before) AS checkpoints_requested
          FROM database_samples
         WHERE at > $3 AND at <= $1 AND recorded_at <= $2
        WINDOW before AS (ORDER BY at)
    ), sized AS (
        SELECT at, database_bytes FROM steps WHERE database_bytes IS NOT NULL
    )
    SELECT nullif(sum(seconds), 0) AS counted_seconds, coalesce(sum(commits), 0)::bigint AS commits,
           coalesce(sum(rollbacks), 0)::bigint AS rollbacks, coalesce(sum(blocks_hit), 0)::bigint AS blocks_hit,
           coalesce(sum(blocks_read), 0)::bigint AS blocks_read,
           coalesce(sum(temporary_files), 0)::bigint AS temporary_files,
           coalesce(sum(temporary_bytes), 0)::bigint AS temporary_bytes,
           coalesce(sum(deadlocks), 0)::bigint AS deadlocks, sum(wal_bytes)::bigint AS wal_bytes,
           sum(checkpoints_timed)::bigint AS checkpoints_timed,
           sum(checkpoints_requested)::bigint AS checkpoints_requested,
           (SELECT database_bytes FROM sized ORDER BY at LIMIT 1) AS first_bytes,
           (SELECT min(at)::timestamptz FROM sized) AS first_bytes_at,
           (SELECT max(at)::timestamptz FROM sized) AS last_bytes_at
      FROM steps
    """,
)


async def newest_sample(db: Fetcher, scope: Scope) -> ServerSample | None:
    """Return the last look at the server up to the scope's moment; ``None`` when there was none."""
    bounds = scope.bounds()
    return await SAMPLE.first(db, bounds.end, bounds.known_at)
