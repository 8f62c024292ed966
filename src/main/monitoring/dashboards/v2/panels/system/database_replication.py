"""Database replication: how far behind the replicas are, and what the slots hold back."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import joined
from main.monitoring.dashboards.v2.database_parts import unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import database_replication
from main.monitoring.server_samples import Slot, Standby

_STANDBYS = (
    Column("Replica", phone="name"),
    Column("State", phone="corner"),
    Column("Behind", "right", phone="figure"),
    Column("For", "right", phone="figure"),
    Column("Address", phone="figure", muted=True),
)
_SLOTS = (
    Column("Slot", phone="name"),
    Column("Read", phone="corner"),
    Column("Holds back", "right", phone="figure"),
    Column("Log", phone="figure"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[database_replication.READ].value
    if not found or found.sampled_at is None:
        return unsampled()
    if not found.standbys and not found.slots:
        why = "Nothing streams from this server, and no slot holds its write-ahead log back."
        return components.empty("No replica", why, icon_name="copy")
    reason = "it has caught up" if found.visible else f"{found.login} lacks pg_monitor"
    parts = []
    if found.standbys:
        parts.append(table(_STANDBYS, [_standby(each, reason) for each in found.standbys], label="Replicas"))
    if found.slots:
        parts.append(table(_SLOTS, [_slot(each) for each in found.slots], label="Replication slots"))
    return html.Div(parts, className="replication")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[database_replication.READ].value
    if not found or found.sampled_at is None:
        return ""
    hidden = "" if found.visible or not found.standbys else f"hidden: GRANT pg_monitor TO {found.login}"
    return joined(f"{len(found.standbys)} replicas", f"{len(found.slots)} slots", hidden)


def _standby(standby: Standby, reason: str) -> Row:
    behind = "not told" if standby.lag_bytes is None and reason == "it has caught up" else reason
    cells: list[Cell] = [
        standby.standby,
        components.chip(" ".join(filter(None, [standby.state, standby.sync_state])) or "hidden", "neutral"),
        components.amount(text.bytes_(standby.lag_bytes), reason=behind),
        components.amount(text.latency(standby.lag_seconds), reason=reason),
        standby.address or components.unknown("a local socket, or hidden"),
    ]
    return Row(f"{standby.standby}@{standby.address}", cells)


def _slot(slot: Slot) -> Row:
    lost = slot.wal_status in ("lost", "unreserved")
    cells: list[Cell] = [
        slot.slot,
        components.light("ok", "Active") if slot.active else components.light("degraded", "Inactive"),
        components.amount(text.bytes_(slot.held_bytes), reason="it holds nothing"),
        components.chip(slot.wal_status or "unknown", "critical" if lost else "neutral"),
    ]
    return Row(slot.slot, cells)


PANEL = Panel(
    "database_replication",
    "Replication",
    page="Database",
    reads=(database_replication.READ,),
    draw=draw,
    caption=caption,
    width=6,
    order=110,
    kind="flush",
    skeleton="table",
)
