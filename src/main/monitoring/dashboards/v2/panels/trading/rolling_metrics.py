"""Rolling metrics: how did Sharpe ratio, volatility or drawdown of the last days change?"""

from typing import Any

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, figures, one_currency, reasons
from main.monitoring.dashboards.v2.figures import Curve, Level
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel
from main.monitoring.reads import accounts, bots, rolling_metrics
from main.monitoring.reads.rolling_metrics import Rolling

METRICS = (("sharpe", "Sharpe"), ("volatility", "Volatility"), ("drawdown", "Drawdown"))
WINDOWS = (("20", "20 d"), ("60", "60 d"), ("126", "126 d"))


def draw(answers: Answers, scope: Scope) -> Drawing:
    points = one_currency.shown(answers[rolling_metrics.READ].value, answers[accounts.READ].value)
    metric, days = answers.chosen["metric"], answers.chosen["window"]
    values = [getattr(point, metric) for point in points]
    if sum(value is not None for value in values) < 2:
        running = f"{scope.window} has too few trading days for windows of {days}: choose a longer range or fewer days."
        return reasons.nothing(answers, scope, "Too few trading days", running, icon_name="chart-line", ranged=True)
    at = [point.at for point in points]
    if metric == "sharpe":
        curve = Curve("Sharpe", values, "accent")
        return figures.lines(at, [curve], write=text.ratio, ticks=axes.money_ticks, levels=[Level(0.0, solid=True)])
    if metric == "volatility":
        curve = Curve("Volatility", values, "accent", fill=0.12)
        return figures.lines(at, [curve], write=_short, ticks=axes.percent_ticks, zero=True, low=0.0)
    curve = Curve("Drawdown", values, "loss", fill=0.22, width=1.25)
    return figures.lines(at, [curve], write=_short, ticks=axes.percent_ticks, zero=True, high=0.0)


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[rolling_metrics.READ].value, answers[accounts.READ].value
    unit = "" if answers.chosen["metric"] == "drawdown" else "yearly"
    return one_currency.caption(rows, owners, unit, scope.window)


def _short(value: float | None) -> str:
    return text.percent(value, 1)


def _asked(chosen: Any) -> Rolling:
    return Rolling(window=int(chosen["window"]))


PANEL = Panel(
    "rolling_metrics",
    "Rolling",
    page="Performance",
    reads=(rolling_metrics.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=7,
    order=90,
    height=300,
    kind="figure",
    options=(Option("metric", "Figure", METRICS), Option("window", "Window", WINDOWS)),
    params=lambda chosen: {rolling_metrics.READ: _asked(chosen)},
)
