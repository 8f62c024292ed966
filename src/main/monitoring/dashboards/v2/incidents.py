"""Which incidents are open? The line above the panels of every page."""

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


def _incident(alert: OpenAlert) -> Incident:
    parts = [alert.label or alert.account or "", _measured(alert), alert.details]
    return Incident(alert.severity, alert.title, " · ".join(part for part in parts if part), alert.fired_at)


def _measured(alert: OpenAlert) -> str:
    if alert.value is None:
        return ""
    limit = f" of {text.money(alert.threshold)}" if alert.threshold is not None else ""
    return f"{text.money(alert.value)}{limit} {alert.unit or ''}".rstrip()
