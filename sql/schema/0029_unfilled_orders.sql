-- Orders that came to nothing are found by what became of them. By itself: who writes orders waits only as long as this takes.

CREATE INDEX orders_unfilled ON orders (account_id, status, placed_at DESC) WHERE status IN ('cancelled', 'rejected', 'expired');
