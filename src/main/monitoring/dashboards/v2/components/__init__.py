"""What figures, words and marks look like inside a panel: the vocabulary that panels are written in.

One module a kind of thing; panels take them from here, as ``components.NAME``. Money: `signed_money`, `signed_percent`
(arrow, sign and colour), `amount`. Words: `chip`, `side_chip`, `mode_chip`, `light`. Times, written in the viewer's
zone by the browser: `moment`, `event_time`, `age`. Groups: `kpi_band` of `kpi`, `limit_bar`, `sparkline`, `lights` of
`Light`, `feed` of `FeedItem`, `alert_strip` of `Incident`, `facts`, `reading` (a figure above its chart).
States: `empty`, `failed`, `unknown`. Only `dash.html` is used, colours and sizes are classes of `assets/*.css`.
"""

from main.monitoring.dashboards.v2.components.amounts import amount, signed_money, signed_percent, unknown
from main.monitoring.dashboards.v2.components.cards import facts, kpi, kpi_band, reading
from main.monitoring.dashboards.v2.components.event_feed import FeedItem, feed
from main.monitoring.dashboards.v2.components.incident_strip import Incident, alert_strip
from main.monitoring.dashboards.v2.components.inline_pictures import limit_bar, sparkline
from main.monitoring.dashboards.v2.components.marks import chip, dot, light, mode_chip, side_chip
from main.monitoring.dashboards.v2.components.notices import button, empty, failed
from main.monitoring.dashboards.v2.components.parts import Child, LightState, Tone, icon
from main.monitoring.dashboards.v2.components.status_lights import Light, lights
from main.monitoring.dashboards.v2.components.times import age, event_time, moment

__all__ = [
    "Child",
    "FeedItem",
    "Incident",
    "Light",
    "LightState",
    "Tone",
    "age",
    "alert_strip",
    "amount",
    "button",
    "chip",
    "dot",
    "empty",
    "event_time",
    "facts",
    "failed",
    "feed",
    "icon",
    "kpi",
    "kpi_band",
    "light",
    "lights",
    "limit_bar",
    "mode_chip",
    "moment",
    "reading",
    "side_chip",
    "signed_money",
    "signed_percent",
    "sparkline",
    "unknown",
]
