-- Composed pages are edited by several people at once: a version tells whose words a change was made on, and every
-- change is announced, so that it appears in every viewer's navigation at once.

ALTER TABLE pages ADD COLUMN version integer NOT NULL DEFAULT 1 CONSTRAINT version_counts CHECK (version >= 1);
COMMENT ON COLUMN pages.version IS 'Grows by one with every change; who changes a page names the version they saw.';
COMMENT ON COLUMN pages.panels IS 'In order: the name of each panel, its width in columns and what is chosen of its options.';
COMMENT ON COLUMN pages.origin IS 'user: made in the browser or over the API. Pages of a configuration file are not kept here.';

CREATE TRIGGER announce_insert AFTER INSERT ON pages REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION announce_shared('pages');
CREATE TRIGGER announce_update AFTER UPDATE ON pages REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION announce_shared('pages');
CREATE TRIGGER announce_delete AFTER DELETE ON pages REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION announce_shared('pages');
