-- The proof of the books: does what the account is worth now follow from what happened since?

-- Executions that count: the highest revision known of each, without those that were busted.
CREATE OR REPLACE FUNCTION booked_fills(for_account text, after timestamptz, until timestamptz, known timestamptz)
RETURNS SETOF fills
LANGUAGE sql STABLE AS $$
    SELECT f.*
      FROM fills f
     WHERE f.account_id = for_account AND f.at > after AND f.at <= until AND f.recorded_at <= known AND f.quantity > 0
       AND NOT EXISTS (SELECT FROM fills newer
                        WHERE newer.account_id = f.account_id AND newer.source = f.source AND newer.source_id = f.source_id
                          AND newer.revision > f.revision AND newer.recorded_at <= known)
$$;

-- Cash that moved other than by a fill, of every kind, with after < at <= until; a flow of amount 0 is a busted one.
CREATE OR REPLACE FUNCTION booked_flows(for_account text, after timestamptz, until timestamptz, known timestamptz)
RETURNS SETOF cash_flows
LANGUAGE sql STABLE AS $$
    SELECT f.*
      FROM cash_flows f
     WHERE f.account_id = for_account AND f.at > after AND f.at <= until AND f.recorded_at <= known
       AND NOT EXISTS (SELECT FROM cash_flows newer
                        WHERE newer.account_id = f.account_id AND newer.source = f.source AND newer.source_id = f.source_id
                          AND newer.revision > f.revision AND newer.recorded_at <= known)
$$;

-- Where a window's books begin: the last observation of equity at or before its start. Where none is that old the account
-- begins inside the window: from nothing, when its first fill or flow is no later than its first observation, else from
-- that observation.
CREATE OR REPLACE FUNCTION books_begin(for_account text, start timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (at timestamptz, equity numeric, unrealized_pnl numeric, fx_pnl numeric)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT b.at, b.equity, b.unrealized_pnl, b.fx_pnl FROM (
    (SELECT o.at::timestamptz AS at, o.equity::numeric AS equity, o.unrealized_pnl::numeric AS unrealized_pnl, coalesce(o.fx_pnl, 0)::numeric AS fx_pnl, 1 AS place
       FROM latest_equity(for_account, start, known) o)
    UNION ALL
    (SELECT CASE WHEN before.began <= o.at THEN '-infinity' ELSE o.at END, CASE WHEN before.began <= o.at THEN 0 ELSE o.equity END,
            CASE WHEN before.began <= o.at THEN 0 ELSE o.unrealized_pnl END,
            CASE WHEN before.began <= o.at THEN 0 ELSE coalesce(o.fx_pnl, 0) END, 2
       FROM trading_pnl o
      CROSS JOIN LATERAL (
            SELECT least((SELECT min(f.at) FROM fills f WHERE f.account_id = for_account AND f.recorded_at <= known),
                         (SELECT min(c.at) FROM cash_flows c WHERE c.account_id = for_account AND c.recorded_at <= known)) AS began) before
      WHERE o.account_id = for_account AND o.at > start AND o.at <= until AND o.recorded_at <= known
      ORDER BY o.at, o.revision DESC, o.recorded_at DESC
      LIMIT 1)
    ) b
     ORDER BY b.place
     LIMIT 1
$$;

-- One row an account: equity at both ends and every part of its change, in account currency, signed as credited to it:
-- change = realized + unrealized_change − fees + funding + dividends + interest + external + fx + residual.
-- realized is gross and counted by fill time (from trades), fees are those charged (by fills and flows); what was
-- unrealized, and the result of exchange rates, are the observations' own words: fx is 0 where they say nothing of it.
-- residual is 0 when the books are right, and null where the observations do not say what was unrealized.
CREATE OR REPLACE FUNCTION pnl_proof(for_accounts text[], start timestamptz, until timestamptz, known timestamptz)
RETURNS TABLE (account_id text, currency text, begins_at timestamptz, ends_at timestamptz, equity_before numeric, equity_after numeric,
               change numeric, realized numeric, unrealized_change numeric, fees numeric, funding numeric, dividends numeric,
               interest numeric, external numeric, fx numeric, residual numeric)
LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT a.account_id, a.currency, nullif(begin.at, '-infinity'), finish.at, begin.equity, finish.equity, p.change, t.realized,
           p.unrealized_change, p.fees, c.funding, c.dividends, c.interest, c.external, p.fx,
           p.change - t.realized - p.unrealized_change + p.fees - c.funding - c.dividends - c.interest - c.external - p.fx
      FROM accounts a
      CROSS JOIN LATERAL latest_equity(a.account_id, until, known) finish
      CROSS JOIN LATERAL books_begin(a.account_id, start, until, known) begin
      -- Of all that is known now, sums are kept by day. The year 1, because days are counted from a date.
      CROSS JOIN LATERAL (
            SELECT known >= '9999-01-01 00:00Z' AS kept, greatest(begin.at, '0001-06-01 00:00Z') AS since) k
      CROSS JOIN LATERAL (
            SELECT coalesce(sum(x.fees), 0) AS fees
              FROM (SELECT s.maker_fees + s.taker_fees + s.unknown_fees AS fees
                      FROM fill_sums(ARRAY[a.account_id]::text[], k.since, finish.at, known, true, NULL, NULL) s
                     WHERE k.kept
                    UNION ALL
                    SELECT f.fee FROM booked_fills(a.account_id, begin.at, finish.at, known) f WHERE NOT k.kept) x) f
      CROSS JOIN LATERAL (
            SELECT coalesce(sum(w.amount) FILTER (WHERE w.kind = 'fee'), 0) AS fees,
                   coalesce(sum(w.amount) FILTER (WHERE w.kind = 'funding'), 0) AS funding,
                   coalesce(sum(w.amount) FILTER (WHERE w.kind = 'dividend'), 0) AS dividends,
                   coalesce(sum(w.amount) FILTER (WHERE w.kind = 'interest'), 0) AS interest,
                   coalesce(sum(w.amount) FILTER (WHERE w.kind IN ('deposit', 'withdrawal', 'transfer')), 0) AS external
              FROM booked_flows(a.account_id, begin.at, finish.at, known) w) c
      CROSS JOIN LATERAL (
            SELECT coalesce(sum(x.gross), 0) AS realized
              FROM (SELECT s.gross
                      FROM trade_sums(ARRAY[a.account_id]::text[], k.since, finish.at, known, true, NULL, false,
                                      NULL, NULL, NULL, NULL, NULL, NULL) s
                     WHERE k.kept
                    UNION ALL
                    SELECT d.gross_pnl
                      FROM closed_trades(a.account_id, begin.at, finish.at, known) d
                     WHERE NOT k.kept AND d.exit_time > begin.at) x) t
      CROSS JOIN LATERAL (
            SELECT finish.equity - begin.equity AS change, finish.unrealized_pnl - begin.unrealized_pnl AS unrealized_change,
                   f.fees - c.fees AS fees, coalesce(finish.fx_pnl, 0) - begin.fx_pnl AS fx) p
     WHERE a.account_id = ANY (for_accounts) AND finish.at > begin.at
$$;

GRANT EXECUTE ON FUNCTION booked_fills(text, timestamptz, timestamptz, timestamptz), booked_flows(text, timestamptz, timestamptz, timestamptz),
    books_begin(text, timestamptz, timestamptz, timestamptz), pnl_proof(text[], timestamptz, timestamptz, timestamptz)
    TO ai_trader_app, ai_trader_service;
