-- How many rows a measured table has: the planner's estimate, before a first analyze what the server has counted. Null where neither
-- has seen anything and the table's pages hold something: rows that were not committed when it was measured, or statistics that were lost.
CREATE OR REPLACE FUNCTION known_rows(row_estimate bigint, live_rows bigint, dead_rows bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN coalesce(row_estimate, CASE WHEN live_rows + dead_rows > 0 THEN live_rows END);

GRANT EXECUTE ON FUNCTION known_rows(bigint, bigint, bigint) TO ai_trader_app, ai_trader_service;
