"""Daily loss over the day: when was how much of the limit used?"""

from collections.abc import Sequence

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, figures, reasons
from main.monitoring.dashboards.v2.figures import Curve, Level
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel
from main.monitoring.dashboards.v2.risk_marks import ACCOUNT_TONES, LOSS_WARN_AT, account_tones
from main.monitoring.reads import accounts, bots, daily_loss_course
from main.monitoring.reads.daily_loss_course import LossPoint


def draw(answers: Answers, scope: Scope) -> Drawing:
    courses = _worst(answers[daily_loss_course.READ].value or [])
    if not courses:
        running = "its risk rules have said nothing of this trading day."
        return reasons.nothing(answers, scope, "No course of the day", running, icon_name="chart-line")
    known = [row.account for row in answers[accounts.READ].value or []]
    tones = account_tones([points[0].account for points in courses], known)
    curves = [
        Curve(
            points[0].label,
            [point.loss_share.value for point in points],
            tones[points[0].account],
            steps=True,
            at=[point.at for point in points],
        )
        for points in courses
    ]
    levels = [Level(1.0, "limit 100%", "loss"), Level(LOSS_WARN_AT, f"warning {text.percent(LOSS_WARN_AT, 0)}", "warn")]
    return figures.lines([], curves, write=_short, ticks=axes.percent_ticks, levels=levels, zero=True, low=0.0)


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[daily_loss_course.READ].value or []
    found, shown = len({row.account for row in rows}), _worst(rows)
    if len(shown) < found:
        return f"share of the limit · the worst {len(shown)} of {found} accounts"
    return f"share of the limit · {shown[0][0].label}" if len(shown) == 1 else "share of the limit"


def _worst(rows: Sequence[LossPoint]) -> list[list[LossPoint]]:
    """Return the courses that end nearest to their limit; those without a limit have no place on the axis."""
    courses: dict[str, list[LossPoint]] = {}
    for row in rows:
        if row.loss_share.value is not None:
            courses.setdefault(row.account, []).append(row)
    return sorted(courses.values(), key=lambda points: -(points[-1].loss_share.value or 0.0))[: len(ACCOUNT_TONES)]


def _short(value: float | None) -> str:
    return text.percent(value, 1)


PANEL = Panel(
    "daily_loss_course",
    "Daily loss over the day",
    page="Risk",
    reads=(daily_loss_course.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=40,
    height=300,
    kind="figure",
)
