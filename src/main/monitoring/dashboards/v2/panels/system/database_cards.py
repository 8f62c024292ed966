"""Database at a glance: connections, cache, transactions, the oldest one, size, replicas, wraparound."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import joined
from main.monitoring.dashboards.v2.database_parts import unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import database_load, database_replication
from main.monitoring.reads.database_load import DatabaseLoad
from main.monitoring.reads.database_replication import DatabaseReplication
from main.monitoring.server_samples import ServerSample

_TWO = "two samples are needed"


def draw(answers: Answers, scope: Scope) -> Component:
    load = answers[database_load.READ].value
    if not load or load.latest is None:
        return unsampled()
    now = load.latest
    replicas = answers[database_replication.READ].value or None
    cards = [_connections(now), _cache(load, scope), _commits(load), _transaction(now), _size(load)]
    return components.kpi_band([*cards, _lag(replicas), _wraparound(now)])


def caption(answers: Answers, scope: Scope) -> str:
    load = answers[database_load.READ].value
    now = load.latest if load else None
    return f"PostgreSQL {now.server_version.partition(' ')[0]} · {now.database_name} · {scope.window}" if now else ""


def _connections(now: ServerSample) -> Component:
    free = now.connections_limit - now.connections_reserved
    hidden = f"{now.hidden:,} hidden" if now.hidden else ""
    detail = joined(f"{text.percent(now.connections_share, 0)} of {free:,}", f"{now.active:,} active", hidden)
    return components.kpi("Connections", f"{now.connections:,}", detail=detail, lead=True, beneath=detail)


def _cache(load: DatabaseLoad, scope: Scope) -> Component:
    figure = components.amount(text.percent(load.cache_hit_share, 1), reason=_TWO)
    spilled = load.counted.temporary_bytes if load.counted else 0
    detail = joined(f"of blocks, {scope.window}", f"{text.bytes_(spilled)} in temporary files" if spilled else "")
    return components.kpi("Cache hit", figure, detail=detail)


def _commits(load: DatabaseLoad) -> Component:
    figure = components.amount(text.ratio(load.commits_per_second, 1), reason=_TWO)
    deadlocks = load.counted.deadlocks if load.counted else 0
    rollbacks = f"{text.ratio(load.rollbacks_per_second, 1)} undone"
    detail = joined(rollbacks, f"{deadlocks:,} deadlock{'' if deadlocks == 1 else 's'}")
    return components.kpi("Commits", figure, unit="/s", detail=detail)


def _transaction(now: ServerSample) -> Component:
    waiting = f"{now.waiting:,} wait for a lock" if now.waiting else "nobody waits for a lock"
    age = now.longest_transaction_seconds
    figure = "none" if age is None else text.duration(age)
    return components.kpi("Longest transaction", figure, detail=waiting)


def _size(load: DatabaseLoad) -> Component:
    size = load.latest.database_bytes if load.latest else None
    growth = load.growth_bytes
    detail = "growth after half an hour"
    if growth is not None:
        detail = f"{'+' if growth > 0 else ''}{text.bytes_(growth)} a day"
    return components.kpi("Size", components.amount(text.bytes_(size), reason="not measured yet"), detail=detail)


def _lag(replicas: DatabaseReplication | None) -> Component:
    if replicas is None or not replicas.standbys:
        return components.kpi("Replication lag", components.unknown("there is no replica"), detail="no replica")
    count = len(replicas.standbys)
    detail = joined(
        f"{count} replica{'' if count == 1 else 's'}",
        text.latency(replicas.lag_seconds) if replicas.lag_seconds is not None else "",
    )
    reason = f"{replicas.login} lacks pg_monitor" if not replicas.visible else "no replica has said"
    return components.kpi(
        "Replication lag", components.amount(text.bytes_(replicas.lag_bytes), reason=reason), detail=detail
    )


def _wraparound(now: ServerSample) -> Component:
    detail = "to a forced vacuum"
    return components.kpi("Oldest transaction id", text.percent(now.freeze_share, 1), detail=detail, phone=False)


PANEL = Panel(
    "database_cards",
    "Database",
    page="Database",
    reads=(database_load.READ, database_replication.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
