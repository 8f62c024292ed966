"""Which of several things are well, and which are not?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.marks import light
from main.monitoring.dashboards.v2.components.parts import Child, LightState, icon

_LIGHTS_IN_A_ROW = 7


@dataclass(frozen=True, slots=True)
class Light:
    """One thing that can be well or not, as `lights` shows it."""

    icon: str
    name: str
    state: LightState
    word: str
    detail: Child = ""
    own: bool = False
    """Whether this process knows it by itself: it is not greyed with what the database told last."""


def lights(items: Sequence[Light]) -> Component:
    """Return a grid of status lights; only those in trouble are tinted."""
    rows = max(1, math.ceil(len(items) / _LIGHTS_IN_A_ROW))
    balanced = {"--columns": str(max(1, math.ceil(len(items) / rows)))}  # eight are two rows of four, not seven and one
    return html.Div([_light_cell(item) for item in items], className="lights", role="list", style=balanced)


def _light_cell(item: Light) -> Component:
    return html.Div(
        [
            html.Div([icon(item.icon), html.Span(item.name)], className="light-name"),
            light(item.state, item.word),
            html.Div(item.detail, className="light-detail"),
        ],
        className=f"light-cell light-cell-{item.state}" + (" light-cell-own" if item.own else ""),
        role="listitem",
    )
