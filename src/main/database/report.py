"""How is the database: reachable, which version, how large, and is its schema the one this code needs?"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from main.clock import now
from main.database.address import Address
from main.database.migrate import SchemaStatus, schema_status
from main.database.query import Query
from main.database.session import UNREACHABLE, connect, reason_of
from main.errors import DatabaseUnreachable

_CLOSE_SECONDS = 2.0


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
           CASE WHEN bool_and(m.reltuples > 0 OR m.relkind = 'p' OR pg_relation_size(m.oid) = 0)
                THEN coalesce(sum(greatest(m.reltuples, 0)) FILTER (WHERE m.relkind = 'r'), 0)::bigint END AS rows,
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
        connection = await connect(address, "ai-trader db status")
    except (*UNREACHABLE, TimeoutError) as error:
        raise DatabaseUnreachable(str(address), reason_of(error), since=now()) from error
    try:
        started = time.perf_counter()
        await connection.fetchval("SELECT 1")
        ping = time.perf_counter() - started
        version, size, used, most = (await connection.fetch(_FACTS))[0]
        tables = tuple(await SIZES.all(connection))
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)
    return DatabaseReport(str(address), version, ping, used, most, size, await schema_status(address), tables)
