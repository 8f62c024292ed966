"""What stands in a panel that has nothing to show: why, and what can be done?"""

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import dataset, icon


def button(word: str, action: str, value: str = "") -> Component:
    """Return a button of a notice; `action` is what `live/panel_menu.js` does when it is pressed, with `value`."""
    return html.Button(word, className="button", type="button", **dataset(action=action, value=value))


def empty(title: str, reason: str = "", *, icon_name: str = "inbox", way_out: Component | None = None) -> Component:
    """Return the empty state: what is missing, why or what to do, and the one `button` that does it."""
    buttons = [html.Div(way_out, className="buttons")] if way_out is not None else []
    return _notice(icon_name, title, reason, "empty", *buttons)


def failed(reason: str, details: str = "") -> Component:
    """Return the error state of one panel, in plain words; `details` is what "Copy details" copies."""
    buttons = html.Div([button("Try again", "retry"), button("Copy details", "copy-details")], className="buttons")
    copied = html.Pre(details or reason, className="visually-hidden", **dataset(details="1"))
    return _notice("triangle-alert", "This panel failed", reason, "failed", buttons, copied)


def _notice(icon_name: str, title: str, reason: str, kind: str, *more: Component) -> Component:
    parts = [
        icon(icon_name),
        html.Div(title, className="notice-title"),
        html.Div(reason, className="notice-reason"),
        *more,
    ]
    return html.Div(parts, className=f"notice notice-{kind}")
