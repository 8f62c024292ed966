-- Where each account's part in a common curve begins, as told below: the equity it comes in with, when that was observed, and
-- whether it was there at its start already.
DROP FUNCTION IF EXISTS growth_entries(text[], timestamptz[], timestamptz, timestamptz);
CREATE FUNCTION growth_entries(for_accounts text[], starts timestamptz[], until timestamptz, known timestamptz)
RETURNS TABLE (account_id text, currency text, zone text, roll_over interval, observed_at timestamptz, entered_at timestamptz, equity numeric, held boolean)
LANGUAGE sql STABLE ROWS 3 AS $$
WITH asked AS (
    SELECT a.account_id::text, a.currency, a.zone, a.roll_over, wanted.start
      FROM unnest(for_accounts, starts) AS wanted (account_id, start)
      JOIN accounts a ON a.account_id = wanted.account_id
)
    SELECT asked.account_id, asked.currency, asked.zone, asked.roll_over, base.observed_at,
           greatest(base.observed_at, asked.start) AS entered_at,
           base.equity + coalesce((SELECT sum(f.amount) FROM external_flows(asked.account_id, base.observed_at, asked.start, known) f), 0) AS equity,
           base.observed_at <= asked.start AS held
      FROM asked
      CROSS JOIN LATERAL equity_base(asked.account_id, asked.start, until, known) base
     WHERE base.observed_at IS NOT NULL
$$;

-- The first observation of any of the accounts at or after a flow, unless one was made in the five minutes before it: so that
-- the flow is weighed in the same stretch of time, and growth is the same, whatever the other points are. In PL/pgSQL, so
-- that it is planned once a connection.
CREATE OR REPLACE FUNCTION observation_after(ids text[], entered timestamptz[], flow_at timestamptz, until timestamptz, known timestamptz)
RETURNS timestamptz LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    fresh_since timestamptz := flow_at - interval '5 minutes';
    first_at timestamptz;
    found_at timestamptz;
BEGIN
    FOR place IN 1 .. cardinality(ids) LOOP
        PERFORM FROM trading_pnl t
          WHERE t.account_id = ids[place] AND t.at >= fresh_since AND t.at < flow_at AND t.at >= entered[place] AND t.recorded_at <= known
          LIMIT 1;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END LOOP;
    FOR place IN 1 .. cardinality(ids) LOOP
        SELECT t.at INTO found_at FROM trading_pnl t
          WHERE t.account_id = ids[place] AND t.at >= flow_at AND t.at <= until AND t.at >= entered[place] AND t.recorded_at <= known
          ORDER BY t.at
          LIMIT 1;
        first_at := least(first_at, found_at);
    END LOOP;
    RETURN first_at;
END
$$;

-- How far the points of a curve lie apart: equity between them is not looked at. Of more than a week they are the closes of
-- days; else the least round time that makes no more buckets than asked for. Null without a span.
CREATE OR REPLACE FUNCTION curve_step(span interval, points integer) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN span > interval '7 days' THEN interval '1 day'
                ELSE (SELECT min(width) * interval '1 second'
                        FROM unnest('{1,2,5,10,15,30,60,120,300,600,900,1800,3600,7200,14400,43200,86400,604800}'::integer[]) AS width
                       WHERE width >= extract(epoch FROM span) / nullif(points, 0)) END
$$;

-- Equity, external flows and growth of accounts of one currency together: the one definition behind the equity curve,
-- drawdown, today's P&L and the P&L of every other period.
--
-- Each account takes part from its own start (for a day, its own trading day). Its part begins with the last observation
-- at or before that start, external flows since then added, or failing that with its first observation after it; an
-- account that comes in later than the first of its currency counts as an inflow, never as a gain. One that was there at its
-- start already, and whose start is later than another's, stands still until then: where days begin at different moments,
-- what is earned is set against all the money that the accounts began their days with.
-- Points: the beginning, one a bucket (spans up to a week) or the closes of trading days (longer ones), the moment just
-- before each external flow, the first observation after one that has no fresh observation before it, and the end. `points` is the largest number of buckets; 0 asks for the unavoidable points
-- only, which is enough for the P&L and the return of a period; a negative number asks for the closes of trading days,
-- however short the span. Bucket ends lie on round times, so that a window that moves keeps its points. Each is one index
-- lookup of the last observation inside its bucket, so the cost does not depend on how much was recorded; over years the
-- kept closes of days spare most of them. A bucket in
-- which no account was observed gives no point; an account observed less often than another keeps its last equity plus
-- the external flows since.
-- Return between points: (E1 - E0 - F) / (E0 + sum of w * F). w is 1 (time-weighted: split at the flow) where equity was
-- observed in the five minutes before the flow, else the part of the time between the points that remained (Dietz).
-- A denominator not above 0 gives null, and growth from there on is null too. An observation at the very time of a flow
-- includes it. In PL/pgSQL, so that it is planned once a connection.
CREATE OR REPLACE FUNCTION growth_between(for_accounts text[], starts timestamptz[], until timestamptz, known timestamptz, points integer)
RETURNS TABLE (currency text, at timestamptz, equity numeric, flow numeric, growth double precision)
LANGUAGE plpgsql STABLE ROWS 300 SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY
WITH entries AS MATERIALIZED (
    SELECT e.*, CASE WHEN e.held THEN least(e.entered_at, min(e.entered_at) OVER (PARTITION BY e.currency)) ELSE e.entered_at END AS joined_at
      FROM growth_entries(for_accounts, starts, until, known) e
), spans AS MATERIALIZED (
    SELECT e.currency, min(e.entered_at) AS first_at, extract(epoch FROM until - min(e.entered_at))::double precision AS seconds
      FROM entries e
     WHERE e.entered_at <= until
     GROUP BY e.currency
), flows AS MATERIALIZED (
    SELECT e.account_id, e.currency, f.at, f.amount, false AS entry
      FROM entries e
      CROSS JOIN LATERAL external_flows(e.account_id, e.entered_at, until, known) f
    UNION ALL
    SELECT e.account_id, e.currency, e.entered_at, e.equity, true
      FROM entries e
      JOIN spans s ON s.currency = e.currency AND e.joined_at > s.first_at
), grid AS (
    SELECT s.currency, s.first_at AS at FROM spans s
    UNION
    SELECT s.currency, until FROM spans s
    UNION
    SELECT f.currency, f.at - interval '1 microsecond'
      FROM flows f
      JOIN spans s ON s.currency = f.currency AND f.at - interval '1 microsecond' > s.first_at
    UNION
    SELECT n.currency, n.at
      FROM (SELECT f.currency, observation_after(e.ids, e.entered, f.at, until, known) AS at
              FROM (SELECT DISTINCT flows.currency, flows.at FROM flows) f
              JOIN (SELECT entries.currency, array_agg(entries.account_id) AS ids, array_agg(entries.entered_at) AS entered
                      FROM entries
                     GROUP BY entries.currency) e ON e.currency = f.currency) n
     WHERE n.at IS NOT NULL
    UNION
    SELECT s.currency, bucket_end
      FROM spans s
      CROSS JOIN LATERAL (SELECT curve_step(until - s.first_at, points) AS width WHERE points > 0) nice
      CROSS JOIN LATERAL generate_series(date_bin(nice.width, s.first_at, '2000-01-03 00:00Z') + nice.width, until, nice.width) AS bucket_end
     WHERE points > 0 AND s.seconds <= 604800
    UNION
    SELECT s.currency, trading_day_start(day::date, zones.zone, zones.roll_over)
      FROM spans s
      JOIN (SELECT DISTINCT e.currency, e.zone, e.roll_over FROM entries e) zones ON zones.currency = s.currency
      CROSS JOIN LATERAL generate_series(trading_date(s.first_at, zones.zone, zones.roll_over) + 1,
                                         trading_date(until, zones.zone, zones.roll_over), interval '1 day') AS day
     WHERE points < 0 OR (points > 0 AND s.seconds > 604800)
), steps AS (
    SELECT g.currency, g.at, coalesce(lag(g.at) OVER (PARTITION BY g.currency ORDER BY g.at), '-infinity') AS previous_at
      FROM grid g
), closes AS MATERIALIZED (
    SELECT c.account_id, c.at, c.since, c.observed_at, c.equity
      FROM (SELECT min(s.first_at) AS first_at FROM spans s WHERE points <> 0 AND s.seconds > 604800) long
      CROSS JOIN LATERAL kept_closes(for_accounts, long.first_at, until, known) c
     WHERE long.first_at IS NOT NULL
), observed AS (
    -- A close that is kept is that of the step too, where the step begins inside the day and before it.
    SELECT e.account_id, s.currency, s.at, s.at >= e.joined_at AS entered, o.observed_at,
           CASE WHEN o.observed_at IS NOT NULL THEN o.equity END AS equity, 0 AS amount,
           CASE WHEN s.at >= e.joined_at AND s.previous_at < e.joined_at THEN e.equity END AS entered_with
      FROM steps s
      JOIN entries e ON e.currency = s.currency
      LEFT JOIN closes c ON c.account_id = e.account_id AND c.at = s.at AND c.since <= s.previous_at
      CROSS JOIN LATERAL (SELECT greatest(s.previous_at, e.entered_at - interval '1 microsecond') AS after) begins
      LEFT JOIN LATERAL (
            SELECT CASE WHEN c.observed_at > begins.after THEN c.observed_at END AS observed_at, c.equity WHERE c.at IS NOT NULL
            UNION ALL
            SELECT b.observed_at, b.equity FROM equity_between(e.account_id, begins.after, s.at, known) b WHERE c.at IS NULL) o ON true
    UNION ALL
    SELECT f.account_id, f.currency, f.at, NULL, NULL, NULL, f.amount, NULL FROM flows f WHERE NOT f.entry
), summed AS (
    -- A step begins just before a flow, or after it: no observation of a step is older than a flow in it.
    SELECT o.*, sum(o.amount) OVER (PARTITION BY o.account_id ORDER BY o.at) AS added FROM observed o
), numbered AS (
    -- Equity without the external flows since the entry: what is carried on while nothing is observed.
    SELECT s.*, CASE WHEN s.observed_at IS NULL THEN s.entered_with ELSE s.equity - s.added END AS own,
           count(CASE WHEN s.observed_at IS NULL THEN s.entered_with ELSE s.equity END) OVER (PARTITION BY s.account_id ORDER BY s.at) AS version
      FROM summed s
     WHERE s.entered
), carried AS (
    SELECT n.currency, n.at, n.observed_at, max(n.own) OVER (PARTITION BY n.account_id, n.version) + n.added AS equity
      FROM numbered n
), kept AS (
    SELECT c.currency, c.at AS grid_at, coalesce(max(c.observed_at), c.at) AS at, sum(c.equity) AS equity
      FROM carried c
      JOIN spans s ON s.currency = c.currency
     GROUP BY c.currency, c.at, s.first_at
    HAVING count(c.observed_at) > 0 OR c.at = s.first_at
), counted AS (
    SELECT k.currency, k.grid_at, k.at, k.equity, count(*) FILTER (WHERE k.at IS NULL) OVER (PARTITION BY k.currency ORDER BY k.grid_at) AS flows
      FROM (SELECT kept.currency, kept.grid_at, kept.at, kept.equity FROM kept
            UNION ALL
            SELECT flows.currency, flows.at, NULL, NULL FROM flows) k
), paired AS (
    SELECT k.*, lag(k.grid_at) OVER one AS previous_grid_at, lag(k.at) OVER one AS previous_at, lag(k.equity) OVER one AS previous_equity,
           lag(k.flows) OVER one AS previous_flows
      FROM counted k
     WHERE k.at IS NOT NULL
    WINDOW one AS (PARTITION BY k.currency ORDER BY k.grid_at)
), returns AS (
    SELECT p.currency, p.at, p.equity, f.amount AS flow,
           CASE WHEN p.previous_at IS NULL THEN 0
                WHEN p.previous_equity + f.weighted > 0
                THEN ((p.equity - p.previous_equity - f.amount) / (p.previous_equity + f.weighted))::double precision END AS period_return
      FROM paired p
      CROSS JOIN LATERAL (
            SELECT coalesce(sum(f.amount), 0) AS amount,
                   coalesce(sum(f.amount * CASE WHEN f.at <= p.previous_at + interval '5 minutes' THEN 1
                                                ELSE extract(epoch FROM p.at - f.at) / extract(epoch FROM p.at - p.previous_at) END),
                            0) AS weighted
              FROM flows f
             WHERE p.flows > p.previous_flows  -- few points have any: the flows are not searched for each
               AND f.currency = p.currency AND f.at > p.previous_grid_at AND f.at <= p.grid_at) f
)
SELECT r.currency, r.at, r.equity, r.flow,
       CASE WHEN count(*) OVER so_far = count(r.period_return) OVER so_far THEN product(1 + r.period_return) OVER so_far END
  FROM returns r
WINDOW so_far AS (PARTITION BY r.currency ORDER BY r.at)
 ORDER BY r.currency, r.at;
END
$$;

-- The same with one start for all accounts.
CREATE OR REPLACE FUNCTION growth_index(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, points integer)
RETURNS TABLE (currency text, at timestamptz, equity numeric, flow numeric, growth double precision)
LANGUAGE sql STABLE ROWS 300 AS $$
    SELECT g.currency, g.at, g.equity, g.flow, g.growth
      FROM growth_between(for_accounts, array_fill(start, ARRAY[cardinality(for_accounts)]), until, known, points) g
$$;

-- P&L and return of a period, each account from its own start. Null where nothing was observed after the starts:
-- what happened since the last observation is unknown, not zero.
CREATE OR REPLACE FUNCTION period_pnl(for_accounts text[], starts timestamptz[], until timestamptz, known timestamptz)
RETURNS TABLE (currency text, pnl numeric, period_return double precision)
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT g.currency,
           CASE WHEN count(*) > 1
                THEN (array_agg(g.equity ORDER BY g.at DESC))[1] - (array_agg(g.equity ORDER BY g.at))[1] - sum(g.flow) END,
           CASE WHEN count(*) > 1 THEN (array_agg(g.growth ORDER BY g.at DESC))[1] - 1 END
      FROM growth_between(for_accounts, starts, until, known, 0) g
     GROUP BY g.currency
$$;

-- The curve of a window with its drawdown: growth below its running peak, the beginning (1) included.
CREATE OR REPLACE FUNCTION equity_curve(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, points integer DEFAULT 400)
RETURNS TABLE (currency text, at timestamptz, equity numeric, growth double precision, drawdown double precision)
LANGUAGE sql STABLE ROWS 300 AS $$
    SELECT g.currency, g.at, g.equity, g.growth,
           g.growth / max(g.growth) OVER (PARTITION BY g.currency ORDER BY g.at) - 1
      FROM growth_index(for_accounts, start, until, known, points) g
$$;

-- The drawdown at the end of a window and the deepest inside it, as fractions ≤ 0, below -1
-- where equity fell below zero; null before two observations. A fall that was over before the next point is in none, so that
-- a longer window may know less of one: step says how far the points lie apart.
DROP FUNCTION IF EXISTS window_drawdown(text[], timestamptz, timestamptz, timestamptz);
CREATE FUNCTION window_drawdown(for_accounts text[], start timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (currency text, drawdown double precision, max_drawdown double precision, step interval)
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT c.currency,
           CASE WHEN count(*) > 1 THEN (array_agg(c.drawdown ORDER BY c.at DESC))[1] END,
           CASE WHEN count(*) > 1 AND count(c.drawdown) = count(*) THEN min(c.drawdown) END,
           CASE WHEN count(*) > 1 THEN curve_step(until - min(c.at), 400) END
      FROM equity_curve(for_accounts, start, until, known, 400) c
     GROUP BY c.currency
$$;

GRANT EXECUTE ON FUNCTION curve_step(interval, integer), observation_after(text[], timestamptz[], timestamptz, timestamptz, timestamptz),
    growth_entries(text[], timestamptz[], timestamptz, timestamptz),
    growth_between(text[], timestamptz[], timestamptz, timestamptz, integer),
    growth_index(text[], timestamptz, timestamptz, timestamptz, integer),
    period_pnl(text[], timestamptz[], timestamptz, timestamptz),
    equity_curve(text[], timestamptz, timestamptz, timestamptz, integer),
    window_drawdown(text[], timestamptz, timestamptz, timestamptz) TO ai_trader_app, ai_trader_service;
