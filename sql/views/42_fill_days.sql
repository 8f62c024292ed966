-- Executions summed up by trading day: how the sums are made, and how a question about a window reads them and the fills.

-- What the fills of some spans add up to, one row a day, strategy and key: sums of what executions() tells of each. `parts`
-- names the ways to part them; each fill counts once for each. The worth of a fill is computed once, hence the OFFSET.
DROP FUNCTION IF EXISTS summed_fills(text, timestamptz, timestamptz, timestamptz, boolean, text, interval, text, text[]);
CREATE FUNCTION summed_fills(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean, of_zone text,
                             of_roll_over interval, of_strategy text, parts text[])
RETURNS TABLE (currency text, part text, every_strategy boolean, day date, strategy text, key text, fills bigint, costed bigint,
               cost numeric, arrival_notional numeric, best_bps numeric, worst_bps numeric, valued bigint, maker_fills bigint,
               taker_fills bigint, maker_notional numeric, taker_notional numeric, unknown_notional numeric, maker_fees numeric,
               taker_fees numeric, unknown_fees numeric, valued_fees numeric)
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT v.currency, k.part, grouping(v.strategy) = 1, v.day, v.strategy, k.key, count(*), count(v.cost), sum(v.cost),
           sum(v.arrival_notional) FILTER (WHERE v.cost IS NOT NULL), min(v.bps), max(v.bps), count(v.notional),
           count(*) FILTER (WHERE v.liquidity = 'maker'), count(*) FILTER (WHERE v.liquidity = 'taker'),
           coalesce(sum(v.notional) FILTER (WHERE v.liquidity = 'maker'), 0),
           coalesce(sum(v.notional) FILTER (WHERE v.liquidity = 'taker'), 0),
           coalesce(sum(v.notional) FILTER (WHERE v.liquidity IS NULL), 0),
           coalesce(sum(v.fee) FILTER (WHERE v.liquidity = 'maker'), 0), coalesce(sum(v.fee) FILTER (WHERE v.liquidity = 'taker'), 0),
           coalesce(sum(v.fee) FILTER (WHERE v.liquidity IS NULL), 0), coalesce(sum(v.fee) FILTER (WHERE v.notional IS NOT NULL), 0)
      FROM (SELECT c.*, c.cost / nullif(c.arrival_notional, 0) * 10000 AS bps
              FROM (SELECT e.currency, e.strategy, e.liquidity, e.symbol, e.side, e.at, e.fee, e.account_id,
                           trading_date(e.at, of_zone, of_roll_over) AS day, e.price * e.worth AS notional,
                           e.arrival_mid * e.worth AS arrival_notional, e.sign * (e.price - e.arrival_mid) * e.worth AS cost
                      FROM (SELECT x.*
                              FROM executions(ARRAY[for_account], start, until, known, live, of_strategy) x
                            OFFSET 0) e
                    OFFSET 0) c
            OFFSET 0) v
      CROSS JOIN unnest(parts) AS p (part)
      CROSS JOIN LATERAL (
            SELECT p.part, execution_part(p.part, v.symbol, v.strategy, v.account_id, v.side, v.liquidity, v.at, of_zone, v.notional) AS key
            OFFSET 0) k
     GROUP BY GROUPING SETS ((v.currency, k.part, v.day, k.key), (v.currency, k.part, v.day, v.strategy, k.key))
$$;

-- Makes the days that are marked, oldest first, of the first `most` days of an account in which something is marked;
-- returns how many. See take_marked_days.
CREATE OR REPLACE FUNCTION roll_fill_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
BEGIN
    SELECT t.* INTO own FROM take_marked_days('fill', for_account, most) t;
    made := own.made;
    IF made IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM public.fill_days d WHERE d.account_id = for_account AND d.width = 'day' AND d.day = ANY (made);
    INSERT INTO public.fill_days (account_id, width, part, every_strategy, day, strategy, key, fills, costed, cost, arrival_notional, best_bps, worst_bps,
                                  valued, maker_fills, taker_fills, maker_notional, taker_notional, unknown_notional, maker_fees, taker_fees,
                                  unknown_fees, valued_fees)
    SELECT for_account, 'day', s.part, s.every_strategy, s.day, s.strategy, s.key, s.fills, s.costed, s.cost, s.arrival_notional, s.best_bps, s.worst_bps,
           s.valued, s.maker_fills, s.taker_fills, s.maker_notional, s.taker_notional, s.unknown_notional, s.maker_fees, s.taker_fees,
           s.unknown_fees, s.valued_fees
      FROM summed_fills(for_account, trading_day_start((SELECT min(day) FROM unnest(made) AS day), own.zone, own.roll_over) - interval '1 microsecond',
                        trading_day_start((SELECT max(day) + 1 FROM unnest(made) AS day), own.zone, own.roll_over) - interval '1 microsecond', 'infinity', true, own.zone,
                        own.roll_over, NULL, ARRAY['', 'symbol', 'side', 'liquidity', 'hour', 'size']) s
     WHERE s.day = ANY (made)
     ORDER BY s.part, s.every_strategy, s.day;
    DELETE FROM public.fill_days d
     WHERE d.account_id = for_account AND d.width = 'month' AND d.day IN (SELECT date_trunc('month', day)::date FROM unnest(made) AS day);
    INSERT INTO public.fill_days (account_id, width, part, every_strategy, day, strategy, key, fills, costed, cost, arrival_notional, best_bps, worst_bps,
                                  valued, maker_fills, taker_fills, maker_notional, taker_notional, unknown_notional, maker_fees, taker_fees,
                                  unknown_fees, valued_fees)
    SELECT for_account, 'month', d.part, d.every_strategy, months.first_day, d.strategy, d.key, sum(d.fills), sum(d.costed), sum(d.cost),
           sum(d.arrival_notional), min(d.best_bps), max(d.worst_bps), sum(d.valued), sum(d.maker_fills), sum(d.taker_fills),
           sum(d.maker_notional), sum(d.taker_notional), sum(d.unknown_notional), sum(d.maker_fees), sum(d.taker_fees), sum(d.unknown_fees),
           sum(d.valued_fees)
      FROM (SELECT DISTINCT date_trunc('month', day)::date AS first_day FROM unnest(made) AS day) months
      JOIN public.fill_days d ON d.account_id = for_account AND d.width = 'day'
                             AND d.day >= months.first_day AND d.day < (months.first_day + interval '1 month')::date
     GROUP BY d.part, d.every_strategy, months.first_day, d.strategy, d.key;
    RETURN cardinality(made);
END
$$;

DROP FUNCTION IF EXISTS rolled_fill_days(text[], timestamptz, timestamptz, timestamptz, boolean);

-- What the executions of a window (start < at <= until) add up to, one row a currency and name. The name is what `by_part`
-- names: symbol, strategy, account, side, liquidity, hour (on the account's clock) and size, else null. Whole months and days
-- come from what is kept, all else from the fills.
DROP FUNCTION IF EXISTS sums_of_fills(text[], timestamptz, timestamptz, timestamptz, boolean, text, text);
CREATE FUNCTION sums_of_fills(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text, by_part text)
RETURNS TABLE (currency text, name text, fills bigint, costed bigint, cost numeric, arrival_notional numeric, best_bps numeric,
               worst_bps numeric, valued bigint, maker_fills bigint, taker_fills bigint, maker_notional numeric, taker_notional numeric,
               unknown_notional numeric, maker_fees numeric, taker_fees numeric, unknown_fees numeric, valued_fees numeric)
LANGUAGE sql STABLE ROWS 100 AS $$
    -- Materialized, because row-level security lets no index use a moment that is still an expression.
    WITH asked AS MATERIALIZED (
        SELECT r.*, CASE WHEN by_part IN ('symbol', 'side', 'liquidity', 'hour', 'size') THEN by_part ELSE '' END AS part,
               of_strategy IS NULL AND by_part IS DISTINCT FROM 'strategy' AS every_strategy
          FROM rolled_days('fill', for_accounts, start, until, known, live, known >= '9999-01-01 00:00Z', false) r
    ), spans AS MATERIALIZED (
        SELECT q.account_id, q.zone, q.roll_over, s.after, s.up_to
          FROM asked q
          CROSS JOIN LATERAL unsummed_stretches(start, until, q.rolled, q.first_day, q.last_day, q.stale, q.zone, q.roll_over) s
    ), pieces AS (
        SELECT f.currency, f.key AS name, f.fills, f.costed, f.cost, f.arrival_notional, f.best_bps, f.worst_bps, f.valued, f.maker_fills,
               f.taker_fills, f.maker_notional, f.taker_notional, f.unknown_notional, f.maker_fees, f.taker_fees, f.unknown_fees, f.valued_fees
          FROM spans q
          CROSS JOIN LATERAL summed_fills(q.account_id, q.after, q.up_to, known, live, q.zone, q.roll_over, of_strategy,
                                          ARRAY[by_part]) f
         WHERE f.every_strategy
        UNION ALL
        SELECT q.currency, CASE by_part WHEN 'strategy' THEN d.strategy WHEN 'account' THEN q.account_id ELSE d.key END, d.fills, d.costed, d.cost,
               d.arrival_notional, d.best_bps, d.worst_bps, d.valued, d.maker_fills, d.taker_fills, d.maker_notional, d.taker_notional,
               d.unknown_notional, d.maker_fees, d.taker_fees, d.unknown_fees, d.valued_fees
          FROM asked q
          CROSS JOIN LATERAL (
                SELECT r.*
                  FROM fill_days r
                 WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'month' AND r.part = q.part AND r.every_strategy = q.every_strategy
                   AND r.day = ANY (q.months)
                UNION ALL
                SELECT r.*
                  FROM fill_days r
                 WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'day' AND r.part = q.part AND r.every_strategy = q.every_strategy
                   AND r.day = ANY (q.single_days)) d
         WHERE of_strategy IS NULL OR d.strategy = of_strategy
    )
    SELECT p.currency, p.name, sum(p.fills)::bigint, sum(p.costed)::bigint, sum(p.cost), sum(p.arrival_notional), min(p.best_bps), max(p.worst_bps),
           sum(p.valued)::bigint, sum(p.maker_fills)::bigint, sum(p.taker_fills)::bigint, sum(p.maker_notional), sum(p.taker_notional),
           sum(p.unknown_notional), sum(p.maker_fees), sum(p.taker_fees), sum(p.unknown_fees), sum(p.valued_fees)
      FROM pieces p
     GROUP BY p.currency, p.name
$$;

-- The same. Planning it takes longer than answering it from the sums by day, so that is planned once a connection.
DROP FUNCTION IF EXISTS fill_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, text);
CREATE FUNCTION fill_sums(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text, by_part text)
RETURNS TABLE (currency text, name text, fills bigint, costed bigint, cost numeric, arrival_notional numeric, best_bps numeric,
               worst_bps numeric, valued bigint, maker_fills bigint, taker_fills bigint, maker_notional numeric, taker_notional numeric,
               unknown_notional numeric, maker_fees numeric, taker_fees numeric, unknown_fees numeric, valued_fees numeric)
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF known >= '9999-01-01 00:00Z' AND EXISTS (SELECT FROM fill_days_progress p WHERE p.account_id = ANY (for_accounts)) THEN
        RETURN QUERY SELECT s.* FROM sums_of_fills(for_accounts, start, until, known, live, of_strategy, by_part) s;
    ELSE
        RETURN QUERY EXECUTE 'SELECT s.* FROM sums_of_fills($1, $2, $3, $4, $5, $6, $7) s'
            USING for_accounts, start, until, known, live, of_strategy, by_part;
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION roll_fill_days(text, integer) TO ai_trader_service;
GRANT EXECUTE ON FUNCTION summed_fills(text, timestamptz, timestamptz, timestamptz, boolean, text, interval, text, text[]),
    sums_of_fills(text[], timestamptz, timestamptz, timestamptz, boolean, text, text),
    fill_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, text) TO ai_trader_app, ai_trader_service;
