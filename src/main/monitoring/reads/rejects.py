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
    WITH rejected AS (
        SELECT CASE $7 WHEN 'reason' THEN e.reason
                       ELSE execution_part($7, e.symbol, e.strategy, a.account_id, e.side, NULL, e.at, a.zone,
                                           NULL) END AS name,
               e.symbol, e.at::timestamptz AS at
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL known_order_events(a.account_id, $2, $3, $4, $6) e
         WHERE e.kind = 'rejected'
    ), placed AS MATERIALIZED (
        SELECT count(*) AS placed
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL known_order_events(a.account_id, $2, $3, $4, $6) e
         WHERE e.kind = 'placed'
    )
    SELECT r.name, count(*) AS rejected, count(DISTINCT r.symbol) AS symbols, min(r.at) AS first_at,
           max(r.at) AS last_at,
           p.placed
      FROM rejected r, placed p
     GROUP BY r.name, p.placed
     ORDER BY count(*) DESC, r.name
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
