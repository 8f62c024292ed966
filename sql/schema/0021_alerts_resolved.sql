-- Alerts that were open at some time in a window: those that are not over, and those that were over after it began.

CREATE INDEX alerts_resolved ON alerts (resolved_at);
