-- What the bot saw and how it is.

CREATE TABLE market_snapshots (
    source      text NOT NULL,
    symbol      text NOT NULL,
    at          moment NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    mid         positive NOT NULL,
    best_bid    positive,
    best_ask    positive,
    spread_bps  finite,
    bid_prices  numeric[] NOT NULL DEFAULT '{}',
    bid_sizes   numeric[] NOT NULL DEFAULT '{}',
    ask_prices  numeric[] NOT NULL DEFAULT '{}',
    ask_sizes   numeric[] NOT NULL DEFAULT '{}',
    bid_depth   finite,
    ask_depth   finite,
    PRIMARY KEY (source, symbol, at, revision),
    CONSTRAINT a_size_a_price CHECK (cardinality(bid_prices) = cardinality(bid_sizes) AND cardinality(ask_prices) = cardinality(ask_sizes)),
    CONSTRAINT finite_levels CHECK (NOT bid_prices || bid_sizes || ask_prices || ask_sizes && '{NaN,Infinity,-Infinity}'
                                    AND array_position(bid_prices || bid_sizes || ask_prices || ask_sizes, NULL) IS NULL)
) PARTITION BY RANGE (at);
COMMENT ON TABLE market_snapshots IS 'The order book as the bot saw it: best prices and the top five levels a side, nearest first.';
COMMENT ON COLUMN market_snapshots.spread_bps IS '(ask − bid) / mid · 10⁴.';
COMMENT ON COLUMN market_snapshots.bid_depth IS 'Sum of the sizes of the top five bids.';
COMMENT ON COLUMN market_snapshots.revision IS 'Of the same moment: a corrected book is a higher one, the highest counts.';
COMMENT ON COLUMN market_snapshots.mid IS '(best bid + best ask) / 2; the mark of positions.';
COMMENT ON COLUMN market_snapshots.bid_prices IS 'Nearest first; bid_sizes has one size for each.';
COMMENT ON COLUMN market_snapshots.ask_prices IS 'Nearest first; ask_sizes has one size for each.';
COMMENT ON COLUMN market_snapshots.ask_depth IS 'Sum of the sizes of the top five asks.';
CREATE TABLE market_snapshots_default PARTITION OF market_snapshots DEFAULT;

CREATE TABLE bot_heartbeats (
    account_id       account_key NOT NULL REFERENCES accounts,
    source           text NOT NULL,
    source_id        text NOT NULL,
    revision         integer NOT NULL DEFAULT 0,
    at               moment NOT NULL,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    status           text NOT NULL CHECK (status IN ('starting', 'running', 'blocked', 'finished', 'stopping', 'stopped', 'error')),
    interval_seconds finite NOT NULL CHECK (interval_seconds > 0),
    cycle_count      bigint NOT NULL,
    uptime_seconds   finite NOT NULL,
    error_count      integer NOT NULL DEFAULT 0,
    regime           text,
    strategy         text,
    models           text[] NOT NULL DEFAULT '{}',
    risk_factor      finite,
    risk_reason      text,
    dropped_events   bigint NOT NULL DEFAULT 0,
    host             text,
    pid              integer,
    version          text,
    health_port      integer,
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE bot_heartbeats IS 'A sign of life of every account''s bot, one an interval and at least one a minute.';
COMMENT ON COLUMN bot_heartbeats.interval_seconds IS 'Wall-clock time until the next one; the bot is silent after three of them without any.';
COMMENT ON COLUMN bot_heartbeats.dropped_events IS 'Events its Recorder had to give up since it started.';
COMMENT ON COLUMN bot_heartbeats.status IS 'blocked: its risk rules keep it from trading; finished: its replay has ended; error: its last cycle failed.';
COMMENT ON COLUMN bot_heartbeats.cycle_count IS 'Loops since the bot started.';
COMMENT ON COLUMN bot_heartbeats.error_count IS 'Failed cycles since the bot started.';
COMMENT ON COLUMN bot_heartbeats.regime IS 'What it takes the market for, in its own word.';
COMMENT ON COLUMN bot_heartbeats.risk_factor IS 'By what new positions are scaled now, 1 being the usual size; risk_reason says why.';
CREATE INDEX bot_heartbeats_at ON bot_heartbeats (account_id, at DESC);
CREATE INDEX bot_heartbeats_recorded ON bot_heartbeats (account_id, recorded_at DESC);

CREATE TABLE system_events (
    source      text NOT NULL,
    source_id   text NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    account_id  account_key,
    at          moment NOT NULL,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    severity    text NOT NULL CHECK (severity IN ('debug', 'info', 'warning', 'error', 'critical')),
    kind        text NOT NULL,
    message     text NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (source, source_id, revision)
);
COMMENT ON TABLE system_events IS 'Things that happened to bots and services: starts, stops, errors, risk decisions.';
COMMENT ON COLUMN system_events.account_id IS 'Whose it is; null for events of the suite, which every viewer sees.';
COMMENT ON COLUMN system_events.kind IS 'What happened, one word for machines: start, stop, error, risk_block, record_conflict, …';
CREATE INDEX system_events_at ON system_events (at DESC);
CREATE INDEX system_events_account ON system_events (account_id, at DESC);

CREATE TABLE alerts (
    alert_id        text PRIMARY KEY,
    account_id      account_key,
    rule            text NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    title           text NOT NULL,
    details         text NOT NULL DEFAULT '',
    value           finite,
    threshold       finite,
    unit            text,
    fired_at        moment NOT NULL,
    resolved_at     moment,
    acknowledged_at moment,
    acknowledged_by text,
    at              moment NOT NULL,
    recorded_at     moment NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE alerts IS 'Incidents: one row from fired to resolved. A bot''s own risk blocks are incidents too.';
COMMENT ON COLUMN alerts.alert_id IS 'Of the incident; the same incident told twice has the same id.';
COMMENT ON COLUMN alerts.account_id IS 'Whose it is; null for incidents of the suite, which every viewer sees.';
COMMENT ON COLUMN alerts.value IS 'What was measured when it fired, in unit; threshold is what it crossed.';
COMMENT ON COLUMN alerts.resolved_at IS 'When it was over; null while it is open.';
CREATE INDEX alerts_open ON alerts (account_id, fired_at) WHERE resolved_at IS NULL;
CREATE TABLE alerts_history (
    operation  text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE alerts
);
COMMENT ON TABLE alerts_history IS 'Every version of every incident.';
