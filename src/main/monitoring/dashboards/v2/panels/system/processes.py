"""Processes: what the programs that matter take of the machine."""

from collections.abc import Hashable, Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import processes
from main.monitoring.reads.processes import ProcessesPage, ProcessState

SIZE = 20
_HIDDEN = "another user's: it may not be looked at"
_COLUMNS = [
    Column("Program", phone="name", sort="name"),
    Column("Service", sort="service", phone="corner"),
    Column("PID", "right", muted=True),
    Column("CPU, %", "right", sort="cpu_share", phone="figure"),
    Column("RSS", "right", sort="rss_bytes", phone="figure"),
    Column("Threads", "right", sort="threads"),
    Column("Open files", "right", sort="file_descriptors", phone="figure"),
    Column("State", muted=True),
    Column("Started", "right", sort="started_at"),
]
BUSIEST = "-cpu_share"


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    return {processes.READ: ProcessesPage(SIZE, int(page) * SIZE, chosen["sort"] or BUSIEST)}


def draw(answers: Answers, scope: Scope) -> Component:
    page = answers[processes.READ].value
    if not page or not page.items:
        reason = "The worker samples those that dashboards.system.process_filter names, and the suite's own, each 15 s."
        return components.empty("No processes were sampled", reason, icon_name="layers")
    choosing = Choosing(sorted_by=answers.chosen["sort"] or BUSIEST, sorts="processes.sort")
    rows = [_row(each) for each in page.items]
    turn = pager("processes.page", first=page.offset, count=len(rows), total=page.total, size=SIZE)
    more = [turn] if page.total > SIZE else []
    return html.Div([table(_COLUMNS, rows, label="Processes", choosing=choosing), *more])


def caption(answers: Answers, scope: Scope) -> str:
    page = answers[processes.READ].value
    total = page.summary if page else None
    if total is None or not total.processes:
        return ""
    share = text.percent(total.suite_cpu_share, 1)
    return (
        f"{total.processes} sampled · {total.suite_processes} of the suite: "
        f"{share} of one core, {text.bytes_(total.suite_rss_bytes)}"
    )


def _row(each: ProcessState) -> Row:
    cells: list[Cell] = [
        each.name,
        each.service or components.unknown("not of the suite"),
        str(each.pid),
        components.amount(text.percent(each.cpu_share, 1).removesuffix("%"), reason="not sampled twice yet"),
        components.amount(text.bytes_(each.rss_bytes), reason=_HIDDEN),
        components.amount(text.DASH if each.threads is None else f"{each.threads:,}", reason=_HIDDEN),
        components.amount(text.DASH if each.file_descriptors is None else f"{each.file_descriptors:,}", reason=_HIDDEN),
        each.status or components.unknown(_HIDDEN),
        components.moment(each.started_at),
    ]
    return Row(f"{each.host}-{each.pid}", cells)


PANEL = Panel(
    "processes",
    "Processes",
    page="Infrastructure",
    reads=(processes.READ,),
    draw=draw,
    caption=caption,
    options=(Option("sort", "Sort", kind="hidden"), Option("page", "Page", kind="hidden")),
    params=params,
    width=12,
    order=130,
    kind="flush",
    skeleton="table",
)
