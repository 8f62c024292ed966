"""What a log is read with: a search, the service, the least level, whether to follow, and the way further back."""

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components import icon

SEARCH, SERVICE, LEVEL, FOLLOW = (f"service_logs-{name}" for name in ("search", "service", "level", "follow"))
OLDER, TICK, LINES = (f"service_logs-{name}" for name in ("older", "tick", "lines"))
POLL_SECONDS = 2.0
_TYPING_MILLISECONDS = 350
_LEVELS = (
    ("", "Any level"),
    ("info", "Info or graver"),
    ("warning", "Warning or graver"),
    ("error", "Error or graver"),
    ("critical", "Critical"),
)


def log_controls() -> Component:
    """Return the tools, the list that `assets/live/service_logs.js` fills, and what stands below it."""
    listed: dict[str, Any] = {"aria-label": "Log lines, newest first", "aria-live": "off"}
    return html.Div(
        [
            html.Div(_tools(), className="log-tools", role="search"),
            html.Ol(id=LINES, className="log-lines", tabIndex=0, role="log", **listed),
            html.Div(
                [
                    html.Button("Older lines", id=OLDER, className="button", type="button", disabled=True, n_clicks=0),
                    html.Span(id="service_logs-said", className="log-said-of-search"),
                ],
                className="log-foot",
            ),
            dcc.Interval(id=TICK, interval=round(POLL_SECONDS * 1000)),
        ],
        className="log-view",
    )


def _tools() -> list[Component]:
    copy: dict[str, Any] = {"data-action": "copy-log"}
    return [
        dmc.TextInput(
            id=SEARCH,
            value="",
            placeholder="Search the logs",
            leftSection=icon("search"),
            debounce=_TYPING_MILLISECONDS,
            size="xs",
            className="log-search",
            inputProps={"type": "search", "maxLength": 200, "autoComplete": "off"},
            **_named("Search the logs"),
        ),
        dmc.Select(
            id=SERVICE,
            data=[],
            placeholder="Any service",
            clearable=True,
            size="xs",
            className="log-select",
            **_named("Only this service"),
        ),
        dmc.Select(
            id=LEVEL,
            data=[{"value": value or "any", "label": label} for value, label in _LEVELS],
            value="any",
            allowDeselect=False,
            size="xs",
            className="log-select",
            **_named("Least level"),
        ),
        dmc.Switch(id=FOLLOW, checked=True, label="Follow", size="xs", className="log-follow"),
        html.Button([icon("copy"), "Copy"], className="button log-copy", type="button", **copy),
    ]


def _named(label: str) -> dict[str, Any]:
    return {"aria-label": label}
