"""What stands around the panels: header, navigation, title line and footer, as the server lays them out once.

The empty elements with an id are filled by `assets/live/*.js`; React never touches what is inside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2 import theme
from main.monitoring.dashboards.v2.components import icon
from main.monitoring.dashboards.v2.frame import page_grid
from main.monitoring.dashboards.v2.navigation import Page
from main.monitoring.dashboards.v2.panel import Panel

FOOT_TARGETS = 4  # pages in a phone's footer, beside "More"


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a user's own dashboard: always mounted, so that its callbacks find their elements."""

    page: Page
    content: Component | Sequence[Component]


@dataclass(frozen=True, slots=True)
class Sibling:
    """One side of the Trading | System switch; without a public address the browser takes its own host and the port."""

    label: str
    current: bool
    url: str | None
    port: int


@dataclass(frozen=True, slots=True)
class Shell:
    """Everything the layout and its scripts need to know of one dashboard."""

    name: str
    siblings: tuple[Sibling, ...]
    pages: tuple[Page, ...]
    panels: tuple[Panel, ...]
    tabs: tuple[Tab, ...]
    controls: tuple[str, ...]
    windows: tuple[str, ...]
    default_window: str
    interval_seconds: float
    composed: tuple[Mapping[str, Any], ...] = ()  # pages of the configuration file; those of users come over the socket

    def panels_on(self, page: Page) -> tuple[Panel, ...]:
        """Return the panels of a page, in reading order; its badges stand in the navigation."""
        return tuple(
            panel for panel in self.panels if page.name in (panel.page, *panel.also_on) and panel.kind != "badge"
        )

    def _badges(self) -> dict[str, Panel]:
        return {panel.page: panel for panel in self.panels if panel.kind == "badge"}

    def layout(self) -> Component:
        """Return the layout that every page has; which page it shows is the router's business."""
        entries = (*self.pages, *(tab.page for tab in self.tabs))
        shell = dmc.AppShell(
            [
                dmc.AppShellHeader(_header(self.controls), className="shell-header"),
                dmc.AppShellNavbar(
                    _navigation(self.siblings, entries, self._badges()), className="shell-nav", id="navigation"
                ),
                dmc.AppShellMain(_main(self.tabs), className="shell-main"),
                dmc.AppShellFooter(_footer(entries), className="shell-footer"),
            ],
            layout="alt",
            header={"height": {"base": 108, "sm": 52}},
            navbar={"width": {"base": 200, "sm": 56, "lg": 200}, "breakpoint": "sm", "collapsed": {"mobile": True}},
            footer={"height": {"base": 57, "sm": 0.001}},
            padding=0,
            transitionDuration=0,
            withBorder=False,
        )
        interval = dcc.Interval(id="interval-component", interval=round(self.interval_seconds * 1000))
        scrim: dict[str, Any] = {"data-action": "close-drawer"}
        parts = [
            html.A("Skip to content", href="#content", className="skip-link"),
            shell,
            html.Div(className="scrim", **scrim),
            html.Div(id="announcer", className="visually-hidden", role="status"),
            interval,
        ]
        provider: Component = dmc.MantineProvider(
            parts, id="mantine", theme=theme.mantine_theme(), defaultColorScheme=theme.DEFAULT_THEME
        )
        return provider

    def configuration(self) -> Mapping[str, Any]:
        """Return what the scripts are told in the page, the skeletons of all pages among it."""
        return {
            "dashboard": self.name,
            "windows": self.windows,
            "defaultWindow": self.default_window,
            "controls": self.controls,
            "pages": [self._page(page) for page in self.pages],
            "tabs": [_address(tab.page) for tab in self.tabs],
            "composed": self.composed,
            "panels": {panel.name: definition(panel) for panel in self.panels},
            "badges": [panel.name for panel in self._badges().values()],
        }

    def _page(self, page: Page) -> dict[str, Any]:
        panels = self.panels_on(page)
        return _address(page) | {"panels": [panel.name for panel in panels], "layout": page_grid(panels)}


def _address(page: Page) -> dict[str, Any]:
    return {
        "name": page.name,
        "slug": page.slug,
        "address": page.address,
        "key": page.key,
        "window": page.window,
    }


def definition(panel: Panel) -> dict[str, Any]:
    """Return what the scripts need to know of a panel: its title, kind, reads and options."""
    reads = [
        {
            "name": read.name,
            "title": read.title,
            "unit": read.unit,
            "formula": read.formula,
            "description": read.description,
        }
        for read in panel.reads
    ]
    options = [
        {
            "name": each.name,
            "label": each.label,
            "choices": each.choices,
            "kind": each.kind,
            "shared": each.shared,
        }
        for each in panel.options
    ]
    place = {"width": panel.width, "height": panel.height, "refines": panel.refines}
    return {"title": panel.title, "kind": panel.kind, "reads": reads, "options": options} | place


def _header(controls: Sequence[str]) -> list[Component]:
    menu = _action("open-drawer", "Menu") | {"aria-expanded": "false", "aria-controls": "navigation"}
    left = [html.Div(id=f"control-{name}", className="control") for name in controls]
    return [
        html.Div(
            [
                html.Button(icon("menu"), id="menu-button", className="icon-button phone-only", type="button", **menu),
                html.Span(id="phone-name", className="header-name phone-only"),
                html.Span(className="spacer order-2"),
                html.Div(id="control-moment", className="control order-3"),
                html.Div(id="control-search", className="control order-5"),
            ],
            className="header-top",
        ),
        html.Div(
            [
                *left,
                html.Div(id="control-zone", className="control order-4"),
                html.Div(id="control-theme", className="control order-6"),
                html.Div(id="control-help", className="control order-7"),
            ],
            className="header-scroll",
        ),
    ]


def _navigation(siblings: Sequence[Sibling], pages: Sequence[Page], badges: Mapping[str, Panel]) -> list[Component]:
    brand = html.Div(
        [html.Span(icon("trending-up"), className="brand-mark"), html.Span("AI Trader", className="brand-name")],
        className="brand",
    )
    sides = [_sibling(each) for each in siblings]
    switch = html.Div(sides, className="segmented", **_named("Dashboards", role="group"))
    links = html.Nav([_nav_link(page, badges.get(page.name)) for page in pages], **_named("Pages"))
    foot = html.Div(
        [icon("monitor"), html.Div([html.B("This machine"), html.Span("no login")])],
        className="nav-foot",
        title="Open to this machine only, because no user is defined",
    )
    composed = html.Div(id="composed-pages", className="composed-pages")
    return [brand, switch, links, composed, foot]


def _sibling(sibling: Sibling) -> Component:
    attributes: dict[str, Any] = {"data-port": str(sibling.port)}
    if sibling.current:
        attributes["aria-current"] = "true"
    return html.A(sibling.label, href=sibling.url or "#", **attributes)


def _nav_link(page: Page, badge: Panel | None) -> Component:
    parts = [icon(page.icon), html.Span(page.name)]
    if badge is not None:  # drawn like any panel, but without a frame
        body = html.Span(html.Span(id=f"content-{badge.name}"), id=f"body-{badge.name}")
        parts.append(html.Span(body, id=badge.name.replace("_", "-"), className="nav-badge-slot"))
    return html.A(parts, href=page.address, className="nav-link", title=page.name, **_page_link(page))


def _page_link(page: Page) -> dict[str, Any]:
    return {"data-page": page.slug}


def _main(tabs: Sequence[Tab]) -> Component:
    title_line = html.Div(
        [
            html.H1(id="page-name"),
            html.Span(id="title-scope", className="title-scope"),
            html.Div(id="title-modes", className="title-modes"),
            html.Div(id="page-actions", className="page-actions"),
        ],
        className="title-line",
    )
    sections = [html.Section(tab.content, id=f"tab-{tab.page.slug}", hidden=True) for tab in tabs]
    parts = [title_line, html.Div(id="strips", className="strips"), html.Div(id="page"), *sections]
    return html.Div(parts, id="content", className="content", tabIndex=-1)


def _footer(pages: Sequence[Page]) -> list[Component]:
    targets = [
        html.A([icon(page.icon), page.name], href=page.address, className="foot-target", **_page_link(page))
        for page in pages[:FOOT_TARGETS]
    ]
    more = html.Button([icon("menu"), "More"], className="foot-target", type="button", **_action("open-drawer", "More"))
    return [*targets, more]


def _action(name: str, label: str) -> dict[str, Any]:
    return {"data-action": name, "aria-label": label}


def _named(label: str, **more: str) -> dict[str, Any]:
    return {"aria-label": label, **more}
