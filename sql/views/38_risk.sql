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

-- Incidents that were open at some time in a window, the suite's own among them, in their state at its end. Of a past
-- moment the versions that were known then; what was acknowledged or resolved after the moment was not yet.
CREATE OR REPLACE FUNCTION incidents(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (alert_id text, account_id text, rule text, severity text, title text, details text, value numeric, threshold numeric,
               unit text, state text, fired_at timestamptz, resolved_at timestamptz, acknowledged_at timestamptz, acknowledged_by text,
               duration_seconds double precision)
LANGUAGE sql STABLE ROWS 50 AS $$
    SELECT v.alert_id, v.account_id, v.rule, v.severity, v.title, v.details, v.value, v.threshold, v.unit,
           CASE WHEN v.resolved_at <= until THEN 'resolved' WHEN v.acknowledged_at <= until THEN 'acknowledged' ELSE 'open' END,
           v.fired_at, CASE WHEN v.resolved_at <= until THEN v.resolved_at END,
           CASE WHEN v.acknowledged_at <= until THEN v.acknowledged_at END,
           CASE WHEN v.acknowledged_at <= until THEN v.acknowledged_by END,
           extract(epoch FROM least(v.resolved_at, until) - v.fired_at)::double precision
      FROM (SELECT a.*
              FROM alerts a
             WHERE live
            UNION ALL
            SELECT h.alert_id, h.account_id, h.rule, h.severity, h.title, h.details, h.value, h.threshold, h.unit,
                   h.fired_at, h.resolved_at, h.acknowledged_at, h.acknowledged_by, h.at, h.recorded_at
              FROM (SELECT DISTINCT ON (o.alert_id) o.*
                      FROM alerts_history o
                     WHERE NOT live AND o.changed_at <= known AND (o.operation <> 'delete' OR o.changed_at <= until)
                     ORDER BY o.alert_id, o.changed_at DESC) h
             WHERE h.operation <> 'delete') v
     WHERE (v.account_id IS NULL OR v.account_id = ANY (for_accounts))
       AND v.fired_at <= until AND (v.resolved_at IS NULL OR v.resolved_at > start)
$$;

GRANT EXECUTE ON FUNCTION incidents(text[], timestamptz, timestamptz, timestamptz, boolean) TO ai_trader_app, ai_trader_service;
