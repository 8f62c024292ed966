"""Backups: when was the last one made, and was it proved that it can be restored?"""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import storage

REASON = (
    "The suite makes no backups yet and knows of none that others make. Until it does, use PostgreSQL's own "
    "pg_dump, and prove now and then with pg_restore that what it wrote can be read."
)


def draw(answers: Answers, scope: Scope) -> Component:
    return components.empty("No backup is known", REASON, icon_name="archive")


PANEL = Panel(
    "backups",
    "Backups",
    page="Storage",
    reads=(storage.READ,),
    draw=draw,
    width=5,
    order=60,
    height=300,
    skeleton="table",
)
