-- What people write about closed trades. The facts stay as they were told, and a rebuild of the books makes them anew: so
-- notes stand beside them, under the trade's own id, and each version is kept with who wrote it.

CREATE TABLE trade_notes (
    account_id  account_key NOT NULL REFERENCES accounts,
    source      text NOT NULL,
    source_id   text NOT NULL,
    revision    integer NOT NULL CONSTRAINT revision_counts CHECK (revision > 0),
    at          moment NOT NULL,
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    written_by  text NOT NULL,
    notes       text CONSTRAINT notes_short CHECK (notes <> '' AND length(notes) <= 2000),
    tags        text[] NOT NULL DEFAULT '{}' CONSTRAINT tags_few CHECK (cardinality(tags) <= 20),
    PRIMARY KEY (account_id, source, source_id, revision)
);
COMMENT ON TABLE trade_notes IS 'Notes and tags that people gave to closed trades: the newest version known counts, whatever the bot said of them.';
COMMENT ON COLUMN trade_notes.account_id IS 'Whose trade it is.';
COMMENT ON COLUMN trade_notes.source IS 'The trade''s.';
COMMENT ON COLUMN trade_notes.source_id IS 'The trade''s, in all of its revisions.';
COMMENT ON COLUMN trade_notes.revision IS 'Counts the versions from 1.';
COMMENT ON COLUMN trade_notes.at IS 'When it was written, on the account''s clock.';
COMMENT ON COLUMN trade_notes.recorded_at IS 'When it was written, on the database''s clock.';
COMMENT ON COLUMN trade_notes.written_by IS 'Name of the user.';
COMMENT ON COLUMN trade_notes.notes IS 'Their words; null for none.';
COMMENT ON COLUMN trade_notes.tags IS 'Words to find it by.';

CREATE TRIGGER announce_insert AFTER INSERT ON trade_notes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts('trades');

ALTER TABLE trade_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE trade_notes FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON trade_notes TO ai_trader_service USING (true) WITH CHECK (true);
CREATE POLICY app ON trade_notes FOR SELECT TO ai_trader_app
    USING (account_id = ANY ((SELECT string_to_array(current_setting('app.accounts', true), ','))::text[]));
GRANT SELECT, INSERT ON trade_notes TO ai_trader_service;
GRANT SELECT ON trade_notes TO ai_trader_app;

-- What a question about a tag asks: tags have a past of their own, which the window of the trades does not tell.
CREATE TYPE tag_then AS (tag text, moment timestamptz);
COMMENT ON TYPE tag_then IS 'A tag that a trade is to have, and the moment at which it is to have had it; null asks for none.';
