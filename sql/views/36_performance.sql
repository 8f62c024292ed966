-- Growth by trading day, and what it is compared with: what every figure of performance is made of.

-- The trading days of the accounts of one currency held together. They are those of the account that trades on most days
-- of the year, the first by id of several. source and benchmark are null where the accounts do not agree on them.
CREATE OR REPLACE FUNCTION trading_calendars(for_accounts text[], until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (currency text, accounts bigint, periods_per_year integer, zone text, roll_over interval, source text, benchmark text, benchmarks bigint)
LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT DISTINCT ON (a.currency)
           a.currency, c.accounts, a.periods_per_year, a.zone, a.roll_over,
           CASE WHEN c.benchmarks = 1 AND c.compared = c.accounts THEN a.source END,
           CASE WHEN c.benchmarks = 1 AND c.compared = c.accounts THEN a.benchmark END, c.benchmarks
      FROM accounts_at(for_accounts, until, known, live) a
      JOIN (SELECT o.currency, count(*) AS accounts, count(o.benchmark) AS compared,
                   count(DISTINCT CASE WHEN o.benchmark IS NOT NULL THEN (o.source, o.benchmark) END) AS benchmarks
              FROM accounts_at(for_accounts, until, known, live) o
             GROUP BY o.currency) c ON c.currency = a.currency
     ORDER BY a.currency, a.periods_per_year DESC, a.account_id
$$;

-- Whether anything can be traded on a day: always where the year has more trading days than weekdays (262), else from
-- Monday to Friday. It is judged by its middle, because a day that begins at 17:00 on Sunday is Monday's. Holidays are
-- not known here: nothing is observed on them, or equity stands still.
CREATE OR REPLACE FUNCTION is_trading_day(day date, periods_per_year integer, roll_over interval) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN periods_per_year > 262 OR extract(isodow FROM day + roll_over + interval '12 hours') < 6;

-- Growth at the close of each trading day in a window (and at its latest point), one row a currency, as arrays: series of
-- years travel ten times as fast in columns. The first place of the arrays is the beginning of the window.
-- counted: the day is over and a trading day, so that its close stands for a whole day. The beginning counts where it is
-- itself a close, or where the account began. drawdown and deepest are those of all points, flows and the running day
-- included. equities are what growth is of. invested: equity at the beginning; the flows since then have their times beside them.
DROP FUNCTION IF EXISTS growth_by_day(text[], timestamptz, timestamptz, timestamptz, boolean);
CREATE FUNCTION growth_by_day(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (currency text, accounts bigint, periods_per_year integer, roll_over interval, source text, benchmark text, benchmarks bigint, zone text,
               days date[], times timestamptz[], growth double precision[], equities double precision[], counted boolean[],
               drawdown double precision, deepest double precision, equity numeric, invested numeric,
               flow_times timestamptz[], flow_amounts numeric[])
LANGUAGE sql STABLE ROWS 2 AS $$
WITH calendars AS MATERIALIZED (
    SELECT c.*, trading_date(until, c.zone, c.roll_over) AS today FROM trading_calendars(for_accounts, until, known, live) c
), points AS MATERIALIZED (
    SELECT c.today, c.periods_per_year, c.zone, c.roll_over, g.currency, g.at, g.equity, g.growth,
           g.growth / max(g.growth) OVER so_far - 1 AS drawdown, row_number() OVER so_far = 1 AS first,
           trading_date(g.at - interval '1 microsecond', c.zone, c.roll_over) AS day
      FROM growth_index(for_accounts, start, until, known, -1) g
      JOIN calendars c ON c.currency = g.currency
    WINDOW so_far AS (PARTITION BY g.currency ORDER BY g.at)
), closes AS (
    SELECT p.*, p.first OR lead(p.day) OVER following IS DISTINCT FROM p.day AS last_of_day
      FROM points p
    WINDOW following AS (PARTITION BY p.currency ORDER BY p.at)
), series AS (
    SELECT p.currency, min(p.at) AS first_at, max(p.at) AS last_at,
           (array_agg(p.equity) FILTER (WHERE p.first))[1] AS invested, (array_agg(p.equity ORDER BY p.at DESC))[1] AS equity,
           array_agg(p.day ORDER BY p.at) FILTER (WHERE p.last_of_day) AS days,
           array_agg(p.at ORDER BY p.at) FILTER (WHERE p.last_of_day) AS times,
           array_agg(p.growth ORDER BY p.at) FILTER (WHERE p.last_of_day) AS growth,
           array_agg(p.equity::double precision ORDER BY p.at) FILTER (WHERE p.last_of_day) AS equities,
           array_agg(CASE WHEN p.first THEN p.at > start OR p.at = trading_day_start(p.day + 1, p.zone, p.roll_over)
                          ELSE p.day < p.today AND is_trading_day(p.day, p.periods_per_year, p.roll_over) END ORDER BY p.at)
               FILTER (WHERE p.last_of_day) AS counted,
           (array_agg(p.drawdown ORDER BY p.at DESC))[1] AS drawdown,
           CASE WHEN count(p.drawdown) = count(*) THEN min(p.drawdown) END AS deepest,
           count(*) AS points
      FROM closes p
     GROUP BY p.currency
)
SELECT s.currency, c.accounts, c.periods_per_year, c.roll_over, c.source, c.benchmark, c.benchmarks, c.zone,
       s.days, s.times, s.growth, s.equities, s.counted,
       CASE WHEN s.points > 1 THEN s.drawdown END, CASE WHEN s.points > 1 THEN s.deepest END,
       s.equity, s.invested, coalesce(f.times, '{}'), coalesce(f.amounts, '{}')
  FROM series s
  JOIN calendars c ON c.currency = s.currency
  LEFT JOIN LATERAL (
        SELECT array_agg(flow.at ORDER BY flow.at) AS times, array_agg(flow.amount ORDER BY flow.at) AS amounts
          FROM (SELECT e.account_id, e.entered_at, e.equity
                  FROM growth_entries(for_accounts, array_fill(start, ARRAY[cardinality(for_accounts)]), until, known) e
                 WHERE e.currency = s.currency) e
          CROSS JOIN LATERAL (
                SELECT x.at, x.amount FROM external_flows(e.account_id, e.entered_at, s.last_at, known) x
                UNION ALL
                SELECT e.entered_at, e.equity WHERE e.entered_at > s.first_at AND e.entered_at <= s.last_at) flow) f ON true
$$;

-- Closes of a symbol on trading days from from_day on, adjusted ones where the bars have them. A daily bar belongs to the
-- trading day that its middle lies in, whichever midnight its source opens it at. On days after the last bar, and where
-- there are no bars at all, the close is the last price seen on the day: of a snapshot, or of an hour of the roll-ups.
CREATE OR REPLACE FUNCTION daily_closes(for_source text, for_symbol text, zone text, roll_over interval, from_day date, until timestamptz, known timestamptz)
RETURNS TABLE (day date, close double precision)
LANGUAGE sql STABLE ROWS 1000 AS $$
WITH bars AS MATERIALIZED (
    SELECT DISTINCT ON (b.day) b.day, b.close
      FROM (SELECT DISTINCT ON (m.at) m.at, trading_date(m.at + interval '12 hours', zone, roll_over) AS day,
                   coalesce(m.adjusted_close, m.close)::double precision AS close
              FROM market_data m
             WHERE m.source = for_source AND m.symbol = for_symbol AND m.interval = '1d' AND m.recorded_at <= known
               AND m.at >= from_day - interval '3 days' AND m.at + interval '12 hours' <= until
             ORDER BY m.at, m.revision DESC) b
     WHERE b.day >= from_day
     ORDER BY b.day, b.at DESC
)
SELECT b.day, b.close FROM bars b
UNION ALL
SELECT d.day, price.close::double precision
  FROM (SELECT g::date AS day, trading_day_start(g::date, zone, roll_over) AS opens, least(until, trading_day_start(g::date + 1, zone, roll_over)) AS closes
          FROM generate_series(greatest(from_day, (SELECT max(b.day) + 1 FROM bars b)), trading_date(until, zone, roll_over), interval '1 day') g) d
  CROSS JOIN LATERAL (
        SELECT p.close
          FROM ((SELECT s.at::timestamptz, s.mid AS close
                   FROM market_snapshots s
                  WHERE s.source = for_source AND s.symbol = for_symbol AND s.at > d.opens AND s.at <= d.closes AND s.recorded_at <= known
                  ORDER BY s.at DESC, s.revision DESC
                  LIMIT 1)
                UNION ALL
                (SELECT r.at + interval '1 hour', r.close
                   FROM market_rollups r
                  WHERE known >= '9999-01-01 00:00Z' AND r.source = for_source AND r.symbol = for_symbol AND r.width = 'hour'
                    AND r.at >= d.opens AND r.at <= d.closes - interval '1 hour'
                  ORDER BY r.at DESC
                  LIMIT 1)) p
         ORDER BY p.at DESC
         LIMIT 1) price
$$;

GRANT EXECUTE ON FUNCTION trading_calendars(text[], timestamptz, timestamptz, boolean), is_trading_day(date, integer, interval),
    growth_by_day(text[], timestamptz, timestamptz, timestamptz, boolean),
    daily_closes(text, text, text, interval, date, timestamptz, timestamptz) TO ai_trader_app, ai_trader_service;
