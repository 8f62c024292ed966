-- What every table is made of: finite numbers, account ids, the visible accounts, the two clocks' helpers.

CREATE DOMAIN finite AS numeric
    CONSTRAINT finite_number CHECK (VALUE NOT IN ('NaN', 'Infinity', '-Infinity'));
COMMENT ON DOMAIN finite IS 'An exact number. NaN and infinities are refused: they would poison every total.';

CREATE DOMAIN positive AS numeric
    CONSTRAINT positive_number CHECK (VALUE > 0 AND VALUE NOT IN ('NaN', 'Infinity'));
COMMENT ON DOMAIN positive IS 'An exact number above zero.';

CREATE DOMAIN account_key AS text
    CONSTRAINT account_pattern CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$');
COMMENT ON DOMAIN account_key IS 'An account id. The alphabet is closed because the scope of a transaction quotes it.';

CREATE DOMAIN moment AS timestamptz
    CONSTRAINT finite_moment CHECK (isfinite(VALUE));
COMMENT ON DOMAIN moment IS 'A point in time; "infinity" is not one.';

-- Keeps every version of a row of mutable state in <table>_history, stamped with the bot's time (column at) and ours.
-- Works the same for the Recorder and for a bot that writes with plain SQL.
-- The history's own columns come first: a column that a later migration adds to both tables is the last one of both.
CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    keep text := format('INSERT INTO %I.%I SELECT %L, clock_timestamp(), $1.*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_history', lower(TG_OP));
BEGIN
    IF TG_OP = 'DELETE' THEN
        EXECUTE keep USING OLD;
        RETURN OLD;
    END IF;
    EXECUTE keep USING NEW;
    RETURN NEW;
END
$$;

-- Stamps the database's clock on every write, whatever the writer sent.
CREATE FUNCTION stamp_recorded_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.recorded_at := clock_timestamp();
    RETURN NEW;
END
$$;

-- Announces changed accounts of a low-rate table, for bots that write with plain SQL. The Recorder announces by
-- itself, after its commit and off the ingest path, and sets app.announced to keep this quiet.
-- The argument is the topic; one notification an account and statement.
CREATE FUNCTION announce_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('app.announced', true) IS DISTINCT FROM 'on' THEN
        PERFORM pg_notify('ai_trader', TG_ARGV[0] || ':' || coalesce(account_id, ''))
           FROM (SELECT DISTINCT account_id FROM changed) AS accounts;
    END IF;
    RETURN NULL;
END
$$;
