-- What else bots tell: rates, bars, index levels, models, pipelines, metrics. And what no fact may say.

-- Numbers beyond these bounds are mistakes, and double precision, in which series are reckoned, cannot hold 1e400 at all.
-- NaN and infinities lie outside of them. NOT VALID: what is there is not read again.
ALTER DOMAIN finite DROP CONSTRAINT finite_number;
ALTER DOMAIN finite ADD CONSTRAINT finite_number CHECK (VALUE = 0 OR abs(VALUE) BETWEEN 1e-61 AND 1e61) NOT VALID;
ALTER DOMAIN positive DROP CONSTRAINT positive_number;
ALTER DOMAIN positive ADD CONSTRAINT positive_number CHECK (VALUE BETWEEN 1e-61 AND 1e61) NOT VALID;
ALTER TABLE market_snapshots DROP CONSTRAINT finite_levels;
ALTER TABLE market_snapshots ADD CONSTRAINT levels_in_bounds CHECK (
    (1e61 >= ALL (bid_prices)) IS TRUE AND (-1e61 <= ALL (bid_prices)) IS TRUE
    AND (1e61 >= ALL (bid_sizes)) IS TRUE AND (-1e61 <= ALL (bid_sizes)) IS TRUE
    AND (1e61 >= ALL (ask_prices)) IS TRUE AND (-1e61 <= ALL (ask_prices)) IS TRUE
    AND (1e61 >= ALL (ask_sizes)) IS TRUE AND (-1e61 <= ALL (ask_sizes)) IS TRUE) NOT VALID;

-- Rates and prices. Shared by all who trade on their source.

CREATE TABLE fx_rates (
    source      text NOT NULL,
    base        text NOT NULL CONSTRAINT base_currency CHECK (base ~ '^[A-Z0-9]{2,10}$'),
    quote       text NOT NULL CONSTRAINT quote_currency CHECK (quote ~ '^[A-Z0-9]{2,10}$'),
    at          moment NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    rate        positive NOT NULL,
    PRIMARY KEY (source, base, quote, at, revision),
    CONSTRAINT two_currencies CHECK (base <> quote),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE fx_rates IS 'What currencies are worth in each other, by source: a row whenever a rate changed.';
COMMENT ON COLUMN fx_rates.base IS 'The currency of which one unit is priced.';
COMMENT ON COLUMN fx_rates.quote IS 'The currency it is priced in.';
COMMENT ON COLUMN fx_rates.rate IS 'One unit of base is worth this much quote.';

CREATE TABLE market_data (
    source         text NOT NULL,
    symbol         text NOT NULL,
    interval       text NOT NULL CONSTRAINT interval_known CHECK (interval IN ('1m', '5m', '15m', '1h', '1d')),
    at             moment NOT NULL,
    revision       integer NOT NULL DEFAULT 0,
    recorded_at    moment NOT NULL DEFAULT clock_timestamp(),
    open           positive NOT NULL,
    high           positive NOT NULL,
    low            positive NOT NULL,
    close          positive NOT NULL,
    volume         finite CONSTRAINT volume_not_negative CHECK (volume >= 0),
    adjusted_close positive,
    import_run_id  uuid,
    PRIMARY KEY (source, symbol, interval, at, revision),
    CONSTRAINT low_below_high CHECK (low <= high),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
) PARTITION BY RANGE (at);
COMMENT ON TABLE market_data IS 'Bars of prices that have closed. A corrected bar is a higher revision; the view candles shows those in force.';
COMMENT ON COLUMN market_data.symbol IS 'What was traded, as its source names it.';
COMMENT ON COLUMN market_data.interval IS 'Length of the bar: 1m, 5m, 15m, 1h or 1d.';
COMMENT ON COLUMN market_data.at IS 'When the bar opened.';
COMMENT ON COLUMN market_data.open IS 'First price of the bar.';
COMMENT ON COLUMN market_data.high IS 'Highest price of the bar.';
COMMENT ON COLUMN market_data.low IS 'Lowest price of the bar.';
COMMENT ON COLUMN market_data.close IS 'Last price of the bar.';
COMMENT ON COLUMN market_data.volume IS 'What traded in the bar, in units of the symbol; null where nobody knows.';
COMMENT ON COLUMN market_data.adjusted_close IS 'The close with later splits and dividends taken out; null where the source has none.';
COMMENT ON COLUMN market_data.import_run_id IS 'The import that brought it; null for what was recorded live.';
CREATE TABLE market_data_default PARTITION OF market_data DEFAULT;

CREATE VIEW candles WITH (security_invoker = true) AS
SELECT d.source, d.symbol, d.interval, d.at, d.open, d.high, d.low, d.close, d.volume, d.adjusted_close, d.revision, d.recorded_at
  FROM market_data d
 WHERE NOT EXISTS (SELECT FROM market_data newer
                    WHERE newer.source = d.source AND newer.symbol = d.symbol AND newer.interval = d.interval
                      AND newer.at = d.at AND newer.revision > d.revision);
COMMENT ON VIEW candles IS 'The bars in force: of every bar of market_data its highest revision.';

CREATE TABLE market_indices (
    source      text NOT NULL,
    name        text NOT NULL CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 200),
    at          moment NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL CONSTRAINT kind_known CHECK (kind IN ('index', 'volatility', 'breadth')),
    level       finite NOT NULL,
    PRIMARY KEY (source, name, at, revision),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE market_indices IS 'Levels of indices, of measures of volatility and of market breadth.';
COMMENT ON COLUMN market_indices.name IS 'As its source names it, for example SPX or VIX.';
COMMENT ON COLUMN market_indices.kind IS 'index, volatility (per cent a year, as such indices are quoted) or breadth (share of advancing symbols).';
COMMENT ON COLUMN market_indices.level IS 'As quoted.';

-- Models.

CREATE TABLE models (
    source      text NOT NULL,
    model       text NOT NULL CONSTRAINT model_length CHECK (length(model) BETWEEN 1 AND 200),
    version     text NOT NULL,
    kind        text NOT NULL,
    status      text NOT NULL CONSTRAINT status_known CHECK (status IN ('active', 'shadow', 'retired')),
    strategy    text,
    budget      finite,
    universe    text[] NOT NULL DEFAULT '{}',
    regime      text,
    trained_at  moment,
    parameters  jsonb NOT NULL DEFAULT '{}',
    at          moment NOT NULL,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, model),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE models IS 'The models that trade or look on, as they are now.';
COMMENT ON COLUMN models.model IS 'Its name; fills, orders and trades name it, with or without its version.';
COMMENT ON COLUMN models.version IS 'Of its parameters or its training.';
COMMENT ON COLUMN models.kind IS 'What it is, in its maker''s word: momentum, gradient boosting, rules, …';
COMMENT ON COLUMN models.status IS 'active: it trades; shadow: it predicts but does not trade; retired.';
COMMENT ON COLUMN models.strategy IS 'The strategy that asks it.';
COMMENT ON COLUMN models.budget IS 'Money it may bind, in the currency of the account it trades for; null for no limit of its own.';
COMMENT ON COLUMN models.universe IS 'The symbols it is asked about.';
COMMENT ON COLUMN models.regime IS 'The market it is made for, in the bot''s own word; null for any.';
COMMENT ON COLUMN models.trained_at IS 'When it was trained last; null for one that is not trained.';
COMMENT ON COLUMN models.parameters IS 'Whatever else describes it.';
COMMENT ON COLUMN models.at IS 'When this became so, on the bot''s clock.';

CREATE TABLE models_history (
    operation  text NOT NULL CONSTRAINT operation_known CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE models
);
COMMENT ON TABLE models_history IS 'Every version of every model''s description.';
CREATE INDEX models_history_model ON models_history (source, model, changed_at);

CREATE TABLE model_predictions (
    source          text NOT NULL,
    source_id       text NOT NULL,
    revision        integer NOT NULL DEFAULT 0,
    at              moment NOT NULL,
    recorded_at     moment NOT NULL DEFAULT clock_timestamp(),
    model           text NOT NULL,
    version         text NOT NULL,
    symbol          text NOT NULL,
    horizon_seconds integer NOT NULL CONSTRAINT horizon_positive CHECK (horizon_seconds > 0),
    prediction      finite NOT NULL,
    unit            text NOT NULL DEFAULT 'return',
    outcome         finite,
    PRIMARY KEY (source, source_id, revision),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE model_predictions IS 'What models expected. What came is a revision of the same prediction, so that both stay known.';
COMMENT ON COLUMN model_predictions.version IS 'The model''s version that predicted.';
COMMENT ON COLUMN model_predictions.symbol IS 'What the prediction is about.';
COMMENT ON COLUMN model_predictions.horizon_seconds IS 'How long after at the outcome is looked at.';
COMMENT ON COLUMN model_predictions.prediction IS 'What was expected, in unit.';
COMMENT ON COLUMN model_predictions.unit IS 'return is a fraction; else the model''s own.';
COMMENT ON COLUMN model_predictions.outcome IS 'What came, in the same unit; null while it is not known.';
CREATE INDEX model_predictions_at ON model_predictions (source, model, at DESC);

CREATE TABLE model_performance (
    source       text NOT NULL,
    model        text NOT NULL,
    version      text NOT NULL,
    at           moment NOT NULL,
    revision     integer NOT NULL DEFAULT 0,
    recorded_at  moment NOT NULL DEFAULT clock_timestamp(),
    window_start moment NOT NULL,
    predictions  integer NOT NULL CONSTRAINT predictions_not_negative CHECK (predictions >= 0),
    accuracy     finite,
    error        finite,
    ic           finite,
    sharpe       finite,
    drift        finite,
    PRIMARY KEY (source, model, version, at, revision),
    CONSTRAINT window_forwards CHECK (window_start <= at),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE model_performance IS 'How good models were over a window, by version; null figures are unknown.';
COMMENT ON COLUMN model_performance.version IS 'The model''s version that is judged.';
COMMENT ON COLUMN model_performance.at IS 'When the window ends.';
COMMENT ON COLUMN model_performance.window_start IS 'When the window begins.';
COMMENT ON COLUMN model_performance.predictions IS 'How many predictions with an outcome the figures rest on.';
COMMENT ON COLUMN model_performance.accuracy IS 'Share of predictions of the right direction, a fraction.';
COMMENT ON COLUMN model_performance.error IS 'Size of the error, in the unit of the predictions.';
COMMENT ON COLUMN model_performance.ic IS 'Information coefficient: rank correlation of prediction and outcome, in [-1, 1].';
COMMENT ON COLUMN model_performance.sharpe IS 'Annualised Sharpe ratio of following it.';
COMMENT ON COLUMN model_performance.drift IS 'How far its inputs or predictions have moved from those of its training; 0 is not at all.';

-- Pipelines and metrics.

CREATE TABLE pipeline_status (
    source          text NOT NULL,
    pipeline        text NOT NULL CONSTRAINT pipeline_length CHECK (length(pipeline) BETWEEN 1 AND 200),
    run_id          text NOT NULL,
    kind            text NOT NULL CONSTRAINT kind_known CHECK (kind IN ('feed', 'job')),
    status          text NOT NULL CONSTRAINT status_known CHECK (status IN ('running', 'succeeded', 'failed', 'late')),
    started_at      moment NOT NULL,
    finished_at     moment,
    last_success_at moment,
    rows_in         bigint,
    rows_out        bigint,
    errors          bigint NOT NULL DEFAULT 0,
    lag_seconds     finite,
    slo_seconds     positive,
    message         text,
    at              moment NOT NULL,
    recorded_at     moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, pipeline, run_id),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE pipeline_status IS 'Runs of feeds and data jobs, each as it is now. A run of a feed lasts from connect to disconnect.';
COMMENT ON COLUMN pipeline_status.pipeline IS 'Its name.';
COMMENT ON COLUMN pipeline_status.run_id IS 'Of this run; told again, it is the same run.';
COMMENT ON COLUMN pipeline_status.kind IS 'feed: it goes on; job: it comes to an end.';
COMMENT ON COLUMN pipeline_status.status IS 'late: it runs, but lags behind more than its slo_seconds.';
COMMENT ON COLUMN pipeline_status.started_at IS 'When the run began.';
COMMENT ON COLUMN pipeline_status.finished_at IS 'When it ended; null while it runs.';
COMMENT ON COLUMN pipeline_status.last_success_at IS 'When the pipeline last did what it is for, in this run or before.';
COMMENT ON COLUMN pipeline_status.rows_in IS 'Rows or messages it took in so far; null where it does not count.';
COMMENT ON COLUMN pipeline_status.rows_out IS 'Rows it wrote so far; null where it does not count.';
COMMENT ON COLUMN pipeline_status.errors IS 'Of this run so far.';
COMMENT ON COLUMN pipeline_status.lag_seconds IS 'How far what it delivers is behind what it is about.';
COMMENT ON COLUMN pipeline_status.slo_seconds IS 'The lag that is still right; null where nobody promised any.';
COMMENT ON COLUMN pipeline_status.message IS 'In words: why it failed, what it waits for.';
COMMENT ON COLUMN pipeline_status.at IS 'When this state was true, on the pipeline''s clock.';
CREATE INDEX pipeline_status_latest ON pipeline_status (source, pipeline, started_at DESC);

CREATE TABLE custom_metrics (
    source      text NOT NULL,
    name        text NOT NULL CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 200),
    account_id  account_key,
    at          moment NOT NULL,
    revision    integer NOT NULL DEFAULT 0,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    value       finite NOT NULL,
    unit        text NOT NULL DEFAULT '',
    CONSTRAINT custom_metrics_key UNIQUE NULLS NOT DISTINCT (source, name, account_id, at, revision),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE custom_metrics IS 'Any value that a bot gives a name.';
COMMENT ON COLUMN custom_metrics.name IS 'What it is; the read and the panel have the same name.';
COMMENT ON COLUMN custom_metrics.account_id IS 'Whose it is; null for one of no account, which every viewer sees.';
COMMENT ON COLUMN custom_metrics.value IS 'In unit.';
COMMENT ON COLUMN custom_metrics.unit IS 'For people; empty for a bare number. fraction is shown in per cent.';

-- What existing tables did not know. Plain numeric with a check beside it: a column of a domain would rewrite the table.

ALTER TABLE trading_pnl ADD COLUMN fx_pnl numeric;
ALTER TABLE trading_pnl ADD CONSTRAINT fx_pnl_finite CHECK (fx_pnl = 0 OR abs(fx_pnl) BETWEEN 1e-61 AND 1e61) NOT VALID;
COMMENT ON COLUMN trading_pnl.fx_pnl IS 'Result of changing rates on foreign cash and positions, since the account began; null where it is not counted.';
ALTER TABLE trades ADD COLUMN fx_rate numeric NOT NULL DEFAULT 1;
ALTER TABLE trades ADD CONSTRAINT fx_rate_positive CHECK (fx_rate BETWEEN 1e-61 AND 1e61) NOT VALID;
COMMENT ON COLUMN trades.fx_rate IS 'Account currency for one unit of the instrument''s, at the exit; 1 where they are the same.';
COMMENT ON COLUMN trades.gross_pnl IS 'side · quantity · multiplier · (exit − entry) in the instrument''s currency, at fx_rate in the account''s.';
COMMENT ON COLUMN trades.entry_price IS 'In the instrument''s currency.';
COMMENT ON COLUMN trades.exit_price IS 'In the instrument''s currency.';
COMMENT ON COLUMN fills.price IS 'In the instrument''s currency.';
COMMENT ON COLUMN instruments.currency IS 'Of its price; accounts in another one convert by fx_rates.';

-- Nothing has happened yet that is still to come. A clock may be ten minutes off; more is a mistake that would stand at
-- the head of every list and, in a state, keep every true word out until its time has come. What is there stays (NOT VALID).
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['fills', 'order_events', 'cash_flows', 'trading_pnl', 'market_snapshots', 'bot_heartbeats',
                                'system_events', 'orders', 'positions', 'daily_stats'] LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval ''10 minutes'') NOT VALID', name);
    END LOOP;
    ALTER TABLE trades ADD CONSTRAINT not_in_the_future CHECK (exit_time <= recorded_at + interval '10 minutes') NOT VALID;
END
$$;

-- Refusals say what was wrong.
ALTER TABLE fills RENAME CONSTRAINT fills_check TO quantity_above_zero;
ALTER TABLE trades RENAME CONSTRAINT trades_check TO quantity_above_zero;
ALTER TABLE trades RENAME CONSTRAINT trades_check1 TO exit_after_entry;

-- A fill of a symbol that nobody described cannot be valued: in which currency, with which multiplier?
CREATE FUNCTION refuse_unknown_symbols() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unknown record;
BEGIN
    SELECT f.symbol, a.source INTO unknown
      FROM (SELECT DISTINCT account_id, symbol FROM arrived) f
      JOIN public.accounts a ON a.account_id = f.account_id
     WHERE NOT EXISTS (SELECT FROM public.instruments i WHERE i.source = a.source AND i.symbol = f.symbol)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown symbol % of source %: record its Instrument first', unknown.symbol, unknown.source
            USING ERRCODE = 'check_violation', TABLE = 'fills', COLUMN = 'symbol';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER refuse_unknown_symbols AFTER INSERT ON fills REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_symbols();

-- History, the database's clock, announcements.

CREATE TRIGGER keep_history AFTER INSERT OR DELETE ON models FOR EACH ROW EXECUTE FUNCTION keep_history();
-- A bot that starts again tells the same with a new time: no new version.
CREATE TRIGGER keep_history_of_changes AFTER UPDATE ON models FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'at' - 'recorded_at' IS DISTINCT FROM to_jsonb(NEW) - 'at' - 'recorded_at')
    EXECUTE FUNCTION keep_history();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON models FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON pipeline_status FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();

-- Like announce_accounts, for tables of no account.
CREATE FUNCTION announce_shared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('app.announced', true) IS DISTINCT FROM 'on' AND EXISTS (SELECT FROM changed) THEN
        PERFORM pg_notify('ai_trader', TG_ARGV[0] || ':');
    END IF;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['fx_rates', 'market'], ['instruments', 'market'], ['models', 'models'], ['model_performance', 'models'],
        ['pipeline_status', 'pipelines']
    ] LOOP
        EXECUTE format('CREATE TRIGGER announce_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_shared(%L)', pair[1], pair[2]);
        EXECUTE format('CREATE TRIGGER announce_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_shared(%L)', pair[1], pair[2]);
        EXECUTE format('CREATE TRIGGER announce_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_shared(%L)', pair[1], pair[2]);
    END LOOP;
END
$$;
CREATE TRIGGER announce_insert AFTER INSERT ON custom_metrics REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts('metrics');

-- Who sees what.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['fx_rates', 'market_data', 'market_indices', 'models', 'models_history', 'model_predictions',
                                'model_performance', 'pipeline_status', 'custom_metrics'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
        IF name <> 'custom_metrics' THEN
            EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (true)', name);
        END IF;
    END LOOP;
END
$$;
CREATE POLICY app ON custom_metrics FOR SELECT TO ai_trader_app
    USING (account_id IS NULL OR account_id = ANY ((SELECT string_to_array(current_setting('app.accounts', true), ','))::text[]));
GRANT SELECT ON candles TO ai_trader_app, ai_trader_service;

-- As before, for every table that is partitioned by month: one with a default partition of its name.
CREATE OR REPLACE FUNCTION make_month_partition(parent text, month_start date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month_start)::date;
    next date := (date_trunc('month', month_start) + interval '1 month')::date;
    name text := parent || '_' || to_char(first, 'YYYY_MM');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_partitioned_table p JOIN pg_class d ON d.oid = p.partdefid
                    WHERE p.partrelid = to_regclass('public.' || quote_ident(parent)) AND d.relname = parent || '_default') THEN
        RAISE EXCEPTION 'table % is not partitioned by month', parent;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('partition ' || parent));
    IF to_regclass('public.' || quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('WITH moved AS (DELETE FROM public.%I WHERE at >= %L AND at < %L RETURNING *) INSERT INTO public.%I SELECT * FROM moved',
                   parent || '_default', first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC', name);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)', parent, name,
                   first::timestamp AT TIME ZONE 'UTC', next::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END
$$;
SELECT make_month_partition('market_data', (date_trunc('month', clock_timestamp()) + make_interval(months => ahead))::date)
  FROM generate_series(0, 2) AS ahead;

-- Columns that mean the same in every table say so in the new ones too.
DO $$
DECLARE
    meaning text[];
    place record;
BEGIN
    FOREACH meaning SLICE 1 IN ARRAY ARRAY[
        ['account_id', 'Whose it is.'],
        ['source', 'Who says so: a feed, a bot, a venue, an import.'],
        ['source_id', 'The id that its source gives it. The same fact told twice has the same one.'],
        ['revision', '0 for the fact, higher for its corrections: the highest known counts.'],
        ['at', 'When it happened, on the clock of whoever tells it.'],
        ['recorded_at', 'When it was learned, on the database''s clock.'],
        ['operation', 'What made this version of the row.'],
        ['changed_at', 'When it was made, on the database''s clock.'],
        ['model', 'The model, by its name in models.']
    ] LOOP
        FOR place IN
            SELECT a.attrelid::regclass AS relation
              FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
               AND a.attname = meaning[1] AND col_description(a.attrelid, a.attnum) IS NULL
        LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', place.relation, meaning[1], meaning[2]);
        END LOOP;
    END LOOP;
    -- A history means what its table means.
    FOR place IN
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', h.attrelid::regclass, h.attname, col_description(t.attrelid, t.attnum)) AS statement
          FROM pg_attribute h
          JOIN pg_class c ON c.oid = h.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
          JOIN pg_attribute t ON t.attname = h.attname
           AND t.attrelid = to_regclass('public.' || quote_ident(regexp_replace(c.relname, '_history$', '')))
         WHERE c.relname LIKE '%\_history' AND h.attnum > 0 AND col_description(h.attrelid, h.attnum) IS NULL
           AND col_description(t.attrelid, t.attnum) IS NOT NULL
    LOOP
        EXECUTE place.statement;
    END LOOP;
END
$$;
