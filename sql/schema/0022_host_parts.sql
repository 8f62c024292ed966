-- What the parts of a machine do (cores, file systems, disks, interfaces, sensors), and how long everything was up each day.

CREATE TABLE host_parts (
    host                   text NOT NULL,
    at                     moment NOT NULL,
    recorded_at            moment NOT NULL DEFAULT clock_timestamp(),
    width                  text NOT NULL CONSTRAINT width_known CHECK (width IN ('sample', 'minute', 'hour')),
    uptime_seconds         double precision NOT NULL,
    cpu_user_seconds       double precision,
    cpu_system_seconds     double precision,
    cpu_iowait_seconds     double precision,
    cpu_steal_seconds      double precision,
    cpu_idle_seconds       double precision,
    core_busy_seconds      double precision[] NOT NULL DEFAULT '{}',
    cpu_limit_cores        double precision,
    load_1                 double precision,
    load_5                 double precision,
    load_15                double precision,
    memory_total_bytes     bigint,
    memory_used_bytes      bigint,
    memory_cached_bytes    bigint,
    memory_available_bytes bigint,
    memory_limit_bytes     bigint,
    swap_total_bytes       bigint,
    swap_used_bytes        bigint,
    open_files             bigint,
    open_files_limit       bigint,
    file_systems           jsonb NOT NULL DEFAULT '{}',
    disks                  jsonb NOT NULL DEFAULT '{}',
    interfaces             jsonb NOT NULL DEFAULT '{}',
    temperatures           jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (host, at)
);
COMMENT ON TABLE host_parts IS 'Samples of a machine''s parts. What is counted, is counted since the machine started, so that the difference of any two samples is exact: longer histories are the same rows, fewer of them.';
COMMENT ON COLUMN host_parts.host IS 'The machine.';
COMMENT ON COLUMN host_parts.at IS 'When the sample was taken.';
COMMENT ON COLUMN host_parts.recorded_at IS 'When it was learned, on the database''s clock.';
COMMENT ON COLUMN host_parts.width IS 'hour: the first sample of its hour, minute: the first of its minute; the wider, the longer it is kept.';
COMMENT ON COLUMN host_parts.uptime_seconds IS 'Since the machine started, sleep included, on a clock that nobody sets.';
COMMENT ON COLUMN host_parts.cpu_user_seconds IS 'Of all cores, for programs.';
COMMENT ON COLUMN host_parts.cpu_system_seconds IS 'Of all cores, for the kernel and its interrupts.';
COMMENT ON COLUMN host_parts.cpu_iowait_seconds IS 'Of all cores, idle while a disk was waited for.';
COMMENT ON COLUMN host_parts.cpu_steal_seconds IS 'Of all cores, taken by other machines on the same hardware.';
COMMENT ON COLUMN host_parts.cpu_idle_seconds IS 'Of all cores, with nothing to do.';
COMMENT ON COLUMN host_parts.core_busy_seconds IS 'Core by core, everything but idle and waiting for disks.';
COMMENT ON COLUMN host_parts.cpu_limit_cores IS 'How many cores the container may use; null without a limit.';
COMMENT ON COLUMN host_parts.load_1 IS 'Processes that want to run, averaged over one minute.';
COMMENT ON COLUMN host_parts.load_5 IS 'The same over five minutes.';
COMMENT ON COLUMN host_parts.load_15 IS 'The same over a quarter of an hour.';
COMMENT ON COLUMN host_parts.memory_total_bytes IS 'Of the machine, or of the container where that has a limit.';
COMMENT ON COLUMN host_parts.memory_used_bytes IS 'What cannot be had back: total minus available.';
COMMENT ON COLUMN host_parts.memory_cached_bytes IS 'Files kept in memory while nobody needs the room.';
COMMENT ON COLUMN host_parts.memory_available_bytes IS 'What programs can have without swapping.';
COMMENT ON COLUMN host_parts.memory_limit_bytes IS 'How much the container may use; null without a limit.';
COMMENT ON COLUMN host_parts.swap_total_bytes IS 'Room to move memory out to; 0 for none.';
COMMENT ON COLUMN host_parts.swap_used_bytes IS 'Moved out to disk.';
COMMENT ON COLUMN host_parts.open_files IS 'File descriptors in use on the machine; null where the system does not tell.';
COMMENT ON COLUMN host_parts.open_files_limit IS 'How many the machine allows.';
COMMENT ON COLUMN host_parts.file_systems IS 'By mount point: device, kind, total, used and free bytes, inodes and inodes used.';
COMMENT ON COLUMN host_parts.disks IS 'By device, since the machine started: bytes and operations read and written, seconds busy.';
COMMENT ON COLUMN host_parts.interfaces IS 'By interface, since the machine started: bytes, errors and drops; whether it is up.';
COMMENT ON COLUMN host_parts.temperatures IS 'By sensor: degrees Celsius, and from where on it is high and critical.';
CREATE INDEX host_parts_width ON host_parts (host, width, at DESC);
CREATE INDEX host_parts_at ON host_parts (at DESC);
CREATE INDEX host_parts_old ON host_parts (width, at);

-- How long each thing was up on a day (UTC). What nobody looked at is not counted: it is unknown, and never up.
CREATE TABLE service_days (
    kind             text NOT NULL CONSTRAINT kind_known CHECK (kind IN ('database', 'bot', 'feed', 'manager', 'dashboard', 'worker')),
    service          text NOT NULL,
    day              date NOT NULL,
    account_id       account_key,
    up_seconds       double precision NOT NULL DEFAULT 0,
    degraded_seconds double precision NOT NULL DEFAULT 0,
    down_seconds     double precision NOT NULL DEFAULT 0,
    at               moment NOT NULL,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, service, day)
);
COMMENT ON TABLE service_days IS 'How long each thing was well, in trouble and gone on a day, as the elected worker saw it. The rest of the day nobody looked.';
COMMENT ON COLUMN service_days.kind IS 'What it is: database, bot, feed, manager, dashboard or worker.';
COMMENT ON COLUMN service_days.service IS 'Its name: a service at its machine, a bot''s account, a feed''s source.';
COMMENT ON COLUMN service_days.day IS 'UTC.';
COMMENT ON COLUMN service_days.account_id IS 'Whose bot it is; null for what is no account''s.';
COMMENT ON COLUMN service_days.up_seconds IS 'Seen well.';
COMMENT ON COLUMN service_days.degraded_seconds IS 'Seen running, but not well.';
COMMENT ON COLUMN service_days.down_seconds IS 'Seen silent, failed or unreachable.';
COMMENT ON COLUMN service_days.at IS 'Of the last look.';
COMMENT ON COLUMN service_days.recorded_at IS 'When that was learned, on the database''s clock.';
CREATE INDEX service_days_day ON service_days (day);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['host_parts', 'service_days'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
    END LOOP;
END
$$;
CREATE POLICY app ON host_parts FOR SELECT TO ai_trader_app USING (true);
CREATE POLICY app ON service_days FOR SELECT TO ai_trader_app
    USING (account_id IS NULL OR account_id = ANY ((SELECT string_to_array(current_setting('app.accounts', true), ','))::text[]));
