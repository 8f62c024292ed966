-- What is observed through the stretch $2 that ends at $1.

INSERT INTO trading_pnl (account_id, source, source_id, at, recorded_at, equity, cash, realized_pnl, unrealized_pnl, fees)
SELECT 'bench-' || letter, 'bench', to_char(t, 'YYYYMMDDHH24MISS'), t, t,
       round((100000 + 5000 * sin(extract(epoch FROM t) / 900000) + 300 * sin(extract(epoch FROM t) / 5000))::numeric, 2), 50000, 0, 0, 0
  FROM unnest('{a,b}'::text[]) AS letter, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 minute', interval '1 minute') t;

INSERT INTO equity_rollups (account_id, width, at, learned_at, last_at, equity, low, low_at, high, high_at, cash, realized_pnl,
                            unrealized_pnl, fees, observations)
SELECT 'bench-' || letter, w.width, t, t, t, 100000, 99000, t, 101000, t, 50000, 0, 0, 0, 60
  FROM unnest('{a,b}'::text[]) AS letter, (VALUES ('hour', interval '1 hour'), ('day', interval '1 day')) AS w (width, step),
       generate_series(date_bin(w.step, $1::timestamptz - $2::interval, '2000-01-03Z'), $1::timestamptz - interval '2 days', w.step) t
    ON CONFLICT DO NOTHING;

INSERT INTO market_data (source, symbol, interval, at, recorded_at, open, high, low, close, volume)
SELECT 'bench', 'SYM' || lpad(n::text, 2, '0'), '1d', t, t + interval '1 day', price, price + 1, price - 1, price, 1000
  FROM generate_series(0, 49) n,
       generate_series(date_trunc('day', $1::timestamptz - $2::interval), $1::timestamptz - interval '1 day', interval '1 day') t
  CROSS JOIN LATERAL (SELECT round((100 + n + 10 * sin(extract(epoch FROM t) / 1e6 + n))::numeric, 2) AS price) p
    ON CONFLICT DO NOTHING;

INSERT INTO daily_stats (account_id, day, origin, realized_pnl, trades, loss_used, loss_limit, at)
SELECT 'bench-' || letter, t::date, 'bot', 100, 137, 0, 5000, t
  FROM unnest('{a,b}'::text[]) AS letter, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 day', interval '1 day') t
    ON CONFLICT DO NOTHING;

INSERT INTO cash_flows (account_id, source, source_id, at, recorded_at, kind, amount)
SELECT 'bench-' || letter, 'bench', to_char(t, 'YYYYMMDD') || k.kind, t, t, k.kind, k.amount
  FROM unnest('{a,b}'::text[]) AS letter, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 day', interval '30 days') t,
       (VALUES ('deposit', 100), ('fee', -5)) AS k (kind, amount)
    ON CONFLICT DO NOTHING;

INSERT INTO fx_rates (source, base, quote, at, recorded_at, rate)
SELECT 'bench', 'EUR', 'USD', t, t, round((1.1 + 0.05 * sin(extract(epoch FROM t) / 1e6))::numeric, 5)
  FROM generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 hour', interval '1 hour') t
    ON CONFLICT DO NOTHING;

INSERT INTO alerts (alert_id, account_id, rule, severity, title, fired_at, resolved_at, at, recorded_at)
SELECT to_char(t, 'YYYYMMDDHH24MISS') || letter, 'bench-' || letter, 'drawdown', 'warning', 'Drawdown', t,
       CASE WHEN t < $1::timestamptz - interval '2 hours' THEN t + interval '1 hour' END, t, t
  FROM unnest('{a,b}'::text[]) AS letter, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 minute', interval '2 hours') t;

INSERT INTO system_events (source, source_id, account_id, at, recorded_at, severity, kind, message)
SELECT 'bench', to_char(t, 'YYYYMMDDHH24MISS'), 'bench-a', t, t, 'warning', 'note', 'Something happened'
  FROM generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 minute', interval '1 hour') t;

INSERT INTO pipeline_status (source, pipeline, run_id, kind, status, started_at, finished_at, at, recorded_at)
SELECT 'bench', 'pipeline ' || n, to_char(t, 'YYYYMMDDHH24'), 'job', 'succeeded', t, t + interval '1 minute', t, t
  FROM generate_series(0, 3) n, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 hour', interval '6 hours') t;

INSERT INTO model_performance (source, model, version, at, recorded_at, window_start, predictions, accuracy, ic)
SELECT 'bench', 'model ' || n, '1', t, t, t - interval '1 day', 100, 0.55, 0.05
  FROM generate_series(0, 4) n, generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 hour', interval '1 day') t;

INSERT INTO market_indices (source, name, at, recorded_at, kind, level)
SELECT 'bench', name, t, t, kind, 100 + 10 * sin(extract(epoch FROM t) / 1e6)
  FROM (VALUES ('S&P 500', 'index'), ('VIX', 'volatility')) AS i (name, kind),
       generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '1 hour', interval '1 hour') t;
