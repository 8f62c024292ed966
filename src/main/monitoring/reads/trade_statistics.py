"""Trade statistics: how often do the closed trades win, how much, for how long, and what is one worth?"""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from decimal import Decimal

from main.analytics import trade_statistics as figures
from main.analytics.figure import Figure
from main.analytics.trade_statistics import TradeSums
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter, window_arguments
from main.monitoring.trade_totals import TOTALS, TradeTotals

RECENT = 1_000
"""Streaks and R look at this many trades at most: they need each one, not sums of them."""


@dataclass(frozen=True, slots=True)
class TradeFigures:
    """Every figure of the closed trades of one currency, money in it; wins and losses are by net P&L.

    ``recent`` is how many trades the streaks and ``expectancy_r`` are about: the newest 1,000, or all where there are
    fewer. ``current_streak``: +3 is three wins in a row, -2 two losses; break-evens neither end nor lengthen a streak.
    """

    currency: str
    trades: int
    wins: int
    losses: int
    break_evens: int
    net_pnl: Decimal
    gross_pnl: Decimal
    fees: Decimal
    total_profit: Decimal
    total_loss: Decimal
    win_rate: Figure
    profit_factor: Figure
    expectancy: Figure
    expectancy_r: Figure
    average_win: Figure
    average_loss: Figure
    payoff: Figure
    best: Figure
    worst: Figure
    average_hold_seconds: Figure
    longest_winning_streak: int
    longest_losing_streak: int
    current_streak: int
    recent: int
    recent_with_stop: int


@dataclass(frozen=True, slots=True)
class RecentTrades:
    """Sums of the newest trades of one currency; ``outcomes`` has a 1, 0 or -1 for each, oldest first."""

    currency: str
    outcomes: list[int]
    won: float
    lost: float
    stopped: int
    stopped_pnl: float
    stopped_r: float


NEWEST = Query(
    RecentTrades,
    """
    SELECT t.currency, array_agg(sign(t.pnl)::integer ORDER BY t.place DESC) AS outcomes,
           coalesce(sum(t.pnl) FILTER (WHERE t.pnl > 0), 0)::float8 AS won,
           coalesce(sum(t.pnl) FILTER (WHERE t.pnl < 0), 0)::float8 AS lost,
           count(t.risk) AS stopped, coalesce(sum(t.pnl) FILTER (WHERE t.risk > 0), 0)::float8 AS stopped_pnl,
           coalesce(sum(t.pnl / t.risk), 0)::float8 AS stopped_r
      FROM recent_trades($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) t
     GROUP BY t.currency
    """,
    planned_anew=True,
)
ALL = TradeFilter()


async def trade_statistics(db: Fetcher, scope: Scope, wanted: TradeFilter = ALL) -> list[TradeFigures]:
    """Return the figures of the trades that closed in the scope's window and match, by currency.

    A currency of the accounts without such trades has a row of zeros, and of reasons. Win rate leaves break-evens out,
    expectancy does not. In R a trade counts its P&L over its initial risk, or over the average loss where it had no
    stop.
    """
    window, arguments = window_arguments(scope), wanted.arguments(scope)
    newest = {row.currency: row for row in await NEWEST.all(db, *window, RECENT, *arguments)}
    return [_figures(row, newest.get(row.currency)) for row in await TOTALS.all(db, *window, *arguments)]


def _figures(totals: TradeTotals, newest: RecentTrades | None) -> TradeFigures:
    found = replace(totals.statistics(), expectancy_r=figures.expectancy_r(_sums(newest)))
    outcomes = newest.outcomes if newest is not None else []
    runs = figures.streaks(outcomes)
    return TradeFigures(
        currency=totals.currency,
        trades=totals.trades,
        wins=totals.wins,
        losses=totals.losses,
        break_evens=totals.break_evens,
        net_pnl=totals.net,
        gross_pnl=totals.gross,
        fees=totals.fees,
        total_profit=totals.won,
        total_loss=totals.lost,
        **{field.name: getattr(found, field.name) for field in fields(found)},
        longest_winning_streak=runs.longest_wins,
        longest_losing_streak=runs.longest_losses,
        current_streak=runs.current,
        recent=len(outcomes),
        recent_with_stop=newest.stopped if newest is not None else 0,
    )


def _sums(newest: RecentTrades | None) -> TradeSums:
    if newest is None:
        return TradeSums()
    return TradeSums(
        wins=newest.outcomes.count(1),
        losses=newest.outcomes.count(-1),
        break_evens=newest.outcomes.count(0),
        won=newest.won,
        lost=newest.lost,
        stopped=newest.stopped,
        stopped_pnl=newest.stopped_pnl,
        stopped_r=newest.stopped_r,
    )


READ = Read(
    "trade_statistics",
    "Trade statistics",
    trade_statistics,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=TradeFilter,
    formula="win rate = wins / (wins + losses); profit factor = Σ wins / |Σ losses|; expectancy = mean net P&L",
)
