-- Orders, their steps and their executions as of a moment and with the knowledge of another, and the mids around them.

-- Fills with start < at <= until in force: the highest revision known, busts left out. `worth` is what a price of 1 makes of
-- it in account currency (quantity · multiplier · rate of its time), without a sign; null where no rate is known. `market` is
-- the source of the account's prices; an arrival mid of 0 is none, as a bot without one may write it. A revision above
-- another is above 0, which keeps the look for one short.
DROP FUNCTION IF EXISTS executions(text[], timestamptz, timestamptz, timestamptz, boolean, text);
CREATE FUNCTION executions(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text)
RETURNS TABLE (account_id text, currency text, zone text, market text, source text, source_id text, at timestamptz, order_id text,
               symbol text, side text, sign integer, strategy text, quantity numeric, price numeric, fee numeric, liquidity text,
               arrival_mid numeric, worth numeric)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT a.account_id, a.currency, a.zone, a.source, f.source, f.source_id, f.at::timestamptz, f.order_id,
           f.symbol, f.side, CASE f.side WHEN 'buy' THEN 1 ELSE -1 END, f.strategy, f.quantity::numeric, f.price::numeric,
           f.fee::numeric, f.liquidity, CASE WHEN f.arrival_mid > 0 THEN f.arrival_mid::numeric END,
           f.quantity * f.multiplier
           * CASE WHEN i.currency IS NULL OR i.currency = a.currency THEN 1
                  ELSE fx_rate_at(a.source, i.currency, a.currency, f.at, known) END
      FROM accounts_at(for_accounts, until, known, live) a
      JOIN fills f ON f.account_id = a.account_id
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = f.symbol
     WHERE f.at > start AND f.at <= until AND f.recorded_at <= known AND f.quantity > 0
       AND (of_strategy IS NULL OR f.strategy = of_strategy)
       AND NOT EXISTS (SELECT FROM fills newer
                        WHERE newer.account_id = f.account_id AND newer.source = f.source AND newer.source_id = f.source_id
                          AND newer.revision > f.revision AND newer.revision > 0 AND newer.recorded_at <= known)
$$;

-- The newest executions of a window (start < at <= until) in force, at most so many: the same as executions() tells of them.
-- Each account gives as many as may be needed of it, from the newest backwards, so the length of the window costs nothing.
DROP FUNCTION IF EXISTS newest_executions(text[], timestamptz, timestamptz, timestamptz, boolean, text, integer);
CREATE FUNCTION newest_executions(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean,
                                  of_strategy text, most integer)
RETURNS TABLE (account_id text, currency text, zone text, market text, at timestamptz, symbol text, side text, sign integer,
               strategy text, price numeric, liquidity text, worth numeric)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT n.account_id, n.currency, n.zone, n.market, n.at, n.symbol, n.side, CASE n.side WHEN 'buy' THEN 1 ELSE -1 END,
           n.strategy, n.price, n.liquidity,
           n.size * CASE WHEN i.currency IS NULL OR i.currency = n.currency THEN 1
                         ELSE fx_rate_at(n.market, i.currency, n.currency, n.at, known) END
      FROM (SELECT a.account_id, a.currency, a.zone, a.source AS market, f.at::timestamptz, f.symbol, f.side, f.strategy,
                   f.price::numeric, f.liquidity, f.quantity * f.multiplier AS size
              FROM accounts_at(for_accounts, until, known, live) a
              CROSS JOIN LATERAL (
                    SELECT e.*
                      FROM fills e
                     WHERE e.account_id = a.account_id AND e.at > start AND e.at <= until AND e.recorded_at <= known AND e.quantity > 0
                       AND (of_strategy IS NULL OR e.strategy = of_strategy)
                       AND NOT EXISTS (SELECT FROM fills newer
                                        WHERE newer.account_id = e.account_id AND newer.source = e.source AND newer.source_id = e.source_id
                                          AND newer.revision > e.revision AND newer.revision > 0 AND newer.recorded_at <= known)
                     ORDER BY e.at DESC, e.source, e.source_id DESC
                     LIMIT most) f
             ORDER BY f.at DESC, a.account_id, f.source, f.source_id DESC
             LIMIT most) n
      LEFT JOIN instruments i ON i.source = n.market AND i.symbol = n.symbol
$$;

-- The steps of orders with start < at <= until in force.
DROP FUNCTION IF EXISTS known_order_events(text, timestamptz, timestamptz, timestamptz, text);
CREATE FUNCTION known_order_events(for_account text, start timestamptz, until timestamptz, known timestamptz, of_strategy text)
RETURNS SETOF order_events
LANGUAGE sql STABLE AS $$
    SELECT e.*
      FROM order_events e
     WHERE e.account_id = for_account AND e.at > start AND e.at <= until AND e.recorded_at <= known
       AND (of_strategy IS NULL OR e.strategy = of_strategy)
       AND NOT EXISTS (SELECT FROM order_events newer
                        WHERE newer.account_id = e.account_id AND newer.source = e.source AND newer.source_id = e.source_id
                          AND newer.revision > e.revision AND newer.revision > 0 AND newer.recorded_at <= known)
$$;

-- The largest of 1, 2, 5, 10, 20, 50, … that is not above an amount, as text; 0 below 1.
CREATE OR REPLACE FUNCTION size_band(amount numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN amount < 1 THEN '0'
                ELSE rpad(CASE WHEN left(d.digits, 1) >= '5' THEN '5' WHEN left(d.digits, 1) >= '2' THEN '2' ELSE '1' END,
                          length(d.digits), '0') END
      FROM (SELECT trunc(amount)::text AS digits) d
     WHERE amount IS NOT NULL
$$;

-- What an execution or an order is counted under.
CREATE OR REPLACE FUNCTION execution_part(part text, symbol text, strategy text, account_id text, side text, liquidity text,
                                          at timestamptz, zone text, notional numeric) RETURNS text LANGUAGE sql STABLE
    RETURN CASE part
        WHEN 'symbol' THEN symbol
        WHEN 'strategy' THEN strategy
        WHEN 'account' THEN account_id
        WHEN 'side' THEN side
        WHEN 'liquidity' THEN liquidity
        WHEN 'hour' THEN to_char(at AT TIME ZONE zone, 'HH24')
        WHEN 'size' THEN size_band(notional)
    END;

-- The first mid at or after a moment, and the last at or before one, each corrected as far as it was known, within limits.
CREATE OR REPLACE FUNCTION mid_after(for_source text, for_symbol text, from_moment timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, mid numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT seen.at, corrected.mid
      FROM (SELECT m.at::timestamptz
              FROM market_snapshots m
             WHERE m.source = for_source AND m.symbol = for_symbol AND m.at >= from_moment AND m.at <= until AND m.recorded_at <= known
             ORDER BY m.at
             LIMIT 1) seen
      CROSS JOIN LATERAL (
            SELECT n.mid::numeric
              FROM market_snapshots n
             WHERE n.source = for_source AND n.symbol = for_symbol AND n.at = seen.at AND n.recorded_at <= known
             ORDER BY n.revision DESC
             LIMIT 1) corrected
$$;
CREATE OR REPLACE FUNCTION mid_before(for_source text, for_symbol text, from_moment timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, mid numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT m.at::timestamptz, m.mid::numeric
      FROM market_snapshots m
     WHERE m.source = for_source AND m.symbol = for_symbol AND m.at >= from_moment AND m.at <= until AND m.recorded_at <= known
     ORDER BY m.at DESC, m.revision DESC
     LIMIT 1
$$;

-- The version of an order that was in force at a moment: the newest at or before it that was known; none where the order was
-- not there yet, or was deleted again. A deletion keeps the last version's time, so it counts from when it was made.
DROP FUNCTION IF EXISTS order_version(text, text, timestamptz, timestamptz);
CREATE FUNCTION order_version(for_account text, for_order text, until timestamptz, known timestamptz)
RETURNS SETOF orders_history
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT v.*
      FROM (SELECT h.*
              FROM orders_history h
             WHERE h.account_id = for_account AND h.order_id = for_order AND h.at <= until AND h.changed_at <= known
               AND (h.operation <> 'delete' OR h.changed_at <= until)
             ORDER BY h.at DESC, h.changed_at DESC
             LIMIT 1) v
     WHERE v.operation <> 'delete'
$$;

-- Orders placed with start < placed_at <= until, in the state of that moment; deleted ones until they were deleted.
DROP FUNCTION IF EXISTS placed_orders(text, timestamptz, timestamptz, timestamptz, boolean);
CREATE FUNCTION placed_orders(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, order_id text, symbol text, side text, order_type text, status text, quantity numeric,
               filled_quantity numeric, price numeric, stop_price numeric, average_fill_price numeric, placed_at timestamptz,
               strategy text, model text, reason text, at timestamptz)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT o.account_id, o.order_id, o.symbol, o.side, o.order_type, o.status, o.quantity, o.filled_quantity, o.price,
           o.stop_price, o.average_fill_price, o.placed_at, o.strategy, o.model, o.reason, o.at
      FROM orders o
     WHERE live AND o.account_id = for_account AND o.placed_at > start AND o.placed_at <= until
    UNION ALL
    SELECT v.account_id, v.order_id, v.symbol, v.side, v.order_type, v.status, v.quantity, v.filled_quantity, v.price,
           v.stop_price, v.average_fill_price, v.placed_at, v.strategy, v.model, v.reason, v.at
      FROM orders o
      CROSS JOIN LATERAL order_version(o.account_id, o.order_id, until, known) v
     WHERE NOT live AND o.account_id = for_account AND o.placed_at > start AND o.placed_at <= until
    UNION ALL
    SELECT v.account_id, v.order_id, v.symbol, v.side, v.order_type, v.status, v.quantity, v.filled_quantity, v.price,
           v.stop_price, v.average_fill_price, v.placed_at, v.strategy, v.model, v.reason, v.at
      FROM (SELECT DISTINCT d.account_id, d.order_id
              FROM orders_history d
             WHERE NOT live AND d.account_id = for_account AND d.operation = 'delete' AND d.placed_at > start AND d.placed_at <= until
               AND NOT EXISTS (SELECT FROM orders again WHERE again.account_id = d.account_id AND again.order_id = d.order_id)) gone
      CROSS JOIN LATERAL order_version(gone.account_id, gone.order_id, until, known) v
$$;

-- Orders that may still fill. Which may have been open at a past moment: those open now, those that ended later or whose
-- end was learned later, and those that were deleted.
DROP FUNCTION IF EXISTS open_orders(text, timestamptz, timestamptz, boolean);
CREATE FUNCTION open_orders(for_account text, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, order_id text, symbol text, side text, order_type text, status text, quantity numeric,
               filled_quantity numeric, price numeric, stop_price numeric, average_fill_price numeric, placed_at timestamptz,
               strategy text, model text, reason text, at timestamptz)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT o.account_id, o.order_id, o.symbol, o.side, o.order_type, o.status, o.quantity, o.filled_quantity, o.price,
           o.stop_price, o.average_fill_price, o.placed_at, o.strategy, o.model, o.reason, o.at
      FROM orders o
     WHERE live AND o.account_id = for_account AND o.status IN ('placed', 'accepted', 'partially_filled')
    UNION ALL
    SELECT v.account_id, v.order_id, v.symbol, v.side, v.order_type, v.status, v.quantity, v.filled_quantity, v.price,
           v.stop_price, v.average_fill_price, v.placed_at, v.strategy, v.model, v.reason, v.at
      FROM (SELECT o.account_id, o.order_id
              FROM orders o
             WHERE NOT live AND o.account_id = for_account AND o.status IN ('placed', 'accepted', 'partially_filled') AND o.placed_at <= until
            UNION
            SELECT o.account_id, o.order_id
              FROM orders o
             WHERE NOT live AND o.account_id = for_account AND o.status IN ('filled', 'cancelled', 'rejected', 'expired')
               AND o.at > until AND o.placed_at <= until
            UNION
            SELECT o.account_id, o.order_id
              FROM orders o
             WHERE NOT live AND o.account_id = for_account AND o.status IN ('filled', 'cancelled', 'rejected', 'expired')
               AND o.recorded_at > known AND o.placed_at <= until
            UNION
            SELECT d.account_id, d.order_id
              FROM orders_history d
             WHERE NOT live AND d.account_id = for_account AND d.operation = 'delete' AND d.placed_at <= until
               AND (d.changed_at > until OR d.changed_at > known)) o
      CROSS JOIN LATERAL order_version(o.account_id, o.order_id, until, known) v
     WHERE v.status IN ('placed', 'accepted', 'partially_filled')
$$;

-- Orders that ended with start < at <= until: filled, cancelled, rejected or expired, in the state of the moment `until`.
DROP FUNCTION IF EXISTS ended_orders(text, timestamptz, timestamptz, timestamptz, boolean);
CREATE FUNCTION ended_orders(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, order_id text, symbol text, side text, status text, quantity numeric, filled_quantity numeric,
               decision_price numeric, arrival_mid numeric, strategy text, placed_at timestamptz, at timestamptz)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT o.account_id, o.order_id, o.symbol, o.side, o.status, o.quantity, o.filled_quantity, o.decision_price, o.arrival_mid,
           o.strategy, o.placed_at, o.at
      FROM orders o
     WHERE live AND o.account_id = for_account AND o.status IN ('filled', 'cancelled', 'rejected', 'expired') AND o.at > start AND o.at <= until
    UNION ALL
    SELECT h.account_id, h.order_id, h.symbol, h.side, h.status, h.quantity, h.filled_quantity, h.decision_price, h.arrival_mid,
           h.strategy, h.placed_at, h.at
      FROM (SELECT DISTINCT e.account_id, e.order_id
              FROM orders_history e
             WHERE NOT live AND e.account_id = for_account AND e.status IN ('filled', 'cancelled', 'rejected', 'expired')
               AND e.at > start AND e.at <= until AND e.changed_at <= known) ended
      CROSS JOIN LATERAL order_version(ended.account_id, ended.order_id, until, known) h
     WHERE h.status IN ('filled', 'cancelled', 'rejected', 'expired') AND h.at > start
$$;

-- The newest of them, at most so many, from the newest backwards, so the length of the window costs nothing. Of a past moment
-- they are the versions that were in force then.
DROP FUNCTION IF EXISTS newest_ended_orders(text, timestamptz, timestamptz, timestamptz, boolean, text, boolean, integer);
CREATE FUNCTION newest_ended_orders(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean, of_strategy text,
                                    unfilled_too boolean, most integer)
RETURNS TABLE (account_id text, order_id text, symbol text, side text, status text, quantity numeric, filled_quantity numeric,
               decision_price numeric, arrival_mid numeric, strategy text, placed_at timestamptz, at timestamptz)
LANGUAGE sql STABLE ROWS 1000 AS $$
    (SELECT o.account_id, o.order_id, o.symbol, o.side, o.status, o.quantity, o.filled_quantity, o.decision_price, o.arrival_mid,
            o.strategy, o.placed_at, o.at
       FROM orders o
      WHERE live AND o.account_id = for_account AND o.status IN ('filled', 'cancelled', 'rejected', 'expired') AND o.at > start AND o.at <= until
        AND (of_strategy IS NULL OR o.strategy = of_strategy) AND (unfilled_too OR o.filled_quantity > 0)
      ORDER BY o.at DESC, o.order_id
      LIMIT most)
    UNION ALL
    (SELECT v.account_id, v.order_id, v.symbol, v.side, v.status, v.quantity, v.filled_quantity, v.decision_price, v.arrival_mid,
            v.strategy, v.placed_at, v.at
       FROM orders_history e
       CROSS JOIN LATERAL order_version(e.account_id, e.order_id, until, known) v
      WHERE NOT live AND e.account_id = for_account AND e.status IN ('filled', 'cancelled', 'rejected', 'expired')
        AND e.at > start AND e.at <= until AND e.changed_at <= known
        AND v.at = e.at AND v.changed_at = e.changed_at AND v.status IN ('filled', 'cancelled', 'rejected', 'expired')
        AND (of_strategy IS NULL OR v.strategy = of_strategy) AND (unfilled_too OR v.filled_quantity > 0)
      ORDER BY e.at DESC, e.order_id
      LIMIT most)
$$;

GRANT EXECUTE ON FUNCTION executions(text[], timestamptz, timestamptz, timestamptz, boolean, text),
    newest_executions(text[], timestamptz, timestamptz, timestamptz, boolean, text, integer),
    known_order_events(text, timestamptz, timestamptz, timestamptz, text), size_band(numeric),
    execution_part(text, text, text, text, text, text, timestamptz, text, numeric),
    mid_after(text, text, timestamptz, timestamptz, timestamptz), mid_before(text, text, timestamptz, timestamptz, timestamptz),
    order_version(text, text, timestamptz, timestamptz), placed_orders(text, timestamptz, timestamptz, timestamptz, boolean),
    open_orders(text, timestamptz, timestamptz, boolean),
    ended_orders(text, timestamptz, timestamptz, timestamptz, boolean),
    newest_ended_orders(text, timestamptz, timestamptz, timestamptz, boolean, text, boolean, integer) TO ai_trader_app, ai_trader_service;
