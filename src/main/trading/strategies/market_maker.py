"""A market maker: which two prices should be quoted, given what is already held?

Around the mid it quotes at a distance of what the market moves within some ticks, and never less than the spread of the
others nor than earns its fees. What is held pushes both quotes away from itself (long: lower, to sell rather than buy)
in proportion to the position limit, and takes size from the side that would add to it.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from main.domain.events import Instrument, Order
from main.domain.market import Book
from main.trading.broker import OrderRequest
from main.trading.strategy import Situation, StrategyInstruments, Wishes

NAME = "market_maker"

SHARE_OF_LIMIT = Decimal("0.2")
"""Value of one quote as a fraction of the position limit: five fills in a row reach the limit."""

SMALLEST_DISTANCE = Decimal("0.0004")
"""Half-spread as a fraction of the mid; six times what the paper broker takes from a maker."""

DISTANCE_IN_MOVES = 4.0
"""Half-spread in standard deviations of one tick's move: wider quotes when prices jump further."""

LARGEST_DISTANCE = Decimal("0.02")
"""So that quotes are still met within the range of a daily bar."""

SKEW = Decimal("0.9")
"""By how much of the distance both quotes shift when the position is at its limit."""

PATIENCE = Decimal("0.7")
"""A quote stays while it is within this share of the distance from where it should be: it keeps its turn."""


class MarketMaker:
    """Quotes every symbol that has a book, one order a side."""

    name = NAME
    models: tuple[str, ...] = ()

    def __init__(self, instruments: StrategyInstruments) -> None:
        self._instruments: Mapping[str, Instrument] = instruments

    def decide(self, situation: Situation) -> Wishes:
        """Replace the quotes that are no longer where they should be."""
        cancel: list[tuple[str, str]] = []
        place: list[OrderRequest] = []
        resting: dict[tuple[str, str], list[Order]] = {}
        for order in situation.open_orders:
            if order.strategy == NAME:
                resting.setdefault((order.symbol, order.side), []).append(order)
        for symbol, book in situation.tick.books.items():
            distance = self._distance(symbol, book, situation)
            for wanted in self._quotes(symbol, book, distance, situation):
                quotes = resting.pop((symbol, wanted.side), [])
                if len(quotes) == 1 and not _moved(quotes[0], wanted, distance):
                    continue
                cancel += [(order.order_id, "requote") for order in quotes]
                place.append(wanted)
        for (symbol, _), orders in resting.items():
            if symbol in situation.tick.books:
                cancel += [(order.order_id, "no quote on this side") for order in orders]
        return Wishes(tuple(cancel), tuple(place))

    def _distance(self, symbol: str, book: Book, situation: Situation) -> Decimal:
        move = Decimal(repr(situation.volatility.get(symbol, 0.0) * DISTANCE_IN_MOVES))
        least = max(book.mid * SMALLEST_DISTANCE, book.best_ask - book.best_bid)
        return min(book.mid * LARGEST_DISTANCE, max(least, book.mid * move))

    def _quotes(self, symbol: str, book: Book, distance: Decimal, situation: Situation) -> Iterator[OrderRequest]:
        instrument = self._instruments[symbol]
        limit = situation.position_limit / situation.unit_value(instrument)
        held = situation.held.get(symbol, Decimal(0))
        load = max(Decimal(-1), min(Decimal(1), held / limit))
        centre = book.mid - load * SKEW * distance
        for side, sign in (("buy", 1), ("sell", -1)):
            # Never through the other side: a maker waits.
            price = min(centre - distance, book.best_bid) if sign > 0 else max(centre + distance, book.best_ask)
            steps = (price / instrument.tick).to_integral_value(ROUND_FLOOR if sign > 0 else ROUND_CEILING)
            quantity = _size(sign, held, limit, situation.risk_factor) // instrument.quantity_step
            if steps > 0 and quantity > 0:
                yield OrderRequest(
                    symbol=symbol,
                    side=side,
                    quantity=quantity * instrument.quantity_step,
                    price=steps * instrument.tick,
                    decision_price=book.mid,
                    strategy=NAME,
                )


def _size(sign: int, held: Decimal, limit: Decimal, risk_factor: Decimal) -> Decimal:
    """Risk scales what is opened; what brings the position home is quoted in full."""
    usual = limit * SHARE_OF_LIMIT
    if sign * held < 0:
        return usual
    return min(usual * risk_factor, limit - abs(held))


def _moved(order: Order, wanted: OrderRequest, distance: Decimal) -> bool:
    assert order.price is not None
    assert wanted.price is not None
    left = order.quantity - order.filled_quantity
    return abs(order.price - wanted.price) > PATIENCE * distance or left * 2 < wanted.quantity
