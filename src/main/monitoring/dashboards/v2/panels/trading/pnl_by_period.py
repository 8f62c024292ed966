"""P&L by period: what did the closed trades of each day, week, month or year bring?"""

from datetime import UTC, date, datetime, time
from typing import Any

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel
from main.monitoring.reads import accounts, bots, pnl_by_period
from main.monitoring.reads.pnl_by_period import PeriodParams, PeriodTrades

PERIODS = (("day", "Day"), ("week", "Week"), ("month", "Month"), ("year", "Year"))
_HOVER = {"day": "%-d %b %Y", "week": "week of %-d %b %Y", "month": "%b %Y", "year": "%Y"}
_TICK = {"day": "%-d %b", "week": "%-d %b", "month": "%b %Y", "year": "%Y"}
FEW = 7
MOST = 400
"""Bars that a screen can show."""


def draw(answers: Answers, scope: Scope) -> Drawing:
    periods = _shown(answers)
    if not periods:
        running = f"no trade was closed in {scope.window}: choose a longer range."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="chart-column", ranged=True)
    period = answers.chosen["period"]
    figure = figures.pnl_bars(
        [_noon(each.start) for each in periods],
        [float(each.net_pnl) for each in periods],
        [float(each.cumulative) for each in periods],
        period=period,
    )
    axis = figure["layout"]["xaxis"]
    axis["hoverformat"] = _HOVER[period]
    if len(periods) <= FEW:  # Plotly would write hours between so few
        axis |= {
            "tickvals": [f"{each.start} 12:00" for each in periods],
            "ticktext": [f"{each.start:{_TICK[period]}}" for each in periods],
        }
    return figure


def caption(answers: Answers, scope: Scope) -> str:
    found = len(one_currency.shown(answers[pnl_by_period.READ].value, answers[accounts.READ].value))
    cut = f"the newest {MOST} of {found:,}" if found > MOST else ""
    rows, owners = answers[pnl_by_period.READ].value, answers[accounts.READ].value
    return one_currency.caption(rows, owners, "closed trades, net", scope.window, cut)


def _shown(answers: Answers) -> list[PeriodTrades]:
    return one_currency.shown(answers[pnl_by_period.READ].value, answers[accounts.READ].value)[-MOST:]


def _noon(day: date) -> datetime:
    """Return a moment that bears the date in almost every zone a viewer may look from."""
    return datetime.combine(day, time(12), UTC)


def _asked(chosen: Any) -> PeriodParams:
    return PeriodParams(period=chosen["period"])


PANEL = Panel(
    "pnl_by_period",
    "P&L by period",
    page="Performance",
    reads=(pnl_by_period.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=8,
    order=60,
    height=300,
    kind="figure",
    options=(Option("period", "Period", PERIODS),),
    params=lambda chosen: {pnl_by_period.READ: _asked(chosen)},
)
