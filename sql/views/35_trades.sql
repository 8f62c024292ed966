-- Closed trades: which ones are asked for, and what do they add up to?

-- What somebody wrote about a trade, in the version of a moment; no row where nobody had: then what the bot said counts.
CREATE OR REPLACE FUNCTION trade_note(for_account text, of_source text, of_source_id text, until timestamptz, known timestamptz)
RETURNS SETOF trade_notes
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT n.*
      FROM trade_notes n
     WHERE n.account_id = for_account AND n.source = of_source AND n.source_id = of_source_id
       AND n.at <= until AND n.recorded_at <= known
     ORDER BY n.revision DESC
     LIMIT 1
$$;

-- Of one account, with start < exit_time <= until, that match everything that is given; null asks for nothing. A symbol
-- matches by any part of it, whatever the case; the side is long or short. That no tag is asked for is told by the tag itself:
-- `of_tag IS NULL` is not seen through by the planner, which then takes the newest for few and sorts all of years.
DROP FUNCTION IF EXISTS matching_trades(text, timestamptz, timestamptz, timestamptz, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS matching_trades(text, timestamptz, timestamptz, timestamptz, text, text, text, text, text, tag_then);
CREATE FUNCTION matching_trades(for_account text, start timestamptz, until timestamptz, known timestamptz, of_strategy text,
                                of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS SETOF trades
LANGUAGE sql STABLE AS $$
    SELECT t.*
      FROM closed_trades(for_account, start, until, known) t
     WHERE t.exit_time > start
       AND (of_strategy IS NULL OR t.strategy = of_strategy)
       AND (of_symbol IS NULL OR strpos(lower(t.symbol), lower(of_symbol)) > 0)
       AND (of_segment IS NULL OR t.segment = of_segment)
       AND (of_exit_type IS NULL OR t.exit_type = of_exit_type)
       AND (of_side IS NULL OR t.transaction_type = CASE of_side WHEN 'long' THEN 'BUY' ELSE 'SELL' END)
       AND ((of_tag).tag IS NULL OR (of_tag).tag = ANY (
                coalesce((SELECT n.tags FROM trade_note(t.account_id, t.source, t.source_id, (of_tag).moment, known) n), t.tags)))
$$;

-- The regime that the account's bot was in at a moment: the word of its newest heartbeat until then.
CREATE OR REPLACE FUNCTION regime_at(for_account text, until timestamptz, known timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT h.regime
      FROM bot_heartbeats h
     WHERE h.account_id = for_account AND h.at <= until AND h.recorded_at <= known
     ORDER BY h.at DESC, h.revision DESC
     LIMIT 1
$$;

-- What matching trades add up to, one row an account, trading day (null unless asked for: `daily`) and key. The key is
-- what `by_part` names: symbol, strategy, exit_type, side, model, regime (when it was entered), segment, account, weekday, month
-- and hour (of the exit, on the account's clock; ISO weekday and YYYY-MM of the trading day), else null. P&L belongs to the day of
-- the exit.
DROP FUNCTION IF EXISTS sums_of_trades(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS sums_of_trades(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then);
CREATE FUNCTION sums_of_trades(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, by_part text, daily boolean,
                           of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (account_id text, currency text, day date, key text, trades bigint, wins bigint, losses bigint, won numeric, lost numeric,
               gross numeric, fees numeric, best numeric, worst numeric, held interval, newest timestamptz)
LANGUAGE sql STABLE ROWS 100 AS $$
    -- Materialized, because row-level security lets no index use a moment that is still an expression.
    -- The sums know one thing in common at a time: what trades are parted by, or one filter beside the strategy.
    WITH common AS MATERIALIZED (
        SELECT coalesce(k.by_key, k.filtered, '') AS part, k.filtered IS NOT NULL AS filtered,
               known >= '9999-01-01 00:00Z' AND by_part IS DISTINCT FROM 'regime' AND (of_tag).tag IS NULL
               AND num_nonnulls(of_symbol, of_segment, of_exit_type, of_side) <= 1
               AND coalesce(k.by_key = k.filtered, true) AS usable
          FROM (SELECT CASE WHEN by_part IN ('symbol', 'exit_type', 'side', 'model', 'segment', 'hour') THEN by_part END AS by_key,
                       CASE WHEN of_symbol IS NOT NULL THEN 'symbol' WHEN of_segment IS NOT NULL THEN 'segment'
                            WHEN of_exit_type IS NOT NULL THEN 'exit_type' WHEN of_side IS NOT NULL THEN 'side' END AS filtered) k
    ), asked AS MATERIALIZED (
        SELECT r.*, c.part, c.filtered
          FROM common c
          CROSS JOIN LATERAL rolled_days(for_accounts, start, until, known, live, c.usable,
                                         daily OR coalesce(by_part = 'weekday', false)) r
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
    ), pieces AS (
        SELECT q.account_id, q.currency, k.day, k.key, count(*) AS trades, count(*) FILTER (WHERE t.realized_pnl > 0) AS wins,
               count(*) FILTER (WHERE t.realized_pnl < 0) AS losses,
               coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl > 0), 0) AS won,
               coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl < 0), 0) AS lost,
               sum(t.gross_pnl) AS gross, sum(t.fees) AS fees, max(t.realized_pnl) AS best, min(t.realized_pnl) AS worst,
               sum(t.exit_time - t.entry_time) AS held, max(t.exit_time) AS newest
          FROM spans q
          CROSS JOIN LATERAL matching_trades(q.account_id, q.span_from, q.span_until, known, of_strategy,
                                             of_symbol, of_segment, of_exit_type, of_side, of_tag) t
          CROSS JOIN LATERAL (
                SELECT CASE WHEN daily THEN trading_date(t.exit_time, q.zone, q.roll_over) END AS day,
                       CASE by_part
                            WHEN 'symbol' THEN t.symbol
                            WHEN 'strategy' THEN t.strategy
                            WHEN 'exit_type' THEN t.exit_type
                            WHEN 'side' THEN CASE t.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END
                            WHEN 'model' THEN t.model
                            WHEN 'regime' THEN regime_at(t.account_id, t.entry_time, known)
                            WHEN 'segment' THEN t.segment
                            WHEN 'account' THEN t.account_id::text
                            WHEN 'weekday' THEN extract(isodow FROM trading_date(t.exit_time, q.zone, q.roll_over))::text
                            WHEN 'month' THEN to_char(trading_date(t.exit_time, q.zone, q.roll_over), 'YYYY-MM')
                            WHEN 'hour' THEN to_char(t.exit_time AT TIME ZONE q.zone, 'HH24')
                       END AS key) k
         GROUP BY q.account_id, q.currency, k.day, k.key
        UNION ALL
        SELECT q.account_id, q.currency, CASE WHEN daily THEN d.day END,
               CASE WHEN by_part = 'strategy' THEN d.strategy WHEN by_part = 'account' THEN q.account_id
                    WHEN by_part = 'weekday' THEN extract(isodow FROM d.day)::text
                    WHEN by_part = 'month' THEN to_char(d.day, 'YYYY-MM') WHEN by_part IS NOT NULL THEN d.key END,
               d.trades, d.wins, d.losses, d.won, d.lost, d.gross, d.fees, d.best, d.worst, d.held, d.newest
          FROM asked q
          CROSS JOIN LATERAL (
                SELECT r.*
                  FROM trade_days r
                 WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'month' AND r.part = q.part AND r.day = ANY (q.months)
                UNION ALL
                SELECT r.*
                  FROM trade_days r
                 WHERE q.rolled AND r.account_id = q.account_id AND r.width = 'day' AND r.part = q.part AND r.day = ANY (q.single_days)
                UNION ALL
                SELECT r.*
                  FROM trade_days r
                 WHERE q.rolled AND (daily OR by_part = 'weekday') AND r.account_id = q.account_id AND r.width = 'day' AND r.part = q.part
                   AND r.day >= q.first_day AND r.day <= q.last_day AND r.day <> ALL (q.stale)) d
         WHERE (of_strategy IS NULL OR d.strategy = of_strategy)
           AND (NOT q.filtered OR d.key = coalesce(of_segment, of_exit_type, of_side) OR strpos(lower(d.key), lower(of_symbol)) > 0)
    )
    SELECT p.account_id, p.currency, p.day, p.key, sum(p.trades)::bigint, sum(p.wins)::bigint, sum(p.losses)::bigint, sum(p.won), sum(p.lost),
           sum(p.gross), sum(p.fees), max(p.best), min(p.worst), sum(p.held), max(p.newest)
      FROM pieces p
     GROUP BY p.account_id, p.currency, p.day, p.key
$$;

-- The same. Planning it takes longer than answering it from the sums by day, so that is planned once a connection; where
-- the trades themselves are asked, planning it for what is asked is worth the while.
DROP FUNCTION IF EXISTS trade_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS trade_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then);
CREATE FUNCTION trade_sums(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, by_part text, daily boolean,
                           of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (account_id text, currency text, day date, key text, trades bigint, wins bigint, losses bigint, won numeric, lost numeric,
               gross numeric, fees numeric, best numeric, worst numeric, held interval, newest timestamptz)
LANGUAGE plpgsql STABLE ROWS 100 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    IF known >= '9999-01-01 00:00Z' AND (of_tag).tag IS NULL AND by_part IS DISTINCT FROM 'regime'
       AND num_nonnulls(of_symbol, of_segment, of_exit_type, of_side) <= (by_part IS NULL)::integer
       AND EXISTS (SELECT FROM trade_days_progress p WHERE p.account_id = ANY (for_accounts)) THEN
        RETURN QUERY
        SELECT s.* FROM sums_of_trades(for_accounts, start, until, known, live, by_part, daily,
                                       of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) s;
    ELSE
        RETURN QUERY EXECUTE 'SELECT s.* FROM sums_of_trades($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) s'
            USING for_accounts, start, until, known, live, by_part, daily, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag;
    END IF;
END
$$;

-- The same with the accounts of a currency put together.
DROP FUNCTION IF EXISTS trade_totals(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS trade_totals(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then);
CREATE FUNCTION trade_totals(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, by_part text, daily boolean,
                             of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (currency text, day date, key text, trades bigint, wins bigint, losses bigint, won numeric, lost numeric,
               gross numeric, fees numeric, best numeric, worst numeric, hold_seconds double precision, newest timestamptz)
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT s.currency, s.day, s.key, sum(s.trades)::bigint, sum(s.wins)::bigint, sum(s.losses)::bigint, sum(s.won), sum(s.lost),
           sum(s.gross), sum(s.fees), max(s.best), min(s.worst), extract(epoch FROM sum(s.held))::double precision, max(s.newest)
      FROM trade_sums(for_accounts, start, until, known, live, by_part, daily,
                      of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) s
     GROUP BY s.currency, s.day, s.key
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
                  FROM matching_trades(a.account_id, start, until, known, of_strategy,
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
              FROM matching_trades(a.account_id, start, until, known, of_strategy,
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

GRANT EXECUTE ON FUNCTION trade_note(text, text, text, timestamptz, timestamptz),
    matching_trades(text, timestamptz, timestamptz, timestamptz, text, text, text, text, text, tag_then),
    regime_at(text, timestamptz, timestamptz),
    sums_of_trades(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then),
    trade_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then),
    trade_totals(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then),
    initial_stop(text, text, timestamptz, timestamptz),
    recent_trades(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then),
    trade_fills(text, text, text, text, text, timestamptz),
    trade_costs(text[], timestamptz, timestamptz, timestamptz, boolean, integer, text, text, text, text, text, tag_then)
    TO ai_trader_app, ai_trader_service;
