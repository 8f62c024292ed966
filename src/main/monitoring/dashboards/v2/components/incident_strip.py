"""What is wrong at the moment, in a line: the worst, and how many more?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import icon
from main.monitoring.dashboards.v2.components.times import moment


@dataclass(frozen=True, slots=True)
class Incident:
    """One line of an alert strip: how bad, what, whose and how much, since when."""

    severity: str
    title: str
    about: str
    since: datetime


def alert_strip(incidents: Sequence[Incident]) -> Component:
    """Return the first incident in a line, the others behind "n more"; nothing when there is none."""
    if not incidents:
        return html.Div()
    first, *others = incidents
    tone = {"critical": "critical", "warning": "warn"}.get(first.severity, "info")
    role = "alert" if tone == "critical" else "status"
    line: list[Component] = [html.Div(_incident(first), className="alert-said", role=role), _since(first)]
    if not others:
        return html.Div(line, className=f"strip alert-strip strip-{tone}")
    more = html.Summary(f"{len(others)} more", className="button")
    rest = html.Ol([html.Li([html.Div(_incident(other), className="alert-said"), _since(other)]) for other in others])
    return html.Div([*line, html.Details([more, rest])], className=f"strip alert-strip strip-{tone}")


def _incident(incident: Incident) -> list[Component]:
    mark = icon("info" if incident.severity == "info" else "triangle-alert")
    return [mark, html.B(incident.title), html.Span(incident.about, title=incident.about)]


def _since(incident: Incident) -> Component:
    return html.Span(["since ", moment(incident.since)], className="alert-since")
