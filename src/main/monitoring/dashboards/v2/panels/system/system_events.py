"""Events: what happened to bots and services, the gravest first, and a search through all of it."""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.components import Tone
from main.monitoring.dashboards.v2.expandable import expandable
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import system_events
from main.monitoring.reads.system_events import LOOKED_AT, EventsPage, SystemEvent

SIZE = 50
_LONGEST = 20_000  # characters of details
_FILTERS = ("level", "text", "source", "account")
_TONES: dict[str, Tone] = {"critical": "critical", "error": "critical", "warning": "warn", "info": "info"}
_LEVELS = (("", "Any"), ("info", "Info or graver"), ("warning", "Warning or graver"), ("error", "Error or graver"))
_COLUMNS = (
    Column("Event", phone="name"),
    Column("Severity", phone="corner", sort="severity"),
    Column("When", "right", phone="figure", sort="at"),
    Column("Message", phone="figure"),
    Column("Account", muted=True),
    Column("Source", muted=True),
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the read. Raise ValueError for what it does not take."""
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    wanted: dict[str, Any] = {name: chosen[name] or None for name in _FILTERS}
    sort: Any = chosen["sort"] or "-severity"  # the page checks it
    return {system_events.READ: EventsPage(limit=SIZE, offset=int(page) * SIZE, sort=sort, **wanted)}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[system_events.READ].value
    chosen = answers.chosen
    if not found or not found.total:
        if any(chosen[name] for name in _FILTERS):
            return components.empty("No such event", "Widen the filters above or the range.", icon_name="search")
        why = f"Nothing happened in {scope.window} that bots or services told of."
        return components.empty("No events", why, icon_name="check")
    choosing = Choosing(chosen["sort"] or "-severity", "system_events.sort")
    pages = pager("system_events.page", first=found.offset, count=len(found.items), total=found.total, size=found.limit)
    rows = [_row(each) for each in found.items]
    return html.Div([table(_COLUMNS, rows, label="Events", choosing=choosing), pages], className="events")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[system_events.READ].value
    counts = found.summary if found else None
    if counts is None:
        return ""
    grave = [f"{count:,} {word}" for word, count in (("critical", counts.critical), ("error", counts.error)) if count]
    most = f"the newest {LOOKED_AT:,} of the range" if counts.total >= LOOKED_AT else ""
    return captions.joined(
        scope.window,
        f"{counts.total:,} event{'' if counts.total == 1 else 's'}",
        *grave,
        f"{counts.warning:,} warning",
        most,
    )


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    return {"account": ["", *scope.accounts]}


def _row(event: SystemEvent) -> Row:
    cells: list[Cell] = [
        event.kind.replace("_", " "),
        components.chip(event.severity, _TONES.get(event.severity, "neutral")),
        components.moment(event.at),
        html.Span(event.message, className="event-message", title=event.message),
        event.label or event.account or "the suite",
        event.source,
    ]
    return Row(event.key, cells, below=_details(event))


def _details(event: SystemEvent) -> Component | None:
    if not event.details:
        return None
    said = json.dumps(event.details, ensure_ascii=False, indent=2, default=str)
    preview = ", ".join(event.details)
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]}\n… cut at {_LONGEST:,} characters"
    return expandable("Details", said, preview)


PANEL = Panel(
    "system_events",
    "Events",
    page="Events & logs",
    reads=(system_events.READ,),
    options=(
        Option("level", "Severity", _LEVELS),
        Option("text", "Search", kind="text"),
        Option("source", "Source", kind="text"),
        Option("account", "Account"),
        Option("sort", "Sort", kind="hidden"),
        Option("page", "Page", kind="hidden"),
    ),
    params=params,
    offers=offers,
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    kind="flush",
    skeleton="table",
)
