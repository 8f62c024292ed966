"""Slippage: how far from the mid at arrival were orders filled, and what did that cost?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.execution_part import FillParts, basis_points, overall, sorted_parts
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

UNPRICED = "no fill has an arrival mid and a rate into the account's currency"


@dataclass(frozen=True, slots=True)
class SlippageSums:
    """What the fills of one part add up to, in account currency."""

    currency: str
    name: str | None
    fills: int
    unpriced: int
    notional: Decimal | None
    cost: Decimal | None
    best_bps: float | None
    worst_bps: float | None


@dataclass(frozen=True, slots=True)
class Slippage:
    """The fills of one part. Positive is a cost, negative a gain; ``bps`` is ``cost`` / ``notional`` · 10⁴.

    ``notional`` is at the arrival mids. ``unpriced`` fills, which lack one above zero or a rate into the account's
    currency, are not among ``fills``. ``best_bps`` and ``worst_bps`` are of single fills.
    ``name`` is ``None`` where it is not known, and with ``by=all``.
    """

    currency: str
    name: str | None
    fills: int
    unpriced: int
    notional: Decimal | None
    cost: Decimal | None
    bps: Figure
    best_bps: float | None
    worst_bps: float | None


SUMS = Query(
    SlippageSums,
    """
    SELECT s.currency, s.name, s.costed AS fills, s.fills - s.costed AS unpriced, s.arrival_notional AS notional,
           s.cost, s.best_bps::float8 AS best_bps, s.worst_bps::float8 AS worst_bps
      FROM fill_sums($1, $2, $3, $4, $5, $6, $7) s
    """,
)

BY_SYMBOL = FillParts()


async def slippage(db: Fetcher, scope: Scope, params: FillParts = BY_SYMBOL) -> list[Slippage]:
    """Return the slippage of the fills in the scope's window by currency: the dearest part first, or in order.

    Of many fills it is Σ cost over Σ notional: each weighs what it is worth. Busted fills do not count. Orders that
    rested count too: they fill at their own price, so that theirs is negative by how far from the mid they were placed,
    however the market went on until then (see mark-outs). Empty when nothing was filled.
    """
    rows = await SUMS.all(db, *window_arguments(scope), scope.strategy, params.by)
    parts = [_part(row) for row in rows]
    return sorted_parts(parts, params.by, lambda part: part.cost)


def _part(row: SlippageSums) -> Slippage:
    return Slippage(
        currency=row.currency,
        name=row.name,
        fills=row.fills,
        unpriced=row.unpriced,
        notional=row.notional,
        cost=row.cost,
        bps=basis_points(row.cost, row.notional, UNPRICED),
        best_bps=row.best_bps,
        worst_bps=row.worst_bps,
    )


READ = Read(
    "slippage",
    "Slippage",
    slippage,
    topics=frozenset({Topic.FILLS, Topic.ACCOUNTS}),
    unit="basis points; money in account currency",
    freshness=timedelta(minutes=1),
    params=FillParts,
    scalar=lambda parts: overall([(part.currency, part.cost, part.notional) for part in parts]),
    formula="side · (fill − arrival mid) / arrival mid · 10⁴, positive = cost, weighted by notional at the arrival mid",
)
