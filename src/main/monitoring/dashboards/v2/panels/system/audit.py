"""Audit trail: who did or asked what, when, from where, and whether the record is what was written."""

import json
from collections.abc import Hashable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.components import Tone
from main.monitoring.dashboards.v2.expandable import beneath, expandable
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import audit
from main.monitoring.reads.audit import OUTCOMES, AuditEntry, AuditPage

SIZE = 50
_TONES: dict[str, Tone] = {"done": "outline", "denied": "warn", "failed": "critical"}
_COLUMNS = (
    Column("Action", phone="name"),
    Column("Result", phone="corner"),
    Column("Who", phone="figure"),
    Column("On what", phone="figure"),
    Column("From", muted=True),
    Column("Account", muted=True),
    Column("When", "right", phone="figure"),
    Column("Record", "right", muted=True),
)


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the read. Raise ValueError for what it does not take."""
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    outcome: Any = chosen["outcome"] or None  # the page checks it
    asked = AuditPage(limit=SIZE, offset=int(page) * SIZE, outcome=outcome, text=chosen["text"] or None)
    return {audit.READ: asked}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[audit.READ].value
    if not found or not found.total:
        if answers.chosen["outcome"] or answers.chosen["text"]:
            return components.empty("No such entry", "Widen the filters above or the range.", icon_name="search")
        why = (
            f"Nobody's access or change was noted in {scope.window}. No users are defined yet: the pages are open to "
            "this machine alone, and who is there has no name."
        )
        return components.empty("Nothing in the audit trail", why, icon_name="scroll-text")
    pages = pager("audit.page", first=found.offset, count=len(found.items), total=found.total, size=found.limit)
    return html.Div([table(_COLUMNS, [_row(each) for each in found.items], label="Audit trail"), pages])


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[audit.READ].value
    if not found or not found.total or found.summary is None:
        return scope.window
    torn = sum(not each.intact for each in found.items)
    chain = f"{torn} of those shown were changed" if torn else "those shown are as they were written"
    refused = found.summary.denied + found.summary.failed
    return captions.joined(scope.window, f"{refused:,} denied or failed" if refused else "", chain)


def _row(entry: AuditEntry) -> Row:
    who = f"{entry.user_name} ({entry.role})" if entry.user_name and entry.role else entry.user_name
    record = components.chip("intact", "neutral") if entry.intact else components.chip("changed", "critical")
    cells: list[Cell] = [
        entry.action.replace("_", " "),
        components.chip(entry.outcome, _TONES.get(entry.outcome, "neutral")),
        who or components.unknown("nobody known"),
        entry.target or "",
        entry.address or entry.method or "",
        entry.account or "",
        components.moment(entry.at),
        record,
    ]
    said = (
        [expandable("Details", json.dumps(entry.details, ensure_ascii=False, indent=2), ", ".join(entry.details))]
        if entry.details
        else []
    )
    return Row(str(entry.entry), cells, below=beneath(said))


PANEL = Panel(
    "audit",
    "Audit trail",
    page="Events & logs",
    reads=(audit.READ,),
    options=(
        Option("outcome", "Result", (("", "Any"), *((each, each.capitalize()) for each in OUTCOMES))),
        Option("text", "Search", kind="text"),
        Option("page", "Page", kind="hidden"),
    ),
    params=params,
    draw=draw,
    caption=caption,
    width=12,
    order=40,
    kind="flush",
    skeleton="table",
)
