"""What people wrote about a trade, and the place where `assets/live/trades_notes.js` lets them write."""

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.domain.trade_notes import LONGEST_NOTES, LONGEST_TAG, MOST_TAGS
from main.monitoring.dashboards.v2 import components
from main.monitoring.reads.trade import TradeDetail


def editor() -> Component:
    """Return the place for the editor. It is no part of what is drawn: what is typed must survive every update."""
    limits: dict[str, Any] = {
        "data-longest": str(LONGEST_NOTES),
        "data-most-tags": str(MOST_TAGS),
        "data-longest-tag": str(LONGEST_TAG),
    }
    return html.Div(className="trade-editor", hidden=True, **limits)


def words(detail: TradeDetail, scope: Scope) -> Component:
    """Return notes, tags and who wrote them; live with the button that opens the editor, for the past is over."""
    closed = detail.trade
    tags = html.Div([components.chip(tag) for tag in closed.tags], className="trade-tags")
    return html.Section(
        [
            *([tags] if closed.tags else []),
            *([html.P(closed.notes, className="trade-notes")] if closed.notes else []),
            html.Div([_author(detail), *([_button(detail)] if scope.present else [])], className="trade-author"),
        ],
        className="trade-words",
        **_named("Notes and tags"),
    )


def _author(detail: TradeDetail) -> Component:
    if detail.note is not None:
        by = f"{detail.note.written_by}, "
        return html.Span(["Written by ", by, components.moment(detail.note.at)], className="muted")
    said = detail.trade.notes or detail.trade.tags
    return html.Span("The bot's own words" if said else "No notes, no tags", className="muted")


def _button(detail: TradeDetail) -> Component:
    closed = detail.trade
    attributes: dict[str, Any] = {
        "data-action": "edit-notes",
        "data-trade": closed.id,
        "data-revision": str(detail.note.revision if detail.note is not None else 0),
        "data-notes": closed.notes or "",
        "data-tags": json.dumps(closed.tags),
    }
    return html.Button("Edit", className="button", type="button", **attributes)


def _named(label: str) -> dict[str, Any]:
    return {"aria-label": label}
