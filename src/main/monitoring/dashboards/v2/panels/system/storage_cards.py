"""Storage: how much there is, how fast it grows, when the disk is full, and when old data was purged last."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import storage
from main.monitoring.reads.storage import Storage

_FAR = 3650 * 86_400
"""Ten years: what a line says of later is worth nothing."""


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[storage.READ].value
    if found is None or (found.database_bytes is None and found.disk is None and found.purged_at is None):
        reason = "The worker samples the database and the machine while it runs. It is part of: dashboards start"
        return components.empty("Nothing was sampled in this range", reason, icon_name="hard-drive")
    return components.kpi_band(
        [
            _database(found),
            _disk(found),
            _until(found, found.limit_seconds, found.disk_limit),
            _full(found),
            _purge(found),
        ]
    )


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[storage.READ].value
    return f"growth over {scope.window}" + (f" · disk of {found.disk_path}" if found and found.disk_path else "")


def _database(found: Storage) -> Component:
    size = components.amount(text.bytes_(found.database_bytes), reason="the worker has not sampled it")
    share = "" if found.database_share is None else f" · {text.percent(found.database_share, 1)} of the disk"
    return components.kpi("Database", size, detail=f"{_growth(found.database_daily_bytes)}{share}", lead=True)


def _disk(found: Storage) -> Component:
    figure = components.amount(text.percent(found.disk, 1), reason="the machine was not sampled")
    detail = f"{text.bytes_(found.disk_used_bytes)} of {text.bytes_(found.disk_total_bytes)}"
    return components.kpi("Disk used", figure, detail=detail)


def _until(found: Storage, seconds: float | None, share: float) -> Component:
    figure = components.amount(_time(seconds), reason=_why(found))
    return components.kpi(f"Until {text.percent(share, 0)}", figure, detail=_growth(found.disk_daily_bytes))


def _full(found: Storage) -> Component:
    figure = components.amount(_time(found.full_seconds), reason=_why(found))
    return components.kpi("Until it is full", figure, detail="at its present growth")


def _purge(found: Storage) -> Component:
    done = components.moment(found.purged_at) if found.purged_at else components.unknown("nothing was purged yet")
    rows = "" if found.purged_rows is None else f"{found.purged_rows:,} rows that day"
    due: components.Child = [rows, " · next ", components.moment(found.next_purge_at)] if found.next_purge_at else rows
    return components.kpi("Last purge", done, detail=due, phone=False)


def _growth(bytes_a_day: float | None) -> str:
    if bytes_a_day is None:
        return "growth not known yet"
    return f"{'+' if bytes_a_day > 0 else ''}{text.bytes_(bytes_a_day)} a day"


def _time(seconds: float | None) -> str:
    return text.DASH if seconds is None else "over 10 years" if seconds > _FAR else text.duration(seconds)


def _why(found: Storage) -> str:
    return "growth is not known before half an hour" if found.disk_daily_bytes is None else "it does not grow"


PANEL = Panel(
    "storage_cards",
    "Storage",
    page="Storage",
    reads=(storage.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
