"""When was something? Times that the browser writes in the viewer's zone."""

from datetime import datetime

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.amounts import unknown


def moment(at: datetime | None) -> Component:
    """Return a time that the browser writes in the viewer's zone: today `14:32:05`, else `12 Oct 10:04`."""
    return _time(at, "moment")


def event_time(at: datetime | None) -> Component:
    """Return the time of an event: `14:31:58`, with milliseconds in the tooltip."""
    return _time(at, "event")


def age(at: datetime | None) -> Component:
    """Return how long ago something was, ticking in the browser on the server's clock: `4 s`."""
    return _time(at, "age")


def _time(at: datetime | None, kind: str) -> Component:
    if at is None:
        return unknown("never")
    iso = at.isoformat().replace("+00:00", "Z")
    return html.Time(f"{at:%H:%M:%S}", dateTime=iso, className=f"time time-{kind}")
