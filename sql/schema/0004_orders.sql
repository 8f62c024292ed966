-- What was ordered and what was executed.

CREATE TABLE orders (
    account_id         account_key NOT NULL REFERENCES accounts,
    order_id           text NOT NULL,
    source             text NOT NULL,
    symbol             text NOT NULL,
    exchange           text,
    side               text NOT NULL CHECK (side IN ('buy', 'sell')),
    order_type         text NOT NULL CHECK (order_type IN ('market', 'limit', 'stop', 'stop_limit')),
    status             text NOT NULL CHECK (status IN ('placed', 'accepted', 'partially_filled', 'filled', 'cancelled', 'rejected', 'expired')),
    quantity           positive NOT NULL,
    filled_quantity    finite NOT NULL DEFAULT 0 CHECK (filled_quantity >= 0),
    price              finite,
    stop_price         finite,
    average_fill_price finite,
    placed_at          moment NOT NULL,
    decision_price     finite,
    arrival_mid        finite,
    strategy           text,
    model              text,
    reason             text,
    at                 moment NOT NULL,
    recorded_at        moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, order_id)
);
COMMENT ON TABLE orders IS 'The current state of every order. Its life is in order_events and orders_history.';
COMMENT ON COLUMN orders.decision_price IS 'Mid price when the strategy decided; implementation shortfall counts from it.';
COMMENT ON COLUMN orders.arrival_mid IS 'Mid price when the venue acknowledged; slippage counts from it.';
COMMENT ON COLUMN orders.filled_quantity IS 'Of the whole order so far; the sum of its fills.';
COMMENT ON COLUMN orders.price IS 'The limit; null for a market order.';
COMMENT ON COLUMN orders.stop_price IS 'The price that makes a stop order active.';
COMMENT ON COLUMN orders.average_fill_price IS 'Quantity-weighted price of its fills; null before the first.';
COMMENT ON COLUMN orders.reason IS 'Why it was rejected, cancelled or expired.';
COMMENT ON COLUMN orders.at IS 'When this state began, on the bot''s clock.';
CREATE INDEX orders_open ON orders (account_id, placed_at) WHERE status IN ('placed', 'accepted', 'partially_filled');

CREATE TABLE orders_history (
    operation  text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE orders
);
COMMENT ON TABLE orders_history IS 'Every version of every order, by the bot''s time and ours.';
CREATE INDEX orders_history_account ON orders_history (account_id, order_id, at);

CREATE TABLE order_events (
    account_id     account_key NOT NULL REFERENCES accounts,
    source         text NOT NULL,
    source_id      text NOT NULL,
    revision       integer NOT NULL DEFAULT 0,
    at             moment NOT NULL,
    recorded_at    moment NOT NULL DEFAULT clock_timestamp(),
    order_id       text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('placed', 'accepted', 'partially_filled', 'filled', 'cancelled', 'rejected', 'expired')),
    symbol         text NOT NULL,
    side           text NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity       positive NOT NULL,
    price          finite,
    reason         text,
    decision_price finite,
    arrival_mid    finite,
    strategy       text,
    model          text,
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE order_events IS 'The life of every order, append-only.';
COMMENT ON COLUMN order_events.quantity IS 'What the step is about: the executed part for fills, else the whole order.';
COMMENT ON COLUMN order_events.price IS 'The execution price for fills, else the limit.';
COMMENT ON COLUMN order_events.decision_price IS 'As on the order.';
COMMENT ON COLUMN order_events.arrival_mid IS 'As on the order.';
CREATE INDEX order_events_at ON order_events (account_id, at DESC);
CREATE INDEX order_events_order ON order_events (account_id, order_id, at);

CREATE TABLE fills (
    account_id     account_key NOT NULL REFERENCES accounts,
    source         text NOT NULL,
    source_id      text NOT NULL,
    revision       integer NOT NULL DEFAULT 0,
    at             moment NOT NULL,
    recorded_at    moment NOT NULL DEFAULT clock_timestamp(),
    order_id       text,
    symbol         text NOT NULL,
    side           text NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity       finite NOT NULL CHECK (quantity > 0 OR (quantity = 0 AND revision > 0)),
    price          positive NOT NULL,
    multiplier     positive NOT NULL DEFAULT 1,
    fee            finite NOT NULL DEFAULT 0,
    liquidity      text CHECK (liquidity IN ('maker', 'taker')),
    decision_price finite,
    arrival_mid    finite,
    strategy       text,
    model          text,
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE fills IS 'Executions: the facts all books are made of. A correction is a higher revision, a bust one with quantity 0.';
COMMENT ON COLUMN fills.fee IS 'In account currency; positive is paid, negative a rebate.';
COMMENT ON COLUMN fills.source_id IS 'The venue''s or the bot''s id of the execution; fills of one time are booked in its order.';
COMMENT ON COLUMN fills.multiplier IS 'The instrument''s at the time, so that old fills keep their worth.';
COMMENT ON COLUMN fills.liquidity IS 'maker: the order waited in the book; taker: it met one that did.';
COMMENT ON COLUMN fills.decision_price IS 'As on the order.';
COMMENT ON COLUMN fills.arrival_mid IS 'As on the order.';
CREATE INDEX fills_at ON fills (account_id, at DESC);
CREATE INDEX fills_symbol ON fills (account_id, symbol, at);
