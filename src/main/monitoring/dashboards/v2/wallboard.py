"""What stands on the wallboard, and what surrounds it? The most important panels of both dashboards, no controls."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2 import theme
from main.monitoring.dashboards.v2.composed import PanelShelf
from main.monitoring.dashboards.v2.frame import page_grid
from main.monitoring.dashboards.v2.layout import Shell
from main.monitoring.dashboards.v2.navigation import Page
from main.monitoring.dashboards.v2.panel import Panel

WALLBOARD = Page("Wallboard", "monitor")
PLACES = (
    ("alert_strip", 12),
    ("account_cards", 12),
    ("equity", 6),
    ("positions_map", 3),
    ("daily_pnl", 3),
    ("status", 12),
    ("cpu", 3),
    ("memory", 3),
    ("disk", 3),
    ("activity", 3),
)
"""Panels with their width in columns; `wallboard.css` gives each its place, so that a wide screen is filled."""


def wall_panels(shelf: PanelShelf) -> tuple[Panel, ...]:
    """Return the panels of the wallboard in reading order, those that there are."""
    return tuple(_placed(shelf))


def _placed(shelf: PanelShelf) -> Iterator[Panel]:
    for name, width in PLACES:
        panel = shelf.named(name)
        if panel is not None:
            yield replace(panel, width=width, page=WALLBOARD.name)


@dataclass(frozen=True, slots=True)
class WallShell(Shell):
    """A page without header and navigation: a title line with a clock, and the panels."""

    def layout(self) -> Component:
        """Return the layout that every page of the wallboard has."""
        interval = dcc.Interval(id="interval-component", interval=round(self.interval_seconds * 1000))
        parts = [
            html.A("Skip to content", href="#content", className="skip-link"),
            html.Main([_title_line(), html.Div(id="strips", className="strips"), html.Div(id="page")], **_CONTENT),
            html.Div(id="announcer", className="visually-hidden", role="status"),
            html.Span(id="phone-name", hidden=True),  # the router names the page here too
            interval,
        ]
        provider: Component = dmc.MantineProvider(
            parts, id="mantine", theme=theme.mantine_theme(), defaultColorScheme=theme.DEFAULT_THEME
        )
        return provider

    def _page(self, page: Page) -> dict[str, Any]:
        told = Shell._page(self, page)
        return told | {"layout": _without_controls(page_grid(self.panels))}


_CONTENT: dict[str, Any] = {"id": "content", "className": "content wallboard", "tabIndex": -1}


def _title_line() -> Component:
    clock: dict[str, Any] = {"id": "wall-clock", "className": "wall-clock", "aria-live": "off"}
    return html.Div(
        [
            html.H1(id="page-name"),
            html.Span(id="title-scope", className="title-scope"),
            html.Div(id="title-modes", className="title-modes"),
            html.Div(**clock),
        ],
        className="title-line",
    )


def _without_controls(grid: Any) -> Component:
    """Turn what opens menus into plain titles, and leave the options out: nobody stands there to press them."""
    for section in grid.children:
        header = section.children[0] if isinstance(section.children, list) else None
        if isinstance(header, html.Header):
            parts: list[Any] = header.children
            title: Any = parts[0].children
            kept = [part for part in parts[1:] if getattr(part, "className", "") != "panel-options"]
            header.children = [html.H2(title.children, id=title.id, className="panel-title"), *kept]
    plain: Component = grid
    return plain
