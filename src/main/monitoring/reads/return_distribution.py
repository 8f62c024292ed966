"""Return distribution: how are the returns of days spread, and how far out are the tails?"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from main.analytics import tail_risk
from main.analytics.distribution import Bin, histogram
from main.analytics.figure import Figure, missing
from main.analytics.sample import NO_BASE, deviation, mean, quantile
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.growth_days import GrowthDays, day_returns, growth_days
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class ReturnDistribution:
    """How often each size of return came among ``days`` days of one currency, in bins of a round width."""

    currency: str
    end: datetime
    days: int
    bins: list[Bin]
    mean: Figure
    median: Figure
    deviation: Figure
    value_at_risk: Figure
    conditional_value_at_risk: Figure


async def return_distribution(db: Fetcher, scope: Scope) -> list[ReturnDistribution]:
    """Return one row a currency, the bins lowest first; no bins without a whole trading day in the window.

    The returns are those of `performance`. One that has no base, because equity was not above zero, is in no bin, and
    leaves the figures beside the bins missing.
    """
    rows = await growth_days(db, scope)
    return await asyncio.to_thread(lambda: [_distribution(row) for row in rows])


def _distribution(row: GrowthDays) -> ReturnDistribution:
    returns = day_returns(row).returns
    known = [value for value in returns if value is not None]
    reason = NO_BASE if len(known) < len(returns) else "" if known else "no whole trading day in the window"
    return ReturnDistribution(
        currency=row.currency,
        end=row.times[-1],
        days=len(returns),
        bins=histogram(known),
        mean=missing(reason) if reason else Figure(mean(known)),
        median=missing(reason) if reason else Figure(quantile(known, 0.5)),
        deviation=missing(reason or "one day does not vary") if reason or len(known) < 2 else Figure(deviation(known)),
        value_at_risk=tail_risk.value_at_risk(returns),
        conditional_value_at_risk=tail_risk.conditional_value_at_risk(returns),
    )


def _newest(rows: list[ReturnDistribution]) -> datetime | None:
    return max((row.end for row in rows), default=None)


READ = Read(
    "return_distribution",
    "Distribution of returns",
    return_distribution,
    topics=frozenset({Topic.EQUITY, Topic.CASH, Topic.ACCOUNTS}),
    unit="fraction",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="days by ⌊r / width⌋; width = 2 · IQR / ∛n on round numbers, at most 60 bins",
    references=("Freedman and Diaconis 1981",),
)
