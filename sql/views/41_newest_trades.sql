-- The newest closed trades that match, however long ago, and what is told of each of them.

-- The symbols of an account's trades that hold a text, whatever the case; null where these are more than 20, or
-- more than 2,000 had to be looked at. One look at an index for each symbol.
DROP FUNCTION IF EXISTS symbols_traded(text, text);
CREATE FUNCTION symbols_traded(for_account text, of_symbol text) RETURNS text[] LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    found text[] := '{}';
    last text := '';
BEGIN
    FOR looks IN 1 .. 2000 LOOP
        SELECT t.symbol INTO last FROM trades t WHERE t.account_id = for_account AND t.symbol > last ORDER BY t.symbol LIMIT 1;
        IF last IS NULL THEN
            RETURN found;
        END IF;
        IF strpos(lower(last), lower(of_symbol)) > 0 THEN
            found := found || last;
        END IF;
        EXIT WHEN cardinality(found) > 20;
    END LOOP;
    RETURN NULL;
END
$$;

-- The stretches of a window (start < exit_time <= until) that have all trades of an account that match, newest first: months
-- and days of which the sums tell that there are any, of a month with few its days, and what the sums do not tell of.
DROP FUNCTION IF EXISTS stretches_with_trades(text, timestamptz, timestamptz, timestamptz, boolean, text, text, text, text, text, text, tag_then);
CREATE FUNCTION stretches_with_trades(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean, of_part text,
                                      of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (after timestamptz, up_to timestamptz)
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT r.*
          FROM rolled_days('trade', ARRAY[for_account], start, until, known, live, true, false) r
    ), months AS MATERIALIZED (
        SELECT m.day AS first_day, (m.day + interval '1 month')::date AS next_day, sum(m.trades) AS trades
          FROM asked q
          CROSS JOIN LATERAL matching_sums(q.account_id, 'month', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) m
         WHERE q.rolled AND m.day = ANY (q.months)
         GROUP BY m.day
    ), days AS (
        SELECT m.first_day, m.next_day FROM months m WHERE m.trades > 20
        UNION
        SELECT d.day, d.day + 1
          FROM months m
          CROSS JOIN LATERAL matching_sums(for_account, 'day', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) d
         WHERE m.trades <= 20 AND d.day >= m.first_day AND d.day < m.next_day
        UNION
        SELECT d.day, d.day + 1
          FROM asked q
          CROSS JOIN LATERAL matching_sums(q.account_id, 'day', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) d
         WHERE q.rolled AND d.day = ANY (q.single_days)
    )
    SELECT s.after, s.up_to
      FROM (SELECT u.after, u.up_to
              FROM asked q
              CROSS JOIN LATERAL unsummed_stretches(start, until, q.rolled, q.first_day, q.last_day, q.stale, q.zone, q.roll_over) u
            UNION ALL
            SELECT trading_day_start(d.first_day, q.zone, q.roll_over) - interval '1 microsecond',
                   trading_day_start(d.next_day, q.zone, q.roll_over) - interval '1 microsecond'
              FROM asked q
              CROSS JOIN days d) s
     ORDER BY s.up_to DESC;
END
$$;

-- The newest trades of an account that match (start < exit_time <= until), at least `most` of them where there are as many, in no
-- order; of equal exits in that of source and id. What nothing matches is not looked at, as far as the sums by day tell, and a few
-- symbols are looked up one by one: so the cost depends on neither the length of the window nor how rare it is what matches. What is
-- off would read all of a stretch: how few are wanted is not known when it is planned, once a connection.
DROP FUNCTION IF EXISTS newest_trades(text, timestamptz, timestamptz, timestamptz, boolean, bigint, text, text, text, text, text, tag_then);
CREATE FUNCTION newest_trades(for_account text, start timestamptz, until timestamptz, known timestamptz, live boolean, most bigint, of_strategy text,
                              of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS SETOF trades
LANGUAGE plpgsql STABLE ROWS 100 SET enable_sort = off SET enable_bitmapscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    filters integer := num_nonnulls(of_strategy, of_symbol, of_segment, of_exit_type, of_side, (of_tag).tag);
    symbols text[] := CASE WHEN of_symbol IS NOT NULL THEN symbols_traded(for_account, of_symbol) END;
    of_part text := CASE WHEN filters = (symbols IS NOT NULL)::integer THEN NULL
                         WHEN (of_tag).tag IS NOT NULL THEN part_of_trades(ARRAY[for_account], known, NULL, NULL, NULL, NULL, NULL, of_tag)
                         ELSE part_of_trades(ARRAY[for_account], known, NULL, of_symbol, of_segment, of_exit_type, of_side, NULL) END;
    stretch record;
    wanted text;
    got bigint;
    missing bigint := most;
BEGIN
    FOR stretch IN
        SELECT start AS after, until AS up_to WHERE of_part IS NULL
        UNION ALL
        SELECT s.after, s.up_to
          FROM stretches_with_trades(for_account, start, until, known, live, of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) s
         WHERE of_part IS NOT NULL
    LOOP
        EXIT WHEN missing <= 0;
        IF symbols IS NULL THEN
            RETURN QUERY
            SELECT m.*
              FROM matching_trades(for_account, stretch.after, stretch.up_to, known, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) m
             ORDER BY m.exit_time DESC, m.source, m.source_id
             LIMIT missing;
            GET DIAGNOSTICS got = ROW_COUNT;
            missing := missing - got;
            CONTINUE;
        END IF;
        most := missing;
        FOREACH wanted IN ARRAY symbols LOOP
            RETURN QUERY
            SELECT m.*
              FROM matching_trades(for_account, stretch.after, stretch.up_to, known, of_strategy, NULL, of_segment, of_exit_type, of_side, of_tag) m
             WHERE m.symbol = wanted
             ORDER BY m.exit_time DESC, m.source, m.source_id
             LIMIT most;
            GET DIAGNOSTICS got = ROW_COUNT;
            missing := missing - got;
        END LOOP;
    END LOOP;
END
$$;

-- The stop that a trade's position had, and its multiplier: of the newest version at the exit that has one.
CREATE OR REPLACE FUNCTION initial_stop(for_account text, for_position text, until timestamptz, known timestamptz)
RETURNS TABLE (stop numeric, multiplier numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT h.initial_stop, h.multiplier
      FROM positions_history h
     WHERE h.account_id = for_account AND h.position_id = for_position AND h.at <= until AND h.changed_at <= known
       AND (h.superseded_at IS NULL OR h.superseded_at > known) AND h.initial_stop IS NOT NULL
     ORDER BY h.at DESC, h.changed_at DESC, h.sequence DESC
     LIMIT 1
$$;

-- The newest `most` matching trades of each currency, newest last, with the money at risk when they were entered:
-- |entry − initial stop| · quantity · multiplier, in account currency; null without a stop.
DROP FUNCTION IF EXISTS recent_trades(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS recent_trades(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then);
CREATE FUNCTION recent_trades(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, most integer,
                              of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (currency text, place bigint, exit_time timestamptz, pnl numeric, risk numeric)
LANGUAGE sql STABLE ROWS 1000 AS $$
    WITH newest AS (
        SELECT a.currency, t.*,
               row_number() OVER (PARTITION BY a.currency ORDER BY t.exit_time DESC, t.account_id, t.source, t.source_id) AS place
          FROM accounts_at(for_accounts, until, known, live) a
          CROSS JOIN LATERAL (
                SELECT m.account_id, m.source, m.source_id, m.position_id, m.exit_time::timestamptz, m.realized_pnl::numeric AS pnl,
                       m.entry_price::numeric, m.quantity::numeric, m.fx_rate
                  FROM newest_trades(a.account_id, start, until, known, live, most, of_strategy,
                                     of_symbol, of_segment, of_exit_type, of_side, of_tag) m
                 ORDER BY m.exit_time DESC, m.source, m.source_id
                 LIMIT most) t
    )
    SELECT n.currency, n.place, n.exit_time, n.pnl,
           nullif(abs(n.entry_price - s.stop) * n.quantity * s.multiplier * n.fx_rate, 0)
      FROM newest n
      LEFT JOIN LATERAL initial_stop(n.account_id, n.position_id, n.exit_time, known) s ON n.position_id IS NOT NULL
     WHERE n.place <= most
     ORDER BY n.currency, n.place DESC
$$;

-- The executions that opened and closed a trade, in the highest revision known. A fill is named by its own source's id:
-- where the two legs come from different sources, the trade's id begins with the first one's.
DROP FUNCTION IF EXISTS trade_fills(text, text, text, text, text, timestamptz);
CREATE FUNCTION trade_fills(for_account text, of_source text, of_source_id text, entry_fill text, exit_fill text, known timestamptz)
RETURNS TABLE (leg text, source text, source_id text, order_id text, at timestamptz, side text, quantity numeric, price numeric,
               multiplier numeric, fee numeric, liquidity text, decision_price numeric, arrival_mid numeric, symbol text)
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT l.leg, f.source, f.source_id, f.order_id, f.at, f.side, f.quantity, f.price, f.multiplier, f.fee, f.liquidity,
           f.decision_price, f.arrival_mid, f.symbol
      FROM (VALUES ('entry', CASE WHEN of_source_id LIKE '%:%:%'
                                  THEN replace(replace(split_part(of_source_id, ':', 1), '%3A', ':'), '%25', '%') ELSE of_source END, entry_fill),
                   ('exit', of_source, exit_fill)) AS l (leg, source, source_id)
      CROSS JOIN LATERAL (
            SELECT v.*
              FROM fills v
             WHERE v.account_id = for_account AND v.source = l.source AND v.source_id = l.source_id AND v.recorded_at <= known
             ORDER BY v.revision DESC
             LIMIT 1) f
     WHERE f.quantity > 0
$$;

-- What it cost to get the newest `most` matching trades of each account done, one row a trade, in account currency; positive
-- is paid. Slippage: side · (fill − arrival mid) · quantity of both legs, null unless the mid of both was recorded. Spread:
-- the half of it that a taker pays and a maker earns, of the newest book of the minute before each fill; null where a leg
-- has none. notional: of both legs, at their arrival mids.
DROP FUNCTION IF EXISTS trade_costs(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS trade_costs(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then);
CREATE FUNCTION trade_costs(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, most integer,
                            of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (currency text, id text, exit_time timestamptz, day date, symbol text, strategy text, fees numeric,
               slippage numeric, spread numeric, notional numeric)
LANGUAGE sql STABLE ROWS 1000 AS $$
    SELECT a.currency, t.account_id || '/' || t.source || '/' || t.source_id, t.exit_time,
           trading_date(t.exit_time, a.zone, a.roll_over), t.symbol, t.strategy, t.fees, c.slippage, c.spread, c.notional
      FROM accounts_at(for_accounts, until, known, live) a
      CROSS JOIN LATERAL (
            SELECT m.*
              FROM newest_trades(a.account_id, start, until, known, live, most, of_strategy,
                                 of_symbol, of_segment, of_exit_type, of_side, of_tag) m
             ORDER BY m.exit_time DESC, m.source, m.source_id
             LIMIT most) t
      CROSS JOIN LATERAL (
            SELECT CASE WHEN count(f.arrival_mid) = 2
                        THEN sum(CASE f.side WHEN 'buy' THEN 1 ELSE -1 END * (f.price - f.arrival_mid) * size.units) END AS slippage,
                   CASE WHEN count(book.half) = 2
                        THEN sum(CASE f.liquidity WHEN 'maker' THEN -1 ELSE 1 END * book.half * size.units) END AS spread,
                   CASE WHEN count(f.arrival_mid) = 2 THEN sum(f.arrival_mid * size.units) END AS notional
              FROM trade_fills(t.account_id, t.source, t.source_id, t.entry_fill, t.exit_fill, known) f
              CROSS JOIN LATERAL (SELECT t.quantity * f.multiplier * t.fx_rate AS units) size
              LEFT JOIN LATERAL (
                    SELECT (b.best_ask - b.best_bid) / 2 AS half
                      FROM market_snapshots b
                     WHERE b.source = a.source AND b.symbol = f.symbol AND b.at <= f.at AND b.at > f.at - interval '1 minute'
                       AND b.recorded_at <= known
                     ORDER BY b.at DESC, b.revision DESC
                     LIMIT 1) book ON true) c
$$;

GRANT EXECUTE ON FUNCTION symbols_traded(text, text),
    stretches_with_trades(text, timestamptz, timestamptz, timestamptz, boolean, text, text, text, text, text, text, tag_then),
    newest_trades(text, timestamptz, timestamptz, timestamptz, boolean, bigint, text, text, text, text, text, tag_then),
    initial_stop(text, text, timestamptz, timestamptz),
    recent_trades(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then),
    trade_fills(text, text, text, text, text, timestamptz),
    trade_costs(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then)
    TO ai_trader_app, ai_trader_service;
