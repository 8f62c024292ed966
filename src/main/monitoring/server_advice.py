"""What is wrong with the database server, why does it matter, and which statement would act on it?

Pure rules over what was sampled. A statement is shown to be copied: nothing here, and nothing that reads it, runs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from main import text
from main.monitoring.index_advice import IndexAdvice, quoted
from main.monitoring.relation_samples import TableState
from main.monitoring.server_samples import Counted, ServerSample, ServerSession, Slot, Standby

CONNECTIONS_WARN, CONNECTIONS_CRITICAL = 0.8, 0.95
WAIT_WARN_SECONDS, WAIT_CRITICAL_SECONDS = 5.0, 60.0
IDLE_WARN_SECONDS, IDLE_CRITICAL_SECONDS = 60.0, 600.0
QUERY_WARN_SECONDS = 300.0
CACHE_HIT_WARN, CACHE_LEAST_BLOCKS = 0.9, 100_000
DEAD_SHARE_WARN, DEAD_LEAST_ROWS = 0.2, 10_000
CHANGED_LEAST_ROWS = 10_000
VACUUM_SECONDS = 600.0
"""Autovacuum looks every minute, and takes its time: it is not reminded of what is younger."""

FREEZE_WARN_SHARE, FREEZE_CRITICAL_AGE = 1.2, 1_500_000_000
"""Vacuum is forced at 1.0 and needs a while; transactions stop for good at some 2,000 million."""
HELD_WARN_BYTES = 1_000_000_000
LAG_WARN_BYTES, LAG_WARN_SECONDS = 1_000_000_000, 60.0
TEMPORARY_WARN_BYTES = 1_000_000_000

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. ``about`` names the table, session, … it is about; ``sql`` acts on it, and we never run it.

    ``severity`` is critical, warning or info, ``kind`` the rule that found it; ``sql`` is empty where none would help.
    """

    severity: str
    kind: str
    about: str
    title: str
    why: str
    sql: str = ""


def findings(
    sample: ServerSample,
    counted: Counted,
    sessions: Sequence[ServerSession],
    *,
    tables: Sequence[TableState],
    indexes: Sequence[IndexAdvice],
    replication: tuple[Sequence[Standby], Sequence[Slot]],
) -> list[Finding]:
    """Return what the rules find, the worst first."""
    found = [
        *_rights(sample),
        *_connections(sample),
        *_blocking(sessions),
        *_lasting(sessions),
        *_window(counted),
        *_wraparound(sample, tables),
        *_vacuum(sample, tables),
        *_replication(*replication),
        *(_of_index(each) for each in indexes),
    ]
    return sorted(found, key=lambda each: SEVERITIES.index(each.severity))


def _rights(sample: ServerSample) -> Iterable[Finding]:
    if not sample.sees_all:
        why = "Sessions, statements and replicas of other roles are hidden from the suite; what is shown may be a part."
        title = f"{sample.login} may not see what others do"
        yield Finding("warning", "rights", sample.login, title, why, f"GRANT pg_monitor TO {quoted(sample.login)};")
    if sample.statements == "on":
        return
    why = "Which statements take the time is counted by pg_stat_statements, and not known without it."
    steps = {
        "not created": ("is loaded but not created in this database", "CREATE EXTENSION pg_stat_statements;"),
        "not loaded": (
            "is not loaded by the server",
            "SHOW shared_preload_libraries; -- keep what is there\n"
            "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; -- then restart the server\n"
            "CREATE EXTENSION pg_stat_statements;",
        ),
        "not available": ("is not installed beside this server", ""),
    }
    said, sql = steps[sample.statements]
    yield Finding("info", "statements", "pg_stat_statements", f"pg_stat_statements {said}", why, sql)


def _connections(sample: ServerSample) -> Iterable[Finding]:
    share = sample.connections_share
    if share >= CONNECTIONS_WARN:
        free = sample.connections_limit - sample.connections_reserved
        title = f"{sample.connections:,} of {free:,} connections are in use ({text.percent(share, 0)})"
        why = "When none is left, nobody can connect: raise max_connections, put PgBouncer before it, or end idle ones."
        sql = (
            "SELECT pid, application_name, usename, state_change FROM pg_stat_activity "
            "WHERE state = 'idle' ORDER BY state_change LIMIT 20;"
        )
        yield Finding(_graver(share >= CONNECTIONS_CRITICAL), "connections", "server", title, why, sql)


def _blocking(sessions: Sequence[ServerSession]) -> Iterable[Finding]:
    """One finding for each session at the root of a tree of waiting ones."""
    by_pid = {each.pid: each for each in sessions}
    waiting = [each for each in sessions if each.wait_seconds is not None]
    for pid in dict.fromkeys(pid for each in waiting for pid in each.blocked_by):
        root = by_pid.get(pid)
        held = [each for each in waiting if pid in each.blocked_by]
        longest = max(each.wait_seconds or 0.0 for each in held)
        if (root is not None and root.blocked_by) or longest < WAIT_WARN_SECONDS:
            continue
        count = len(held)
        title = f"Session {pid} holds up {count} other{'' if count == 1 else 's'}, for {text.duration(longest)}"
        why = f"{_who(root)}. What waits for its locks fails at its timeout, and those behind it wait too."
        grave = _graver(longest >= WAIT_CRITICAL_SECONDS)
        yield Finding(grave, "blocking", str(pid), title, why, f"SELECT pg_terminate_backend({pid});")


def _who(session: ServerSession | None) -> str:
    if session is None:
        return "Its session is not shown"
    state = session.state or "hidden"
    age = text.duration(session.transaction_seconds)
    return (
        f"{session.application or 'unnamed'} ({session.role or 'unknown'}) is {state}, its transaction open for {age}"
    )


def _lasting(sessions: Sequence[ServerSession]) -> Iterable[Finding]:
    for each in sessions:
        if each.kind != "client backend":
            continue
        name, pid = each.application or "unnamed", each.pid
        idle = each.state_seconds or 0.0
        if (each.state or "").startswith("idle in transaction") and idle >= IDLE_WARN_SECONDS:
            title = f"Session {pid} ({name}) idles in a transaction for {text.duration(idle)}"
            why = "It holds its locks and keeps vacuum from removing dead rows until it ends."
            grave = _graver(idle >= IDLE_CRITICAL_SECONDS)
            yield Finding(grave, "idle", str(pid), title, why, f"SELECT pg_terminate_backend({pid});")
        elif each.state == "active" and (each.query_seconds or 0.0) >= QUERY_WARN_SECONDS:
            title = f"A statement of session {pid} ({name}) runs for {text.duration(each.query_seconds)}"
            why = "It takes a processor and a connection, and keeps vacuum from removing dead rows."
            yield Finding("warning", "query", str(pid), title, why, f"SELECT pg_cancel_backend({pid});")


def _window(counted: Counted) -> Iterable[Finding]:
    blocks = counted.blocks_hit + counted.blocks_read
    share = counted.blocks_hit / blocks if blocks else 1.0
    if blocks >= CACHE_LEAST_BLOCKS and share < CACHE_HIT_WARN:
        title = f"Only {text.percent(share, 1)} of the blocks were found in shared_buffers"
        why = "The rest was asked of the operating system: a quarter of the memory is a usual size. Needs a restart."
        sql = "SHOW shared_buffers;\nALTER SYSTEM SET shared_buffers = '…'; -- then restart the server"
        yield Finding("info", "cache", "shared_buffers", title, why, sql)
    if counted.deadlocks:
        title = f"{counted.deadlocks:,} deadlock{'' if counted.deadlocks == 1 else 's'} in this range"
        why = "Two transactions each wanted what the other held, and the server ended one: its log names both."
        yield Finding("warning", "deadlocks", "server", title, why, "SHOW log_lock_waits;")
    if counted.temporary_bytes >= TEMPORARY_WARN_BYTES:
        title = f"{text.bytes_(counted.temporary_bytes)} went through temporary files in this range"
        why = "Sorts and hashes did not fit into work_mem, which each of them may take once."
        yield Finding("info", "temporary", "work_mem", title, why, "SHOW work_mem;\nALTER SYSTEM SET work_mem = '…';")
    timed, asked = counted.checkpoints_timed or 0, counted.checkpoints_requested or 0
    if asked >= 10 and asked > timed:
        title = f"{asked:,} checkpoints came early, {timed:,} in time"
        why = "So much is written that max_wal_size is reached before checkpoint_timeout: each costs full pages again."
        yield Finding("info", "checkpoints", "max_wal_size", title, why, "ALTER SYSTEM SET max_wal_size = '4GB';")


def _wraparound(sample: ServerSample, tables: Sequence[TableState]) -> Iterable[Finding]:
    if sample.freeze_share < FREEZE_WARN_SHARE:
        return
    oldest = max(tables, key=lambda each: each.freeze_age or 0, default=None)
    name = quoted(oldest.schema_name, oldest.table_name) if oldest else ""
    title = f"The oldest transaction of {sample.freeze_database} is {sample.freeze_age:,} transactions old"
    why = "Vacuum does not keep up with freezing; some 2,000 million stop every write. Look for what keeps it back."
    grave = _graver(sample.freeze_age >= FREEZE_CRITICAL_AGE)
    yield Finding(grave, "wraparound", sample.freeze_database or "", title, why, f"VACUUM (FREEZE, VERBOSE) {name};")


def _vacuum(sample: ServerSample, tables: Sequence[TableState]) -> Iterable[Finding]:
    if not sample.autovacuum:
        why = "Dead rows stay, tables grow, plans grow worse, and one day wraparound stops every write."
        sql = "ALTER SYSTEM SET autovacuum = on;\nSELECT pg_reload_conf();"
        yield Finding("warning", "autovacuum", "server", "autovacuum is off", why, sql)
    started = sample.server_started_at
    if started is not None and (sample.at - started).total_seconds() < VACUUM_SECONDS:
        return
    for each in tables:
        name = quoted(each.schema_name, each.table_name)
        if each.vacuumed_seconds is not None and each.vacuumed_seconds < VACUUM_SECONDS:
            continue
        if each.dead_rows >= DEAD_LEAST_ROWS and (each.dead_share or 0.0) >= DEAD_SHARE_WARN:
            title = f"{text.percent(each.dead_share, 0)} of the rows of {each.table_name} are dead ({each.dead_rows:,})"
            why = "They take room and time until vacuum removes them; an open transaction may keep it from that."
            yield Finding("warning", "dead rows", each.table_name, title, why, f"VACUUM (ANALYZE, VERBOSE) {name};")
        elif each.analyzed_seconds is None and each.changed_rows >= CHANGED_LEAST_ROWS and not each.partitions:
            title = f"{each.table_name} was never analysed, {each.changed_rows:,} rows have changed"
            why = "The planner guesses how many rows it has, and may choose slow plans."
            yield Finding("info", "analyze", each.table_name, title, why, f"ANALYZE {name};")


def _replication(standbys: Sequence[Standby], slots: Sequence[Slot]) -> Iterable[Finding]:
    for each in standbys:
        if (each.lag_bytes or 0) >= LAG_WARN_BYTES or (each.lag_seconds or 0.0) >= LAG_WARN_SECONDS:
            title = f"The replica {each.standby} is {text.bytes_(each.lag_bytes)} behind"
            why = f"It shows what was true {text.duration(each.lag_seconds)} ago, and a fail-over would lose the rest."
            sql = "SELECT application_name, state, sent_lsn, replay_lsn, replay_lag FROM pg_stat_replication;"
            yield Finding("warning", "lag", each.standby, title, why, sql)
    for slot in slots:
        lost = slot.wal_status in ("lost", "unreserved")
        if lost or (not slot.active and (slot.held_bytes or 0) >= HELD_WARN_BYTES):
            title = f"The slot {slot.slot} keeps {text.bytes_(slot.held_bytes)} of write-ahead log and nobody reads it"
            title = f"The slot {slot.slot} has lost write-ahead log that it needs" if lost else title
            why = "The log fills the disk until its reader comes back or the slot goes; then that reader starts anew."
            name = slot.slot.replace("'", "''")
            yield Finding(_graver(lost), "slot", slot.slot, title, why, f"SELECT pg_drop_replication_slot('{name}');")


def _of_index(advice: IndexAdvice) -> Finding:
    names = {
        "missing": f"The index {advice.index_name} of {advice.table_name} is missing",
        "invalid": f"The index {advice.index_name} of {advice.table_name} is not valid",
        "scanned": f"{advice.table_name} is read whole again and again: an index may be missing",
        "duplicate": f"The index {advice.index_name} of {advice.table_name} is superfluous",
        "unused": f"The index {advice.index_name} of {advice.table_name} is never used",
    }
    size = f" It takes {text.bytes_(advice.index_bytes)}." if advice.index_bytes else ""
    kind = f"{advice.kind} index"
    return Finding(
        advice.severity, kind, advice.index_name or advice.table_name, names[advice.kind], advice.why + size, advice.sql
    )


def _graver(critical: bool) -> str:
    return "critical" if critical else "warning"
