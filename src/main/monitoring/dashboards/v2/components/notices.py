"""What stands in a panel that has nothing to show: why, and what can be done?"""

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import dataset, icon


def empty(title: str, reason: str = "", *, icon_name: str = "inbox") -> Component:
    """Return the empty state: what is missing, and why or what to do."""
    return _notice(icon_name, title, reason, "empty")


def failed(reason: str, details: str = "") -> Component:
    """Return the error state of one panel, in plain words; `details` is what "Copy details" copies."""
    buttons = html.Div(
        [
            html.Button("Try again", className="button", type="button", **dataset(action="retry")),
            html.Button("Copy details", className="button", type="button", **dataset(action="copy-details")),
        ],
        className="buttons",
    )
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
