-- What the database refused, kept whole until somebody looks.

CREATE TABLE dead_letters (
    id          uuid PRIMARY KEY,
    at          timestamptz NOT NULL,
    table_name  text NOT NULL,
    account_id  account_key,
    reason      text NOT NULL,
    payload     jsonb NOT NULL,
    recorded_at moment NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE dead_letters IS 'Events that could not be stored: the reason and the whole event, so that it can be mended and recorded again.';
COMMENT ON COLUMN dead_letters.id IS 'Derived from table and payload: the same event refused twice is one letter.';
COMMENT ON COLUMN dead_letters.at IS 'When it happened, on the bot''s clock; when it was refused where it has no valid time.';
COMMENT ON COLUMN dead_letters.table_name IS 'Where it should have gone.';
COMMENT ON COLUMN dead_letters.account_id IS 'Whose it is; null for facts of no account.';
COMMENT ON COLUMN dead_letters.reason IS 'PostgreSQL''s or the encoder''s own words.';
COMMENT ON COLUMN dead_letters.payload IS 'The fields of the event. Numbers are texts, exact; what JSON cannot hold is escaped.';
COMMENT ON COLUMN dead_letters.recorded_at IS 'When it was refused.';
CREATE INDEX dead_letters_account ON dead_letters (account_id, recorded_at DESC);

ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON dead_letters TO ai_trader_service USING (true) WITH CHECK (true);
CREATE POLICY app ON dead_letters FOR SELECT TO ai_trader_app
    USING (account_id IS NULL OR account_id = ANY ((SELECT string_to_array(current_setting('app.accounts', true), ','))::text[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO ai_trader_service;
GRANT SELECT ON dead_letters TO ai_trader_app;
