-- What operating the suite needs: users and the audit log, alert rules, reconciliation, pages, processes, housekeeping.

-- Users. Secrets are kept as hashes; a second factor's key, which must be read again, is sealed with SECRET_KEY.

CREATE TABLE users (
    user_id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name             text NOT NULL CONSTRAINT name_pattern CHECK (name ~ '^[a-z0-9][a-z0-9_.@+-]{0,127}$'),
    email            text CONSTRAINT email_length CHECK (length(email) <= 320),
    role             text NOT NULL CONSTRAINT role_known CHECK (role IN ('viewer', 'operator', 'admin')),
    all_accounts     boolean NOT NULL DEFAULT false,
    password_hash    text CONSTRAINT argon2id CHECK (password_hash LIKE '$argon2id$%'),
    password_changed_at moment,
    oidc_issuer      text,
    oidc_subject     text,
    totp_secret      bytea,
    totp_confirmed_at moment,
    totp_last_step   bigint,
    disabled_at      moment,
    last_login_at    moment,
    created_at       moment NOT NULL DEFAULT clock_timestamp(),
    created_by       text,
    CONSTRAINT users_name UNIQUE (name),
    CONSTRAINT users_oidc UNIQUE (oidc_issuer, oidc_subject),
    CONSTRAINT issuer_with_subject CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL))
);
COMMENT ON TABLE users IS 'Who may log in. Read by the service role alone; what they did is in audit_logs.';
COMMENT ON COLUMN users.user_id IS 'Stays when the name changes.';
COMMENT ON COLUMN users.name IS 'What they log in with, in lower case.';
COMMENT ON COLUMN users.email IS 'Where to write to; proves nothing.';
COMMENT ON COLUMN users.role IS 'viewer looks; operator also acknowledges, silences and edits; admin also manages users and settings.';
COMMENT ON COLUMN users.all_accounts IS 'Sees every account, those to come too; else those of user_accounts.';
COMMENT ON COLUMN users.password_hash IS 'argon2id with its parameters and salt; null for who logs in elsewhere.';
COMMENT ON COLUMN users.password_changed_at IS 'Sessions from before it no longer count.';
COMMENT ON COLUMN users.oidc_issuer IS 'Who vouches for them; null for a local user.';
COMMENT ON COLUMN users.oidc_subject IS 'Their id there. An e-mail address is none: others may get it later.';
COMMENT ON COLUMN users.totp_secret IS 'Key of the second factor, sealed; null without one.';
COMMENT ON COLUMN users.totp_confirmed_at IS 'When a first code proved that they have it; asked for from then on.';
COMMENT ON COLUMN users.totp_last_step IS 'Time step of the last code used: none is taken twice.';
COMMENT ON COLUMN users.disabled_at IS 'Since when they may not log in; null while they may.';
COMMENT ON COLUMN users.last_login_at IS 'For people who look after unused logins.';
COMMENT ON COLUMN users.created_at IS 'When it was made.';
COMMENT ON COLUMN users.created_by IS 'Name of who made it; null from the command line.';

CREATE TABLE user_accounts (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    account_id account_key NOT NULL REFERENCES accounts ON DELETE CASCADE,
    granted_at moment NOT NULL DEFAULT clock_timestamp(),
    granted_by text,
    PRIMARY KEY (user_id, account_id)
);
COMMENT ON TABLE user_accounts IS 'Which accounts a user may see.';
COMMENT ON COLUMN user_accounts.user_id IS 'Who may see it.';
COMMENT ON COLUMN user_accounts.account_id IS 'What they may see.';
COMMENT ON COLUMN user_accounts.granted_at IS 'Since when.';
COMMENT ON COLUMN user_accounts.granted_by IS 'Name of who let them.';
CREATE INDEX user_accounts_account ON user_accounts (account_id);

CREATE TABLE sessions (
    session_hash     bytea PRIMARY KEY CONSTRAINT sha256_length CHECK (octet_length(session_hash) = 32),
    user_id          uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    method           text NOT NULL CONSTRAINT method_known CHECK (method IN ('password', 'oidc')),
    csrf_hash        bytea NOT NULL,
    second_factor_at moment,
    address          inet,
    user_agent       text,
    created_at       moment NOT NULL DEFAULT clock_timestamp(),
    last_seen_at     moment NOT NULL DEFAULT clock_timestamp(),
    expires_at       moment NOT NULL,
    revoked_at       moment
);
COMMENT ON TABLE sessions IS 'Who is logged in, in which browser.';
COMMENT ON COLUMN sessions.session_hash IS 'SHA-256 of the cookie''s 256 random bits: the table lets nobody in.';
COMMENT ON COLUMN sessions.user_id IS 'Whose it is.';
COMMENT ON COLUMN sessions.method IS 'How they proved who they are.';
COMMENT ON COLUMN sessions.csrf_hash IS 'SHA-256 of the token that must come with every change.';
COMMENT ON COLUMN sessions.second_factor_at IS 'When the second factor was given; a user with one is not logged in before.';
COMMENT ON COLUMN sessions.address IS 'Where they logged in from.';
COMMENT ON COLUMN sessions.user_agent IS 'What their browser calls itself.';
COMMENT ON COLUMN sessions.created_at IS 'When they logged in.';
COMMENT ON COLUMN sessions.last_seen_at IS 'To within a minute; idle sessions end.';
COMMENT ON COLUMN sessions.expires_at IS 'When it ends however busy.';
COMMENT ON COLUMN sessions.revoked_at IS 'When it was ended: by logging out, by an admin, by a new password.';
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    token_id     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash   bytea NOT NULL CONSTRAINT sha256_length CHECK (octet_length(token_hash) = 32),
    prefix       text NOT NULL,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text NOT NULL CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 200),
    scopes       text[] NOT NULL CONSTRAINT scoped CHECK (cardinality(scopes) > 0),
    accounts     text[],
    created_at   moment NOT NULL DEFAULT clock_timestamp(),
    expires_at   moment NOT NULL,
    last_used_at moment,
    last_address inet,
    revoked_at   moment,
    CONSTRAINT api_tokens_hash UNIQUE (token_hash),
    CONSTRAINT expires_later CHECK (expires_at > created_at)
);
COMMENT ON TABLE api_tokens IS 'What programs log in with. The token itself is shown once and kept nowhere.';
COMMENT ON COLUMN api_tokens.token_id IS 'What it is called when it is listed or revoked.';
COMMENT ON COLUMN api_tokens.token_hash IS 'SHA-256 of its 256 random bits, which need no salt.';
COMMENT ON COLUMN api_tokens.prefix IS 'Its first characters, to know it again.';
COMMENT ON COLUMN api_tokens.user_id IS 'Whose it is; it can do no more than they can.';
COMMENT ON COLUMN api_tokens.name IS 'What it is for.';
COMMENT ON COLUMN api_tokens.scopes IS 'What it may be used for.';
COMMENT ON COLUMN api_tokens.accounts IS 'Which of the user''s accounts it sees; null for all of them.';
COMMENT ON COLUMN api_tokens.created_at IS 'When it was made.';
COMMENT ON COLUMN api_tokens.expires_at IS 'When it ends; every token does.';
COMMENT ON COLUMN api_tokens.last_used_at IS 'To within a minute; null for one never used.';
COMMENT ON COLUMN api_tokens.last_address IS 'Where it was used from last.';
COMMENT ON COLUMN api_tokens.revoked_at IS 'When it was revoked; null while it holds.';
CREATE INDEX api_tokens_user ON api_tokens (user_id);

CREATE TABLE recovery_codes (
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash  bytea NOT NULL CONSTRAINT sha256_length CHECK (octet_length(code_hash) = 32),
    created_at moment NOT NULL DEFAULT clock_timestamp(),
    used_at    moment,
    PRIMARY KEY (user_id, code_hash)
);
COMMENT ON TABLE recovery_codes IS 'What stands in, once each, for a lost second factor.';
COMMENT ON COLUMN recovery_codes.user_id IS 'Whose it is.';
COMMENT ON COLUMN recovery_codes.code_hash IS 'SHA-256 of a code of at least 80 random bits.';
COMMENT ON COLUMN recovery_codes.created_at IS 'When it was made.';
COMMENT ON COLUMN recovery_codes.used_at IS 'When it was used up; null while it can be used.';

-- The audit log: a chain, so that an entry that somebody changed, removed or put in later is found.

CREATE TABLE audit_logs (
    entry         bigint PRIMARY KEY,
    at            moment NOT NULL,
    user_id       uuid,
    user_name     text,
    role          text,
    method        text,
    address       inet,
    request_id    text,
    account_id    account_key,
    action        text NOT NULL CONSTRAINT action_length CHECK (length(action) BETWEEN 1 AND 200),
    target        text,
    outcome       text NOT NULL CONSTRAINT outcome_known CHECK (outcome IN ('done', 'denied', 'failed')),
    details       jsonb NOT NULL DEFAULT '{}',
    previous_hash bytea NOT NULL,
    hash          bytea NOT NULL
);
COMMENT ON TABLE audit_logs IS 'Who did or asked what, append-only for every role of the suite, for ever. No secrets in it.';
COMMENT ON COLUMN audit_logs.entry IS '1, 2, 3, … without a gap, in the order of the chain. Set by the database.';
COMMENT ON COLUMN audit_logs.at IS 'On the database''s clock. Set by the database.';
COMMENT ON COLUMN audit_logs.user_id IS 'Who; null for nobody known and for the command line. Outlives the user.';
COMMENT ON COLUMN audit_logs.user_name IS 'Their name at the time, or what a failed login claimed.';
COMMENT ON COLUMN audit_logs.role IS 'Their role at the time.';
COMMENT ON COLUMN audit_logs.method IS 'session, token, command line, worker.';
COMMENT ON COLUMN audit_logs.address IS 'Where it came from.';
COMMENT ON COLUMN audit_logs.request_id IS 'Of the request, as in the logs.';
COMMENT ON COLUMN audit_logs.account_id IS 'Which account it was about; null for none or several.';
COMMENT ON COLUMN audit_logs.action IS 'What: login, read, export, acknowledge, silence, token_created, …';
COMMENT ON COLUMN audit_logs.target IS 'To what: a route, a read, an alert, a user.';
COMMENT ON COLUMN audit_logs.outcome IS 'done, denied or failed.';
COMMENT ON COLUMN audit_logs.details IS 'Before and after of a change, or the parameters of a question.';
COMMENT ON COLUMN audit_logs.previous_hash IS 'The hash of the entry before; 32 zero bytes for the first.';
COMMENT ON COLUMN audit_logs.hash IS 'SHA-256 of previous_hash and the entry''s content, see audit_hash.';
CREATE INDEX audit_logs_at ON audit_logs (at DESC);
CREATE INDEX audit_logs_user ON audit_logs (user_name, entry DESC);

-- The hash of an entry. Independent of session settings; never change it, a column that is added later stays outside.
CREATE FUNCTION audit_hash(line audit_logs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(line.previous_hash || convert_to(jsonb_build_array(
        line.entry, (extract(epoch FROM line.at) * 1000000)::bigint, line.user_id, line.user_name, line.role, line.method,
        line.address::text, line.request_id, line.account_id, line.action, line.target, line.outcome, line.details)::text, 'UTF8'))
$$;

-- Links a new entry to the last one. One writer at a time: the lock is held until its commit.
CREATE FUNCTION chain_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_logs'));
    SELECT entry, hash INTO last FROM audit_logs ORDER BY entry DESC LIMIT 1;
    NEW.entry := coalesce(last.entry, 0) + 1;
    NEW.at := clock_timestamp();
    NEW.previous_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    NEW.hash := audit_hash(NEW);
    RETURN NEW;
END
$$;
-- The app role may append but sees only its scope, so the function looks as the service role.
ALTER FUNCTION chain_audit_log() OWNER TO ai_trader_service;
CREATE TRIGGER chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION chain_audit_log();

-- Alerts.

CREATE TABLE alert_rules (
    rule         text PRIMARY KEY CONSTRAINT rule_pattern CHECK (rule ~ '^[a-z0-9][a-z0-9_-]{0,99}$'),
    title        text NOT NULL,
    read         text NOT NULL,
    parameters   jsonb NOT NULL DEFAULT '{}',
    field        text,
    comparison   text NOT NULL CONSTRAINT comparison_known CHECK (comparison IN ('>', '>=', '<', '<=', '=', '!=', 'missing', 'stale')),
    threshold    finite,
    unit         text,
    hold_seconds finite NOT NULL DEFAULT 0 CONSTRAINT hold_not_negative CHECK (hold_seconds >= 0),
    severity     text NOT NULL CONSTRAINT severity_known CHECK (severity IN ('info', 'warning', 'critical')),
    accounts     text[],
    sinks        text[] NOT NULL DEFAULT '{}',
    escalation   jsonb NOT NULL DEFAULT '[]',
    enabled      boolean NOT NULL DEFAULT true,
    origin       text NOT NULL CONSTRAINT origin_known CHECK (origin IN ('built_in', 'file', 'user')),
    changed_by   text,
    at           moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at  moment NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT threshold_to_compare CHECK (threshold IS NOT NULL OR comparison IN ('missing', 'stale'))
);
COMMENT ON TABLE alert_rules IS 'When somebody must be told. Rules of the configuration file are copied here, so that their history is known.';
COMMENT ON COLUMN alert_rules.rule IS 'Its name.';
COMMENT ON COLUMN alert_rules.title IS 'What its incidents are called.';
COMMENT ON COLUMN alert_rules.read IS 'The read it looks at.';
COMMENT ON COLUMN alert_rules.parameters IS 'What the read is asked with: window, strategy, …';
COMMENT ON COLUMN alert_rules.field IS 'Which field of the answer; null for a read that is one number.';
COMMENT ON COLUMN alert_rules.comparison IS 'How the field compares with the threshold when it fires; missing: no value; stale: too old a one.';
COMMENT ON COLUMN alert_rules.threshold IS 'In unit; of a stale rule seconds, null for the read''s own freshness.';
COMMENT ON COLUMN alert_rules.unit IS 'Of the threshold.';
COMMENT ON COLUMN alert_rules.hold_seconds IS 'For how long it must be so before it fires.';
COMMENT ON COLUMN alert_rules.severity IS 'Of its incidents.';
COMMENT ON COLUMN alert_rules.accounts IS 'Of which accounts; null for every one.';
COMMENT ON COLUMN alert_rules.sinks IS 'Names of the sinks that are told; empty for the default ones. Their addresses are in the configuration.';
COMMENT ON COLUMN alert_rules.escalation IS 'Steps: after how many seconds unacknowledged which further sinks are told.';
COMMENT ON COLUMN alert_rules.enabled IS 'Whether it is evaluated.';
COMMENT ON COLUMN alert_rules.origin IS 'built_in, the configuration file, or a user in the browser.';
COMMENT ON COLUMN alert_rules.changed_by IS 'Name of the user who changed it last; null for the file.';
COMMENT ON COLUMN alert_rules.at IS 'When it became so.';

CREATE TABLE alert_rules_history (
    operation  text NOT NULL CONSTRAINT operation_known CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE alert_rules
);
COMMENT ON TABLE alert_rules_history IS 'Every version of every rule.';
CREATE INDEX alert_rules_history_rule ON alert_rules_history (rule, changed_at);

CREATE TABLE alert_deliveries (
    alert_id        text NOT NULL REFERENCES alerts ON DELETE CASCADE,
    transition      text NOT NULL CONSTRAINT transition_pattern CHECK (transition ~ '^(fired|resolved|acknowledged|escalated_[0-9]+)$'),
    sink            text NOT NULL,
    account_id      account_key,
    state           text NOT NULL DEFAULT 'waiting' CONSTRAINT state_known CHECK (state IN ('waiting', 'sent', 'silenced', 'given_up')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at moment NOT NULL DEFAULT clock_timestamp(),
    claimed_until   moment,
    sent_at         moment,
    last_error      text,
    at              moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at     moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (alert_id, transition, sink)
);
COMMENT ON TABLE alert_deliveries IS 'What each sink has been told of an incident: written with the incident, sent after, at least once.';
COMMENT ON COLUMN alert_deliveries.alert_id IS 'The incident.';
COMMENT ON COLUMN alert_deliveries.transition IS 'fired, resolved, acknowledged, or escalated_N for its Nth step.';
COMMENT ON COLUMN alert_deliveries.sink IS 'Name of the sink.';
COMMENT ON COLUMN alert_deliveries.account_id IS 'Whose the incident is; null for one of the suite.';
COMMENT ON COLUMN alert_deliveries.state IS 'waiting: to be sent, or being sent; silenced: a silence held it back.';
COMMENT ON COLUMN alert_deliveries.attempts IS 'How often it was tried.';
COMMENT ON COLUMN alert_deliveries.next_attempt_at IS 'Not before.';
COMMENT ON COLUMN alert_deliveries.claimed_until IS 'A replica is sending it; after this moment another may.';
COMMENT ON COLUMN alert_deliveries.sent_at IS 'When the sink took it.';
COMMENT ON COLUMN alert_deliveries.last_error IS 'Why the last attempt failed, secrets taken out.';
COMMENT ON COLUMN alert_deliveries.at IS 'When the transition happened.';
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (next_attempt_at) WHERE state = 'waiting';

CREATE TABLE alert_silences (
    silence_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    rule        text,
    account_id  account_key,
    starts_at   moment NOT NULL,
    ends_at     moment NOT NULL,
    reason      text NOT NULL DEFAULT '',
    created_by  text NOT NULL,
    ended_by    text,
    at          moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT ends_after_start CHECK (ends_at >= starts_at)
);
COMMENT ON TABLE alert_silences IS 'When nobody is to be told, of which rule and account. Incidents are recorded all the same.';
COMMENT ON COLUMN alert_silences.silence_id IS 'What it is called when it is ended.';
COMMENT ON COLUMN alert_silences.rule IS 'Which rule; null for every one.';
COMMENT ON COLUMN alert_silences.account_id IS 'Which account''s incidents; null for all.';
COMMENT ON COLUMN alert_silences.starts_at IS 'From when.';
COMMENT ON COLUMN alert_silences.ends_at IS 'Until when; brought forward when somebody ends it.';
COMMENT ON COLUMN alert_silences.reason IS 'Why, in words.';
COMMENT ON COLUMN alert_silences.created_by IS 'Name of who made it.';
COMMENT ON COLUMN alert_silences.ended_by IS 'Name of who ended it early; null for nobody.';
COMMENT ON COLUMN alert_silences.at IS 'When it was last changed.';
CREATE INDEX alert_silences_end ON alert_silences (ends_at);

-- Reconciliation.

CREATE TABLE broker_snapshots (
    account_id    account_key NOT NULL REFERENCES accounts,
    source        text NOT NULL,
    source_id     text NOT NULL,
    revision      integer NOT NULL DEFAULT 0,
    at            moment NOT NULL,
    recorded_at   moment NOT NULL DEFAULT clock_timestamp(),
    kind          text NOT NULL CONSTRAINT kind_known CHECK (kind IN ('positions', 'cash', 'orders', 'fills')),
    content       jsonb NOT NULL,
    PRIMARY KEY (account_id, source, source_id, revision),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
);
COMMENT ON TABLE broker_snapshots IS 'What brokers themselves say of their accounts, as they said it.';
COMMENT ON COLUMN broker_snapshots.at IS 'The moment the broker''s answer is about.';
COMMENT ON COLUMN broker_snapshots.kind IS 'positions, cash, orders (the open ones) or fills.';
COMMENT ON COLUMN broker_snapshots.content IS 'The answer; numbers are texts, exact.';
CREATE INDEX broker_snapshots_latest ON broker_snapshots (account_id, kind, at DESC);

CREATE TABLE reconciliation_breaks (
    account_id  account_key NOT NULL REFERENCES accounts,
    kind        text NOT NULL CONSTRAINT kind_known CHECK (kind IN ('positions', 'cash', 'orders', 'fills')),
    subject     text NOT NULL,
    opened_at   moment NOT NULL,
    ours        finite,
    theirs      finite,
    unit        text,
    cause       text NOT NULL DEFAULT 'unknown',
    details     jsonb NOT NULL DEFAULT '{}',
    resolved_at moment,
    at          moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at moment NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (account_id, kind, subject, opened_at),
    CONSTRAINT resolved_after_opened CHECK (resolved_at >= opened_at)
);
COMMENT ON TABLE reconciliation_breaks IS 'Where the database and the broker disagree, each from opened to resolved.';
COMMENT ON COLUMN reconciliation_breaks.kind IS 'What disagrees: positions, cash, orders or fills.';
COMMENT ON COLUMN reconciliation_breaks.subject IS 'Of what: a symbol, a currency, an order''s or a fill''s id.';
COMMENT ON COLUMN reconciliation_breaks.opened_at IS 'When it was first seen; its age counts from here.';
COMMENT ON COLUMN reconciliation_breaks.ours IS 'What the database says, in unit; null where it knows nothing of it.';
COMMENT ON COLUMN reconciliation_breaks.theirs IS 'What the broker says, in unit; null where it knows nothing of it.';
COMMENT ON COLUMN reconciliation_breaks.unit IS 'quantity or a currency.';
COMMENT ON COLUMN reconciliation_breaks.cause IS 'Why, as far as it is known, one word for machines: missing_fill, late_fill, fee, rounding, unknown, …';
COMMENT ON COLUMN reconciliation_breaks.details IS 'Both sides in full.';
COMMENT ON COLUMN reconciliation_breaks.resolved_at IS 'When they agreed again; null while they do not.';
COMMENT ON COLUMN reconciliation_breaks.at IS 'When both were last compared.';
CREATE UNIQUE INDEX reconciliation_breaks_open ON reconciliation_breaks (account_id, kind, subject) WHERE resolved_at IS NULL;

-- Pages that users composed.

CREATE TABLE pages (
    page        text PRIMARY KEY CONSTRAINT page_pattern CHECK (page ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    dashboard   text NOT NULL CONSTRAINT dashboard_known CHECK (dashboard IN ('trading', 'system', 'monitoring')),
    title       text NOT NULL CONSTRAINT title_length CHECK (length(title) BETWEEN 1 AND 100),
    panels      jsonb NOT NULL DEFAULT '[]' CONSTRAINT panels_list CHECK (jsonb_typeof(panels) = 'array'),
    place       integer NOT NULL DEFAULT 0,
    origin      text NOT NULL CONSTRAINT origin_known CHECK (origin IN ('file', 'user')),
    changed_by  text,
    at          moment NOT NULL DEFAULT clock_timestamp(),
    recorded_at moment NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE pages IS 'Pages composed of existing panels, in the configuration file or in the browser.';
COMMENT ON COLUMN pages.page IS 'Its name in the address.';
COMMENT ON COLUMN pages.dashboard IS 'Where it appears.';
COMMENT ON COLUMN pages.title IS 'Its entry in the navigation.';
COMMENT ON COLUMN pages.panels IS 'In order: the name of each panel, its width and its parameters.';
COMMENT ON COLUMN pages.place IS 'Order among the composed pages.';
COMMENT ON COLUMN pages.origin IS 'file: as the configuration says; user: made in the browser.';
COMMENT ON COLUMN pages.changed_by IS 'Name of the user who changed it last; null for the file.';
COMMENT ON COLUMN pages.at IS 'When it became so.';

-- Processes.

CREATE TABLE process_metrics (
    host             text NOT NULL,
    at               moment NOT NULL,
    recorded_at      moment NOT NULL DEFAULT clock_timestamp(),
    pid              integer NOT NULL,
    name             text NOT NULL,
    service          text,
    started_at       moment,
    status           text,
    cpu_percent      double precision,
    rss_bytes        bigint,
    threads          integer,
    file_descriptors integer,
    PRIMARY KEY (host, pid, at),
    CONSTRAINT not_in_the_future CHECK (at <= recorded_at + interval '10 minutes')
) PARTITION BY RANGE (at);
COMMENT ON TABLE process_metrics IS 'Samples of the processes that the process filter names. Command lines are not kept: they may hold secrets.';
COMMENT ON COLUMN process_metrics.host IS 'The machine.';
COMMENT ON COLUMN process_metrics.at IS 'When the sample was taken.';
COMMENT ON COLUMN process_metrics.pid IS 'Of the process; used again after it has ended, so started_at belongs to it.';
COMMENT ON COLUMN process_metrics.name IS 'Of its program.';
COMMENT ON COLUMN process_metrics.service IS 'The service of the suite that it is; null for another.';
COMMENT ON COLUMN process_metrics.started_at IS 'When it started; null where we may not look.';
COMMENT ON COLUMN process_metrics.status IS 'As the system calls it: running, sleeping, zombie, …';
COMMENT ON COLUMN process_metrics.cpu_percent IS 'Per cent of one core since the sample before; above 100 with several threads.';
COMMENT ON COLUMN process_metrics.rss_bytes IS 'Resident memory.';
COMMENT ON COLUMN process_metrics.threads IS 'How many it has.';
COMMENT ON COLUMN process_metrics.file_descriptors IS 'How many are open; null where we may not look.';
CREATE INDEX process_metrics_at ON process_metrics (host, at DESC);
CREATE TABLE process_metrics_default PARTITION OF process_metrics DEFAULT;
SELECT make_month_partition('process_metrics', (date_trunc('month', clock_timestamp()) + make_interval(months => ahead))::date)
  FROM generate_series(0, 2) AS ahead;

-- Housekeeping.

CREATE TABLE daily_purge_flags (
    day                date NOT NULL,
    table_name         text NOT NULL,
    cutoff             moment NOT NULL,
    started_at         moment NOT NULL DEFAULT clock_timestamp(),
    finished_at        moment,
    rows_deleted       bigint NOT NULL DEFAULT 0,
    partitions_dropped integer NOT NULL DEFAULT 0,
    error              text,
    PRIMARY KEY (day, table_name)
);
COMMENT ON TABLE daily_purge_flags IS 'Which tables were purged on which day, so that it is done once however many workers there are.';
COMMENT ON COLUMN daily_purge_flags.day IS 'In UTC.';
COMMENT ON COLUMN daily_purge_flags.table_name IS 'What was purged.';
COMMENT ON COLUMN daily_purge_flags.cutoff IS 'Rows from before it went.';
COMMENT ON COLUMN daily_purge_flags.started_at IS 'When it began.';
COMMENT ON COLUMN daily_purge_flags.finished_at IS 'When it was done; null while it runs or after a kill: then it is gone on with.';
COMMENT ON COLUMN daily_purge_flags.rows_deleted IS 'One by one.';
COMMENT ON COLUMN daily_purge_flags.partitions_dropped IS 'As a whole.';
COMMENT ON COLUMN daily_purge_flags.error IS 'Why it did not come to its end.';

CREATE TABLE import_runs (
    import_run_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    format        text NOT NULL,
    origin        text NOT NULL,
    sha256        text,
    account_id    account_key,
    status        text NOT NULL DEFAULT 'running' CONSTRAINT status_known CHECK (status IN ('running', 'succeeded', 'failed')),
    started_at    moment NOT NULL DEFAULT clock_timestamp(),
    finished_at   moment,
    rows_read     bigint NOT NULL DEFAULT 0,
    rows_written  bigint NOT NULL DEFAULT 0,
    rows_known    bigint NOT NULL DEFAULT 0,
    rows_refused  bigint NOT NULL DEFAULT 0,
    first_at      moment,
    last_at       moment,
    problems      jsonb NOT NULL DEFAULT '[]',
    parameters    jsonb NOT NULL DEFAULT '{}',
    imported_by   text
);
COMMENT ON TABLE import_runs IS 'Every import: what it read, and what became of it.';
COMMENT ON COLUMN import_runs.import_run_id IS 'Stands in every row that it wrote.';
COMMENT ON COLUMN import_runs.format IS 'daily-pnl, market-maker, jsonl, freqtrade or prices.';
COMMENT ON COLUMN import_runs.origin IS 'Name of the file or folder, without its path.';
COMMENT ON COLUMN import_runs.sha256 IS 'Of the file''s content, in hexadecimal; null for a folder.';
COMMENT ON COLUMN import_runs.account_id IS 'Whose it is; null for prices and for several accounts.';
COMMENT ON COLUMN import_runs.status IS 'A failed import has written nothing.';
COMMENT ON COLUMN import_runs.started_at IS 'When it began.';
COMMENT ON COLUMN import_runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN import_runs.rows_read IS 'Records of the source.';
COMMENT ON COLUMN import_runs.rows_written IS 'New rows.';
COMMENT ON COLUMN import_runs.rows_known IS 'Records that were there already, with the same content.';
COMMENT ON COLUMN import_runs.rows_refused IS 'Records that were no good; problems says why.';
COMMENT ON COLUMN import_runs.first_at IS 'Time of the oldest record.';
COMMENT ON COLUMN import_runs.last_at IS 'Time of the newest record.';
COMMENT ON COLUMN import_runs.problems IS 'file:line:field: problem, the first thousand.';
COMMENT ON COLUMN import_runs.parameters IS 'What it was called with.';
COMMENT ON COLUMN import_runs.imported_by IS 'Name of the user; null from the command line.';
CREATE INDEX import_runs_started ON import_runs (started_at DESC);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['order_events', 'fills', 'trades', 'trading_pnl', 'cash_flows', 'daily_stats'] LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN import_run_id uuid', name);
        EXECUTE format('COMMENT ON COLUMN %I.import_run_id IS ''The import that brought it; null for what was recorded live.''', name);
    END LOOP;
END
$$;
CREATE OR REPLACE VIEW daily_metrics WITH (security_invoker = true) AS SELECT * FROM daily_stats;

-- Instruments have history too: a tick or a sector that changed was another one before.

CREATE TABLE instruments_history (
    operation  text NOT NULL CONSTRAINT operation_known CHECK (operation IN ('insert', 'update', 'delete')),
    changed_at timestamptz NOT NULL,
    LIKE instruments
);
COMMENT ON TABLE instruments_history IS 'Every version of every instrument''s description.';
CREATE INDEX instruments_history_symbol ON instruments_history (source, symbol, changed_at);

CREATE TRIGGER keep_history AFTER INSERT OR DELETE ON instruments FOR EACH ROW EXECUTE FUNCTION keep_history();
-- A bot that starts again tells the same with a new time: no new version.
CREATE TRIGGER keep_history_of_changes AFTER UPDATE ON instruments FOR EACH ROW
    WHEN (to_jsonb(OLD) - 'at' - 'recorded_at' IS DISTINCT FROM to_jsonb(NEW) - 'at' - 'recorded_at')
    EXECUTE FUNCTION keep_history();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON instruments FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at();
CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON alert_rules FOR EACH ROW EXECUTE FUNCTION keep_history();

DO $$
DECLARE
    name text;
    pair text[];
    event text;
BEGIN
    FOREACH name IN ARRAY ARRAY['alert_rules', 'alert_deliveries', 'alert_silences', 'reconciliation_breaks', 'pages'] LOOP
        EXECUTE format('CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION stamp_recorded_at()', name);
    END LOOP;
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['alert_rules', 'announce_shared', 'alerts'], ['alert_silences', 'announce_accounts', 'alerts'],
        ['broker_snapshots', 'announce_accounts', 'reconciliation'], ['reconciliation_breaks', 'announce_accounts', 'reconciliation']
    ] LOOP
        FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
            EXECUTE format('CREATE TRIGGER announce_%s AFTER %s ON %I REFERENCING %s TABLE AS changed
                            FOR EACH STATEMENT EXECUTE FUNCTION %I(%L)',
                           event, event, pair[1], CASE event WHEN 'delete' THEN 'OLD' ELSE 'NEW' END, pair[2], pair[3]);
        END LOOP;
    END LOOP;
END
$$;

-- Who sees what.

DO $$
DECLARE
    secret text[] := ARRAY['users', 'user_accounts', 'sessions', 'api_tokens', 'recovery_codes'];
    scoped text[] := ARRAY['broker_snapshots', 'reconciliation_breaks'];
    partly text[] := ARRAY['audit_logs', 'alert_deliveries', 'alert_silences', 'import_runs'];
    shared text[] := ARRAY['pages', 'process_metrics', 'daily_purge_flags', 'instruments_history'];
    chosen text[] := ARRAY['alert_rules', 'alert_rules_history'];
    name text;
    accounts text := '(SELECT string_to_array(current_setting(''app.accounts'', true), '',''))::text[]';
BEGIN
    FOREACH name IN ARRAY secret || scoped || partly || shared || chosen LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY service ON %I TO ai_trader_service USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO ai_trader_service', name);
    END LOOP;
    FOREACH name IN ARRAY scoped || partly || shared || chosen LOOP
        EXECUTE format('GRANT SELECT ON %I TO ai_trader_app', name);
        EXECUTE format('CREATE POLICY app ON %I FOR SELECT TO ai_trader_app USING (%s)', name,
                       CASE WHEN name = ANY (scoped) THEN 'account_id = ANY (' || accounts || ')'
                            WHEN name = ANY (partly) THEN 'account_id IS NULL OR account_id = ANY (' || accounts || ')'
                            WHEN name = ANY (chosen) THEN 'accounts IS NULL OR accounts && ' || accounts
                            ELSE 'true' END);
    END LOOP;
END
$$;
-- Append-only: nobody changes or removes an entry, dashboards add theirs.
REVOKE UPDATE, DELETE ON audit_logs FROM ai_trader_service;
GRANT INSERT ON audit_logs TO ai_trader_app;
CREATE POLICY app_appends ON audit_logs FOR INSERT TO ai_trader_app WITH CHECK (true);

-- What is described already begins its history with what it is now. The owner sees no rows, hence as the service role.
SET LOCAL ROLE ai_trader_service;
INSERT INTO instruments_history SELECT 'insert', i.recorded_at, i.* FROM instruments i;
SET LOCAL ROLE ai_trader_owner;

-- Columns of the first tables that had no words yet.
COMMENT ON COLUMN accounts.label IS 'What people call it.';
COMMENT ON COLUMN accounts.broker IS 'Who holds the money and the positions.';
COMMENT ON COLUMN alerts.rule IS 'The rule that fired, or the bots own word for its risk rule.';
COMMENT ON COLUMN alerts.severity IS 'info, warning or critical.';
COMMENT ON COLUMN alerts.title IS 'The incident in a few words.';
COMMENT ON COLUMN alerts.details IS 'The incident in full.';
COMMENT ON COLUMN alerts.threshold IS 'What value crossed, in unit.';
COMMENT ON COLUMN alerts.unit IS 'Of value and threshold.';
COMMENT ON COLUMN alerts.fired_at IS 'When it began.';
COMMENT ON COLUMN alerts.acknowledged_at IS 'When somebody took it on; null while nobody has.';
COMMENT ON COLUMN alerts.acknowledged_by IS 'Name of who took it on.';
COMMENT ON COLUMN bot_heartbeats.models IS 'Names of the models it has loaded.';
COMMENT ON COLUMN bot_heartbeats.uptime_seconds IS 'Since the bot started.';
COMMENT ON COLUMN bot_heartbeats.risk_reason IS 'Why risk_factor is what it is.';
COMMENT ON COLUMN bot_heartbeats.host IS 'The machine it runs on.';
COMMENT ON COLUMN bot_heartbeats.pid IS 'Of its process.';
COMMENT ON COLUMN bot_heartbeats.version IS 'Of its program.';
COMMENT ON COLUMN bot_heartbeats.health_port IS 'Where its health server listens; null without one.';
COMMENT ON COLUMN cash_flows.kind IS 'deposit, withdrawal and transfer come from outside; dividend, funding, fee and interest are performance.';
COMMENT ON COLUMN cash_flows.note IS 'In words.';
COMMENT ON COLUMN daily_stats.trading_blocked IS 'Whether its risk rules keep it from trading.';
COMMENT ON COLUMN daily_stats.trades IS 'Closed on the day.';
COMMENT ON COLUMN daily_stats.average_spread_bps IS 'Of its symbols, over the day so far, in basis points.';
COMMENT ON COLUMN daily_stats.trailing_active IS 'Whether the trailing stop protects a profit.';
COMMENT ON COLUMN fills.order_id IS 'The order it executed; null where nobody says.';
COMMENT ON COLUMN fills.symbol IS 'What was traded, described in instruments.';
COMMENT ON COLUMN fills.quantity IS 'In units, no sign; 0 only in a revision, for a bust.';
COMMENT ON COLUMN instruments.symbol IS 'Its name, as its source writes it.';
COMMENT ON COLUMN instruments.exchange IS 'Where it trades.';
COMMENT ON COLUMN instruments.segment IS 'The part of the market, for example equity, futures, crypto.';
COMMENT ON COLUMN instruments.sector IS 'The industry, for sums by sector.';
COMMENT ON COLUMN market_snapshots.symbol IS 'Whose order book.';
COMMENT ON COLUMN market_snapshots.best_bid IS 'The highest price bid.';
COMMENT ON COLUMN market_snapshots.best_ask IS 'The lowest price asked.';
COMMENT ON COLUMN market_snapshots.bid_sizes IS 'Nearest first, one for each of bid_prices.';
COMMENT ON COLUMN market_snapshots.ask_sizes IS 'Nearest first, one for each of ask_prices.';
COMMENT ON COLUMN order_events.order_id IS 'The order.';
COMMENT ON COLUMN order_events.kind IS 'The step: placed, accepted, partially_filled, filled, cancelled, rejected or expired.';
COMMENT ON COLUMN order_events.symbol IS 'What was ordered.';
COMMENT ON COLUMN order_events.reason IS 'Why it was rejected, cancelled or expired.';
COMMENT ON COLUMN orders.order_id IS 'The bots or the venues id of it.';
COMMENT ON COLUMN orders.symbol IS 'What is to be traded.';
COMMENT ON COLUMN orders.exchange IS 'Where.';
COMMENT ON COLUMN orders.order_type IS 'market, limit, stop or stop_limit.';
COMMENT ON COLUMN orders.status IS 'The last step of its life.';
COMMENT ON COLUMN orders.quantity IS 'Ordered, in units.';
COMMENT ON COLUMN orders.placed_at IS 'When it was sent.';
COMMENT ON COLUMN positions.symbol IS 'What is held.';
COMMENT ON COLUMN positions.exchange IS 'Where it trades.';
COMMENT ON COLUMN positions.instrument_token IS 'The venues own number for it.';
COMMENT ON COLUMN positions.quantity IS 'In units, no sign; 0 when it is closed.';
COMMENT ON COLUMN positions.is_active IS 'Whether it is open.';
COMMENT ON COLUMN services.service IS 'Its name.';
COMMENT ON COLUMN services.host IS 'The machine it runs on.';
COMMENT ON COLUMN services.kind IS 'manager, dashboard, worker, bot or database.';
COMMENT ON COLUMN services.state IS 'What it does now, by its own word or its supervisors.';
COMMENT ON COLUMN services.pid IS 'Of its process.';
COMMENT ON COLUMN services.port IS 'Where it listens.';
COMMENT ON COLUMN services.version IS 'Of the suite.';
COMMENT ON COLUMN services.started_at IS 'When its process started.';
COMMENT ON COLUMN services.restarts IS 'Since its supervisor started.';
COMMENT ON COLUMN services.restart_reason IS 'Why it was restarted last.';
COMMENT ON COLUMN system_events.severity IS 'debug, info, warning, error or critical.';
COMMENT ON COLUMN system_events.message IS 'What happened, in words.';
COMMENT ON COLUMN system_events.details IS 'What else is known of it.';
COMMENT ON COLUMN system_metrics.host IS 'The machine.';
COMMENT ON COLUMN system_metrics.cpu_count IS 'Cores.';
COMMENT ON COLUMN system_metrics.load_1 IS 'Processes that want to run, averaged over one minute.';
COMMENT ON COLUMN system_metrics.load_5 IS 'The same over five minutes.';
COMMENT ON COLUMN system_metrics.load_15 IS 'The same over a quarter of an hour.';
COMMENT ON COLUMN system_metrics.memory_total_bytes IS 'Of the machine, or of the container where that has a limit.';
COMMENT ON COLUMN system_metrics.swap_used_bytes IS 'Moved out to disk.';
COMMENT ON COLUMN system_metrics.swap_total_bytes IS 'Room to move out to; 0 for none.';
COMMENT ON COLUMN system_metrics.disk_used_bytes IS 'Of the file system at disk_path.';
COMMENT ON COLUMN system_metrics.boot_at IS 'When the machine started.';
COMMENT ON COLUMN trades.position_id IS 'The position it was part of.';
COMMENT ON COLUMN trades.symbol IS 'What was traded.';
COMMENT ON COLUMN trades.exchange IS 'Where.';
COMMENT ON COLUMN trades.segment IS 'The part of the market.';
COMMENT ON COLUMN trades.instrument_token IS 'The venues own number for the symbol.';
COMMENT ON COLUMN trades.entry_time IS 'When the lot was opened.';
COMMENT ON COLUMN trades.exit_time IS 'When it was closed: the trades moment.';
COMMENT ON COLUMN trades.is_profit IS 'Whether realized_pnl is above 0.';
COMMENT ON COLUMN trades.notes IS 'A traders own words.';
COMMENT ON COLUMN trades.tags IS 'A traders own words to sort by.';
COMMENT ON COLUMN trading_pnl.cash IS 'Of the account, all its currencies converted.';

-- Columns that mean the same in every table say so in the new ones too.
DO $$
DECLARE
    meaning text[];
    place record;
BEGIN
    FOREACH meaning SLICE 1 IN ARRAY ARRAY[
        ['account_id', 'Whose it is.'],
        ['source', 'Who says so: a connector or a bot.'],
        ['source_id', 'The id that its source gives it. The same fact told twice has the same one.'],
        ['revision', '0 for the fact, higher for its corrections: the highest known counts.'],
        ['recorded_at', 'When it was learned, on the database''s clock.'],
        ['operation', 'What made this version of the row.'],
        ['changed_at', 'When it was made, on the database''s clock.']
    ] LOOP
        FOR place IN
            SELECT a.attrelid::regclass AS relation
              FROM pg_attribute a
              JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
               AND a.attname = meaning[1] AND col_description(a.attrelid, a.attnum) IS NULL
        LOOP
            EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', place.relation, meaning[1], meaning[2]);
        END LOOP;
    END LOOP;
    FOR place IN
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', h.attrelid::regclass, h.attname, col_description(t.attrelid, t.attnum)) AS statement
          FROM pg_attribute h
          JOIN pg_class c ON c.oid = h.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
          JOIN pg_attribute t ON t.attname = h.attname
           AND t.attrelid = to_regclass('public.' || quote_ident(regexp_replace(c.relname, '_history$', '')))
         WHERE c.relname LIKE '%\_history' AND h.attnum > 0 AND col_description(h.attrelid, h.attnum) IS NULL
           AND col_description(t.attrelid, t.attnum) IS NOT NULL
    LOOP
        EXECUTE place.statement;
    END LOOP;
END
$$;
