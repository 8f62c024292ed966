-- The headline figures of accounts. Every surface that shows one of them asks here.

-- One row an account. A replayed account's present is its newest heartbeat's time, whatever it stands beside. Today is the account's own trading day, with its start <= at <= until; money is in its currency.
-- unrealized_pnl: of the open positions, null while one of them has no price; where none is open, what the last
-- observation of equity says. loss_used and the limit are the bot's own words of its day (loss_origin 'bot'), or where it
-- said nothing by then max(0, -today_pnl) against the account's limit ('computed'). Of a past day one version an hour is
-- kept, so there the loss follows by the bot's own formula, from net realised today and the change of unrealised.
DROP FUNCTION IF EXISTS account_figures(text[], timestamptz, timestamptz, timestamptz, boolean);
CREATE FUNCTION account_figures(for_accounts text[], start timestamptz, until timestamptz, known timestamptz, live boolean)
RETURNS TABLE (account_id text, label text, currency text, mode text, clock text,
               equity_at timestamptz, equity numeric, cash numeric, available_margin numeric,
               today_start timestamptz, today_pnl numeric, today_return double precision,
               unrealized_pnl numeric, positions bigint, unpriced_positions bigint, cost numeric,
               realized_today numeric, gross_today numeric, fees_today numeric, closed_today bigint, won_today bigint,
               loss_used numeric, loss_limit numeric, loss_origin text, trading_blocked boolean,
               drawdown double precision, max_drawdown double precision, drawdown_step interval,
               status text, regime text, strategy text, heartbeat_at timestamptz, heard_at timestamptz, silent_at timestamptz, silent boolean)
LANGUAGE sql STABLE ROWS 5 AS $$
    -- Materialized, because row-level security lets no index use a moment that is still an expression.
    WITH accounts_now AS MATERIALIZED (
        SELECT a.account_id, a.label, a.currency, a.mode, a.clock, a.daily_loss_limit,
               b.status, b.regime, b.strategy, b.at AS heartbeat_at, b.recorded_at AS heard_at, b.silent_at, b.silent,
               present.moment, today.day, trading_day_start(today.day, a.zone, a.roll_over) AS start
          FROM accounts_at(for_accounts, until, known, live) a
          LEFT JOIN bot_signs(for_accounts, until, known, live) b ON b.account_id = a.account_id
          CROSS JOIN LATERAL (SELECT CASE WHEN live AND a.clock = 'replay' THEN coalesce(b.at, until) ELSE until END AS moment) present
          CROSS JOIN LATERAL (SELECT trading_date(present.moment, a.zone, a.roll_over) AS day) today
    )
    SELECT n.account_id, n.label, n.currency, n.mode, n.clock,
           e.at, e.equity, e.cash, e.available_margin,
           n.start, p.pnl, p.period_return,
           CASE WHEN o.positions > 0 THEN o.unrealized_pnl ELSE e.unrealized_pnl END, o.positions, o.unpriced, o.cost,
           t.net, t.gross, t.fees, t.closed, t.won,
           CASE WHEN s.loss_used IS NULL THEN CASE WHEN p.pnl < 0 THEN -p.pnl WHEN p.pnl >= 0 THEN 0 END
                WHEN live OR e.unrealized_pnl IS NULL THEN s.loss_used
                ELSE greatest(0, -(t.net + e.unrealized_pnl - coalesce(b.unrealized_pnl, 0))) END,
           coalesce(s.loss_limit, n.daily_loss_limit),
           CASE WHEN s.loss_used IS NOT NULL AND s.origin <> 'ledger' THEN 'bot'
                WHEN s.loss_used IS NOT NULL OR p.pnl IS NOT NULL THEN 'computed' END,
           coalesce(s.trading_blocked, n.status = 'blocked'),
           d.drawdown, d.max_drawdown, d.step,
           n.status, n.regime, n.strategy, n.heartbeat_at, n.heard_at, n.silent_at, n.silent
      FROM accounts_now n
      LEFT JOIN LATERAL latest_equity(n.account_id, n.moment, known) e ON true
      LEFT JOIN LATERAL period_pnl(ARRAY[n.account_id], ARRAY[n.start], n.moment, known) p ON true
      LEFT JOIN LATERAL window_drawdown(ARRAY[n.account_id], account_figures.start, n.moment, known) d ON true
      CROSS JOIN LATERAL (
            SELECT count(*) AS positions, count(*) - count(q.unrealized_pnl) AS unpriced,
                   CASE WHEN count(q.unrealized_pnl) = count(*) THEN sum(q.unrealized_pnl) END AS unrealized_pnl,
                   sum(q.quantity * q.multiplier * q.entry_price * q.fx_rate) AS cost
              FROM open_positions(ARRAY[n.account_id], n.moment, known, live) q) o
      CROSS JOIN LATERAL (
            SELECT coalesce(sum(c.realized_pnl), 0) AS net, coalesce(sum(c.gross_pnl), 0) AS gross, coalesce(sum(c.fees), 0) AS fees,
                   count(*) AS closed, count(*) FILTER (WHERE c.realized_pnl > 0) AS won
              FROM closed_trades(n.account_id, n.start, n.moment, known) c) t
      LEFT JOIN LATERAL (
            SELECT c.loss_used, c.loss_limit, c.trading_blocked, c.origin
              FROM daily_stats c
             WHERE live AND c.account_id = n.account_id AND c.day = n.day AND c.at <= n.moment
            UNION ALL
            SELECT v.loss_used, v.loss_limit, v.trading_blocked, v.origin
              FROM (SELECT h.*
                      FROM daily_stats_history h
                     WHERE NOT live AND h.account_id = n.account_id AND h.day = n.day AND h.at <= n.moment AND h.changed_at <= known
                     ORDER BY h.at DESC, h.changed_at DESC
                     LIMIT 1) v
             WHERE v.operation <> 'delete') s ON true
      LEFT JOIN LATERAL latest_equity(n.account_id, n.start - interval '1 microsecond', known) b ON NOT live
$$;

GRANT EXECUTE ON FUNCTION account_figures(text[], timestamptz, timestamptz, timestamptz, boolean) TO ai_trader_app, ai_trader_service;
