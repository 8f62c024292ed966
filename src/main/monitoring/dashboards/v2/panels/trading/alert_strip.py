"""Open alerts: what has fired and is not over, above everything else."""

from main.monitoring.dashboards.v2 import incidents
from main.monitoring.dashboards.v2.panel import Panel
from main.monitoring.reads import open_alerts

PANEL = Panel(
    "alert_strip",
    "Open alerts",
    page="Overview",
    reads=(open_alerts.READ,),
    draw=incidents.draw,
    order=0,
    kind="strip",
)
