-- How good the market data is that feeds bring, and what the bots' health servers say.

CREATE TABLE data_quality (
    source              text NOT NULL,
    symbol              text NOT NULL,
    at                  timestamptz NOT NULL,
    recorded_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    first_at            timestamptz NOT NULL,
    last_at             timestamptz NOT NULL,
    pace_seconds        double precision CONSTRAINT pace_above_zero CHECK (pace_seconds > 0),
    received            integer NOT NULL,
    repeated            integer NOT NULL,
    late                integer NOT NULL,
    late_after_seconds  double precision NOT NULL,
    gaps                integer,
    gap_seconds         double precision,
    longest_gap_seconds double precision,
    frozen_seconds      double precision,
    PRIMARY KEY (source, symbol, at)
);
COMMENT ON TABLE data_quality IS 'What was measured of the snapshots of one symbol in one hour; kept as long as they are. An hour in which none came has no row.';
COMMENT ON COLUMN data_quality.source IS 'Whose snapshots they are; only of sources that live in real time, a replay is played and not received.';
COMMENT ON COLUMN data_quality.symbol IS 'Whose order book.';
COMMENT ON COLUMN data_quality.at IS 'The beginning of the hour, UTC.';
COMMENT ON COLUMN data_quality.recorded_at IS 'When it was measured, on the database''s clock; measured anew when a snapshot of the hour comes late.';
COMMENT ON COLUMN data_quality.first_at IS 'The first snapshot of the hour.';
COMMENT ON COLUMN data_quality.last_at IS 'The last snapshot of the hour.';
COMMENT ON COLUMN data_quality.pace_seconds IS 'The feed''s own pace: the median time between snapshots of one symbol, over the symbols of the source in the hour; null where too few came.';
COMMENT ON COLUMN data_quality.received IS 'Moments of which a snapshot came while the market was open.';
COMMENT ON COLUMN data_quality.repeated IS 'Snapshots of a moment that had one already.';
COMMENT ON COLUMN data_quality.late IS 'Snapshots that were learned more than late_after_seconds after they were true.';
COMMENT ON COLUMN data_quality.late_after_seconds IS 'The objective of the feed, or 10 where nobody promised any.';
COMMENT ON COLUMN data_quality.gaps IS 'Times without a snapshot for more than three times the pace while the market was open, by the hour in which they ended; null where pace or calendar are not known.';
COMMENT ON COLUMN data_quality.gap_seconds IS 'The length of the gaps together, closed times left out.';
COMMENT ON COLUMN data_quality.longest_gap_seconds IS 'The length of the longest one, closed times left out; null without any.';
COMMENT ON COLUMN data_quality.frozen_seconds IS 'Time in which forty snapshots in a row and more had the same prices and sizes while the market was open; null where the calendar is not known.';
CREATE INDEX data_quality_at ON data_quality (at);

CREATE TABLE data_quality_progress (
    only_row     boolean PRIMARY KEY DEFAULT true CONSTRAINT only_row_true CHECK (only_row),
    looked_until timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE data_quality_progress IS 'How far the data quality job has come. The job locks the row while it works.';
COMMENT ON COLUMN data_quality_progress.only_row IS 'There is one row.';
COMMENT ON COLUMN data_quality_progress.looked_until IS 'Snapshots recorded up to here are measured.';
INSERT INTO data_quality_progress DEFAULT VALUES;

CREATE TABLE bot_health (
    account_id      account_key PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    url             text NOT NULL CONSTRAINT url_length CHECK (length(url) <= 2000),
    origin          text NOT NULL CONSTRAINT origin_known CHECK (origin IN ('settings', 'heartbeat')),
    state           text NOT NULL CONSTRAINT state_known CHECK (state IN ('healthy', 'unhealthy', 'unreachable')),
    status_code     integer,
    latency_seconds double precision,
    said            text,
    since           timestamptz NOT NULL,
    healthy_at      timestamptz,
    at              timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE bot_health IS 'The newest answer of every bot''s health server, asked by the worker. No past is kept.';
COMMENT ON COLUMN bot_health.account_id IS 'Whose it is.';
COMMENT ON COLUMN bot_health.url IS 'What was asked, without user and password.';
COMMENT ON COLUMN bot_health.origin IS 'settings: named under bots; heartbeat: the bot told its port and runs on the machine of the worker.';
COMMENT ON COLUMN bot_health.state IS 'healthy: it answered with 200; unhealthy: with something else; unreachable: not at all, or not in time.';
COMMENT ON COLUMN bot_health.status_code IS 'Of the answer; null without any.';
COMMENT ON COLUMN bot_health.latency_seconds IS 'From connecting to the last byte of the answer; null without any.';
COMMENT ON COLUMN bot_health.said IS 'What it complains of, or why there was no answer; null while it is healthy.';
COMMENT ON COLUMN bot_health.since IS 'When the state began.';
COMMENT ON COLUMN bot_health.healthy_at IS 'When it was healthy last; null when it never was.';
COMMENT ON COLUMN bot_health.at IS 'When it was asked, on the worker''s clock.';
COMMENT ON COLUMN bot_health.recorded_at IS 'When it was learned, on the database''s clock.';
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON bot_health FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();

DO $$
DECLARE
    place record;
BEGIN
    FOR place IN
        SELECT unnest(ARRAY['data_quality', 'data_quality_progress', 'bot_health']) AS name,
               unnest(ARRAY['true', 'true',
                            'account_id = ANY ((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])']) AS visible
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', place.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', place.name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', place.name);
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (%s)', place.name, place.visible);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', place.name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', place.name);
    END LOOP;
END
$$;
