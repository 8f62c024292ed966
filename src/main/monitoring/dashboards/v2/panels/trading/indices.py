"""Indices: where does every measure of the market stand, and how did it change in a day?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.components import Child, Tone
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import bots, indices
from main.monitoring.reads.indices import IndexState

_TONES: dict[str, Tone] = {"low": "neutral", "normal": "neutral", "elevated": "warn", "high": "warn"}
_MOST = 12  # cards; a source with more has them in the menu of the history


def draw(answers: Answers, scope: Scope) -> Component:
    told = answers[indices.READ].value
    if not told or not told.levels:
        return reasons.nothing(
            answers,
            scope,
            "No index yet",
            "its source tells of no index, volatility or breadth.",
            icon_name="chart-line",
        )
    several = len({each.source for each in told.levels}) > 1
    return components.kpi_band([_card(each, several) for each in told.levels[:_MOST]])


def caption(answers: Answers, scope: Scope) -> str:
    told = answers[indices.READ].value
    count = len(told.levels) if told else 0
    if not count:
        return ""
    return "change of a day" if count <= _MOST else f"{_MOST} of {count} · change of a day"


def _card(index: IndexState, several: bool) -> Component:
    label = f"{index.name} · {index.source}" if several else index.name
    return components.kpi(label, text.money(index.level), unit=_unit(index), detail=_detail(index))


def _unit(index: IndexState) -> str:
    return "% a year" if index.kind == "volatility" else ""


def _detail(index: IndexState) -> Child:
    change = _change(index)
    if index.band is None:
        return change
    return [components.chip(index.band, _TONES[index.band]), " ", change]


def _change(index: IndexState) -> Component | str:
    if index.change is None:
        return "the record does not reach back a day"
    if index.kind == "index":
        return components.signed_percent(index.change)
    return text.percent(index.change, signed=True)  # more volatility is neither won nor lost


PANEL = Panel(
    "indices",
    "Indices",
    page="Market",
    reads=(indices.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
