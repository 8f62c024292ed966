"""How good are the closed trades: how often do they win, how much, and what is one worth?

Everything follows from a few counts and sums of a filtered set, so that the database can add up a million trades;
`sums_of` makes the same of a list. P&L is net of the fees of both legs, in one currency.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from main.analytics.figure import Figure, bounded, missing, quotient
from main.analytics.sample import refuse_nan

NO_TRADES = "no trades"
NO_WINS = "no wins"
NO_LOSSES = "no losses"


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One closed trade: net P&L, how long it was held, and |entry − initial stop|·quantity·multiplier if it had one."""

    pnl: float
    hold_seconds: float | None = None
    risk: float | None = None


@dataclass(frozen=True, slots=True)
class TradeSums:
    """Counts and sums of a set of trades. Wins have a net P&L > 0, losses < 0; break-evens are neither.

    ``won`` ≥ 0 and ``lost`` ≤ 0 add up the P&L of wins and of losses. ``held`` trades have a known holding time,
    ``hold_seconds`` in sum. ``stopped`` trades had an initial risk > 0: ``stopped_pnl`` is their P&L in sum, and
    ``stopped_r`` the sum of each one's P&L / risk. ``best`` and ``worst`` are the P&L of single trades.
    """

    wins: int = 0
    losses: int = 0
    break_evens: int = 0
    won: float = 0.0
    lost: float = 0.0
    best: float | None = None
    worst: float | None = None
    held: int = 0
    hold_seconds: float = 0.0
    stopped: int = 0
    stopped_pnl: float = 0.0
    stopped_r: float = 0.0

    @property
    def trades(self) -> int:
        """All of them, break-evens too."""
        return self.wins + self.losses + self.break_evens

    @property
    def net_pnl(self) -> float:
        """The P&L of all of them."""
        return self.won + self.lost


@dataclass(frozen=True, slots=True)
class TradeStatistics:
    """Every figure that follows from the sums of trades; each function of this module says how it is defined."""

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


def sums_of(trades: Sequence[ClosedTrade]) -> TradeSums:
    """Return the sums of a list of trades, in any order. ``ValueError`` for NaN."""
    pnls = [trade.pnl for trade in trades]
    refuse_nan(pnls)
    wins, losses = [pnl for pnl in pnls if pnl > 0], [pnl for pnl in pnls if pnl < 0]
    held = [trade.hold_seconds for trade in trades if trade.hold_seconds is not None]
    risked = [(trade.pnl, trade.risk) for trade in trades if trade.risk is not None and trade.risk > 0]
    return TradeSums(
        wins=len(wins),
        losses=len(losses),
        break_evens=len(pnls) - len(wins) - len(losses),
        won=math.fsum(wins),
        lost=math.fsum(losses),
        best=max(pnls, default=None),
        worst=min(pnls, default=None),
        held=len(held),
        hold_seconds=math.fsum(held),
        stopped=len(risked),
        stopped_pnl=math.fsum(pnl for pnl, _ in risked),
        stopped_r=math.fsum(pnl / risk for pnl, risk in risked),
    )


def trade_statistics(sums: TradeSums) -> TradeStatistics:
    """Return every figure of the set at once."""
    return TradeStatistics(
        win_rate=win_rate(sums),
        profit_factor=profit_factor(sums),
        expectancy=expectancy(sums),
        expectancy_r=expectancy_r(sums),
        average_win=average_win(sums),
        average_loss=average_loss(sums),
        payoff=payoff(sums),
        best=missing(NO_TRADES) if sums.best is None else Figure(sums.best),
        worst=missing(NO_TRADES) if sums.worst is None else Figure(sums.worst),
        average_hold_seconds=quotient(sums.hold_seconds, sums.held, "no holding times" if sums.trades else NO_TRADES),
    )


def win_rate(sums: TradeSums) -> Figure:
    """Return wins / (wins + losses), a fraction; break-evens are apart (freqtrade's /profit counts them as wins)."""
    return quotient(sums.wins, sums.wins + sums.losses, "only break-evens" if sums.trades else NO_TRADES)


def profit_factor(sums: TradeSums) -> Figure:
    """Return Σ wins / |Σ losses|; missing with "no trades" or "no losses"."""
    return quotient(sums.won, -sums.lost, NO_LOSSES if sums.trades else NO_TRADES)


def expectancy(sums: TradeSums) -> Figure:
    """Return the mean net P&L of a closed trade, break-evens included: W·average win − L·|average loss|."""
    return quotient(sums.net_pnl, sums.trades, NO_TRADES)


def expectancy_r(sums: TradeSums) -> Figure:
    """Return the mean of net P&L / risk, in R: the initial risk where a stop was set, else |average loss|.

    Tharp's R-multiples. Missing where a trade has no stop and there is no loss to stand for its risk.
    """
    if not sums.trades:
        return missing(NO_TRADES)
    if sums.stopped == sums.trades:
        return bounded(sums.stopped_r / sums.trades)
    if not sums.losses:
        return missing("no stops, and no losses to stand for the risk")
    without_stop = (sums.net_pnl - sums.stopped_pnl) / (-sums.lost / sums.losses)
    return bounded((sums.stopped_r + without_stop) / sums.trades)


def average_win(sums: TradeSums) -> Figure:
    """Return the mean net P&L of the wins, above zero."""
    return quotient(sums.won, sums.wins, NO_WINS if sums.trades else NO_TRADES)


def average_loss(sums: TradeSums) -> Figure:
    """Return the mean net P&L of the losses, below zero."""
    return quotient(sums.lost, sums.losses, NO_LOSSES if sums.trades else NO_TRADES)


def payoff(sums: TradeSums) -> Figure:
    """Return average win / |average loss|."""
    win, loss = average_win(sums), average_loss(sums)
    if win.value is None or loss.value is None:
        return loss if loss.value is None else win
    return quotient(win.value, -loss.value, NO_LOSSES)


@dataclass(frozen=True, slots=True)
class Streaks:
    """Longest runs of wins and of losses, and the present one: +3 is three wins in a row, −2 two losses."""

    longest_wins: int
    longest_losses: int
    current: int


def streaks(pnls: Iterable[float]) -> Streaks:
    """Return the runs of trades in order of their exits; a break-even neither ends a run nor counts."""
    run = wins = losses = 0
    for pnl in pnls:
        if pnl > 0:
            run = max(run, 0) + 1
        elif pnl < 0:
            run = min(run, 0) - 1
        wins, losses = max(wins, run), max(losses, -run)
    return Streaks(wins, losses, run)
