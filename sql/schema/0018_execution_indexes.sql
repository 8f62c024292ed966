-- What questions about execution look up: the fills of an order, orders by when they were placed and when they ended.

CREATE INDEX fills_order ON fills (account_id, order_id, at) WHERE order_id IS NOT NULL;
CREATE INDEX orders_placed ON orders (account_id, placed_at DESC);
CREATE INDEX orders_ended ON orders (account_id, at) INCLUDE (placed_at, order_id)
    WHERE status IN ('filled', 'cancelled', 'rejected', 'expired');
CREATE INDEX orders_ended_recorded ON orders (account_id, recorded_at)
    WHERE status IN ('filled', 'cancelled', 'rejected', 'expired');
CREATE INDEX orders_history_ended ON orders_history (account_id, at) WHERE status IN ('filled', 'cancelled', 'rejected', 'expired');
CREATE INDEX orders_history_deleted ON orders_history (account_id, placed_at) WHERE operation = 'delete';

-- Rejections are few, and so are corrections: whether a fact was corrected must not cost a look at all of them.
CREATE INDEX order_events_rejected ON order_events (account_id, at) WHERE kind = 'rejected';
CREATE INDEX order_events_revised ON order_events (account_id, source, source_id, revision) WHERE revision > 0;
CREATE INDEX fills_revised ON fills (account_id, source, source_id, revision) WHERE revision > 0;
