-- Equity at the close of every trading day: how it is kept, and when it may stand for a look at the observations.

-- Minutes of some accounts that the roll-ups have not followed yet. In PL/pgSQL, so that it is planned once a connection; by
-- recorded_at alone, an account more would let the planner read all of it;
-- what is off, and the upper bound that says nothing, is as in stale_equity_minutes.
CREATE OR REPLACE FUNCTION unrolled_equity(for_accounts text[]) RETURNS TABLE (account_id text, minute timestamptz)
LANGUAGE plpgsql STABLE ROWS 10 SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    rolled timestamptz := (SELECT p.rolled_until FROM rollup_progress p WHERE p.fact = 'equity');
    always timestamptz := 'infinity';
BEGIN
    RETURN QUERY
    WITH unseen AS MATERIALIZED (
        SELECT t.account_id, t.at FROM trading_pnl t WHERE t.recorded_at > rolled AND t.recorded_at <= always
    )
    SELECT u.account_id::text, bucket_start('1 minute', u.at) FROM unseen u WHERE u.account_id = ANY (for_accounts)
    UNION
    SELECT d.key[1], d.bucket_at
      FROM dirty_buckets d
     WHERE d.fact = 'equity' AND d.width = 'minute' AND d.key[1] = ANY (for_accounts);
END
$$;

-- The closes in a stretch (after < at <= until) that are right by all that is known now: none where they were not kept
-- lately, and none of a day in which something was recorded since, nor of one between two such times of one UTC day.
CREATE OR REPLACE FUNCTION kept_closes(for_accounts text[], after timestamptz, until timestamptz, known timestamptz)
RETURNS SETOF equity_closes
LANGUAGE plpgsql STABLE ROWS 1000 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF widest_rollup('equity', interval '1 hour', known) IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH unrolled AS MATERIALIZED (
        -- One row a UTC day: after a long backfill there are millions of minutes.
        SELECT u.account_id, min(u.minute) AS first_at, max(u.minute) + interval '1 minute' AS end_at,
               max(u.minute) + interval '1 minute' + interval '3 days' AS closed_at
          FROM unrolled_equity(for_accounts) u
         GROUP BY u.account_id, date_trunc('day', u.minute, 'UTC')
    )
    SELECT c.*
      FROM equity_closes c
     WHERE c.account_id = ANY (for_accounts) AND c.at > after AND c.at <= until
       -- NOT IN, because that is looked up in a hash table however few the planner expects; neither is ever null. No trading
       -- day is longer than three days.
       AND (c.account_id::text, c.at) NOT IN (
            SELECT u.account_id, touched.at
              FROM unrolled u
              CROSS JOIN LATERAL (
                    SELECT k.at
                      FROM equity_closes k
                     WHERE k.account_id = u.account_id AND k.at >= u.first_at AND k.at < u.closed_at AND k.since < u.end_at
                    OFFSET 0) touched);  -- looked up by day, where a join would put every day with every close
END
$$;

-- Makes the closes of up to `most` days of an account that were over at `horizon`, oldest first, and looks up the extremes of
-- as many that have none; returns how many closes there were to make. An account
-- whose days were told apart by another zone or roll-over begins anew. Call it under the lock of rollup_progress.
CREATE OR REPLACE FUNCTION keep_closes(for_account text, most integer, horizon timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    own record;
    newest timestamptz := (SELECT max(c.at) FROM equity_closes c WHERE c.account_id = for_account);
    kept record;
    first_day date;
    first_at timestamptz := (SELECT t.at FROM trading_pnl t WHERE t.account_id = for_account ORDER BY t.at LIMIT 1);
    last_at timestamptz := (SELECT t.at FROM trading_pnl t WHERE t.account_id = for_account ORDER BY t.at DESC LIMIT 1);
    made bigint;
BEGIN
    SELECT a.zone, a.roll_over INTO own FROM accounts a WHERE a.account_id = for_account;
    IF first_at IS NULL OR own.zone IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM equity_closes c
     WHERE c.account_id = for_account
       AND NOT EXISTS (SELECT FROM equity_closes n
                        WHERE n.account_id = for_account AND n.at = newest
                          AND n.since = trading_day_start(trading_date(n.since, own.zone, own.roll_over), own.zone, own.roll_over)
                          AND n.at = trading_day_start(trading_date(n.since, own.zone, own.roll_over) + 1, own.zone, own.roll_over));
    SELECT count(*) AS days, min(c.since) AS since, trading_date(min(c.since), own.zone, own.roll_over) AS first_day,
           trading_date(max(c.since), own.zone, own.roll_over) AS last_day
      INTO kept
      FROM equity_closes c
     WHERE c.account_id = for_account;
    first_day := trading_date(first_at - interval '1 microsecond', own.zone, own.roll_over);
    IF first_at > kept.since AND kept.days = kept.last_day - kept.first_day + 1 THEN
        first_day := kept.last_day + 1;  -- none is missing before: of years, only the last is looked at
    END IF;
    INSERT INTO equity_closes (account_id, at, since, observed_at, equity)
    SELECT for_account, d.at, d.since, o.observed_at, o.equity
      FROM (SELECT ends.at, ends.since
              FROM generate_series(first_day::timestamp, trading_date(least(last_at, horizon), own.zone, own.roll_over)::timestamp, interval '1 day') AS day
              CROSS JOIN LATERAL (
                    SELECT trading_day_start(day::date, own.zone, own.roll_over) AS since,
                           trading_day_start(day::date + 1, own.zone, own.roll_over) AS at) ends
             WHERE ends.at < horizon
               AND NOT EXISTS (SELECT FROM equity_closes c WHERE c.account_id = for_account AND c.at = ends.at)
             ORDER BY ends.at
             LIMIT most) d
      CROSS JOIN LATERAL equity_between(for_account, d.since, d.at, 'infinity') o;
    GET DIAGNOSTICS made = ROW_COUNT;
    -- How far equity went, of days that are new, that something came into late, or that were kept before this was: by month,
    -- so that neighbours are looked up in one go. Not before hours may stand for the observations.
    IF widest_rollup('equity', interval '1 hour', 'infinity') IS NULL THEN
        RETURN made;
    END IF;
    UPDATE equity_closes c
       SET low = e.low, high = e.high
      FROM (SELECT array_agg(DISTINCT edge ORDER BY edge) AS moments
              FROM (SELECT k.since, k.at
                      FROM equity_closes k
                     WHERE k.account_id = for_account AND k.low IS NULL AND k.observed_at IS NOT NULL
                     ORDER BY k.at
                     LIMIT most) unknown
              CROSS JOIN LATERAL unnest(ARRAY[unknown.since, unknown.at]) AS edge
             GROUP BY date_trunc('month', unknown.since, 'UTC')) found
      CROSS JOIN LATERAL equity_extremes(for_account, found.moments, 'infinity') e
     WHERE c.account_id = for_account AND c.at = e.at AND c.low IS NULL AND c.observed_at IS NOT NULL;
    RETURN made;
END
$$;

GRANT EXECUTE ON FUNCTION unrolled_equity(text[]), kept_closes(text[], timestamptz, timestamptz, timestamptz) TO ai_trader_app, ai_trader_service;
GRANT EXECUTE ON FUNCTION keep_closes(text, integer, timestamptz) TO ai_trader_service;
