-- Samples of the parts of the machine that was sampled last in a window (start < at <= until), as known at `known`: the first
-- one of each bucket of the width `step`, from the bucket before the window on, and the newest one. Oldest first.
DROP FUNCTION IF EXISTS host_samples(timestamptz, timestamptz, timestamptz, interval);
CREATE FUNCTION host_samples(start timestamptz, until timestamptz, known timestamptz, step interval) RETURNS SETOF host_parts
LANGUAGE sql STABLE ROWS 100 AS $$
    WITH newest AS (
        SELECT p.host, p.at FROM host_parts p WHERE p.at > start AND p.at <= until AND p.recorded_at <= known ORDER BY p.at DESC LIMIT 1
    ), firsts AS (
        SELECT DISTINCT ON (bucket_start(step, p.at)) p.at
          FROM newest n
          JOIN host_parts p ON p.host = n.host
         WHERE p.width = ANY (CASE WHEN step >= interval '1 hour' THEN ARRAY['hour']
                                   WHEN step >= interval '1 minute' THEN ARRAY['hour', 'minute']
                                   ELSE ARRAY['hour', 'minute', 'sample'] END)
           AND p.at > start - step AND p.at <= until AND p.recorded_at <= known
         ORDER BY bucket_start(step, p.at), p.at
    )
    SELECT p.*
      FROM newest n
      JOIN host_parts p ON p.host = n.host
     WHERE p.at IN (SELECT f.at FROM firsts f UNION SELECT l.at FROM newest l)
     ORDER BY p.at
$$;
GRANT EXECUTE ON FUNCTION host_samples(timestamptz, timestamptz, timestamptz, interval) TO ai_trader_app, ai_trader_service;

-- The machines whose processes were ever sampled, by jumps through the index: what is kept of them may be long.
CREATE OR REPLACE FUNCTION process_hosts() RETURNS SETOF text LANGUAGE sql STABLE ROWS 2 AS $$
    WITH RECURSIVE hosts AS (
        SELECT min(m.host) AS host FROM process_metrics m
        UNION ALL
        SELECT (SELECT min(m.host) FROM process_metrics m WHERE m.host > h.host) FROM hosts h WHERE h.host IS NOT NULL
    )
    SELECT h.host FROM hosts h WHERE h.host IS NOT NULL
$$;

-- The newest sample of processes that is no older than `within` at the moment `until`, as known at `known`.
CREATE OR REPLACE FUNCTION newest_processes(until timestamptz, known timestamptz, within interval)
RETURNS TABLE (host text, at timestamptz) LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT h.host, last.at::timestamptz
      FROM process_hosts() AS h (host)
      CROSS JOIN LATERAL (
            SELECT m.at
              FROM process_metrics m
             WHERE m.host = h.host AND m.at > until - within AND m.at <= until AND m.recorded_at <= known
             ORDER BY m.at DESC
             LIMIT 1) last
     ORDER BY last.at DESC
     LIMIT 1
$$;
GRANT EXECUTE ON FUNCTION process_hosts(), newest_processes(timestamptz, timestamptz, interval) TO ai_trader_app, ai_trader_service;
