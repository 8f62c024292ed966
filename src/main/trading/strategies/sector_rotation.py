"""Sector rotation: which sectors have come furthest in half a year, and what has to be bought to hold just those?

A sector's momentum is the mean of its symbols' 126-day momentum; a symbol without a sector is one of its own. Symbols
whose history is too short are not ranked, and not held. On every trading day of the account the quantities to hold are
fixed once, in equal weight, from the closes of the days before; the day is spent getting there. Daily, not weekly: the
ranking changes by a day's close, and the band below keeps a day on which nothing changes from costing anything.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from main.analytics.momentum import momentum
from main.domain.events import Instrument
from main.trading.broker import OrderRequest
from main.trading.models import momentum_drift
from main.trading.strategy import Situation, StrategyInstruments, Wishes

NAME = "sector_rotation"
MODEL = f"{momentum_drift.NAME}@{momentum_drift.VERSION}"
"""What ranks the sectors, as trades name it."""

TOP_SECTORS = 2
"""How many sectors are held: enough that one of them may fail, few enough that their lead means something."""

SHARE_OF_LIMIT = Decimal("0.9")
"""Largest value of a symbol as a fraction of the position limit, so that a price that rises a little stays within."""

BAND = Decimal("0.2")
"""What is held may differ from what should be by this fraction of it before it is traded: half the turnover of none."""

ATTEMPTS = 3
"""Orders of a symbol in a row and on one day that may come to nothing (refused, or an empty book)."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sector, the mean momentum of its symbols (a fraction), and those symbols, in order."""

    sector: str
    momentum: Decimal
    symbols: tuple[str, ...]


def ranking(closes: Mapping[str, Sequence[Decimal]], sectors: Mapping[str, str]) -> list[Ranked]:
    """Return the sectors, furthest risen first; of equal ones the first by name. `sectors` is sector by symbol."""
    members: dict[str, dict[str, Decimal]] = {}
    for symbol in sorted(closes):
        value = momentum(closes[symbol])
        if value is not None and symbol in sectors:
            members.setdefault(sectors[symbol], {})[symbol] = value
    ranked = [Ranked(name, sum(each.values(), _ZERO) / len(each), tuple(each)) for name, each in members.items()]
    return sorted(ranked, key=lambda each: (-each.momentum, each.sector))


class SectorRotation:
    """Holds the symbols of the best sectors, long only."""

    name = NAME
    models: tuple[str, ...] = (MODEL,)

    def __init__(self, instruments: StrategyInstruments) -> None:
        self._instruments: Mapping[str, Instrument] = instruments
        self._sectors = sectors_of(instruments.values())
        self._told: frozenset[str] = frozenset()
        self._begin(None, ())

    def _begin(self, day: date | None, ranked: Sequence[Ranked]) -> None:
        self._day = day
        self._ranked = bool(ranked)
        self._chosen = frozenset(symbol for each in ranked[:TOP_SECTORS] for symbol in each.symbols)
        places = ", ".join(f"{each.sector} {each.momentum:+.1%}" for each in ranked)
        self._reason = f"Holding {', '.join(sorted(self._chosen))}; by 126-day momentum: {places}"
        self._targets: dict[str, Decimal] = {}  # quantity by symbol, once it is fixed
        self._asked: dict[str, Decimal] = {}  # what was held when it was last asked for
        self._fruitless: Counter[str] = Counter()

    def decide(self, situation: Situation) -> Wishes:
        """Ask for what is missing and give away what is too much; nothing while an order of the symbol waits.

        As long as no sector can be ranked, what is held is kept.
        """
        if situation.day != self._day or self._day is None:
            self._begin(situation.day, ranking(situation.daily_closes, self._sectors))
        if not self._ranked:
            return Wishes()
        waiting = {order.symbol for order in situation.open_orders if order.strategy == NAME}
        wanted = [
            request
            for symbol in sorted(situation.tick.books)
            if symbol in self._instruments
            and symbol not in waiting
            and (request := self._request(symbol, situation)) is not None
        ]
        # What is sold pays for what is bought.
        wanted.sort(key=lambda request: request.side, reverse=True)
        return Wishes(place=tuple(wanted), reason=self._news())

    def learn(self, situation: Situation) -> None:
        """Decide as it was decided then: orders at the market leave none open that could have made a difference."""
        self.decide(situation)

    def _news(self) -> str:
        """The choice in words, once after it has changed."""
        told, self._told = self._told, self._chosen
        return self._reason if told != self._chosen else ""

    def _request(self, symbol: str, situation: Situation) -> OrderRequest | None:
        book = situation.tick.books[symbol]
        target = self._target(symbol, situation)
        held = situation.held.get(symbol, _ZERO)
        missing = target - held
        step = self._instruments[symbol].quantity_step
        quantity = abs(missing) // step * step
        if not quantity or (target and abs(missing) <= BAND * target) or not self._hopeful(symbol, held):
            return None
        return OrderRequest(
            symbol=symbol,
            side="buy" if missing > 0 else "sell",
            quantity=quantity,
            price=None,  # a day's wait costs a rotation more than half a spread
            decision_price=book.mid,
            strategy=NAME,
            purpose="rotation",
            model=MODEL,
        )

    def _hopeful(self, symbol: str, held: Decimal) -> bool:
        """Whether asking (once more) may help: who was refused again and again waits for the next day."""
        self._fruitless[symbol] += self._asked.get(symbol) == held
        self._asked[symbol] = held
        return self._fruitless[symbol] < ATTEMPTS

    def _target(self, symbol: str, situation: Situation) -> Decimal:
        """The quantity to hold, fixed at the first price of the day: later ones must not make orders."""
        if symbol not in self._chosen:
            return _ZERO
        if symbol not in self._targets:
            instrument = self._instruments[symbol]
            share = min(situation.equity / len(self._chosen), situation.position_limit * SHARE_OF_LIMIT)
            units = max(_ZERO, share) * situation.risk_factor / situation.unit_value(instrument)
            self._targets[symbol] = units // instrument.quantity_step * instrument.quantity_step
        return self._targets[symbol]


def sectors_of(instruments: Iterable[Instrument]) -> dict[str, str]:
    """Return the sector by symbol; a symbol without one is its own."""
    return {each.symbol: each.sector or each.symbol for each in instruments}
