"""Breadth: how many symbols rose through the window, and how many fell?"""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.components import Child
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import bots, breadth
from main.monitoring.reads.breadth import Breadth


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[breadth.READ].value
    if not rows:
        return reasons.nothing(
            answers, scope, "No breadth yet", "its instruments are not described yet.", icon_name="chart-column"
        )
    return html.Div([_source(row, len(rows) > 1) for row in rows], className="breadth")


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[breadth.READ].value or []
    symbols = " and ".join(f"{row.symbols:,}" for row in rows)
    return captions.joined(f"{symbols} symbols" if rows else "", scope.window)


def _source(row: Breadth, several: bool) -> Component:
    share = row.advancing_share
    figure: Child = components.amount(text.percent(share.value, 1), reason=share.reason or "")
    heading = components.reading(figure, unit="rose, of those that moved", detail=row.source if several else "")
    median: Child = components.unknown("no symbol has two prices in this range")
    if row.median_change is not None:
        median = components.signed_percent(row.median_change)
    pairs: list[tuple[str, Child]] = [
        ("Rose", f"{row.advancing:,}"),
        ("Fell", f"{row.declining:,}"),
        ("Unchanged", f"{row.unchanged:,}"),
        ("Not known", f"{row.unknown:,}"),
        ("Median change", median),
    ]
    return html.Div([heading, _bar(row), components.facts(pairs)], className="breadth-source")


def _bar(row: Breadth) -> Component:
    parts = (("rose", row.advancing), ("still", row.unchanged), ("unknown", row.unknown), ("fell", row.declining))
    said = f"{row.advancing} rose, {row.unchanged} unchanged, {row.unknown} not known, {row.declining} fell"
    spans = [html.Span(className=f"breadth-{name}", style={"flexGrow": count}) for name, count in parts if count]
    return html.Div(spans, className="breadth-bar", role="img", title=said)


PANEL = Panel(
    "breadth",
    "Breadth",
    page="Market",
    reads=(breadth.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=30,
    height=300,
)
