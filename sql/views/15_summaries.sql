-- What was recorded lately is found by block ranges. The last range of a month's partition is never full, so nothing summarises
-- it by itself, and every look for what is new would read it, of every month there is.

-- Summarises what is not, of the partitions of months that are over; returns of how many ranges. Only the owner of an index may.
CREATE OR REPLACE FUNCTION summarize_past_months() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    place record;
    made bigint := 0;
BEGIN
    FOR place IN
        SELECT x.indexrelid::regclass AS name
          FROM pg_inherits i
          JOIN pg_class part ON part.oid = i.inhrelid
          JOIN pg_index x ON x.indrelid = part.oid
          JOIN pg_class c ON c.oid = x.indexrelid
          JOIN pg_am m ON m.oid = c.relam
         WHERE m.amname = 'brin' AND i.inhparent IN ('market_snapshots'::regclass, 'trading_pnl'::regclass, 'system_metrics'::regclass)
           AND part.relname ~ '_\d{4}_\d{2}$'
           AND to_date(right(part.relname, 7), 'YYYY_MM') + interval '1 month' < clock_timestamp()
         ORDER BY part.relname
    LOOP
        made := made + brin_summarize_new_values(place.name);
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION summarize_past_months() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION summarize_past_months() TO ai_trader_service;
