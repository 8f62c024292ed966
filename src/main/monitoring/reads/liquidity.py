"""Liquidity: how much was made by waiting in the book, and how much by taking out of it, at which fees?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from main.analytics.execution import maker_share
from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.execution_part import OrderParts, basis_points, sorted_parts
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments


@dataclass(frozen=True, slots=True)
class LiquiditySums:
    """What the fills of one part add up to, in account currency."""

    currency: str
    name: str | None
    maker_fills: int
    taker_fills: int
    unknown_fills: int
    unpriced: int
    maker_notional: Decimal
    taker_notional: Decimal
    unknown_notional: Decimal
    maker_fees: Decimal
    taker_fees: Decimal
    unknown_fees: Decimal
    priced_fees: Decimal


@dataclass(frozen=True, slots=True)
class Liquidity:
    """The fills of one part: those of orders that waited (maker), of orders that met one (taker), and of those that do
    not say.

    Notional is at the fill prices; ``unpriced`` fills have none, for want of a rate into the account's currency, and
    are left out of it and of ``fee_bps``. Fees are positive when paid. ``maker_share`` is a fraction of the notional
    that says what it was. ``name`` is ``None`` where it is not known, and with ``by=all``.
    """

    currency: str
    name: str | None
    maker_fills: int
    taker_fills: int
    unknown_fills: int
    unpriced: int
    maker_notional: Decimal
    taker_notional: Decimal
    unknown_notional: Decimal
    maker_share: Figure
    maker_fees: Decimal
    taker_fees: Decimal
    unknown_fees: Decimal
    fee_bps: Figure


SUMS = Query(
    LiquiditySums,
    """
    SELECT s.currency, s.name, s.maker_fills, s.taker_fills, s.fills - s.maker_fills - s.taker_fills AS unknown_fills,
           s.fills - s.valued AS unpriced, s.maker_notional, s.taker_notional, s.unknown_notional,
           s.maker_fees, s.taker_fees, s.unknown_fees, s.valued_fees AS priced_fees
      FROM fill_sums($1, $2, $3, $4, $5, $6, $7) s
    """,
)

BY_SYMBOL = OrderParts()


async def liquidity(db: Fetcher, scope: Scope, params: OrderParts = BY_SYMBOL) -> list[Liquidity]:
    """Return the notional made and taken in the scope's window by currency: the largest part first, or in order.

    Busted fills do not count. Empty when nothing was filled.
    """
    rows = await SUMS.all(db, *window_arguments(scope), scope.strategy, params.by)
    return sorted_parts([_part(row) for row in rows], params.by, _notional)


def _notional(part: Liquidity) -> Decimal:
    return part.maker_notional + part.taker_notional + part.unknown_notional


def _part(row: LiquiditySums) -> Liquidity:
    notional = row.maker_notional + row.taker_notional + row.unknown_notional
    return Liquidity(
        currency=row.currency,
        name=row.name,
        maker_fills=row.maker_fills,
        taker_fills=row.taker_fills,
        unknown_fills=row.unknown_fills,
        unpriced=row.unpriced,
        maker_notional=row.maker_notional,
        taker_notional=row.taker_notional,
        unknown_notional=row.unknown_notional,
        maker_share=maker_share(float(row.maker_notional), float(row.taker_notional)),
        maker_fees=row.maker_fees,
        taker_fees=row.taker_fees,
        unknown_fees=row.unknown_fees,
        fee_bps=basis_points(row.priced_fees, notional, "no fill has a rate into the account's currency"),
    )


READ = Read(
    "liquidity",
    "Maker and taker",
    liquidity,
    topics=frozenset({Topic.FILLS, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=OrderParts,
    formula="maker share = maker notional / (maker + taker notional); fees / notional · 10⁴",
)
