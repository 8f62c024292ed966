-- What trades have in common, all of it at once, and tags: so that a question about several things asks the sums by day too.

-- All days are made anew, for they know nothing of groups and tags. First of all: who asks for sums looks here first, and then at
-- them. Without a default: who still makes days by the functions of before fails, instead of making some without groups.
TRUNCATE trade_days_progress;
ALTER TABLE trade_days_progress ADD COLUMN grouped boolean NOT NULL;
COMMENT ON COLUMN trade_days_progress.grouped IS 'True: the sums know of groups and tags.';

ALTER TABLE trade_days ADD COLUMN symbol text, ADD COLUMN segment text, ADD COLUMN exit_type text, ADD COLUMN side text;
COMMENT ON COLUMN trade_days.symbol IS 'What was traded; of the part group alone.';
COMMENT ON COLUMN trade_days.segment IS 'The same.';
COMMENT ON COLUMN trade_days.exit_type IS 'The same: why they were closed.';
COMMENT ON COLUMN trade_days.side IS 'The same: long or short.';
ALTER TABLE trade_days DROP CONSTRAINT part_known;
ALTER TABLE trade_days ADD CONSTRAINT part_known
    CHECK (part IN ('', 'symbol', 'exit_type', 'side', 'model', 'segment', 'hour', 'tag', 'group'));
COMMENT ON COLUMN trade_days.part IS 'What key is of; empty for all trades together, and group for those alike in all four columns: these have none.';

-- A row is one of its kind because a day is made whole, under a lock of its account. Names have no limit: none may stand in a key.
ALTER TABLE trade_days DROP CONSTRAINT trade_days_key;
ALTER TABLE fill_days DROP CONSTRAINT fill_days_key;
ALTER TABLE order_days DROP CONSTRAINT order_days_key;
CREATE INDEX trade_days_part ON trade_days (account_id, width, part, day);
CREATE INDEX fill_days_part ON fill_days (account_id, width, part, every_strategy, day);
CREATE INDEX order_days_part ON order_days (account_id, width, part, every_strategy, day);

-- A note may give a trade other tags: its day is to be summed up again.
CREATE FUNCTION mark_noted_trades() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.trade_marks (account_id, first_at, last_at)
    SELECT t.account_id, min(t.exit_time), max(t.exit_time)
      FROM changed c
      JOIN public.trades t ON t.account_id = c.account_id AND t.source = c.source AND t.source_id = c.source_id
     GROUP BY t.account_id, date_trunc('hour', t.exit_time);
    RETURN NULL;
END
$$;
CREATE TRIGGER mark_insert AFTER INSERT ON trade_notes REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_noted_trades();
CREATE INDEX trade_notes_at ON trade_notes (account_id, at);
