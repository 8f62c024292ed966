"""Inventory: how much of its position limit does every holding use?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from main.analytics.figure import Figure, missing, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

BANDS = (("low", 0.4), ("medium", 0.7), ("high", 0.9))
"""What a use of the limit is called below each of these; critical from the last on (SPEC §5: 40/70/90 %)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One symbol that an account holds. ``value`` is signed (short: negative), like ``limit`` in ``currency``.

    ``used`` is |value| / limit, a fraction that may be above 1; ``band``: low, medium, high or critical. ``value`` is
    ``None`` where one of its positions has no price, ``limit`` where the account has none.
    """

    account: str
    label: str
    currency: str
    symbol: str
    sector: str | None
    value: Decimal | None
    limit: Decimal | None
    used: Figure
    band: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of a symbol, and the limit."""

    account: str
    label: str
    currency: str
    symbol: str
    sector: str | None
    value: Decimal | None
    limit: Decimal | None


HELD = Query(
    Held,
    """
    SELECT a.account_id AS account, a.label, a.currency, p.symbol, i.sector,
           CASE WHEN count(p.value) = count(*) THEN sum(p.value) END AS value, a.position_limit AS limit
      FROM open_positions($1, $2, $3, $4) p
      JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = p.account_id
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = p.symbol
     WHERE $5::text IS NULL OR p.strategy = $5
     GROUP BY a.account_id, a.label, a.currency, p.symbol, i.sector, a.position_limit
     ORDER BY a.currency, a.account_id, abs(sum(p.value)) DESC NULLS LAST, p.symbol
    """,
)


async def inventory(db: Fetcher, scope: Scope) -> list[Holding]:
    """Return what every account holds of every symbol against its position limit, by account, the largest first.

    The limit is the one in force at the scope's moment, and holds for a symbol's market value, long or short. Empty
    when nothing is held.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, scope.strategy)
    return [_holding(row) for row in await HELD.all(db, *which)]


def _holding(row: Held) -> Holding:
    if row.limit is None:
        used = missing("the account has no position limit")
    elif row.value is None:
        used = missing("no price is known")
    else:
        used = quotient(abs(float(row.value)), float(row.limit), "the position limit is not above zero")
    band = None if used.value is None else next((name for name, below in BANDS if used.value < below), "critical")
    return Holding(row.account, row.label, row.currency, row.symbol, row.sector, row.value, row.limit, used, band)


def _most(rows: list[Holding]) -> float | None:
    return max((row.used.value for row in rows if row.used.value is not None), default=None)


READ = Read(
    "inventory",
    "Inventory",
    inventory,
    topics=frozenset({Topic.POSITIONS, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    scalar=_most,
    formula="|market value| / position limit",
)
