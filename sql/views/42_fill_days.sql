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
-- returns how many. See roll_trade_days.
CREATE OR REPLACE FUNCTION roll_fill_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
    first_day date;
    last_day date;
BEGIN
    SELECT a.source, a.currency, a.zone, a.roll_over INTO own FROM public.accounts a WHERE a.account_id = for_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM public.fill_days_progress p
                       WHERE p.account_id = for_account AND p.source = own.source AND p.currency = own.currency
                         AND p.zone = own.zone AND p.roll_over = own.roll_over) THEN
        DELETE FROM public.fill_days d WHERE d.account_id = for_account;
        DELETE FROM public.fill_marks m WHERE m.account_id = for_account;
        INSERT INTO public.fill_marks (account_id, first_at, last_at)
        SELECT for_account, day, day + interval '1 day'
          FROM (SELECT min(f.at)::timestamptz AS first_at, max(f.at)::timestamptz AS last_at
                  FROM public.fills f WHERE f.account_id = for_account) ends
          CROSS JOIN LATERAL generate_series(ends.first_at, ends.last_at, interval '1 day') AS day;
        INSERT INTO public.fill_days_progress (account_id, source, currency, zone, roll_over)
        VALUES (for_account, own.source, own.currency, own.zone, own.roll_over)
            ON CONFLICT (account_id) DO UPDATE
           SET source = excluded.source, currency = excluded.currency, zone = excluded.zone, roll_over = excluded.roll_over;
    END IF;
    WITH taken AS (
        DELETE FROM public.fill_marks m
         WHERE m.account_id = for_account
           AND m.first_at < (SELECT min(o.first_at) FROM public.fill_marks o WHERE o.account_id = for_account) + most * interval '1 day'
        RETURNING m.first_at, m.last_at
    )
    SELECT array_agg(DISTINCT marked::date), min(marked)::date, max(marked)::date INTO made, first_day, last_day
      FROM taken
      CROSS JOIN LATERAL generate_series(trading_date(taken.first_at, own.zone, own.roll_over),
                                         trading_date(taken.last_at, own.zone, own.roll_over), interval '1 day') AS marked;
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
      FROM summed_fills(for_account, trading_day_start(first_day, own.zone, own.roll_over) - interval '1 microsecond',
                        trading_day_start(last_day + 1, own.zone, own.roll_over) - interval '1 microsecond', 'infinity', true, own.zone,
                        own.roll_over, NULL, ARRAY['', 'symbol', 'side', 'liquidity', 'hour', 'size']) s
     WHERE s.day = ANY (made);
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

-- Which parts of a window (start < at <= until) the sums of fills stand for, one row an account. See rolled_days.
DROP FUNCTION IF EXISTS rolled_fill_days(text[], timestamptz, timestamptz, timestamptz, boolean);
CREATE FUNCTION rolled_fill_days(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, currency text, zone text, roll_over interval, rolled boolean, first_day date, last_day date,
               stale date[], months date[], single_days date[])
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT a.account_id, a.currency, a.zone, a.roll_over, r.rolled, ends.first_day, ends.last_day, coalesce(s.stale, '{}'), m.months, d.days
      FROM accounts_at(for_accounts, until, known, live) a
      CROSS JOIN LATERAL (SELECT known >= '9999-01-01 00:00Z' AS usable) k
      CROSS JOIN LATERAL (
            SELECT trading_date(start, a.zone, a.roll_over) + 1 AS first_day, trading_date(until, a.zone, a.roll_over) - 1 AS last_day) ends
      LEFT JOIN LATERAL (
            SELECT array_agg(DISTINCT day::date) AS stale
              FROM fill_marks m
              CROSS JOIN LATERAL generate_series(trading_date(m.first_at, a.zone, a.roll_over),
                                                 trading_date(m.last_at, a.zone, a.roll_over), interval '1 day') AS day
             WHERE k.usable AND m.account_id = a.account_id AND day >= ends.first_day AND day <= ends.last_day) s ON true
      CROSS JOIN LATERAL (
            SELECT k.usable AND ends.first_day <= ends.last_day AND coalesce(cardinality(s.stale), 0) <= 20
                   AND EXISTS (SELECT FROM fill_days_progress p
                                WHERE p.account_id = a.account_id AND p.source = a.source AND p.currency = a.currency
                                  AND p.zone = a.zone AND p.roll_over = a.roll_over) AS rolled) r
      LEFT JOIN LATERAL (
            SELECT greatest(ends.first_day, min(t.day)) AS first_day, least(ends.last_day, max(t.day)) AS last_day
              FROM fill_days t
             WHERE r.rolled AND t.account_id = a.account_id AND t.width = 'day' AND t.part = '' AND t.every_strategy
            HAVING min(t.day) IS NOT NULL) found ON true
      CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(month::date), '{}') AS months
              FROM generate_series(date_trunc('month', found.first_day::timestamp), found.last_day::timestamp, interval '1 month') AS month
             WHERE month::date >= ends.first_day AND (month + interval '1 month')::date - 1 <= ends.last_day
               AND NOT EXISTS (SELECT FROM unnest(s.stale) AS changed WHERE date_trunc('month', changed::timestamp) = month)) m
      CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(day::date), '{}') AS days
              FROM generate_series(found.first_day::timestamp, found.last_day::timestamp, interval '1 day') AS day
             WHERE date_trunc('month', day)::date <> ALL (m.months) AND day::date <> ALL (coalesce(s.stale, '{}'))) d
$$;

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
          FROM rolled_fill_days(for_accounts, start, until, known, live) r
    ), spans AS MATERIALIZED (
        SELECT q.account_id, q.zone, q.roll_over, s.span_from, s.span_until
          FROM asked q
          CROSS JOIN LATERAL (
                SELECT start AS span_from, until AS span_until WHERE NOT q.rolled
                UNION ALL
                SELECT start, trading_day_start(q.first_day, q.zone, q.roll_over) - interval '1 microsecond' WHERE q.rolled
                UNION ALL
                SELECT trading_day_start(q.last_day + 1, q.zone, q.roll_over) - interval '1 microsecond', until WHERE q.rolled
                UNION ALL
                SELECT trading_day_start(changed, q.zone, q.roll_over) - interval '1 microsecond',
                       trading_day_start(changed + 1, q.zone, q.roll_over) - interval '1 microsecond'
                  FROM unnest(q.stale) AS changed WHERE q.rolled) s
    ), pieces AS (
        SELECT f.currency, f.key AS name, f.fills, f.costed, f.cost, f.arrival_notional, f.best_bps, f.worst_bps, f.valued, f.maker_fills,
               f.taker_fills, f.maker_notional, f.taker_notional, f.unknown_notional, f.maker_fees, f.taker_fees, f.unknown_fees, f.valued_fees
          FROM spans q
          CROSS JOIN LATERAL summed_fills(q.account_id, q.span_from, q.span_until, known, live, q.zone, q.roll_over, of_strategy,
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
    rolled_fill_days(text[], timestamptz, timestamptz, timestamptz, boolean),
    sums_of_fills(text[], timestamptz, timestamptz, timestamptz, boolean, text, text),
    fill_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, text) TO ai_trader_app, ai_trader_service;
