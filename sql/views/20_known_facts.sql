-- Facts and states as of a moment and with the knowledge of another: highest revision known, busts left out.
-- Every function takes the accounts explicitly; row-level security narrows them to the visible ones.

-- Accounts and their settings: now, or the version in force then (the first one, for a moment before it was written).
CREATE OR REPLACE FUNCTION accounts_at(for_accounts text[], until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, source text, broker text, label text, currency text, mode text, periods_per_year integer, zone text,
               roll_over interval, benchmark text, clock text, daily_loss_limit numeric, position_limit numeric, leverage_limit numeric)
LANGUAGE sql STABLE AS $$
    SELECT a.account_id, a.source, a.broker, a.label, a.currency, a.mode, a.periods_per_year, a.zone,
           a.roll_over, a.benchmark, a.clock, a.daily_loss_limit, a.position_limit, a.leverage_limit
      FROM accounts a
     WHERE live AND a.account_id = ANY (for_accounts)
    UNION ALL
    SELECT v.account_id, v.source, v.broker, v.label, v.currency, v.mode, v.periods_per_year, v.zone,
           v.roll_over, v.benchmark, v.clock, v.daily_loss_limit, v.position_limit, v.leverage_limit
      FROM accounts a
      CROSS JOIN LATERAL (
            SELECT h.*
              FROM accounts_history h
             WHERE h.account_id = a.account_id AND h.changed_at <= known
             ORDER BY h.at <= until DESC, CASE WHEN h.at <= until THEN h.at END DESC, h.at, h.changed_at DESC
             LIMIT 1) v
     WHERE NOT live AND a.account_id = ANY (for_accounts)
$$;

-- Cash from outside (deposit, withdrawal, transfer) with after < at <= until.
CREATE OR REPLACE FUNCTION external_flows(for_account text, after timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, amount numeric)
LANGUAGE sql STABLE AS $$
    SELECT f.at, f.amount
      FROM cash_flows f
     WHERE f.account_id = for_account AND f.at > after AND f.at <= until AND f.recorded_at <= known
       AND f.kind IN ('deposit', 'withdrawal', 'transfer')
       AND NOT EXISTS (SELECT FROM cash_flows newer
                        WHERE newer.account_id = f.account_id AND newer.source = f.source AND newer.source_id = f.source_id
                          AND newer.revision > f.revision AND newer.recorded_at <= known)
$$;

-- Closed trades with from_moment <= exit_time <= until.
CREATE OR REPLACE FUNCTION closed_trades(for_account text, from_moment timestamptz, until timestamptz, known timestamptz)
RETURNS SETOF trades
LANGUAGE sql STABLE AS $$
    SELECT t.*
      FROM trades t
     WHERE t.account_id = for_account AND t.exit_time >= from_moment AND t.exit_time <= until AND t.recorded_at <= known
       AND t.quantity > 0
       AND NOT EXISTS (SELECT FROM trades newer
                        WHERE newer.account_id = t.account_id AND newer.source = t.source AND newer.source_id = t.source_id
                          -- Redundant, but so the index of the few corrections serves instead of one of all trades.
                          AND newer.revision > 0 AND newer.revision > t.revision AND newer.recorded_at <= known)
$$;

-- The newest observation of equity at or before a moment, as far as it was corrected by then; of two of one moment the
-- one that was learned last. In PL/pgSQL, as what follows, so that it is planned once a connection: planning looks at the
-- partition of every month, which takes ten times as long as finding the row.
CREATE OR REPLACE FUNCTION latest_equity(for_account text, until timestamptz, known timestamptz)
RETURNS SETOF trading_pnl LANGUAGE plpgsql STABLE ROWS 1 SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
    SELECT o.*
      FROM trading_pnl o
     WHERE o.account_id = for_account AND o.at > until - interval '35 days' AND o.at <= until AND o.recorded_at <= known
     ORDER BY o.at DESC, o.revision DESC, o.recorded_at DESC
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN QUERY
        SELECT o.*
          FROM trading_pnl o
         WHERE o.account_id = for_account AND o.at <= until AND o.recorded_at <= known
         ORDER BY o.at DESC, o.revision DESC, o.recorded_at DESC
         LIMIT 1;
    END IF;
END
$$;

-- The last observation of equity after one moment and up to another; nulls where there is none.
CREATE OR REPLACE FUNCTION equity_between(for_account text, after timestamptz, until timestamptz, known timestamptz, OUT observed_at timestamptz, OUT equity numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    SELECT o.at, o.equity INTO observed_at, equity
      FROM trading_pnl o
     WHERE o.account_id = for_account AND o.at > after AND o.at <= until AND o.recorded_at <= known
     ORDER BY o.at DESC, o.revision DESC, o.recorded_at DESC
     LIMIT 1;
END
$$;

-- What a period begins with: the last observation at or before its start, or failing that the first one in it; nulls
-- where there is neither.
CREATE OR REPLACE FUNCTION equity_base(for_account text, start timestamptz, until timestamptz, known timestamptz, OUT observed_at timestamptz, OUT equity numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    SELECT o.at, o.equity INTO observed_at, equity FROM latest_equity(for_account, start, known) o;
    IF observed_at IS NULL THEN
        SELECT o.at, o.equity INTO observed_at, equity
          FROM trading_pnl o
         WHERE o.account_id = for_account AND o.at > start AND o.at <= until AND o.recorded_at <= known
         ORDER BY o.at, o.revision DESC, o.recorded_at DESC
         LIMIT 1;
    END IF;
END
$$;

-- What one unit of base is worth in quote: 1 for the same currency, the newest rate of the pair, else one over that of the
-- pair turned round, rounded to 12 places; null where neither is known.
CREATE OR REPLACE FUNCTION fx_rate_at(for_source text, base text, quote text, until timestamptz, known timestamptz)
RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN fx_rate_at.base = fx_rate_at.quote THEN 1
                ELSE coalesce((SELECT r.rate
                                 FROM fx_rates r
                                WHERE r.source = for_source AND r.base = fx_rate_at.base AND r.quote = fx_rate_at.quote
                                  AND r.at <= until AND r.recorded_at <= known
                                ORDER BY r.at DESC, r.revision DESC
                                LIMIT 1),
                              (SELECT round(1 / r.rate, 12)
                                 FROM fx_rates r
                                WHERE r.source = for_source AND r.base = fx_rate_at.quote AND r.quote = fx_rate_at.base
                                  AND r.at <= until AND r.recorded_at <= known
                                ORDER BY r.at DESC, r.revision DESC
                                LIMIT 1)) END
$$;

-- Open positions with their value and unrealised P&L in account currency; null where no price or no rate is known.
-- fx_rate is what one unit of the instrument's currency is worth. A symbol that nobody described is in the account's.
-- The past comes from positions_history: of the versions that were known and not superseded then, the newest. It keeps
-- one version a minute of those that differ in the mark alone, so the mark is the newest mid since, where there is one.
-- A bot may delete what it closed: such a position was held until it was deleted (in a replay's own time, until it last
-- changed). Which positions may have been held: those open now, and of the others those that ended later, that somebody
-- changed, deleted or used again later, or whose versions were superseded since.
DROP FUNCTION IF EXISTS open_positions(text[], timestamptz, timestamptz, boolean);
CREATE FUNCTION open_positions(for_accounts text[], until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, position_id text, source text, symbol text, side text, quantity numeric, multiplier numeric,
               entry_time timestamptz, entry_price numeric, current_price numeric, strategy text, at timestamptz,
               value numeric, unrealized_pnl numeric, fx_rate numeric)
LANGUAGE sql STABLE ROWS 20 AS $$
    SELECT p.account_id, p.position_id, p.source, p.symbol, p.side, p.quantity, p.multiplier,
           p.entry_time, p.entry_price, p.current_price, p.strategy, p.at,
           sign.of_side * p.quantity * p.multiplier * p.current_price * money.rate,
           CASE WHEN p.current_price IS NULL THEN p.unrealized_pnl
                ELSE sign.of_side * p.quantity * p.multiplier * (p.current_price - p.entry_price) * money.rate END,
           money.rate
      FROM (SELECT now_open.account_id, now_open.position_id, now_open.source, now_open.symbol, now_open.side, now_open.quantity,
                   now_open.multiplier, now_open.entry_time, now_open.entry_price, now_open.current_price, now_open.unrealized_pnl,
                   now_open.strategy, now_open.is_active, now_open.at, now_open.at AS priced_at
              FROM positions now_open
             WHERE live AND now_open.is_active AND now_open.account_id = ANY (for_accounts)
            UNION ALL
            SELECT version.account_id, version.position_id, version.source, version.symbol, version.side, version.quantity,
                   version.multiplier, version.entry_time, version.entry_price, coalesce(mark.mid, version.current_price),
                   version.unrealized_pnl, version.strategy, version.is_active, coalesce(mark.at, version.at), until
              FROM (SELECT k.account_id, k.position_id
                      FROM positions k
                     WHERE NOT live AND k.account_id = ANY (for_accounts) AND k.is_active
                    UNION
                    SELECT k.account_id, k.position_id
                      FROM positions k
                     WHERE NOT live AND k.account_id = ANY (for_accounts) AND NOT k.is_active AND k.at > until AND k.entry_time <= until
                    UNION
                    SELECT k.account_id, k.position_id
                      FROM positions k
                     WHERE NOT live AND k.account_id = ANY (for_accounts) AND NOT k.is_active AND k.recorded_at > known AND k.entry_time <= until
                    UNION
                    SELECT d.account_id, d.position_id
                      FROM positions_history d
                     WHERE NOT live AND d.account_id = ANY (for_accounts) AND d.operation = 'delete' AND d.entry_time <= until
                       AND (greatest(d.at, d.changed_at) > until OR d.changed_at > known)
                    UNION
                    SELECT r.account_id, r.position_id
                      FROM positions_history r
                     WHERE NOT live AND r.account_id = ANY (for_accounts) AND r.operation = 'reopen' AND r.at > until
                    UNION
                    SELECT s.account_id, s.position_id
                      FROM positions_history s
                     WHERE NOT live AND s.account_id = ANY (for_accounts) AND s.superseded_at > known AND s.entry_time <= until
                   ) known_position
              JOIN accounts a ON a.account_id = known_position.account_id
              CROSS JOIN LATERAL (
                    SELECT h.*
                      FROM positions_history h
                     WHERE h.account_id = known_position.account_id AND h.position_id = known_position.position_id
                       AND h.at <= until AND h.changed_at <= known AND (h.superseded_at IS NULL OR h.superseded_at > known)
                       AND (h.operation <> 'delete' OR a.clock = 'replay' OR h.changed_at <= until)
                     ORDER BY h.at DESC, h.changed_at DESC, h.sequence DESC
                     LIMIT 1) version
              LEFT JOIN LATERAL (
                    SELECT m.mid::numeric AS mid, m.at::timestamptz AS at
                      FROM market_snapshots m
                     WHERE m.source = a.source AND m.symbol = version.symbol AND m.at >= version.at AND m.at <= until
                       AND m.recorded_at <= known AND version.is_active
                     ORDER BY m.at DESC, m.revision DESC
                     LIMIT 1) mark ON true
             WHERE version.operation <> 'delete') p
      JOIN accounts owner ON owner.account_id = p.account_id
      LEFT JOIN instruments i ON i.source = owner.source AND i.symbol = p.symbol
      CROSS JOIN LATERAL (SELECT CASE p.side WHEN 'long' THEN 1 ELSE -1 END AS of_side) sign
      -- A replayed account lives in the time of its newest mark, whatever the others' clock says.
      CROSS JOIN LATERAL (
            SELECT CASE WHEN i.currency IS NULL OR i.currency = owner.currency THEN 1
                        ELSE fx_rate_at(owner.source, i.currency, owner.currency,
                                        CASE WHEN owner.clock = 'replay' THEN least(until, p.priced_at) ELSE until END, known) END AS rate) money
     WHERE p.is_active AND p.quantity > 0
$$;

-- The newest sign of life of each account's bot, and whether the bot is silent: three intervals without one. A bot that
-- said it stopped or finished is not silent. Live, the age counts on the database's clock from when it heard of the bot,
-- because a replayed account's own time says nothing about the bot; a replay's past has no silence at all.
DROP FUNCTION IF EXISTS bot_signs(text[], timestamptz, timestamptz, boolean);
CREATE FUNCTION bot_signs(for_accounts text[], until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, at timestamptz, recorded_at timestamptz, status text, interval_seconds numeric, cycle_count bigint,
               uptime_seconds numeric, error_count integer, regime text, strategy text, risk_factor numeric, risk_reason text,
               dropped_events bigint, host text, pid integer, version text, health_port integer, silent_at timestamptz, silent boolean,
               cpu_percent double precision, rss_bytes bigint)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT a.account_id, b.at, b.recorded_at, b.status, b.interval_seconds, b.cycle_count,
           b.uptime_seconds, b.error_count, b.regime, b.strategy, b.risk_factor, b.risk_reason,
           b.dropped_events, b.host, b.pid, b.version, b.health_port, s.silent_at,
           coalesce(s.silent_at < CASE WHEN live THEN database_clock() ELSE until END, false),
           b.cpu_percent, b.rss_bytes
      FROM accounts a
      CROSS JOIN LATERAL (
            -- Live, the one heard last: a bot whose clock is ahead of the database's is not silent for that.
            (SELECT h.*
               FROM bot_heartbeats h
              WHERE live AND h.account_id = a.account_id AND h.recorded_at <= known
              ORDER BY h.recorded_at DESC, h.at DESC
              LIMIT 1)
            UNION ALL
            (SELECT h.*
               FROM bot_heartbeats h
              WHERE NOT live AND h.account_id = a.account_id AND h.at <= until AND h.recorded_at <= known
              ORDER BY h.at DESC, h.revision DESC
              LIMIT 1)) b
      CROSS JOIN LATERAL (
            SELECT CASE WHEN b.status IN ('stopped', 'finished') THEN NULL
                        WHEN live THEN b.recorded_at + 3 * b.interval_seconds::double precision * interval '1 second'
                        WHEN a.clock = 'wall' THEN b.at + 3 * b.interval_seconds::double precision * interval '1 second'
                   END AS silent_at) s
     WHERE a.account_id = ANY (for_accounts)
$$;

GRANT EXECUTE ON FUNCTION accounts_at(text[], timestamptz, timestamptz, boolean),
    external_flows(text, timestamptz, timestamptz, timestamptz), closed_trades(text, timestamptz, timestamptz, timestamptz),
    latest_equity(text, timestamptz, timestamptz), equity_between(text, timestamptz, timestamptz, timestamptz),
    equity_base(text, timestamptz, timestamptz, timestamptz), fx_rate_at(text, text, text, timestamptz, timestamptz),
    open_positions(text[], timestamptz, timestamptz, boolean),
    bot_signs(text[], timestamptz, timestamptz, boolean) TO ai_trader_app, ai_trader_service;
