-- How far equity went in a trading day, and how full the disk was at most: a close and a mean hide the hour in between.

ALTER TABLE equity_closes ADD COLUMN low numeric, ADD COLUMN high numeric;
COMMENT ON COLUMN equity_closes.low IS 'The least equity that was observed in the trading day; null where nothing was, and until it is looked up in the hours.';
COMMENT ON COLUMN equity_closes.high IS 'The greatest; null where low is.';
CREATE INDEX equity_closes_unknown ON equity_closes (account_id) WHERE low IS NULL AND observed_at IS NOT NULL;

ALTER TABLE host_rollups ADD COLUMN disk_max double precision;
COMMENT ON COLUMN host_rollups.disk_max IS 'The highest of them; null where none is known, as in buckets made before there was this column.';
