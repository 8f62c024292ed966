-- Values that bots give names to.

-- The newest value of a name with after < at <= until, as it was known; the account is null for values of none.
CREATE OR REPLACE FUNCTION newest_metric(for_source text, for_name text, for_account text, after timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (value numeric, unit text, at timestamptz, recorded_at timestamptz)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT t.value, t.unit, t.at, t.recorded_at
      FROM ((SELECT m.value::numeric AS value, m.unit, m.at::timestamptz AS at, m.recorded_at::timestamptz AS recorded_at
               FROM custom_metrics m
              WHERE m.source = for_source AND m.name = for_name AND m.account_id = for_account
                AND m.at > after AND m.at <= until AND m.recorded_at <= known
              ORDER BY m.at DESC, m.revision DESC
              LIMIT 1)
            UNION ALL
            (SELECT m.value::numeric, m.unit, m.at::timestamptz, m.recorded_at::timestamptz
               FROM custom_metrics m
              WHERE for_account IS NULL AND m.source = for_source AND m.name = for_name AND m.account_id IS NULL
                AND m.at > after AND m.at <= until AND m.recorded_at <= known
              ORDER BY m.at DESC, m.revision DESC
              LIMIT 1)) t
$$;

-- The sources that ever told of a name, by jumps through the index.
CREATE OR REPLACE FUNCTION metric_sources(for_name text) RETURNS TABLE (source text) LANGUAGE sql STABLE ROWS 2 AS $$
    WITH RECURSIVE sources AS (
        (SELECT m.source FROM custom_metrics m ORDER BY m.source LIMIT 1)
        UNION ALL
        SELECT (SELECT m.source FROM custom_metrics m WHERE m.source > s.source ORDER BY m.source LIMIT 1)
          FROM sources s
         WHERE s.source IS NOT NULL
    )
    SELECT s.source
      FROM sources s
     WHERE s.source IS NOT NULL
       AND EXISTS (SELECT FROM custom_metrics m WHERE m.source = s.source AND m.name = for_name)
$$;

GRANT EXECUTE ON FUNCTION newest_metric(text, text, text, timestamptz, timestamptz, timestamptz), metric_sources(text)
    TO ai_trader_app, ai_trader_service;
