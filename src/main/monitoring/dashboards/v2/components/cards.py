"""What stands large: cards of a band, the line above a chart, names with their values?"""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import Child


def kpi(
    label: str,
    figure: Child,
    *,
    unit: str = "",
    detail: Child = "",
    aside: Component | None = None,
    lead: bool = False,
    beneath: Child = "",
    phone: bool = True,
) -> Component:
    """Return a card of a band: label, figure, a line of detail.

    A phone shows the `lead` card large, with `beneath` in place of its detail, and only cards that are for the `phone`.
    """
    figure_line = [html.Span(figure, className="kpi-figure"), html.Span(unit, className="kpi-unit") if unit else None]
    parts = [
        html.Div(label, className="kpi-label"),
        html.Div([part for part in figure_line if part is not None], className="kpi-line"),
        html.Div(detail, className="kpi-detail"),
        *([html.Div(beneath, className="kpi-beneath")] if beneath else []),
    ]
    column = html.Div(parts, className="kpi-text")
    place = " kpi-lead" if lead else "" if phone else " kpi-wide"
    return html.Div([column, aside] if aside else [column], className="kpi" + place)


def kpi_band(cards: Sequence[Component], *, title: Child = "") -> Component:
    """Return cards side by side with hairlines between; `title` names account or currency where bands are stacked."""
    band = html.Div(list(cards), className="kpi-band")
    return html.Div([html.Div(title, className="kpi-title"), band] if title else [band], className="kpi-group")


def reading(figure: Child, *, unit: str = "", detail: Child = "") -> Component:
    """Return the line above a chart: its present figure at the left, context at the right."""
    left = html.Span([html.Span(figure, className="kpi-figure"), html.Span(unit, className="kpi-unit")])
    return html.Div([left, html.Span(detail, className="reading-detail")], className="reading")


def facts(pairs: Sequence[tuple[str, Child]]) -> Component:
    """Return names and values in two columns."""
    lines = [html.Div([html.Dt(name), html.Dd(value)], className="fact") for name, value in pairs]
    return html.Dl(lines, className="facts")
