-- Who sees what. Default: nothing. The app role (dashboards, API) sees the accounts its transaction names,
-- the service role (recorder, worker, importers, command line) sees all, the owner is bound too (FORCE).
-- Partitions get no grant: queried directly they would ignore their parent's policy.

DO $$
DECLARE
    scoped text[] := ARRAY['accounts', 'accounts_history', 'orders', 'orders_history', 'order_events', 'fills', 'positions',
                           'positions_history', 'trades', 'trading_pnl', 'cash_flows', 'daily_stats', 'bot_heartbeats'];
    partly text[] := ARRAY['system_events', 'alerts', 'alerts_history'];
    shared text[] := ARRAY['instruments', 'market_snapshots', 'system_metrics', 'services'];
    name text;
    visible text := 'account_id = ANY ((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])';
BEGIN
    FOREACH name IN ARRAY scoped || partly || shared LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
    END LOOP;
    FOREACH name IN ARRAY scoped LOOP
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (%s)', name, visible);
    END LOOP;
    FOREACH name IN ARRAY partly LOOP
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (account_id IS NULL OR %s)', name, visible);
    END LOOP;
    FOREACH name IN ARRAY shared LOOP
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (true)', name);
    END LOOP;
END
$$;
GRANT SELECT ON daily_metrics TO ai_trader_app, ai_trader_service;

-- Ids of all accounts, for a viewer who may see every one. Security definer because the app role sees none by itself.
CREATE FUNCTION account_ids() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public
    AS 'SELECT account_id::text FROM public.accounts ORDER BY account_id';
ALTER FUNCTION account_ids() OWNER TO ai_trader_service;
REVOKE ALL ON FUNCTION account_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_ids() TO ai_trader_app, ai_trader_service;

-- Makes the partition of the month `month_start` falls in, of a table partitioned by time. Idempotent; rows of that
-- month that went to the default partition meanwhile move over, in the same transaction.
CREATE FUNCTION make_month_partition(parent text, month_start date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month_start)::date;
    next date := (date_trunc('month', month_start) + interval '1 month')::date;
    name text := parent || '_' || to_char(first, 'YYYY_MM');
BEGIN
    IF parent NOT IN ('market_snapshots', 'trading_pnl', 'system_metrics') THEN
        RAISE EXCEPTION 'table % is not partitioned by month', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('partition ' || parent));
    IF to_regclass(quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   parent || '_default', first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC', name);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, name,
                   first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION make_month_partition(text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_month_partition(text, date) TO ai_trader_service;
SELECT make_month_partition(parent, (date_trunc('month', clock_timestamp()) + make_interval(months => ahead))::date)
  FROM unnest(ARRAY['market_snapshots', 'trading_pnl', 'system_metrics']) AS parent, generate_series(0, 2) AS ahead;
