"""What bars do the ticks of a live feed make: where did a price open, how far did it go, where did it close?

A bar holds what happened after its beginning and up to its end, the end included, so that the tick at midnight closes
the day. It is recorded when it has closed. Symbols with a book have bars of mids, their range widened by what traded;
so have index levels, under the name of the index. Ticks further apart than a bar is long make no such bar.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from main.domain.events import Candle
from main.domain.market import Tick

INTERVALS: Mapping[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
"""How long a bar of each name is."""

USUAL_INTERVALS = ("5m", "1h", "1d")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Price:
    """What one tick says of one symbol; range and volume since the tick before."""

    last: Decimal
    low: Decimal
    high: Decimal
    volume: Decimal | None


@dataclass(slots=True)
class _Bar:
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None

    def add(self, price: _Price) -> None:
        self.high, self.low, self.close = max(self.high, price.high), min(self.low, price.low), price.last
        # What is unknown of a part is unknown of the whole.
        self.volume = None if self.volume is None or price.volume is None else self.volume + price.volume


class CandleBuilder:
    """Builds the bars of one source. Bars begin at multiples of their length since 1970, days at midnight UTC."""

    def __init__(self, source: str, intervals: tuple[str, ...] = USUAL_INTERVALS) -> None:
        """Raise ``KeyError`` for an interval that is not one of `INTERVALS`."""
        self._source = source
        self._lengths = {name: INTERVALS[name] for name in intervals}
        self._bars: dict[str, dict[str, _Bar]] = {name: {} for name in intervals}
        self._begins: dict[str, datetime] = {}
        self._closes: dict[str, Decimal] = {}
        self._last: datetime | None = None

    def see(self, tick: Tick) -> tuple[Candle, ...]:
        """Take in a tick, later than the last one, and return the bars that have closed with it.

        The first tick only tells where prices are; the first bars tell of the part that was seen, their volume is
        unknown.
        """
        prices = dict(_prices(tick))
        closed: list[Candle] = []
        for interval, length in self._lengths.items():
            begins = _beginning(tick.at, length)
            if self._begins.get(interval) != begins:
                closed += self._closed(interval)
                self._begins[interval] = begins
            if self._last is None or tick.at - self._last > length:
                self._bars[interval].clear()
                continue
            self._add(interval, prices, whole=self._last <= begins)
            if tick.at == begins + length:
                closed += self._closed(interval)
        self._last = tick.at
        self._closes = {symbol: price.last for symbol, price in prices.items()}
        return tuple(closed)

    def _add(self, interval: str, prices: Mapping[str, _Price], *, whole: bool) -> None:
        bars = self._bars[interval]
        for symbol, price in prices.items():
            bar = bars.get(symbol)
            if bar is None:  # it opens where the one before it closed
                opened = self._closes.get(symbol, price.last)
                bar = bars[symbol] = _Bar(opened, opened, opened, opened, Decimal(0) if whole else None)
            bar.add(price)

    def _closed(self, interval: str) -> Iterator[Candle]:
        bars, self._bars[interval] = self._bars[interval], {}
        for symbol, bar in bars.items():
            yield Candle(
                at=self._begins[interval],
                source=self._source,
                symbol=symbol,
                interval=interval,
                open=bar.open,
                high=bar.high,
                low=bar.low,
                close=bar.close,
                volume=bar.volume,
            )


def _prices(tick: Tick) -> Iterator[tuple[str, _Price]]:
    for symbol, book in tick.books.items():
        low = book.mid if book.low is None else min(book.low, book.mid)
        high = book.mid if book.high is None else max(book.high, book.mid)
        yield symbol, _Price(book.mid, low, high, book.volume)
    for name, (kind, level) in tick.levels.items():
        if kind == "index":
            yield name, _Price(level, level, level, None)


def _beginning(at: datetime, length: timedelta) -> datetime:
    """The beginning of the bar that holds `at`; a moment on the edge belongs to the bar it closes."""
    return _EPOCH + -((_EPOCH - at) // length) * length - length
