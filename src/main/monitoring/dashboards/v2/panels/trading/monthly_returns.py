"""Monthly returns: which months were good, which were not, and what did their year come to?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, one_currency, reasons
from main.monitoring.dashboards.v2.heat_table import HeatCell, HeatRow, heat_table, profit_tone
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import accounts, bots, monthly_returns
from main.monitoring.reads.monthly_returns import MonthReturn

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NO_BASE = "equity gave this month no base"


def draw(answers: Answers, scope: Scope) -> Component:
    months = one_currency.shown(answers[monthly_returns.READ].value, answers[accounts.READ].value)
    if not months:
        running = f"{scope.window} has no two observations of equity: choose a longer range."
        return reasons.nothing(answers, scope, "No month in this range", running, icon_name="table-2", ranged=True)
    clip = max(abs(month.period_return or 0.0) for month in months)
    years = sorted({month.month.year for month in months}, reverse=True)
    rows = [_year(year, [month for month in months if month.month.year == year], months[-1], clip) for year in years]
    return heat_table(MONTHS, rows, label="Monthly returns", kind="heat-months", total="Year")


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[monthly_returns.READ].value, answers[accounts.READ].value
    own = one_currency.shown(rows, owners)
    since = _since(own[0]) if own else ""
    return one_currency.named(own, rows, "net of fees", captions.joined(scope.window, since), "outlined = running")


def _since(month: MonthReturn) -> str:
    return f"from {month.since.day} {MONTHS[month.since.month - 1]}" if month.since else ""


def _year(year: int, months: Sequence[MonthReturn], newest: MonthReturn, clip: float) -> HeatRow:
    found = {month.month.month: month for month in months}
    cells = [_cell(found.get(number), newest, clip) for number in range(1, 13)]
    total = months[-1].year_to_date
    end = components.unknown(_NO_BASE) if total is None else components.signed_percent(total)
    return HeatRow(str(year), cells, end)


def _cell(month: MonthReturn | None, newest: MonthReturn, clip: float) -> HeatCell:
    if month is None:
        return HeatCell(text.DASH, title="not in this range")
    words = text.percent(month.period_return, signed=True)
    part = "" if month.whole else "not the whole month"
    title = _NO_BASE if month.period_return is None else part
    running = month is newest and not month.whole
    return HeatCell(words, profit_tone(month.period_return, clip), below=_since(month), title=title, outlined=running)


PANEL = Panel(
    "monthly_returns",
    "Monthly returns",
    page="Performance",
    reads=(monthly_returns.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=30,
    skeleton="table",
)
