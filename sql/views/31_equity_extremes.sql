-- How far equity went between the points of a curve: what is seen of a crash that was over before the next point.

-- The least and the greatest equity that was observed of an account in each stretch between two of some moments that follow
-- one another: after one, up to and with the next, as known at `known`. A stretch without an observation has no row. Out of
-- kept days, hours and minutes: one that a moment lies in is taken apart, so that none of them counts in two stretches.
-- Nothing at all where that would take more than 50,000 observations one by one: over long windows, as they were known at a
-- past moment, or while a long backfill is rolled up. In PL/pgSQL, so that it is planned once a connection.
CREATE OR REPLACE FUNCTION equity_extremes(for_account text, moments timestamptz[], known timestamptz)
RETURNS TABLE (at timestamptz, low numeric, high numeric)
LANGUAGE plpgsql STABLE ROWS 3000 SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    most integer := 50000;
    instant interval := interval '1 microsecond';
    stretches integer := cardinality(moments) - 1;
    from_moment timestamptz := moments[1] + instant;
    before timestamptz := moments[stretches + 1] + instant;
    mean interval := (before - from_moment) / greatest(stretches, 1);
    widest text := widest_rollup('equity', CASE WHEN mean >= interval '1 hour' THEN interval '1 hour'
                                                WHEN mean >= interval '1 minute' THEN interval '1 minute' END, known);
    stale timestamptz[];
    dirty timestamptz[];
BEGIN
    IF stretches < 1 THEN
        RETURN;
    END IF;
    IF widest IS NOT NULL THEN
        IF EXISTS (SELECT FROM dirty_buckets d
                    WHERE d.fact = 'equity' AND d.width = 'minute' AND d.bucket_at >= from_moment AND d.bucket_at < before
                      AND d.key = ARRAY[for_account]
                   OFFSET most / 10) THEN
            RETURN;
        END IF;
        stale := ARRAY(SELECT u.minute FROM unrolled_equity(ARRAY[for_account]) u WHERE u.minute > from_moment - interval '1 minute' AND u.minute < before);
        dirty := ARRAY(SELECT dirty_hours('equity', ARRAY[for_account], from_moment, before));
        IF cardinality(dirty) > most / 100 THEN  -- each would be made up of its minutes
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    WITH days AS MATERIALIZED (
        -- The stretch of a time is how many moments are before it.
        SELECT c.since, c.at, c.low, c.high, width_bucket(c.since, moments) AS place
          FROM kept_closes(ARRAY[for_account], from_moment, moments[stretches + 1], known) c
         WHERE widest = 'hour' AND c.low IS NOT NULL AND c.since >= moments[1]
           AND width_bucket(c.since, moments) = width_bucket(c.observed_at - instant, moments)
    ), gaps AS (
        SELECT g.gap_from, g.gap_before
          FROM (SELECT coalesce(lag(d.at) OVER (ORDER BY d.at) + instant, from_moment) AS gap_from, d.since + instant AS gap_before
                  FROM days d
                UNION ALL
                SELECT coalesce(max(d.at) + instant, from_moment), before FROM days d) g
         WHERE g.gap_from < g.gap_before
    ), spans AS MATERIALIZED (
        SELECT s.piece, s.span_from, s.span_before
          FROM gaps g
          CROSS JOIN LATERAL rollup_spans(g.gap_from, g.gap_before, stale, dirty, widest) s
    ), hours AS MATERIALIZED (
        SELECT p.at, p.low, p.high, width_bucket(p.at - instant, moments) AS first_place, width_bucket(p.last_at - instant, moments) AS last_place
          FROM spans s
          CROSS JOIN LATERAL equity_pieces(for_account, 'hour', s.span_from, s.span_before, known) p
         WHERE s.piece = 'hour'
    ), minutes AS MATERIALIZED (
        SELECT p.at, p.low, p.high, width_bucket(p.at - instant, moments) AS first_place, width_bucket(p.last_at - instant, moments) AS last_place
          FROM (SELECT s.span_from, s.span_before FROM spans s WHERE s.piece = 'minute'
                UNION ALL
                SELECT h.at, h.at + interval '1 hour' FROM hours h WHERE h.first_place <> h.last_place) m
          CROSS JOIN LATERAL equity_pieces(for_account, 'minute', m.span_from, m.span_before, known) p
    ), observations AS MATERIALIZED (
        SELECT width_bucket(p.at - instant, moments) AS place, p.equity
          FROM (SELECT s.span_from, s.span_before FROM spans s WHERE s.piece = 'fact'
                UNION ALL
                SELECT m.at, m.at + interval '1 minute' FROM minutes m WHERE m.first_place <> m.last_place) f
          CROSS JOIN LATERAL equity_pieces(for_account, 'fact', f.span_from, f.span_before, known) p
         LIMIT most + 1
    )
    SELECT moments[e.place + 1], min(e.low), max(e.high)
      FROM (SELECT d.place, d.low, d.high FROM days d
            UNION ALL
            SELECT h.first_place, h.low, h.high FROM hours h WHERE h.first_place = h.last_place
            UNION ALL
            SELECT m.first_place, m.low, m.high FROM minutes m WHERE m.first_place = m.last_place
            UNION ALL
            SELECT o.place, o.equity, o.equity FROM observations o) e
     WHERE (SELECT count(*) FROM observations) <= most
     GROUP BY e.place;
END
$$;

-- The curve of a window, and how far equity went since the point before. Its beginning stands for itself. Null where several
-- accounts are added up: the least of a sum is not the sum of the least.
CREATE OR REPLACE FUNCTION equity_course(for_accounts text[], start timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (currency text, at timestamptz, equity numeric, growth double precision, drawdown double precision, low numeric, high numeric)
LANGUAGE plpgsql STABLE ROWS 300 SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH curve AS MATERIALIZED (
        SELECT c.currency, c.at, c.equity, c.growth, c.drawdown, lag(c.at) OVER (PARTITION BY c.currency ORDER BY c.at) IS NULL AS first
          FROM equity_curve(for_accounts, start, until, known) c
    ), alone AS MATERIALIZED (
        -- Whose equity was ever observed; of an only one it is, or there is no curve.
        SELECT a.currency, min(a.account_id) AS account_id
          FROM (SELECT b.currency, b.account_id::text, count(*) OVER (PARTITION BY b.currency) AS accounts
                  FROM accounts b
                 WHERE b.account_id = ANY (for_accounts)) a
         WHERE CASE WHEN a.accounts = 1 THEN true
                    ELSE EXISTS (SELECT FROM latest_equity(a.account_id, until, known) seen WHERE seen.at IS NOT NULL) END
         GROUP BY a.currency
        HAVING count(*) = 1
    ), extremes AS MATERIALIZED (
        SELECT a.currency, e.at, e.low, e.high
          FROM alone a
          CROSS JOIN LATERAL (SELECT array_agg(c.at ORDER BY c.at) AS moments FROM curve c WHERE c.currency = a.currency) points
          CROSS JOIN LATERAL equity_extremes(a.account_id, points.moments, known) e
    )
    SELECT c.currency, c.at, c.equity, c.growth, c.drawdown,
           CASE WHEN NOT c.first THEN e.low WHEN a.currency IS NOT NULL THEN c.equity END,
           CASE WHEN NOT c.first THEN e.high WHEN a.currency IS NOT NULL THEN c.equity END
      FROM curve c
      LEFT JOIN alone a ON a.currency = c.currency
      LEFT JOIN extremes e ON e.currency = c.currency AND e.at = c.at;
END
$$;

GRANT EXECUTE ON FUNCTION equity_extremes(text, timestamptz[], timestamptz),
    equity_course(text[], timestamptz, timestamptz, timestamptz) TO ai_trader_app, ai_trader_service;
