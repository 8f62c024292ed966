-- How good the snapshots of a symbol are, hour by hour. Market hours come as multiranges: the database knows no calendar.
-- A simulated history that was filled in says that it was learned the very moment it was true: it was never received.

-- Hours of symbols in which something was recorded between two moments, of sources that live in real time. By recorded_at
-- alone and along its block ranges, as the roll-ups look.
CREATE OR REPLACE FUNCTION data_quality_hours(after timestamptz, upto timestamptz)
RETURNS TABLE (source text, symbol text, at timestamptz, calendar text, snapshots bigint)
LANGUAGE sql STABLE SET enable_seqscan = off SET jit = off AS $$
    WITH seen AS MATERIALIZED (
        SELECT m.source, m.symbol, bucket_start('1 hour', m.at) AS hour, count(*) AS snapshots
          FROM market_snapshots m
         WHERE m.recorded_at > after AND m.recorded_at <= upto AND m.recorded_at <> m.at
         GROUP BY m.source, m.symbol, bucket_start('1 hour', m.at)
    )
    SELECT s.source, s.symbol, s.hour, coalesce(i.calendar, '24/7'), s.snapshots
      FROM seen s
      LEFT JOIN instruments i ON i.source = s.source AND i.symbol = s.symbol
     WHERE EXISTS (SELECT FROM accounts a WHERE a.source = s.source AND a.clock <> 'replay')
     ORDER BY s.hour, s.source, s.symbol
$$;

-- Seconds of a stretch of time that are inside some ranges; null where those are.
CREATE OR REPLACE FUNCTION seconds_within(from_moment timestamptz, before timestamptz, ranges tstzmultirange)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN ranges IS NULL THEN NULL
                ELSE coalesce((SELECT sum(extract(epoch FROM upper(part) - lower(part)))::double precision
                                 FROM unnest(ranges * tstzmultirange(tstzrange(from_moment, before))) AS part), 0) END
$$;

-- Measures hours of symbols, all of one hour of one source at a time so that they have one pace, and writes them down.
-- `open` has the market hours around each, null where nobody knows them. Returns how many rows were written.
CREATE OR REPLACE FUNCTION measure_data_quality(for_source text, hour timestamptz, symbols text[], open text[], frozen_after integer)
RETURNS bigint LANGUAGE sql AS $$
    WITH asked AS MATERIALIZED (
        SELECT a.symbol, a.open::tstzmultirange AS open FROM unnest(symbols, open) AS a (symbol, open)
    ), told AS MATERIALIZED (
        SELECT a.symbol, a.open, m.at::timestamptz AS at, min(m.recorded_at)::timestamptz AS recorded_at, count(*) AS times,
               -- Of several revisions the highest: what the book of that moment is taken for.
               (array_agg(hash_record_extended(ROW(m.mid, m.bid_prices, m.bid_sizes, m.ask_prices, m.ask_sizes), 0) ORDER BY m.revision DESC))[1] AS book
          FROM asked a
          JOIN market_snapshots m ON m.source = for_source AND m.symbol = a.symbol AND m.at >= hour AND m.at < hour + interval '1 hour'
                                 AND m.recorded_at <> m.at
         GROUP BY a.symbol, a.open, m.at
    ), neighbours AS MATERIALIZED (
        SELECT t.*, lag(t.at) OVER course AS told_before,
               (lag(t.book) OVER course IS DISTINCT FROM t.book)::integer AS moved
          FROM told t
        WINDOW course AS (PARTITION BY t.symbol ORDER BY t.at)
    ), pace AS (
        SELECT coalesce(
                   (SELECT CASE WHEN count(*) >= 5
                                THEN percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM n.at - n.told_before)::double precision) END
                      FROM neighbours n
                     WHERE n.told_before IS NOT NULL),
                   (SELECT q.pace_seconds
                      FROM data_quality q
                     WHERE q.source = for_source AND q.at < hour AND q.pace_seconds IS NOT NULL
                     ORDER BY q.at DESC
                     LIMIT 1)) AS seconds
    ), objective AS (
        SELECT coalesce((SELECT p.slo_seconds::double precision
                           FROM pipeline_status p
                          WHERE p.source = for_source AND p.kind = 'feed' AND p.slo_seconds IS NOT NULL
                          ORDER BY p.started_at DESC
                          LIMIT 1), 10) AS seconds
    ), befores AS (
        -- The snapshot before the first one of the hour: a gap is told of by the hour in which it ended.
        SELECT f.symbol, f.open, f.at, b.at AS told_before
          FROM (SELECT n.symbol, n.open, min(n.at) AS at FROM neighbours n GROUP BY n.symbol, n.open) f
          CROSS JOIN LATERAL (
                SELECT m.at::timestamptz AS at
                  FROM market_snapshots m
                 WHERE m.source = for_source AND m.symbol = f.symbol AND m.at < hour AND m.at >= hour - interval '8 days'
                   AND m.recorded_at <> m.at
                 ORDER BY m.at DESC
                 LIMIT 1) b
    ), distances AS (
        SELECT d.symbol, seconds_within(d.told_before, d.at, d.open) AS seconds
          FROM (SELECT n.symbol, n.open, n.told_before, n.at FROM neighbours n WHERE n.told_before IS NOT NULL
                UNION ALL
                SELECT b.symbol, b.open, b.told_before, b.at FROM befores b) d
          CROSS JOIN pace p
         WHERE extract(epoch FROM d.at - d.told_before) > 3 * p.seconds
    ), gaps AS (
        SELECT d.symbol, count(*) AS gaps, sum(d.seconds) AS seconds, max(d.seconds) AS longest
          FROM distances d
          CROSS JOIN pace p
         WHERE d.seconds > 3 * p.seconds
         GROUP BY d.symbol
    ), islands AS (
        SELECT s.symbol, s.open, min(s.at) AS first_at, max(s.at) AS last_at
          FROM (SELECT n.symbol, n.open, n.at, sum(n.moved) OVER (PARTITION BY n.symbol ORDER BY n.at) AS stretch FROM neighbours n) s
         GROUP BY s.symbol, s.open, s.stretch
        HAVING count(*) >= frozen_after
    ), frozen AS (
        SELECT i.symbol, sum(seconds_within(i.first_at, i.last_at, i.open)) AS seconds FROM islands i GROUP BY i.symbol
    ), sums AS (
        SELECT t.symbol, t.open, min(t.at) AS first_at, max(t.at) AS last_at,
               count(*) FILTER (WHERE t.open IS NULL OR t.at <@ t.open) AS received, sum(t.times - 1) AS repeated,
               count(*) FILTER (WHERE extract(epoch FROM t.recorded_at - t.at) > o.seconds) AS late
          FROM told t
          CROSS JOIN objective o
         GROUP BY t.symbol, t.open
    ), written AS (
        INSERT INTO data_quality (source, symbol, at, first_at, last_at, pace_seconds, received, repeated, late, late_after_seconds,
                                  gaps, gap_seconds, longest_gap_seconds, frozen_seconds)
        SELECT for_source, s.symbol, hour, s.first_at, s.last_at, nullif(p.seconds, 0), s.received, s.repeated, s.late, o.seconds,
               CASE WHEN s.open IS NOT NULL AND p.seconds IS NOT NULL THEN coalesce(g.gaps, 0) END,
               CASE WHEN s.open IS NOT NULL AND p.seconds IS NOT NULL THEN coalesce(g.seconds, 0) END, g.longest,
               CASE WHEN s.open IS NOT NULL THEN coalesce(f.seconds, 0) END
          FROM sums s
          CROSS JOIN pace p
          CROSS JOIN objective o
          LEFT JOIN gaps g ON g.symbol = s.symbol
          LEFT JOIN frozen f ON f.symbol = s.symbol
            ON CONFLICT (source, symbol, at) DO UPDATE
           SET recorded_at = clock_timestamp(), first_at = excluded.first_at, last_at = excluded.last_at, pace_seconds = excluded.pace_seconds,
               received = excluded.received, repeated = excluded.repeated, late = excluded.late,
               late_after_seconds = excluded.late_after_seconds, gaps = excluded.gaps, gap_seconds = excluded.gap_seconds,
               longest_gap_seconds = excluded.longest_gap_seconds, frozen_seconds = excluded.frozen_seconds
        RETURNING 1
    )
    SELECT count(*) FROM written
$$;
REVOKE ALL ON FUNCTION data_quality_hours(timestamptz, timestamptz), measure_data_quality(text, timestamptz, text[], text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION data_quality_hours(timestamptz, timestamptz),
    measure_data_quality(text, timestamptz, text[], text[], integer) TO ai_trader_service;
