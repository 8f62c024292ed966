"""A broker behind a network: what has Alpaca done with our orders?

Alpaca is asked, never trusted to have heard: an order carries an id of ours, so that after a lost answer it is looked
up by that id and never placed twice; until it is found or `DOUBT` has passed, it counts as open. Only executions make
fills, with Alpaca's own ids; an order that Alpaca calls filled waits here until all its executions are known. Orders
that somebody else placed in the account are adopted: their fills are the account's too.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from main.clock import monotonic, now
from main.domain.events import Fill, Instrument, Order
from main.domain.market import Tick
from main.errors import AITraderError, BrokerSilent, OrderRefused
from main.trading.broker import LeftOrder, OrderRequest, Report
from main.trading.brokers.alpaca_translation import Translation, wire
from main.trading.brokers.tracked_order import TrackedOrder
from main.venues.alpaca import Alpaca, Execution, VenueOrder

POLL_SECONDS = 1.0
"""Least time between two looks at the account: two questions each, of the 200 a minute that Alpaca allows."""

OVERLAP = timedelta(minutes=1)
"""How far back executions are asked for again: they may appear a little late, and their ids tell them apart."""

LATEST = timedelta(days=1)
"""How far back at most, for an order whose executions have not all appeared."""

DOUBT = timedelta(seconds=60)
"""How long an order whose placing had no answer may still turn up."""

BLIND = timedelta(seconds=30)
"""How long a limit order may rest at Alpaca while the symbol has no price here: nobody would move it out of the way."""

ENDINGS = {"canceled": "cancelled", "replaced": "cancelled", "expired": "expired", "rejected": "rejected"}
"""What Alpaca calls the end of an order, but for "filled", and what it is called here."""

_log = structlog.get_logger(__name__)


class AlpacaBroker:
    """Executes at Alpaca. `open` it before it is asked anything else."""

    name = "alpaca"

    def __init__(self, account: str, source: str, instruments: Iterable[Instrument], venue: Alpaca) -> None:
        self._translation = Translation(account, source, instruments)
        self._venue = venue
        self.cash = Decimal(0)  # until it is opened
        self._open: dict[str, TrackedOrder] = {}  # by our id
        self._by_venue: dict[str, TrackedOrder] = {}  # by Alpaca's, also those that ended in this run
        self._purposes: dict[str, str] = {}
        self._seen: dict[str, datetime] = {}  # executions told or known from before
        self._known: Callable[[Fill], bool] = lambda fill: False
        self._begun = self._since = now()
        self._ignored: set[str] = set()  # Alpaca's ids of orders in symbols without prices
        self._priced: dict[str, datetime] = {}  # when a symbol last had a book
        self._polled: float | None = None
        self._silent = False

    async def open(self, left: Iterable[LeftOrder], since: datetime | None, known: Callable[[Fill], bool]) -> None:
        """Take up the account: `left` are an earlier run's open orders, `since` its last moment, `known` its fills.

        What became of them is told at the next `advance`. Raise `BrokerError` when the keys are refused,
        `BrokerSilent` when Alpaca does not answer: try again.
        """
        self.cash = await self._venue.cash()
        if self._venue.live:
            _log.warning(
                "LIVE trading: orders go to the live endpoint, with real money", account=self._translation.account
            )
        self._since, self._known = since or self._since, known
        for each in left:
            self._open[each.order.order_id] = TrackedOrder(each.order, each.purpose, doubted_since=now())

    async def close(self) -> None:
        """Let go of the connections."""
        self._venue.close()

    @property
    def open_orders(self) -> Sequence[Order]:
        """The orders that may still fill, oldest first; also those that nobody knows whether Alpaca has."""
        return tuple(tracked.order for tracked in self._open.values())

    def purpose(self, order_id: str) -> str:
        """Return what an order that filled at the last tick was placed for."""
        return self._purposes[order_id]

    async def advance(self, tick: Tick) -> Sequence[Report]:
        """Ask what happened. Raise `BrokerError` when Alpaca does not say."""
        self._take_back_blind(tick)
        if self._polled is not None and monotonic() - self._polled < POLL_SECONDS:
            return ()
        self._polled, self._silent = monotonic(), True
        reports: list[Report] = []
        self._purposes.clear()
        try:
            await self._find_doubted(reports)
            await self._take_executions(tick.at, reports)
            await self._compare(reports)
            self._silent = False
        except AITraderError:
            if not reports:  # what is known by now is told first, the trouble at the next attempt
                raise
        return reports

    def _take_back_blind(self, tick: Tick) -> None:
        self._priced |= dict.fromkeys(tick.books, tick.at)
        for tracked in self._open.values():
            seen = self._priced.setdefault(tracked.order.symbol, tick.at)
            if tracked.order.price is not None and tracked.cancel_reason is None and tick.at - seen > BLIND:
                tracked.cancel_reason = f"no price of {tracked.order.symbol} for {BLIND.total_seconds():.0f} s"

    async def place(self, request: OrderRequest, tick: Tick, refusal: str = "") -> Sequence[Report]:
        """Send an order. Without an answer it stays in doubt, as placed, and is looked for at the next `advance`."""
        tracked = TrackedOrder(self._translation.order(request, tick), request.purpose)
        reports: list[Report] = [*tracked.placed(tick.at)]
        if refusal:
            return [*reports, *tracked.ended("rejected", tick.at, refusal)]
        try:
            found = await self._venue.submit(wire(tracked.order))
        except OrderRefused as error:
            return [*reports, *tracked.ended("rejected", self._after(tracked), error.message)]
        except BrokerSilent as error:
            _log.warning("an order is in doubt", order=tracked.order.order_id, reason=error.message)
            self._open[tracked.order.order_id] = tracked
            tracked.doubted_since = now()
            self._polled = None
            return reports
        self._open[tracked.order.order_id] = tracked
        self._confirm(tracked, found, reports)
        return reports

    async def cancel(self, order_id: str, at: datetime, reason: str) -> Sequence[Report]:
        """Ask for an order to be cancelled; that it is, or that it filled first, is told by `advance`.

        While Alpaca is silent the wish is kept: it is carried out once it speaks again.
        """
        tracked = self._open.get(order_id)
        if tracked is None:
            return ()
        tracked.cancel_reason = reason
        if self._silent or tracked.venue_id is None:
            return ()
        reports: list[Report] = []
        try:
            await self._request_cancel(tracked)
            self._settle(tracked, await self._venue.order(tracked.venue_id), reports)
        except BrokerSilent as error:
            self._silent = True
            _log.warning("a cancellation is in doubt", order=order_id, reason=error.message)
        return reports

    async def _find_doubted(self, reports: list[Report]) -> None:
        for tracked in [each for each in self._open.values() if each.venue_id is None]:
            found = await self._venue.find(tracked.order.order_id)
            if found is not None:
                self._confirm(tracked, found, reports)
            elif tracked.doubted_since is not None and now() - tracked.doubted_since > DOUBT:
                del self._open[tracked.order.order_id]
                reports += tracked.ended("rejected", self._after(tracked), "Alpaca never received it")

    def _confirm(self, tracked: TrackedOrder, found: VenueOrder, reports: list[Report]) -> None:
        """Alpaca has it, whatever has become of it since."""
        tracked.venue_id, tracked.doubted_since = found.venue_id, None
        self._by_venue[found.venue_id] = tracked
        if tracked.order.status == "placed" and found.status != "rejected":
            reports += tracked.accepted(self._after(tracked))
        self._settle(tracked, found, reports)

    async def _take_executions(self, at: datetime, reports: list[Report]) -> None:
        incomplete = (each.order.placed_at for each in self._open.values() if each.incomplete)
        begin = max(min((self._since, *incomplete)), self._since - LATEST)
        executions = await self._venue.executions(begin - OVERLAP)
        fresh = [each for each in executions if each.execution_id not in self._seen]
        for execution in fresh:
            if execution.at > at:  # it happened while we asked: what is recorded of this tick is without it
                continue
            tracked = self._by_venue.get(execution.venue_id)
            if tracked is None and execution.venue_id not in self._ignored:
                tracked = await self._meet(await self._look(execution.venue_id), fresh, reports)
            self._seen[execution.execution_id] = execution.at
            self._since = max(self._since, execution.at)
            if tracked is not None:
                self._book(tracked, self._translation.fill(tracked.order, execution), reports)
        horizon = self._since - 2 * LATEST
        self._seen = {each: at for each, at in self._seen.items() if at > horizon}

    def _book(self, tracked: TrackedOrder, fill: Fill, reports: list[Report]) -> None:
        if self._known(fill):
            return
        reports += tracked.filled(fill)
        self._purposes[tracked.order.order_id] = tracked.purpose
        if tracked.order.status == "filled":
            self._open.pop(tracked.order.order_id, None)

    async def _compare(self, reports: list[Report]) -> None:
        """Hold our open orders against Alpaca's."""
        standing = {each.venue_id: each for each in await self._venue.open_orders()}
        for tracked in tuple(self._open.values()):
            if tracked.venue_id is not None:
                found = standing.pop(tracked.venue_id, None) or await self._look(tracked.venue_id)
                self._settle(tracked, found, reports)
                if tracked.cancel_reason and tracked.order.order_id in self._open:
                    await self._request_cancel(tracked)
        for found in standing.values():
            if found.venue_id not in self._by_venue and found.venue_id not in self._ignored:
                await self._meet(found, (), reports)

    def _settle(self, tracked: TrackedOrder, found: VenueOrder | None, reports: list[Report]) -> None:
        """Tell the end of an order, once all its executions are told."""
        tracked.incomplete = found is not None and found.filled > tracked.order.filled_quantity
        if found is None:
            self._open.pop(tracked.order.order_id, None)
            reports += tracked.ended("cancelled", self._after(tracked), "Alpaca no longer knows it")
        elif tracked.incomplete:
            return
        elif found.status == "filled":
            self._open.pop(tracked.order.order_id, None)
        elif found.status in ENDINGS:
            self._open.pop(tracked.order.order_id, None)
            reason = tracked.cancel_reason or f"Alpaca calls it {found.status}"
            reports += tracked.ended(ENDINGS[found.status], found.ended_at or self._after(tracked), reason)

    async def _meet(
        self, found: VenueOrder | None, fresh: Sequence[Execution], reports: list[Report]
    ) -> TrackedOrder | None:
        """Recognise an order at Alpaca: one in doubt, or somebody else's; ``None`` for what cannot be priced here."""
        if found is None:
            return None
        tracked = self._open.get(found.order_id)
        if tracked is not None:
            self._confirm(tracked, found, reports)
            return tracked
        symbol = self._translation.symbol(found)
        if symbol is None:
            self._ignored.add(found.venue_id)
            _log.warning("an order in a symbol without prices here is left alone", symbol=found.symbol)
            return None
        coming = None  # all executions of an order of this run are still to be told, or were
        if found.submitted_at < self._begun:
            coming = sum((each.quantity for each in fresh if each.venue_id == found.venue_id), Decimal(0))
        tracked = TrackedOrder(self._translation.adopted(found, symbol, coming), "manual", found.venue_id)
        self._by_venue[found.venue_id] = self._open[found.order_id] = tracked
        reports += tracked.adopted(now())
        self._settle(tracked, found, reports)
        return tracked

    async def _look(self, venue_id: str) -> VenueOrder | None:
        try:
            return await self._venue.order(venue_id)
        except OrderRefused as error:
            if error.status == 404:
                return None
            raise

    async def _request_cancel(self, tracked: TrackedOrder) -> None:
        assert tracked.venue_id is not None
        try:
            await self._venue.cancel(tracked.venue_id)
        except OrderRefused as error:  # it filled or ended first, or its cancellation is on its way
            _log.info("not cancelled", order=tracked.order.order_id, reason=error.message)

    def _after(self, tracked: TrackedOrder) -> datetime:
        return max(now(), tracked.order.at)
