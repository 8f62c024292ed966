"""How is the database: reachable, which version, how large, and is its schema the one this code needs?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from main.clock import now
from main.database.address import Address
from main.database.migrate import SchemaStatus, schema_status
from main.database.pool import CONNECT_SECONDS, UNREACHABLE
from main.database.query import Query
from main.errors import DatabaseUnreachable

_COMMAND_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table with its partitions and indexes. ``rows`` is PostgreSQL's estimate; ``None`` where it never counted."""

    table: str
    rows: int | None
    bytes: int


@dataclass(frozen=True, slots=True)
class DatabaseReport:
    """What `db status` tells; ``database_bytes`` counts everything in the database."""

    target: str
    version: str
    ping_seconds: float
    connections: int
    max_connections: int
    database_bytes: int
    schema: SchemaStatus
    tables: Sequence[TableSize]


SIZES = Query(
    TableSize,
    """
    WITH members AS (
        SELECT c.oid, coalesce(i.inhparent, c.oid) AS root, c.reltuples, c.relkind
          FROM pg_class AS c
          LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    )
    SELECT root.relname::text AS table,
           CASE WHEN bool_and(m.reltuples >= 0 OR m.relkind = 'p')
                THEN sum(m.reltuples) FILTER (WHERE m.relkind = 'r')::bigint END AS rows,
           sum(pg_total_relation_size(m.oid))::bigint AS bytes
      FROM members AS m
      JOIN pg_class AS root ON root.oid = m.root
     GROUP BY root.relname
     ORDER BY 3 DESC, 1
    """,
)
_FACTS = """
    SELECT current_setting('server_version'), pg_database_size(current_database()),
           (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int
"""


async def database_report(address: Address) -> DatabaseReport:
    """Look at the database. Raises DatabaseUnreachable."""
    try:
        connection = await asyncpg.connect(
            **address.connect_arguments(), timeout=CONNECT_SECONDS, command_timeout=_COMMAND_SECONDS
        )
    except (*UNREACHABLE, TimeoutError) as error:
        raise DatabaseUnreachable(str(address), str(error) or type(error).__name__, since=now()) from error
    try:
        started = time.perf_counter()
        await connection.fetchval("SELECT 1")
        ping = time.perf_counter() - started
        version, size, used, most = await connection.fetchrow(_FACTS)
        tables = tuple(await SIZES.all(connection))
    finally:
        await connection.close(timeout=CONNECT_SECONDS)
    return DatabaseReport(str(address), version, ping, used, most, size, await schema_status(address), tables)
