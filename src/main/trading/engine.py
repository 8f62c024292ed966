"""What does an account do at a tick? Market → risk → broker → strategy → ledger → recorder.

In the order of a cycle: the trading day turns, positions are marked, the broker tells what filled since the last tick,
risk looks at the result, the strategy (or, while trading is blocked, the closing of positions) asks for orders, and all
that is known now is recorded, the heartbeat last. An error in a cycle cancels the resting orders, is told once, and the
next tick tries again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import structlog

from main.books.fold import Folding
from main.clock import monotonic, now
from main.domain.events import Alert, CashFlow, Fill, FxRate
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.trading.broker import Broker, RemoteBroker
from main.trading.daily_closes import DailyCloses
from main.trading.day import TradingDay
from main.trading.desk import Desk
from main.trading.feed import Market
from main.trading.journal import LONGEST_SILENCE, Journal
from main.trading.past import Past
from main.trading.risk import Block, RiskRules
from main.trading.strategy import Strategy
from main.trading.volatility import Volatility

INITIAL = "initial"
FINISHED_INTERVAL = 5.0
"""Seconds between the heartbeats of a bot whose replay has ended."""

SHORTEST_PROMISE = 2.0
"""Seconds: who promises a heartbeat every 0.2 s is called silent at the first hiccup of the database."""

Status = Literal["starting", "running", "blocked", "finished", "stopping", "stopped", "error"]

_log = structlog.get_logger(__name__)


class Engine:
    """Trades one account, tick by tick; `Floor` says when. After the last tick of a replay it is ``finished``."""

    def __init__(
        self,
        *,
        feed: Market,
        strategy: Strategy,
        broker: Broker,
        risk: RiskRules,
        journal: Journal,
        ledger: Ledger,
        initial_deposit: Decimal = Decimal(100_000),
        day: TradingDay | None = None,
        alerts: Iterable[Alert] = (),
        moment: datetime | None = None,
        past: Past | None = None,
        closes: DailyCloses | None = None,
        made_up: bool = False,
    ) -> None:
        """Take the parts, and what an earlier run left: books, day, open `alerts`, `moment` of its last tick.

        `closes` are those of the trading days before, where they are known. `made_up` says that all of it is the past
        of a simulated market: what happens in it warns nobody today.
        Of a replay it left a `past` instead, to be lived through again as the feed comes by.

        `initial_deposit` is what an account without a first deposit is credited with, in its currency.
        """
        self.status: Status = "starting"
        self.moment = moment  # on the feed's clock, of the last tick
        self.ticked = monotonic()
        self.volatility = Volatility()
        self.risk = risk
        self.journal = journal
        self.cycle_seconds = 0.0  # of the last cycle
        self.last_error: str | None = None
        self._feed = feed
        self._initial_deposit = initial_deposit
        self._day = day
        self._alerts = {alert.alert_id: alert for alert in alerts}
        self._account = journal.account
        self._desk = Desk(
            broker=broker,
            strategy=strategy,
            risk=risk,
            ledger=ledger,
            journal=journal,
            closes=closes or DailyCloses(self._account.zone, self._account.roll_over),
            instruments=feed.instruments,
        )
        self._regime: str | None = None
        self._failing = False
        self._opened = False
        self._made_up = made_up
        self._past = past or Past()
        self._inherit(self._past)

    @property
    def ledger(self) -> Ledger:
        """The books."""
        return self._desk.ledger

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

    def relive(self, tick: Tick) -> None:
        """Live again through a tick that an earlier run has recorded, up to the end of the past.

        Nothing is decided or recorded. What chance, prices and rules make of the tick is made again, so that the bot is
        afterwards what it was then. Fills that came at once with their order came after the risk rules had looked.
        """
        self.moment = tick.at
        day, _ = self._turned(tick.at)
        self._desk.mark(tick)
        self.volatility.see(tick.books)
        self._regime = self.volatility.regime
        self._desk.relive(tick)
        fills = self._past.until(tick.at)
        at_once = [fill for fill in fills if fill.at == tick.at and fill.liquidity == "taker"]
        for fill in fills:
            if fill not in at_once:
                self._desk.book(fill, day)
        self.risk.observe(tick.at, day.result(self.ledger.unrealized), self.volatility.regime)
        if self.risk.block is None:
            self._desk.learn(tick, day, self.volatility.by_symbol)
        for fill in at_once:
            self._desk.book(fill, day)
        self._see_values(tick, day)
        ruling = self._past.ruling
        if tick.at == self._past.moment and ruling is not None and ruling.day == day.day:
            self.risk.abide(ruling.block)

    def _inherit(self, past: Past) -> None:
        for flow in past.flows:
            self.ledger.credit(flow)
        self._desk.resume(past.orders)
        for event in past.mended:
            self.journal.record(event)
        self._alerts |= {alert.alert_id: alert for alert in past.alerts}

    @property
    def recent(self) -> list[Fill | FxRate]:
        """What was booked by this run, oldest first; who knows that it is stored may take it out."""
        return self._desk.recent

    @property
    def is_in_several_currencies(self) -> bool:
        """Whether anything is traded in another currency than the account's."""
        return any(each.currency != self._account.currency for each in self._feed.instruments)

    @property
    def recorded_upto(self) -> datetime | None:
        """The last tick of which everything is recorded."""
        return self._desk.observed_at or self.moment

    @property
    def late_since(self) -> datetime | None:
        """When the earliest fill happened that was learned after equity of that moment, or a later one, was recorded.

        A broker far away tells a little late. ``None`` once the books are made anew.
        """
        return self._desk.late_since

    def adopt(self, books: Folding, recent: Iterable[Fill | FxRate]) -> None:
        """Go on with books that were folded anew from all that is stored, and book again what came since."""
        day, _ = self._turned(self.moment or now())
        if books.day is not None and books.day.start == day.start:
            day.take_over_counts(books.day.look(self.moment or now(), self.ledger.unrealized, ()))
            day.unrealized_before = books.day.unrealized_before
        self._desk.adopt(books.ledger, day, recent, books.until)

    async def cycle(self, tick: Tick) -> None:
        """Do everything that one tick calls for; an error ends up in the journal, never in the caller.

        A tick of the past is lived through again.
        """
        if self._past.holds(tick.at):
            self.relive(tick)
            return
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
            self.fail(error)
            await self._desk.cancel_all(tick.at, "the bot had an error")
        finally:
            self.journal.flush()
        self.beat()
        self.cycle_seconds = monotonic() - began

    def _open(self, tick: Tick) -> None:
        """Tell that trading starts, on the feed's clock, and credit the first deposit unless an earlier run did."""
        self._opened = True
        held = len(self.ledger.positions)
        self.journal.tell(tick.at, "start", f"The bot started on {self._feed.source}, holding {held} positions")
        for notice in self._feed.notices:
            self.journal.tell(tick.at, "feed", notice, "warning")
        broker = self._desk.broker
        remote = isinstance(broker, RemoteBroker)
        deposit = CashFlow(
            at=tick.at - timedelta(microseconds=1),  # before all that is traded with it
            account=self._account.account,
            source=self._account.source,
            source_id=INITIAL,
            kind="deposit",
            amount=broker.cash if isinstance(broker, RemoteBroker) else self._initial_deposit,
            note="Cash found at the broker" if remote else "Paper money to begin with",
        )
        if self.ledger.credit(deposit):
            self.journal.record(deposit)

    async def _trade(self, tick: Tick) -> None:
        day = self._turn_day(tick.at)
        self._desk.mark(tick)
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

    def _turned(self, at: datetime) -> tuple[TradingDay, bool]:
        """The trading day of `at`, and whether it has just begun after another."""
        if self._day is None:
            self._day = TradingDay(self._account, at, self.ledger.unrealized)
        elif self._day.turn(at, self.ledger.unrealized):
            self.risk.begin_day()
            return self._day, True
        return self._day, False

    def _turn_day(self, at: datetime) -> TradingDay:
        day, begun = self._turned(at)
        if begun:
            for alert in self._alerts.values():
                self.journal.resolve(alert, at)
            self._alerts.clear()
        return day

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
        self._log_block(block)
        await self._desk.cancel_all(block.since, block.title)

    def _log_block(self, block: Block) -> None:
        said = {"account": self._account.account, "rule": block.kind, "value": str(block.value)}
        moment = block.since.isoformat(timespec="seconds")  # the market's, which is not today's in a replay
        if self._made_up:
            _log.info("trading blocked in the simulated past", **said, market_time=moment)
        else:
            _log.warning("trading blocked", **said, market_time=moment)

    def _record_books(self, tick: Tick, day: TradingDay) -> None:
        for position in self.ledger.positions:
            self.journal.record(position)
        self._see_values(tick, day)
        self.journal.record(self.ledger.equity(tick.at))
        self._desk.observed_at = tick.at
        self.journal.record(day.statistics(tick.at, self.ledger.unrealized, self.risk))

    def _see_values(self, tick: Tick, day: TradingDay) -> None:
        day.see(tick.books, {symbol: self.ledger.value(symbol) for symbol in tick.books})

    def fail(self, error: Exception) -> None:
        """Tell of an error, once until a cycle succeeds again."""
        self.status = "error"
        self.journal.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"
        if self._failing:  # told already; the heartbeats count on
            return
        self._failing = True
        _log.error("trading cycle failed", account=self._account.account, exc_info=error)
        self.journal.tell(self._now(), "error", self.last_error, "error", cycle=self.journal.cycles)

    async def finish(self) -> None:
        """Take what still rests out of the book: no prices will come."""
        at = self._now()
        await self._desk.cancel_all(at, "the replay is over")
        self.journal.flush()
        self.status = "finished"
        self.journal.tell(at, "finished", "The recorded prices have come to their end")
        self.beat()

    async def end(self, last: Status) -> None:
        """Leave the market. In a replay, where time stands still meanwhile, orders stay where they are."""
        self.status = "stopping"
        at = self._now()
        if self._feed.clock != "replay":
            await self._desk.cancel_all(at, "the bot stops")
        self.journal.flush()
        self.journal.tell(at, "stop", f"The bot stopped after {self.journal.cycles} cycles")
        self.status = last
        self.beat()

    def beat(self) -> None:
        """Give a sign of life. Of a tick it is the last thing recorded: who reads it knows that all else is there."""
        if self._feed.clock == "replay" and self.moment is None:
            return  # the account's clock is its newest heartbeat: it begins with the first bar
        self.journal.heartbeat(self._now(), self.status, self.interval_seconds, self._regime, self.risk)

    def _now(self) -> datetime:
        if self._feed.clock == "replay" and self.moment is not None:
            return self.moment
        return max(now(), self.moment) if self.moment is not None else now()
