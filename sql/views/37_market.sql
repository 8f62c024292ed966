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

GRANT EXECUTE ON FUNCTION traded_instruments(text[], timestamptz, timestamptz, boolean, text),
    newest_book(text, text, timestamptz, timestamptz), price_at(text, text, timestamptz, timestamptz),
    first_price_after(text, text, timestamptz, timestamptz, timestamptz),
    price_changes(text[], timestamptz, timestamptz, timestamptz, boolean), bar_length(text),
    closed_bars(text, text, text, timestamptz, timestamptz, timestamptz, integer) TO ai_trader_app, ai_trader_service;
