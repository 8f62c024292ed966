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

-- Which part of trade_days tells of trades that match filters, parted by something; null where none does. A part knows one thing in
-- common, a group four of them at once. The sums are of what is known now, and of tags as they are after the last note. In PL/pgSQL,
-- because it is asked where nothing else has to be planned.
DROP FUNCTION IF EXISTS part_of_trades(text, text, text, text, text, tag_then);
DROP FUNCTION IF EXISTS sums_tell_of(text[], timestamptz, tag_then);
DROP FUNCTION IF EXISTS part_of_trades(text[], timestamptz, text, text, text, text, text, tag_then);
CREATE FUNCTION part_of_trades(for_accounts text[], known timestamptz, by_part text, of_symbol text, of_segment text, of_exit_type text, of_side text,
                               of_tag tag_then) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked text[] := array_remove(ARRAY[CASE WHEN of_symbol IS NOT NULL THEN 'symbol' END, CASE WHEN of_segment IS NOT NULL THEN 'segment' END,
                                       CASE WHEN of_exit_type IS NOT NULL THEN 'exit_type' END, CASE WHEN of_side IS NOT NULL THEN 'side' END], NULL);
BEGIN
    IF known < '9999-01-01 00:00Z' OR by_part = 'regime' THEN
        RETURN NULL;
    ELSIF (of_tag).tag IS NOT NULL THEN
        RETURN CASE WHEN asked = '{}' AND coalesce(by_part NOT IN ('symbol', 'segment', 'exit_type', 'side', 'model', 'hour'), true)
                         AND NOT EXISTS (SELECT FROM trade_notes n WHERE n.account_id = ANY (for_accounts) AND n.at > (of_tag).moment) THEN 'tag' END;
    ELSIF by_part IN ('model', 'hour') THEN
        RETURN CASE WHEN asked = '{}' THEN by_part END;
    ELSIF by_part IN ('symbol', 'segment', 'exit_type', 'side') AND by_part <> ALL (asked) THEN
        asked := asked || by_part;
    END IF;
    RETURN CASE cardinality(asked) WHEN 0 THEN '' WHEN 1 THEN asked[1] ELSE 'group' END;
END
$$;

-- The sums by day or month, of the part that part_of_trades names, of trades that match; of the part tag whatever else is asked.
DROP FUNCTION IF EXISTS matching_sums(text, text, text, text, text, text, text, text, tag_then);
CREATE FUNCTION matching_sums(for_account text, of_width text, of_part text, of_strategy text, of_symbol text, of_segment text,
                              of_exit_type text, of_side text, of_tag tag_then)
RETURNS SETOF trade_days
LANGUAGE sql STABLE AS $$
    SELECT d.*
      FROM trade_days d
     WHERE d.account_id = for_account AND d.width = of_width AND d.part = of_part
       AND (of_strategy IS NULL OR d.strategy = of_strategy)
       AND CASE WHEN of_part = 'tag' THEN d.key = (of_tag).tag
                ELSE (of_symbol IS NULL OR strpos(lower(CASE of_part WHEN 'group' THEN d.symbol ELSE d.key END), lower(of_symbol)) > 0)
                     AND (of_segment IS NULL OR CASE of_part WHEN 'group' THEN d.segment ELSE d.key END = of_segment)
                     AND (of_exit_type IS NULL OR CASE of_part WHEN 'group' THEN d.exit_type ELSE d.key END = of_exit_type)
                     AND (of_side IS NULL OR CASE of_part WHEN 'group' THEN d.side ELSE d.key END = of_side) END
$$;

-- The regime that the account's bot was in at a moment: the word of its newest heartbeat until then.
CREATE OR REPLACE FUNCTION regime_at(for_account text, until timestamptz, known timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT h.regime
      FROM bot_heartbeats h
     WHERE h.account_id = for_account AND h.at <= until AND h.recorded_at <= known
     ORDER BY h.at DESC, h.revision DESC
     LIMIT 1
$$;

-- What matching trades add up to, as far as `of_part` of the sums by day tells (null: not at all), one row an account, trading day
-- (null unless asked for: `daily`) and key. The key is
-- what `by_part` names: symbol, strategy, exit_type, side, model, regime (when it was entered), segment, account, weekday, month
-- and hour (of the exit, on the account's clock; ISO weekday and YYYY-MM of the trading day), else null. P&L belongs to the day of
-- the exit.
DROP FUNCTION IF EXISTS sums_of_trades(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, text);
DROP FUNCTION IF EXISTS sums_of_trades(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then);
DROP FUNCTION IF EXISTS sums_of_trades(text, text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then);
CREATE FUNCTION sums_of_trades(of_part text, for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, by_part text,
                               daily boolean, of_strategy text, of_symbol text, of_segment text, of_exit_type text, of_side text, of_tag tag_then)
RETURNS TABLE (account_id text, currency text, day date, key text, trades bigint, wins bigint, losses bigint, won numeric, lost numeric,
               gross numeric, fees numeric, best numeric, worst numeric, held interval, newest timestamptz)
LANGUAGE sql STABLE ROWS 100 AS $$
    -- Materialized, because row-level security lets no index use a moment that is still an expression.
    WITH asked AS MATERIALIZED (
        SELECT r.*
          FROM rolled_days('trade', for_accounts, start, until, known, live, of_part IS NOT NULL, daily OR coalesce(by_part = 'weekday', false)) r
    ), spans AS MATERIALIZED (
        SELECT q.account_id, q.currency, q.zone, q.roll_over, s.after, s.up_to
          FROM asked q
          CROSS JOIN LATERAL unsummed_stretches(start, until, q.rolled, q.first_day, q.last_day, q.stale, q.zone, q.roll_over) s
    ), pieces AS (
        SELECT q.account_id, q.currency, k.day, k.key, count(*) AS trades, count(*) FILTER (WHERE t.realized_pnl > 0) AS wins,
               count(*) FILTER (WHERE t.realized_pnl < 0) AS losses,
               coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl > 0), 0) AS won,
               coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl < 0), 0) AS lost,
               sum(t.gross_pnl) AS gross, sum(t.fees) AS fees, max(t.realized_pnl) AS best, min(t.realized_pnl) AS worst,
               sum(t.exit_time - t.entry_time) AS held, max(t.exit_time) AS newest
          FROM spans q
          CROSS JOIN LATERAL matching_trades(q.account_id, q.after, q.up_to, known, of_strategy,
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
                    WHEN by_part = 'month' THEN to_char(d.day, 'YYYY-MM')
                    WHEN of_part = 'group' THEN CASE by_part WHEN 'symbol' THEN d.symbol WHEN 'segment' THEN d.segment
                                                            WHEN 'exit_type' THEN d.exit_type WHEN 'side' THEN d.side END
                    WHEN by_part IS NOT NULL THEN d.key END,
               d.trades, d.wins, d.losses, d.won, d.lost, d.gross, d.fees, d.best, d.worst, d.held, d.newest
          FROM asked q
          CROSS JOIN LATERAL (
                SELECT r.*
                  FROM matching_sums(q.account_id, 'month', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) r
                 WHERE q.rolled AND r.day = ANY (q.months)
                UNION ALL
                SELECT r.*
                  FROM matching_sums(q.account_id, 'day', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) r
                 WHERE q.rolled AND r.day = ANY (q.single_days)
                UNION ALL
                SELECT r.*
                  FROM matching_sums(q.account_id, 'day', of_part, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) r
                 WHERE q.rolled AND (daily OR by_part = 'weekday') AND r.day >= q.first_day AND r.day <= q.last_day AND r.day <> ALL (q.stale)) d
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
DECLARE
    of_part text := part_of_trades(for_accounts, known, by_part, of_symbol, of_segment, of_exit_type, of_side, of_tag);
BEGIN
    IF of_part IS NOT NULL AND EXISTS (SELECT FROM trade_days_progress p WHERE p.account_id = ANY (for_accounts)) THEN
        RETURN QUERY
        SELECT s.* FROM sums_of_trades(of_part, for_accounts, start, until, known, live, by_part, daily,
                                       of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag) s;
    ELSE
        RETURN QUERY EXECUTE 'SELECT s.* FROM sums_of_trades($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) s'
            USING of_part, for_accounts, start, until, known, live, by_part, daily, of_strategy, of_symbol, of_segment, of_exit_type, of_side, of_tag;
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

GRANT EXECUTE ON FUNCTION trade_note(text, text, text, timestamptz, timestamptz),
    matching_trades(text, timestamptz, timestamptz, timestamptz, text, text, text, text, text, tag_then),
    part_of_trades(text[], timestamptz, text, text, text, text, text, tag_then),
    matching_sums(text, text, text, text, text, text, text, text, tag_then), regime_at(text, timestamptz, timestamptz),
    sums_of_trades(text, text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then),
    trade_sums(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then),
    trade_totals(text[], timestamptz, timestamptz, timestamptz, boolean, text, boolean, text, text, text, text, text, tag_then)
    TO ai_trader_app, ai_trader_service;
