"""A broker of paper: what would have become of these orders in the market as it was seen?

Fills are deterministic; the only chance, how much of the traded volume met our price, is a hash of seed, order, moment.
- A limit order rests behind the size shown at its price. When the market trades through it, it fills at its price, up
  to the volume that traded; when the market only touches it, the queue ahead goes first.
- What crosses the book on arrival takes the levels it reaches, one fill each, and pays the taker's fee. What a market
  order does not find in the levels shown expires.
- What an order is for stands as the reason of its event "placed", so that it outlives the broker.
- Ids are made of the tick's moment and a number: they sort in the order things happened, a replay makes the same ones
  again and a restarted bot never meets its old ones.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from main.domain.events import Fill, Instrument, Order, OrderEvent
from main.domain.market import Book, Tick
from main.trading.broker import LeftOrder, OrderRequest, Report, executed, step_of
from main.trading.rates import Rates

MAKER_FEE = Decimal("0.00006")
TAKER_FEE = Decimal("0.0004")
"""Fractions of the notional, about those of a large crypto exchange's better tiers."""

FEE_STEP = Decimal("1e-8")
FARTHEST = Decimal("0.10")
"""A limit further than this fraction from the mid is refused, as exchanges do with fat fingers."""

_ZERO = Decimal(0)


@dataclass(slots=True)
class _Resting:
    order: Order
    purpose: str
    queue_ahead: Decimal = _ZERO
    steps: int = 0


class PaperBroker:
    """Executes against the books of a feed; nothing leaves the process."""

    name = "paper"

    def __init__(
        self,
        account: str,
        source: str,
        instruments: Iterable[Instrument],
        seed: int = 1,
        *,
        currency: str | None = None,
        maker_fee: Decimal = MAKER_FEE,
        taker_fee: Decimal = TAKER_FEE,
    ) -> None:
        """Fees are charged in `currency`, that of the account; without one nothing is converted."""
        instruments = tuple(instruments)
        self._account = account
        self._source = source
        self._instruments: Mapping[str, Instrument] = {each.symbol: each for each in instruments}
        self._seed = seed
        self._rates = Rates(currency, instruments)
        self._fees = {"maker": maker_fee, "taker": taker_fee}
        self._open: dict[str, _Resting] = {}
        self._purposes: dict[str, str] = {}  # of the orders that filled at this tick, open or not
        self._at: datetime | None = None
        self._orders = 0  # placed at this tick
        self._fills = 0

    @property
    def open_orders(self) -> Sequence[Order]:
        """The orders that may still fill, oldest first."""
        return tuple(resting.order for resting in self._open.values())

    def purpose(self, order_id: str) -> str:
        """Return what an order that filled at the last tick was placed for."""
        return self._purposes[order_id]

    def resume(self, orders: Iterable[LeftOrder]) -> None:
        """Take over the orders that rested when an earlier run ended; their turn comes with the ticks relived."""
        for left in orders:
            self._open[left.order.order_id] = _Resting(left.order, left.purpose, steps=left.steps)

    def relive(self, tick: Tick) -> None:
        """Let the queues ahead of the orders taken over pass as they did at a tick of the past."""
        self._rates.see(tick)
        for resting in self._open.values():
            order, book = resting.order, tick.books.get(resting.order.symbol)
            if book is None or order.placed_at > tick.at or order.price is None:
                continue
            if order.placed_at == tick.at:
                resting.queue_ahead = book.displayed(order.side, order.price)
            else:
                self._reached(resting, book, tick.at, _ZERO)

    async def advance(self, tick: Tick) -> Sequence[Report]:
        """Fill what the market reached since the last tick."""
        self._turn(tick)
        reports: list[Report] = []
        volume: dict[tuple[str, str], Decimal] = defaultdict(lambda: _ZERO)  # taken from it by our orders, by side
        for resting in tuple(self._open.values()):
            order, book = resting.order, tick.books.get(resting.order.symbol)
            if book is None:
                continue
            quantity = self._reached(resting, book, tick.at, volume[order.symbol, order.side])
            if quantity > 0:
                assert order.price is not None
                volume[order.symbol, order.side] += quantity
                reports += self._fill(resting, tick.at, quantity, order.price, "maker")
        return reports

    async def place(self, request: OrderRequest, tick: Tick, refusal: str = "") -> Sequence[Report]:
        """Take an order: refuse it, fill what it crosses, let the rest wait."""
        self._turn(tick)
        book = tick.books[request.symbol]
        resting = _Resting(self._order(request, book, tick.at), request.purpose)
        reports: list[Report] = [self._step(resting, "placed", tick.at, reason=request.purpose)]
        reason = refusal or self._refusal(request, book)
        if reason:
            return [*reports, *self._end(resting, "rejected", tick.at, reason)]
        reports.append(self._step(resting, "accepted", tick.at))
        self._open[resting.order.order_id] = resting
        for price, size in self._crossed(request, book):
            rest = resting.order.quantity - resting.order.filled_quantity
            reports += self._fill(resting, tick.at, min(rest, size), price, "taker")
            if resting.order.status == "filled":
                return reports
        if request.price is None:
            reason = "the levels shown hold no more"
            return [*reports, *self._end(resting, "expired", tick.at, reason)]
        resting.queue_ahead = book.displayed(request.side, request.price)
        return [*reports, resting.order]

    async def cancel(self, order_id: str, at: datetime, reason: str) -> Sequence[Report]:
        """Take an order out of the book; nothing is told of one that is not in it."""
        resting = self._open.get(order_id)
        return self._end(resting, "cancelled", at, reason) if resting else ()

    def _turn(self, tick: Tick) -> None:
        if tick.at != self._at:
            self._at, self._orders, self._fills = tick.at, 0, 0
            self._purposes = {}
            self._rates.see(tick)

    def _order(self, request: OrderRequest, book: Book, at: datetime) -> Order:
        self._orders += 1
        instrument = self._instruments.get(request.symbol)
        return Order(
            at=at,
            account=self._account,
            source=self._source,
            order_id=f"o{at:%Y%m%dT%H%M%S%f}-{self._orders:04d}",
            symbol=request.symbol,
            side=request.side,
            order_type="market" if request.price is None else "limit",
            status="placed",
            quantity=request.quantity,
            placed_at=at,
            price=request.price,
            exchange=instrument.exchange if instrument else None,
            decision_price=request.decision_price,
            arrival_mid=book.mid,
            strategy=request.strategy,
            model=request.model,
        )

    def _refusal(self, request: OrderRequest, book: Book) -> str:
        instrument, price = self._instruments.get(request.symbol), request.price
        if instrument is None:
            return f"{request.symbol} is not traded here"
        if book.cancel_only:
            return "the venue takes no new orders now: cancel only"
        refusal = ""
        if self._rates.of(request.symbol) is None:
            refusal = f"no rate from {instrument.currency} to the account's currency is known yet"
        elif request.quantity % instrument.quantity_step:
            refusal = f"quantity {request.quantity} is no multiple of the step {instrument.quantity_step}"
        elif price is not None and (price <= 0 or price % instrument.tick):
            refusal = f"price {price} is no multiple of the tick {instrument.tick}"
        elif price is not None and abs(price - book.mid) > FARTHEST * book.mid:
            refusal = f"price {price} is more than {FARTHEST:.0%} from the mid {book.mid}"
        return refusal

    def _crossed(self, request: OrderRequest, book: Book) -> list[tuple[Decimal, Decimal]]:
        limit = request.price
        sign = 1 if request.side == "buy" else -1
        return [level for level in book.opposite(request.side) if limit is None or sign * (limit - level[0]) >= 0]

    def _reached(self, resting: _Resting, book: Book, at: datetime, taken: Decimal) -> Decimal:
        """How much of a waiting order the market filled since the last tick."""
        order = resting.order
        assert order.price is not None
        rest = order.quantity - order.filled_quantity
        sign = 1 if order.side == "buy" else -1
        extreme = book.low if order.side == "buy" else book.high
        nearest = book.best_ask if order.side == "buy" else book.best_bid
        if sign * (order.price - nearest) >= 0 or (extreme is not None and sign * (order.price - extreme) > 0):
            return rest if not book.volume else self._whole(order.symbol, min(rest, book.volume - taken))
        if extreme != order.price or not book.volume:
            return _ZERO
        resting.queue_ahead -= book.volume * self._chance(order.order_id, at)
        if resting.queue_ahead >= 0:
            return _ZERO
        served, resting.queue_ahead = -resting.queue_ahead, _ZERO
        return self._whole(order.symbol, min(rest, served, book.volume - taken))

    def _whole(self, symbol: str, quantity: Decimal) -> Decimal:
        step = self._instruments[symbol].quantity_step
        return max(_ZERO, quantity // step * step)

    def _chance(self, order_id: str, at: datetime) -> Decimal:
        digest = hashlib.blake2b(f"{self._seed}|{order_id}|{at.isoformat()}".encode(), digest_size=4).digest()
        return Decimal(int.from_bytes(digest)) / 2**32

    def _fill(
        self, resting: _Resting, at: datetime, quantity: Decimal, price: Decimal, liquidity: str
    ) -> tuple[Report, ...]:
        self._fills += 1
        order = resting.order
        multiplier = self._instruments[order.symbol].multiplier
        rate = self._rates.of(order.symbol)
        assert rate is not None  # or it would have been refused
        fee = quantity * price * multiplier * rate * self._fees[liquidity]
        fill = Fill(
            at=at,
            account=order.account,
            source=order.source,
            source_id=f"f{at:%Y%m%dT%H%M%S%f}-{self._fills:04d}",
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            order_id=order.order_id,
            multiplier=multiplier,
            fee=fee.quantize(FEE_STEP, ROUND_HALF_UP),
            liquidity=liquidity,
            decision_price=order.decision_price,
            arrival_mid=order.arrival_mid,
            strategy=order.strategy,
            model=order.model,
        )
        resting.order = executed(order, quantity, price)
        kind = "filled" if resting.order.filled_quantity == order.quantity else "partially_filled"
        self._purposes[order.order_id] = resting.purpose
        if kind == "filled":
            del self._open[order.order_id]
        return fill, self._step(resting, kind, at, quantity=quantity, price=price), resting.order

    def _end(self, resting: _Resting, kind: str, at: datetime, reason: str) -> tuple[Report, ...]:
        self._open.pop(resting.order.order_id, None)
        event = self._step(resting, kind, at, reason=reason)
        return event, resting.order

    def _step(
        self,
        resting: _Resting,
        kind: str,
        at: datetime,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        reason: str | None = None,
    ) -> OrderEvent:
        resting.steps += 1
        order = resting.order = replace(resting.order, status=kind, at=at, reason=reason)
        return step_of(order, f"{order.order_id}-{resting.steps}", at, quantity, price)
