"""Network traffic: what comes in and goes out through all interfaces together."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.host_source import NO_SAMPLES, shown
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.dashboards.v2.rates import count_rate, rate, two_ways
from main.monitoring.host_course import all_interfaces
from main.monitoring.reads import host_network, host_now


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    points = all_interfaces(shown(answers, scope, host_network.READ, lambda now: now.network).value or [])
    if not points:
        return components.empty(*NO_SAMPLES, icon_name="globe")
    latest = points[-1]
    figure = two_ways(
        [point.at for point in points],
        ("Received", [point.received_bytes_per_second for point in points]),
        ("Sent", [point.sent_bytes_per_second for point in points]),
    )
    lost = f"{count_rate(latest.errors_per_second)} errors/s, {count_rate(latest.drops_per_second)} drops/s"
    detail = f"sent {rate(latest.sent_bytes_per_second)} · {lost}"
    return Picture(components.reading(rate(latest.received_bytes_per_second), unit="received", detail=detail), figure)


def caption(answers: Answers, scope: Scope) -> str:
    courses = shown(answers, scope, host_network.READ, lambda now: now.network)
    return courses.caption(f"without the loop back · {scope.window}")


PANEL = Panel(
    "network_rates",
    "Network traffic",
    page="Infrastructure",
    reads=(host_network.READ, host_now.READ),
    draw=draw,
    caption=caption,
    legend=(("Received", "accent"), ("Sent", "cat-2")),
    width=6,
    order=90,
    height=180,
    kind="figure",
    refines=True,
)
