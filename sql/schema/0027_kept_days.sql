-- Orders by day, month and what they have in common, and equity at the close of every trading day: what questions about
-- years are answered from without a look at each order, or for each day at the observations.

CREATE TABLE order_days (
    account_id     account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    width          text NOT NULL CONSTRAINT width_known CHECK (width IN ('day', 'month')),
    part           text NOT NULL CONSTRAINT part_known CHECK (part IN ('', 'symbol', 'side', 'hour', 'reason')),
    every_strategy boolean NOT NULL,
    day            date NOT NULL,
    strategy       text,
    key            text,
    placed         bigint NOT NULL,
    rejected       bigint NOT NULL,
    symbols        text[],
    first_at       timestamptz,
    last_at        timestamptz,
    ended          bigint NOT NULL,
    executed       bigint NOT NULL,
    CONSTRAINT order_days_key UNIQUE NULLS NOT DISTINCT (account_id, width, part, every_strategy, day, strategy, key)
);
COMMENT ON TABLE order_days IS 'What orders add up to, by trading day and month. It follows from order_events and orders.';
COMMENT ON COLUMN order_days.width IS 'day, or month: the sum of its days.';
COMMENT ON COLUMN order_days.part IS 'What key is of; empty for all orders together, which have none.';
COMMENT ON COLUMN order_days.every_strategy IS 'Whether it is of all strategies together; strategy is null then.';
COMMENT ON COLUMN order_days.day IS 'The trading day of the account in which the step was, or the order ended; of a month its first date.';
COMMENT ON COLUMN order_days.strategy IS 'The strategy that wanted it.';
COMMENT ON COLUMN order_days.key IS 'Which one of the part.';
COMMENT ON COLUMN order_days.placed IS 'Steps of this kind in their highest revision.';
COMMENT ON COLUMN order_days.rejected IS 'The same.';
COMMENT ON COLUMN order_days.symbols IS 'Of the rejected, each once, in their order; null without any.';
COMMENT ON COLUMN order_days.first_at IS 'The first that was rejected; null without any.';
COMMENT ON COLUMN order_days.last_at IS 'The last that was rejected; null without any.';
COMMENT ON COLUMN order_days.ended IS 'Orders that are filled, cancelled, rejected or expired, by when that was.';
COMMENT ON COLUMN order_days.executed IS 'Those of them that had a fill.';

CREATE TABLE order_days_progress (
    account_id account_key PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    zone       text NOT NULL,
    roll_over  interval NOT NULL
);
COMMENT ON TABLE order_days_progress IS 'Accounts whose orders are summed up by day, but for what order_marks says; once something here is another than the account''s, they are made anew.';
COMMENT ON COLUMN order_days_progress.zone IS 'By which days were told apart.';
COMMENT ON COLUMN order_days_progress.roll_over IS 'The same.';

CREATE TABLE order_marks (
    account_id account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL
);
COMMENT ON TABLE order_marks IS 'Stretches of time in which an order ended, or a step of one came, changed or went, since its day was summed up. No key: nobody waits for anybody.';
COMMENT ON COLUMN order_marks.first_at IS 'The first among them.';
COMMENT ON COLUMN order_marks.last_at IS 'The last among them.';
CREATE INDEX order_marks_account ON order_marks (account_id, first_at);

-- A mark becomes visible with what it is about. Only what is counted leaves one. A correction may change the time and the
-- kind of a step: the days of all revisions count.
CREATE FUNCTION mark_order_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.order_marks (account_id, first_at, last_at)
    SELECT m.account_id, min(m.at), max(m.at)
      FROM (SELECT c.account_id, c.at::timestamptz FROM changed c WHERE c.kind IN ('placed', 'rejected')
            UNION ALL
            SELECT o.account_id, o.at::timestamptz
              FROM changed c
              JOIN public.order_events o ON o.account_id = c.account_id AND o.source = c.source AND o.source_id = c.source_id
             WHERE c.revision > 0) m
     GROUP BY m.account_id, date_trunc('hour', m.at);
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON order_events REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_order_events();
CREATE TRIGGER mark_update AFTER UPDATE ON order_events REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_order_events();
CREATE TRIGGER mark_updated AFTER UPDATE ON order_events REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_order_events();
CREATE TRIGGER mark_delete AFTER DELETE ON order_events REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_order_events();

CREATE FUNCTION mark_ended_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.order_marks (account_id, first_at, last_at)
    SELECT c.account_id, min(c.at)::timestamptz, max(c.at)::timestamptz
      FROM changed c
     WHERE c.status IN ('filled', 'cancelled', 'rejected', 'expired')
     GROUP BY c.account_id, date_trunc('hour', c.at);
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON orders REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_ended_orders();
CREATE TRIGGER mark_update AFTER UPDATE ON orders REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_ended_orders();
CREATE TRIGGER mark_updated AFTER UPDATE ON orders REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_ended_orders();
CREATE TRIGGER mark_delete AFTER DELETE ON orders REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_ended_orders();

CREATE TABLE equity_closes (
    account_id  account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    since       timestamptz NOT NULL,
    observed_at timestamptz,
    equity      numeric,
    PRIMARY KEY (account_id, at)
);
COMMENT ON TABLE equity_closes IS 'The last observation of equity in every trading day. It follows from trading_pnl, like the minutes of equity_rollups, and is right where these are.';
COMMENT ON COLUMN equity_closes.at IS 'The end of the trading day; an observation at that very moment is still of it.';
COMMENT ON COLUMN equity_closes.since IS 'Its beginning; an observation at that very moment is of the day before.';
COMMENT ON COLUMN equity_closes.observed_at IS 'When it was; null where nothing was observed.';
COMMENT ON COLUMN equity_closes.equity IS 'In account currency, in its highest revision.';

DO $$
DECLARE
    name text;
    visible text := 'account_id = ANY ((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])';
BEGIN
    FOREACH name IN ARRAY ARRAY['order_days', 'order_days_progress', 'order_marks', 'equity_closes'] LOOP
        EXECUTE format('COMMENT ON COLUMN %I.account_id IS %L', name, 'Whose it is.');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (%s)', name, visible);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
    END LOOP;
END
$$;
