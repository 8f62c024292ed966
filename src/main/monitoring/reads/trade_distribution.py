"""Distribution of trades: how is their net P&L spread, in money and in R?"""

from dataclasses import dataclass
from datetime import timedelta

from main.analytics.distribution import Bin, histogram
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter, window_arguments

RECENT = 1_000
"""The spread of that many is as good as that of all, and costs no more next year."""


@dataclass(frozen=True, slots=True)
class TradeDistribution:
    """How many of the newest ``trades`` (at most 1,000) of one currency lie in each bin: low <= value < high.

    ``pnl`` is of the net P&L in account currency, ``r`` of net P&L over the initial risk, or over the average loss
    where the trade had no stop. ``r`` is empty where neither is known, and ``r_reason`` says why.
    """

    currency: str
    trades: int
    pnl: list[Bin]
    r: list[Bin]
    r_reason: str


@dataclass(frozen=True, slots=True)
class _Values:
    currency: str
    pnls: list[float]
    risks: list[float]


VALUES = Query(
    _Values,
    """
    SELECT t.currency, array_agg(t.pnl::float8 ORDER BY t.place) AS pnls,
           array_agg(coalesce(t.risk, 0)::float8 ORDER BY t.place) AS risks
      FROM recent_trades($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) t
     GROUP BY t.currency
     ORDER BY t.currency
    """,
    planned_anew=True,
)
ALL = TradeFilter()


async def trade_distribution(db: Fetcher, scope: Scope, wanted: TradeFilter = ALL) -> list[TradeDistribution]:
    """Return the histograms of the newest 1,000 trades that closed in the window and match; none of a currency without.

    Bins have a round width and an edge at zero, so none mixes gains and losses; empty ones between others are there.
    """
    rows = await VALUES.all(db, *window_arguments(scope), RECENT, *wanted.arguments(scope))
    return [_distribution(row) for row in rows]


def _distribution(row: _Values) -> TradeDistribution:
    multiples = _multiples(row)
    return TradeDistribution(
        row.currency,
        len(row.pnls),
        histogram(row.pnls),
        histogram(multiples),
        "" if multiples else "no stops, and no losses to stand for the risk",
    )


def _multiples(row: _Values) -> list[float]:
    """Each trade in R; none at all where the risk of one is not known."""
    losses = [pnl for pnl in row.pnls if pnl < 0]
    average = -sum(losses) / len(losses) if losses else 0.0
    risks = [risk or average for risk in row.risks]
    return [pnl / risk for pnl, risk in zip(row.pnls, risks, strict=True)] if all(risks) else []


READ = Read(
    "trade_distribution",
    "Distribution of trades",
    trade_distribution,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="trades",
    freshness=timedelta(minutes=1),
    params=TradeFilter,
    formula="count by ⌊value / width⌋; width by Freedman and Diaconis, a round number",
)
