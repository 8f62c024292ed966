-- What services say of themselves beyond their state: why they were restarted, how fast pages follow, how each job goes.

ALTER TABLE services ADD COLUMN restarts_by_reason jsonb NOT NULL DEFAULT '{}';
ALTER TABLE services ADD COLUMN degraded_reason text;
ALTER TABLE services ADD COLUMN push_p50_seconds double precision;
ALTER TABLE services ADD COLUMN push_p95_seconds double precision;
ALTER TABLE services ADD COLUMN questions_answered bigint;
ALTER TABLE services ADD COLUMN questions_shared bigint;
COMMENT ON COLUMN services.restarts_by_reason IS 'Restarts since its supervisor started, by class of reason: crashed (ended by itself), killed (by a signal), hung, asked (by the user), moved (the database has another address). Classes without any are left out.';
COMMENT ON COLUMN services.degraded_reason IS 'What its /health complains of while it lives; null when it is ready, or was not asked.';
COMMENT ON COLUMN services.push_p50_seconds IS 'From learning of a change until its update was handed to the browser''s socket: half of the last 1,000 took less; null for what has no viewers.';
COMMENT ON COLUMN services.push_p95_seconds IS 'The same: 95 of 100 took less.';
COMMENT ON COLUMN services.questions_answered IS 'Questions its hub evaluated since the process started; null for what has none.';
COMMENT ON COLUMN services.questions_shared IS 'Questions that an answer made for another viewer served, since the process started.';

CREATE TABLE worker_jobs (
    job              text PRIMARY KEY,
    host             text NOT NULL,
    pid              integer NOT NULL,
    every_seconds    double precision NOT NULL CONSTRAINT every_seconds_above_zero CHECK (every_seconds > 0),
    limit_seconds    double precision NOT NULL CONSTRAINT limit_seconds_above_zero CHECK (limit_seconds > 0),
    state            text NOT NULL CONSTRAINT state_known CHECK (state IN ('waiting', 'running', 'failing')),
    runs             bigint NOT NULL DEFAULT 0,
    failures         bigint NOT NULL DEFAULT 0,
    last_started_at  timestamptz,
    last_finished_at timestamptz,
    last_seconds     double precision,
    last_result      text,
    last_error       text,
    next_at          timestamptz,
    at               timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE worker_jobs IS 'The newest word on every job that must happen once, by the worker that is elected.';
COMMENT ON COLUMN worker_jobs.job IS 'Its name.';
COMMENT ON COLUMN worker_jobs.host IS 'The machine of the worker that does it.';
COMMENT ON COLUMN worker_jobs.pid IS 'Of that worker.';
COMMENT ON COLUMN worker_jobs.every_seconds IS 'From one start to the next; a run that takes longer skips turns.';
COMMENT ON COLUMN worker_jobs.limit_seconds IS 'A run that takes longer is cancelled and counts as failed.';
COMMENT ON COLUMN worker_jobs.state IS 'waiting for its turn, running, or failing: its last run ended with an error and the next is awaited.';
COMMENT ON COLUMN worker_jobs.runs IS 'Since that worker started.';
COMMENT ON COLUMN worker_jobs.failures IS 'Of the runs, those that ended with an error.';
COMMENT ON COLUMN worker_jobs.last_started_at IS 'When the last run began; null before the first.';
COMMENT ON COLUMN worker_jobs.last_finished_at IS 'When the last run that is over ended; null before.';
COMMENT ON COLUMN worker_jobs.last_seconds IS 'How long that one took.';
COMMENT ON COLUMN worker_jobs.last_result IS 'What the last run that succeeded did, in its own words; null where it had nothing to say.';
COMMENT ON COLUMN worker_jobs.last_error IS 'What the last run that is over failed with; null when it did not.';
COMMENT ON COLUMN worker_jobs.next_at IS 'When the next run is due; null while one is under way.';
COMMENT ON COLUMN worker_jobs.at IS 'When the worker said so, on its own clock.';
COMMENT ON COLUMN worker_jobs.recorded_at IS 'When it was learned, on the database''s clock.';
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON worker_jobs FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
ALTER TABLE worker_jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE worker_jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY service ON worker_jobs TO ai_trader_service USING (true) WITH CHECK (true);
CREATE POLICY app ON worker_jobs FOR SELECT TO ai_trader_app USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON worker_jobs TO ai_trader_service;
GRANT SELECT ON worker_jobs TO ai_trader_app;

ALTER TABLE bot_heartbeats ADD COLUMN cpu_percent finite;
ALTER TABLE bot_heartbeats ADD COLUMN rss_bytes bigint;
COMMENT ON COLUMN bot_heartbeats.cpu_percent IS 'Per cent of one core since the heartbeat before, of the whole process; null where it is not counted.';
COMMENT ON COLUMN bot_heartbeats.rss_bytes IS 'Resident memory of the bot''s process; null where it is not counted.';
