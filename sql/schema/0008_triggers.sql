-- History and announcements, the same for every writer.

CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION keep_history();
CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION keep_history();
CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON alerts FOR EACH ROW EXECUTE FUNCTION keep_history();
CREATE TRIGGER keep_history AFTER INSERT OR DELETE ON positions FOR EACH ROW EXECUTE FUNCTION keep_history();

-- A mark changes every few seconds and follows from market_snapshots: one version a minute is kept of those.
CREATE TRIGGER keep_history_of_changes AFTER UPDATE ON positions FOR EACH ROW
    WHEN ((OLD.side, OLD.quantity, OLD.entry_price, OLD.initial_stop, OLD.strategy, OLD.is_active)
          IS DISTINCT FROM (NEW.side, NEW.quantity, NEW.entry_price, NEW.initial_stop, NEW.strategy, NEW.is_active)
          OR date_trunc('minute', OLD.at::timestamptz) IS DISTINCT FROM date_trunc('minute', NEW.at::timestamptz))
    EXECUTE FUNCTION keep_history();

CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON positions FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON daily_stats FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON services FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();

DO $$
DECLARE
    pair text[];
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['accounts', 'accounts'], ['orders', 'orders'], ['positions', 'positions'], ['trades', 'trades'],
        ['cash_flows', 'cash'], ['daily_stats', 'daily'], ['alerts', 'alerts'], ['fills', 'fills']
    ] LOOP
        EXECUTE format('CREATE TRIGGER announce_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts(%L)', pair[1], pair[2]);
    END LOOP;
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['accounts', 'accounts'], ['orders', 'orders'], ['positions', 'positions'], ['daily_stats', 'daily'], ['alerts', 'alerts']
    ] LOOP
        EXECUTE format('CREATE TRIGGER announce_update AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts(%L)', pair[1], pair[2]);
        EXECUTE format('CREATE TRIGGER announce_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS changed
                        FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts(%L)', pair[1], pair[2]);
    END LOOP;
END
$$;
