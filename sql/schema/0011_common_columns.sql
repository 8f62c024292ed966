-- Columns that mean the same in every table say so in every table.
DO $$
DECLARE
    meaning text[];
    place record;
BEGIN
    FOREACH meaning SLICE 1 IN ARRAY ARRAY[
        ['account_id', 'Whose it is.'],
        ['source', 'Who says so: a feed, a bot, a venue, an import. With source_id and revision it is the key of a fact.'],
        ['source_id', 'The id that its source gives it. The same fact told twice has the same one.'],
        ['revision', '0 for the fact, higher for its corrections: the highest known counts.'],
        ['at', 'When it happened, on the clock of whoever tells it.'],
        ['recorded_at', 'When it was learned, on the database''s clock.'],
        ['strategy', 'The strategy that wanted it.'],
        ['model', 'The model behind it, with its version.'],
        ['side', 'buy or sell; of a position long or short. Quantities have no sign.'],
        ['multiplier', 'Money that a price move of 1 brings a quantity of 1.'],
        ['operation', 'What made this version of the row.'],
        ['changed_at', 'When it was made, on the database''s clock.']
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
END
$$;
