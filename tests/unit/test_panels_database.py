"""What the panels of the page Database draw, and what the rules find: nothing, much, hidden, hostile names."""

import json
from datetime import timedelta
from typing import Any

import pytest

from main.database.pool import DatabaseStatus
from main.monitoring.index_advice import IndexAdvice, index_advice, quoted
from main.monitoring.paging import Paged
from main.monitoring.reads import (
    database_activity,
    database_findings,
    database_indexes,
    database_load,
    database_locks,
    database_replication,
    database_statements,
    database_status,
    database_tables,
    worker_jobs,
)
from main.monitoring.reads.database_activity import ApplicationConnections, DatabaseActivity
from main.monitoring.reads.database_findings import DatabaseFindings
from main.monitoring.reads.database_indexes import DatabaseIndexes
from main.monitoring.reads.database_load import DatabaseLoad, LoadPoint
from main.monitoring.reads.database_locks import DatabaseLocks, LockLink
from main.monitoring.reads.database_replication import DatabaseReplication
from main.monitoring.reads.database_statements import DatabaseStatements, StatementCost
from main.monitoring.reads.database_tables import TablesSummary
from main.monitoring.reads.worker_jobs import JobState
from main.monitoring.relation_samples import IndexState, TableState
from main.monitoring.server_advice import Finding, findings
from main.monitoring.server_samples import Counted, ServerSample, ServerSession, Slot, Standby
from tests.drawing import NOW, PANELS, drawn, filled, words

EVIL = "<img src=x onerror=alert(1)>"
PAGE = sorted(name for name, panel in PANELS.items() if panel.page == "Database")
READS = {
    "database_activity": DatabaseActivity(None, True, "", 0, (), ()),
    "database_findings": DatabaseFindings(None, 0, 0, 0, ()),
    "database_indexes": DatabaseIndexes(None, 0, 0, 0, 0, ()),
    "database_load": DatabaseLoad(None, None, None, None, None, None, None, ()),
    "database_locks": DatabaseLocks(None, True, 0, ()),
    "database_replication": DatabaseReplication(None, True, "", None, None, (), ()),
    "database_statements": DatabaseStatements(None, "unknown", ()),
    "database_tables": Paged([], 0, 20, 0),
}


def server(**given: Any) -> ServerSample:
    known = {
        "server_version": "18.1 (Debian)",
        "database_name": "trading",
        "login": "trader",
        "statements": "on",
        "sees_all": True,
        "connections": 12,
        "connections_limit": 100,
        "connections_reserved": 3,
        "active": 2,
        "idle": 10,
        "idle_in_transaction": 0,
        "hidden": 0,
        "waiting": 0,
        "sessions": 0,
        "freeze_age": 50_000_000,
        "freeze_limit": 200_000_000,
        "database_bytes": 12_300_000,
        "autovacuum": True,
    }
    row: ServerSample = filled(ServerSample, **(known | given))
    return row


def counted(**given: Any) -> Counted:
    zeros = ("commits", "rollbacks", "blocks_hit", "blocks_read", "temporary_files", "temporary_bytes", "deadlocks")
    row: Counted = filled(Counted, **(dict.fromkeys(zeros, 0) | given))
    return row


def session(pid: int, **given: Any) -> ServerSession:
    known = {"pid": pid, "kind": "client backend", "application": "app", "role": "r", "state": "active"}
    row: ServerSession = filled(ServerSession, **(known | {"blocked_by": []} | given))
    return row


def relation(**given: Any) -> TableState:
    known = {"schema_name": "public", "table_name": "fills", "partitions": 0, "dead_rows": 0, "analyzed_seconds": 1.0}
    row: TableState = filled(TableState, **(known | {"changed_rows": 0, "sequential_scans": 0} | given))
    return row


def index(name: str, keys: list[str], **given: Any) -> IndexState:
    known = {"schema_name": "public", "index_name": name, "table_name": "t", "keys": keys, "method": "btree"}
    flags = {"partitioned": False, "is_valid": True, "is_unique": False, "is_constraint": False}
    row: IndexState = filled(IndexState, **(known | flags | {"index_scans": 5, "index_bytes": 8192} | given))
    return row


def found(sample: ServerSample | None = None, counts: Counted | None = None, *, slots: Any = (), **given: Any) -> Any:
    parts = {"sessions": (), "tables": (), "indexes": (), "standbys": ()} | given
    return findings(
        sample or server(),
        counts or counted(),
        parts["sessions"],
        tables=parts["tables"],
        indexes=parts["indexes"],
        replication=(parts["standbys"], slots),
    )


def test_the_page_has_every_picture_of_the_specification() -> None:
    assert set(PAGE) == {
        "database_cards",
        "database_findings",
        "database_connections",
        "database_transactions",
        "database_wal",
        "database_locks",
        "database_activity",
        "database_statements",
        "database_tables",
        "database_indexes",
        "database_replication",
        "database_applications",
    }


@pytest.mark.parametrize("name", PAGE)
def test_before_a_first_sample_each_says_why_and_what_to_do(name: str) -> None:
    given = [(read, READS[read.name]) for read in PANELS[name].reads if read.name in READS]
    members = drawn(name, *given)
    assert "figure" not in members
    assert "The worker looks at the database every 15 seconds" in words(members)


def test_the_cards_have_every_headline_figure() -> None:
    load = DatabaseLoad(server(waiting=1), counted(deadlocks=2), 12.34, 0.5, 1e6, 0.987, 5_000_000.0, ())
    replicas = DatabaseReplication(NOW, True, "trader", 4096, 0.25, (filled(Standby, standby="s"),), ())
    said = words(drawn("database_cards", (database_load.READ, load), (database_replication.READ, replicas)))
    for expected in (
        "Connections 12 12% of 97 · 2 active",
        "Cache hit 98.7%",
        "Commits 12.3 /s 0.5 undone · 2 deadlocks",
        "Longest transaction none 1 wait for a lock",
        "Size 12.3 MB +5.00 MB a day",
        "Replication lag 4.10 kB 1 replica · 250 ms",
        "Oldest transaction id 25.0%",
    ):
        assert expected in said


def test_what_the_cards_do_not_know_is_a_dash_with_its_reason() -> None:
    load = DatabaseLoad(server(database_bytes=None, hidden=3), None, None, None, None, None, None, ())
    said = json.dumps(drawn("database_cards", (database_load.READ, load), (database_replication.READ, None)))
    for reason in ("two samples are needed", "not measured yet", "there is no replica", "3 hidden"):
        assert reason in said


def test_the_courses_are_those_of_the_read_and_the_limit_is_shown_when_it_is_near() -> None:
    points = [LoadPoint(NOW + n * timedelta(minutes=1), 10 + n, n, 0, 0, 1.0, 0.0, 0.9, 100.0, 0.0) for n in range(3)]
    points[0] = LoadPoint(NOW, 10, 0, 0, 0, None, None, None, None, None)
    load = DatabaseLoad(server(), counted(), 1.0, 0.0, 1.0, 0.9, None, tuple(points))
    for name, lines in (("database_connections", 3), ("database_transactions", 2), ("database_wal", 1)):
        figure = drawn(name, (database_load.READ, load))["figure"]
        assert len(figure["data"]) == lines
    connections = drawn("database_connections", (database_load.READ, load))["figure"]
    assert connections["data"][0]["y"] == [10, 11, 12]
    assert "limit" not in json.dumps(connections["layout"])
    near = DatabaseLoad(server(connections_limit=20), counted(), 1.0, 0.0, 1.0, 0.9, None, tuple(points))
    assert "limit 17" in json.dumps(drawn("database_connections", (database_load.READ, near))["figure"]["layout"])


def test_findings_have_their_reason_and_the_sql_to_copy() -> None:
    one = Finding("critical", "blocking", "7", f"Session 7 {EVIL}", "It waits.", "SELECT pg_terminate_backend(7);")
    members = drawn(
        "database_findings", (database_findings.READ, DatabaseFindings(NOW, 1, 0, 0, (one,))), (worker_jobs.READ, [])
    )
    said = words(members)
    assert f"Session 7 {EVIL} Critical 7 It waits. SELECT pg_terminate_backend(7); Copy" in said
    assert '"data-value": "SELECT pg_terminate_backend(7);"' in json.dumps(members)
    assert members["subtitle"] == "1 critical"


def test_a_failing_collector_is_the_first_finding() -> None:
    job = filled(JobState, job="database", last_error="it is too slow", silent=False)
    nothing = DatabaseFindings(None, 0, 0, 0, ())
    said = words(drawn("database_findings", (database_findings.READ, nothing), (worker_jobs.READ, [job])))
    assert "The worker's job “database” fails: what is shown is old" in said
    assert "it is too slow" in said
    well = filled(JobState, job="database", last_error=None, silent=False)
    quiet = DatabaseFindings(NOW, 0, 0, 0, ())
    assert "Nothing to do" in words(
        drawn("database_findings", (database_findings.READ, quiet), (worker_jobs.READ, [well]))
    )


def test_who_blocks_whom_is_a_tree_with_the_way_out_at_its_root() -> None:
    known: dict[str, Any] = {"application": EVIL, "role": "r", "statement": "UPDATE t SET a = 'x'"}
    links = (
        filled(LockLink, depth=0, pid=7, blocks=1, sql="SELECT pg_terminate_backend(7);", **known),
        filled(LockLink, depth=1, pid=8, blocks=0, wait_seconds=75.0, lock_mode="RowLock", lock_target="t", **known),
    )
    members = drawn("database_locks", (database_locks.READ, DatabaseLocks(NOW, True, 1, links)))
    said = words(members)
    assert said.count("pg_terminate_backend") == 1
    assert "1 m 15 s RowLock on t" in said
    assert EVIL in said
    assert "lock-depth-1" in json.dumps(members)
    quiet = DatabaseLocks(NOW, True, 0, ())
    assert "Nobody waits for a lock" in words(drawn("database_locks", (database_locks.READ, quiet)))
    gone = DatabaseLocks(NOW, False, 3, ())
    assert "Not kept any more" in words(drawn("database_locks", (database_locks.READ, gone)))


def test_hidden_sessions_name_the_grant() -> None:
    activity = DatabaseActivity(NOW, True, "plain", 4, (session(1, state=None, statement=None),), ())
    members = drawn("database_activity", (database_activity.READ, activity))
    assert "4 hidden from plain: GRANT pg_monitor" in members["subtitle"]
    assert "may not see it" in json.dumps(members)


def test_a_hundred_sessions_with_long_texts_are_drawn() -> None:
    sessions = tuple(session(n, statement="SELECT " + "x, " * 500, application=EVIL) for n in range(100))
    activity = DatabaseActivity(NOW, True, "t", 0, sessions, ())
    assert words(drawn("database_activity", (database_activity.READ, activity))).count(EVIL) == 100


@pytest.mark.parametrize("counting", ["not created", "not loaded", "not available"])
def test_without_pg_stat_statements_it_says_how_to_switch_it_on(counting: str) -> None:
    said = words(drawn("database_statements", (database_statements.READ, DatabaseStatements(NOW, counting, ()))))
    assert "pg_stat_statements is off" in said
    assert "exten" in said.lower()


def test_slow_queries_have_share_mean_and_calls() -> None:
    cost = StatementCost("1", "app", 1200, 0.0125, 0.5, 15.0, 0.4, 3600, None, f"SELECT '{EVIL}'")
    found_ = DatabaseStatements(NOW, "on", (cost,))
    said = words(drawn("database_statements", (database_statements.READ, found_)))
    assert f"SELECT '{EVIL}' 40.0% 15.0 s 1,200 12.5 ms 500 ms 3,600" in said


def test_tables_page_and_say_growth_and_vacuum() -> None:
    rows = [relation(table_name=EVIL, total_bytes=5_000_000, growth_bytes=1000, partitions=3, dead_share=0.25)]
    summary = TablesSummary(NOW, 5_000_000, 1_000_000, 1000, 0, 200)
    members = drawn("database_tables", (database_tables.READ, Paged(rows, 45, 20, 0, summary)))
    said = words(members)
    assert f"{EVIL} 3 partitions 5.00 MB" in said
    assert "+1.00 kB" in said
    assert "25.0" in said
    assert "1–1 of 45" in said
    assert members["subtitle"] == "45 tables · 5.00 MB · +1.00 kB in 3M · measured every 5 min"


def test_index_advice_has_its_statement() -> None:
    advice = IndexAdvice("missing", "warning", "public", "fills", "fills_at", None, None, "It is not.", "CREATE INDEX;")
    found_ = DatabaseIndexes(NOW, 70, 1_000_000, 3, 1, (advice,))
    members = drawn("database_indexes", (database_indexes.READ, found_))
    assert "fills_at Missing fills" in words(members)
    assert "It is not. CREATE INDEX; Copy" in words(members)
    assert members["subtitle"] == "70 indexes of 1.00 MB · 3 without a scan"


def test_replicas_slots_and_clients_are_told_of() -> None:
    standby = Standby("far", "10.0.0.2", "streaming", "async", 2048, 1.5)
    slot = Slot("forgotten", "physical", active=False, wal_status="reserved", held_bytes=3_000_000)
    both = DatabaseReplication(NOW, True, "t", 2048, 1.5, (standby,), (slot,))
    said = words(drawn("database_replication", (database_replication.READ, both)))
    assert "far streaming async 2.05 kB 1.50 s 10.0.0.2" in said
    assert "forgotten Inactive 3.00 MB reserved" in said
    alone = DatabaseReplication(NOW, True, "t", None, None, (), ())
    assert "No replica" in words(drawn("database_replication", (database_replication.READ, alone)))
    owner = ApplicationConnections(EVIL, "r", 3, 1, 0)
    activity = DatabaseActivity(NOW, True, "t", 0, (), (owner,))
    pool = filled(DatabaseStatus, pool_size=4, pool_idle=3, pool_limit=8, acquired=4, waited_seconds=1)
    given = ((database_activity.READ, activity), (database_status.READ, pool))
    said = words(drawn("database_applications", *given))
    assert f"{EVIL} 3 1 0 r" in said
    assert "This dashboard's pool 1 of 8 in use" in said
    assert "Mean wait 250 ms" in said


def test_a_server_that_is_well_has_no_findings() -> None:
    assert found(tables=[relation()], standbys=[Standby("s", None, "streaming", "async", 0, None)]) == []


@pytest.mark.parametrize(
    ("kind", "severity", "result"),
    [
        ("rights", "warning", lambda: found(server(sees_all=False))),
        ("statements", "info", lambda: found(server(statements="not loaded"))),
        ("connections", "warning", lambda: found(server(connections=80))),
        ("connections", "critical", lambda: found(server(connections=96))),
        ("autovacuum", "warning", lambda: found(server(autovacuum=False))),
        ("wraparound", "warning", lambda: found(server(freeze_age=300_000_000), tables=[relation()])),
        ("wraparound", "critical", lambda: found(server(freeze_age=1_600_000_000), tables=[relation()])),
        ("cache", "info", lambda: found(counts=counted(blocks_hit=50_000, blocks_read=60_000))),
        ("deadlocks", "warning", lambda: found(counts=counted(deadlocks=1))),
        ("temporary", "info", lambda: found(counts=counted(temporary_bytes=2_000_000_000))),
        ("checkpoints", "info", lambda: found(counts=counted(checkpoints_timed=3, checkpoints_requested=20))),
        ("dead rows", "warning", lambda: found(tables=[relation(dead_rows=20_000, dead_share=0.5)])),
        ("analyze", "info", lambda: found(tables=[relation(analyzed_seconds=None, changed_rows=50_000)])),
        ("idle", "warning", lambda: found(sessions=[session(1, state="idle in transaction", state_seconds=90.0)])),
        ("idle", "critical", lambda: found(sessions=[session(1, state="idle in transaction", state_seconds=900.0)])),
        ("query", "warning", lambda: found(sessions=[session(1, query_seconds=400.0)])),
        ("lag", "warning", lambda: found(standbys=[Standby("s", None, "streaming", "async", 2_000_000_000, None)])),
        ("slot", "warning", lambda: found(slots=[Slot("s", "physical", False, "extended", 2_000_000_000)])),
        ("slot", "critical", lambda: found(slots=[Slot("s", "physical", False, "lost", None)])),
    ],
)
def test_a_rule_finds_what_it_is_for(kind: str, severity: str, result: Any) -> None:
    (finding,) = result()
    assert (finding.kind, finding.severity) == (kind, severity)
    assert finding.title
    assert finding.why


def test_vacuum_is_not_reminded_of_what_has_just_begun() -> None:
    dead = relation(dead_rows=20_000, dead_share=0.5)
    assert found(server(server_started_at=NOW - timedelta(minutes=5)), tables=[dead]) == []
    assert found(server(server_started_at=NOW - timedelta(minutes=15)), tables=[dead]) != []
    assert found(tables=[relation(dead_rows=20_000, dead_share=0.5, vacuumed_seconds=60.0)]) == []


def test_only_the_root_of_waiting_sessions_is_a_finding() -> None:
    sessions = [
        session(1, state="idle in transaction", transaction_seconds=20.0),
        session(2, wait_seconds=10.0, blocked_by=[1]),
        session(3, wait_seconds=9.0, blocked_by=[2]),
    ]
    (finding,) = found(sessions=sessions)
    assert (finding.about, finding.severity) == ("1", "warning")
    assert finding.sql == "SELECT pg_terminate_backend(1);"
    assert found(sessions=[session(1), session(2, wait_seconds=1.0, blocked_by=[1])]) == []


def test_the_worst_comes_first() -> None:
    assert [each.severity for each in found(server(sees_all=False, statements="not loaded", connections=97))] == [
        "critical",
        "warning",
        "info",
    ]


@pytest.mark.parametrize(
    ("one", "other", "superfluous"),
    [
        (index("a", ["x"]), index("b", ["x", "y"]), ["a"]),
        (index("a", ["x"]), index("b", ["x"]), ["b"]),
        (index("a", ["x"]), index("b", ["x"], is_unique=True), ["a"]),
        (index("a", ["x"]), index("b", ["x DESC"]), []),
        (index("a", ["x"], condition="y > 0"), index("b", ["x"]), []),
        (index("a", ["x"], method="gin"), index("b", ["x", "y"], method="gin"), []),
        (index("a", ["x"]), index("b", ["x", "y"], table_name="other"), []),
        (index("a", ["x"]), index("b", ["x", "y"], is_valid=False), []),
    ],
)
def test_an_index_is_superfluous_only_where_another_serves_the_same(
    one: IndexState, other: IndexState, superfluous: list[str]
) -> None:
    advice = index_advice([], [one, other])
    assert [each.index_name for each in advice if each.kind == "duplicate"] == superfluous


def test_an_index_that_a_constraint_or_our_schema_needs_is_never_to_be_dropped() -> None:
    large = {"index_scans": 0, "index_bytes": 50_000_000}
    kept = [
        index("u", ["a"], is_unique=True, **large),
        index("c", ["b"], is_constraint=True, **large),
        index("fills_at", ["c"], **large),
        index("small", ["d"], index_scans=0),
    ]
    assert index_advice([], kept) == []
    (unused,) = index_advice([], [index('odd"name', ["a"], **large)])
    assert unused.sql == 'DROP INDEX CONCURRENTLY "public"."odd""name";'


def test_a_large_table_that_is_read_whole_again_and_again_is_told_without_guessing_columns() -> None:
    scanned = relation(table_name="it's", sequential_scans=100, sequential_rows=10_000_000, index_scans=3)
    (advice,) = index_advice([scanned], [index("any", ["a"])])
    assert (advice.kind, advice.index_name) == ("scanned", "")
    assert "strpos(query, 'it''s')" in advice.sql


def test_names_are_quoted_whatever_they_hold() -> None:
    assert quoted("a", 'b"; DROP') == '"a"."b""; DROP"'
