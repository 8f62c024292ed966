"""Which incidents are open? The line above the panels of a page, and their number in the navigation of every page."""

from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import Incident
from main.monitoring.dashboards.v2.panel import Answers
from main.monitoring.reads import open_alerts
from main.monitoring.reads.open_alerts import OpenAlert


def draw(answers: Answers, scope: Scope) -> Component:
    """Draw the open alerts, the worst first; nothing when all is well."""
    return components.alert_strip([_incident(alert) for alert in answers[open_alerts.READ].value or []])


def count(answers: Answers, scope: Scope) -> Component:
    """Draw how many alerts are open, by the worst of them; nothing when all is well."""
    found = answers[open_alerts.READ].value or []
    if not found:
        return html.Span()
    hidden: dict[str, Any] = {"aria-hidden": "true"}
    tone: dict[str, Any] = {"data-tone": found[0].severity}
    number = f"{len(found)}{'+' if len(found) == open_alerts.MOST else ''}"
    said = f" {number} open alert{'' if len(found) == 1 else 's'}, the worst {found[0].severity}"
    parts = [html.Span(number, **hidden), html.Span(said, className="visually-hidden")]
    return html.Span(parts, className="nav-badge", **tone)


def _incident(alert: OpenAlert) -> Incident:
    parts = [alert.label or alert.account or "", _measured(alert), alert.details]
    return Incident(alert.severity, alert.title, " · ".join(part for part in parts if part), alert.fired_at)


def _measured(alert: OpenAlert) -> str:
    if alert.value is None:
        return ""
    limit = f" of {text.money(alert.threshold)}" if alert.threshold is not None else ""
    return f"{text.money(alert.value)}{limit} {alert.unit or ''}".rstrip()
