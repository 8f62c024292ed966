"""Performance: what did the money earn, how unsteadily, and was it worth the risk?"""

import asyncio
import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main.analytics import benchmark as comparison
from main.analytics import ratios, tail_risk
from main.analytics.figure import Figure, missing
from main.analytics.returns import total_return
from main.analytics.roi import return_on_investment
from main.analytics.sample import NO_BASE
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.growth_days import (
    WEEKDAYS,
    DayReturns,
    Depths,
    GrowthDays,
    benchmark_closes,
    day_returns,
    depths,
    flows,
    growth_days,
    no_benchmark,
    window_return,
)
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class Rates:
    """What returns are measured against: a year's risk-free rate, and the least return that is no shortfall."""

    risk_free: float = 0.0
    minimum_return: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in (("risk_free", self.risk_free), ("minimum_return", self.minimum_return)):
            if not math.isfinite(rate) or not -1 < rate <= 10:
                raise ValueError(f"{name}: got {rate}, expected a yearly fraction above -1 and up to 10, such as 0.04")


@dataclass(frozen=True, slots=True)
class Performance:
    """The headline figures of one currency; ratios are fractions, and each missing one has its reason.

    ``days`` are the returns that the ratios are made of, ``gaps`` those of them that span days without an observation.
    ``period_return``, ``roi`` and the drawdowns are of the whole window, the running day included; the others of whole
    trading days. ``calmar`` uses the drawdown at the closes of days, the other drawdowns what was seen every
    ``drawdown_step_seconds``. ``compared_return`` is that of the accounts over the days whose closes both they and the
    benchmark have: the excess return is the difference of the two.
    """

    currency: str
    accounts: int
    start: datetime
    end: datetime
    days: int
    gaps: int
    periods_per_year: int
    trading_days: str
    risk_free: float
    minimum_return: float
    benchmark: str | None
    period_return: Figure
    roi: Figure
    cagr: Figure
    volatility: Figure
    sharpe: Figure
    sortino: Figure
    calmar: Figure
    max_drawdown: Figure
    current_drawdown: Figure
    value_at_risk: Figure
    conditional_value_at_risk: Figure
    best_day: Figure
    worst_day: Figure
    positive_days: Figure
    drawdown_step_seconds: float | None
    compared_return: Figure
    benchmark_return: Figure
    excess_return: Figure
    alpha: Figure
    beta: Figure
    benchmark_correlation: Figure


async def performance(db: Fetcher, scope: Scope, params: Rates | None = None) -> list[Performance]:
    """Return one row a currency, accounts of one currency held together; empty when no equity was recorded.

    Several accounts have the days, and the periods a year, of the one that trades on most days of the year.
    Ratios are made of returns between the closes of whole trading days: the running day is left out, and so is the part
    of a day that a window begins with. Accounts with up to 262 periods a year trade from Monday to Friday, others every
    day; what happens on a weekend belongs to Monday. Fewer than 30 days leave yearly figures, tails and what is
    compared with the benchmark missing, and so does equity at or below zero. The yearly rate counts the trading days
    that a gap spans (up to five weekdays are holidays). Alpha is Jensen's, a year; the excess return is over the common
    days. Value at risk is the loss of the worst day in twenty, a positive fraction. ROI is the change of equity without
    external flows, over the money that was in the account.
    """
    rows = await growth_days(db, scope)
    below = await depths(db, scope, rows)
    known = [(row, below[row.currency], await benchmark_closes(db, scope, row)) for row in rows]
    return await asyncio.to_thread(lambda: [_performance(*facts, params or Rates()) for facts in known])


def _performance(row: GrowthDays, below: Depths, closes: dict[date, float], rates: Rates) -> Performance:
    days = day_returns(row)
    return Performance(
        currency=row.currency,
        accounts=row.accounts,
        start=row.times[0],
        end=row.times[-1],
        days=len(days.returns),
        gaps=days.gaps,
        periods_per_year=row.periods_per_year,
        trading_days="every day" if row.periods_per_year > WEEKDAYS else "Monday to Friday",
        risk_free=rates.risk_free,
        minimum_return=rates.minimum_return,
        benchmark=row.benchmark,
        period_return=window_return(row),
        roi=_return_on_investment(row),
        max_drawdown=_drawdown(row, below.deepest),
        current_drawdown=_drawdown(row, below.drawdown),
        drawdown_step_seconds=below.step_seconds,
        **_ratios(days, rates),
        **_tails(days),
        **_compared(row, days, closes, rates.risk_free),
    )


def _ratios(days: DayReturns, rates: Rates) -> dict[str, Figure]:
    returns, yearly = days.returns, days.periods_per_year
    return {
        "cagr": ratios.cagr(returns, yearly, days=days.length),
        "volatility": ratios.volatility(returns, yearly),
        "sharpe": ratios.sharpe(returns, yearly, risk_free=rates.risk_free),
        "sortino": ratios.sortino(returns, yearly, minimum_return=rates.minimum_return),
        "calmar": ratios.calmar(returns, yearly, days=days.length),
    }


def _tails(days: DayReturns) -> dict[str, Figure]:
    known = [value for value in days.returns if value is not None]
    return {
        "value_at_risk": tail_risk.value_at_risk(days.returns),
        "conditional_value_at_risk": tail_risk.conditional_value_at_risk(days.returns),
        "best_day": _of_days(days, max(known, default=0.0)),
        "worst_day": _of_days(days, min(known, default=0.0)),
        "positive_days": _of_days(days, sum(value > 0 for value in known) / max(1, len(known))),
    }


def _compared(row: GrowthDays, days: DayReturns, closes: dict[date, float], risk_free: float) -> dict[str, Figure]:
    names = ("compared_return", "benchmark_return", "excess_return", "alpha", "beta", "benchmark_correlation")
    reason = no_benchmark(row, closes) or (NO_BASE if None in days.growth else "")
    if reason:
        return dict.fromkeys(names, missing(reason))
    pair = comparison.aligned(days.by_day, closes)
    figures = (
        total_return(pair.returns),
        total_return(pair.benchmark),
        comparison.excess_return(pair.returns, pair.benchmark),
        comparison.alpha(pair.returns, pair.benchmark, row.periods_per_year, risk_free=risk_free),
        comparison.beta(pair.returns, pair.benchmark),
        comparison.correlation(pair.returns, pair.benchmark),
    )
    return dict(zip(names, figures, strict=True))


def _return_on_investment(row: GrowthDays) -> Figure:
    if len(row.times) < 2:
        return missing("no equity was observed in the window")
    earned = float(row.equity - row.invested - sum(row.flow_amounts))
    return return_on_investment(earned, float(row.invested), flows(row), row.times[0], row.times[-1])


def _drawdown(row: GrowthDays, depth: float | None) -> Figure:
    if depth is not None:
        return Figure(depth)
    return missing(NO_BASE if None in row.growth else "no equity was observed in the window")


def _of_days(days: DayReturns, value: float) -> Figure:
    if not days.returns:
        return missing("no whole trading day in the window")
    return missing(NO_BASE) if None in days.returns else Figure(value)


def _newest(rows: list[Performance]) -> datetime | None:
    return max((row.end for row in rows), default=None)


READ = Read(
    "performance",
    "Performance",
    performance,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    params=Rates,
    as_of=_newest,
    formula=(
        "Sharpe = mean(r − rf) / std(r − rf, ddof 1) · √A; "
        "Sortino = mean(r − MAR) · A / (√mean(min(r − MAR, 0)²) · √A); CAGR = G^(A / n) − 1; "
        "Calmar = CAGR / |max drawdown|; volatility = std(r, ddof 1) · √A; "
        "VaR = −(5th percentile of r), CVaR = −mean of the tail; "
        "β = cov(r, b) / var(b), α = (1 + mean(r − rf − β·(b − rf)))^A − 1; "
        "ROI = P&L / (equity at the start + Σ w·F); A = periods a year of the account"
    ),
    references=("Sharpe 1994", "Sortino and Price 1994", "Young 1991", "Jensen 1968"),
)
