-- Accounts and what they trade.

CREATE TABLE accounts (
    account_id       account_key PRIMARY KEY,
    source           text NOT NULL,
    broker           text NOT NULL,
    label            text NOT NULL,
    currency         text NOT NULL CHECK (currency ~ '^[A-Z0-9]{2,10}$'),
    mode             text NOT NULL CHECK (mode IN ('live', 'paper', 'simulated', 'replay')),
    periods_per_year integer NOT NULL DEFAULT 252 CHECK (periods_per_year BETWEEN 1 AND 366),
    zone             text NOT NULL DEFAULT 'UTC' CONSTRAINT zone_known CHECK (timezone(zone, '2000-01-01 00:00Z'::timestamptz) IS NOT NULL),
    roll_over        interval NOT NULL DEFAULT '0' CHECK (roll_over >= '-12 hours' AND roll_over < '24 hours'),
    benchmark        text,
    lot_matching     text NOT NULL DEFAULT 'FIFO' CHECK (lot_matching IN ('FIFO', 'LIFO')),
    books            text NOT NULL DEFAULT 'bot' CHECK (books IN ('bot', 'suite')),
    clock            text NOT NULL DEFAULT 'wall' CHECK (clock IN ('wall', 'replay')),
    daily_loss_limit positive NOT NULL DEFAULT 5000,
    position_limit   positive,
    leverage_limit   positive,
    at               moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at      moment NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE accounts IS 'One trading account each: the unit of ownership, of visibility and of the books. Other systems call its id broker id.';
COMMENT ON COLUMN accounts.source IS 'Where its market data comes from, so that replayed, simulated and live prices never mix.';
COMMENT ON COLUMN accounts.periods_per_year IS 'Trading days a year for annualised figures: 252 equities, 365 crypto.';
COMMENT ON COLUMN accounts.zone IS 'IANA time zone of its trading day. An unknown one is refused here: it would fail every question about the account.';
COMMENT ON COLUMN accounts.roll_over IS 'When its trading day begins on that clock, counted from midnight.';
COMMENT ON COLUMN accounts.books IS 'Who derives positions, trades and daily figures: the bot itself or the suite''s worker from fills.';
COMMENT ON COLUMN accounts.clock IS '"replay" accounts live in the time of their replay, the newest heartbeat''s at.';
COMMENT ON COLUMN accounts.daily_loss_limit IS 'Loss of one trading day, in account currency, that blocks trading.';
COMMENT ON COLUMN accounts.currency IS 'Of all its money: equity, fees, P&L and limits. Currencies are never added.';
COMMENT ON COLUMN accounts.mode IS 'Whose prices and whose money: live, paper (live prices), simulated or replay.';
COMMENT ON COLUMN accounts.benchmark IS 'Symbol, of its source, that its returns are compared with.';
COMMENT ON COLUMN accounts.lot_matching IS 'Which open lots a closing fill takes first, for positions and trades alike.';
COMMENT ON COLUMN accounts.position_limit IS 'Largest market value of one symbol, long or short, in account currency.';
COMMENT ON COLUMN accounts.leverage_limit IS 'Largest gross exposure / equity at which positions may still be opened.';
COMMENT ON COLUMN accounts.at IS 'When these settings came into force, on the bot''s clock.';

CREATE TABLE accounts_history (
    operation  text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE accounts
);
COMMENT ON TABLE accounts_history IS 'Every version an account''s settings and limits ever had.';
CREATE INDEX accounts_history_account ON accounts_history (account_id, changed_at);

CREATE TABLE instruments (
    source           text NOT NULL,
    symbol           text NOT NULL CHECK (length(symbol) BETWEEN 1 AND 200),
    exchange         text,
    instrument_token text,
    segment          text,
    sector           text,
    currency         text NOT NULL,
    multiplier       positive NOT NULL DEFAULT 1,
    tick             positive NOT NULL DEFAULT 0.01,
    quantity_step    positive NOT NULL DEFAULT 1,
    calendar         text NOT NULL DEFAULT '24/7',
    at               moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, symbol)
);
COMMENT ON TABLE instruments IS 'What can be traded, by source of its prices.';
COMMENT ON COLUMN instruments.tick IS 'Smallest price step; prices are shown in it.';
COMMENT ON COLUMN instruments.calendar IS 'Exchange calendar that says when it trades, or 24/7.';
COMMENT ON COLUMN instruments.instrument_token IS 'The venue''s own number for it.';
COMMENT ON COLUMN instruments.multiplier IS 'Money that a price move of 1 brings a quantity of 1: the contract size of futures and options.';
COMMENT ON COLUMN instruments.quantity_step IS 'Smallest step of a quantity; quantities are shown in it.';
