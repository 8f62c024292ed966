-- Executions by day, month and what they have in common: what trading cost over years, without a look at each fill.

CREATE TABLE fill_days (
    account_id       account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    width            text NOT NULL CONSTRAINT width_known CHECK (width IN ('day', 'month')),
    part             text NOT NULL CONSTRAINT part_known CHECK (part IN ('', 'symbol', 'side', 'liquidity', 'hour', 'size')),
    every_strategy   boolean NOT NULL,
    day              date NOT NULL,
    strategy         text,
    key              text,
    fills            bigint NOT NULL,
    costed           bigint NOT NULL,
    cost             numeric,
    arrival_notional numeric,
    best_bps         numeric,
    worst_bps        numeric,
    valued           bigint NOT NULL,
    maker_fills      bigint NOT NULL,
    taker_fills      bigint NOT NULL,
    maker_notional   numeric NOT NULL,
    taker_notional   numeric NOT NULL,
    unknown_notional numeric NOT NULL,
    maker_fees       numeric NOT NULL,
    taker_fees       numeric NOT NULL,
    unknown_fees     numeric NOT NULL,
    valued_fees      numeric NOT NULL,
    CONSTRAINT fill_days_key UNIQUE NULLS NOT DISTINCT (account_id, width, part, every_strategy, day, strategy, key)
);
COMMENT ON TABLE fill_days IS 'What executions add up to, by trading day and month, in account currency. It follows from fills, instruments and exchange rates.';
COMMENT ON COLUMN fill_days.width IS 'day, or month: the sum of its days.';
COMMENT ON COLUMN fill_days.part IS 'What key is of; empty for all fills together, which have none.';
COMMENT ON COLUMN fill_days.every_strategy IS 'Whether it is of all strategies together; strategy is null then.';
COMMENT ON COLUMN fill_days.day IS 'The trading day of the account; of a month its first date.';
COMMENT ON COLUMN fill_days.strategy IS 'The strategy that wanted it.';
COMMENT ON COLUMN fill_days.key IS 'Which one of the part.';
COMMENT ON COLUMN fill_days.fills IS 'In their highest revision, without those that were busted.';
COMMENT ON COLUMN fill_days.costed IS 'Those with an arrival mid and a rate into account currency.';
COMMENT ON COLUMN fill_days.cost IS 'Slippage of the costed ones, positive is paid; null without any.';
COMMENT ON COLUMN fill_days.arrival_notional IS 'Of the costed ones, at their arrival mids; null without any.';
COMMENT ON COLUMN fill_days.best_bps IS 'The lowest slippage of one fill, in basis points.';
COMMENT ON COLUMN fill_days.worst_bps IS 'The highest slippage of one fill, in basis points.';
COMMENT ON COLUMN fill_days.valued IS 'Those with a rate into account currency.';
COMMENT ON COLUMN fill_days.maker_fills IS 'Those that waited in the book.';
COMMENT ON COLUMN fill_days.taker_fills IS 'Those that met one that did.';
COMMENT ON COLUMN fill_days.maker_notional IS 'At the fill prices, of those with a rate.';
COMMENT ON COLUMN fill_days.taker_notional IS 'At the fill prices, of those with a rate.';
COMMENT ON COLUMN fill_days.unknown_notional IS 'The same of fills that are neither.';
COMMENT ON COLUMN fill_days.maker_fees IS 'Charged to makers.';
COMMENT ON COLUMN fill_days.taker_fees IS 'Charged to takers.';
COMMENT ON COLUMN fill_days.unknown_fees IS 'Charged to fills that are neither.';
COMMENT ON COLUMN fill_days.valued_fees IS 'Charged to those with a rate.';

CREATE TABLE fill_days_progress (
    account_id account_key PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    source     text NOT NULL,
    currency   text NOT NULL,
    zone       text NOT NULL,
    roll_over  interval NOT NULL
);
COMMENT ON TABLE fill_days_progress IS 'Accounts whose fills are summed up by day, but for what fill_marks says; once something here is another than the account''s, they are made anew.';
COMMENT ON COLUMN fill_days_progress.source IS 'Whose instruments and rates gave them their worth.';
COMMENT ON COLUMN fill_days_progress.currency IS 'What they are summed up in.';
COMMENT ON COLUMN fill_days_progress.zone IS 'By which days were told apart.';
COMMENT ON COLUMN fill_days_progress.roll_over IS 'The same.';

CREATE TABLE fill_marks (
    account_id account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL
);
COMMENT ON TABLE fill_marks IS 'Stretches of time in which a fill, or what it is worth, came, changed or went since its day was summed up. No key: nobody waits for anybody.';
COMMENT ON COLUMN fill_marks.first_at IS 'The first execution among them.';
COMMENT ON COLUMN fill_marks.last_at IS 'The last execution among them.';
CREATE INDEX fill_marks_account ON fill_marks (account_id, first_at);

-- A mark becomes visible with the fills that it is about. A correction may move the time: the days of all revisions count.
CREATE FUNCTION mark_fills() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.fill_marks (account_id, first_at, last_at)
    SELECT m.account_id, min(m.at), max(m.at)
      FROM (SELECT c.account_id, c.at::timestamptz FROM changed c
            UNION ALL
            SELECT o.account_id, o.at::timestamptz
              FROM changed c
              JOIN public.fills o ON o.account_id = c.account_id AND o.source = c.source AND o.source_id = c.source_id
             WHERE c.revision > 0) m
     GROUP BY m.account_id, date_trunc('hour', m.at);
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON fills REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills();
CREATE TRIGGER mark_update AFTER UPDATE ON fills REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills();
CREATE TRIGGER mark_updated AFTER UPDATE ON fills REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills();
CREATE TRIGGER mark_delete AFTER DELETE ON fills REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills();

-- A rate counts until the next one of its pair: the fills of that time are worth something else. One of now has none yet.
CREATE FUNCTION mark_fills_of_rates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.fill_marks (account_id, first_at, last_at)
    SELECT a.account_id, f.first_at, f.last_at
      FROM changed c
      JOIN public.accounts a ON a.source = c.source AND a.currency IN (c.base, c.quote)
      CROSS JOIN LATERAL (
            SELECT coalesce((SELECT min(r.at) FROM public.fx_rates r
                              WHERE r.source = c.source AND r.base = c.base AND r.quote = c.quote AND r.at > c.at), 'infinity') AS at) next
      CROSS JOIN LATERAL (
            SELECT min(o.at)::timestamptz AS first_at, max(o.at)::timestamptz AS last_at
              FROM public.fills o
             WHERE o.account_id = a.account_id AND o.at >= c.at AND o.at < next.at) f
     WHERE f.first_at IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON fx_rates REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills_of_rates();
CREATE TRIGGER mark_update AFTER UPDATE ON fx_rates REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills_of_rates();
CREATE TRIGGER mark_updated AFTER UPDATE ON fx_rates REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills_of_rates();
CREATE TRIGGER mark_delete AFTER DELETE ON fx_rates REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_fills_of_rates();

-- An instrument that is described anew in another currency changes the worth of all its fills.
CREATE FUNCTION mark_fills_of_instrument() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.fill_marks (account_id, first_at, last_at)
    SELECT a.account_id, f.first_at, f.last_at
      FROM public.accounts a
      CROSS JOIN LATERAL (
            SELECT min(o.at)::timestamptz AS first_at, max(o.at)::timestamptz AS last_at
              FROM public.fills o
             WHERE o.account_id = a.account_id
               AND o.symbol = CASE TG_OP WHEN 'DELETE' THEN OLD.symbol ELSE NEW.symbol END) f
     WHERE a.source = CASE TG_OP WHEN 'DELETE' THEN OLD.source ELSE NEW.source END AND f.first_at IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_described AFTER INSERT OR DELETE ON instruments FOR EACH ROW EXECUTE FUNCTION mark_fills_of_instrument();
CREATE TRIGGER mark_described_anew AFTER UPDATE OF currency ON instruments FOR EACH ROW
    WHEN (OLD.currency IS DISTINCT FROM NEW.currency) EXECUTE FUNCTION mark_fills_of_instrument();

DO $$
DECLARE
    name text;
    visible text := 'account_id = ANY ((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])';
BEGIN
    FOREACH name IN ARRAY ARRAY['fill_days', 'fill_days_progress', 'fill_marks'] LOOP
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

-- When an alert fired, newest first, whosever it is.
CREATE INDEX alerts_fired ON alerts (fired_at DESC);
