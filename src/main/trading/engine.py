"""The bot's loop: at every tick, market → risk → broker → strategy → ledger → recorder.

In the order of a cycle: the trading day turns, positions are marked, the broker tells what filled since the last tick,
risk looks at the result, the strategy (or, while trading is blocked, the closing of positions) asks for orders, and all
that is known now is recorded, the heartbeat last. An error in a cycle cancels the resting orders, is told once, and the
next tick tries again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import structlog

from main.clock import monotonic, now
from main.domain.events import Alert, CashFlow
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.trading.broker import Broker
from main.trading.day import TradingDay
from main.trading.desk import Desk
from main.trading.feed import Feed
from main.trading.journal import LONGEST_SILENCE, Journal
from main.trading.risk import Block, RiskRules
from main.trading.strategy import Strategy
from main.trading.volatility import Volatility

INITIAL_DEPOSIT = Decimal(100_000)
"""What a paper account begins with, in its currency."""

INITIAL = "initial"
FINISHED_INTERVAL = 5.0
"""Seconds between the heartbeats of a bot whose replay has ended."""

SHORTEST_PROMISE = 2.0
"""Seconds: who promises a heartbeat every 0.2 s is called silent at the first hiccup of the database."""

Status = Literal["starting", "running", "blocked", "finished", "stopping", "stopped", "error"]

_log = structlog.get_logger(__name__)


class Engine:
    """Trades one account until it is told to stop; a feed that ends leaves it up, with status ``finished``."""

    def __init__(
        self,
        *,
        feed: Feed,
        strategy: Strategy,
        broker: Broker,
        risk: RiskRules,
        journal: Journal,
        ledger: Ledger,
        day: TradingDay | None = None,
        alerts: Iterable[Alert] = (),
        moment: datetime | None = None,
    ) -> None:
        """Take the parts, and what an earlier run left: books, day, open `alerts`, `moment` of its last tick."""
        self.status: Status = "starting"
        self.moment = moment  # on the feed's clock, of the last tick
        self.ticked = monotonic()
        self.volatility = Volatility()
        self.ledger = ledger
        self.risk = risk
        self.journal = journal
        self.cycle_seconds = 0.0  # of the last cycle
        self.last_error: str | None = None
        self._feed = feed
        self._day = day
        self._alerts = {alert.alert_id: alert for alert in alerts}
        self._account = journal.account
        self._desk = Desk(
            broker=broker, strategy=strategy, risk=risk, ledger=ledger, journal=journal, instruments=feed.instruments
        )
        self._regime: str | None = None
        self._failing = False
        self._opened = False

    @property
    def interval_seconds(self) -> float:
        """Wall-clock seconds within which the next heartbeat comes; a fast loop gives it sooner than it promises."""
        usual = FINISHED_INTERVAL if self.status == "finished" else self._feed.interval_seconds
        return min(max(usual, SHORTEST_PROMISE), LONGEST_SILENCE)

    @property
    def tick_seconds(self) -> float:
        """Wall-clock seconds between two ticks."""
        return self._feed.interval_seconds

    @property
    def open_orders(self) -> int:
        """How many orders may still fill."""
        return len(self._desk.broker.open_orders)

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set. Raise `FeedError` when market data ends other than by its end."""
        ticks = aiter(self._feed)
        stopping = asyncio.create_task(stop.wait())
        last: Status = "stopped"
        self._begin()
        try:
            await self._loop(ticks, stopping)
        except Exception as error:
            self._fail(error)
            last = "error"
            raise
        finally:
            stopping.cancel()
            await self._end(last)

    async def _loop(self, ticks: AsyncIterator[Tick], stopping: "asyncio.Task[bool]") -> None:
        upcoming: asyncio.Task[Tick | None] | None = asyncio.create_task(_next(ticks))
        try:
            while not stopping.done():
                waiting: set[asyncio.Task[Any]] = {stopping} if upcoming is None else {stopping, upcoming}
                await asyncio.wait(waiting, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    return
                if upcoming is None or not upcoming.done():
                    self._beat()
                    continue
                tick = upcoming.result()
                if tick is None:
                    upcoming = None
                    await self._finish()
                else:
                    upcoming = asyncio.create_task(_next(ticks))
                    await self.cycle(tick)
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.wait({upcoming})

    @property
    def _patience(self) -> float:
        return self.interval_seconds if self.status == "finished" else LONGEST_SILENCE

    async def cycle(self, tick: Tick) -> None:
        """Do everything that one tick calls for; an error ends up in the journal, never in the caller."""
        began = monotonic()
        self.ticked = began
        self.moment = tick.at
        if not self._opened:
            self._open(tick)
        self.journal.cycles += 1
        try:
            await self._trade(tick)
            self._failing = False
        except Exception as error:  # noqa: BLE001  # a boundary: one bad tick must not end the bot
            self._fail(error)
            await self._desk.cancel_all(tick.at, "the bot had an error")
        finally:
            self.journal.flush()
        self._beat()
        self.cycle_seconds = monotonic() - began

    def _begin(self) -> None:
        for instrument in self._feed.instruments:
            self.journal.record(instrument)
        self._beat()

    def _open(self, tick: Tick) -> None:
        """Tell that trading starts, on the feed's clock, and credit the first deposit unless an earlier run did."""
        self._opened = True
        held = len(self.ledger.positions)
        self.journal.tell(tick.at, "start", f"The bot started on {self._feed.source}, holding {held} positions")
        for notice in self._feed.notices:
            self.journal.tell(tick.at, "feed", notice, "warning")
        self._credit(
            CashFlow(
                at=tick.at - timedelta(microseconds=1),  # before all that is traded with it
                account=self._account.account,
                source=self._account.source,
                source_id=INITIAL,
                kind="deposit",
                amount=INITIAL_DEPOSIT,
                note="Paper money to begin with",
            )
        )

    def _credit(self, flow: CashFlow) -> None:
        if self.ledger.credit(flow):
            self.journal.record(flow)

    async def _trade(self, tick: Tick) -> None:
        day = self._turn_day(tick.at)
        for symbol, book in tick.books.items():
            self.journal.record(book.snapshot(self._feed.source, tick.at))
            self.ledger.mark(symbol, book.mid, tick.at)
        self.volatility.see(tick.books)
        self._tell_regime(tick.at)
        await self._desk.advance(tick, day)
        block = self.risk.observe(tick.at, day.result(self.ledger.unrealized), self.volatility.regime)
        if block is not None:
            await self._enforce(block, day)
        if self.risk.block is not None:
            await self._desk.close_all(tick, self.risk.block, day)
        else:
            await self._desk.follow(tick, day, self.volatility.by_symbol)
        self.status = "blocked" if self.risk.block is not None else "running"
        self._record_books(tick, day)

    def _turn_day(self, at: datetime) -> TradingDay:
        if self._day is None:
            self._day = TradingDay(self._account, at, self.ledger.unrealized)
        elif self._day.turn(at, self.ledger.unrealized):
            self.risk.begin_day()
            for alert in self._alerts.values():
                self.journal.resolve(alert, at)
            self._alerts.clear()
        return self._day

    def _tell_regime(self, at: datetime) -> None:
        regime = self.volatility.regime
        if regime != self._regime:
            if self._regime is not None:
                severity = "warning" if regime == "stressed" else "info"
                self.journal.tell(at, "regime", f"The market turned from {self._regime} to {regime}", severity)
            self._regime = regime

    async def _enforce(self, block: Block, day: TradingDay) -> None:
        alert = self.journal.alert(block, day.day.isoformat())
        self._alerts[alert.alert_id] = alert
        self.journal.tell(
            block.since,
            "risk_block",
            f"{block.title}: trading is blocked until the next trading day",
            "critical",
            rule=block.kind,
            value=block.value,
            threshold=block.threshold,
        )
        _log.warning("trading blocked", account=self._account.account, rule=block.kind, value=str(block.value))
        await self._desk.cancel_all(block.since, block.title)

    def _record_books(self, tick: Tick, day: TradingDay) -> None:
        for position in self.ledger.positions:
            self.journal.record(position)
        day.see(tick.books, {symbol: self.ledger.value(symbol) for symbol in tick.books})
        self.journal.record(self.ledger.equity(tick.at))
        self.journal.record(day.statistics(tick.at, self.ledger.unrealized, self.risk))

    def _fail(self, error: Exception) -> None:
        self.status = "error"
        self.journal.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"
        if self._failing:  # told already; the heartbeats count on
            return
        self._failing = True
        _log.error("trading cycle failed", account=self._account.account, exc_info=error)
        self.journal.tell(self._now(), "error", self.last_error, "error", cycle=self.journal.cycles)

    async def _finish(self) -> None:
        at = self._now()
        await self._desk.cancel_all(at, "the replay is over")
        self.journal.flush()
        self.status = "finished"
        self.journal.tell(at, "finished", "The recorded prices have come to their end")
        self._beat()

    async def _end(self, last: Status) -> None:
        self.status = "stopping"
        at = self._now()
        await self._desk.cancel_all(at, "the bot stops")
        self.journal.flush()
        self.journal.tell(at, "stop", f"The bot stopped after {self.journal.cycles} cycles")
        self.status = last
        self._beat()

    def _beat(self) -> None:
        if self._feed.clock == "replay" and self.moment is None:
            return  # the account's clock is its newest heartbeat: it begins with the first bar
        self.journal.heartbeat(self._now(), self.status, self.interval_seconds, self._regime, self.risk)

    def _now(self) -> datetime:
        if self._feed.clock == "replay" and self.moment is not None:
            return self.moment
        return max(now(), self.moment) if self.moment is not None else now()


async def _next(ticks: AsyncIterator[Tick]) -> Tick | None:
    return await anext(ticks, None)
