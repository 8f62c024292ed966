"""Fills: what was bought and sold, when, and at which price?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

MOST = 1000


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. The price is in the instrument's currency, in steps of ``tick``; ``fee`` in ``currency``.

    ``fee`` is positive when paid; ``liquidity`` is maker or taker, ``None`` where the venue does not say.
    """

    at: datetime
    account: str
    label: str
    currency: str
    order_id: str | None
    symbol: str
    side: str
    quantity: Decimal
    quantity_step: Decimal | None
    price: Decimal
    tick: Decimal | None
    fee: Decimal
    liquidity: str | None
    strategy: str | None


NEWEST = Query(
    Fill,
    """
    SELECT f.at::timestamptz AS at, a.account_id AS account, a.label, a.currency, f.order_id, f.symbol, f.side,
           f.quantity::numeric AS quantity, i.quantity_step::numeric AS quantity_step, f.price::numeric AS price,
           i.tick::numeric AS tick, f.fee::numeric AS fee, f.liquidity, f.strategy
      FROM accounts_at($1, $3, $4, $5) a
      CROSS JOIN LATERAL (
            SELECT e.*
              FROM fills e
             WHERE e.account_id = a.account_id AND e.at > $2 AND e.at <= $3 AND e.recorded_at <= $4 AND e.quantity > 0
               AND ($6::text IS NULL OR e.strategy = $6) AND ($7::text IS NULL OR e.symbol = $7)
               AND NOT EXISTS (SELECT FROM fills n
                                WHERE n.account_id = e.account_id AND n.source = e.source
                                  AND n.source_id = e.source_id AND n.revision > e.revision AND n.revision > 0
                                  AND n.recorded_at <= $4)
             ORDER BY e.at DESC, e.source_id DESC
             LIMIT $8) f
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = f.symbol
     WHERE $9::text IS NULL OR a.source = $9
     ORDER BY f.at DESC, a.account_id, f.source_id DESC
     LIMIT $8
    """,
)


@dataclass(frozen=True, slots=True)
class Charted:
    """The symbol that a chart of bars is about, and the source that its prices are of."""

    source: str
    symbol: str


CHARTED = Query(Charted, "SELECT c.source, c.symbol FROM charted_symbol($1, $2, $3, $4, $5, $6) c")


@dataclass(frozen=True, slots=True)
class FillParams:
    """Params: of which symbol, of all where it is ``None``; how many of the newest. Raises ValueError.

    ``charted`` asks for those of the symbol whose bars `candles` shows of the same symbol, also where it is ``None``.
    """

    symbol: str | None = None
    limit: int = 200
    charted: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit: got {self.limit}, expected 1 to {MOST}")


async def fills(db: Fetcher, scope: Scope, asked: FillParams | None = None) -> list[Fill]:
    """Return the newest executions in the scope's window, newest first; empty when nothing was filled.

    A corrected execution counts as corrected, a busted one not at all.
    """
    asked = asked or FillParams()
    which, source, symbol = window_arguments(scope), None, asked.symbol or None
    if asked.charted:
        charted = await CHARTED.first(db, *which, symbol)
        if charted is None:
            return []
        source, symbol = charted.source, charted.symbol
    return await NEWEST.all(db, *which, scope.strategy, symbol, asked.limit, source)


READ = Read(
    "fills",
    "Fills",
    fills,
    topics=frozenset({Topic.FILLS, Topic.ACCOUNTS}),
    unit="the instrument's currency",
    freshness=timedelta(minutes=1),
    params=FillParams,
    formula="newest revision of each execution",
)
