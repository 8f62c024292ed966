"""P&L by period: what did the closed trades of each day, week, month or year bring, and in all so far?"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Literal, get_args

from main.analytics.figure import Figure
from main.analytics.trade_statistics import TradeSums, win_rate
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter, window_arguments
from main.monitoring.trade_totals import PARTS, TradeTotals

Period = Literal["day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class PeriodParams(TradeFilter):
    """How long a period is, and which trades."""

    period: Period = "day"

    def __post_init__(self) -> None:
        TradeFilter.__post_init__(self)
        check_choice("period", self.period, get_args(Period))


@dataclass(frozen=True, slots=True)
class PeriodTrades:
    """The trades that closed in one period, in account currency; ``start`` is its first trading day.

    ``cumulative`` is the net P&L since the window's start, this period included.
    """

    currency: str
    start: date
    net_pnl: Decimal
    gross_pnl: Decimal
    fees: Decimal
    trades: int
    wins: int
    losses: int
    win_rate: Figure
    cumulative: Decimal


BY_DAY = PeriodParams()


async def pnl_by_period(db: Fetcher, scope: Scope, params: PeriodParams = BY_DAY) -> list[PeriodTrades]:
    """Return the periods that have closed trades, by currency, oldest first; empty when none closed in the window.

    Periods are made of the accounts' own trading days; weeks begin on Monday. The window may cut off a part of the
    first and of the last one. A period without trades is left out.
    """
    rows = await PARTS.all(db, *window_arguments(scope), None, True, *params.arguments(scope))
    periods: list[PeriodTrades] = []
    for (currency, start), days in groupby(rows, key=lambda row: (row.currency, _start(row, params.period))):
        before = periods[-1].cumulative if periods and periods[-1].currency == currency else Decimal(0)
        periods.append(_together(currency, start, list(days), before))
    return periods


def _start(row: TradeTotals, period: Period) -> date:
    day = row.day or date.min
    match period:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "year":
            return day.replace(month=1, day=1)
        case _:
            return day


def _together(currency: str, start: date, days: list[TradeTotals], before: Decimal) -> PeriodTrades:
    net = sum((day.net for day in days), Decimal(0))
    wins, losses = sum(day.wins for day in days), sum(day.losses for day in days)
    trades = sum(day.trades for day in days)
    return PeriodTrades(
        currency=currency,
        start=start,
        net_pnl=net,
        gross_pnl=sum((day.gross for day in days), Decimal(0)),
        fees=sum((day.fees for day in days), Decimal(0)),
        trades=trades,
        wins=wins,
        losses=losses,
        win_rate=win_rate(TradeSums(wins=wins, losses=losses, break_evens=trades - wins - losses)),
        cumulative=before + net,
    )


READ = Read(
    "pnl_by_period",
    "P&L by day, week, month and year",
    pnl_by_period,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=PeriodParams,
    formula="Σ net P&L of the trades that closed in the period",
)
