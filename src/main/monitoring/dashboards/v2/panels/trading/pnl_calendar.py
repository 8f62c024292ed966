"""P&L calendar: what did the trades that closed on each day bring, week by week and month by month?"""

import re
from calendar import Calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope, trading_date
from main.monitoring.dashboards.v2 import components, one_currency, reasons
from main.monitoring.dashboards.v2.heat_table import HeatCell, HeatRow, heat_table, profit_tone
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.reads import accounts, bots, pnl_calendar
from main.monitoring.reads.pnl_calendar import CalendarDay, CalendarParams

SPANS = (("month", "Month"), ("year", "Year"))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PERIOD = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")

Days = Mapping[date, CalendarDay]


def draw(answers: Answers, scope: Scope) -> Component:
    days, today, month = _days(answers), _today(answers), _month(answers)
    if not days:
        running = f"no trade was closed in {month.year}."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="calendar")
    if answers.chosen["span"] == "year":
        return _year(days, month.year, today)
    return _weeks(days, month, today)


def caption(answers: Answers, scope: Scope) -> str:
    days, month = _days(answers), _month(answers)
    year = answers.chosen["span"] == "year"
    last = next((day for day in reversed(days.values()) if year or day.day.month == month.month), None)
    total = text.signed_money(last.cumulative if year else last.month_to_date) if last else "nothing closed"
    rows, owners = answers[pnl_calendar.READ].value, answers[accounts.READ].value
    return one_currency.caption(rows, owners, str(month.year) if year else f"{month:%B %Y}", total)


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    """Return the months (or years) that can be gone to: those with trades, and the year before."""
    days, today, shown = _days(answers), _today(answers), _month(answers)
    if answers.chosen["span"] == "year":
        years = {today.year, shown.year, shown.year - 1}
        return {"period": [str(year) for year in sorted(years, reverse=True)]}
    months = {f"{day:%Y-%m}" for day in days} | {f"{today:%Y-%m}", f"{shown:%Y-%m}", f"{shown.year - 1}-12"}
    return {"period": sorted(months, reverse=True)}


def _days(answers: Answers) -> dict[date, CalendarDay]:
    found = one_currency.shown(answers[pnl_calendar.READ].value, answers[accounts.READ].value)
    return {day.day: day for day in found}


def _today(answers: Answers) -> date:
    """Return the trading day of the moment shown, of the first account of the currency."""
    moment = answers[pnl_calendar.READ].freshness.moment
    owners = one_currency.shown(answers[accounts.READ].value, answers[accounts.READ].value)
    if not owners:
        return moment.date()
    return trading_date(moment, owners[0].zone, timedelta(seconds=owners[0].roll_over_seconds))


def _month(answers: Answers) -> date:
    """Return the first day of the month shown; of another year without a month it is the last one that has trades."""
    today, chosen = _today(answers), _PERIOD.fullmatch(answers.chosen["period"])
    if chosen is None:
        return today.replace(day=1)
    year, month = int(chosen[1]), chosen[2]
    if month:
        return date(year, int(month), 1)
    return max(_days(answers), default=date(year, 12, 1)).replace(year=year, day=1)


def _weeks(days: Days, month: date, today: date) -> Component:
    shown = WEEKDAYS if any(day.weekday() > 4 for day in days) else WEEKDAYS[:5]
    weeks = [week[: len(shown)] for week in Calendar().monthdatescalendar(month.year, month.month)]
    weeks = [week for week in weeks if any(day.month == month.month for day in week)]
    seen = [abs(float(days[day].net_pnl)) for week in weeks for day in week if day in days]
    look = _Look(month, today, max(seen, default=0.0))
    rows = [HeatRow("", [_cell(days.get(day), day, look) for day in week], _week(days, week, look)) for week in weeks]
    return heat_table(shown, rows, label=f"P&L by day, {month:%B %Y}", kind="heat-days", total="Week")


@dataclass(frozen=True, slots=True)
class _Look:
    """What all cells of a month are drawn against."""

    month: date
    today: date
    largest: float

    @property
    def decimals(self) -> int:
        """Of all amounts alike."""
        return 0 if self.largest >= 100 else 2


def _cell(day: CalendarDay | None, at: date, look: _Look) -> HeatCell:
    beside, running = at.month != look.month.month, at == look.today
    mark = " · today" if running else f" {at:%b}" if beside else ""
    if day is None:
        quiet = "no trade closed" if at <= look.today else "not yet"
        return HeatCell("", above=str(at.day), mark=mark, title=quiet, outlined=running, faint=beside)
    closed = f"{day.trades:,} trade{'' if day.trades == 1 else 's'}"
    title = f"{text.signed_money(day.net_pnl)} {day.currency} after fees of {text.money(day.fees)}, {day.wins:,} won"
    words = text.signed_money(day.net_pnl, look.decimals)
    tone = profit_tone(float(day.net_pnl), look.largest)
    return HeatCell(words, tone, str(at.day), mark, closed, title, outlined=running, faint=beside)


def _week(days: Days, week: Sequence[date], look: _Look) -> components.Child:
    traded = [day for day in days if week[0] <= day < week[0] + timedelta(days=7)]
    if not traded:
        return text.DASH
    return components.signed_money(days[max(traded)].week_to_date, look.decimals)


def _year(days: Days, year: int, today: date) -> Component:
    largest = max(abs(float(day.net_pnl)) for day in days.values())
    rows = [_strip(days, date(year, month, 1), today, largest) for month in range(1, 13)]
    columns = [str(day) for day in range(1, 32)]
    table = heat_table(columns, rows, label=f"P&L by day, {year}", kind="heat-year", total="Month")
    return html.Div(table, className="heat-scroll")


def _strip(days: Days, month: date, today: date, largest: float) -> HeatRow:
    cells, last = [], None
    for number in range(1, 32):
        at = month + timedelta(days=number - 1)
        day = days.get(at) if at.month == month.month else None
        last = day or last
        words = "" if day is None else f"{at:%-d %b}: {text.signed_money(day.net_pnl)}, {day.trades:,} trades"
        tone = "" if day is None else profit_tone(float(day.net_pnl), largest)
        faint = at.month != month.month
        cells.append(HeatCell(words, tone, title=words, outlined=at == today and not faint, faint=faint))
    total = text.DASH if last is None else components.signed_money(last.month_to_date)
    return HeatRow(f"{month:%b}", cells, total)


def _asked(chosen: Chosen) -> CalendarParams:
    period = chosen["period"]
    if not period:
        return CalendarParams()
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise ValueError(f"period: got {period!r}, expected a year such as 2026 or a month such as 2026-11")
    return CalendarParams(year=int(found[1]))


PANEL = Panel(
    "pnl_calendar",
    "P&L calendar",
    page="Performance",
    reads=(pnl_calendar.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=7,
    order=40,
    skeleton="table",
    options=(Option("span", "Span", SPANS), Option("period", "Period")),
    params=lambda chosen: {pnl_calendar.READ: _asked(chosen)},
    offers=offers,
)
