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
        SELECT a.account_id, a.zone, p.order_id, p.symbol, p.side, p.strategy, p.at AS placed_at, later.accepted_at,
               later.filled_at
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL (
                SELECT e.order_id, e.symbol, e.side, e.strategy, e.at, e.source, e.source_id
                  FROM known_order_events(a.account_id, $2, $3, $4, $6) e
                 WHERE e.kind = 'placed'
                 ORDER BY e.at DESC
                 LIMIT $8) p
          CROSS JOIN LATERAL (
                SELECT bool_or(e.kind = 'placed' AND (e.at, e.source, e.source_id) < (p.at, p.source, p.source_id))
                           AS again,
                       min(e.at) FILTER (WHERE e.kind = 'accepted') AS accepted_at,
                       min(e.at) FILTER (WHERE e.kind IN ('partially_filled', 'filled')) AS filled_at
                  FROM order_events e
                 WHERE e.account_id = a.account_id AND e.order_id = p.order_id AND e.at <= $3 AND e.recorded_at <= $4
                   AND NOT EXISTS (SELECT FROM order_events newer
                                    WHERE newer.account_id = e.account_id AND newer.source = e.source
                                      AND newer.source_id = e.source_id AND newer.revision > e.revision
                                      AND newer.revision > 0 AND newer.recorded_at <= $4)) later
         WHERE NOT later.again  -- the order was amended: it was decided when it was placed first
    ), steps AS (
        SELECT execution_part($7, l.symbol, l.strategy, l.account_id, l.side, f.liquidity, l.placed_at, l.zone,
                              NULL) AS name,
               s.place, s.step, extract(epoch FROM s.took)::float8 AS seconds
          FROM lives l
          LEFT JOIN LATERAL (
                SELECT f.liquidity
                  FROM fills f
                 WHERE $7 = 'liquidity' AND f.account_id = l.account_id AND f.order_id = l.order_id
                   AND f.at <= $3 AND f.recorded_at <= $4 AND f.quantity > 0
                   AND NOT EXISTS (SELECT FROM fills newer
                                    WHERE newer.account_id = f.account_id AND newer.source = f.source
                                      AND newer.source_id = f.source_id AND newer.revision > f.revision
                                      AND newer.revision > 0 AND newer.recorded_at <= $4)
                 ORDER BY f.at, f.source_id
                 LIMIT 1) f ON true
          CROSS JOIN LATERAL (
                VALUES (1, 'decision_to_ack', l.accepted_at - l.placed_at),
                       (2, 'ack_to_fill', l.filled_at - l.accepted_at),
                       (3, 'decision_to_fill', l.filled_at - l.placed_at)) s (place, step, took)
         WHERE s.took IS NOT NULL
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

MOST = 1_000
"""So many of the newest orders of an account are looked at, however long the window is."""

BY_SYMBOL = LatencyParams()


async def latency(db: Fetcher, scope: Scope, params: LatencyParams = BY_SYMBOL) -> list[Latency]:
    """Return how long orders placed in the scope's window took for their first steps until its end, by name and step.

    A limit order that waits in the book takes its time to fill by intention: ``by=liquidity`` keeps those (maker)
    apart. Of an account that placed more than 1,000 orders the newest 1,000 count. A step that no order has made is
    absent; empty when nothing was placed.
    """
    return await STEPS.all(db, *window_arguments(scope), scope.strategy, params.by, MOST)


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
