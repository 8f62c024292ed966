"""What the page Events & logs draws: events with their details as text, counts over time, the audit trail."""

from datetime import timedelta
from typing import Any

from main.monitoring.paging import Paged
from main.monitoring.reads import audit, event_counts, system_events
from tests.drawing import NOW, drawn, filled, words

HOSTILE = "<script>alert(1)</script>"


def event(**given: Any) -> system_events.SystemEvent:
    values = {"key": "k", "severity": "error", "kind": "order_failed", "message": "It failed", "source": "bot"}
    return filled(system_events.SystemEvent, **(values | {"details": {}} | given))


def events(*items: system_events.SystemEvent, total: int | None = None) -> Any:
    counts = system_events.EventCounts(len(items) if total is None else total, 0, len(items), 0, 0, 0)
    return Paged(list(items), counts.total, 50, 0, counts)


def entry(**given: Any) -> audit.AuditEntry:
    values = {"action": "token_created", "outcome": "done", "user_name": "jo", "role": "admin", "intact": True}
    return filled(audit.AuditEntry, **(values | {"details": {}} | given))


def entries(*items: audit.AuditEntry) -> Any:
    return Paged(list(items), len(items), 50, 0, audit.AuditCounts(len(items), 0, 1, 0))


def course(*buckets: event_counts.EventBucket) -> event_counts.EventCourse:
    return event_counts.EventCourse(NOW - timedelta(hours=6), NOW, 3600.0, list(buckets))


def test_an_event_tells_what_when_whose_and_its_details_unfold() -> None:
    members = drawn("system_events", (system_events.READ, events(event(message=HOSTILE, details={"why": HOSTILE}))))
    said = words(members)
    assert f"order failed error 15:00:00 {HOSTILE} the suite bot" in said
    assert f'"why": "{HOSTILE}"' in said
    assert members["subtitle"] == "3M · 1 event · 1 error · 0 warning"


def test_long_details_are_cut() -> None:
    said = words(drawn("system_events", (system_events.READ, events(event(details={"x": "y" * 50_000})))))
    assert "cut at 20,000 characters" in said
    assert len(said) < 25_000


def test_a_search_without_result_is_told_from_no_events() -> None:
    assert "No such event" in words(drawn("system_events?text=x", (system_events.READ, events())))
    assert "that bots or services told of" in words(drawn("system_events", (system_events.READ, events())))


def test_a_page_of_many_says_where_it_is_and_that_not_all_is_searched() -> None:
    members = drawn("system_events", (system_events.READ, events(event(), total=20_000)))
    assert "of 20,000" in words(members)
    assert "the newest 20,000 of the range" in members["subtitle"]


def test_bars_stand_where_events_came_and_errors_at_their_foot() -> None:
    buckets = [filled(event_counts.EventBucket, at=NOW - timedelta(hours=hours), errors=hours) for hours in (2, 1)]
    members = drawn("event_counts", (event_counts.READ, course(*buckets)))
    assert [trace["y"] for trace in members["figure"]["data"]] == [[2, 1], [1, 1], [1, 1]]
    assert members["figure"]["data"][0]["marker"]["color"] == "@critical-mark"
    assert members["subtitle"] == "3M · 3 errors · 2 warnings · without lines of logs"
    assert "No events" in words(drawn("event_counts", (event_counts.READ, course())))


def test_the_audit_trail_says_who_did_what_and_marks_what_was_changed() -> None:
    changed = entry(intact=False, outcome="denied", user_name=None, role=None, target=HOSTILE, details={"a": 1})
    members = drawn("audit", (audit.READ, entries(entry(), changed)))
    said = words(members)
    assert "token created done jo (admin)" in said
    assert "changed" in said
    assert HOSTILE in said
    assert members["subtitle"] == "3M · 1 denied or failed · 1 of those shown were changed"


def test_an_empty_audit_trail_says_that_nobody_is_defined() -> None:
    assert "No users are defined yet" in words(drawn("audit", (audit.READ, entries())))
    assert "No such entry" in words(drawn("audit?outcome=denied", (audit.READ, entries())))
