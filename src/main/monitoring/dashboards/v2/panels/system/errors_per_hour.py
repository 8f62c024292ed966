"""Errors per hour: when in the last day errors and warnings came, and what the worst hour was about."""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import error_history
from main.monitoring.reads.error_history import ErrorHour

LONGEST = 46  # letters of what the worst hour was about


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    hours = answers[error_history.READ].value or []
    if not any(hour.errors or hour.warnings for hour in hours):
        reason = "No event of a bot or service was an error or a warning in these 24 hours. Lines of logs do not count."
        return components.empty("Quiet", reason, icon_name="check")
    parts = [
        figures.StackedPart("Warning", [hour.warnings for hour in hours], "warn-3"),
        figures.StackedPart("Error", [hour.errors for hour in hours], "critical-mark"),
    ]
    return figures.stacked_bars([hour.at for hour in hours], parts, noun="events", worst=_worst(hours))


def caption(answers: Answers, scope: Scope) -> str:
    hours = answers[error_history.READ].value or []
    errors, warnings = sum(hour.errors for hour in hours), sum(hour.warnings for hour in hours)
    told = f"{errors:,} error{'' if errors == 1 else 's'}, {warnings:,} warning{'' if warnings == 1 else 's'}"
    return f"events of 24 h · {told}"


def _worst(hours: list[ErrorHour]) -> tuple[int, str] | None:
    index, hour = max(enumerate(hours), key=lambda each: (each[1].errors, each[1].warnings))
    said = (hour.said or "").splitlines()[0] if hour.said else ""
    if not said:
        return None
    return index, said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


PANEL = Panel(
    "errors_per_hour",
    "Errors per hour",
    page="Health",
    reads=(error_history.READ,),
    draw=draw,
    caption=caption,
    legend=(("Error", "critical-mark"), ("Warning", "warn-3")),
    width=5,
    order=50,
    height=300,
    kind="figure",
)
