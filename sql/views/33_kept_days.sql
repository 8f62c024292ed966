-- What trades, fills and orders add up to is kept by trading day: what is alike in all three. `of_what` is trade, fill or order,
-- which their tables begin with: X_days has the sums, X_marks in which stretches something changed since they were made, and
-- X_days_progress for which accounts they are made at all, and by which settings of these.

CREATE OR REPLACE VIEW day_marks WITH (security_invoker = true) AS
    SELECT 'trade' AS of_what, m.account_id, m.first_at, m.last_at FROM trade_marks m
    UNION ALL
    SELECT 'fill', m.account_id, m.first_at, m.last_at FROM fill_marks m
    UNION ALL
    SELECT 'order', m.account_id, m.first_at, m.last_at FROM order_marks m;
COMMENT ON VIEW day_marks IS 'Stretches of time in which something changed since its day was summed up.';

-- Source and currency are told only where the sums depend on them.
CREATE OR REPLACE VIEW days_progress WITH (security_invoker = true) AS
    SELECT 'trade' AS of_what, p.account_id, p.zone, p.roll_over, NULL AS source, NULL AS currency FROM trade_days_progress p
    UNION ALL
    SELECT 'fill', p.account_id, p.zone, p.roll_over, p.source, p.currency FROM fill_days_progress p
    UNION ALL
    SELECT 'order', p.account_id, p.zone, p.roll_over, NULL, NULL FROM order_days_progress p;
COMMENT ON VIEW days_progress IS 'Accounts that are summed up by day, and the settings of theirs by which they are.';

-- Without conditions, so that an index gives the first and the last of them.
CREATE OR REPLACE VIEW summed_days WITH (security_invoker = true) AS
    SELECT 'trade' AS of_what, d.account_id, d.width, d.part, true AS every_strategy, d.day FROM trade_days d
    UNION ALL
    SELECT 'fill', d.account_id, d.width, d.part, d.every_strategy, d.day FROM fill_days d
    UNION ALL
    SELECT 'order', d.account_id, d.width, d.part, d.every_strategy, d.day FROM order_days d;
COMMENT ON VIEW summed_days IS 'Which days and months there are sums of; the first and last day is told by those of all together.';

-- The first and the last moment at which an account has something to be summed up; nulls where it has nothing.
CREATE OR REPLACE FUNCTION ends_to_sum_up(of_what text, for_account text, OUT first_at timestamptz, OUT last_at timestamptz) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF of_what = 'trade' THEN
        SELECT min(t.exit_time), max(t.exit_time) INTO first_at, last_at FROM public.trades t WHERE t.account_id = for_account;
    ELSIF of_what = 'fill' THEN
        SELECT min(f.at), max(f.at) INTO first_at, last_at FROM public.fills f WHERE f.account_id = for_account;
    ELSE
        SELECT least(e.first_at, o.first_at), greatest(e.last_at, o.last_at) INTO first_at, last_at
          FROM (SELECT min(s.at) AS first_at, max(s.at) AS last_at FROM public.order_events s WHERE s.account_id = for_account) e,
               (SELECT min(s.at) AS first_at, max(s.at) AS last_at FROM public.orders s WHERE s.account_id = for_account) o;
    END IF;
END
$$;

-- Takes the marks of the first `most` days of an account in which something is marked; returns the days to be made anew, null where
-- there are none, and by which settings. An account whose days were told apart by other settings begins anew. In this order nothing
-- is lost: what commits after the marks were taken leaves marks of its own. Two at once do the work one after the other.
CREATE OR REPLACE FUNCTION take_marked_days(of_what text, for_account text, most integer, OUT made date[], OUT zone text, OUT roll_over interval)
LANGUAGE plpgsql AS $$
DECLARE
    own public.accounts;
    settings jsonb;
    known boolean;
BEGIN
    SELECT a.* INTO own FROM public.accounts a WHERE a.account_id = for_account FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    zone := own.zone;
    roll_over := own.roll_over;
    settings := to_jsonb(own) || '{"grouped": true}';  -- what these functions make; of trades alone it is noted
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I p WHERE p.account_id = $1 AND $2 @> to_jsonb(p))', of_what || '_days_progress')
       INTO known USING for_account, settings;
    IF NOT known THEN
        EXECUTE format('DELETE FROM public.%I d WHERE d.account_id = $1', of_what || '_days') USING for_account;
        EXECUTE format('DELETE FROM public.%I m WHERE m.account_id = $1', of_what || '_marks') USING for_account;
        EXECUTE format('DELETE FROM public.%I p WHERE p.account_id = $1', of_what || '_days_progress') USING for_account;
        EXECUTE format('INSERT INTO public.%I (account_id, first_at, last_at)
                        SELECT $1, day, day + interval ''1 day''
                          FROM ends_to_sum_up($2, $1) ends
                          CROSS JOIN LATERAL generate_series(ends.first_at, ends.last_at, interval ''1 day'') AS day', of_what || '_marks')
          USING for_account, of_what;
        EXECUTE format('INSERT INTO public.%1$I SELECT p.* FROM jsonb_populate_record(NULL::public.%1$I, $1) p', of_what || '_days_progress')
          USING settings;
    END IF;
    EXECUTE format('WITH taken AS (
                        DELETE FROM public.%1$I m
                         WHERE m.account_id = $1
                           AND m.first_at < (SELECT min(o.first_at) FROM public.%1$I o WHERE o.account_id = $1) + $2 * interval ''1 day''
                        RETURNING m.first_at, m.last_at)
                    SELECT array_agg(DISTINCT marked::date)
                      FROM taken
                      CROSS JOIN LATERAL generate_series(trading_date(taken.first_at, $3, $4), trading_date(taken.last_at, $3, $4),
                                                         interval ''1 day'') AS marked', of_what || '_marks')
       INTO made USING for_account, most, zone, roll_over;
END
$$;

-- Which parts of a window (start < at <= until) the sums stand for, one row an account: whole months, and days in a
-- range without those that changed since (`stale`); all else is to be asked of the facts themselves. `rolled` is false
-- where the sums can say nothing: before the account was summed up, by other settings, for what was known at a past moment
-- (`usable` is false), and where so many days changed that it is no use. `by_day`: months are of no use either.
DROP FUNCTION IF EXISTS rolled_days(text[], timestamptz, timestamptz, timestamptz, boolean, boolean, boolean);
DROP FUNCTION IF EXISTS rolled_days(text, text[], timestamptz, timestamptz, timestamptz, boolean, boolean, boolean);
CREATE FUNCTION rolled_days(for_what text, for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, usable boolean,
                            by_day boolean)
RETURNS TABLE (account_id text, currency text, zone text, roll_over interval, rolled boolean, first_day date, last_day date,
               stale date[], months date[], single_days date[])
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT a.account_id, a.currency, a.zone, a.roll_over, r.rolled, ends.first_day, ends.last_day, coalesce(s.stale, '{}'), m.months, d.days
      FROM accounts_at(for_accounts, until, known, live) a
      CROSS JOIN LATERAL (
            SELECT trading_date(start, a.zone, a.roll_over) + 1 AS first_day, trading_date(until, a.zone, a.roll_over) - 1 AS last_day) ends
      LEFT JOIN LATERAL (
            SELECT array_agg(DISTINCT day::date) AS stale
              FROM day_marks m
              CROSS JOIN LATERAL generate_series(trading_date(m.first_at, a.zone, a.roll_over),
                                                 trading_date(m.last_at, a.zone, a.roll_over), interval '1 day') AS day
             WHERE usable AND m.of_what = for_what AND m.account_id = a.account_id AND day >= ends.first_day AND day <= ends.last_day) s ON true
      CROSS JOIN LATERAL (
            SELECT usable AND ends.first_day <= ends.last_day AND coalesce(cardinality(s.stale), 0) <= 20
                   AND EXISTS (SELECT FROM days_progress p
                                WHERE p.of_what = for_what AND p.account_id = a.account_id AND p.zone = a.zone AND p.roll_over = a.roll_over
                                  AND coalesce(p.source = a.source AND p.currency = a.currency, p.source IS NULL)) AS rolled) r
      LEFT JOIN LATERAL (
            SELECT greatest(ends.first_day, f.day) AS first_day, least(ends.last_day, l.day) AS last_day
              FROM (SELECT t.day
                      FROM summed_days t
                     WHERE r.rolled AND NOT by_day AND t.of_what = for_what AND t.account_id = a.account_id AND t.width = 'day' AND t.part = ''
                       AND t.every_strategy
                     ORDER BY t.day
                     LIMIT 1) f
              CROSS JOIN (
                    SELECT t.day
                      FROM summed_days t
                     WHERE r.rolled AND NOT by_day AND t.of_what = for_what AND t.account_id = a.account_id AND t.width = 'day' AND t.part = ''
                       AND t.every_strategy
                     ORDER BY t.day DESC
                     LIMIT 1) l) found ON true
      CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(month::date) FILTER (WHERE k.whole), '{}') AS months, coalesce(array_agg(month::date) FILTER (WHERE NOT k.whole), '{}') AS others
              FROM generate_series(date_trunc('month', found.first_day::timestamp), found.last_day::timestamp, interval '1 month') AS month
              CROSS JOIN LATERAL (
                    SELECT month::date >= ends.first_day AND (month + interval '1 month')::date - 1 <= ends.last_day
                           AND NOT EXISTS (SELECT FROM unnest(s.stale) AS changed WHERE date_trunc('month', changed::timestamp) = month) AS whole) k) m
      CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(day::date), '{}') AS days
              FROM unnest(m.others) AS other
              CROSS JOIN LATERAL generate_series(greatest(other, found.first_day)::timestamp,
                                                 least(other + interval '1 month' - interval '1 day', found.last_day::timestamp), interval '1 day') AS day
             WHERE day::date <> ALL (coalesce(s.stale, '{}'))) d
$$;

-- The stretches (after < at <= up_to) of a window that its sums do not stand for, by what rolled_days tells of an account.
DROP FUNCTION IF EXISTS unsummed_stretches(timestamptz, timestamptz, boolean, date, date, date[], text, interval);
CREATE FUNCTION unsummed_stretches(start timestamptz, until timestamptz, rolled boolean, first_day date, last_day date, stale date[], of_zone text,
                                   of_roll_over interval)
RETURNS TABLE (after timestamptz, up_to timestamptz)
LANGUAGE sql STABLE ROWS 3 AS $$
    SELECT start, until WHERE NOT rolled
    UNION ALL
    SELECT start, trading_day_start(first_day, of_zone, of_roll_over) - interval '1 microsecond' WHERE rolled
    UNION ALL
    SELECT trading_day_start(last_day + 1, of_zone, of_roll_over) - interval '1 microsecond', until WHERE rolled
    UNION ALL
    SELECT trading_day_start(changed, of_zone, of_roll_over) - interval '1 microsecond',
           trading_day_start(changed + 1, of_zone, of_roll_over) - interval '1 microsecond'
      FROM unnest(stale) AS changed WHERE rolled
$$;

GRANT SELECT ON day_marks, days_progress, summed_days TO ai_trader_app, ai_trader_service;
GRANT EXECUTE ON FUNCTION ends_to_sum_up(text, text), take_marked_days(text, text, integer) TO ai_trader_service;
GRANT EXECUTE ON FUNCTION rolled_days(text, text[], timestamptz, timestamptz, timestamptz, boolean, boolean, boolean),
    unsummed_stretches(timestamptz, timestamptz, boolean, date, date, date[], text, interval) TO ai_trader_app, ai_trader_service;
