"""Who trades, knowing what? The engines of all accounts, with what earlier runs have left each of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

import structlog

from main.database.pool import Database
from main.domain.events import Candle, Instrument
from main.domain.ledger import Ledger
from main.recording import Recorder
from main.trading.broker import Broker, RemoteBroker
from main.trading.choice import Chosen, Seat
from main.trading.daily_closes import DailyCloses
from main.trading.engine import Engine
from main.trading.feed import Market
from main.trading.feeds.sim_history import SimHistory
from main.trading.floor import Floor
from main.trading.footprint import Footprint
from main.trading.journal import Journal, Sink
from main.trading.left_orders import expired
from main.trading.market_journal import MarketJournal
from main.trading.models.momentum_drift import MomentumDrift
from main.trading.models.volatility_forecast import VolatilityForecast
from main.trading.past import Past, past_of
from main.trading.restore import Restored, daily_bars, refuse_another_market, restore
from main.trading.risk import RiskRules
from main.trading.strategy import Strategy

_log = structlog.get_logger(__name__)


class Staff:
    """The accounts of one bot, from what is stored of them to the engines that trade them."""

    def __init__(self, chosen: Chosen) -> None:
        self._feed = chosen.feed
        self._seats = chosen.seats
        self._left: list[Past | Restored] = []
        self._bars: Sequence[Candle] = ()
        self._remote: list[tuple[RemoteBroker, Restored]] = []
        self._told: MarketJournal | None = None
        self._before: MarketJournal | None = None

    async def check(self, database: Database) -> None:
        """Raise `ConfigurationError` when an account belongs to another market."""
        for seat in self._seats:
            await refuse_another_market(database, seat.account)

    async def restore(self, database: Database) -> None:
        """Read what earlier runs have left, and let the feed go on from there. Raise `DatabaseError`."""
        if self._feed.clock == "replay":
            pasts = [await past_of(database, seat.account) for seat in self._seats]
            self._left = list(pasts)
            self._feed.resume({}, _earliest(past.moment for past in pasts))
            return
        books = [await restore(database, seat.account, self._feed, seat.limits) for seat in self._seats]
        self._left = list(books)
        self._bars = await daily_bars(database, self._feed.source)
        mids: dict[str, Decimal] = {}
        for each in books:
            mids |= each.mids
        self._feed.resume(mids, max((each.moment for each in books if each.moment is not None), default=None))

    def floor(self, recorder: Recorder, health_ports: Sequence[int]) -> tuple[Floor, tuple[Engine, ...]]:
        """Record the accounts and what was left undone; return the floor, and its engines in order of the accounts."""

        def dropped() -> int:
            return sum(recorder.statistics.dropped.values())

        footprint = Footprint()
        engines, strategies = [], []
        for seat, left, port in zip(self._seats, self._left, health_ports, strict=True):
            recorder.record(seat.account)
            strategy = seat.strategy(self._feed)
            strategies.append(strategy)
            journal = Journal(
                seat.account,
                recorder,
                strategy=strategy.name,
                models=strategy.models,
                health_port=port,
                dropped=dropped,
                usage=footprint.sample,
            )
            broker = seat.broker(self._feed)
            if isinstance(broker, RemoteBroker) and isinstance(left, Restored):
                self._remote.append((broker, left))
            engines.append(_engine(seat, self._feed, broker, strategy, journal, left=left, bars=self._bars))
            _log.info("bot starts", account=seat.account.account, feed=self._feed.source)
        market = _market_journal(recorder, self._feed, self._feed.instruments, strategies, self._bars)
        if self._before is not None:
            market.go_on_from(self._before)
        return Floor(self._feed, market, engines), tuple(engines)

    async def open_brokers(self) -> None:
        """Take up the accounts at venues. Raise `BrokerSilent` when one does not answer now, else `BrokerError`."""
        for broker, left in self._remote:
            await broker.open(left.orders, left.moment, left.ledger.knows)

    async def close_brokers(self) -> None:
        """Let go of the venues."""
        for broker, _ in self._remote:
            await broker.close()

    def of_history(self, history: SimHistory) -> Callable[[Market, Sink], tuple[MarketJournal, Sequence[Engine]]]:
        """Return what makes the engines that trade the history of a simulated market, as if nothing had been before."""

        def staff(feed: Market, sink: Sink) -> tuple[MarketJournal, Sequence[Engine]]:
            engines, strategies = [], []
            for seat in self._seats:
                strategy = seat.strategy(feed)
                strategies.append(strategy)
                journal = Journal(seat.account, sink, strategy=strategy.name, models=strategy.models)
                broker = seat.broker(feed)
                engines.append(
                    _engine(seat, feed, broker, strategy, journal, left=Past(), bars=history.candles, made_up=True)
                )
            self._told = _market_journal(sink, feed, (), strategies, history.candles)
            return self._told, engines

        return staff

    def go_on_from_history(self) -> None:
        """Take in that the history is written: trading goes on where it ends."""
        self._before = self._told


def _engine(
    seat: Seat,
    feed: Market,
    broker: Broker,
    strategy: Strategy,
    journal: Journal,
    *,
    left: Past | Restored,
    bars: Iterable[Candle],
    made_up: bool = False,
) -> Engine:
    made = partial(
        Engine,
        feed=feed,
        strategy=strategy,
        broker=broker,
        journal=journal,
        initial_deposit=seat.initial_deposit,
        closes=_closes(seat, bars),
        made_up=made_up,
    )
    if isinstance(left, Restored):
        _tie_up(left, broker, journal)
        return made(risk=left.risk, ledger=left.ledger, day=left.day, alerts=left.alerts, moment=left.moment)
    account = seat.account
    ledger = Ledger(
        account.account, feed.source, feed.instruments, currency=account.currency, matching=account.lot_matching
    )
    return made(risk=RiskRules(seat.limits), ledger=ledger, past=left)


def _tie_up(left: Restored, broker: Broker, journal: Journal) -> None:
    """Record what an earlier run did not come to; orders that rested with a broker of this process are over."""
    for event in left.loose_ends:
        journal.record(event)
    if not isinstance(broker, RemoteBroker):
        for each in left.orders:
            for event in expired(each.order, left.moment):
                journal.record(event)


def _market_journal(
    sink: Sink, feed: Market, instruments: Iterable[Instrument], strategies: Iterable[Strategy], bars: Iterable[Candle]
) -> MarketJournal:
    """The market's own record. Models count their days in UTC, whoever trades on them."""
    closes = DailyCloses()
    closes.prime(bar for bar in bars if bar.interval == "1d")
    models = (VolatilityForecast(), MomentumDrift(closes))
    users = {model.partition("@")[0]: strategy.name for strategy in strategies for model in strategy.models}
    return MarketJournal(sink, feed, instruments, models, strategies=users)


def _closes(seat: Seat, bars: Iterable[Candle]) -> DailyCloses:
    closes = DailyCloses(seat.account.zone, seat.account.roll_over)
    closes.prime(bar for bar in bars if bar.interval == "1d")
    return closes


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """The moment that all have reached; ``None`` when somebody begins."""
    reached = list(moments)
    return None if None in reached else min(moment for moment in reached if moment is not None)
