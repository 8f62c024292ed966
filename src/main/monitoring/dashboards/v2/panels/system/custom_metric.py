"""Custom metric: the course of one named value through the window."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, figures
from main.monitoring.dashboards.v2.metric_words import read, told
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel, Picture
from main.monitoring.read import Read
from main.monitoring.reads import custom_metric
from main.monitoring.reads.custom_metric import MetricParams, MetricPoint

_POINTS = 300


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return which value's course is asked. Raise ValueError for what names none."""
    if not chosen["metric"]:
        return {custom_metric.READ: MetricParams()}
    account, source, name = read(chosen["metric"])
    return {custom_metric.READ: MetricParams(points=_POINTS, metric=name, account=account, source=source)}


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    points = _points(answers)
    if not points:
        reason = f"Nothing was told of it in {scope.window}."
        return components.empty("No such value", reason, icon_name="chart-line")
    unit = points[-1].unit

    def write(value: float | None) -> str:
        return told(value, unit)

    figure = figures.lines(
        [point.at for point in points],
        [
            figures.Curve(
                "Mean",
                [point.mean_value for point in points],
                "accent",
                low=[point.low_value for point in points],
                high=[point.high_value for point in points],
            )
        ],
        write=write,
        ticks=lambda values: [write(value) for value in values],
    )
    low, high = min(point.low_value for point in points), max(point.high_value for point in points)
    detail = f"lowest {write(low)} · highest {write(high)}"
    return Picture(components.reading(told(points[-1].value, unit), detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    chosen = answers.chosen["metric"]
    if not chosen:
        return ""
    account, source, name = read(chosen)
    return captions.joined(name, account or "of no account", source, scope.window)


def _points(answers: Answers) -> Sequence[MetricPoint]:
    """Return the points of the chosen value alone: without an account the answer has those of every account."""
    if not answers.chosen["metric"]:
        return []
    account, _, _ = read(answers.chosen["metric"])
    return [point for point in answers[custom_metric.READ].value or [] if point.account == account]


PANEL = Panel(
    "custom_metric",
    "Custom metric",
    page="Pipelines",
    reads=(custom_metric.READ,),
    options=(Option("metric", "Metric", kind="hidden"),),
    params=params,
    draw=draw,
    caption=caption,
    order=90,
    height=300,
    kind="drawer",
    skeleton="chart",
)
