-- What time it is, and which trading day a moment falls in.

-- The one place that reads the wall clock: silence of a bot, a feed or a service is judged by when the database last
-- heard of it, and "live" means the database's clock. Everything else takes its moment from the scope, so that the past
-- can be asked about and a replayed account lives in its own time. Never call it for a question about the past.
-- STABLE, because one value is right for a whole statement, and because it lets the functions that use it be inlined.
CREATE OR REPLACE FUNCTION database_clock() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN clock_timestamp();

-- The instant a wall-clock time names. Where changed clocks show it twice, the first (PostgreSQL alone takes the second).
CREATE OR REPLACE FUNCTION wall_clock_instant(wall timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE
    RETURN CASE
        WHEN ((wall AT TIME ZONE zone) - interval '1 hour') AT TIME ZONE zone = wall THEN (wall AT TIME ZONE zone) - interval '1 hour'
        WHEN ((wall AT TIME ZONE zone) - interval '30 minutes') AT TIME ZONE zone = wall THEN (wall AT TIME ZONE zone) - interval '30 minutes'
        ELSE wall AT TIME ZONE zone
    END;

-- The instant a trading day begins.
CREATE OR REPLACE FUNCTION trading_day_start(day date, zone text, roll_over interval) RETURNS timestamptz LANGUAGE sql STABLE
    RETURN wall_clock_instant(day + roll_over, zone);

-- The same as trading_date, by the instants at which days begin. In PL/pgSQL so that it is not inlined: planning it would
-- cost every question, and hardly an account needs it.
CREATE OR REPLACE FUNCTION trading_date_by_instants(moment timestamptz, zone text, roll_over interval) RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE
    day date := ((moment AT TIME ZONE zone) - roll_over)::date;
BEGIN
    RETURN CASE WHEN moment >= trading_day_start(day + 1, zone, roll_over) THEN day + 1
                WHEN moment < trading_day_start(day, zone, roll_over) THEN day - 1
                ELSE day END;
END
$$;

-- The date of the trading day a moment falls in: the day begins at roll_over past midnight on the zone's clock. Where that
-- is not a full hour, changed clocks may show it twice, or never, and do not tell the days apart.
CREATE OR REPLACE FUNCTION trading_date(moment timestamptz, zone text, roll_over interval) RETURNS date LANGUAGE sql STABLE
    RETURN CASE WHEN extract(epoch FROM roll_over) % 3600 = 0 THEN ((moment AT TIME ZONE zone) - roll_over)::date
                ELSE trading_date_by_instants(moment, zone, roll_over) END;

-- Growth is a product of returns; PostgreSQL has no such aggregate. Nulls are skipped, no rows give 1.
CREATE OR REPLACE AGGREGATE product(double precision) (SFUNC = float8mul, STYPE = double precision, INITCOND = '1');

GRANT EXECUTE ON FUNCTION database_clock(), wall_clock_instant(timestamp, text), trading_date(timestamptz, text, interval),
    trading_date_by_instants(timestamptz, text, interval),
    trading_day_start(date, text, interval), product(double precision) TO ai_trader_app, ai_trader_service;
