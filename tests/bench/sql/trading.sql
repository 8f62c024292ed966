-- A year of closed trades with their fills, orders and steps: of the year that ends at $1, the $2-th before the newest.

CREATE UNLOGGED TABLE made AS
SELECT $2 * 100000 + n AS id, $1::timestamptz - n * interval '365 days' / 100000 AS at,
       CASE WHEN n % 2 = 0 THEN 'bench-a' ELSE 'bench-b' END AS account, 'SYM' || lpad((n / 2 % 50)::text, 2, '0') AS symbol,
       (100 + n % 50 + (n % 997) / 100.0)::numeric AS price, ((n * 7919 % 2003 - 950) / 20.0)::numeric AS pnl,
       (1 + n % 40) * interval '97 seconds' AS held
  FROM generate_series(0, 99999) n;

INSERT INTO trades (account_id, source, source_id, recorded_at, position_id, symbol, segment, transaction_type, quantity,
                    entry_time, exit_time, entry_price, exit_price, gross_pnl, fees, realized_pnl, exit_type, strategy, model,
                    entry_fill, exit_fill, tags, mfe, mae)
SELECT n.account, 'bench', 't' || n.id, n.at, 'p' || n.id, n.symbol, 'equity', CASE WHEN n.id % 2 = 0 THEN 'BUY' ELSE 'SELL' END, 10,
       n.at - n.held, n.at, n.price, n.price + n.pnl / 10, n.pnl, 0.5, n.pnl - 0.5,
       (ARRAY['signal', 'stop_loss', 'take_profit', 'manual'])[1 + n.id % 4], 'strategy ' || n.id % 5, 'model ' || n.id % 5,
       'f' || n.id || 'e', 'f' || n.id || 'x', CASE WHEN n.id % 50 = 0 THEN '{news}'::text[] ELSE '{}' END, 0.01, -0.01
  FROM made n;

INSERT INTO fills (account_id, source, source_id, at, recorded_at, order_id, symbol, side, quantity, price, fee, liquidity,
                   decision_price, arrival_mid, strategy, model)
SELECT n.account, 'bench', 'f' || n.id || leg.name, leg.at, leg.at, 'o' || n.id || leg.name, n.symbol,
       CASE WHEN (n.id % 2 = 0) = (leg.name = 'e') THEN 'buy' ELSE 'sell' END, 10, leg.price, 0.25,
       CASE WHEN n.id % 3 = 0 THEN 'maker' ELSE 'taker' END, leg.price - 0.02, leg.price - 0.01, 'strategy ' || n.id % 5, 'model ' || n.id % 5
  FROM made n
  CROSS JOIN LATERAL (VALUES ('e', n.at - n.held, n.price), ('x', n.at, n.price + n.pnl / 10)) AS leg (name, at, price);

INSERT INTO orders (account_id, order_id, source, symbol, side, order_type, status, quantity, filled_quantity, average_fill_price,
                    placed_at, decision_price, arrival_mid, strategy, model, reason, at, recorded_at)
SELECT n.account, 'o' || n.id || leg.name, 'bench', n.symbol, CASE WHEN (n.id % 2 = 0) = (leg.name = 'e') THEN 'buy' ELSE 'sell' END,
       'limit', leg.status, 10, leg.filled, leg.price, leg.at - interval '2 seconds', leg.price - 0.02, leg.price - 0.01,
       'strategy ' || n.id % 5, 'model ' || n.id % 5, CASE WHEN leg.filled = 0 THEN 'insufficient margin' END, leg.at, leg.at
  FROM made n
  CROSS JOIN LATERAL (VALUES ('e', n.at - n.held, n.price, 'filled', 10), ('x', n.at, n.price + n.pnl / 10, 'filled', 10),
                             ('r', n.at - interval '1 minute', n.price, 'rejected', 0),
                             ('c', n.at - interval '1 minute', n.price, 'cancelled', 0)) AS leg (name, at, price, status, filled)
 WHERE leg.filled > 0 OR n.id % 20 = 0;

INSERT INTO order_events (account_id, source, source_id, at, recorded_at, order_id, kind, symbol, side, quantity, price, reason, strategy)
SELECT n.account, 'bench', 'v' || n.id || leg.name || step.kind, leg.at - step.before, leg.at - step.before, 'o' || n.id || leg.name, step.kind, n.symbol,
       CASE WHEN (n.id % 2 = 0) = (leg.name = 'e') THEN 'buy' ELSE 'sell' END, 10, n.price,
       CASE WHEN step.kind = 'rejected' THEN 'insufficient margin' END, 'strategy ' || n.id % 5
  FROM made n
  CROSS JOIN LATERAL (VALUES ('e', n.at - n.held, 'filled'), ('x', n.at, 'filled'), ('r', n.at - interval '1 minute', 'rejected'),
                             ('c', n.at - interval '1 minute', 'cancelled')) AS leg (name, at, ended)
  CROSS JOIN LATERAL (VALUES ('placed', interval '2 seconds'), (leg.ended, interval '0')) AS step (kind, before)
 WHERE leg.ended = 'filled' OR n.id % 20 = 0;

INSERT INTO positions_history (operation, changed_at, account_id, position_id, source, symbol, side, quantity, entry_time, entry_price,
                               current_price, strategy, is_active, initial_stop, multiplier, lot_size, at, recorded_at)
SELECT 'insert', n.at - n.held, n.account, 'p' || n.id, 'bench', n.symbol, 'long', 10, n.at - n.held, n.price, n.price,
       'strategy ' || n.id % 5, true, n.price - 2, 1, 1, n.at - n.held, n.at - n.held
  FROM made n;

DROP TABLE made;
