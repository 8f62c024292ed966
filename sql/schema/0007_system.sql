-- The machine and the suite itself.

CREATE TABLE system_metrics (
    host                text NOT NULL,
    at                  moment NOT NULL,
    recorded_at         moment NOT NULL DEFAULT clock_timestamp(),
    cpu_percent         double precision,
    cpu_count           integer,
    load_1              double precision,
    load_5              double precision,
    load_15             double precision,
    memory_used_bytes   bigint,
    memory_total_bytes  bigint,
    swap_used_bytes     bigint,
    swap_total_bytes    bigint,
    disk_path           text,
    disk_used_bytes     bigint,
    disk_total_bytes    bigint,
    disk_read_bytes     bigint,
    disk_written_bytes  bigint,
    network_sent_bytes  bigint,
    network_received_bytes bigint,
    boot_at             timestamptz,
    PRIMARY KEY (host, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE system_metrics IS 'Samples of the machine the worker runs on.';
COMMENT ON COLUMN system_metrics.cpu_percent IS 'Per cent of all cores since the last sample, 0 to 100.';
COMMENT ON COLUMN system_metrics.disk_read_bytes IS 'Since the machine started; rates are differences.';
COMMENT ON COLUMN system_metrics.memory_used_bytes IS 'What cannot be had back: total minus available.';
COMMENT ON COLUMN system_metrics.disk_path IS 'The file system that the suite''s data lie on.';
COMMENT ON COLUMN system_metrics.disk_total_bytes IS 'What users can fill: without the blocks reserved for root.';
COMMENT ON COLUMN system_metrics.disk_written_bytes IS 'Since the machine started; rates are differences.';
COMMENT ON COLUMN system_metrics.network_sent_bytes IS 'Since the machine started; rates are differences.';
COMMENT ON COLUMN system_metrics.network_received_bytes IS 'Since the machine started; rates are differences.';
CREATE INDEX system_metrics_at ON system_metrics (at DESC);
CREATE TABLE system_metrics_default PARTITION OF system_metrics DEFAULT;

CREATE TABLE services (
    service       text NOT NULL,
    host          text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('manager', 'dashboard', 'worker', 'bot', 'database')),
    state         text NOT NULL CHECK (state IN ('starting', 'running', 'degraded', 'stopping', 'stopped', 'restarting', 'failed')),
    pid           integer,
    port          integer,
    version       text,
    started_at    timestamptz,
    restarts      integer NOT NULL DEFAULT 0,
    restart_reason text,
    cpu_percent   double precision,
    rss_bytes     bigint,
    probe_seconds double precision,
    viewers       integer,
    last_stderr   text,
    interval_seconds double precision NOT NULL DEFAULT 5,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (service, host)
);
COMMENT ON TABLE services IS 'The newest word of every process of the suite, by replica. A row older than three intervals is a silent service.';
COMMENT ON COLUMN services.cpu_percent IS 'Per cent of one core since the row before; above 100 with several threads.';
COMMENT ON COLUMN services.rss_bytes IS 'Resident memory of the process and its children.';
COMMENT ON COLUMN services.probe_seconds IS 'Answer time of its health route.';
COMMENT ON COLUMN services.viewers IS 'Browsers connected to it; null for what has none.';
COMMENT ON COLUMN services.last_stderr IS 'The last lines it wrote to standard error before it ended.';
COMMENT ON COLUMN services.interval_seconds IS 'Time until the row is renewed; silent after three of them.';

