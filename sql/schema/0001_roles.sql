-- role: login
-- Three roles without login. Whoever logs in becomes one of them by SET ROLE, so that row-level security holds
-- for every way of connecting. Roles belong to the cluster: another database of it may have made them already,
-- and two databases may migrate at the same moment.
DO $$
DECLARE
    wanted text;
    -- From 16 on a member may still lack the right to SET ROLE; before, membership is that right.
    needed text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['ai_trader_owner', 'ai_trader_service', 'ai_trader_app'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, needed) THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE, CREATE ON SCHEMA public TO ai_trader_owner;
GRANT USAGE ON SCHEMA public TO ai_trader_service, ai_trader_app;

-- The owner hands functions to the service role, which needs both this membership and CREATE for the moment of it.
GRANT ai_trader_service TO ai_trader_owner;
GRANT CREATE ON SCHEMA public TO ai_trader_service;
