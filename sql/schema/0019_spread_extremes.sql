-- The narrowest and the widest spread of a bucket: a mean over an hour hides the minute in which nobody could trade.

ALTER TABLE market_rollups ADD COLUMN spread_low numeric, ADD COLUMN spread_high numeric;
COMMENT ON COLUMN market_rollups.spread_low IS 'The narrowest spread in the bucket, below zero where the book was crossed; null where none is known, as in buckets made before there was this column.';
COMMENT ON COLUMN market_rollups.spread_high IS 'The widest spread in the bucket; null where spread_low is.';
