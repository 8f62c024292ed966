"""What does the market say, once for all accounts that trade it? Books, rates, index levels and bars of a feed."""

from collections.abc import Iterable
from decimal import Decimal

from main.domain.events import FxRate, IndexLevel, Instrument
from main.domain.market import Tick
from main.trading.candles import CandleBuilder
from main.trading.journal import Sink


class MarketJournal:
    """Records each tick of one feed, whoever trades it."""

    def __init__(self, sink: Sink, source: str, instruments: Iterable[Instrument] = ()) -> None:
        """`source` signs everything recorded."""
        self._sink = sink
        self._source = source
        self._instruments = tuple(instruments)
        self._rates: dict[tuple[str, str], Decimal] = {}
        self._levels: dict[str, Decimal] = {}
        self._candles = CandleBuilder(source)

    def begin(self) -> None:
        """Record what can be traded."""
        for instrument in self._instruments:
            self._sink.record(instrument)

    def record(self, tick: Tick) -> None:
        """Record a tick: every book, the rates and levels that changed, and the bars that have closed with it."""
        for (base, quote), rate in tick.rates.items():
            if self._rates.get((base, quote)) != rate:
                self._sink.record(FxRate(at=tick.at, source=self._source, base=base, quote=quote, rate=rate))
        for name, (kind, level) in tick.levels.items():
            if self._levels.get(name) != level:
                self._sink.record(IndexLevel(at=tick.at, source=self._source, name=name, kind=kind, level=level))
        for book in tick.books.values():
            self._sink.record(book.snapshot(self._source, tick.at))
        for candle in self._candles.see(tick):
            self._sink.record(candle)
        self._remember(tick)

    def relive(self, tick: Tick) -> None:
        """Take in a tick that an earlier run has recorded."""
        self._candles.see(tick)
        self._remember(tick)

    def _remember(self, tick: Tick) -> None:
        self._rates.update(tick.rates)
        self._levels.update({name: level for name, (_, level) in tick.levels.items()})
