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
-- returns how many. See take_marked_days.
CREATE OR REPLACE FUNCTION roll_order_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
BEGIN
    SELECT t.* INTO own FROM take_marked_days('order', for_account, most) t;
    made := own.made;
    IF made IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM public.order_days d WHERE d.account_id = for_account AND d.width = 'day' AND d.day = ANY (made);
    INSERT INTO public.order_days (account_id, width, part, every_strategy, day, strategy, key, placed, rejected, symbols, first_at, last_at, ended, executed)
    SELECT for_account, 'day', s.part, s.every_strategy, s.day, s.strategy, s.key, s.placed, s.rejected, s.symbols, s.first_at, s.last_at,
           s.ended, s.executed
      FROM summed_orders(for_account, trading_day_start((SELECT min(day) FROM unnest(made) AS day), own.zone, own.roll_over) - interval '1 microsecond',
                         trading_day_start((SELECT max(day) + 1 FROM unnest(made) AS day), own.zone, own.roll_over) - interval '1 microsecond', 'infinity', true, own.zone,
                         own.roll_over, NULL, ARRAY['', 'symbol', 'side', 'hour', 'reason'], true, true) s
     WHERE s.day = ANY (made)
     ORDER BY s.part, s.every_strategy, s.day;
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

DROP FUNCTION IF EXISTS rolled_order_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean);

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
          FROM rolled_days('order', for_accounts, start, until, known, live, known >= '9999-01-01 00:00Z' AND (live OR NOT of_orders)
                                                                              AND coalesce(length(of_strategy) < 200, true), false) r
    ), spans AS MATERIALIZED (
        SELECT q.account_id, q.currency, q.zone, q.roll_over, s.after, s.up_to
          FROM asked q
          CROSS JOIN LATERAL unsummed_stretches(start, until, q.rolled, q.first_day, q.last_day, q.stale, q.zone, q.roll_over) s
    )
    SELECT q.currency, o.key, o.placed, o.rejected, o.symbols, o.first_at, o.last_at, o.ended, o.executed
      FROM spans q
      CROSS JOIN LATERAL summed_orders(q.account_id, q.after, q.up_to, known, live, q.zone, q.roll_over, of_strategy, ARRAY[by_part],
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
    pieces_of_orders(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean),
    order_pieces(text[], timestamptz, timestamptz, timestamptz, boolean, text, text, boolean, boolean) TO ai_trader_app, ai_trader_service;
