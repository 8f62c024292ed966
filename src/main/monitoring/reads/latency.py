"""Latency: how long does it take from a decision to the venue's answer, and to the first fill?"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

By = Literal["all", "symbol", "strategy", "account", "side", "hour", "liquidity"]


@dataclass(frozen=True, slots=True)
class LatencyParams:
    """By what to part the orders; ``liquidity`` is that of the first fill, ``hour`` that of the decision."""

    by: By = "symbol"

    def __post_init__(self) -> None:
        check_choice("by", self.by, get_args(By))


@dataclass(frozen=True, slots=True)
class Latency:
    """How long one step took, in seconds, over the orders of one part that have made it.

    ``step``: ``decision_to_ack``, ``ack_to_fill`` or ``decision_to_fill``; a decision is when the bot placed the
    order, a fill its first. Half of the orders took at most ``p50``, and so on, with linear interpolation. Below zero
    where the clocks of bot and venue disagree. ``name`` is ``None`` where it is not known, and with ``by=all``.
    """

    name: str | None
    step: str
    orders: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    longest: float


STEPS = Query(
    Latency,
    """
    WITH lives AS (
        SELECT a.account_id, a.zone, e.order_id, min(e.symbol) AS symbol, min(e.side) AS side,
               min(e.strategy) AS strategy,
               min(e.at) FILTER (WHERE e.kind = 'placed') AS placed_at,
               min(e.at) FILTER (WHERE e.kind = 'accepted') AS accepted_at,
               min(e.at) FILTER (WHERE e.kind IN ('partially_filled', 'filled')) AS filled_at
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL known_order_events(a.account_id, $2, $3, $4, $6) e
         WHERE e.kind IN ('placed', 'accepted', 'partially_filled', 'filled')
         GROUP BY a.account_id, a.zone, e.order_id
    ), steps AS (
        SELECT execution_part($7, l.symbol, l.strategy, l.account_id, l.side, f.liquidity, l.placed_at, l.zone,
                              NULL) AS name,
               s.place, s.step, extract(epoch FROM s.took)::float8 AS seconds
          FROM lives l
          LEFT JOIN LATERAL (
                SELECT f.liquidity
                  FROM fills f
                 WHERE $7 = 'liquidity' AND f.account_id = l.account_id AND f.order_id = l.order_id
                   AND f.at <= $3 AND f.recorded_at <= $4
                 ORDER BY f.at
                 LIMIT 1) f ON true
          CROSS JOIN LATERAL (
                VALUES (1, 'decision_to_ack', l.accepted_at - l.placed_at),
                       (2, 'ack_to_fill', l.filled_at - l.accepted_at),
                       (3, 'decision_to_fill', l.filled_at - l.placed_at)) s (place, step, took)
         WHERE l.placed_at IS NOT NULL AND s.took IS NOT NULL
    )
    SELECT s.name, s.step, count(*) AS orders, avg(s.seconds) AS mean,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) AS p50,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY s.seconds) AS p90,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY s.seconds) AS p95,
           percentile_cont(0.99) WITHIN GROUP (ORDER BY s.seconds) AS p99, max(s.seconds) AS longest
      FROM steps s
     GROUP BY s.name, s.place, s.step
     ORDER BY s.name, s.place
    """,
)

BY_SYMBOL = LatencyParams()


async def latency(db: Fetcher, scope: Scope, params: LatencyParams = BY_SYMBOL) -> list[Latency]:
    """Return how long orders placed in the scope's window took for their first steps until its end, by name and step.

    A limit order that waits in the book takes its time to fill by intention: ``by=liquidity`` keeps those (maker)
    apart. A step that no order has made is absent; empty when nothing was placed.
    """
    return await STEPS.all(db, *window_arguments(scope), scope.strategy, params.by)


READ = Read(
    "latency",
    "Order latency",
    latency,
    topics=frozenset({Topic.ORDERS, Topic.ACCOUNTS}),
    unit="seconds",
    freshness=timedelta(minutes=1),
    params=LatencyParams,
    formula="accepted − placed, first fill − accepted, first fill − placed; quantiles with linear interpolation",
)
