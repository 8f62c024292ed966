"""The baseline for many viewers: the usual Dash page whose every chart asks the database, on an interval, by itself.

Its own server, `dcc.Graph`, one `dcc.Interval`, one callback and one query for each chart and viewer. It is spared
what would slow it further: the pool of connections is one of asyncpg, and the query is of one index range.
"""

import argparse
import asyncio
import json
import logging
import threading
from typing import Any

import asyncpg
import numpy  # noqa: F401  # plotly imports it at the first figure, and two threads at once would get half of it
import plotly.graph_objects as go
from dash import Dash, Input, Output, dcc, html

INTERVAL_MILLISECONDS = 1_000
PLACES = 8
SQL = "SELECT at, equity::float8 FROM trading_pnl ORDER BY at DESC LIMIT $1"


class Database:
    """A pool on a loop of its own, for callbacks that run in threads."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._pool = self._wait(self._open(arguments))

    def newest(self, count: int) -> list[Any]:
        rows: list[Any] = self._wait(self._pool.fetch(SQL, count))
        return rows

    async def _open(self, arguments: dict[str, Any]) -> Any:
        return await asyncpg.create_pool(**arguments, min_size=PLACES, max_size=PLACES, timeout=5)

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--charts", type=json.loads, required=True, help="{name: [{type, points}]}")
    parser.add_argument("--database", type=json.loads, required=True, help="what asyncpg.connect takes")
    arguments = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = application(Database(arguments.database), arguments.charts)
    app.run(host="127.0.0.1", port=arguments.port, debug=False)


def application(database: Database, charts: dict[str, list[dict[str, Any]]]) -> Dash:
    app = Dash(__name__)
    graphs = [dcc.Graph(id=name) for name in charts]
    app.layout = html.Div([dcc.Interval(id="interval", interval=INTERVAL_MILLISECONDS), *graphs])
    for name, traces in charts.items():
        _add_callback(app, database, name, traces)
    return app


def _add_callback(app: Dash, database: Database, name: str, traces: list[dict[str, Any]]) -> None:
    @app.callback(Output(name, "figure"), Input("interval", "n_intervals"))
    def draw(_: object) -> go.Figure:
        rows = database.newest(max(trace["points"] for trace in traces))
        return go.Figure([_trace(trace["type"], rows[: trace["points"]]) for trace in traces])


def _trace(kind: str, rows: list[Any]) -> Any:
    at, values = [row[0] for row in rows], [row[1] for row in rows]
    return go.Bar(x=at, y=values) if kind == "bar" else go.Scatter(x=at, y=values, mode="lines")


if __name__ == "__main__":
    main()
