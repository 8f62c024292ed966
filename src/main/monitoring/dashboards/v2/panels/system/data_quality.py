"""Data quality: what comes of each symbol, whole, on time and alive, measured by the suite itself."""

from collections.abc import Hashable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import data_quality
from main.monitoring.reads.data_quality import STATES, QualityCounts, QualityPage, SymbolQuality

SIZE = 50
_LIGHTS: dict[str, LightState] = {"ok": "ok", "gap": "late", "frozen": "down", "silent": "down"}
_COLUMNS = (
    Column("Symbol", phone="name"),
    Column("State", phone="corner"),
    Column("Complete", "right", phone="figure"),
    Column("Received", "right"),
    Column("Gaps", "right", phone="figure"),
    Column("Longest gap", "right"),
    Column("Late", "right", phone="figure"),
    Column("Repeated", "right"),
    Column("Frozen", "right"),
    Column("Pace", "right", muted=True),
    Column("Last snapshot", "right", muted=True),
)
_UNMEASURED = (
    "the worker has not measured it (only market data of live time is, every two minutes), "
    "or anew since the moment that is asked about"
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the read. Raise ValueError for what it does not take."""
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    state: Any = chosen["state"] or None  # the page checks it
    return {data_quality.READ: QualityPage(limit=SIZE, offset=int(page) * SIZE, state=state)}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[data_quality.READ].value
    if not found or not found.total:
        if answers.chosen["state"]:
            return components.empty("No such symbol", "None is in this state now.", icon_name="check")
        reason = "No instrument is described yet. A bot describes what it trades when it starts."
        return components.empty("No symbols", reason, icon_name="activity")
    several = len({each.source for each in found.items}) > 1
    rows = [_row(each, several) for each in found.items]
    pages = pager("data_quality.page", first=found.offset, count=len(rows), total=found.total, size=found.limit)
    return html.Div([table(_COLUMNS, rows, label="Data quality by symbol"), pages])


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[data_quality.READ].value
    counts: QualityCounts | None = found.summary if found else None
    if counts is None:
        return ""
    states = [f"{getattr(counts, state):,} {state}" for state in STATES if getattr(counts, state)]
    measured = "" if counts.measured_until else "not measured yet"
    return captions.joined(*states, f"whole hours of {scope.window}, a week at most", measured)


def _row(each: SymbolQuality, several: bool) -> Row:
    name: Cell = [each.symbol, " ", html.Span(each.source, className="muted")] if several else each.symbol
    late = None if each.late is None else f"{each.late:,}"
    cells: list[Cell] = [
        name,
        html.Span(components.light(_LIGHTS.get(each.state, "unknown"), each.state.capitalize()), title=each.reason),
        components.amount(text.percent(each.completeness, 1), reason=_why(each)),
        _count(each.received),
        _count(each.gaps),
        components.amount(text.duration(each.longest_gap_seconds), reason="none" if each.gaps == 0 else _UNMEASURED),
        html.Span(late, title=f"after {text.duration(each.late_after_seconds)}") if late else _count(None),
        _count(each.repeated),
        components.amount(text.duration(each.frozen_seconds), reason=_UNMEASURED),
        components.amount(text.latency(each.pace_seconds), reason=_UNMEASURED),
        components.moment(each.last_at) if each.last_at else components.unknown("none was recorded"),
    ]
    return Row(f"{each.source}/{each.symbol}", cells, below=_reason(each))


def _reason(each: SymbolQuality) -> Component | None:
    return html.Span(each.reason, className="said-reason") if each.state in ("frozen", "gap", "silent") else None


def _why(each: SymbolQuality) -> str:
    return _UNMEASURED if each.received is None else "its exchange's calendar, or the feed's pace, is not known"


def _count(value: int | None) -> Component:
    return components.amount(text.DASH if value is None else f"{value:,}", reason=_UNMEASURED)


PANEL = Panel(
    "data_quality",
    "Data quality",
    page="Pipelines",
    reads=(data_quality.READ,),
    options=(
        Option(
            "state", "Show", (("", "All"), ("troubled", "In trouble"), *((each, each.capitalize()) for each in STATES))
        ),
        Option("page", "Page", kind="hidden"),
    ),
    params=params,
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    kind="flush",
    skeleton="table",
)
