-- Whether the audit log is still what was written.

-- Entries that do not fit the chain, oldest first: changed (the content gives another hash), torn (it does not follow the
-- entry before), missing (an entry before it is gone). Empty for a log that is whole. What was cut off at the end leaves no
-- trace here: compare the last hash with one that was noted elsewhere. Needs the role service.
CREATE OR REPLACE FUNCTION audit_faults() RETURNS TABLE (entry bigint, at timestamptz, fault text) LANGUAGE sql STABLE AS $$
    SELECT c.entry, c.at, c.fault
      FROM (SELECT a.entry, a.at,
                   CASE WHEN a.entry <> coalesce(lag(a.entry) OVER chain, 0) + 1 THEN 'missing'
                        WHEN a.previous_hash <> coalesce(lag(a.hash) OVER chain, decode(repeat('00', 32), 'hex')) THEN 'torn'
                        WHEN a.hash <> audit_hash(a) THEN 'changed' END AS fault
              FROM audit_logs a
            WINDOW chain AS (ORDER BY a.entry)) c
     WHERE c.fault IS NOT NULL
     ORDER BY c.entry
$$;
REVOKE ALL ON FUNCTION audit_faults() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_faults() TO ai_trader_service;
