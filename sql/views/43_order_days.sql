-- Orders summed up by trading day: how the sums are made, and how a question about a window reads them and the orders.

-- What the orders of some spans (start < at <= until) add up to, one row a day, strategy and key: `placed` and `rejected` steps
-- where `of_steps`, ended orders where `of_orders`. `parts` names the ways to part them; each counts once for each. Names and
-- reasons are cut to 200 characters: an index holds no more than 2,700 bytes of both, and a venue may write pages.
DROP FUNCTION IF EXISTS summed_orders(text, timestamptz, timestamptz, timestamptz, boolean, text, interval, text, text[], boolean, boolean);
CREATE FUNCTION summed_orders(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean, of_zone text,
                              of_roll_over interval, of_strategy text, parts text[], of_steps boolean, of_orders boolean)
RETURNS TABLE (part text, every_strategy boolean, day date, strategy text, key text, placed bigint, rejected bigint, symbols text[],
               first_at timestamptz, last_at timestamptz, ended bigint, executed bigint)
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT k.part, grouping(v.strategy) = 1, v.day, v.strategy, k.key, count(*) FILTER (WHERE v.kind = 'placed'),
           count(*) FILTER (WHERE v.kind = 'rejected'), array_agg(DISTINCT v.symbol) FILTER (WHERE v.kind = 'rejected'),
           min(v.at) FILTER (WHERE v.kind = 'rejected'), max(v.at) FILTER (WHERE v.kind = 'rejected'),
           count(*) FILTER (WHERE v.kind IS NULL), count(*) FILTER (WHERE v.executed)
      FROM (SELECT e.kind, e.at::timestamptz, e.symbol, e.side, left(e.strategy, 200) AS strategy, e.reason, false AS executed,
                   trading_date(e.at, of_zone, of_roll_over) AS day
              FROM known_order_events(for_account, start, until, known, of_strategy) e
             WHERE of_steps AND e.kind IN ('placed', 'rejected')
            UNION ALL
            SELECT NULL, o.at, o.symbol, o.side, left(o.strategy, 200), NULL, o.filled_quantity > 0, trading_date(o.at, of_zone, of_roll_over)
              FROM ended_orders(for_account, start, until, known, live) o
             WHERE of_orders AND (of_strategy IS NULL OR o.strategy = of_strategy)) v
      CROSS JOIN unnest(parts) AS p (part)
      CROSS JOIN LATERAL (
            SELECT p.part, left(CASE p.part WHEN 'reason' THEN v.reason
                                            ELSE execution_part(p.part, v.symbol, v.strategy, for_account, v.side, NULL, v.at, of_zone, NULL)
                                END, 200) AS key
            OFFSET 0) k
     GROUP BY GROUPING SETS ((k.part, v.day, k.key), (k.part, v.day, v.strategy, k.key))
$$;

-- Makes the days that are marked, oldest first, of the first `most` days of an account in which something is marked;
-- returns how many. See roll_trade_days.
CREATE OR REPLACE FUNCTION roll_order_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
    first_day date;
    last_day date;
BEGIN
    SELECT a.zone, a.roll_over INTO own FROM public.accounts a WHERE a.account_id = for_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM public.order_days_progress p
                       WHERE p.account_id = for_account AND p.zone = own.zone AND p.roll_over = own.roll_over) THEN
        DELETE FROM public.order_days d WHERE d.account_id = for_account;
        DELETE FROM public.order_marks m WHERE m.account_id = for_account;
        INSERT INTO public.order_marks (account_id, first_at, last_at)
        SELECT for_account, day, day + interval '1 day'
          FROM (SELECT least((SELECT min(e.at) FROM public.order_events e WHERE e.account_id = for_account),
                             (SELECT min(o.at) FROM public.orders o WHERE o.account_id = for_account))::timestamptz AS first_at,
                       greatest((SELECT max(e.at) FROM public.order_events e WHERE e.account_id = for_account),
                                (SELECT max(o.at) FROM public.orders o WHERE o.account_id = for_account))::timestamptz AS last_at) ends
          CROSS JOIN LATERAL generate_series(ends.first_at, ends.last_at, interval '1 day') AS day;
        INSERT INTO public.order_days_progress (account_id, zone, roll_over) VALUES (for_account, own.zone, own.roll_over)
            ON CONFLICT (account_id) DO UPDATE SET zone = excluded.zone, roll_over = excluded.roll_over;
    END IF;
    WITH taken AS (
        DELETE FROM public.order_marks m
         WHERE m.account_id = for_account
           AND m.first_at < (SELECT min(o.first_at) FROM public.order_marks o WHERE o.account_id = for_account) + most * interval '1 day'
        RETURNING m.first_at, m.last_at
    )
    SELECT array_agg(DISTINCT marked::date), min(marked)::date, max(marked)::date INTO made, first_day, last_day
      FROM taken
      CROSS JOIN LATERAL generate_series(trading_date(taken.first_at, own.zone, own.roll_over),
                                         trading_date(taken.last_at, own.zone, own.roll_over), interval '1 day') AS marked;
    IF made IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM public.order_days d WHERE d.account_id = for_account AND d.width = 'day' AND d.day = ANY (made);
    INSERT INTO public.order_days (account_id, width, part, every_strategy, day, strategy, key, placed, rejected, symbols, first_at, last_at, ended, executed)
    SELECT for_account, 'day', s.part, s.every_strategy, s.day, s.strategy, s.key, s.placed, s.rejected, s.symbols, s.first_at, s.last_at,
           s.ended, s.executed
      FROM summed_orders(for_account, trading_day_start(first_day, own.zone, own.roll_over) - interval '1 microsecond',
                         trading_day_start(last_day + 1, own.zone, own.roll_over) - interval '1 microsecond', 'infinity', true, own.zone,
                         own.roll_over, NULL, ARRAY['', 'symbol', 'side', 'hour', 'reason'], true, true) s
     WHERE s.day = ANY (made);
    DELETE FROM public.order_days d
     WHERE d.account_id = for_account AND d.width = 'month' AND d.day IN (SELECT date_trunc('month', day)::date FROM unnest(made) AS day);
    INSERT INTO public.order_days (account_id, width, part, every_strategy, day, strategy, key, placed, rejected, symbols, first_at, last_at, ended, executed)
    SELECT for_account, 'month', m.part, m.every_strategy, m.first_day, m.strategy, m.key, sum(m.placed), sum(m.rejected),
           array_agg(DISTINCT m.symbol) FILTER (WHERE m.symbol IS NOT NULL), min(m.first_at), max(m.last_at), sum(m.ended), sum(m.executed)
      FROM (SELECT DISTINCT date_trunc('month', day)::date AS first_day FROM unnest(made) AS day) months
      CROSS JOIN LATERAL (
            SELECT months.first_day, d.part, d.every_strategy, d.strategy, d.key, c.*
              FROM public.order_days d
              CROSS JOIN LATERAL (
                    SELECT NULL AS symbol, d.placed, d.rejected, d.first_at, d.last_at, d.ended, d.executed
                    UNION ALL
                    SELECT symbol, 0, 0, NULL, NULL, 0, 0 FROM unnest(d.symbols) AS symbol) c
             WHERE d.account_id = for_account AND d.width = 'day'
               AND d.day >= months.first_day AND d.day < (months.first_day + interval '1 month')::date) m
     GROUP BY m.part, m.every_strategy, m.first_day, m.strategy, m.key;
    RETURN cardinality(made);
END
$$;

-- Which parts of a window (start < at <= until) the sums of orders stand for, one row an account. See rolled_days.
DROP FUNCTION IF EXISTS rolled_order_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean);
CREATE FUNCTION rolled_order_days(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, usable boolean)
RETURNS TABLE (account_id text, currency text, zone text, roll_over interval, rolled boolean, first_day date, last_day date,
               stale date[], months date[], single_days date[])
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT a.account_id, a.currency, a.zone, a.roll_over, r.rolled, ends.first_day, ends.last_day, coalesce(s.stale, '{}'), m.months, d.days
      FROM accounts_at(for_accounts, until, known, live) a
      CROSS JOIN LATERAL (
            SELECT trading_date(start, a.zone, a.roll_over) + 1 AS first_day, trading_date(until, a.zone, a.roll_over) - 1 AS last_day) ends
      LEFT JOIN LATERAL (
            SELECT array_agg(DISTINCT day::date) AS stale
              FROM order_marks m
              CROSS JOIN LATERAL generate_series(trading_date(m.first_at, a.zone, a.roll_over),
                                                 trading_date(m.last_at, a.zone, a.roll_over), interval '1 day') AS day
             WHERE usable AND m.account_id = a.account_id AND day >= ends.first_day AND day <= ends.last_day) s ON true
      CROSS JOIN LATERAL (
            SELECT usable AND ends.first_day <= ends.last_day AND coalesce(cardinality(s.stale), 0) <= 20
                   AND EXISTS (SELECT FROM order_days_progress p
                                WHERE p.account_id = a.account_id AND p.zone = a.zone AND p.roll_over = a.roll_over) AS rolled) r
      LEFT JOIN LATERAL (
            SELECT greatest(ends.first_day, min(t.day)) AS first_day, least(ends.last_day, max(t.day)) AS last_day
              FROM order_days t
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

-- What the orders of a window (start < at <= until) add up to, in pieces that are still to be added up, by currency and name.
-- The name is what `by_part` names: symbol, strategy, account, side, hour (on the account's clock) and reason, else null.
-- Whole months and days come from what is kept, all else from the orders: of a past moment all of what `of_orders` counts.
DROP FUNCTION IF EXISTS pieces_of_orders(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean);
CREATE FUNCTION pieces_of_orders(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text, by_part text,
                                 of_steps boolean, of_orders boolean)
RETURNS TABLE (currency text, name text, placed bigint, rejected bigint, symbols text[], first_at timestamptz, last_at timestamptz, ended bigint,
               executed bigint)
LANGUAGE sql STABLE ROWS 1000 AS $$
    -- Materialized, because row-level security lets no index use a moment that is still an expression.
    WITH asked AS MATERIALIZED (
        SELECT r.*, CASE WHEN by_part IN ('symbol', 'side', 'hour', 'reason') THEN by_part ELSE '' END AS part,
               of_strategy IS NULL AND by_part IS DISTINCT FROM 'strategy' AS every_strategy
          -- Of a strategy whose name was cut the sums do not tell.
          FROM rolled_order_days(for_accounts, start, until, known, live, known >= '9999-01-01 00:00Z' AND (live OR NOT of_orders)
                                                                          AND coalesce(length(of_strategy) < 200, true)) r
    ), spans AS MATERIALIZED (
        SELECT q.account_id, q.currency, q.zone, q.roll_over, s.span_from, s.span_until
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
    )
    SELECT q.currency, o.key, o.placed, o.rejected, o.symbols, o.first_at, o.last_at, o.ended, o.executed
      FROM spans q
      CROSS JOIN LATERAL summed_orders(q.account_id, q.span_from, q.span_until, known, live, q.zone, q.roll_over, of_strategy, ARRAY[by_part],
                                       of_steps, of_orders) o
     WHERE o.every_strategy
    UNION ALL
    SELECT q.currency, CASE by_part WHEN 'strategy' THEN d.strategy WHEN 'account' THEN q.account_id ELSE d.key END, d.placed, d.rejected,
           d.symbols, d.first_at, d.last_at, d.ended, d.executed
      FROM asked q
      CROSS JOIN LATERAL (
            SELECT r.*
              FROM order_days r
             WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'month' AND r.part = q.part AND r.every_strategy = q.every_strategy
               AND r.day = ANY (q.months)
            UNION ALL
            SELECT r.*
              FROM order_days r
             WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'day' AND r.part = q.part AND r.every_strategy = q.every_strategy
               AND r.day = ANY (q.single_days)) d
     WHERE of_strategy IS NULL OR d.strategy = of_strategy
$$;

-- The same. Planning it takes longer than answering it from the sums by day, so that is planned once a connection.
DROP FUNCTION IF EXISTS order_pieces(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean);
CREATE FUNCTION order_pieces(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text, by_part text,
                             of_steps boolean, of_orders boolean)
RETURNS TABLE (currency text, name text, placed bigint, rejected bigint, symbols text[], first_at timestamptz, last_at timestamptz, ended bigint,
               executed bigint)
LANGUAGE plpgsql STABLE ROWS 1000 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF known >= '9999-01-01 00:00Z' AND EXISTS (SELECT FROM order_days_progress p WHERE p.account_id = ANY (for_accounts)) THEN
        RETURN QUERY SELECT s.* FROM pieces_of_orders(for_accounts, start, until, known, live, of_strategy, by_part, of_steps, of_orders) s;
    ELSE
        RETURN QUERY EXECUTE 'SELECT s.* FROM pieces_of_orders($1, $2, $3, $4, $5, $6, $7, $8, $9) s'
            USING for_accounts, start, until, known, live, of_strategy, by_part, of_steps, of_orders;
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION roll_order_days(text, integer) TO ai_trader_service;
GRANT EXECUTE ON FUNCTION summed_orders(text, timestamptz, timestamptz, timestamptz, boolean, text, interval, text, text[], boolean, boolean),
    rolled_order_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean),
    pieces_of_orders(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean),
    order_pieces(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean) TO ai_trader_app, ai_trader_service;
