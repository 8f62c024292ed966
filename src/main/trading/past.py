"""What did an earlier run of a replay leave behind, and up to which tick is it complete?

In a replay time stands still while the bot is away, so it goes on exactly where it stopped. Of a tick the heartbeat is
recorded last and stored no sooner than everything before it: the newest one says up to where nothing is missing. What
is stored of later ticks is half of a tick that a kill cut short; it is left alone, for the tick is run again and makes
the same facts again, under the same ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from main.books import facts
from main.database.pool import Database
from main.domain.events import OPEN_ORDER_STATES, Account, Alert, CashFlow, Event, Fill, Order
from main.domain.ledger import latest
from main.trading.broker import LeftOrder, executed
from main.trading.risk import LOSS_LIMIT, TRAILING_STOP, Block

_MOMENT = "SELECT max(at) FROM bot_heartbeats WHERE account_id = $1"
_ORDERS = """
    SELECT at, account_id AS account, source, order_id, symbol, side, order_type, status, quantity, placed_at,
           filled_quantity, price, stop_price, average_fill_price, exchange, decision_price, arrival_mid, strategy,
           model, reason
      FROM orders WHERE account_id = $1 AND placed_at <= $2 AND (at > $2 OR status = ANY ($3))
     ORDER BY order_id
"""
_STEPS = """
    SELECT order_id, kind, at, reason
      FROM order_events WHERE account_id = $1 AND at <= $2 AND order_id = ANY ($3) AND revision = 0
     ORDER BY order_id, length(source_id), source_id
"""
_ALERTS = """
    SELECT fired_at AS at, alert_id, account_id AS account, rule, severity, title, details, value, threshold, unit,
           fired_at
      FROM alerts
     WHERE account_id = $1 AND rule = ANY ($3) AND fired_at <= $2 AND (resolved_at IS NULL OR resolved_at > $2)
"""
_DAY = """
    SELECT at, day, trading_blocked, limit_hit, loss_used, loss_limit
      FROM daily_stats WHERE account_id = $1 AND at <= $2 ORDER BY day DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the risk rules had decided on a trading day, as its row says: whether trading is blocked."""

    day: date
    block: Block | None


@dataclass(slots=True)
class Past:
    """All that an account had recorded at the end of the tick at ``moment``; ``None`` before its first one.

    ``orders`` were open then. ``mended`` are last states of orders that a kill kept from being written.
    """

    moment: datetime | None = None
    flows: Sequence[CashFlow] = ()
    orders: Sequence[LeftOrder] = ()
    mended: Sequence[Event] = ()
    alerts: Sequence[Alert] = ()
    ruling: Ruling | None = None
    fills: Sequence[Fill] = ()
    _booked: int = field(default=0, init=False)

    def holds(self, at: datetime) -> bool:
        """Whether the tick at `at` is a part of it."""
        return self.moment is not None and at <= self.moment

    def until(self, at: datetime) -> Sequence[Fill]:
        """Return the fills up to `at` that were not returned before, oldest first."""
        begin = self._booked
        while self._booked < len(self.fills) and self.fills[self._booked].at <= at:
            self._booked += 1
        return self.fills[begin : self._booked]


async def past_of(database: Database, account: Account) -> Past:
    """Read what is stored of an account's replay. Raise `DatabaseUnreachable` or `DatabaseTimeout`."""
    async with database.scoped() as connection:

        async def rows(sql: str, *arguments: object) -> list[dict[str, Any]]:
            return [dict(row) for row in await connection.fetch(sql, account.account, *arguments)]

        moment = await connection.fetchval(_MOMENT, account.account)
        if moment is None:
            return Past()
        # The revision that counts may have moved a fact beyond the moment: it is chosen first, over all of them.
        fills = tuple(fill for fill in latest(await facts.fills(connection, account.account)) if fill.at <= moment)
        flows = tuple(flow for flow in latest(await facts.flows(connection, account.account)) if flow.at <= moment)
        orders = [Order(**row) for row in await rows(_ORDERS, moment, list(OPEN_ORDER_STATES))]
        steps: dict[str, list[dict[str, Any]]] = {}
        for row in await rows(_STEPS, moment, [order.order_id for order in orders]):
            steps.setdefault(row["order_id"], []).append(row)
        own: dict[str | None, list[Fill]] = {order.order_id: [] for order in orders}
        for fill in fills:
            if fill.order_id in own and fill.quantity:
                own[fill.order_id].append(fill)
        states = [_state(each, steps[each.order_id], own[each.order_id]) for each in orders if each.order_id in steps]
        days = await rows(_DAY, moment)
        return Past(
            moment=moment,
            flows=flows,
            orders=tuple(left for left in states if left.order.status in OPEN_ORDER_STATES),
            mended=tuple(left.order for left in states if left.order.status not in OPEN_ORDER_STATES),
            alerts=tuple(Alert(**row) for row in await rows(_ALERTS, moment, [LOSS_LIMIT, TRAILING_STOP])),
            ruling=_ruling(days[0]) if days else None,
            fills=fills,
        )


def _ruling(row: dict[str, Any]) -> Ruling:
    kind = LOSS_LIMIT if row["limit_hit"] else TRAILING_STOP
    used = row["loss_used"] or Decimal(0)
    block = Block(kind, row["at"], used, row["loss_limit"] or used) if row["trading_blocked"] else None
    return Ruling(row["day"], block)


def _state(order: Order, steps: Sequence[dict[str, Any]], fills: Iterable[Fill]) -> LeftOrder:
    """The order as its events and fills left it, whatever a half-recorded tick has made of its row."""
    first, last = steps[0], steps[-1]
    order = replace(
        order,
        at=last["at"],
        status=last["kind"],
        reason=last["reason"],
        filled_quantity=Decimal(0),
        average_fill_price=None,
    )
    for fill in fills:
        order = executed(order, fill.quantity, fill.price)
    return LeftOrder(order, first["reason"] or "signal", len(steps))
