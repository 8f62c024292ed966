"""What the Alerts page draws: what is open can be taken on, what is over says since when, nothing is invented."""

from decimal import Decimal
from typing import Any

from main.domain.scope import Scope
from main.monitoring.paging import Paged
from main.monitoring.reads import alerts
from tests.drawing import NOW, SCOPE, drawn, filled, words

HOSTILE = "<img onerror=alert(1)>"


def alert(**given: Any) -> alerts.Alert:
    values = {"alert_id": "a1", "title": "Daily loss", "severity": "critical", "state": "open", "account": "A"}
    return filled(alerts.Alert, **(values | {"details": "", "duration_seconds": 300.0} | given))


def page(*items: alerts.Alert) -> Any:
    counts = alerts.AlertCounts(len(items), 1, 0, 0, 1, 0, 0)
    return Paged(list(items), len(items), 50, 0, counts)


def test_an_open_alert_says_what_was_measured_and_can_be_taken_on() -> None:
    found = page(alert(value=Decimal("312.6"), threshold=Decimal(500), unit="USD", label="Maker"))
    members = drawn("alerts", (alerts.READ, found), scope=Scope(("A",), "1D"))
    assert "Daily loss critical Maker 312.60 USD 500.00 USD" in words(members)
    assert "5 m 00 s Acknowledge" in words(members)
    assert "'data-alert': 'a1'" in str(members)
    assert members["subtitle"] == "1 open · 0 taken on · 0 over, in 1D"


def test_nobody_acts_in_the_past() -> None:
    members = drawn("alerts", (alerts.READ, page(alert())), scope=Scope(("A",), "1D", as_of=NOW).resolved(NOW))
    assert "Acknowledge" not in words(members)
    assert "open" in words(members)


def test_who_has_taken_it_on_and_what_is_over_are_told() -> None:
    rows = page(alert(state="acknowledged", acknowledged_by=HOSTILE), alert(state="resolved", resolved_at=NOW))
    said = words(drawn("alerts", (alerts.READ, rows)))
    assert f"{HOSTILE} since" in said
    assert "over since" in said
    assert "Acknowledge" not in said


def test_no_alert_at_all_is_told_from_none_of_these() -> None:
    assert "No alerts" in words(drawn("alerts", (alerts.READ, page())))
    assert "No such alert" in words(drawn("alerts?severity=info", (alerts.READ, page()), scope=SCOPE))
