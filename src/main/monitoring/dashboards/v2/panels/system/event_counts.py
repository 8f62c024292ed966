"""Events over time: when did they come, and how grave were they?"""

from datetime import timedelta

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, figures
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import event_counts


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    course = answers[event_counts.READ].value
    if course is None or not course.buckets:
        return components.empty("No events", f"Nothing happened in {scope.window} that was told.", icon_name="check")
    buckets = course.buckets
    layers = [
        figures.Counted("Errors", [bucket.errors for bucket in buckets], "critical-mark"),
        figures.Counted("Warnings", [bucket.warnings for bucket in buckets], "warn-4"),
        figures.Counted("Others", [bucket.others for bucket in buckets], "neutral-4"),
    ]
    width = timedelta(seconds=course.width_seconds)
    return figures.event_bars([bucket.at for bucket in buckets], width, layers, (course.start, course.end))


def caption(answers: Answers, scope: Scope) -> str:
    course = answers[event_counts.READ].value
    buckets = course.buckets if course else []
    errors, warnings = sum(bucket.errors for bucket in buckets), sum(bucket.warnings for bucket in buckets)
    told = f"{errors:,} error{'' if errors == 1 else 's'} · {warnings:,} warning{'' if warnings == 1 else 's'}"
    return captions.joined(scope.window, f"{told} · without lines of logs" if buckets else "")


PANEL = Panel(
    "event_counts",
    "Events over time",
    page="Events & logs",
    reads=(event_counts.READ,),
    draw=draw,
    caption=caption,
    legend=(("Errors", "critical-mark"), ("Warnings", "warn-4"), ("Others", "neutral-4")),
    width=12,
    order=10,
    height=120,
    kind="figure",
)
