"""What did the window earn on the money that was at work in it?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from main.analytics.figure import Figure, quotient


@dataclass(frozen=True, slots=True)
class Flow:
    """A deposit, withdrawal or transfer, signed as credited to the account. Dividends, funding and fees are not."""

    at: datetime
    amount: float


def invested(equity: float, flows: Sequence[Flow], start: datetime, end: datetime) -> float:
    """Return the equity at the window's start + Σ w·F, w the share of the window that each flow was there for.

    Flows with start < at <= end count (modified Dietz); those outside are passed over. ``ValueError`` for start >= end.
    """
    if start >= end:
        raise ValueError(f"the window ends at {end}, not after its start {start}")
    weighted = (flow.amount * ((end - flow.at) / (end - start)) for flow in flows if start < flow.at <= end)
    return math.fsum([equity, *weighted])


def return_on_investment(
    net_pnl: float, equity: float, flows: Sequence[Flow], start: datetime, end: datetime
) -> Figure:
    """Return net P&L of the window / (equity at its start + Dietz-weighted flows), a fraction.

    ``equity`` is the last one at or before `start`, 0 before the account was funded. Missing unless the money at work
    was above zero on average. Not a rate per year, and unlike the time-weighted return it depends on when money came.
    """
    return quotient(net_pnl, invested(equity, flows, start, end), "no money was at work in the window")
