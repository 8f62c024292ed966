"""The baseline: a page in plain Dash with the same charts, one callback per panel on an interval.

Written as Dash's own tutorial does it: its default server, `dcc.Graph`, `plotly.express`' template, one `dcc.Interval`,
one callback for each panel. It is spared what ours has to do: it reads no database, its data lies in memory.
Its charts have as many points of the same kinds and its other panels as many elements as the page it is compared with.
"""

import argparse
import json
import logging
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects as go
from dash import Dash, Input, Output, dcc, html

INTERVAL_MILLISECONDS = 5_000
COLUMNS = 6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--panels", type=json.loads, required=True, help="what `pages.shape` found")
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application(arguments.panels).run(host="127.0.0.1", port=arguments.port, debug=False)


def application(panels: list[dict[str, Any]]) -> Dash:
    """A page of panels, each {name, kind, traces: [{type, points}], elements}."""
    app = Dash(__name__)
    sections = [_section(panel) for panel in panels]
    style = {"display": "grid", "gridTemplateColumns": "repeat(3, 1fr)", "gap": "12px"}
    app.layout = html.Div(
        [dcc.Interval(id="interval", interval=INTERVAL_MILLISECONDS), html.Div(sections, style=style)]
    )
    for panel in panels:
        _add_callback(app, panel)
    return app


def _section(panel: dict[str, Any]) -> html.Section:
    name = panel["name"]
    body = dcc.Graph(id=name, style={"height": "300px"}) if panel["traces"] else html.Div(id=name)
    marks: dict[str, Any] = {"data-panel": name, "data-kind": "figure" if panel["traces"] else "content"}
    return html.Section([html.H3(name), body], **marks)


def _add_callback(app: Dash, panel: dict[str, Any]) -> None:
    if panel["traces"]:
        series = [_series(trace["points"]) for trace in panel["traces"]]

        @app.callback(Output(panel["name"], "figure"), Input("interval", "n_intervals"))
        def draw(_: object) -> go.Figure:
            drawn = zip(panel["traces"], series, strict=True)
            return go.Figure([_trace(trace["type"], *found) for trace, found in drawn])

    else:

        @app.callback(Output(panel["name"], "children"), Input("interval", "n_intervals"))
        def fill(_: object) -> html.Table:
            rows = max(1, panel["elements"] // (COLUMNS + 1))
            return html.Table([html.Tr([html.Td(f"{row} {cell}") for cell in range(COLUMNS)]) for row in range(rows)])


def _series(points: int) -> tuple[list[datetime], list[float]]:
    chance = random.Random(points)
    end, value = datetime.now(UTC), 100.0
    values = [value := value + chance.gauss(0, 1) for _ in range(points)]
    return [end - timedelta(minutes=points - index) for index in range(points)], values


def _trace(kind: str, at: list[datetime], values: list[float]) -> Any:
    if kind == "treemap":
        labels = [f"SYM{index}" for index in range(len(at))]
        return go.Treemap(labels=labels, parents=[""] * len(at), values=[abs(value) for value in values])
    if kind == "bar":
        return go.Bar(x=at, y=values)
    if kind == "candlestick":
        low, high = [value - 1 for value in values], [value + 1 for value in values]
        return go.Candlestick(x=at, open=values, high=high, low=low, close=values[1:] + values[:1])
    if kind == "heatmap":
        return go.Heatmap(x=at, y=["a", "b", "c"], z=[values, values, values])
    return go.Scatter(x=at, y=values, mode="lines")


if __name__ == "__main__":
    main()
