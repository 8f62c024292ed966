"""Under water: how far and how long was growth below its peak?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, captions, components, figures, one_currency, reasons
from main.monitoring.dashboards.v2.figures import Curve
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.reads import accounts, bots, drawdowns
from main.monitoring.reads.drawdowns import Drawdowns


def draw(answers: Answers, scope: Scope) -> Drawing:
    rows = one_currency.shown(answers[drawdowns.READ].value, answers[accounts.READ].value)
    if not rows or len(rows[0].points) < 2:
        running = f"{scope.window} has no two observations of equity: choose a longer range."
        return reasons.nothing(answers, scope, "No equity in this range", running, icon_name="chart-line", ranged=True)
    points = rows[0].points
    curve = Curve("Drawdown", [point.drawdown for point in points], "loss", fill=0.22, width=1.25)
    deepest = rows[0].deepest.value or 0.0
    figure = figures.lines(
        [point.at for point in points],
        [curve],
        write=text.percent,
        ticks=axes.percent_ticks,
        zero=True,
        low=min(deepest * 1.15, -0.0001),
        high=0.0,
    )
    return Picture(_heading(rows[0]), figure)


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[drawdowns.READ].value, answers[accounts.READ].value
    own = one_currency.shown(rows, owners)
    seen = captions.seen(own[0].step_seconds if own else None)
    return one_currency.named(own, rows, "below the peak", scope.window, seen)


def _heading(row: Drawdowns) -> Component:
    current = row.current.value
    figure = components.amount(text.percent(current), reason=row.current.reason)
    longest = "" if row.longest_days is None else f" · longest {text.duration(row.longest_days * 86400)}"
    detail = f"Max {text.percent(row.deepest.value)}{longest}"
    return components.reading(figure, detail=row.deepest.reason or detail)


PANEL = Panel(
    "under_water",
    "Under water",
    page="Risk",
    reads=(drawdowns.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=8,
    order=20,
    height=300,
    kind="figure",
)
