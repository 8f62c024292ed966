"""Custom metrics: every value that a bot gave a name to, as it is now and as it went."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.metric_words import told, written
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, table
from main.monitoring.reads import custom_metrics
from main.monitoring.reads.custom_metrics import CustomMetric

MOST = 100
_COLUMNS = (
    Column("Name", phone="name"),
    Column("Account", phone="figure", muted=True),
    Column("Source", muted=True),
    Column("Value", "right", phone="corner"),
    Column("Course", "right"),
    Column("Told", "right", phone="figure", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    metrics = answers[custom_metrics.READ].value or []
    if not metrics:
        reason = (
            f"No bot told a value of its own in {scope.window}. It does so with record_metric(name, value, unit=…)."
        )
        return components.empty("No custom metrics", reason, icon_name="chart-line")
    choosing = Choosing(opens="custom_metric.metric")
    return table(_COLUMNS, [_row(each, scope) for each in metrics[:MOST]], label="Custom metrics", choosing=choosing)


def caption(answers: Answers, scope: Scope) -> str:
    count = len(answers[custom_metrics.READ].value or [])
    cut = captions.cut(min(count, MOST), count, "the first", "in alphabetical order")
    return captions.joined(scope.window, cut, "press a row for its course" if count else "")


def _row(metric: CustomMetric, scope: Scope) -> Row:
    key = written(metric.account, metric.source, metric.name)
    figure = told(metric.value, metric.unit)
    course = components.unknown("told in one part of this range only")
    if sum(value is not None for value in metric.recent) > 1:
        course = components.sparkline(metric.recent, label=f"{metric.name} through {scope.window}, now {figure}")
    cells: list[Cell] = [
        metric.name,
        metric.label or metric.account or "none",
        metric.source,
        figure,
        course,
        [components.age(metric.at), " ago"] if scope.live else components.moment(metric.at),
    ]
    return Row(key, cells, opens=key)


PANEL = Panel(
    "custom_metrics",
    "Custom metrics",
    page="Pipelines",
    reads=(custom_metrics.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=50,
    kind="flush",
    skeleton="table",
)
