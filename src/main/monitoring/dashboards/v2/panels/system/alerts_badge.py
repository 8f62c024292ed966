"""Open alerts: how many have fired and are not over, seen from every page?"""

from main.monitoring.dashboards.v2 import incidents
from main.monitoring.dashboards.v2.panel import Panel
from main.monitoring.reads import open_alerts

PANEL = Panel(
    "alerts_badge",
    "Open alerts",
    page="Health",
    reads=(open_alerts.READ,),
    draw=incidents.count,
    kind="badge",
)
