-- Closed trades summed up by trading day: how the sums are made.

-- Makes the days that are marked, oldest first, of the first `most` days of an account in which something is marked;
-- returns how many. See take_marked_days.
CREATE OR REPLACE FUNCTION roll_trade_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
BEGIN
    SELECT t.* INTO own FROM take_marked_days('trade', for_account, most) t;
    made := own.made;
    IF made IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM public.trade_days d WHERE d.account_id = for_account AND d.width = 'day' AND d.day = ANY (made);
    INSERT INTO public.trade_days (account_id, width, part, day, strategy, key, symbol, segment, exit_type, side, trades, wins, losses, won, lost, gross,
                                   fees, best, worst, held, newest)
    SELECT for_account, 'day', k.part, t.day, t.strategy, k.key, g.symbol, g.segment, g.exit_type, g.side, count(*),
           count(*) FILTER (WHERE t.realized_pnl > 0), count(*) FILTER (WHERE t.realized_pnl < 0),
           coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl > 0), 0), coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl < 0), 0),
           sum(t.gross_pnl), sum(t.fees), max(t.realized_pnl), min(t.realized_pnl), sum(t.exit_time - t.entry_time), max(t.exit_time)
      FROM (SELECT c.*, trading_date(c.exit_time, own.zone, own.roll_over) AS day,
                   CASE c.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END AS side
              FROM (SELECT min(day) AS first_day, max(day) AS last_day FROM unnest(made) AS day) ends
              CROSS JOIN LATERAL closed_trades(for_account, trading_day_start(ends.first_day, own.zone, own.roll_over),
                                               trading_day_start(ends.last_day + 1, own.zone, own.roll_over) - interval '1 microsecond', 'infinity') c
            ) t
      CROSS JOIN LATERAL (VALUES ('', NULL), ('symbol', t.symbol), ('exit_type', t.exit_type), ('side', t.side), ('model', t.model),
                                 ('segment', t.segment), ('hour', to_char(t.exit_time AT TIME ZONE own.zone, 'HH24')), ('group', NULL)
                          UNION ALL
                          SELECT DISTINCT 'tag', tag
                            FROM unnest(coalesce((SELECT n.tags FROM trade_note(t.account_id, t.source, t.source_id, 'infinity', 'infinity') n),
                                                 t.tags)) AS tag) AS k (part, key)
      LEFT JOIN LATERAL (SELECT t.symbol, t.segment, t.exit_type, t.side) g ON k.part = 'group'
     WHERE t.day = ANY (made)
     GROUP BY k.part, t.day, t.strategy, k.key, g.symbol, g.segment, g.exit_type, g.side
     ORDER BY k.part, t.day;  -- what is read together lies together
    DELETE FROM public.trade_days d
     WHERE d.account_id = for_account AND d.width = 'month' AND d.day IN (SELECT date_trunc('month', day)::date FROM unnest(made) AS day);
    INSERT INTO public.trade_days (account_id, width, part, day, strategy, key, symbol, segment, exit_type, side, trades, wins, losses, won, lost, gross,
                                   fees, best, worst, held, newest)
    SELECT for_account, 'month', d.part, months.first_day, d.strategy, d.key, d.symbol, d.segment, d.exit_type, d.side, sum(d.trades), sum(d.wins),
           sum(d.losses), sum(d.won), sum(d.lost), sum(d.gross), sum(d.fees), max(d.best), min(d.worst), sum(d.held), max(d.newest)
      FROM (SELECT DISTINCT date_trunc('month', day)::date AS first_day FROM unnest(made) AS day) months
      JOIN public.trade_days d ON d.account_id = for_account AND d.width = 'day'
                              AND d.day >= months.first_day AND d.day < (months.first_day + interval '1 month')::date
     GROUP BY d.part, months.first_day, d.strategy, d.key, d.symbol, d.segment, d.exit_type, d.side;
    RETURN cardinality(made);
END
$$;

GRANT EXECUTE ON FUNCTION roll_trade_days(text, integer) TO ai_trader_service;
