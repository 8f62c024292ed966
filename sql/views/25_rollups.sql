-- Minutes, hours and days: how they are made, and how a question about a window reads them and the facts together.
-- A piece is an observation (piece 'fact'), or a bucket of the finer width, in the shape of a roll-up of its own; a bucket
-- is what its pieces add up to. So facts and roll-ups give the same, however a window is put together from both.

CREATE OR REPLACE FUNCTION bucket_start(width interval, moment timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN date_bin(width, moment, '2000-01-03 00:00Z');  -- a Monday

-- One step of each width, and what it is made of.
CREATE OR REPLACE FUNCTION rollup_step(width text) RETURNS interval LANGUAGE sql IMMUTABLE
    RETURN CASE width WHEN 'minute' THEN interval '1 minute' WHEN 'hour' THEN interval '1 hour' WHEN 'day' THEN interval '1 day' END;
CREATE OR REPLACE FUNCTION rollup_piece(width text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE width WHEN 'minute' THEN 'fact' WHEN 'hour' THEN 'minute' WHEN 'day' THEN 'hour' END;

CREATE OR REPLACE FUNCTION rollup_batch(width text) RETURNS interval LANGUAGE sql IMMUTABLE
    RETURN CASE width WHEN 'minute' THEN interval '1 hour' WHEN 'hour' THEN interval '1 day' WHEN 'day' THEN interval '28 days' END;

-- What lies between two moments when the steps that begin at `holes` are left out.
CREATE OR REPLACE FUNCTION spans_without(from_moment timestamptz, before timestamptz, holes timestamptz[], step interval)
RETURNS TABLE (span_from timestamptz, span_before timestamptz)
LANGUAGE sql IMMUTABLE ROWS 10 AS $$
    SELECT s.span_from, s.span_before
      FROM (SELECT edge.at AS span_from, lead(edge.hole) OVER (ORDER BY edge.at) AS span_before
              FROM (SELECT from_moment AS at, NULL::timestamptz AS hole
                    UNION ALL
                    SELECT hole + step, hole FROM unnest(holes) AS hole WHERE hole >= from_moment AND hole < before
                    UNION ALL
                    SELECT 'infinity', before) edge) s
     WHERE s.span_from < s.span_before
$$;

-- How a window (from_moment <= at < before) is put together. Hours where `widest` is hour, minutes where it is at least
-- minute, facts at both ends and in stale minutes, minutes in stale hours; only facts where widest is null.
CREATE OR REPLACE FUNCTION rollup_spans(from_moment timestamptz, before timestamptz, stale timestamptz[], dirty_hours timestamptz[], widest text)
RETURNS TABLE (piece text, span_from timestamptz, span_before timestamptz)
LANGUAGE sql IMMUTABLE ROWS 10 AS $$
    WITH minutes AS (
        SELECT least(bucket_start('1 minute', from_moment + interval '1 minute' - interval '1 microsecond'), before) AS first_at,
               greatest(bucket_start('1 minute', before), from_moment) AS end_at
    ), hours AS (
        SELECT f.at AS first_at, greatest(bucket_start('1 hour', m.end_at), f.at) AS end_at, m.end_at AS minutes_end_at
          FROM minutes m
          CROSS JOIN LATERAL (
                SELECT least(bucket_start('1 hour', m.first_at + interval '1 hour' - interval '1 microsecond'), m.end_at) AS at) f
         WHERE widest = 'hour'
    ), stale_hours AS (
        SELECT bucket_start('1 hour', minute) AS at FROM unnest(stale) AS minute
        UNION
        SELECT unnest(dirty_hours)
    ), minute_spans AS (
        SELECT m.first_at AS span_from, m.end_at AS span_before FROM minutes m WHERE widest = 'minute'
        UNION ALL
        SELECT m.first_at, h.first_at FROM minutes m, hours h
        UNION ALL
        SELECT h.end_at, h.minutes_end_at FROM hours h
        UNION ALL
        SELECT s.at, s.at + interval '1 hour' FROM stale_hours s, hours h WHERE s.at >= h.first_at AND s.at < h.end_at
    )
    SELECT 'hour', s.span_from, s.span_before
      FROM hours h
      CROSS JOIN LATERAL spans_without(h.first_at, h.end_at, (SELECT array_agg(stale_hours.at) FROM stale_hours), interval '1 hour') s
    UNION ALL
    SELECT 'minute', s.span_from, s.span_before
      FROM minute_spans m
      CROSS JOIN LATERAL spans_without(m.span_from, m.span_before, stale, interval '1 minute') s
    UNION ALL
    SELECT 'fact', f.span_from, f.span_before
      FROM (SELECT from_moment AS span_from, CASE WHEN m.first_at < m.end_at THEN m.first_at ELSE before END AS span_before
              FROM minutes m
             WHERE widest IS NOT NULL
            UNION ALL
            SELECT m.end_at, before FROM minutes m WHERE widest IS NOT NULL AND m.first_at < m.end_at
            UNION ALL
            SELECT minute, minute + interval '1 minute' FROM unnest(stale) AS minute, minutes m
             WHERE widest IS NOT NULL AND minute >= m.first_at AND minute < m.end_at
            UNION ALL
            SELECT from_moment, before WHERE widest IS NULL) f
     WHERE f.span_from < f.span_before
$$;

-- The widest roll-up that buckets of `width` can be put together from; null where the facts must be asked: for narrow
-- buckets, for what was known at a past moment, and, as long as all facts are kept, while the job does not run, because
-- what it has not seen yet would be looked for among the facts anyway.
CREATE OR REPLACE FUNCTION widest_rollup(for_fact text, width interval, known timestamptz) RETURNS text LANGUAGE sql STABLE
    RETURN CASE WHEN known >= '9999-01-01 00:00Z'
                     AND EXISTS (SELECT FROM rollup_progress p
                                  WHERE p.fact = for_fact
                                    AND (p.looked_at > database_clock() - interval '10 minutes' OR p.kept_since > '-infinity'))
                THEN CASE WHEN extract(epoch FROM width) % 3600 = 0 THEN 'hour'
                          WHEN extract(epoch FROM width) % 60 = 0 THEN 'minute' END END;

-- Hours of a series that its roll-up has not followed yet.
CREATE OR REPLACE FUNCTION dirty_hours(for_fact text, for_key text[], from_moment timestamptz, before timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT d.bucket_at
      FROM dirty_buckets d
     WHERE d.fact = for_fact AND d.width = 'hour' AND d.bucket_at >= from_moment AND d.bucket_at < before AND d.key = for_key
$$;

-- Takes the next buckets that are closed at `horizon` out of the dirty ones, oldest first. What is made of them is dirty then.
CREATE OR REPLACE FUNCTION take_dirty_buckets(for_fact text, for_width text, most integer, horizon timestamptz)
RETURNS TABLE (bucket_key text[], bucket_at timestamptz)
LANGUAGE sql ROWS 500 AS $$
    WITH taken AS (
        -- By their places, which no missing statistics can turn into a join of everything with everything.
        DELETE FROM dirty_buckets d
         WHERE d.ctid = ANY (ARRAY(SELECT c.ctid
                                     FROM dirty_buckets c
                                    WHERE c.fact = for_fact AND c.width = for_width AND c.bucket_at <= horizon - rollup_step(for_width)
                                    ORDER BY c.bucket_at
                                    LIMIT most))
        RETURNING d.key, d.bucket_at
    ), coarser AS (
        INSERT INTO dirty_buckets (fact, width, bucket_at, key)
        SELECT DISTINCT for_fact, wider.width, bucket_start(rollup_step(wider.width), t.bucket_at), t.key
          FROM taken t
          JOIN (VALUES ('minute', 'hour'), ('hour', 'day')) AS wider (of_width, width) ON wider.of_width = for_width
            ON CONFLICT DO NOTHING
    )
    SELECT t.key, t.bucket_at FROM taken t
$$;

-- Everything recorded since a moment is to be looked at again: for whoever writes facts with a recorded_at of the past, in
-- the transaction that writes the last of them. Waits for the job to finish what it is at, a fraction of a second.
CREATE OR REPLACE FUNCTION roll_up_again(since timestamptz) RETURNS void LANGUAGE sql AS $$
    UPDATE rollup_progress SET rolled_until = since - interval '1 microsecond' WHERE rolled_until >= since
$$;

-- Market ---------------------------------------------------------------------------------------------------------------

-- The pieces of a series with from_moment <= at < before, as known at `known`: the highest revision of each observation.
CREATE OR REPLACE FUNCTION market_pieces(for_source text, for_symbol text, piece text, from_moment timestamptz, before timestamptz, known timestamptz)
RETURNS SETOF market_rollups
LANGUAGE sql STABLE ROWS 20 AS $$
    (SELECT DISTINCT ON (m.at)
           m.source, m.symbol, 'fact', m.at::timestamptz, m.recorded_at::timestamptz, m.mid::numeric, m.mid::numeric, m.mid::numeric, m.mid::numeric,
           m.spread_bps::numeric, (m.spread_bps IS NOT NULL)::integer, m.bid_depth::numeric, (m.bid_depth IS NOT NULL)::integer,
           m.ask_depth::numeric, (m.ask_depth IS NOT NULL)::integer, 1, m.spread_bps::numeric, m.spread_bps::numeric
      FROM market_snapshots m
     WHERE piece = 'fact' AND m.source = for_source AND m.symbol = for_symbol AND m.at >= from_moment AND m.at < before AND m.recorded_at <= known
     ORDER BY m.at, m.revision DESC)
    UNION ALL
    SELECT r.*
      FROM market_rollups r
     WHERE piece <> 'fact' AND r.source = for_source AND r.symbol = for_symbol AND r.width = piece AND r.at >= from_moment AND r.at < before
$$;

-- Buckets of the width `step` out of spans of pieces; those without an observation are absent. The extremes of the spread
-- are null where a piece with spreads does not know its own.
CREATE OR REPLACE FUNCTION market_buckets(for_source text, for_symbol text, pieces text[], froms timestamptz[], befores timestamptz[], known timestamptz, step interval)
RETURNS SETOF market_rollups
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT for_source, for_symbol, NULL::text, bucket_start(step, p.at), min(p.learned_at),
           (array_agg(p.open ORDER BY p.at))[1], max(p.high), min(p.low), (array_agg(p.close ORDER BY p.at DESC))[1],
           sum(p.spread_sum), sum(p.spread_count)::integer, sum(p.bid_depth_sum), sum(p.bid_depth_count)::integer,
           sum(p.ask_depth_sum), sum(p.ask_depth_count)::integer, sum(p.snapshots)::integer,
           CASE WHEN NOT bool_or(p.spread_count > 0 AND p.spread_low IS NULL) THEN min(p.spread_low) END,
           CASE WHEN NOT bool_or(p.spread_count > 0 AND p.spread_high IS NULL) THEN max(p.spread_high) END
      FROM unnest(pieces, froms, befores) AS span (piece, span_from, span_before)
      CROSS JOIN LATERAL market_pieces(for_source, for_symbol, span.piece, span.span_from, span.span_before, known) p
     GROUP BY bucket_start(step, p.at)
$$;

-- Minutes of a series whose roll-up has not followed the facts yet and can: a purged one is final.
CREATE OR REPLACE FUNCTION stale_market_minutes(for_source text, for_symbol text, from_moment timestamptz, before timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 5 SET enable_seqscan = off SET jit = off AS $$
    WITH progress AS MATERIALIZED (
        SELECT p.rolled_until, p.kept_since, 'infinity'::timestamptz AS until FROM rollup_progress p WHERE p.fact = 'market'
    ), unseen AS MATERIALIZED (
        -- By recorded_at alone, and with an upper bound that says nothing: what is unseen is little, and only so the planner
        -- takes it for little. It counts every block range as half read all the same, so that from some millions of rows on
        -- reading all of them looks no dearer (60 times the cost in truth), and compiling the query worth while: both are off.
        SELECT m.source, m.symbol, bucket_start('1 minute', m.at) AS minute
          FROM market_snapshots m
         WHERE m.recorded_at > (SELECT p.rolled_until FROM progress p) AND m.recorded_at <= (SELECT p.until FROM progress p)
    ), suspect AS (
        SELECT u.minute FROM unseen u WHERE u.source = for_source AND u.symbol = for_symbol AND u.minute > from_moment - interval '1 minute' AND u.minute < before
        UNION
        SELECT d.bucket_at
          FROM dirty_buckets d
         WHERE d.fact = 'market' AND d.width = 'minute' AND d.bucket_at >= from_moment AND d.bucket_at < before AND d.key = ARRAY[for_source, for_symbol]
    )
    SELECT s.minute
      FROM suspect s, progress p
     WHERE NOT EXISTS (SELECT FROM market_rollups r
                        WHERE r.source = for_source AND r.symbol = for_symbol AND r.width = 'minute' AND r.at = s.minute AND s.minute < p.kept_since AND r.learned_at < p.kept_since)
$$;

-- Buckets of the width `step` in a window (start < at <= until), out of roll-ups and facts; in no order.
CREATE OR REPLACE FUNCTION market_window(for_source text, for_symbol text, start timestamptz, until timestamptz, known timestamptz, step interval)
RETURNS SETOF market_rollups
LANGUAGE sql STABLE ROWS 300 AS $$
    WITH asked AS MATERIALIZED (
        SELECT start + interval '1 microsecond' AS from_moment, until + interval '1 microsecond' AS before,
               widest_rollup('market', step, known) AS widest
    ), spans AS MATERIALIZED (
        SELECT array_agg(s.piece) AS pieces, array_agg(s.span_from) AS froms, array_agg(s.span_before) AS befores
          FROM asked a
          CROSS JOIN LATERAL rollup_spans(
                a.from_moment, a.before,
                ARRAY(SELECT stale_market_minutes(for_source, for_symbol, a.from_moment, a.before) WHERE a.widest IS NOT NULL),
                ARRAY(SELECT dirty_hours('market', ARRAY[for_source, for_symbol], a.from_moment, a.before) WHERE a.widest IS NOT NULL), a.widest) s
    )
    SELECT b.*
      FROM spans s
      CROSS JOIN LATERAL market_buckets(for_source, for_symbol, s.pieces, s.froms, s.befores, known, step) b
$$;

-- Notes the minutes in which something was recorded with after < recorded_at <= upto; returns how many facts there were.
CREATE OR REPLACE FUNCTION mark_market(after timestamptz, upto timestamptz) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET jit = off AS $$
    WITH seen AS MATERIALIZED (
        SELECT m.source, m.symbol, bucket_start('1 minute', m.at) AS minute FROM market_snapshots m WHERE m.recorded_at > after AND m.recorded_at <= upto
    ), marked AS (
        INSERT INTO dirty_buckets (fact, width, bucket_at, key)
        SELECT DISTINCT 'market', 'minute', s.minute, ARRAY[s.source, s.symbol]::text[] FROM seen s
            ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM seen
$$;

-- Makes up to `most` dirty buckets of a width that are closed at `horizon`; returns how many. Call it under the lock of
-- the kind's row in rollup_progress.
CREATE OR REPLACE FUNCTION roll_market(for_width text, most integer, horizon timestamptz) RETURNS bigint LANGUAGE sql AS $$
    WITH taken AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at FROM take_dirty_buckets('market', for_width, most, horizon) t
    ), due AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at
          FROM taken t
         WHERE NOT EXISTS (SELECT FROM rollup_progress p
                             JOIN market_rollups r ON r.source = t.bucket_key[1] AND r.symbol = t.bucket_key[2] AND r.width = 'minute' AND r.at = t.bucket_at
                            WHERE for_width = 'minute' AND p.fact = 'market' AND r.at < p.kept_since AND r.learned_at < p.kept_since)
    ), spans AS (
        -- Neighbours in one go: what lies between them costs less than asking for each.
        SELECT d.bucket_key, min(d.bucket_at) AS first_at, max(d.bucket_at) + rollup_step(for_width) AS end_at
          FROM due d
         GROUP BY d.bucket_key, bucket_start(rollup_batch(for_width), d.bucket_at)
    ), made AS MATERIALIZED (
        SELECT d.bucket_key, b.*
          FROM spans s
          CROSS JOIN LATERAL market_buckets(s.bucket_key[1], s.bucket_key[2], ARRAY[rollup_piece(for_width)], ARRAY[s.first_at],
                                            ARRAY[s.end_at], 'infinity', rollup_step(for_width)) b
          JOIN due d ON d.bucket_key = s.bucket_key AND d.bucket_at = b.at
    ), stored AS (
        INSERT INTO market_rollups (source, symbol, width, at, learned_at, open, high, low, close, spread_sum, spread_count, bid_depth_sum, bid_depth_count, ask_depth_sum, ask_depth_count,
            snapshots, spread_low, spread_high)
        SELECT b.source, b.symbol, for_width, b.at, b.learned_at, b.open, b.high, b.low, b.close, b.spread_sum, b.spread_count, b.bid_depth_sum, b.bid_depth_count,
               b.ask_depth_sum, b.ask_depth_count, b.snapshots, b.spread_low, b.spread_high
          FROM made b
            ON CONFLICT (source, symbol, width, at) DO UPDATE
           SET learned_at = excluded.learned_at, open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
               spread_sum = excluded.spread_sum, spread_count = excluded.spread_count, bid_depth_sum = excluded.bid_depth_sum,
               bid_depth_count = excluded.bid_depth_count, ask_depth_sum = excluded.ask_depth_sum, ask_depth_count =
               excluded.ask_depth_count, snapshots = excluded.snapshots, spread_low = excluded.spread_low,
               spread_high = excluded.spread_high
    ), emptied AS (
        DELETE FROM market_rollups r
         USING (SELECT due.bucket_key, due.bucket_at FROM due EXCEPT SELECT made.bucket_key, made.at FROM made) d
         WHERE r.source = d.bucket_key[1] AND r.symbol = d.bucket_key[2] AND r.width = for_width AND r.at = d.bucket_at
    )
    SELECT count(*) FROM taken
$$;

-- Equity ---------------------------------------------------------------------------------------------------------------

-- The pieces of a series with from_moment <= at < before, as known at `known`: the highest revision of each observation.
CREATE OR REPLACE FUNCTION equity_pieces(for_account text, piece text, from_moment timestamptz, before timestamptz, known timestamptz)
RETURNS SETOF equity_rollups
LANGUAGE sql STABLE ROWS 20 AS $$
    (SELECT DISTINCT ON (m.at, m.source, m.source_id)
           m.account_id, 'fact', m.at::timestamptz, m.recorded_at::timestamptz, m.at::timestamptz, m.equity::numeric,
           m.equity::numeric, m.at::timestamptz, m.equity::numeric, m.at::timestamptz,
           m.cash::numeric, m.realized_pnl::numeric, m.unrealized_pnl::numeric, m.fees::numeric, m.fx_pnl, 1
      FROM trading_pnl m
     WHERE piece = 'fact' AND m.account_id = for_account AND m.at >= from_moment AND m.at < before AND m.recorded_at <= known
     ORDER BY m.at, m.source, m.source_id, m.revision DESC)
    UNION ALL
    SELECT r.*
      FROM equity_rollups r
     WHERE piece <> 'fact' AND r.account_id = for_account AND r.width = piece AND r.at >= from_moment AND r.at < before
$$;

-- Buckets of the width `step` out of spans of pieces; those without an observation are absent.
CREATE OR REPLACE FUNCTION equity_buckets(for_account text, pieces text[], froms timestamptz[], befores timestamptz[], known timestamptz, step interval)
RETURNS SETOF equity_rollups
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT for_account::account_key, NULL::text, bucket_start(step, p.at), min(p.learned_at), max(p.last_at),
           (array_agg(p.equity ORDER BY p.last_at DESC))[1],
           min(p.low), (array_agg(p.low_at ORDER BY p.low, p.low_at))[1], max(p.high), (array_agg(p.high_at ORDER BY p.high DESC, p.high_at))[1],
           (array_agg(p.cash ORDER BY p.last_at DESC))[1], (array_agg(p.realized_pnl ORDER BY p.last_at DESC))[1],
           (array_agg(p.unrealized_pnl ORDER BY p.last_at DESC))[1], (array_agg(p.fees ORDER BY p.last_at DESC))[1],
           (array_agg(p.fx_pnl ORDER BY p.last_at DESC))[1],
           sum(p.observations)::integer
      FROM unnest(pieces, froms, befores) AS span (piece, span_from, span_before)
      CROSS JOIN LATERAL equity_pieces(for_account, span.piece, span.span_from, span.span_before, known) p
     GROUP BY bucket_start(step, p.at)
$$;

-- Minutes of a series whose roll-up has not followed the facts yet and can: a purged one is final.
CREATE OR REPLACE FUNCTION stale_equity_minutes(for_account text, from_moment timestamptz, before timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 5 SET enable_seqscan = off SET jit = off AS $$
    WITH progress AS MATERIALIZED (
        SELECT p.rolled_until, p.kept_since, 'infinity'::timestamptz AS until FROM rollup_progress p WHERE p.fact = 'equity'
    ), unseen AS MATERIALIZED (
        -- By recorded_at alone, and with an upper bound that says nothing: what is unseen is little, and only so the planner
        -- takes it for little. It counts every block range as half read all the same, so that from some millions of rows on
        -- reading all of them looks no dearer (60 times the cost in truth), and compiling the query worth while: both are off.
        SELECT m.account_id, bucket_start('1 minute', m.at) AS minute
          FROM trading_pnl m
         WHERE m.recorded_at > (SELECT p.rolled_until FROM progress p) AND m.recorded_at <= (SELECT p.until FROM progress p)
    ), suspect AS (
        SELECT u.minute FROM unseen u WHERE u.account_id = for_account AND u.minute > from_moment - interval '1 minute' AND u.minute < before
        UNION
        SELECT d.bucket_at
          FROM dirty_buckets d
         WHERE d.fact = 'equity' AND d.width = 'minute' AND d.bucket_at >= from_moment AND d.bucket_at < before AND d.key = ARRAY[for_account]
    )
    SELECT s.minute
      FROM suspect s, progress p
     WHERE NOT EXISTS (SELECT FROM equity_rollups r
                        WHERE r.account_id = for_account AND r.width = 'minute' AND r.at = s.minute AND s.minute < p.kept_since AND r.learned_at < p.kept_since)
$$;

-- Buckets of the width `step` in a window (start < at <= until), out of roll-ups and facts; in no order.
CREATE OR REPLACE FUNCTION equity_window(for_account text, start timestamptz, until timestamptz, known timestamptz, step interval)
RETURNS SETOF equity_rollups
LANGUAGE sql STABLE ROWS 300 AS $$
    WITH asked AS MATERIALIZED (
        SELECT start + interval '1 microsecond' AS from_moment, until + interval '1 microsecond' AS before,
               widest_rollup('equity', step, known) AS widest
    ), spans AS MATERIALIZED (
        SELECT array_agg(s.piece) AS pieces, array_agg(s.span_from) AS froms, array_agg(s.span_before) AS befores
          FROM asked a
          CROSS JOIN LATERAL rollup_spans(
                a.from_moment, a.before,
                ARRAY(SELECT stale_equity_minutes(for_account, a.from_moment, a.before) WHERE a.widest IS NOT NULL),
                ARRAY(SELECT dirty_hours('equity', ARRAY[for_account], a.from_moment, a.before) WHERE a.widest IS NOT NULL), a.widest) s
    )
    SELECT b.*
      FROM spans s
      CROSS JOIN LATERAL equity_buckets(for_account, s.pieces, s.froms, s.befores, known, step) b
$$;

-- Notes the minutes in which something was recorded with after < recorded_at <= upto; returns how many facts there were.
CREATE OR REPLACE FUNCTION mark_equity(after timestamptz, upto timestamptz) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET jit = off AS $$
    WITH seen AS MATERIALIZED (
        SELECT m.account_id, bucket_start('1 minute', m.at) AS minute FROM trading_pnl m WHERE m.recorded_at > after AND m.recorded_at <= upto
    ), marked AS (
        INSERT INTO dirty_buckets (fact, width, bucket_at, key)
        SELECT DISTINCT 'equity', 'minute', s.minute, ARRAY[s.account_id]::text[] FROM seen s
            ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM seen
$$;

-- Makes up to `most` dirty buckets of a width that are closed at `horizon`; returns how many. Call it under the lock of
-- the kind's row in rollup_progress.
CREATE OR REPLACE FUNCTION roll_equity(for_width text, most integer, horizon timestamptz) RETURNS bigint LANGUAGE sql AS $$
    WITH taken AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at FROM take_dirty_buckets('equity', for_width, most, horizon) t
    ), due AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at
          FROM taken t
         WHERE NOT EXISTS (SELECT FROM rollup_progress p
                             JOIN equity_rollups r ON r.account_id = t.bucket_key[1] AND r.width = 'minute' AND r.at = t.bucket_at
                            WHERE for_width = 'minute' AND p.fact = 'equity' AND r.at < p.kept_since AND r.learned_at < p.kept_since)
    ), spans AS (
        -- Neighbours in one go: what lies between them costs less than asking for each.
        SELECT d.bucket_key, min(d.bucket_at) AS first_at, max(d.bucket_at) + rollup_step(for_width) AS end_at
          FROM due d
         GROUP BY d.bucket_key, bucket_start(rollup_batch(for_width), d.bucket_at)
    ), made AS MATERIALIZED (
        SELECT d.bucket_key, b.*
          FROM spans s
          CROSS JOIN LATERAL equity_buckets(s.bucket_key[1], ARRAY[rollup_piece(for_width)], ARRAY[s.first_at],
                                            ARRAY[s.end_at], 'infinity', rollup_step(for_width)) b
          JOIN due d ON d.bucket_key = s.bucket_key AND d.bucket_at = b.at
    ), stored AS (
        INSERT INTO equity_rollups (account_id, width, at, learned_at, last_at, equity, low, low_at, high, high_at, cash, realized_pnl, unrealized_pnl, fees, fx_pnl, observations)
        SELECT b.account_id, for_width, b.at, b.learned_at, b.last_at, b.equity, b.low, b.low_at, b.high, b.high_at, b.cash, b.realized_pnl, b.unrealized_pnl, b.fees, b.fx_pnl,
               b.observations
          FROM made b
            ON CONFLICT (account_id, width, at) DO UPDATE
           SET learned_at = excluded.learned_at, last_at = excluded.last_at, equity = excluded.equity, low = excluded.low, low_at =
               excluded.low_at, high = excluded.high, high_at = excluded.high_at, cash = excluded.cash, realized_pnl =
               excluded.realized_pnl, unrealized_pnl = excluded.unrealized_pnl, fees = excluded.fees, fx_pnl = excluded.fx_pnl, observations = excluded.observations
    ), emptied AS (
        DELETE FROM equity_rollups r
         USING (SELECT due.bucket_key, due.bucket_at FROM due EXCEPT SELECT made.bucket_key, made.at FROM made) d
         WHERE r.account_id = d.bucket_key[1] AND r.width = for_width AND r.at = d.bucket_at
    ), refreshed AS (
        -- What is dirty no more must be right in the closes of days too. No trading day is longer than three days.
        UPDATE equity_closes c
           SET observed_at = o.observed_at, equity = o.equity, low = NULL, high = NULL
          FROM (SELECT DISTINCT k.account_id, k.at, k.since
                  FROM spans s
                  JOIN equity_closes k ON k.account_id = s.bucket_key[1] AND k.at >= s.first_at AND k.at < s.end_at + interval '3 days'
                                      AND k.since < s.end_at) touched
          CROSS JOIN LATERAL equity_between(touched.account_id, touched.since, touched.at, 'infinity') o
         WHERE for_width = 'minute' AND c.account_id = touched.account_id AND c.at = touched.at
    )
    SELECT count(*) FROM taken
$$;

-- Host -----------------------------------------------------------------------------------------------------------------

-- The pieces of a series with from_moment <= at < before, as known at `known`: the highest revision of each observation.
CREATE OR REPLACE FUNCTION host_pieces(for_host text, piece text, from_moment timestamptz, before timestamptz, known timestamptz)
RETURNS SETOF host_rollups
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT m.host, 'fact', m.at::timestamptz, m.recorded_at::timestamptz, m.at::timestamptz, 1,
           m.cpu_percent, (m.cpu_percent IS NOT NULL)::integer, m.cpu_percent, m.load_1, (m.load_1 IS NOT NULL)::integer, m.load_1,
           share.memory, (share.memory IS NOT NULL)::integer, share.memory, share.disk, (share.disk IS NOT NULL)::integer,
           m.cpu_percent, m.cpu_count, m.load_1, m.memory_used_bytes, m.memory_total_bytes, m.swap_used_bytes, m.swap_total_bytes,
           m.disk_path, m.disk_used_bytes, m.disk_total_bytes, m.disk_read_bytes, m.disk_written_bytes,
           m.network_sent_bytes, m.network_received_bytes, m.boot_at, share.disk
      FROM system_metrics m
      CROSS JOIN LATERAL (SELECT m.memory_used_bytes::double precision / nullif(m.memory_total_bytes, 0) AS memory,
                                 m.disk_used_bytes::double precision / nullif(m.disk_total_bytes, 0) AS disk) share
     WHERE piece = 'fact' AND m.host = for_host AND m.at >= from_moment AND m.at < before AND m.recorded_at <= known
    UNION ALL
    SELECT r.*
      FROM host_rollups r
     WHERE piece <> 'fact' AND r.host = for_host AND r.width = piece AND r.at >= from_moment AND r.at < before
$$;

-- Buckets of the width `step` out of spans of pieces; those without an observation are absent. The disk's maximum is null where
-- a piece with samples of it does not know its own.
CREATE OR REPLACE FUNCTION host_buckets(for_host text, pieces text[], froms timestamptz[], befores timestamptz[], known timestamptz, step interval)
RETURNS SETOF host_rollups
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT for_host, NULL::text, bucket_start(step, p.at), min(p.learned_at), max(p.last_at), sum(p.samples)::integer,
           sum(p.cpu_sum), sum(p.cpu_samples)::integer, max(p.cpu_max), sum(p.load_sum), sum(p.load_samples)::integer, max(p.load_max),
           sum(p.memory_sum), sum(p.memory_samples)::integer, max(p.memory_max), sum(p.disk_sum), sum(p.disk_samples)::integer,
           (array_agg(p.cpu_percent ORDER BY p.last_at DESC))[1], (array_agg(p.cpu_count ORDER BY p.last_at DESC))[1],
           (array_agg(p.load_1 ORDER BY p.last_at DESC))[1], (array_agg(p.memory_used_bytes ORDER BY p.last_at DESC))[1],
           (array_agg(p.memory_total_bytes ORDER BY p.last_at DESC))[1], (array_agg(p.swap_used_bytes ORDER BY p.last_at DESC))[1],
           (array_agg(p.swap_total_bytes ORDER BY p.last_at DESC))[1], (array_agg(p.disk_path ORDER BY p.last_at DESC))[1],
           (array_agg(p.disk_used_bytes ORDER BY p.last_at DESC))[1], (array_agg(p.disk_total_bytes ORDER BY p.last_at DESC))[1],
           (array_agg(p.disk_read_bytes ORDER BY p.last_at DESC))[1], (array_agg(p.disk_written_bytes ORDER BY p.last_at DESC))[1],
           (array_agg(p.network_sent_bytes ORDER BY p.last_at DESC))[1], (array_agg(p.network_received_bytes ORDER BY p.last_at DESC))[1],
           (array_agg(p.boot_at ORDER BY p.last_at DESC))[1],
           CASE WHEN NOT bool_or(p.disk_samples > 0 AND p.disk_max IS NULL) THEN max(p.disk_max) END
      FROM unnest(pieces, froms, befores) AS span (piece, span_from, span_before)
      CROSS JOIN LATERAL host_pieces(for_host, span.piece, span.span_from, span.span_before, known) p
     GROUP BY bucket_start(step, p.at)
$$;

-- Minutes of a series whose roll-up has not followed the facts yet and can: a purged one is final.
CREATE OR REPLACE FUNCTION stale_host_minutes(for_host text, from_moment timestamptz, before timestamptz) RETURNS SETOF timestamptz
LANGUAGE sql STABLE ROWS 5 SET enable_seqscan = off SET jit = off AS $$
    WITH progress AS MATERIALIZED (
        SELECT p.rolled_until, p.kept_since, 'infinity'::timestamptz AS until FROM rollup_progress p WHERE p.fact = 'host'
    ), unseen AS MATERIALIZED (
        -- By recorded_at alone, and with an upper bound that says nothing: what is unseen is little, and only so the planner
        -- takes it for little. It counts every block range as half read all the same, so that from some millions of rows on
        -- reading all of them looks no dearer (60 times the cost in truth), and compiling the query worth while: both are off.
        SELECT m.host, bucket_start('1 minute', m.at) AS minute
          FROM system_metrics m
         WHERE m.recorded_at > (SELECT p.rolled_until FROM progress p) AND m.recorded_at <= (SELECT p.until FROM progress p)
    ), suspect AS (
        SELECT u.minute FROM unseen u WHERE u.host = for_host AND u.minute > from_moment - interval '1 minute' AND u.minute < before
        UNION
        SELECT d.bucket_at
          FROM dirty_buckets d
         WHERE d.fact = 'host' AND d.width = 'minute' AND d.bucket_at >= from_moment AND d.bucket_at < before AND d.key = ARRAY[for_host]
    )
    SELECT s.minute
      FROM suspect s, progress p
     WHERE NOT EXISTS (SELECT FROM host_rollups r
                        WHERE r.host = for_host AND r.width = 'minute' AND r.at = s.minute AND s.minute < p.kept_since AND r.learned_at < p.kept_since)
$$;

-- Buckets of the width `step` in a window (start < at <= until), out of roll-ups and facts; in no order.
CREATE OR REPLACE FUNCTION host_window(for_host text, start timestamptz, until timestamptz, known timestamptz, step interval)
RETURNS SETOF host_rollups
LANGUAGE sql STABLE ROWS 300 AS $$
    WITH asked AS MATERIALIZED (
        SELECT start + interval '1 microsecond' AS from_moment, until + interval '1 microsecond' AS before,
               widest_rollup('host', step, known) AS widest
    ), spans AS MATERIALIZED (
        SELECT array_agg(s.piece) AS pieces, array_agg(s.span_from) AS froms, array_agg(s.span_before) AS befores
          FROM asked a
          CROSS JOIN LATERAL rollup_spans(
                a.from_moment, a.before,
                ARRAY(SELECT stale_host_minutes(for_host, a.from_moment, a.before) WHERE a.widest IS NOT NULL),
                ARRAY(SELECT dirty_hours('host', ARRAY[for_host], a.from_moment, a.before) WHERE a.widest IS NOT NULL), a.widest) s
    )
    SELECT b.*
      FROM spans s
      CROSS JOIN LATERAL host_buckets(for_host, s.pieces, s.froms, s.befores, known, step) b
$$;

-- Notes the minutes in which something was recorded with after < recorded_at <= upto; returns how many facts there were.
CREATE OR REPLACE FUNCTION mark_host(after timestamptz, upto timestamptz) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET jit = off AS $$
    WITH seen AS MATERIALIZED (
        SELECT m.host, bucket_start('1 minute', m.at) AS minute FROM system_metrics m WHERE m.recorded_at > after AND m.recorded_at <= upto
    ), marked AS (
        INSERT INTO dirty_buckets (fact, width, bucket_at, key)
        SELECT DISTINCT 'host', 'minute', s.minute, ARRAY[s.host]::text[] FROM seen s
            ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM seen
$$;

-- Makes up to `most` dirty buckets of a width that are closed at `horizon`; returns how many. Call it under the lock of
-- the kind's row in rollup_progress.
CREATE OR REPLACE FUNCTION roll_host(for_width text, most integer, horizon timestamptz) RETURNS bigint LANGUAGE sql AS $$
    WITH taken AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at FROM take_dirty_buckets('host', for_width, most, horizon) t
    ), due AS MATERIALIZED (
        SELECT t.bucket_key, t.bucket_at
          FROM taken t
         WHERE NOT EXISTS (SELECT FROM rollup_progress p
                             JOIN host_rollups r ON r.host = t.bucket_key[1] AND r.width = 'minute' AND r.at = t.bucket_at
                            WHERE for_width = 'minute' AND p.fact = 'host' AND r.at < p.kept_since AND r.learned_at < p.kept_since)
    ), spans AS (
        -- Neighbours in one go: what lies between them costs less than asking for each.
        SELECT d.bucket_key, min(d.bucket_at) AS first_at, max(d.bucket_at) + rollup_step(for_width) AS end_at
          FROM due d
         GROUP BY d.bucket_key, bucket_start(rollup_batch(for_width), d.bucket_at)
    ), made AS MATERIALIZED (
        SELECT d.bucket_key, b.*
          FROM spans s
          CROSS JOIN LATERAL host_buckets(s.bucket_key[1], ARRAY[rollup_piece(for_width)], ARRAY[s.first_at],
                                            ARRAY[s.end_at], 'infinity', rollup_step(for_width)) b
          JOIN due d ON d.bucket_key = s.bucket_key AND d.bucket_at = b.at
    ), stored AS (
        INSERT INTO host_rollups (host, width, at, learned_at, last_at, samples, cpu_sum, cpu_samples, cpu_max, load_sum, load_samples, load_max, memory_sum, memory_samples,
            memory_max, disk_sum, disk_samples, cpu_percent, cpu_count, load_1, memory_used_bytes, memory_total_bytes, swap_used_bytes,
            swap_total_bytes, disk_path, disk_used_bytes, disk_total_bytes, disk_read_bytes, disk_written_bytes, network_sent_bytes,
            network_received_bytes, boot_at, disk_max)
        SELECT b.host, for_width, b.at, b.learned_at, b.last_at, b.samples, b.cpu_sum, b.cpu_samples, b.cpu_max, b.load_sum, b.load_samples, b.load_max,
               b.memory_sum, b.memory_samples, b.memory_max, b.disk_sum, b.disk_samples, b.cpu_percent, b.cpu_count, b.load_1,
               b.memory_used_bytes, b.memory_total_bytes, b.swap_used_bytes, b.swap_total_bytes, b.disk_path, b.disk_used_bytes,
               b.disk_total_bytes, b.disk_read_bytes, b.disk_written_bytes, b.network_sent_bytes, b.network_received_bytes, b.boot_at,
               b.disk_max
          FROM made b
            ON CONFLICT (host, width, at) DO UPDATE
           SET learned_at = excluded.learned_at, last_at = excluded.last_at, samples = excluded.samples, cpu_sum = excluded.cpu_sum,
               cpu_samples = excluded.cpu_samples, cpu_max = excluded.cpu_max, load_sum = excluded.load_sum, load_samples =
               excluded.load_samples, load_max = excluded.load_max, memory_sum = excluded.memory_sum, memory_samples =
               excluded.memory_samples, memory_max = excluded.memory_max, disk_sum = excluded.disk_sum, disk_samples =
               excluded.disk_samples, cpu_percent = excluded.cpu_percent, cpu_count = excluded.cpu_count, load_1 = excluded.load_1,
               memory_used_bytes = excluded.memory_used_bytes, memory_total_bytes = excluded.memory_total_bytes, swap_used_bytes =
               excluded.swap_used_bytes, swap_total_bytes = excluded.swap_total_bytes, disk_path = excluded.disk_path, disk_used_bytes =
               excluded.disk_used_bytes, disk_total_bytes = excluded.disk_total_bytes, disk_read_bytes = excluded.disk_read_bytes,
               disk_written_bytes = excluded.disk_written_bytes, network_sent_bytes = excluded.network_sent_bytes, network_received_bytes =
               excluded.network_received_bytes, boot_at = excluded.boot_at, disk_max = excluded.disk_max
    ), emptied AS (
        DELETE FROM host_rollups r
         USING (SELECT due.bucket_key, due.bucket_at FROM due EXCEPT SELECT made.bucket_key, made.at FROM made) d
         WHERE r.host = d.bucket_key[1] AND r.width = for_width AND r.at = d.bucket_at
    )
    SELECT count(*) FROM taken
$$;

-- The machine that was sampled last in a window (start < at <= until); null where none was.
CREATE OR REPLACE FUNCTION sampled_host(start timestamptz, until timestamptz, known timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT s.host
      FROM ((SELECT m.host, m.at::timestamptz
               FROM system_metrics m
              WHERE m.at > start AND m.at <= until AND m.recorded_at <= known
              ORDER BY m.at DESC
              LIMIT 1)
            UNION ALL
            (SELECT r.host, r.last_at
               FROM host_rollups r
              WHERE known >= '9999-01-01 00:00Z' AND r.width = 'minute' AND r.at > start AND r.at <= until
              ORDER BY r.at DESC
              LIMIT 1)) s
     ORDER BY s.at DESC
     LIMIT 1
$$;

GRANT EXECUTE ON FUNCTION sampled_host(timestamptz, timestamptz, timestamptz), bucket_start(interval, timestamptz),
    rollup_step(text),
    rollup_piece(text), rollup_batch(text),
    spans_without(timestamptz, timestamptz, timestamptz[], interval),
    rollup_spans(timestamptz, timestamptz, timestamptz[], timestamptz[], text),
    widest_rollup(text, interval, timestamptz),
    dirty_hours(text, text[], timestamptz, timestamptz),
    market_pieces(text, text, text, timestamptz, timestamptz, timestamptz),
    market_buckets(text, text, text[], timestamptz[], timestamptz[], timestamptz, interval),
    stale_market_minutes(text, text, timestamptz, timestamptz),
    market_window(text, text, timestamptz, timestamptz, timestamptz, interval),
    equity_pieces(text, text, timestamptz, timestamptz, timestamptz),
    equity_buckets(text, text[], timestamptz[], timestamptz[], timestamptz, interval),
    stale_equity_minutes(text, timestamptz, timestamptz),
    equity_window(text, timestamptz, timestamptz, timestamptz, interval),
    host_pieces(text, text, timestamptz, timestamptz, timestamptz),
    host_buckets(text, text[], timestamptz[], timestamptz[], timestamptz, interval),
    stale_host_minutes(text, timestamptz, timestamptz),
    host_window(text, timestamptz, timestamptz, timestamptz, interval) TO ai_trader_app, ai_trader_service;
GRANT EXECUTE ON FUNCTION take_dirty_buckets(text, text, integer, timestamptz),
    roll_up_again(timestamptz),
    mark_market(timestamptz, timestamptz),
    roll_market(text, integer, timestamptz),
    mark_equity(timestamptz, timestamptz),
    roll_equity(text, integer, timestamptz),
    mark_host(timestamptz, timestamptz),
    roll_host(text, integer, timestamptz) TO ai_trader_service;
