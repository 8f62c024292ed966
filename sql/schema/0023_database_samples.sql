-- What PostgreSQL says of itself, as the worker's job "database" samples it. Counters are kept as the server counts them,
-- since its statistics began: rates and growth are differences of two samples, right across any gap. Texts of statements
-- may hold anything, of any account: only who may see every account may ask the reads that show them.

CREATE TABLE database_samples (
    at                  moment PRIMARY KEY,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    kept                boolean NOT NULL DEFAULT false,
    server_version      text NOT NULL,
    server_started_at   timestamptz,
    database_name       text NOT NULL,
    login               text NOT NULL,
    sees_all            boolean NOT NULL,
    statements          text NOT NULL CHECK (statements IN ('on', 'not created', 'not loaded', 'not available')),
    statistics_since    timestamptz,
    database_bytes      bigint,
    connections         integer NOT NULL,
    connections_limit   integer NOT NULL,
    connections_reserved integer NOT NULL,
    active              integer NOT NULL,
    idle                integer NOT NULL,
    idle_in_transaction integer NOT NULL,
    hidden              integer NOT NULL,
    waiting             integer NOT NULL,
    sessions            integer NOT NULL,
    longest_transaction_seconds double precision,
    longest_query_seconds double precision,
    commits             bigint NOT NULL,
    rollbacks           bigint NOT NULL,
    blocks_hit          bigint NOT NULL,
    blocks_read         bigint NOT NULL,
    temporary_files     bigint NOT NULL,
    temporary_bytes     bigint NOT NULL,
    deadlocks           bigint NOT NULL,
    wal_bytes           bigint,
    checkpoints_timed   bigint,
    checkpoints_requested bigint,
    freeze_age          bigint NOT NULL,
    freeze_limit        bigint NOT NULL,
    freeze_database     text,
    autovacuum          boolean NOT NULL,
    applications        jsonb NOT NULL DEFAULT '[]',
    standbys            jsonb NOT NULL DEFAULT '[]',
    slots               jsonb NOT NULL DEFAULT '[]'
);
COMMENT ON TABLE database_samples IS 'The database server by its own statistics, every 15 s, and every 5 s while somebody waits or works for long.';
COMMENT ON COLUMN database_samples.at IS 'When it was looked at, on the database''s clock.';
COMMENT ON COLUMN database_samples.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN database_samples.kept IS 'One every five minutes is kept 90 days, the others for metrics_retention.';
COMMENT ON COLUMN database_samples.server_version IS 'Of PostgreSQL.';
COMMENT ON COLUMN database_samples.server_started_at IS 'When the server started.';
COMMENT ON COLUMN database_samples.database_name IS 'The database that the suite uses; blocks, transactions, temporary files and deadlocks are counted in it.';
COMMENT ON COLUMN database_samples.login IS 'Who looked: the role that the suite logs in with.';
COMMENT ON COLUMN database_samples.sees_all IS 'Whether that role may see what others do (pg_monitor, or a superuser). Where not, their sessions are hidden.';
COMMENT ON COLUMN database_samples.statements IS 'Whether pg_stat_statements counts: on, not created in this database, not loaded by the server, or not installed beside it.';
COMMENT ON COLUMN database_samples.statistics_since IS 'When the statistics of the database were last reset; null for never.';
COMMENT ON COLUMN database_samples.database_bytes IS 'Size of the database at the last look at sizes, which is made every five minutes; null before the first.';
COMMENT ON COLUMN database_samples.connections IS 'Client sessions of the whole server, that of the sampling worker among them.';
COMMENT ON COLUMN database_samples.connections_limit IS 'The server''s max_connections.';
COMMENT ON COLUMN database_samples.connections_reserved IS 'Of the limit, those that only superusers and pg_use_reserved_connections may use.';
COMMENT ON COLUMN database_samples.active IS 'Sessions that run a statement.';
COMMENT ON COLUMN database_samples.idle IS 'Sessions that wait for their client, outside of a transaction.';
COMMENT ON COLUMN database_samples.idle_in_transaction IS 'Sessions that wait for their client in an open transaction, also an aborted one.';
COMMENT ON COLUMN database_samples.hidden IS 'Sessions whose state the login may not see.';
COMMENT ON COLUMN database_samples.waiting IS 'Sessions that wait for a lock.';
COMMENT ON COLUMN database_samples.sessions IS 'Rows of session_samples that belong to it.';
COMMENT ON COLUMN database_samples.longest_transaction_seconds IS 'Age of the oldest open transaction of a client; null for none.';
COMMENT ON COLUMN database_samples.longest_query_seconds IS 'Age of the oldest statement under way; null for none.';
COMMENT ON COLUMN database_samples.commits IS 'Transactions committed, counted by the server; so are the following up to deadlocks.';
COMMENT ON COLUMN database_samples.rollbacks IS 'Transactions rolled back.';
COMMENT ON COLUMN database_samples.blocks_hit IS 'Blocks found in shared_buffers.';
COMMENT ON COLUMN database_samples.blocks_read IS 'Blocks asked of the operating system, whose cache may have had them.';
COMMENT ON COLUMN database_samples.temporary_files IS 'Files that sorts and hashes spilled into.';
COMMENT ON COLUMN database_samples.temporary_bytes IS 'What was written into them.';
COMMENT ON COLUMN database_samples.deadlocks IS 'Transactions ended because of one.';
COMMENT ON COLUMN database_samples.wal_bytes IS 'Position in the write-ahead log, as bytes since its beginning.';
COMMENT ON COLUMN database_samples.checkpoints_timed IS 'Checkpoints that were due by time, since the statistics began.';
COMMENT ON COLUMN database_samples.checkpoints_requested IS 'Checkpoints made early: by much write-ahead log, or by command.';
COMMENT ON COLUMN database_samples.freeze_age IS 'Transactions since the oldest that is not frozen in any database: its distance to wraparound is 2,000 million less this.';
COMMENT ON COLUMN database_samples.freeze_limit IS 'autovacuum_freeze_max_age: from there on vacuum is forced.';
COMMENT ON COLUMN database_samples.freeze_database IS 'The database with that oldest transaction.';
COMMENT ON COLUMN database_samples.autovacuum IS 'Whether autovacuum is on.';
COMMENT ON COLUMN database_samples.applications IS 'Client sessions by application and role: application, role, connections, active, idle_in_transaction; the 50 with the most.';
COMMENT ON COLUMN database_samples.standbys IS 'Streaming replicas: standby, address, state, sync_state, lag_bytes, lag_seconds.';
COMMENT ON COLUMN database_samples.slots IS 'Replication slots: slot, kind, active, wal_status, held_bytes.';

CREATE TABLE session_samples (
    at                  moment NOT NULL,
    pid                 integer NOT NULL,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    kind                text NOT NULL,
    application         text,
    role                text,
    client              text,
    state               text,
    wait_type           text,
    wait_event          text,
    transaction_at      timestamptz,
    query_at            timestamptz,
    state_at            timestamptz,
    waits_since         timestamptz,
    blocked_by          integer[] NOT NULL DEFAULT '{}',
    lock_mode           text,
    lock_target         text,
    statement           text,
    PRIMARY KEY (at, pid)
);
COMMENT ON TABLE session_samples IS 'Sessions that waited for a lock, held up another, or had worked or idled in a transaction for over a second, when database_samples was taken.';
COMMENT ON COLUMN session_samples.at IS 'That of the sample it belongs to.';
COMMENT ON COLUMN session_samples.pid IS 'Process of the session.';
COMMENT ON COLUMN session_samples.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN session_samples.kind IS 'client backend, autovacuum worker, …';
COMMENT ON COLUMN session_samples.application IS 'As the client calls itself.';
COMMENT ON COLUMN session_samples.role IS 'Who is logged in.';
COMMENT ON COLUMN session_samples.client IS 'Its address; null for a local socket, and where we may not see it.';
COMMENT ON COLUMN session_samples.state IS 'active, idle, idle in transaction, …; null where we may not see it.';
COMMENT ON COLUMN session_samples.wait_type IS 'What kind of thing it waits for: Lock, IO, Client, …';
COMMENT ON COLUMN session_samples.wait_event IS 'What it waits for.';
COMMENT ON COLUMN session_samples.transaction_at IS 'When its transaction began; null outside of one.';
COMMENT ON COLUMN session_samples.query_at IS 'When its statement began: the one that runs, or the last.';
COMMENT ON COLUMN session_samples.state_at IS 'Since when it is in this state.';
COMMENT ON COLUMN session_samples.waits_since IS 'Since when it waits for a lock; null when it does not.';
COMMENT ON COLUMN session_samples.blocked_by IS 'Processes that hold what it waits for, or stand before it.';
COMMENT ON COLUMN session_samples.lock_mode IS 'The lock it waits for.';
COMMENT ON COLUMN session_samples.lock_target IS 'What that lock is on: a table, or a transaction.';
COMMENT ON COLUMN session_samples.statement IS 'The statement that runs, or ran last: its first 2,000 characters.';

CREATE TABLE relation_samples (
    at                  moment NOT NULL,
    schema_name         text NOT NULL,
    table_name          text NOT NULL,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    kept                boolean NOT NULL DEFAULT false,
    partitions          integer NOT NULL,
    table_bytes         bigint NOT NULL,
    index_bytes         bigint NOT NULL,
    row_estimate        bigint,
    live_rows           bigint NOT NULL,
    dead_rows           bigint NOT NULL,
    changed_rows        bigint NOT NULL,
    rows_written        bigint NOT NULL,
    sequential_scans    bigint NOT NULL,
    sequential_rows     bigint NOT NULL,
    index_scans         bigint NOT NULL,
    vacuumed_at         timestamptz,
    analyzed_at         timestamptz,
    freeze_age          bigint,
    PRIMARY KEY (at, schema_name, table_name)
);
COMMENT ON TABLE relation_samples IS 'Every table of the database with its partitions, every five minutes: size, rows, scans, vacuum. The 1,000 largest.';
COMMENT ON COLUMN relation_samples.at IS 'When it was looked at, on the database''s clock.';
COMMENT ON COLUMN relation_samples.schema_name IS 'Its schema.';
COMMENT ON COLUMN relation_samples.table_name IS 'Its name; of a partitioned one that of the whole.';
COMMENT ON COLUMN relation_samples.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN relation_samples.kept IS 'The first of an hour is kept 90 days, the others for metrics_retention.';
COMMENT ON COLUMN relation_samples.partitions IS 'Partitions that are counted in; 0 for a table without.';
COMMENT ON COLUMN relation_samples.table_bytes IS 'Size without indexes, with what is stored out of line.';
COMMENT ON COLUMN relation_samples.index_bytes IS 'Size of all its indexes.';
COMMENT ON COLUMN relation_samples.row_estimate IS 'Rows by the planner''s estimate; null where it was never analysed.';
COMMENT ON COLUMN relation_samples.live_rows IS 'Rows by the server''s statistics.';
COMMENT ON COLUMN relation_samples.dead_rows IS 'Rows that were deleted or replaced and wait for vacuum.';
COMMENT ON COLUMN relation_samples.changed_rows IS 'Rows changed since it was last analysed.';
COMMENT ON COLUMN relation_samples.rows_written IS 'Rows inserted, updated or deleted, counted by the server.';
COMMENT ON COLUMN relation_samples.sequential_scans IS 'Scans of the whole, counted by the server.';
COMMENT ON COLUMN relation_samples.sequential_rows IS 'Rows that those read.';
COMMENT ON COLUMN relation_samples.index_scans IS 'Scans of any of its indexes.';
COMMENT ON COLUMN relation_samples.vacuumed_at IS 'The last vacuum, automatic or not; of a partitioned one the latest of any partition.';
COMMENT ON COLUMN relation_samples.analyzed_at IS 'The last analyze, the same way.';
COMMENT ON COLUMN relation_samples.freeze_age IS 'Transactions since its oldest that is not frozen.';

CREATE TABLE index_samples (
    at                  moment NOT NULL,
    schema_name         text NOT NULL,
    index_name          text NOT NULL,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    kept                boolean NOT NULL DEFAULT false,
    table_name          text NOT NULL,
    partitioned         boolean NOT NULL,
    index_bytes         bigint NOT NULL,
    index_scans         bigint NOT NULL,
    is_valid            boolean NOT NULL,
    is_unique           boolean NOT NULL,
    is_constraint       boolean NOT NULL,
    method              text NOT NULL,
    keys                text[] NOT NULL,
    condition           text,
    definition          text NOT NULL,
    PRIMARY KEY (at, schema_name, index_name)
);
COMMENT ON TABLE index_samples IS 'Every index with those of its table''s partitions, every five minutes. The 2,000 largest.';
COMMENT ON COLUMN index_samples.at IS 'That of relation_samples.';
COMMENT ON COLUMN index_samples.schema_name IS 'Its schema.';
COMMENT ON COLUMN index_samples.index_name IS 'Its name.';
COMMENT ON COLUMN index_samples.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN index_samples.kept IS 'The first of a day is kept 90 days, the others for metrics_retention.';
COMMENT ON COLUMN index_samples.table_name IS 'Its table.';
COMMENT ON COLUMN index_samples.partitioned IS 'Whether the table is partitioned.';
COMMENT ON COLUMN index_samples.index_bytes IS 'Its size, with those of the partitions.';
COMMENT ON COLUMN index_samples.index_scans IS 'How often it was used, counted by the server.';
COMMENT ON COLUMN index_samples.is_valid IS 'Whether queries may use it; not after CREATE INDEX CONCURRENTLY failed.';
COMMENT ON COLUMN index_samples.is_unique IS 'Whether it keeps its keys unique.';
COMMENT ON COLUMN index_samples.is_constraint IS 'Whether a primary key, unique or exclusion constraint needs it.';
COMMENT ON COLUMN index_samples.method IS 'btree, gin, …';
COMMENT ON COLUMN index_samples.keys IS 'Its columns or expressions with their order, in their order.';
COMMENT ON COLUMN index_samples.condition IS 'Of a partial index; null for all rows.';
COMMENT ON COLUMN index_samples.definition IS 'The statement that makes it.';

CREATE TABLE statement_samples (
    at                  moment NOT NULL,
    query_id            bigint NOT NULL,
    role                text NOT NULL,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    calls               bigint NOT NULL,
    total_seconds       double precision NOT NULL,
    all_seconds         double precision NOT NULL,
    longest_seconds     double precision NOT NULL,
    row_count           bigint NOT NULL,
    blocks_hit          bigint NOT NULL,
    blocks_read         bigint NOT NULL,
    statement           text,
    PRIMARY KEY (at, query_id, role)
);
COMMENT ON TABLE statement_samples IS 'The 50 statements that took the most time by pg_stat_statements, every five minutes, kept for metrics_retention.';
COMMENT ON COLUMN statement_samples.at IS 'When it was looked at, on the database''s clock.';
COMMENT ON COLUMN statement_samples.query_id IS 'Of all statements that differ only in their constants.';
COMMENT ON COLUMN statement_samples.role IS 'Who ran it.';
COMMENT ON COLUMN statement_samples.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN statement_samples.calls IS 'How often it ran since pg_stat_statements was reset; so are the following.';
COMMENT ON COLUMN statement_samples.total_seconds IS 'How long it ran.';
COMMENT ON COLUMN statement_samples.all_seconds IS 'How long all statements of this database ran.';
COMMENT ON COLUMN statement_samples.longest_seconds IS 'How long it ran at most.';
COMMENT ON COLUMN statement_samples.row_count IS 'Rows it gave or changed.';
COMMENT ON COLUMN statement_samples.blocks_hit IS 'Blocks it found in shared_buffers.';
COMMENT ON COLUMN statement_samples.blocks_read IS 'Blocks it asked of the operating system.';
COMMENT ON COLUMN statement_samples.statement IS 'Its text, constants as parameters: the first 2,000 characters; null where we may not see it.';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['database_samples', 'session_samples', 'relation_samples', 'index_samples', 'statement_samples'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
    END LOOP;
END
$$;
