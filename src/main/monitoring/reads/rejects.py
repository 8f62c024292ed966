"""Rejects: which orders were refused, and why?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from main.analytics.figure import Figure, missing, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

By = Literal["reason", "all", "symbol", "strategy", "account", "side", "hour"]


@dataclass(frozen=True, slots=True)
class RejectsParams:
    """By what to part the rejected orders: ``all`` by nothing; ``hour`` is on the account's clock."""

    by: By = "reason"

    def __post_init__(self) -> None:
        check_choice("by", self.by, get_args(By))


@dataclass(frozen=True, slots=True)
class RejectSums:
    """The rejected orders of one part, and how many orders of all parts were placed."""

    name: str | None
    rejected: int
    symbols: int
    first_at: datetime
    last_at: datetime
    placed: int


@dataclass(frozen=True, slots=True)
class Rejects:
    """The rejected orders of one part. ``share`` is the fraction that they are of all orders placed in the window.

    ``symbols`` is how many symbols they are of; ``name`` is ``None`` where no reason was given, and with ``by=all``.
    """

    name: str | None
    rejected: int
    share: Figure
    symbols: int
    first_at: datetime
    last_at: datetime


SUMS = Query(
    RejectSums,
    """
    WITH pieces AS MATERIALIZED (
        SELECT p.name, p.placed, p.rejected, p.symbols, p.first_at, p.last_at
          FROM order_pieces($1, $2, $3, $4, $5, $6, $7, true, false) p
    ), counted AS (  -- each piece once, and its symbols beside it
        SELECT p.name, p.rejected, p.first_at, p.last_at, NULL AS symbol FROM pieces p WHERE p.rejected > 0
        UNION ALL
        SELECT p.name, 0, NULL, NULL, symbol FROM pieces p, unnest(p.symbols) AS symbol
    )
    SELECT c.name, sum(c.rejected)::bigint AS rejected, count(DISTINCT c.symbol) AS symbols,
           min(c.first_at) AS first_at, max(c.last_at) AS last_at,
           (SELECT sum(p.placed)::bigint FROM pieces p) AS placed
      FROM counted c
     GROUP BY c.name
     ORDER BY sum(c.rejected) DESC, c.name
    """,
)

BY_REASON = RejectsParams()


async def rejects(db: Fetcher, scope: Scope, params: RejectsParams = BY_REASON) -> list[Rejects]:
    """Return the orders that were rejected in the scope's window, the most frequent part first; empty when none was.

    By the venue or by the bot's own risk rules: the reason tells.
    """
    rows = await SUMS.all(db, *window_arguments(scope), scope.strategy, params.by)
    rejected = sum(row.rejected for row in rows)
    return [
        Rejects(row.name, row.rejected, _share(row, rejected), row.symbols, row.first_at, row.last_at) for row in rows
    ]


def _share(row: RejectSums, rejected: int) -> Figure:
    if row.placed < rejected:  # a share of more than all would be told otherwise
        return missing("fewer orders are recorded as placed than as rejected")
    return quotient(row.rejected, row.placed, "no order is recorded as placed")


READ = Read(
    "rejects",
    "Rejected orders",
    rejects,
    topics=frozenset({Topic.ORDERS, Topic.ACCOUNTS}),
    unit="orders",
    freshness=timedelta(minutes=1),
    params=RejectsParams,
    scalar=lambda parts: sum(part.rejected for part in parts),
    formula="rejected / orders placed in the window",
)
