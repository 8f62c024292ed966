"""What has been told of one order that lives at a venue? Its state, and the events that lead from one to the next.

Ids of events are made of the order's id and of what happened, so that telling it again after a restart is no new event.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from main.domain.events import OPEN_ORDER_STATES, Fill, Order, OrderEvent
from main.trading.broker import Report, executed, step_of


@dataclass(slots=True)
class TrackedOrder:
    """An order, its id at the venue (``None`` until the venue has confirmed it), and why it shall be cancelled.

    ``doubted_since`` is when its placing had no answer; it is ``incomplete`` while executions of it are still to come.
    """

    order: Order
    purpose: str
    venue_id: str | None = None
    cancel_reason: str | None = None
    doubted_since: datetime | None = None
    incomplete: bool = False

    def placed(self, at: datetime) -> tuple[Report, ...]:
        """Tell that it was decided. The purpose stands as the reason, so that it outlives the bot."""
        return self._step("placed", at, "placed", reason=self.purpose), self.order

    def accepted(self, at: datetime) -> tuple[Report, ...]:
        """Tell that the venue has it."""
        return self._step("accepted", at, "accepted"), self.order

    def adopted(self, at: datetime) -> tuple[Report, ...]:
        """Tell that it was found at the venue, placed by somebody else."""
        return self._step("accepted", at, f"adopted-{at:%Y%m%dT%H%M%S%f}", reason="found at the venue"), self.order

    def ended(self, kind: str, at: datetime, reason: str) -> tuple[Report, ...]:
        """Tell that it will not fill any further: rejected, cancelled or expired."""
        return self._step(kind, at, kind, reason=reason), self.order

    def filled(self, fill: Fill) -> tuple[Report, ...]:
        """Tell an execution; one that comes after the end changes the quantity, not the end."""
        over = self.order.status not in OPEN_ORDER_STATES
        self.order = executed(self.order, fill.quantity, fill.price)
        if over:
            return fill, self.order
        kind = "filled" if self.order.filled_quantity >= self.order.quantity else "partially_filled"
        event = self._step(kind, fill.at, fill.source_id, quantity=fill.quantity, price=fill.price)
        return fill, event, self.order

    def _step(
        self,
        kind: str,
        at: datetime,
        name: str,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        reason: str | None = None,
    ) -> OrderEvent:
        order = self.order
        # The venue's clock and ours differ; the state of an order only ever moves on.
        order = self.order = replace(order, status=kind, at=max(at, order.at), reason=reason)
        return step_of(order, f"{order.order_id}-{name}", at, quantity, price)
