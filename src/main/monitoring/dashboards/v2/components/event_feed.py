"""What happened, one line each: when, of what kind, what, and whose?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.marks import chip
from main.monitoring.dashboards.v2.components.parts import Child, Tone, named
from main.monitoring.dashboards.v2.components.times import event_time


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One line of a feed: when, what kind, what, and whose."""

    at: datetime | None
    kind: str
    said: Child
    aside: str = ""
    tone: Tone = "neutral"


def feed(items: Sequence[FeedItem], *, label: str) -> Component:
    """Return what happened, newest first, one line each."""
    return html.Ol([_feed_line(item) for item in items], className="feed", tabIndex=0, **named(label))


def _feed_line(item: FeedItem) -> Component:
    parts = [
        event_time(item.at),
        chip(item.kind, item.tone),
        html.Span(item.said, className="feed-said"),
        html.Span(item.aside, className="feed-aside", title=item.aside),
    ]
    return html.Li(parts, className="feed-line")
