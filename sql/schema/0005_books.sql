-- What follows from the fills: positions, trades, equity, days. Written by the bot's ledger or by the suite's.

CREATE TABLE positions (
    account_id       account_key NOT NULL REFERENCES accounts,
    position_id      text NOT NULL,
    source           text NOT NULL,
    symbol           text NOT NULL,
    exchange         text,
    instrument_token text,
    side             text NOT NULL CHECK (side IN ('long', 'short')),
    quantity         finite NOT NULL CHECK (quantity >= 0),
    lot_size         positive NOT NULL DEFAULT 1,
    multiplier       positive NOT NULL DEFAULT 1,
    entry_time       moment NOT NULL,
    entry_price      positive NOT NULL,
    current_price    finite,
    unrealized_pnl   finite,
    initial_stop     finite,
    strategy         text,
    is_active        boolean NOT NULL DEFAULT true,
    at               moment NOT NULL,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, position_id)
);
COMMENT ON TABLE positions IS 'Positions as they are now; closed ones stay with is_active = false and quantity 0.';
COMMENT ON COLUMN positions.entry_price IS 'Quantity-weighted price of the open lots.';
COMMENT ON COLUMN positions.current_price IS 'The mark; null when no price is known, never 0.';
COMMENT ON COLUMN positions.at IS 'When the position or its mark last changed, on the bot''s clock.';
COMMENT ON COLUMN positions.position_id IS 'Of one stay in the market: flat to flat. A position that is opened anew, or turned over, is another one.';
COMMENT ON COLUMN positions.lot_size IS 'Quantity of one tradable lot; quantity counts units, not lots.';
COMMENT ON COLUMN positions.entry_time IS 'When the account was last flat in the symbol.';
COMMENT ON COLUMN positions.unrealized_pnl IS 'Gross, before fees; read only where current_price is null, else it is computed.';
COMMENT ON COLUMN positions.initial_stop IS 'The stop price when it was opened: its risk is |entry − stop|.';
CREATE INDEX positions_active ON positions (account_id, symbol) WHERE is_active;

CREATE TABLE positions_history (
    operation  text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE positions
);
COMMENT ON TABLE positions_history IS 'Every version of every position; of versions that differ in the mark alone, one a minute.';
CREATE INDEX positions_history_account ON positions_history (account_id, position_id, at DESC);
CREATE INDEX positions_history_deleted ON positions_history (account_id, position_id) WHERE operation = 'delete';

CREATE TABLE trades (
    account_id       account_key NOT NULL REFERENCES accounts,
    source           text NOT NULL,
    source_id        text NOT NULL,
    revision         integer NOT NULL DEFAULT 0,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    position_id      text,
    symbol           text NOT NULL,
    exchange         text,
    segment          text,
    instrument_token text,
    transaction_type text NOT NULL CHECK (transaction_type IN ('BUY', 'SELL')),
    quantity         finite NOT NULL CHECK (quantity > 0 OR (quantity = 0 AND revision > 0)),
    entry_time       moment NOT NULL,
    exit_time        moment NOT NULL CHECK (exit_time >= entry_time),
    entry_price      positive NOT NULL,
    exit_price       positive NOT NULL,
    gross_pnl        finite NOT NULL,
    fees             finite NOT NULL DEFAULT 0,
    realized_pnl     finite NOT NULL,
    is_profit        boolean GENERATED ALWAYS AS (realized_pnl > 0) STORED,
    exit_type        text,
    mfe              finite,
    mae              finite,
    strategy         text,
    model            text,
    entry_fill       text,
    exit_fill        text,
    notes            text,
    tags             text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE trades IS 'Closed round trips. A trade is one lot match; it belongs to the trading day of its exit.';
COMMENT ON COLUMN trades.transaction_type IS 'The entry''s side: BUY for a long trade, SELL for a short one. Quantity has no sign.';
COMMENT ON COLUMN trades.realized_pnl IS 'Net: gross minus the fees of both legs.';
COMMENT ON COLUMN trades.mfe IS 'Maximum favourable excursion: best of side·(price − entry)/entry while open, a fraction.';
COMMENT ON COLUMN trades.entry_fill IS 'source_id of the fill that opened the lot.';
COMMENT ON COLUMN trades.exit_fill IS 'source_id of the fill that closed it.';
COMMENT ON COLUMN trades.gross_pnl IS 'side · quantity · multiplier · (exit − entry), in account currency.';
COMMENT ON COLUMN trades.fees IS 'Of both legs, the part that this quantity bears. Positive is paid.';
COMMENT ON COLUMN trades.quantity IS 'Matched of one lot; 0 only in a revision, for a trade that was busted.';
COMMENT ON COLUMN trades.exit_type IS 'Why it was closed: manual, signal, stop_loss, take_profit, auto_loss_limit, auto_trailing_sl or a bot''s own word.';
COMMENT ON COLUMN trades.mae IS 'Maximum adverse excursion: worst of side·(price − entry)/entry while open, a fraction.';
CREATE INDEX trades_exit ON trades (account_id, exit_time DESC);
CREATE INDEX trades_symbol ON trades (account_id, symbol, exit_time DESC);

CREATE TABLE trading_pnl (
    account_id       account_key NOT NULL,
    source           text NOT NULL,
    source_id        text NOT NULL,
    revision         integer NOT NULL DEFAULT 0,
    at               moment NOT NULL,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    equity           finite NOT NULL,
    cash             finite,
    realized_pnl     finite,
    unrealized_pnl   finite,
    fees             finite,
    gross_exposure   finite,
    net_exposure     finite,
    available_margin finite,
    PRIMARY KEY (account_id, source, source_id, revision, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE trading_pnl IS 'The equity series: one observation of the whole account each.';
COMMENT ON COLUMN trading_pnl.equity IS 'Net asset value: cash plus the market value of all positions.';
COMMENT ON COLUMN trading_pnl.realized_pnl IS 'Gross realised P&L since the account began, booked at fill time.';
COMMENT ON COLUMN trading_pnl.fees IS 'Fees charged since the account began.';
COMMENT ON COLUMN trading_pnl.account_id IS 'No foreign key, for the rate of these rows; without its account a row is seen by nobody.';
COMMENT ON COLUMN trading_pnl.unrealized_pnl IS 'Gross, of all open positions at their marks.';
COMMENT ON COLUMN trading_pnl.gross_exposure IS 'Σ |market value| of the positions.';
COMMENT ON COLUMN trading_pnl.net_exposure IS 'Σ market value of the positions, short ones negative.';
COMMENT ON COLUMN trading_pnl.available_margin IS 'What may still be bound by positions.';
CREATE INDEX trading_pnl_latest ON trading_pnl (account_id, at DESC, revision DESC);
CREATE TABLE trading_pnl_default PARTITION OF trading_pnl DEFAULT;

CREATE TABLE cash_flows (
    account_id  account_key NOT NULL REFERENCES accounts,
    source      text NOT NULL,
    source_id   text NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    at          moment NOT NULL,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL CHECK (kind IN ('deposit', 'withdrawal', 'transfer', 'dividend', 'funding', 'fee', 'interest')),
    amount      finite NOT NULL,
    note        text,
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE cash_flows IS 'Cash that moved other than by a fill. Deposits, withdrawals and transfers are external; the rest is performance.';
COMMENT ON COLUMN cash_flows.amount IS 'Signed as credited to the account, in its currency.';
CREATE INDEX cash_flows_at ON cash_flows (account_id, at);

CREATE TABLE daily_stats (
    account_id         account_key NOT NULL REFERENCES accounts,
    day                date NOT NULL,
    origin             text NOT NULL DEFAULT 'bot' CHECK (origin IN ('bot', 'ledger', 'imported')),
    realized_pnl       finite,
    unrealized_pnl     finite,
    trades             integer,
    volume             finite,
    fees               finite,
    protected_profit   finite,
    loss_used          finite,
    loss_limit         finite DEFAULT 5000,
    limit_hit          boolean NOT NULL DEFAULT false,
    trading_blocked    boolean NOT NULL DEFAULT false,
    trailing_active    boolean NOT NULL DEFAULT false,
    trailing_level     finite,
    average_spread_bps finite,
    max_position       finite,
    min_position       finite,
    at                 moment NOT NULL,
    recorded_at        moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, day)
);
COMMENT ON TABLE daily_stats IS 'What a bot''s risk rules say of its trading day. Figures that follow from fills are computed from fills.';
COMMENT ON COLUMN daily_stats.loss_used IS 'max(0, −(net realised today + change of unrealised today)), in account currency.';
COMMENT ON COLUMN daily_stats.day IS 'The date of the account''s trading day, in its zone and with its roll-over.';
COMMENT ON COLUMN daily_stats.origin IS 'Who says so: the bot, the suite''s ledger, or an import.';
COMMENT ON COLUMN daily_stats.realized_pnl IS 'Net, of the trades that closed on the day.';
COMMENT ON COLUMN daily_stats.unrealized_pnl IS 'Gross, at the end of the day so far; not its change within the day.';
COMMENT ON COLUMN daily_stats.volume IS 'Σ quantity · price · multiplier of the day''s fills.';
COMMENT ON COLUMN daily_stats.fees IS 'Charged by the day''s fills; fees of trades that closed may be of earlier days.';
COMMENT ON COLUMN daily_stats.protected_profit IS 'Result of the day that the trailing stop protects; 0 while it is not active.';
COMMENT ON COLUMN daily_stats.loss_limit IS 'The limit in force on the day; 0 or null is none, and then has no share used.';
COMMENT ON COLUMN daily_stats.limit_hit IS 'Whether the daily loss limit was reached.';
COMMENT ON COLUMN daily_stats.trailing_level IS 'Result of the day at which everything is closed; null while nothing is protected.';
COMMENT ON COLUMN daily_stats.max_position IS 'Largest signed market value of a symbol on the day.';
COMMENT ON COLUMN daily_stats.min_position IS 'Smallest signed market value of a symbol on the day: the largest short.';
CREATE VIEW daily_metrics WITH (security_invoker = true) AS SELECT * FROM daily_stats;
COMMENT ON VIEW daily_metrics IS 'The name daily_stats has in older tools.';
