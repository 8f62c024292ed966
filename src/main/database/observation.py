"""What does PostgreSQL say of itself: sessions, counters, sizes, indexes, statements; from 15 on, with any rights?

Each statement gives one JSON text, made for ``json_populate_recordset`` on the table of the same columns
(`sql/schema/0023_database_samples.sql`): nothing is converted on the way.
"""

from typing import LiteralString

SHOWN_SECONDS = 1
"""Whose transaction, or single statement, is younger than this is not looked at more closely."""

MOST_SESSIONS, MOST_TABLES, MOST_INDEXES, MOST_STATEMENTS = 100, 1000, 2000, 50

VERSION: LiteralString = "SELECT current_setting('server_version_num')::int"

_OURS: LiteralString = """
    n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
    AND n.nspname NOT LIKE 'pg\\_temp\\_%'
"""

# From 17 on checkpoints have a view of their own.
_CHECKPOINTS_16: LiteralString = "SELECT checkpoints_timed AS timed, checkpoints_req AS requested FROM pg_stat_bgwriter"
_CHECKPOINTS_17: LiteralString = "SELECT num_timed AS timed, num_requested AS requested FROM pg_stat_checkpointer"

# pg_blocking_pids stops everybody who wants a lock for an instant: it is asked about those who wait, and no others.
# Sessions of another database are none of ours: their locks are on tables whose names are not known here, and ending
# one of them would help nobody who waits in this one.
SESSIONS: LiteralString = """
    WITH seen AS MATERIALIZED (
        SELECT a.*, clock_timestamp() AS looked_at
          FROM pg_stat_activity a
         WHERE a.pid <> pg_backend_pid()
           AND (a.datid IS NULL OR a.datname = current_database())
    ), waiting AS MATERIALIZED (
        SELECT s.pid, pg_blocking_pids(s.pid) AS blocked_by
          FROM seen s
         WHERE s.wait_event_type = 'Lock'
    )
    SELECT coalesce(json_agg(f ORDER BY f.waits_since, f.transaction_at), '[]')::text
      FROM (SELECT s.pid, coalesce(s.backend_type, 'hidden') AS kind, nullif(s.application_name, '') AS application,
                   s.usename AS role, host(s.client_addr) AS client, s.state, s.wait_event_type AS wait_type,
                   s.wait_event, s.xact_start AS transaction_at, s.query_start AS query_at, s.state_change AS state_at,
                   CASE WHEN w.pid IS NOT NULL
                        THEN coalesce(l.waitstart, s.query_start, s.looked_at) END AS waits_since,
                   coalesce(w.blocked_by, '{}') AS blocked_by, l.mode AS lock_mode,
                   CASE WHEN l.relation IS NOT NULL THEN coalesce(c.relname, 'relation ' || l.relation)
                        WHEN l.transactionid IS NOT NULL THEN 'transaction ' || l.transactionid
                        ELSE l.locktype END AS lock_target,
                   nullif(left(s.query, 2000), '') AS statement
              FROM seen s
              LEFT JOIN waiting w ON w.pid = s.pid
              LEFT JOIN LATERAL (SELECT * FROM pg_locks k WHERE w.pid IS NOT NULL AND k.pid = w.pid AND NOT k.granted
                                  LIMIT 1) l ON true
              LEFT JOIN pg_class c ON c.oid = l.relation
             WHERE w.pid IS NOT NULL
                OR s.pid IN (SELECT unnest(blocked_by) FROM waiting)
                OR s.backend_type = 'client backend'
                   AND s.xact_start < s.looked_at - $1 * interval '1 second'
             ORDER BY w.pid IS NULL, s.xact_start
             LIMIT $2) f
"""

_SERVER: LiteralString = """
    WITH seen AS MATERIALIZED (
        SELECT a.*, clock_timestamp() AS looked_at, a.datname = current_database() AS ours
          FROM pg_stat_activity a
         WHERE a.backend_type = 'client backend'
            -- Whose type is hidden: sessions of other roles, but not the server's own processes.
            OR a.backend_type IS NULL AND a.usesysid IS NOT NULL AND a.datid IS NOT NULL
    ), clients AS (
        SELECT count(*) AS connections, count(*) FILTER (WHERE state IN ('active', 'fastpath function call')) AS active,
               count(*) FILTER (WHERE state = 'idle') AS idle,
               count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
               count(*) FILTER (WHERE backend_type IS NULL) AS hidden,
               count(*) FILTER (WHERE ours AND wait_event_type = 'Lock') AS waiting,
               max(extract(epoch FROM looked_at - xact_start))
                   FILTER (WHERE ours AND pid <> pg_backend_pid()) AS longest_transaction_seconds,
               max(extract(epoch FROM looked_at - query_start))
                   FILTER (WHERE ours AND state = 'active' AND pid <> pg_backend_pid()) AS longest_query_seconds
          FROM seen
    ), applications AS (
        SELECT coalesce(nullif(application_name, ''), 'unnamed') AS application,
               coalesce(usename, 'connecting') AS role, count(*) AS connections,
               count(*) FILTER (WHERE state = 'active') AS active,
               count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction
          FROM seen
         GROUP BY 1, 2
         ORDER BY 3 DESC, 1, 2
         LIMIT 50
    ), place AS (
        SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
    ), standbys AS (
        SELECT coalesce(nullif(r.application_name, ''), 'unnamed') AS standby, host(r.client_addr) AS address, r.state,
               r.sync_state, pg_wal_lsn_diff(place.lsn, r.replay_lsn) AS lag_bytes,
               extract(epoch FROM r.replay_lag) AS lag_seconds
          FROM pg_stat_replication r, place
         WHERE r.state IS DISTINCT FROM 'backup'
         ORDER BY 1, 2
         LIMIT 50
    ), slots AS (
        SELECT s.slot_name AS slot, s.slot_type AS kind, s.active, s.wal_status,
               pg_wal_lsn_diff(place.lsn, s.restart_lsn) AS held_bytes
          FROM pg_replication_slots s, place
         WHERE NOT s.temporary
         ORDER BY 1
         LIMIT 50
    ), checkpoints AS (
        CHECKPOINTS
    ), oldest AS (
        SELECT datname, age(datfrozenxid) AS freeze_age FROM pg_database ORDER BY 2 DESC LIMIT 1
    )
    SELECT row_to_json(f)::text
      FROM (SELECT clock_timestamp() AS at, current_setting('server_version') AS server_version,
                   pg_postmaster_start_time() AS server_started_at, d.datname AS database_name,
                   session_user AS login, pg_has_role(session_user, 'pg_read_all_stats', 'USAGE') AS sees_all,
                   CASE WHEN current_setting('pg_stat_statements.max', true) IS NULL
                        THEN CASE WHEN EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')
                                  THEN 'not loaded' ELSE 'not available' END
                        WHEN to_regclass(STATEMENTS) IS NULL THEN 'not created' ELSE 'on' END AS statements,
                   d.stats_reset AS statistics_since, clients.*,
                   current_setting('max_connections')::int AS connections_limit,
                   current_setting('superuser_reserved_connections')::int
                       + coalesce(current_setting('reserved_connections', true)::int, 0) AS connections_reserved,
                   d.xact_commit AS commits, d.xact_rollback AS rollbacks, d.blks_hit AS blocks_hit,
                   d.blks_read AS blocks_read, d.temp_files AS temporary_files, d.temp_bytes AS temporary_bytes,
                   d.deadlocks, pg_wal_lsn_diff(place.lsn, '0/0') AS wal_bytes, checkpoints.timed AS checkpoints_timed,
                   checkpoints.requested AS checkpoints_requested, oldest.freeze_age,
                   current_setting('autovacuum_freeze_max_age')::bigint AS freeze_limit,
                   oldest.datname AS freeze_database, current_setting('autovacuum')::boolean AS autovacuum,
                   (SELECT coalesce(json_agg(a), '[]') FROM applications a) AS applications,
                   (SELECT coalesce(json_agg(s), '[]') FROM standbys s) AS standbys,
                   (SELECT coalesce(json_agg(s), '[]') FROM slots s) AS slots
              FROM pg_stat_database d, clients, place, checkpoints, oldest
             WHERE d.datname = current_database()) f
"""

# The extension may be in any schema; a name that is not there is null.
_STATEMENTS_VIEW: LiteralString = """(
    SELECT quote_ident(n.nspname) || '.pg_stat_statements'
      FROM pg_extension e
      JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_stat_statements')"""
STATEMENTS_SCHEMA: LiteralString = """
    SELECT quote_ident(n.nspname)
      FROM pg_extension e
      JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_stat_statements'
"""

SIZE: LiteralString = "SELECT pg_database_size(current_database())"

# A part that has pages and no rows by the planner was never analysed (-1), or while its rows were not committed (0).
TABLES: LiteralString = """
    WITH members AS (
        SELECT c.oid, coalesce(pg_partition_root(c.oid)::oid, c.oid) AS root, c.relkind, c.reltuples,
               CASE WHEN c.relfrozenxid <> '0' THEN age(c.relfrozenxid) END AS freeze_age
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'm') AND OURS
    )
    SELECT coalesce(json_agg(f), '[]')::text
      FROM (SELECT n.nspname AS schema_name, r.relname AS table_name,
                   count(*) FILTER (WHERE m.oid <> m.root AND m.relkind <> 'p') AS partitions,
                   sum(pg_table_size(m.oid)) AS table_bytes, sum(pg_indexes_size(m.oid)) AS index_bytes,
                   CASE WHEN bool_and(m.reltuples > 0 OR m.relkind = 'p' OR pg_relation_size(m.oid) = 0)
                        THEN coalesce(sum(greatest(m.reltuples, 0)) FILTER (WHERE m.relkind <> 'p'), 0)::bigint
                        END AS row_estimate,
                   coalesce(sum(s.n_live_tup), 0) AS live_rows, coalesce(sum(s.n_dead_tup), 0) AS dead_rows,
                   coalesce(sum(s.n_mod_since_analyze), 0) AS changed_rows,
                   coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0) AS rows_written,
                   coalesce(sum(s.seq_scan), 0) AS sequential_scans,
                   coalesce(sum(s.seq_tup_read), 0) AS sequential_rows,
                   coalesce(sum(s.idx_scan), 0) AS index_scans,
                   max(greatest(s.last_vacuum, s.last_autovacuum)) AS vacuumed_at,
                   max(greatest(s.last_analyze, s.last_autoanalyze)) AS analyzed_at, max(m.freeze_age) AS freeze_age
              FROM members m
              JOIN pg_class r ON r.oid = m.root
              JOIN pg_namespace n ON n.oid = r.relnamespace
              LEFT JOIN pg_stat_all_tables s ON s.relid = m.oid
             GROUP BY n.nspname, r.relname
             ORDER BY sum(pg_total_relation_size(m.oid)) DESC
             LIMIT $1) f
""".replace("OURS", _OURS)

INDEXES: LiteralString = """
    WITH members AS (
        SELECT c.oid, coalesce(pg_partition_root(c.oid)::oid, c.oid) AS root
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('i', 'I') AND OURS
    ), whole AS (
        SELECT m.root, sum(pg_relation_size(m.oid)) AS index_bytes, coalesce(sum(s.idx_scan), 0) AS index_scans
          FROM members m
          LEFT JOIN pg_stat_all_indexes s ON s.indexrelid = m.oid
         GROUP BY m.root
         ORDER BY 2 DESC
         LIMIT $1
    )
    SELECT coalesce(json_agg(f), '[]')::text
      FROM (SELECT n.nspname AS schema_name, r.relname AS index_name, t.relname AS table_name,
                   t.relkind = 'p' AS partitioned, w.index_bytes, w.index_scans, i.indisvalid AS is_valid,
                   i.indisunique AS is_unique,
                   EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = r.oid) OR i.indisprimary AS is_constraint,
                   a.amname AS method,
                   (SELECT array_agg(pg_get_indexdef(r.oid, number, true)
                                     || CASE WHEN i.indoption[number - 1] & 1 = 1 THEN ' DESC' ELSE '' END
                                     ORDER BY number)
                      FROM generate_series(1, i.indnkeyatts) AS number) AS keys,
                   pg_get_expr(i.indpred, i.indrelid) AS condition, pg_get_indexdef(r.oid) AS definition
              FROM whole w
              JOIN pg_class r ON r.oid = w.root
              JOIN pg_namespace n ON n.oid = r.relnamespace
              JOIN pg_index i ON i.indexrelid = r.oid
              JOIN pg_class t ON t.oid = i.indrelid
              JOIN pg_am a ON a.oid = r.relam) f
""".replace("OURS", _OURS)

_STATEMENTS: LiteralString = """
    WITH counted AS (
        SELECT s.queryid AS query_id, coalesce(r.rolname, s.userid::text) AS role, sum(s.calls)::bigint AS calls,
               sum(s.total_exec_time) / 1000 AS total_seconds, max(s.max_exec_time) / 1000 AS longest_seconds,
               sum(s.rows)::bigint AS row_count, sum(s.shared_blks_hit)::bigint AS blocks_hit,
               sum(s.shared_blks_read)::bigint AS blocks_read, min(left(s.query, 2000)) AS statement
          FROM SCHEMA.pg_stat_statements(true) s
          LEFT JOIN pg_roles r ON r.oid = s.userid
         WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         GROUP BY 1, 2
    )
    SELECT coalesce(json_agg(f), '[]')::text
      FROM (SELECT c.query_id, c.role, c.calls, c.total_seconds, sum(c.total_seconds) OVER () AS all_seconds,
                   c.longest_seconds, c.row_count, c.blocks_hit, c.blocks_read,
                   nullif(c.statement, '<insufficient privilege>') AS statement
              FROM counted c
             WHERE c.query_id IS NOT NULL
             ORDER BY c.total_seconds DESC
             LIMIT $1) f
"""


def server_statement(version: int) -> str:
    """Return the statement of counters and connections for a server of a version such as 150004."""
    checkpoints = _CHECKPOINTS_17 if version >= 170000 else _CHECKPOINTS_16
    return _SERVER.replace("CHECKPOINTS", checkpoints).replace("STATEMENTS", _STATEMENTS_VIEW)


def statements_statement(schema: str) -> str:
    """Return the statement of what took the most time; `schema` is that of the extension, quoted by the server."""
    return _STATEMENTS.replace("SCHEMA", schema)
