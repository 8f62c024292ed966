"""What do the panels of the page Database share: a statement to copy, a statement that ran, why there is nothing?"""

from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.figures import FigureDict

WIDEST = 140
"""Characters of a statement in a line; the whole of it is one key press away."""


def unsampled() -> Component:
    """Return the notice of a panel while the worker has not looked at the server."""
    reason = (
        "The worker looks at the database every 15 seconds and at sizes every five minutes, while it runs. "
        "Its jobs, and what they fail with, are on Services."
    )
    return components.empty("The database was not sampled in this range", reason, icon_name="database")


def rows_of(count: int | None) -> Component:
    """Return how many rows a table has, as far as the server knew when it was measured."""
    written = text.DASH if count is None else f"{count:,}"
    return components.amount(written, reason="not analysed yet when it was measured, which is every five minutes")


def forgotten() -> Component:
    """Return the notice for a past moment of which only the counters are kept."""
    reason = "Sessions are kept as long as metrics_retention says, then only the counters. Choose a later moment."
    return components.empty("Not kept any more", reason, icon_name="history")


def sql_to_copy(sql: str) -> Component:
    """Return a statement for a person to copy and run; nothing of the suite ever runs it."""
    scrolls: dict[str, Any] = {"tabIndex": 0, "role": "region", "aria-label": "SQL to act"}
    return html.Div(
        [html.Pre(sql, className="sql-text", **scrolls), components.button("Copy", "copy", sql)], className="sql"
    )


def statement(said: str | None, *, reason: str = "the role that the suite logs in with may not see it") -> Component:
    """Return what a session runs: its beginning in a line, which unfolds to all of it; a dash where it is hidden."""
    if not said or not said.strip():
        return components.unknown(reason)
    line = " ".join(said.split())
    short = line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"
    if short == said:
        return html.Code(short, className="sql-line")
    return html.Details([html.Summary(html.Code(short)), html.Pre(said.strip("\n"), tabIndex=0)], className="said")


def few_times(figure: FigureDict) -> FigureDict:
    """Return a chart of a third of the page with as many times below it as there is room for."""
    figure["layout"]["xaxis"]["nticks"] = 4
    return figure


def severity_chip(severity: str) -> Component:
    """Return how bad a finding is, as a word in a frame."""
    tones: dict[str, components.Tone] = {"critical": "critical", "warning": "warn"}
    return components.chip(severity.capitalize(), tones.get(severity, "neutral"))
