-- Minutes, hours and days of what is recorded every few seconds, and the notes of the job that keeps them right.
-- Minutes are made from the facts, hours from minutes, days from hours; so everything in them can be added up: sums with
-- their counts instead of means. Buckets are UTC, named by their beginning.

CREATE TABLE market_rollups (
    source          text NOT NULL,
    symbol          text NOT NULL,
    width           text NOT NULL CHECK (width IN ('minute', 'hour', 'day')),
    at              timestamptz NOT NULL,
    learned_at      timestamptz NOT NULL,
    open            numeric NOT NULL,
    high            numeric NOT NULL,
    low             numeric NOT NULL,
    close           numeric NOT NULL,
    spread_sum      numeric,
    spread_count    integer NOT NULL,
    bid_depth_sum   numeric,
    bid_depth_count integer NOT NULL,
    ask_depth_sum   numeric,
    ask_depth_count integer NOT NULL,
    snapshots       integer NOT NULL,
    PRIMARY KEY (source, symbol, width, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE market_rollups IS 'Snapshots of order books by minute, hour and day: what is left of them once they are purged.';
COMMENT ON COLUMN market_rollups.open IS 'The first mid in the bucket; high, low and close are mids too.';
COMMENT ON COLUMN market_rollups.spread_sum IS 'Σ spread in basis points; divided by spread_count the average. The same for the depths.';
COMMENT ON COLUMN market_rollups.spread_count IS 'Snapshots that had a spread.';
COMMENT ON COLUMN market_rollups.snapshots IS 'Observations, each in its highest revision.';
CREATE TABLE market_rollups_default PARTITION OF market_rollups DEFAULT;

CREATE TABLE equity_rollups (
    account_id     account_key NOT NULL,
    width          text NOT NULL CHECK (width IN ('minute', 'hour', 'day')),
    at             timestamptz NOT NULL,
    learned_at     timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    equity         numeric NOT NULL,
    low            numeric NOT NULL,
    low_at         timestamptz NOT NULL,
    high           numeric NOT NULL,
    high_at        timestamptz NOT NULL,
    cash           numeric,
    realized_pnl   numeric,
    unrealized_pnl numeric,
    fees           numeric,
    fx_pnl         numeric,
    observations   integer NOT NULL,
    PRIMARY KEY (account_id, width, at)
);
COMMENT ON TABLE equity_rollups IS 'The equity series by minute, hour and day: its last observation in the bucket, and its extremes with their times.';
COMMENT ON COLUMN equity_rollups.account_id IS 'Whose it is; no foreign key, like trading_pnl.';
COMMENT ON COLUMN equity_rollups.last_at IS 'When the last observation in the bucket was; equity, cash, P&L and fees are that one''s.';
COMMENT ON COLUMN equity_rollups.low IS 'The lowest equity in the bucket, first met at low_at.';
COMMENT ON COLUMN equity_rollups.high IS 'The highest equity in the bucket, first met at high_at.';
COMMENT ON COLUMN equity_rollups.observations IS 'Each in its highest revision.';

CREATE TABLE host_rollups (
    host                   text NOT NULL,
    width                  text NOT NULL CHECK (width IN ('minute', 'hour', 'day')),
    at                     timestamptz NOT NULL,
    learned_at             timestamptz NOT NULL,
    last_at                timestamptz NOT NULL,
    samples                integer NOT NULL,
    cpu_sum                double precision,
    cpu_samples            integer NOT NULL,
    cpu_max                double precision,
    load_sum               double precision,
    load_samples           integer NOT NULL,
    load_max               double precision,
    memory_sum             double precision,
    memory_samples         integer NOT NULL,
    memory_max             double precision,
    disk_sum               double precision,
    disk_samples           integer NOT NULL,
    cpu_percent            double precision,
    cpu_count              integer,
    load_1                 double precision,
    memory_used_bytes      bigint,
    memory_total_bytes     bigint,
    swap_used_bytes        bigint,
    swap_total_bytes       bigint,
    disk_path              text,
    disk_used_bytes        bigint,
    disk_total_bytes       bigint,
    disk_read_bytes        bigint,
    disk_written_bytes     bigint,
    network_sent_bytes     bigint,
    network_received_bytes bigint,
    boot_at                timestamptz,
    PRIMARY KEY (host, width, at)
);
COMMENT ON TABLE host_rollups IS 'Samples of the machine by minute, hour and day; kept 90 days, the samples themselves for metrics_retention.';
COMMENT ON COLUMN host_rollups.last_at IS 'When the last sample in the bucket was taken; the columns from cpu_percent on are that one''s.';
COMMENT ON COLUMN host_rollups.cpu_sum IS 'Σ cpu_percent; divided by cpu_samples the average. The same for load (of one minute), memory and disk.';
COMMENT ON COLUMN host_rollups.memory_sum IS 'Σ used / total, a fraction; memory_max is the highest of them.';
COMMENT ON COLUMN host_rollups.disk_sum IS 'Σ used / total, a fraction.';
CREATE INDEX host_rollups_at ON host_rollups (width, at DESC);

CREATE TABLE rollup_progress (
    fact         text PRIMARY KEY CHECK (fact IN ('market', 'equity', 'host')),
    rolled_until timestamptz NOT NULL DEFAULT '-infinity',
    kept_since   timestamptz NOT NULL DEFAULT '-infinity',
    looked_at    timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE rollup_progress IS 'How far the roll-up job has come with each kind of fact. The job locks the row while it works on the kind.';
COMMENT ON COLUMN rollup_progress.rolled_until IS 'What was recorded up to here is rolled up, or noted in dirty_buckets.';
COMMENT ON COLUMN rollup_progress.kept_since IS 'Facts that both happened and were learned before may have been purged: a minute with one of them is final.';
COMMENT ON COLUMN rollup_progress.looked_at IS 'When the job last looked; while it does not run, questions go to the facts.';
INSERT INTO rollup_progress (fact) VALUES ('market'), ('equity'), ('host');

CREATE TABLE dirty_buckets (
    fact      text NOT NULL CHECK (fact IN ('market', 'equity', 'host')),
    width     text NOT NULL CHECK (width IN ('minute', 'hour', 'day')),
    bucket_at timestamptz NOT NULL,
    key       text[] NOT NULL,
    PRIMARY KEY (fact, width, bucket_at, key)
);
COMMENT ON TABLE dirty_buckets IS 'Buckets in which something was recorded since they were rolled up: new, late or corrected.';
COMMENT ON COLUMN dirty_buckets.key IS 'Of the series: source and symbol, the account, or the host.';
COMMENT ON COLUMN dirty_buckets.bucket_at IS 'The beginning of the bucket.';

DO $$
DECLARE
    place record;
BEGIN
    FOR place IN SELECT unnest(ARRAY['market_rollups', 'equity_rollups', 'host_rollups']) AS name LOOP
        EXECUTE format('COMMENT ON COLUMN %I.at IS %L', place.name, 'The beginning of the bucket.');
        EXECUTE format('COMMENT ON COLUMN %I.width IS %L', place.name, 'Of the bucket: minute, hour or day, all UTC.');
        EXECUTE format('COMMENT ON COLUMN %I.learned_at IS %L', place.name,
                       'When the first of its facts was recorded. Where that is before what is kept, some may be gone and it stays as it is.');
    END LOOP;
    COMMENT ON COLUMN market_rollups.source IS 'Whose snapshots they are.';
    FOR place IN
        SELECT unnest(ARRAY['market_rollups', 'equity_rollups', 'host_rollups', 'rollup_progress', 'dirty_buckets']) AS name,
               unnest(ARRAY['true', 'account_id = ANY (accounts)', 'true', 'true', 'fact <> ''equity'' OR key[1] = ANY (accounts)']) AS visible
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place.name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', place.name);
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (%s)', place.name,
                       replace(place.visible, '(accounts)',
                               '((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])'));
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', place.name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', place.name);
    END LOOP;
END
$$;

-- What was recorded lately, by whichever clock it happened. Block ranges, because rows come in this order: a b-tree would
-- cost an ingesting bot three times as much.
CREATE INDEX market_snapshots_recorded ON market_snapshots USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX trading_pnl_recorded ON trading_pnl USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX system_metrics_recorded ON system_metrics USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize = on);

-- Any table of ours that is partitioned by time; before, the three of the first release were named.
CREATE OR REPLACE FUNCTION make_month_partition(parent text, month_start date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month_start)::date;
    next date := (date_trunc('month', month_start) + interval '1 month')::date;
    name text := parent || '_' || to_char(first, 'YYYY_MM');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                    WHERE c.relname = parent AND c.relnamespace = 'public'::regnamespace AND p.partdefid <> 0) THEN
        RAISE EXCEPTION 'table % is not partitioned by month', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('partition ' || parent));
    IF to_regclass(quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   parent || '_default', first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC', name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name,
                   first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
SELECT make_month_partition('market_rollups', (date_trunc('month', clock_timestamp()) + make_interval(months => ahead))::date)
  FROM generate_series(0, 2) AS ahead;

-- Drops the partitions of months that ended before `cutoff`, as long as nothing in them was learned since. It never waits
-- longer than a moment for those who read or write: what it does not get now goes at the next turn.
CREATE FUNCTION drop_month_partitions(parent text, cutoff timestamptz) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    name text;
    learned boolean;
    dropped text[] := '{}';
BEGIN
    IF parent NOT IN ('market_snapshots', 'system_metrics', 'process_metrics') THEN
        RAISE EXCEPTION 'partitions of % are kept for ever', parent;
    END IF;
    FOR name IN
        SELECT c.relname
          FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = to_regclass(quote_ident(parent)) AND c.relname ~ ('^' || parent || '_\d{4}_\d{2}$')
           AND (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= cutoff
         ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE recorded_at >= $1)', name) INTO learned USING cutoff;
        CONTINUE WHEN learned;
        BEGIN
            -- The parent first, as whoever inserts does; then nothing can come in between the second look and the drop.
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent);
            EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE recorded_at >= $1)', name) INTO learned USING cutoff;
            IF NOT learned THEN
                EXECUTE format('DROP TABLE %I', name);
                dropped := dropped || name;
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            RETURN dropped;
        END;
    END LOOP;
    RETURN dropped;
END
$$;
REVOKE ALL ON FUNCTION drop_month_partitions(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_month_partitions(text, timestamptz) TO ai_trader_service;
