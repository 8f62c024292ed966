"""What does the market say, once for all its accounts? Books, rates, index levels, bars, and what models expect."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from main.domain.events import Candle, FxRate, IndexLevel, Instrument, MarketSnapshot, ModelPerformance, ModelPrediction
from main.domain.market import Tick
from main.trading.candles import CandleBuilder
from main.trading.feed import Market, RemoteFeed
from main.trading.journal import Sink
from main.trading.models.desk import ModelDesk
from main.trading.models.model import PredictiveModel
from main.trading.pipelines import PRICES, Pipelines

MADE = {
    MarketSnapshot: PRICES,
    Candle: "bars",
    ModelPrediction: "model-predictions",
    ModelPerformance: "model-quality",
}
"""The pipeline that makes each kind of event."""

_OF_MODELS = frozenset({ModelPrediction, ModelPerformance})


class MarketJournal:
    """Records each tick of one feed, whoever trades it."""

    def __init__(
        self,
        sink: Sink,
        feed: Market,
        instruments: Iterable[Instrument] = (),
        models: Sequence[PredictiveModel] = (),
        *,
        strategies: Mapping[str, str] | None = None,
    ) -> None:
        """The feed's source signs everything recorded. `strategies` names, by model, the strategy that trades on it."""
        self._source = feed.source
        self._feed = feed
        made = {event: pipeline for event, pipeline in MADE.items() if models or event not in _OF_MODELS}
        self._pipelines = Pipelines(
            sink, feed.source, interval_seconds=feed.interval_seconds, live=feed.clock == "wall", made=made
        )
        self._sink: Sink = self._pipelines
        self._instruments = tuple(instruments)
        self._rates: dict[tuple[str, str], Decimal] = {}
        self._levels: dict[str, Decimal] = {}
        self._candles = CandleBuilder(feed.source)
        self._models = ModelDesk(self._pipelines, feed.source, models, strategies=strategies)

    def begin(self) -> None:
        """Record what can be traded."""
        for instrument in self._instruments:
            self._sink.record(instrument)

    def record(self, tick: Tick) -> None:
        """Record a tick: every book, rates and levels that changed, the bars that closed with it, what models say.

        What cannot be made of it is left out, counted and logged.
        """
        attempt = self._pipelines.attempt
        self._pipelines.begin(tick)
        self._count_missing(tick)
        for (base, quote), rate in tick.rates.items():
            if self._rates.get((base, quote)) != rate:
                with attempt(PRICES):
                    self._sink.record(FxRate(at=tick.at, source=self._source, base=base, quote=quote, rate=rate))
        for name, (kind, level) in tick.levels.items():
            if self._levels.get(name) != level:
                with attempt(PRICES):
                    self._sink.record(IndexLevel(at=tick.at, source=self._source, name=name, kind=kind, level=level))
        for book in tick.books.values():
            with attempt(PRICES):
                self._sink.record(book.snapshot(self._source, tick.at))
        with attempt(MADE[Candle]):
            for candle in self._candles.see(tick):
                self._sink.record(candle)
        with attempt(MADE[ModelPrediction]):
            self._models.record(tick)
        self._remember(tick)
        self._pipelines.tell()

    def relive(self, tick: Tick) -> None:
        """Take in a tick that an earlier run has recorded."""
        self._candles.see(tick)
        self._models.relive(tick)
        self._remember(tick)

    def go_on_from(self, past: "MarketJournal") -> None:
        """Go on with the bars that are still forming in `past`, which ends where this begins."""
        self._candles = past._candles

    def fail(self, error: Exception) -> None:
        """Take in that the feed broke, or whoever trades on it."""
        self._pipelines.fail(PRICES, f"{type(error).__name__}: {error}", broken=True)

    def end(self) -> None:
        """Record that nothing more comes."""
        self._pipelines.end()

    def _count_missing(self, tick: Tick) -> None:
        """Count the symbols that a remote feed offers and has no book of; recorded prices have gaps of their own."""
        if isinstance(self._feed, RemoteFeed):
            missing = [each.symbol for each in self._feed.instruments if each.symbol not in tick.books]
            if missing:
                self._pipelines.fail(PRICES, f"no book of {', '.join(missing)}", errors=len(missing))

    def _remember(self, tick: Tick) -> None:
        self._rates.update(tick.rates)
        self._levels.update({name: level for name, (_, level) in tick.levels.items()})
