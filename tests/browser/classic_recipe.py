"""A user's own dashboard, made the classic way: a subclass with a tab, a synchronous callback and SQL of its own.

Started by a test as a program: classic_recipe.py PORT, the database's address in DATABASE_URL.
"""

import os
import sys
import time
from urllib.parse import urlsplit

import plotly.graph_objects as go
from dash import Input, Output, dcc, html

from main.monitoring.dashboards.v2 import TradingDashboardV2


class MyDashboard(TradingDashboardV2):
    """The recipe, word for word, and a second callback that is slow on purpose."""

    def __init__(self, db_pool, **options):
        super().__init__(db_pool, **options)
        self.add_tab("funding", "Funding", html.Div(id="funding-content"))
        self.add_tab("slow", "Slow", html.Div(id="slow-content"))

        @self.app.callback(Output("funding-content", "children"), [Input("interval-component", "n_intervals")])
        def update_funding(n):
            rows = self._run_async(self.fetch_funding())
            return dcc.Graph(figure=go.Figure(go.Scatter(x=[r["at"] for r in rows], y=[r["amount"] for r in rows])))

        @self.app.callback(Output("slow-content", "children"), [Input("interval-component", "n_intervals")])
        def update_slowly(n):
            time.sleep(2)
            return f"slept {n}"

    async def fetch_funding(self):
        async with self.db_pool.acquire() as conn:
            return [
                dict(r)
                for r in await conn.fetch("SELECT at, amount FROM cash_flows WHERE kind = 'funding' ORDER BY at")
            ]


if __name__ == "__main__":
    parts = urlsplit(os.environ["DATABASE_URL"])
    address = {
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": parts.username,
        "password": parts.password,
    }
    MyDashboard(address, port=int(sys.argv[1])).run()
