"""Database locks: who blocks whom, on what and for how long, and the SQL that would end the one at the root."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.database_parts import forgotten, sql_to_copy, statement, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import database_locks
from main.monitoring.reads.database_locks import LockLink

_DEEPEST, SHOWN = 6, 100
_COLUMNS = (
    Column("Session", phone="name"),
    Column("State", phone="corner"),
    Column("Waits", "right", phone="figure"),
    Column("For"),
    Column("Holds up", "right", phone="figure"),
    Column("Transaction", "right", phone="figure"),
    Column("Application", muted=True),
    Column("Statement"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    locks = answers[database_locks.READ].value
    if not locks or locks.sampled_at is None:
        return unsampled()
    if not locks.links:
        if not locks.kept:
            return forgotten()
        return components.empty("Nobody waits for a lock", "Looked at every five seconds.", icon_name="check")
    rows = [_row(link) for link in locks.links[:SHOWN]]
    return html.Div(table(_COLUMNS, rows, label="Who blocks whom"), className="locks")


def caption(answers: Answers, scope: Scope) -> str:
    locks = answers[database_locks.READ].value
    count = locks.waiting if locks else 0
    return f"{count:,} session{' waits' if count == 1 else 's wait'} for a lock" if count else ""


def _row(link: LockLink) -> Row:
    branch = [html.Span(className="lock-branch")] if link.depth else []
    name = html.Span([*branch, str(link.pid)], className=f"lock-depth-{min(link.depth, _DEEPEST)}")
    waits = link.wait_seconds is not None
    word = components.chip("Waits", "warn") if waits else components.chip("Holds", "neutral")
    target = f"{link.lock_mode} on {link.lock_target}" if link.lock_mode else link.lock_target
    cells: list[Cell] = [
        name,
        [word, f" {link.state or 'hidden'}"],
        text.duration(link.wait_seconds) if waits else components.unknown("it waits for nobody"),
        target or components.unknown("it waits for nobody"),
        f"{link.blocks:,}",
        components.amount(text.duration(link.transaction_seconds), reason="not in a transaction, or hidden"),
        " ".join([link.application or "unnamed", f"({link.role or 'unknown'})"]),
        statement(link.statement),
    ]
    return Row(f"{link.pid}", cells, below=sql_to_copy(link.sql) if link.depth == 0 and link.blocks else None)


PANEL = Panel(
    "database_locks",
    "Who blocks whom",
    page="Database",
    reads=(database_locks.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=60,
    kind="flush",
    skeleton="table",
)
