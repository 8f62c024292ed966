-- The market of the stretch $2 that ends at $1, with the minutes and hours that the job has made of it.

INSERT INTO market_snapshots (source, symbol, at, recorded_at, mid, best_bid, best_ask, spread_bps, bid_prices, bid_sizes,
                              ask_prices, ask_sizes, bid_depth, ask_depth)
SELECT 'bench', 'SYM' || lpad(n::text, 2, '0'), t, t, mid, mid - 0.01, mid + 0.01, round(200 / mid, 4),
       ARRAY[mid - 0.01], '{10}', ARRAY[mid + 0.01], '{10}', 10, 10
  FROM generate_series($1::timestamptz - $2::interval, $1::timestamptz - interval '10 seconds', interval '10 seconds') t,
       generate_series(0, 49) n
  CROSS JOIN LATERAL (SELECT round((100 + n + 5 * sin(extract(epoch FROM t) / 5000))::numeric, 2) AS mid) p;

INSERT INTO market_rollups (source, symbol, width, at, learned_at, open, high, low, close, spread_sum, spread_count, bid_depth_sum,
                            bid_depth_count, ask_depth_sum, ask_depth_count, snapshots)
SELECT 'bench', 'SYM' || lpad(n::text, 2, '0'), w.width, t, t, 100, 101, 99, 100, 12, 6, 60, 6, 60, 6, 6
  FROM generate_series(0, 49) n, (VALUES ('minute', interval '1 minute'), ('hour', interval '1 hour')) AS w (width, step),
       generate_series(date_bin(w.step, $1::timestamptz - $2::interval, '2000-01-03Z'), $1::timestamptz - w.step, w.step) t
    ON CONFLICT DO NOTHING;
