"""Implementation shortfall: what did it cost to turn decisions into positions, and where was it lost?"""

from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.execution_part import OrderParts, basis_points, overall, sorted_parts
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

END_TOLERANCE = timedelta(minutes=5)
"""How much earlier than an order's end the last mid may have been seen."""

MOST = 1_000
"""So many of the newest orders are looked at: their fills and a mid each, however long the window is."""

Which = Literal["executed", "all"]
UNPRICED = "no order has all the prices that it takes"


@dataclass(frozen=True, slots=True)
class ShortfallParams(OrderParts):
    """By what to part the orders, and which: those that had a fill, or also those that never had one."""

    orders: Which = "executed"

    def __post_init__(self) -> None:
        OrderParts.__post_init__(self)
        check_choice("orders", self.orders, ("executed", "all"))


@dataclass(frozen=True, slots=True)
class ShortfallSums:
    """What the orders of one part add up to, in account currency."""

    currency: str
    name: str | None
    orders: int
    unpriced: int
    left_out: int
    notional: Decimal | None
    delay: Decimal | None
    impact: Decimal | None
    unsplit: Decimal | None
    opportunity: Decimal | None
    fees: Decimal | None


@dataclass(frozen=True, slots=True)
class Shortfall(ShortfallSums):
    """The orders of one part that are over, in account currency. Positive is a cost.

    ``total`` is the sum of ``delay`` (decision to arrival mid), ``impact`` (arrival mid to fill), ``unsplit``
    (decision to fill of orders without an arrival mid), ``opportunity`` (what was not filled, at the mid when the
    order ended) and ``fees``; ``bps`` is that over ``notional`` · 10⁴, the orders at their decision prices.
    ``unpriced`` orders lack a price that it takes, their fills, or a rate into the account's currency; they are not
    among ``orders``, nor are those ``left_out`` beyond the newest 1,000. ``name`` is ``None`` where it is not known,
    and with ``by=all``.
    """

    total: Decimal | None
    bps: Figure


SUMS = Query(
    ShortfallSums,
    """
    WITH found AS MATERIALIZED (
        SELECT a.currency, a.zone, a.source AS market, o.*
          FROM accounts_at($1, $3, $4, $5) a
          CROSS JOIN LATERAL newest_ended_orders(a.account_id, $2, $3, $4, $5, $6, $8, $10) o
         ORDER BY o.at DESC, o.account_id, o.order_id
         LIMIT $10
    ), oldest AS MATERIALIZED (  -- that is looked at, where there may be more
        SELECT f.at, f.account_id, f.order_id
          FROM found f
         ORDER BY f.at DESC, f.account_id, f.order_id
        OFFSET $10 - 1
    ), older AS (  -- all that ended, without those that are looked at; sizes are not kept, they are of rates
        SELECT n.currency, n.name, sum(n.orders)::bigint AS left_out
          FROM (SELECT p.currency, p.name, CASE WHEN $8 THEN p.ended ELSE p.executed END AS orders
                  FROM oldest x
                  CROSS JOIN LATERAL order_pieces($1, $2, $3, $4, $5, $6, $7, false, true) p
                 WHERE $7 <> 'size'
                UNION ALL
                SELECT f.currency, left(execution_part($7, f.symbol, f.strategy, f.account_id, f.side, NULL, f.at,
                                                       f.zone, NULL), 200), -1
                  FROM oldest x
                  CROSS JOIN found f
                 WHERE $7 <> 'size'
                UNION ALL
                SELECT a.currency, size_band(CASE
                           WHEN o.decision_price > 0
                           THEN o.decision_price * o.quantity * coalesce(i.multiplier, 1)
                                * CASE WHEN i.currency IS NULL OR i.currency = a.currency THEN 1
                                       ELSE fx_rate_at(a.source, i.currency, a.currency, o.at, $4) END END), 1
                  FROM oldest x
                  CROSS JOIN accounts_at($1, $3, $4, $5) a
                  CROSS JOIN LATERAL ended_orders(a.account_id, $2, $3, $4, $5) o
                  LEFT JOIN instruments i ON i.source = a.source AND i.symbol = o.symbol
                 WHERE $7 = 'size' AND ($6::text IS NULL OR o.strategy = $6) AND ($8 OR o.filled_quantity > 0)
                   AND o.at <= x.at AND (o.at < x.at OR (o.account_id, o.order_id) > (x.account_id, x.order_id))) n
         GROUP BY n.currency, n.name
        HAVING sum(n.orders) > 0
    ), ended AS MATERIALIZED (  -- the worth is computed once
        SELECT o.currency, o.zone, o.market, o.account_id, o.order_id, o.symbol, o.side, o.strategy, o.at,
               CASE o.side WHEN 'buy' THEN 1 ELSE -1 END AS sign,
               -- A bot without a price may write 0.
               CASE WHEN o.decision_price > 0 THEN o.decision_price END AS decision,
               CASE WHEN o.arrival_mid > 0 THEN o.arrival_mid END AS arrival,
               o.quantity, o.filled_quantity AS told, f.filled, f.paid, f.fees,
               greatest(o.quantity - coalesce(f.filled, 0), 0) AS unfilled,
               coalesce(f.multiplier, i.multiplier, 1)
               * CASE WHEN i.currency IS NULL OR i.currency = o.currency THEN 1
                      ELSE fx_rate_at(o.market, i.currency, o.currency, o.at, $4) END AS worth
          FROM found o
          LEFT JOIN instruments i ON i.source = o.market AND i.symbol = o.symbol
          LEFT JOIN LATERAL (
                SELECT sum(f.quantity) AS filled, sum(f.quantity * f.price) AS paid, sum(f.fee) AS fees,
                       max(f.multiplier) AS multiplier
                  FROM fills f
                 WHERE f.account_id = o.account_id AND f.order_id = o.order_id AND o.filled_quantity > 0
                   AND f.at <= $3 AND f.recorded_at <= $4 AND f.quantity > 0
                   AND NOT EXISTS (SELECT FROM fills newer
                                    WHERE newer.account_id = f.account_id AND newer.source = f.source
                                      AND newer.source_id = f.source_id AND newer.revision > f.revision
                                      AND newer.revision > 0 AND newer.recorded_at <= $4)) f ON true
    ), measured AS (
        SELECT e.currency, e.decision * e.quantity * e.worth AS notional, coalesce(e.fees, 0) AS fees,
               left(execution_part($7, e.symbol, e.strategy, e.account_id, e.side, NULL, e.at, e.zone,
                                   e.decision * e.quantity * e.worth), 200) AS name,  -- as order_pieces names them
               e.arrival IS NOT NULL AS split,
               e.sign * e.worth * (coalesce(e.paid, 0) - coalesce(e.filled, 0) * e.decision) AS execution,
               e.sign * e.worth * coalesce(e.filled, 0) * (e.arrival - e.decision) AS delay,
               e.sign * e.worth
               * CASE WHEN e.unfilled = 0 THEN 0 ELSE e.unfilled * (m.mid - e.decision) END AS opportunity,
               e.told = 0 OR e.filled > 0 AS complete
          FROM ended e
          LEFT JOIN LATERAL (
                SELECT b.mid
                  FROM mid_before(e.market, e.symbol, e.at - $9::interval, e.at, $4) b
                 WHERE e.unfilled > 0
                OFFSET 0) m ON true  -- keeps the condition inside, where it spares the look-up
    ), told AS (
        SELECT m.*,
               coalesce(m.complete, false) AND m.notional IS NOT NULL AND m.opportunity IS NOT NULL AS priced
          FROM measured m
    ), parts AS (
        SELECT t.currency, t.name, count(*) FILTER (WHERE t.priced) AS orders,
               count(*) FILTER (WHERE NOT t.priced) AS unpriced, 0 AS left_out,
               sum(t.notional) FILTER (WHERE t.priced) AS notional,
               sum(CASE WHEN t.split THEN t.delay ELSE 0 END) FILTER (WHERE t.priced) AS delay,
               sum(CASE WHEN t.split THEN t.execution - t.delay ELSE 0 END) FILTER (WHERE t.priced) AS impact,
               sum(CASE WHEN t.split THEN 0 ELSE t.execution END) FILTER (WHERE t.priced) AS unsplit,
               sum(t.opportunity) FILTER (WHERE t.priced) AS opportunity, sum(t.fees) FILTER (WHERE t.priced) AS fees
          FROM told t
         GROUP BY t.currency, t.name
        UNION ALL
        SELECT o.currency, o.name, 0, 0, o.left_out, NULL, NULL, NULL, NULL, NULL, NULL
          FROM older o
    )
    SELECT p.currency, p.name, sum(p.orders)::bigint AS orders, sum(p.unpriced)::bigint AS unpriced,
           sum(p.left_out)::bigint AS left_out, sum(p.notional) AS notional, sum(p.delay) AS delay,
           sum(p.impact) AS impact, sum(p.unsplit) AS unsplit, sum(p.opportunity) AS opportunity, sum(p.fees) AS fees
      FROM parts p
     GROUP BY p.currency, p.name
    """,
    planned_anew=True,
)

BY_SYMBOL = ShortfallParams()


async def shortfall(db: Fetcher, scope: Scope, params: ShortfallParams = BY_SYMBOL) -> list[Shortfall]:
    """Return the shortfall of the orders that ended in the scope's window: the dearest part first, or in order.

    Filled, cancelled, rejected or expired orders; ``orders=executed`` leaves out those that never had a fill, as
    quotes that are replaced every few seconds. Fills, not what the order says of them, are counted. The price at the
    end is the last mid until then, at most 5 minutes old; the rate into the account's currency that of the end. Of
    more than 1,000 the newest 1,000 count. Empty when none ended.
    """
    rows = await SUMS.all(
        db, *window_arguments(scope), scope.strategy, params.by, params.orders == "all", END_TOLERANCE, MOST
    )
    return sorted_parts([_part(row) for row in rows], params.by, lambda part: part.total)


def _part(row: ShortfallSums) -> Shortfall:
    costs = [cost for cost in (row.delay, row.impact, row.unsplit, row.opportunity, row.fees) if cost is not None]
    total = sum(costs, Decimal(0)) if costs else None
    return Shortfall(**asdict(row), total=total, bps=basis_points(total, row.notional, UNPRICED))


READ = Read(
    "shortfall",
    "Implementation shortfall",
    shortfall,
    topics=frozenset({Topic.FILLS, Topic.ORDERS, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=ShortfallParams,
    scalar=lambda parts: overall([(part.currency, part.total, part.notional) for part in parts]),
    formula="side · [filled · (fill − decision) + unfilled · (end − decision)] + fees, over decision notional",
    references=("Perold 1988",),
)
