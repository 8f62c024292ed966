"""Models: which ones trade or look on, with what budget, and how good they have been."""

from collections.abc import Callable

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, models
from main.monitoring.reads.models import ModelState

MOST = 50
_NAMED = 3
_TONES = {"active": "accent", "shadow": "outline", "retired": "neutral"}
_COLUMNS = (
    Column("Model", phone="name"),
    Column("Status", phone="corner"),
    Column("Strategy"),
    Column("Budget", "right"),
    Column("Universe"),
    Column("Regime"),
    Column("Judged", "right", muted=True),
    Column("Accuracy, %", "right", phone="figure"),
    Column("IC", "right"),
    Column("Sharpe", "right", phone="figure"),
    Column("Drift", "right", phone="figure"),
    Column("Predicted", "right", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    known = answers[models.READ].value or []
    if not known:
        running = "its feed's source tells of no model."
        return reasons.nothing(answers, scope, "No models", running, icon_name="workflow")
    sources = len({model.source for model in known}) > 1
    return table(_COLUMNS, [_row(model, sources) for model in known[:MOST]], label="Models")


def caption(answers: Answers, scope: Scope) -> str:
    known = answers[models.READ].value or []
    active = sum(model.status == "active" for model in known)
    return f"{active} active of {len(known)}" if known else ""


def _row(model: ModelState, sources: bool) -> Row:
    judged = "it has not been judged" if model.judged_at is None else "its judgement does not tell"
    version = f"{model.version} · {model.source}" if sources else model.version
    name: Cell = [model.model, " ", html.Span(version, className="muted")]
    cells: list[Cell] = [
        name,
        components.chip(model.status.capitalize(), _TONES.get(model.status, "neutral")),  # type: ignore[arg-type]  # tones of ours
        model.strategy or components.unknown("of no strategy"),
        "no limit" if model.budget is None else text.money(model.budget, 0),
        html.Span(_universe(model.universe), title=", ".join(model.universe)),
        model.regime or "any",
        components.unknown(judged) if model.judged is None else f"{model.judged:,}",
        _figure(model.accuracy, judged, lambda share: text.percent(share, 1).removesuffix("%")),
        _figure(model.ic, judged, lambda ic: text.ratio(ic, signed=True)),
        _figure(model.sharpe, judged, text.ratio),
        _figure(model.drift, judged, text.ratio),
        components.moment(model.predicted_at) if model.predicted_at else components.unknown("it has predicted nothing"),
    ]
    return Row(f"{model.source}-{model.model}-{model.version}", cells)


def _figure(value: float | None, reason: str, write: Callable[[float], str]) -> Cell:
    return components.unknown(reason) if value is None else write(value)


def _universe(symbols: list[str]) -> str:
    if len(symbols) <= _NAMED:
        return ", ".join(symbols) or "all"
    return f"{', '.join(symbols[:_NAMED])} and {len(symbols) - _NAMED} more"


PANEL = Panel(
    "models",
    "Models",
    page="Models",
    reads=(models.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="table",
)
