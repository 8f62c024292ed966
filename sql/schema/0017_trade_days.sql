-- Closed trades by day, month and what they have in common, so that a million of them cost no more than a thousand.

-- The few trades that were corrected: whether a trade is one of them must not cost a look at all.
CREATE INDEX trades_corrected ON trades (account_id, source, source_id, revision) WHERE revision > 0;
CREATE INDEX trades_pnl ON trades (account_id, realized_pnl);

CREATE TABLE trade_days (
    account_id account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    width      text NOT NULL CONSTRAINT width_known CHECK (width IN ('day', 'month')),
    part       text NOT NULL CONSTRAINT part_known CHECK (part IN ('', 'symbol', 'exit_type', 'side', 'model', 'segment', 'hour')),
    day        date NOT NULL,
    strategy   text,
    key        text,
    trades     bigint NOT NULL,
    wins       bigint NOT NULL,
    losses     bigint NOT NULL,
    won        numeric NOT NULL,
    lost       numeric NOT NULL,
    gross      numeric NOT NULL,
    fees       numeric NOT NULL,
    best       numeric NOT NULL,
    worst      numeric NOT NULL,
    held       interval NOT NULL,
    newest     timestamptz NOT NULL,
    CONSTRAINT trade_days_key UNIQUE NULLS NOT DISTINCT (account_id, width, part, day, strategy, key)
);
COMMENT ON TABLE trade_days IS 'What closed trades add up to, by trading day and month of their exit. It follows from trades alone.';
COMMENT ON COLUMN trade_days.width IS 'day, or month: the sum of its days.';
COMMENT ON COLUMN trade_days.part IS 'What key is of; empty for all trades together, which have none.';
COMMENT ON COLUMN trade_days.day IS 'The trading day of the account; of a month its first date.';
COMMENT ON COLUMN trade_days.key IS 'Which one of the part.';
COMMENT ON COLUMN trade_days.trades IS 'In their highest revision, without those that were busted.';
COMMENT ON COLUMN trade_days.wins IS 'Those with a net P&L above 0.';
COMMENT ON COLUMN trade_days.losses IS 'Those with a net P&L below 0.';
COMMENT ON COLUMN trade_days.won IS 'Net P&L of the wins.';
COMMENT ON COLUMN trade_days.lost IS 'Net P&L of the losses, at most 0.';
COMMENT ON COLUMN trade_days.gross IS 'P&L before fees.';
COMMENT ON COLUMN trade_days.fees IS 'Of both legs.';
COMMENT ON COLUMN trade_days.best IS 'The highest net P&L of one trade.';
COMMENT ON COLUMN trade_days.worst IS 'The lowest net P&L of one trade.';
COMMENT ON COLUMN trade_days.held IS 'The sum of the times from entry to exit.';
COMMENT ON COLUMN trade_days.newest IS 'The last exit.';

CREATE TABLE trade_days_progress (
    account_id account_key PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    zone       text NOT NULL,
    roll_over  interval NOT NULL
);
COMMENT ON TABLE trade_days_progress IS 'Accounts whose trades are summed up by day, but for what trade_marks says.';
COMMENT ON COLUMN trade_days_progress.zone IS 'The account''s, by which its days were told apart; once it is another, they are made anew.';
COMMENT ON COLUMN trade_days_progress.roll_over IS 'The same.';

CREATE TABLE trade_marks (
    account_id account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL
);
COMMENT ON TABLE trade_marks IS 'Stretches of time in which a trade came, changed or went since its day was summed up. No key: nobody waits for anybody.';
COMMENT ON COLUMN trade_marks.first_at IS 'The first exit among them.';
COMMENT ON COLUMN trade_marks.last_at IS 'The last exit among them.';
CREATE INDEX trade_marks_account ON trade_marks (account_id, first_at);

-- A mark becomes visible with the trades that it is about. A correction may move the exit: the days of all revisions count.
CREATE FUNCTION mark_trades() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.trade_marks (account_id, first_at, last_at)
    SELECT m.account_id, min(m.exit_time), max(m.exit_time)
      FROM (SELECT c.account_id, c.exit_time::timestamptz FROM changed c
            UNION ALL
            SELECT o.account_id, o.exit_time::timestamptz
              FROM changed c
              JOIN public.trades o ON o.account_id = c.account_id AND o.source = c.source AND o.source_id = c.source_id
             WHERE c.revision > 0) m
     GROUP BY m.account_id, date_trunc('hour', m.exit_time);
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON trades REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_trades();
CREATE TRIGGER mark_update AFTER UPDATE ON trades REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_trades();
CREATE TRIGGER mark_updated AFTER UPDATE ON trades REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_trades();
CREATE TRIGGER mark_delete AFTER DELETE ON trades REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_trades();

DO $$
DECLARE
    name text;
    visible text := 'account_id = ANY ((SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[])';
BEGIN
    FOREACH name IN ARRAY ARRAY['trade_days', 'trade_days_progress', 'trade_marks'] LOOP
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
COMMENT ON COLUMN trade_days.strategy IS 'The strategy that wanted it.';
