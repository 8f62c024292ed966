"""What surrounds every panel: title, unit, badge, the skeleton of what comes, the line below."""

from typing import Any

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components import icon
from main.monitoring.dashboards.v2.panel import Panel

_SKELETON_PARTS = {"chart": 2, "table": 6, "band": 6, "lights": 7, "feed": 8}


def page_grid(panels: tuple[Panel, ...]) -> Component:
    """Return a page: its panels on the grid, in reading order."""
    return html.Div(
        [_strip(panel) if panel.kind == "strip" else panel_frame(panel) for panel in panels], className="page-grid"
    )


def panel_frame(panel: Panel) -> Component:
    """Return one panel as it is before its first answer. Ids: panel-, subtitle-, badge-, body-, footer-NAME."""
    attributes: dict[str, Any] = {"data-panel": panel.name, "data-state": "loading", "data-kind": panel.kind}
    named: dict[str, Any] = {"aria-labelledby": f"title-{panel.name}"}
    over = panel.kind == "drawer"
    attributes |= {"role": "dialog", "tabIndex": -1, "hidden": True} if over else {}
    return html.Section(
        [_header(panel), _body(panel), html.Div(id=f"footer-{panel.name}", className="panel-footer", hidden=True)],
        id=f"panel-{panel.name}",
        className="panel panel-drawer" if over else f"panel col-{panel.width}",
        **attributes,
        **named,
    )


def _strip(panel: Panel) -> Component:
    attributes: dict[str, Any] = {"data-panel": panel.name, "data-kind": panel.kind, "aria-label": panel.title}
    parts = [html.Div(id=f"content-{panel.name}"), html.Div(id=f"drawn-{panel.name}")]
    body = html.Div(parts, id=f"body-{panel.name}")
    return html.Section(body, id=f"panel-{panel.name}", className="panel-strip", **attributes)


def _header(panel: Panel) -> Component:
    menu: dict[str, Any] = {"aria-haspopup": "menu", "data-action": "panel-menu", "data-panel": panel.name}
    quiet: dict[str, Any] = {"aria-live": "off"}
    title = html.Button(panel.title, id=f"title-{panel.name}", className="panel-title", type="button", **menu)
    parts = [
        html.H2(title),
        html.Span(panel.subtitle, id=f"subtitle-{panel.name}", className="panel-subtitle"),
        *([_legend(panel.legend)] if panel.legend else []),
        *([html.Div(id=f"options-{panel.name}", className="panel-options")] if panel.options else []),
        html.Div(id=f"badge-{panel.name}", className="badge-slot", **quiet),
    ]
    if panel.kind == "drawer":
        option = f"{panel.name}.{panel.options[0].name}"
        close: dict[str, Any] = {"data-choose": option, "data-value": "", "aria-label": "Close"}
        parts.append(html.Button(icon("x"), className="icon-button", type="button", **close))
    return html.Header(parts, className="panel-header")


def _legend(entries: tuple[tuple[str, str], ...]) -> Component:
    keys = [
        html.Span(
            [html.Span(className="legend-line", style={"color": f"var(--{token})"}), label],
            className="legend-key",
        )
        for label, token in entries
    ]
    hidden: dict[str, Any] = {"aria-hidden": "true"}  # the chart's text alternative names its lines
    return html.Div(keys, className="panel-legend", **hidden)


def _body(panel: Panel) -> Component:
    style = {"height": f"{panel.height}px"} if panel.height else None
    kind = f" panel-body-{panel.kind}"
    # The scripts write plain content into the first, Dash draws into the second; neither touches the other's elements.
    parts = [
        *([html.Div(panel.controls(), className="panel-controls")] if panel.controls else []),
        html.Div(id=f"content-{panel.name}", className="panel-content"),
        html.Div(skeleton(panel), id=f"drawn-{panel.name}", className="panel-drawn"),
    ]
    return html.Div(parts, id=f"body-{panel.name}", className="panel-body" + kind, style=style)


def skeleton(panel: Panel) -> Component:
    """Return the panel's shape without its content."""
    hidden: dict[str, Any] = {"aria-hidden": "true"}
    parts = [html.I() for _ in range(_SKELETON_PARTS[panel.skeleton])]
    return html.Div(parts, className=f"skeleton skeleton-{panel.skeleton}", **hidden)
