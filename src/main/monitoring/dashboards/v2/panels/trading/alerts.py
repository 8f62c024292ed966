"""Alerts: what has fired, how bad it is, whether somebody has taken it on, and what is over."""

from collections.abc import Hashable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import alerts
from main.monitoring.reads.alerts import SEVERITIES, Alert, AlertParams

SIZE = 50
_TONES: dict[str, components.Tone] = {"critical": "critical", "warning": "warn", "info": "info"}
_COLUMNS = (
    Column("Alert", phone="name", sort="rule"),
    Column("Severity", phone="corner", sort="severity"),
    Column("Account", phone="figure", muted=True),
    Column("Measured", "right", phone="figure"),
    Column("Limit", "right"),
    Column("Fired", "right", phone="figure", sort="fired_at"),
    Column("For", "right", sort="duration_seconds"),
    Column("State", phone="figure"),
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the read. Raise ValueError for what it does not take."""
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    wanted = {name: chosen[name] or None for name in ("state", "severity")}
    return {alerts.READ: AlertParams(SIZE, int(page) * SIZE, chosen["sort"] or "-fired_at", **wanted)}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[alerts.READ].value
    chosen = answers.chosen
    if not found or not found.total:
        if chosen["state"] or chosen["severity"]:
            return components.empty("No such alert", f"None of these in {scope.window}.", icon_name="search")
        why = f"Nothing has fired in {scope.window}, and nothing is open."
        return components.empty("No alerts", why, icon_name="check")
    choosing = Choosing(chosen["sort"] or "-fired_at", "alerts.sort")
    rows = [_row(each, scope) for each in found.items]
    pages = pager("alerts.page", first=found.offset, count=len(rows), total=found.total, size=found.limit)
    return html.Div([table(_COLUMNS, rows, label="Alerts", choosing=choosing), pages])


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[alerts.READ].value
    counts = found.summary if found else None
    if counts is None:
        return ""
    return f"{counts.open:,} open · {counts.acknowledged:,} taken on · {counts.resolved:,} over, in {scope.window}"


def _row(alert: Alert, scope: Scope) -> Row:
    measured = components.unknown("it measures nothing") if alert.value is None else _amount(alert.value, alert.unit)
    limit = "—" if alert.threshold is None else _amount(alert.threshold, alert.unit)
    cells: list[Cell] = [
        alert.title,
        components.chip(alert.severity, _TONES.get(alert.severity, "neutral")),
        alert.label or alert.account or "the suite",
        measured,
        limit,
        components.moment(alert.fired_at),
        text.duration(alert.duration_seconds),
        _state(alert, scope),
    ]
    return Row(alert.alert_id, cells, below=html.Span(alert.details, className="muted") if alert.details else None)


def _amount(value: text.Number, unit: str | None) -> str:
    return f"{text.money(value)} {unit or ''}".rstrip()


def _state(alert: Alert, scope: Scope) -> Cell:
    if alert.state == "resolved":
        return ["over since ", components.moment(alert.resolved_at)]
    if alert.state == "acknowledged":
        return [f"{alert.acknowledged_by or 'somebody'} since ", components.moment(alert.acknowledged_at)]
    if not scope.live:
        return components.chip("open", "outline")
    attributes: dict[str, Any] = {"data-action": "acknowledge", "data-alert": alert.alert_id}
    return html.Button("Acknowledge", className="button", type="button", **attributes)


PANEL = Panel(
    "alerts",
    "Alerts",
    page="Alerts",
    reads=(alerts.READ,),
    options=(
        Option("state", "State", (("", "All"), ("open", "Open"), ("acknowledged", "Taken on"), ("resolved", "Over"))),
        Option("severity", "Severity", (("", "Any"), *((each, each.capitalize()) for each in SEVERITIES))),
        Option("sort", "Sort", kind="hidden"),
        Option("page", "Page", kind="hidden"),
    ),
    params=params,
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="table",
)
