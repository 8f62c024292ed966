-- Closed trades summed up by trading day: how the sums are made, and which days of a window they may stand for.

-- Makes the days that are marked, oldest first, of the first `most` days of an account in which something is marked;
-- returns how many. An account whose days were told apart by another zone or roll-over begins anew. In this order nothing is
-- lost: what commits after the marks were taken leaves marks of its own. Two at once do the work one after the other.
CREATE OR REPLACE FUNCTION roll_trade_days(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    made date[];
BEGIN
    SELECT a.zone, a.roll_over INTO own FROM public.accounts a WHERE a.account_id = for_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    ELSIF NOT EXISTS (SELECT FROM public.trade_days_progress p
                       WHERE p.account_id = for_account AND p.zone = own.zone AND p.roll_over = own.roll_over) THEN
        DELETE FROM public.trade_days d WHERE d.account_id = for_account;
        DELETE FROM public.trade_marks m WHERE m.account_id = for_account;
        INSERT INTO public.trade_marks (account_id, first_at, last_at)
        SELECT for_account, day, day + interval '1 day'
          FROM (SELECT min(t.exit_time)::timestamptz AS first_at, max(t.exit_time)::timestamptz AS last_at
                  FROM public.trades t WHERE t.account_id = for_account) ends
          CROSS JOIN LATERAL generate_series(ends.first_at, ends.last_at, interval '1 day') AS day;
        INSERT INTO public.trade_days_progress (account_id, zone, roll_over) VALUES (for_account, own.zone, own.roll_over)
            ON CONFLICT (account_id) DO UPDATE SET zone = excluded.zone, roll_over = excluded.roll_over;
    END IF;
    WITH taken AS (
        DELETE FROM public.trade_marks m
         WHERE m.account_id = for_account
           AND m.first_at < (SELECT min(o.first_at) FROM public.trade_marks o WHERE o.account_id = for_account) + most * interval '1 day'
        RETURNING m.first_at, m.last_at
    )
    SELECT array_agg(DISTINCT marked::date) INTO made
      FROM taken
      CROSS JOIN LATERAL generate_series(trading_date(taken.first_at, own.zone, own.roll_over),
                                         trading_date(taken.last_at, own.zone, own.roll_over), interval '1 day') AS marked;
    IF made IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM public.trade_days d WHERE d.account_id = for_account AND d.width = 'day' AND d.day = ANY (made);
    INSERT INTO public.trade_days (account_id, width, part, day, strategy, key, trades, wins, losses, won, lost, gross, fees, best, worst, held, newest)
    SELECT for_account, 'day', k.part, d.day, t.strategy, k.key, count(*), count(*) FILTER (WHERE t.realized_pnl > 0),
           count(*) FILTER (WHERE t.realized_pnl < 0),
           coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl > 0), 0), coalesce(sum(t.realized_pnl) FILTER (WHERE t.realized_pnl < 0), 0),
           sum(t.gross_pnl), sum(t.fees), max(t.realized_pnl), min(t.realized_pnl), sum(t.exit_time - t.entry_time), max(t.exit_time)
      FROM (SELECT min(day) AS first_day, max(day) AS last_day FROM unnest(made) AS day) ends
      CROSS JOIN LATERAL closed_trades(for_account, trading_day_start(ends.first_day, own.zone, own.roll_over),
                                       trading_day_start(ends.last_day + 1, own.zone, own.roll_over) - interval '1 microsecond', 'infinity') t
      CROSS JOIN LATERAL (SELECT trading_date(t.exit_time, own.zone, own.roll_over) AS day) d
      CROSS JOIN LATERAL (VALUES ('', NULL), ('symbol', t.symbol), ('exit_type', t.exit_type),
                                 ('side', CASE t.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END), ('model', t.model),
                                 ('segment', t.segment), ('hour', to_char(t.exit_time AT TIME ZONE own.zone, 'HH24'))) AS k (part, key)
     WHERE d.day = ANY (made)
     GROUP BY k.part, d.day, t.strategy, k.key;
    DELETE FROM public.trade_days d
     WHERE d.account_id = for_account AND d.width = 'month' AND d.day IN (SELECT date_trunc('month', day)::date FROM unnest(made) AS day);
    INSERT INTO public.trade_days (account_id, width, part, day, strategy, key, trades, wins, losses, won, lost, gross, fees, best, worst, held, newest)
    SELECT for_account, 'month', d.part, months.first_day, d.strategy, d.key, sum(d.trades), sum(d.wins), sum(d.losses), sum(d.won), sum(d.lost),
           sum(d.gross), sum(d.fees), max(d.best), min(d.worst), sum(d.held), max(d.newest)
      FROM (SELECT DISTINCT date_trunc('month', day)::date AS first_day FROM unnest(made) AS day) months
      JOIN public.trade_days d ON d.account_id = for_account AND d.width = 'day'
                              AND d.day >= months.first_day AND d.day < (months.first_day + interval '1 month')::date
     GROUP BY d.part, months.first_day, d.strategy, d.key;
    RETURN cardinality(made);
END
$$;

-- Which parts of a window (start < exit_time <= until) the sums stand for, one row an account: whole months, and days in a
-- range without those that changed since (`stale`); the trades of all else are to be asked themselves. `rolled` is false
-- where the sums can say nothing: before the account was summed up, by another zone, for what was known at a past moment
-- (`usable` is false), and where so many days changed that it is no use. `by_day`: months are of no use either.
DROP FUNCTION IF EXISTS rolled_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean, boolean);
CREATE FUNCTION rolled_days(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, usable boolean, by_day boolean)
RETURNS TABLE (account_id text, currency text, zone text, roll_over interval, rolled boolean, first_day date, last_day date,
               stale date[], months date[], single_days date[])
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT a.account_id, a.currency, a.zone, a.roll_over, r.rolled, ends.first_day, ends.last_day, coalesce(s.stale, '{}'), m.months, d.days
      FROM accounts_at(for_accounts, until, known, live) a
      CROSS JOIN LATERAL (
            SELECT trading_date(start, a.zone, a.roll_over) + 1 AS first_day, trading_date(until, a.zone, a.roll_over) - 1 AS last_day) ends
      LEFT JOIN LATERAL (
            SELECT array_agg(DISTINCT day::date) AS stale
              FROM trade_marks m
              CROSS JOIN LATERAL generate_series(trading_date(m.first_at, a.zone, a.roll_over),
                                                 trading_date(m.last_at, a.zone, a.roll_over), interval '1 day') AS day
             WHERE usable AND m.account_id = a.account_id AND day >= ends.first_day AND day <= ends.last_day) s ON true
      CROSS JOIN LATERAL (
            SELECT usable AND ends.first_day <= ends.last_day AND coalesce(cardinality(s.stale), 0) <= 20
                   AND EXISTS (SELECT FROM trade_days_progress p
                                WHERE p.account_id = a.account_id AND p.zone = a.zone AND p.roll_over = a.roll_over) AS rolled) r
      LEFT JOIN LATERAL (
            SELECT greatest(ends.first_day, min(t.day)) AS first_day, least(ends.last_day, max(t.day)) AS last_day
              FROM trade_days t
             WHERE r.rolled AND NOT by_day AND t.account_id = a.account_id AND t.width = 'day' AND t.part = ''
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

GRANT EXECUTE ON FUNCTION roll_trade_days(text, integer) TO ai_trader_service;
GRANT EXECUTE ON FUNCTION rolled_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean, boolean) TO ai_trader_app, ai_trader_service;
