"""What did it cost to get the order done? Costs are positive, gains on the way negative; mark-outs the other way.

Prices of one order are in one currency. A price that nobody recorded is ``None``, and so is what needs it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from main.analytics.figure import Figure, bounded, missing, quotient
from main.analytics.side import sign

BASIS_POINTS = 1e4

NO_DECISION = "no decision price was recorded"
NO_ARRIVAL = "no arrival mid was recorded"


@dataclass(frozen=True, slots=True)
class ExecutedOrder:
    """An order that is over: what was wanted, what was filled, and the prices on the way.

    ``decision`` is the price when the trade was decided, ``arrival`` the mid when the order arrived, ``fill`` the
    quantity-weighted price of its fills, ``end`` the price when it was over. Fees are in the currency of the prices.
    """

    side: str
    quantity: float
    filled: float
    decision: float | None
    arrival: float | None
    fill: float | None
    end: float | None
    fees: float = 0.0
    multiplier: float = 1.0


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Implementation shortfall in money, and where it comes from: ``total`` is the sum of the four parts.

    ``notional`` is decision price · quantity · multiplier. Without an arrival mid, delay and impact cannot be told
    apart: both are missing, while the total is known.
    """

    delay: Figure
    impact: Figure
    opportunity: Figure
    fees: float
    total: Figure
    notional: Figure

    @property
    def bps(self) -> Figure:
        """The total over the decision notional, in basis points."""
        if self.total.value is None or self.notional.value is None:
            return self.total if self.total.value is None else self.notional
        return quotient(self.total.value, self.notional.value, "the decision notional is not above zero", BASIS_POINTS)


def slippage_bps(side: str, fill: float, arrival: float | None) -> Figure:
    """Return side·(fill − arrival mid) / arrival mid · 10⁴; positive is a cost."""
    if arrival is None:
        return missing(NO_ARRIVAL)
    return quotient(sign(side) * (fill - arrival), arrival, "the arrival mid is not above zero", BASIS_POINTS)


def mark_out_bps(side: str, fill: float, later_mid: float | None) -> Figure:
    """Return side·(mid at t + h − fill) / fill · 10⁴; positive is good. ``later_mid`` is None where none was seen."""
    if later_mid is None:
        return missing("no mid was recorded at the horizon")
    return quotient(sign(side) * (later_mid - fill), fill, "the fill price is not above zero", BASIS_POINTS)


def weighted_bps(values: Sequence[float], notionals: Sequence[float]) -> Figure:
    """Return Σ value·notional / Σ notional: the slippage, shortfall or mark-out of many fills as of one."""
    weighted = math.fsum(value * weight for value, weight in zip(values, notionals, strict=True))
    return quotient(weighted, math.fsum(notionals), "no fills")


def maker_share(maker: float, taker: float) -> Figure:
    """Return maker / (maker + taker), a fraction, of notionals or of counts; fills of unknown kind are in neither."""
    return quotient(maker, maker + taker, "no fill says whether it was maker or taker")


def implementation_shortfall(order: ExecutedOrder) -> Shortfall:
    """Return side·[filled·(fill − decision) + unfilled·(end − decision)]·multiplier + fees, and its parts.

    Delay is filled·(arrival − decision), impact filled·(fill − arrival), opportunity unfilled·(end − decision), each
    with side and multiplier. Perold 1988. ``ValueError`` where more was filled than ordered.
    """
    unfilled = order.quantity - order.filled
    if order.filled < 0 or unfilled < 0:
        raise ValueError(f"filled {order.filled} of {order.quantity}: it lies between 0 and the quantity ordered")
    delay = _cost(order, order.filled, order.decision, order.arrival, NO_ARRIVAL)
    impact = _cost(order, order.filled, order.arrival, order.fill, "no fill price was recorded")
    if order.arrival is None and order.filled:
        impact = missing(NO_ARRIVAL)
    execution = _cost(order, order.filled, order.decision, order.fill, "no fill price was recorded")
    opportunity = _cost(order, unfilled, order.decision, order.end, "no price was recorded at the order's end")
    parts = [execution, opportunity] if delay.value is None or impact.value is None else [delay, impact, opportunity]
    notional = missing(NO_DECISION)
    if order.decision is not None:
        notional = bounded(order.decision * order.quantity * order.multiplier)
    return Shortfall(delay, impact, opportunity, order.fees, _sum(parts, order.fees), notional)


def _cost(order: ExecutedOrder, quantity: float, before: float | None, after: float | None, reason: str) -> Figure:
    if order.decision is None:
        return missing(NO_DECISION)
    if not quantity:
        return Figure(0.0)
    if before is None or after is None:
        return missing(reason)
    return bounded(sign(order.side) * quantity * (after - before) * order.multiplier)


def _sum(parts: Sequence[Figure], fees: float) -> Figure:
    gap = next((part for part in parts if part.value is None), None)
    return gap or bounded(math.fsum([fees, *(part.value for part in parts if part.value is not None)]))
