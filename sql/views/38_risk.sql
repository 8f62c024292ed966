-- What risk rules and positions said at a moment, beside what 20_known_facts.sql and 40_accounts.sql tell of them.

-- The initial stop of a position: of the row as it is, or of its version in force then.
CREATE OR REPLACE FUNCTION position_stop(for_account text, for_position text, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (initial_stop numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT p.initial_stop
      FROM positions p
     WHERE live AND p.account_id = for_account AND p.position_id = for_position
    UNION ALL
    SELECT v.initial_stop
      FROM (SELECT h.initial_stop
              FROM positions_history h
             WHERE NOT live AND h.account_id = for_account AND h.position_id = for_position
               AND h.at <= until AND h.changed_at <= known AND (h.superseded_at IS NULL OR h.superseded_at > known)
               AND h.operation <> 'delete'
             ORDER BY h.at DESC, h.changed_at DESC, h.sequence DESC
             LIMIT 1) v
$$;

-- What the risk rules said last of a trading day; of a past one the version in force then.
CREATE OR REPLACE FUNCTION risk_rules(for_account text, for_day date, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (at timestamptz, limit_hit boolean, trailing_active boolean, trailing_level numeric, protected_profit numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT d.at, d.limit_hit, d.trailing_active, d.trailing_level, d.protected_profit
      FROM daily_stats d
     WHERE live AND d.account_id = for_account AND d.day = for_day AND d.origin <> 'ledger'
    UNION ALL
    SELECT v.at, v.limit_hit, v.trailing_active, v.trailing_level, v.protected_profit
      FROM (SELECT h.*
              FROM daily_stats_history h
             WHERE NOT live AND h.account_id = for_account AND h.day = for_day AND h.at <= until AND h.changed_at <= known
             ORDER BY h.at DESC, h.changed_at DESC
             LIMIT 1) v
     WHERE v.operation <> 'delete' AND v.origin <> 'ledger'
$$;

GRANT EXECUTE ON FUNCTION position_stop(text, text, timestamptz, timestamptz, boolean),
    risk_rules(text, date, timestamptz, timestamptz, boolean) TO ai_trader_app, ai_trader_service;
