-- What the market says to the accounts that trade on it: their instruments, books, prices and bars as they were known.

-- The instruments of the accounts' sources; where one symbol is named, that one of each source.
CREATE OR REPLACE FUNCTION traded_instruments(for_accounts text[], until timestamptz, known timestamptz, live boolean, for_symbol text)
RETURNS SETOF instruments
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT i.*
      FROM (SELECT DISTINCT a.source FROM accounts_at(for_accounts, until, known, live) a) s
      JOIN instruments i ON i.source = s.source
     WHERE for_symbol IS NULL OR i.symbol = for_symbol
$$;

-- The newest order book at or before a moment, in its highest revision.
CREATE OR REPLACE FUNCTION newest_book(for_source text, for_symbol text, until timestamptz, known timestamptz)
RETURNS SETOF market_snapshots
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT m.*
      FROM market_snapshots m
     WHERE m.source = for_source AND m.symbol = for_symbol AND m.at <= until AND m.recorded_at <= known
     ORDER BY m.at DESC, m.revision DESC
     LIMIT 1
$$;

-- The newest mid at or before a moment. Where its snapshot is purged, the close of its minute, which stands for the
-- minute's end. An older snapshot may outlive it: one that was learned late.
CREATE OR REPLACE FUNCTION price_at(for_source text, for_symbol text, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, price numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT p.at, p.price
      FROM (SELECT 1 AS choice, b.at::timestamptz AS told, b.at::timestamptz AS at, b.mid::numeric AS price
              FROM newest_book(for_source, for_symbol, until, known) b
            UNION ALL
            SELECT 2, minute.begins_at, minute.begins_at + interval '1 minute', minute.close
              FROM (SELECT r.at AS begins_at, r.close
                      FROM market_rollups r
                     WHERE known >= '9999-01-01 00:00Z' AND r.source = for_source AND r.symbol = for_symbol AND r.width = 'minute'
                       AND r.at <= until - interval '1 minute'
                     ORDER BY r.at DESC
                     LIMIT 1) minute) p
     ORDER BY p.told DESC, p.choice
     LIMIT 1
$$;

-- The first mid after a moment, from minutes where the snapshots are purged.
CREATE OR REPLACE FUNCTION first_price_after(for_source text, for_symbol text, start timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, price numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT p.at, p.price
      FROM ((SELECT m.at::timestamptz AS at, m.mid::numeric AS price
               FROM market_snapshots m
              WHERE m.source = for_source AND m.symbol = for_symbol AND m.at > start AND m.at <= until AND m.recorded_at <= known
              ORDER BY m.at, m.revision DESC
              LIMIT 1)
            UNION ALL
            (SELECT r.at, r.open
               FROM market_rollups r
              WHERE known >= '9999-01-01 00:00Z' AND r.source = for_source AND r.symbol = for_symbol AND r.width = 'minute'
                AND r.at > start AND r.at <= until
              ORDER BY r.at
              LIMIT 1)) p
     ORDER BY p.at
     LIMIT 1
$$;

-- What the instruments did in a window: the price at its start, or failing that the first one inside it, and at its end.
-- Null where there is none, and where the price at the end is not newer than the other.
CREATE OR REPLACE FUNCTION price_changes(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (source text, symbol text, sector text, from_at timestamptz, from_price numeric, at timestamptz, price numeric, change double precision)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT i.source, i.symbol, i.sector, b.at, b.price, e.at, e.price, CASE WHEN e.at > b.at THEN (e.price / b.price - 1)::double precision END
      FROM traded_instruments(for_accounts, until, known, live, NULL) i
      LEFT JOIN LATERAL price_at(i.source, i.symbol, until, known) e ON true
      LEFT JOIN LATERAL (
            SELECT p.at, p.price
              FROM (SELECT 1 AS choice, o.at, o.price FROM price_at(i.source, i.symbol, start, known) o
                    UNION ALL
                    SELECT 2, f.at, f.price FROM first_price_after(i.source, i.symbol, start, until, known) f) p
             ORDER BY p.choice
             LIMIT 1) b ON true
$$;

-- How long a bar of each name is.
CREATE OR REPLACE FUNCTION bar_length(name text) RETURNS interval LANGUAGE sql IMMUTABLE
    RETURN CASE name WHEN '1m' THEN interval '1 minute' WHEN '5m' THEN interval '5 minutes' WHEN '15m' THEN interval '15 minutes'
                     WHEN '1h' THEN interval '1 hour' WHEN '1d' THEN interval '1 day' END;

-- The bars that opened at or after `from_moment` and had closed at `until`, each in its highest revision, newest first, at
-- most `most`.
CREATE OR REPLACE FUNCTION closed_bars(for_source text, for_symbol text, for_interval text, from_moment timestamptz, until timestamptz, known timestamptz, most integer)
RETURNS TABLE (at timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric, adjusted_close numeric)
LANGUAGE sql STABLE ROWS 100 AS $$
    SELECT DISTINCT ON (d.at) d.at::timestamptz, d.open::numeric, d.high::numeric, d.low::numeric, d.close::numeric, d.volume::numeric,
           d.adjusted_close::numeric
      FROM market_data d
     WHERE d.source = for_source AND d.symbol = for_symbol AND d.interval = for_interval
       AND d.at >= from_moment AND d.at <= until - bar_length(for_interval) AND d.recorded_at <= known
     ORDER BY d.at DESC, d.revision DESC
     LIMIT most
$$;

-- A bar that the record does not have yet, out of the mids with begins < at <= until: none without one. It opens where
-- the one before it closed, unless that is longer ago than a bar is long.
CREATE OR REPLACE FUNCTION forming_bar(for_source text, for_symbol text, begins timestamptz, until timestamptz, known timestamptz, length interval)
RETURNS TABLE (open numeric, high numeric, low numeric, close numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT coalesce(b.price, s.open), greatest(s.high, b.price), least(s.low, b.price), s.close
      FROM (SELECT (array_agg(w.open ORDER BY w.at))[1] AS open, max(w.high) AS high, min(w.low) AS low,
                   (array_agg(w.close ORDER BY w.at DESC))[1] AS close
              FROM market_window(for_source, for_symbol, begins, until, known, '1 week') w) s
      LEFT JOIN LATERAL (SELECT p.price FROM price_at(for_source, for_symbol, begins, known) p WHERE p.at >= begins - length) b ON true
     WHERE s.close IS NOT NULL
$$;

-- Which symbol, of which source, a chart of bars shows: the one that is named, else the first that has any in the window.
CREATE OR REPLACE FUNCTION charted_symbol(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean, for_symbol text)
RETURNS TABLE (source text, symbol text)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT n.source, n.symbol
      FROM (SELECT DISTINCT a.source, for_symbol AS symbol FROM accounts_at(for_accounts, until, known, live) a WHERE for_symbol IS NOT NULL
            UNION ALL
            SELECT i.source, i.symbol FROM traded_instruments(for_accounts, until, known, live, NULL) i WHERE for_symbol IS NULL
             ORDER BY 1, 2) n  -- and no further than to the first that has any
      CROSS JOIN LATERAL (
            SELECT
              FROM market_data d
             WHERE d.source = n.source AND d.symbol = n.symbol AND d.interval = ANY ('{1m,5m,15m,1h,1d}'::text[])
               AND d.at >= start AND d.at <= until AND d.recorded_at <= known
             LIMIT 1) has_bars
     ORDER BY n.source, n.symbol
     LIMIT 1
$$;

GRANT EXECUTE ON FUNCTION traded_instruments(text[], timestamptz, timestamptz, boolean, text),
    newest_book(text, text, timestamptz, timestamptz), price_at(text, text, timestamptz, timestamptz),
    first_price_after(text, text, timestamptz, timestamptz, timestamptz),
    price_changes(text[], timestamptz, timestamptz, timestamptz, boolean), bar_length(text),
    closed_bars(text, text, text, timestamptz, timestamptz, timestamptz, integer),
    forming_bar(text, text, timestamptz, timestamptz, timestamptz, interval),
    charted_symbol(text[], timestamptz, timestamptz, timestamptz, boolean, text) TO ai_trader_app, ai_trader_service;
