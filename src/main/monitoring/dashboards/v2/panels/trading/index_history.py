"""Index history: how did one measure of the market run through the window?"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.figures import Curve, FigureDict
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.volatility_marks import band_levels
from main.monitoring.read import Read
from main.monitoring.reads import bots, indices, volatility
from main.monitoring.reads.indices import IndexParams, Indices

INDEX = Option("index", "Measure")


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {indices.READ: IndexParams(name=chosen["index"] or None)}


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    told = answers[indices.READ].value
    if not told or len(told.points) < 2:
        known = bool(told and told.levels)  # no range is long enough for what the source never tells of
        return reasons.nothing(
            answers,
            scope,
            "No levels in this range" if known else "No index yet",
            "a curve needs two levels: choose a longer range."
            if known
            else "its source tells of no index, volatility or breadth.",
            icon_name="chart-line",
            ranged=known,
        )
    at, levels = [point.at for point in told.points], [point.level for point in told.points]
    low, high = [point.low for point in told.points], [point.high for point in told.points]
    if _kind(told) != "volatility":
        name = told.name or ""
        return figures.area(
            at,
            levels,
            name=name,
            write=text.money,
            ticks=figures.price_ticks,
            write_tag=text.money,
            low=low,
            high=high,
        )
    report = answers[volatility.READ].value
    shown = band_levels(report.bands if report else (), max(levels), scale=100)
    curve = Curve(told.name or "", levels, "accent", low=low, high=high)
    return figures.lines(at, [curve], write=text.money, ticks=figures.price_ticks, levels=shown)


def caption(answers: Answers, scope: Scope) -> str:
    told = answers[indices.READ].value
    name = told.name if told else None
    return " · ".join([*([name] if name else []), scope.window])


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    told = answers[indices.READ].value
    names = [each.name for each in told.levels] if told else []
    first = [told.name] if told and told.name and not answers.chosen["index"] else []
    return {"index": list(dict.fromkeys([*first, *names]))}


def _kind(told: Indices) -> str:
    found = (each.kind for each in told.levels if each.name == told.name and each.source == told.source)
    return next(found, "index")


PANEL = Panel(
    "index_history",
    "Index",
    page="Market",
    reads=(indices.READ, volatility.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(INDEX,),
    params=params,
    offers=offers,
    width=8,
    order=20,
    height=300,
    kind="figure",
    refines=True,
)
