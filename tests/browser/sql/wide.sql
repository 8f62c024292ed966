-- A wide world: 50 accounts in three currencies, 10,000 symbols, 500 open positions of one account, and something of
-- everything that the trading pages show. $1 is the present. Statements end with a semicolon at the end of a line.

INSERT INTO accounts (account_id, source, broker, label, currency, mode, benchmark, position_limit, at)
SELECT 'W' || lpad(n::text, 2, '0'), 'sim', 'paper', 'Wide account ' || n, (ARRAY['USD', 'EUR', 'JPY'])[1 + n % 3], 'paper', 'SYM00000', 50000,
       $1::timestamptz - interval '400 days'
  FROM generate_series(0, 49) n;

UPDATE accounts_history SET changed_at = at;

INSERT INTO instruments (source, symbol, segment, sector, currency, exchange, tick, calendar)
SELECT 'sim', 'SYM' || lpad(n::text, 5, '0'), 'equity', 'Sector ' || n % 23, 'USD', 'EX' || n % 5, 0.01, CASE WHEN n % 2 = 1 THEN 'XNYS' ELSE '24/7' END
  FROM generate_series(0, 9999) n;

INSERT INTO fx_rates (source, base, quote, at, recorded_at, rate)
SELECT 'sim', 'USD', quote, t, t, rate
  FROM (VALUES ('EUR', 0.9), ('JPY', 150)) AS r (quote, rate), generate_series($1::timestamptz - interval '90 days', $1::timestamptz, interval '1 day') t;

INSERT INTO market_snapshots (source, symbol, at, recorded_at, mid, best_bid, best_ask, spread_bps, bid_prices, bid_sizes, ask_prices, ask_sizes, bid_depth, ask_depth)
SELECT 'sim', 'SYM' || lpad(n::text, 5, '0'), t, t, mid, mid - 0.01, mid + 0.01, round(200 / mid, 4), ARRAY[mid - 0.01, mid - 0.02], '{10,20}',
       ARRAY[mid + 0.01, mid + 0.02], '{30,5}', 30, 35
  FROM generate_series(0, 9999) n
  CROSS JOIN unnest('{0 s,1 hour,25 hours}'::interval[]) AS back
  CROSS JOIN LATERAL (SELECT $1::timestamptz - back AS t, round((100 + n % 50 + 3 * sin(n + extract(epoch FROM back)))::numeric, 2) AS mid) p;

INSERT INTO market_snapshots (source, symbol, at, recorded_at, mid, best_bid, best_ask, spread_bps, bid_depth, ask_depth)
SELECT 'sim', 'SYM' || lpad(n::text, 5, '0'), t, t, mid, mid - 0.01, mid + 0.01, round(200 / mid, 4), 30, 35
  FROM generate_series(0, 9) n
  CROSS JOIN generate_series($1::timestamptz - interval '5999 minutes', $1::timestamptz - interval '1 minute', interval '2 minutes') t
  CROSS JOIN LATERAL (SELECT round((100 + n % 50 + 3 * sin(extract(epoch FROM t) / 4000))::numeric, 2) AS mid) p;

INSERT INTO market_data (source, symbol, interval, at, recorded_at, open, high, low, close, volume)
SELECT 'sim', 'SYM' || lpad(n::text, 5, '0'), '1d', t, t + interval '1 day', price, price + 1, price - 1, price, 1000
  FROM generate_series(0, 9999) n
  CROSS JOIN LATERAL generate_series(date_trunc('day', $1::timestamptz) - CASE WHEN n < 200 THEN 140 ELSE 3 END * interval '1 day',
                                     date_trunc('day', $1::timestamptz) - interval '1 day', interval '1 day') t
  CROSS JOIN LATERAL (SELECT round((100 + n % 50 + 10 * sin(extract(epoch FROM t) / 1e6 + n))::numeric, 2) AS price) p;

INSERT INTO market_data (source, symbol, interval, at, recorded_at, open, high, low, close, volume)
SELECT 'sim', 'SYM' || lpad(n::text, 5, '0'), '5m', t, t + interval '5 minutes', 100 + n, 101 + n, 99 + n, 100 + n, 10 + n
  FROM generate_series(0, 19) n, generate_series(date_bin('5 minutes', $1::timestamptz - interval '1 day', '2000-01-03Z'), $1::timestamptz - interval '10 minutes', interval '5 minutes') t;

INSERT INTO market_indices (source, name, at, recorded_at, kind, level)
SELECT 'sim', 'Index ' || n, t, t, (ARRAY['index', 'volatility', 'breadth'])[1 + n % 3], 20 + 5 * sin(extract(epoch FROM t) / 1e5 + n)
  FROM generate_series(0, 59) n, generate_series($1::timestamptz - interval '3 days', $1::timestamptz, interval '1 hour') t;

INSERT INTO trading_pnl (account_id, source, source_id, at, recorded_at, equity, cash, realized_pnl, unrealized_pnl, fees, available_margin)
SELECT 'W' || lpad(n::text, 2, '0'), 'bot', to_char(t, 'YYYYMMDDHH24MISS'), t, t,
       round((100000 + 300 * extract(epoch FROM t - $1::timestamptz) / 86400 + 4000 * sin(extract(epoch FROM t) / 300000 + n))::numeric, 2), 50000, 0, 0, 0, 40000
  FROM generate_series(0, 49) n, generate_series($1::timestamptz - interval '60 days', $1::timestamptz, interval '2 hours') t;

INSERT INTO cash_flows (account_id, source, source_id, at, recorded_at, kind, amount)
SELECT 'W' || lpad(n::text, 2, '0'), 'bot', kind, $1::timestamptz - back, $1::timestamptz - back, kind, amount
  FROM generate_series(0, 49) n, (VALUES ('deposit', 1000, interval '20 days'), ('funding', -3, interval '2 hours')) AS k (kind, amount, back);

CREATE TEMPORARY TABLE made AS
SELECT n AS id, $1::timestamptz - n * interval '90 days' / 20000 AS at, 'W' || lpad((n % 50)::text, 2, '0') AS account,
       'SYM' || lpad((n * 7919 % 10000)::text, 5, '0') AS symbol, (100 + n % 50)::numeric AS price, ((n * 7919 % 2003 - 950) / 20.0)::numeric AS pnl,
       (1 + n % 40) * interval '97 seconds' AS held
  FROM generate_series(1, 20000) n;

INSERT INTO trades (account_id, source, source_id, recorded_at, position_id, symbol, segment, transaction_type, quantity, entry_time, exit_time,
                    entry_price, exit_price, gross_pnl, fees, realized_pnl, exit_type, strategy, model, entry_fill, exit_fill, tags, mfe, mae)
SELECT m.account, 'bot', 't' || m.id, m.at, 'p' || m.id, m.symbol, 'equity', CASE WHEN m.id % 2 = 0 THEN 'BUY' ELSE 'SELL' END, 10,
       m.at - m.held, m.at, m.price, m.price + m.pnl / 10, m.pnl, 0.5, m.pnl - 0.5, (ARRAY['signal', 'stop_loss', 'take_profit', 'manual'])[1 + m.id % 4],
       'strategy ' || m.id % 60, 'model ' || m.id % 60, 'f' || m.id || 'e', 'f' || m.id || 'x', '{}', 0.01, -0.01
  FROM made m;

INSERT INTO orders (account_id, order_id, source, symbol, side, order_type, status, quantity, filled_quantity, price, average_fill_price, placed_at,
                    decision_price, arrival_mid, strategy, model, reason, at, recorded_at)
SELECT m.account, 'o' || m.id || leg.name, 'bot', m.symbol, leg.side, 'limit', leg.status, 10, leg.filled, m.price, CASE WHEN leg.filled > 0 THEN m.price END,
       leg.at - interval '2 seconds', m.price - 0.02, m.price - 0.01, 'strategy ' || m.id % 60, 'model ' || m.id % 60,
       CASE leg.status WHEN 'rejected' THEN 'insufficient margin ' || m.id % 40 END, leg.at, leg.at
  FROM made m
  CROSS JOIN LATERAL (VALUES ('e', 'buy', m.at - m.held, 'filled', 10), ('x', 'sell', m.at, 'filled', 10), ('w', 'buy', m.at, 'accepted', 0),
                             ('r', 'sell', m.at, 'rejected', 0)) AS leg (name, side, at, status, filled)
 WHERE m.id <= 4000 AND (leg.filled > 0 OR m.id % 10 = 0);

INSERT INTO order_events (account_id, source, source_id, at, recorded_at, order_id, kind, symbol, side, quantity, price, reason, strategy)
SELECT o.account_id, 'bot', o.order_id || step.kind, o.at - step.before, o.at - step.before, o.order_id, step.kind, o.symbol, o.side, o.quantity, o.price,
       CASE WHEN step.kind = 'rejected' THEN o.reason END, o.strategy
  FROM orders o
  CROSS JOIN LATERAL (VALUES ('placed', interval '2 seconds'), (o.status, interval '0')) AS step (kind, before)
;

INSERT INTO fills (account_id, source, source_id, at, recorded_at, order_id, symbol, side, quantity, price, fee, liquidity, decision_price, arrival_mid, strategy, model)
SELECT o.account_id, 'bot', 'f' || substr(o.order_id, 2), o.at, o.at, o.order_id, o.symbol, o.side, 10, o.average_fill_price, 0.25,
       CASE WHEN length(o.order_id) % 2 = 0 THEN 'maker' ELSE 'taker' END, o.decision_price, o.arrival_mid, o.strategy, o.model
  FROM orders o WHERE o.status = 'filled';

DROP TABLE made;

INSERT INTO positions (account_id, position_id, source, symbol, side, quantity, entry_time, entry_price, current_price, strategy, initial_stop, at, recorded_at)
SELECT 'W' || lpad(a::text, 2, '0'), 'open' || n, 'bot', 'SYM' || lpad((n * 17 % 10000)::text, 5, '0'), CASE WHEN n % 3 = 0 THEN 'short' ELSE 'long' END, 1 + n % 20,
       $1::timestamptz - interval '3 hours', 100, 100 + n % 7 - 3, 'strategy ' || n % 60, CASE WHEN n % 2 = 0 THEN 98 END, $1::timestamptz, $1::timestamptz
  FROM generate_series(0, 49) a, generate_series(0, 499) n
 WHERE a = 0 OR n < 5;

INSERT INTO daily_stats (account_id, day, origin, realized_pnl, trades, loss_used, loss_limit, at)
SELECT 'W' || lpad(n::text, 2, '0'), t::date, 'bot', 100, 137, n * 10, 500, t
  FROM generate_series(0, 49) n, generate_series($1::timestamptz - interval '30 days', $1::timestamptz, interval '1 day') t;

INSERT INTO bot_heartbeats (account_id, source, source_id, at, recorded_at, status, interval_seconds, cycle_count, uptime_seconds, regime, strategy, risk_factor, risk_reason)
SELECT 'W' || lpad(n::text, 2, '0'), 'bot', to_char(t, 'YYYYMMDDHH24MISS'), t, t, 'running', 3600, 1, 1, 'regime ' || (n + extract(hour FROM t)::int) % 7, 'strategy ' || n,
       0.5 + (extract(hour FROM t)::int % 5) / 10.0, 'volatility above its band'
  FROM generate_series(0, 49) n, generate_series($1::timestamptz - interval '5 days', $1::timestamptz, interval '1 hour') t;

INSERT INTO models (source, model, version, kind, status, strategy, budget, universe, at)
SELECT 'sim', 'model ' || n, '1', 'classifier', (ARRAY['active', 'shadow'])[1 + n % 2], 'strategy ' || n, 1000 * n,
       (SELECT array_agg('SYM' || lpad(s::text, 5, '0')) FROM generate_series(0, 9999) s WHERE n = 0 OR s < 5), $1::timestamptz - interval '9 days'
  FROM generate_series(0, 59) n;

INSERT INTO model_performance (source, model, version, at, recorded_at, window_start, predictions, accuracy, ic, sharpe, drift)
SELECT 'sim', 'model ' || n, '1', t, t, t - interval '1 day', 100, 0.5 + n / 200.0, 0.05, 1 + n / 30.0, 0.1
  FROM generate_series(0, 59) n, generate_series($1::timestamptz - interval '30 days', $1::timestamptz, interval '1 day') t;

INSERT INTO alerts (alert_id, account_id, rule, severity, title, details, value, threshold, unit, fired_at, resolved_at, at, recorded_at)
SELECT 'alert ' || n, 'W' || lpad((n % 50)::text, 2, '0'), 'drawdown', (ARRAY['warning', 'critical', 'info'])[1 + n % 3], 'Drawdown of strategy ' || n, 'It fell', n, 1, '%',
       $1::timestamptz - n * interval '10 minutes', CASE WHEN n % 2 = 0 THEN $1::timestamptz - n * interval '5 minutes' END, $1::timestamptz - n * interval '10 minutes',
       $1::timestamptz - n * interval '10 minutes'
  FROM generate_series(1, 600) n;

INSERT INTO system_events (source, source_id, account_id, at, recorded_at, severity, kind, message)
SELECT 'bot', 'e' || n, 'W' || lpad((n % 50)::text, 2, '0'), t, t, 'warning', 'risk_block', 'Blocked for the ' || n || 'th time'
  FROM generate_series(1, 500) n CROSS JOIN LATERAL (SELECT $1::timestamptz - n * interval '3 minutes' AS t) moments;
