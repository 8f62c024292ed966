"""Market: what is every symbol worth now, how wide and deep is its book, and how did it move in a day?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

MOST = 10_000
"""More rows than a market has symbols; what is shown is far fewer."""


@dataclass(frozen=True, slots=True)
class MarketSymbol:
    """The newest book of a symbol, in the symbol's own currency; everything of it is ``None`` where none is known.

    ``change`` is a fraction since ``change_since``: the newest mid a day before the book or earlier; ``None`` where the
    record does not reach back so far. ``volume`` is of the closed bars of that day, in units of the symbol, and
    ``volume_coverage`` the part of the day whose volume is known; volume is ``None`` where none of it is.
    Depths are sums of the top five sizes. ``symbols`` is how many there are, however few of them are told.
    """

    source: str
    symbol: str
    currency: str
    sector: str | None
    segment: str | None
    tick: Decimal
    quantity_step: Decimal
    at: datetime | None
    mid_price: Decimal | None
    best_bid: Decimal | None
    best_ask: Decimal | None
    spread_bps: Decimal | None
    bid_depth: Decimal | None
    ask_depth: Decimal | None
    change: float | None
    change_since: datetime | None
    volume: Decimal | None
    volume_coverage: float | None
    symbols: int


SYMBOLS = Query(
    MarketSymbol,
    """
    WITH wanted AS MATERIALIZED (
        SELECT t.source, t.symbol, t.currency, t.sector, t.segment, t.tick, t.quantity_step, count(*) OVER () AS symbols
          FROM traded_instruments($1, $2, $3, $4, $5) t
    ), told AS (
        -- What is held comes first where not all are told; who holds what is asked only then.
        SELECT w.*
          FROM wanted w
          LEFT JOIN (SELECT DISTINCT a.source, p.symbol
                       FROM open_positions($1, $2, $3, $4) p
                       JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = p.account_id
                      WHERE (SELECT count(*) FROM wanted) > $6) h ON h.source = w.source AND h.symbol = w.symbol
         ORDER BY h.symbol IS NULL, w.source, w.symbol
         LIMIT $6
    )
    SELECT i.source, i.symbol, i.currency, i.sector, i.segment, i.tick::numeric AS tick,
           i.quantity_step::numeric AS quantity_step, b.at::timestamptz AS at, b.mid::numeric AS mid_price,
           b.best_bid::numeric AS best_bid, b.best_ask::numeric AS best_ask, b.spread_bps::numeric AS spread_bps,
           b.bid_depth::numeric AS bid_depth, b.ask_depth::numeric AS ask_depth,
           (b.mid / d.price - 1)::float8 AS change, d.at AS change_since, v.volume, v.coverage AS volume_coverage,
           i.symbols
      FROM told i
      LEFT JOIN LATERAL newest_book(i.source, i.symbol, $2, $3) b ON true
      LEFT JOIN LATERAL price_at(i.source, i.symbol, b.at - interval '1 day', $3) d ON true
      LEFT JOIN LATERAL (
            SELECT sum(c.volume) AS volume, (count(c.volume) * n.seconds / 86400.0)::float8 AS coverage
              FROM (VALUES ('1m', 60), ('5m', 300), ('15m', 900), ('1h', 3600)) AS n (name, seconds)
              CROSS JOIN LATERAL closed_bars(i.source, i.symbol, n.name, b.at - interval '1 day', b.at, $3, 1440) c
             GROUP BY n.name, n.seconds
             ORDER BY 2 DESC, n.seconds
             LIMIT 1) v ON v.coverage > 0
     ORDER BY i.source, i.symbol
    """,
)


@dataclass(frozen=True, slots=True)
class Symbol:
    """Params: one symbol, where it is ``None`` as many of them as the ``limit`` says."""

    symbol: str | None = None
    limit: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit: got {self.limit}, expected 1 to {MOST}")


async def market_current(db: Fetcher, scope: Scope, asked: Symbol | None = None) -> list[MarketSymbol]:
    """Return the symbols of the accounts' sources, by source and name; empty when no instrument is described.

    Of more than `limit` symbols those that are held are told, then the first by name. Prices are mids, in the currency
    of the symbol; spread is in basis points of the mid.
    """
    bounds = scope.bounds()
    asked = asked or Symbol()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, asked.symbol, asked.limit)
    return await SYMBOLS.all(db, *which)


def _newest(rows: list[MarketSymbol]) -> datetime | None:
    return max((row.at for row in rows if row.at is not None), default=None)


READ = Read(
    "market_current",
    "Market",
    market_current,
    topics=frozenset({Topic.MARKET, Topic.ACCOUNTS}),
    unit="the symbol's currency",
    freshness=timedelta(minutes=1),
    params=Symbol,
    as_of=_newest,
    formula="spread = (ask − bid) / mid · 10⁴; change = mid / mid a day before − 1",
)
