-- What is there whatever the length of the history that ends at $1.

INSERT INTO accounts (account_id, source, broker, label, currency, mode, periods_per_year, zone, roll_over, benchmark, at)
SELECT 'bench-' || letter, 'bench', 'paper', 'Bench ' || letter, 'USD', 'paper', 252, 'America/New_York', '17:00',
       'SYM00', $1::timestamptz - interval '11 years'
  FROM unnest('{a,b}'::text[]) AS letter;

INSERT INTO instruments (source, symbol, segment, sector, currency, tick)
SELECT 'bench', 'SYM' || lpad(n::text, 2, '0'), 'equity', 'sector ' || n % 8, CASE WHEN n % 10 = 9 THEN 'EUR' ELSE 'USD' END, 0.01
  FROM generate_series(0, 49) n WHERE $1::timestamptz IS NOT NULL;

INSERT INTO positions (account_id, position_id, source, symbol, side, quantity, entry_time, entry_price, current_price,
                       strategy, is_active, initial_stop, at)
SELECT 'bench-' || letter, 'open' || n, 'bench', 'SYM' || lpad(n::text, 2, '0'), 'long', 10, $1::timestamptz - interval '1 day',
       100, 101, 'strategy ' || n % 5, true, 98, $1
  FROM unnest('{a,b}'::text[]) AS letter, generate_series(0, 9) n;

INSERT INTO bot_heartbeats (account_id, source, source_id, at, recorded_at, status, interval_seconds, cycle_count,
                            uptime_seconds, regime, strategy, risk_factor)
SELECT 'bench-' || letter, 'bench', to_char(t, 'YYYYMMDDHH24MISS'), t, t, 'running', 5, 1, 1, 'trend ' || extract(day FROM t)::int % 3,
       'strategy 1', 1
  FROM unnest('{a,b}'::text[]) AS letter,
       generate_series($1::timestamptz - interval '30 days', $1::timestamptz, interval '20 seconds') t;

INSERT INTO system_metrics (host, at, recorded_at, cpu_percent, cpu_count, load_1, memory_used_bytes, memory_total_bytes)
SELECT 'bench', t, t, 10, 2, 0.5, 1e9, 4e9 FROM generate_series($1::timestamptz - interval '7 days', $1::timestamptz, interval '5 seconds') t;

INSERT INTO models (source, model, version, kind, status, strategy, at)
SELECT 'bench', 'model ' || n, '1', 'classifier', 'active', 'strategy ' || n, $1 FROM generate_series(0, 4) n;

INSERT INTO model_predictions (source, source_id, at, recorded_at, model, version, symbol, horizon_seconds, prediction, outcome)
SELECT 'bench', 'p' || n, $1::timestamptz - n * interval '5 minutes', $1::timestamptz - n * interval '5 minutes',
       'model ' || n % 5, '1', 'SYM' || lpad((n % 50)::text, 2, '0'), 3600, sin(n), cos(n)
  FROM generate_series(0, 100000) n;
