"""How do wishes become orders, and how does what comes of them get into the books?"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from main.domain.events import Fill, FxRate, Instrument
from main.domain.ledger import Ledger, LedgerChange
from main.domain.market import Tick
from main.trading.broker import Broker, LeftOrder, OrderRequest, RelivingBroker, Report
from main.trading.daily_closes import DailyCloses
from main.trading.day import TradingDay
from main.trading.journal import Journal
from main.trading.rates import Rates
from main.trading.risk import Block, RiskRules
from main.trading.strategy import Learner, Situation, Strategy

_ONE = Decimal(1)
_ZERO = Decimal(0)


class Desk:
    """Stands between strategy, risk rules, broker and books."""

    def __init__(
        self,
        *,
        broker: Broker,
        strategy: Strategy,
        risk: RiskRules,
        ledger: Ledger,
        journal: Journal,
        closes: DailyCloses,
        instruments: Iterable[Instrument],
    ) -> None:
        instruments = tuple(instruments)
        self.broker = broker
        self.ledger = ledger
        self.recent: list[Fill | FxRate] = []  # booked by this run; who knows that they are stored may clear it
        self.observed_at: datetime | None = None  # when equity was last recorded
        self.late_since: datetime | None = None  # of the fills learned after that was, the earliest
        self._strategy = strategy
        self._risk = risk
        self._journal = journal
        self._closes = closes
        self._rates = Rates(journal.account.currency, instruments)
        self._multipliers = {each.symbol: each.multiplier for each in instruments}

    def mark(self, tick: Tick) -> None:
        """Value everything at the rates and the mids of a tick."""
        self._closes.see(tick)
        for currency, rate in self._rates.see(tick).items():
            self.ledger.convert(currency, rate, tick.at)
            quote = self._journal.account.currency
            self.recent.append(FxRate(at=tick.at, source=self.ledger.source, base=currency, quote=quote, rate=rate))
        for symbol, book in tick.books.items():
            self.ledger.mark(symbol, book.mid, tick.at)

    def adopt(self, ledger: Ledger, day: TradingDay, recent: Iterable[Fill | FxRate], until: datetime | None) -> None:
        """Go on with books folded from what was stored `until` then; book what came since again."""
        self.ledger = ledger
        self.late_since = None
        for fact in recent:
            if isinstance(fact, Fill):
                self.book(fact, day)
            elif until is None or fact.at > until:
                ledger.convert(fact.base, fact.rate, fact.at)

    def resume(self, orders: Iterable[LeftOrder]) -> None:
        """Hand the orders that an earlier run left open to a broker that can take them over."""
        if isinstance(self.broker, RelivingBroker):
            self.broker.resume(orders)

    def relive(self, tick: Tick) -> None:
        """Let the broker take in a tick of the past."""
        if isinstance(self.broker, RelivingBroker):
            self.broker.relive(tick)

    def book(self, fill: Fill, day: TradingDay, purpose: str | None = None) -> LedgerChange:
        """Book a fill, of the broker or of an earlier run; one that is booked already changes nothing."""
        change = self.ledger.apply(fill, purpose)
        if change.positions:
            day.book(fill, change.trades, self._rates.of(fill.symbol) or _ONE)
            if self.observed_at is not None and fill.at <= self.observed_at:
                self.late_since = fill.at if self.late_since is None else min(self.late_since, fill.at)
        return change

    async def advance(self, tick: Tick, day: TradingDay) -> None:
        """Book what filled since the last tick."""
        self._take(await self.broker.advance(tick), day)

    async def follow(self, tick: Tick, day: TradingDay, volatility: dict[str, float]) -> None:
        """Do what the strategy wants, as far as the risk rules allow."""
        wishes = self._strategy.decide(self._situation(tick, day, volatility))
        if wishes.reason:
            self._journal.tell(tick.at, "strategy", wishes.reason, strategy=self._strategy.name)
        for order_id, reason in wishes.cancel:
            self._take(await self.broker.cancel(order_id, tick.at, reason), day)
        for request in wishes.place:
            self._take(await self.broker.place(request, tick, self._refusal(request, tick)), day)

    def learn(self, tick: Tick, day: TradingDay, volatility: dict[str, float]) -> None:
        """Let a strategy with a memory take in a tick of the past."""
        if isinstance(self._strategy, Learner):
            self._strategy.learn(self._situation(tick, day, volatility, past=True))

    def _situation(self, tick: Tick, day: TradingDay, volatility: dict[str, float], *, past: bool = False) -> Situation:
        return Situation(
            tick=tick,
            held={symbol: self.ledger.quantity(symbol) for symbol in tick.books},
            open_orders=() if past else self.broker.open_orders,
            volatility=volatility,
            equity=self.ledger.equity(tick.at).equity,
            position_limit=self._risk.limits.position,
            risk_factor=self._risk.factor,
            rates={symbol: self._rates.of(symbol) or _ONE for symbol in tick.books},
            daily_closes=self._closes.by_symbol,
            day=day.day,
        )

    async def close_all(self, tick: Tick, block: Block, day: TradingDay) -> None:
        """Close at the market what is open; what the book cannot take waits for the next tick.

        What is being closed already is left to it: a broker far away takes more than a tick.
        """
        for position in self.ledger.positions:
            book = tick.books.get(position.symbol)
            if book is not None:
                request = OrderRequest(
                    symbol=position.symbol,
                    side="sell" if position.side == "long" else "buy",
                    quantity=position.quantity,
                    price=None,
                    decision_price=book.mid,
                    strategy=self._strategy.name,
                    purpose=block.kind,
                )
                request = replace(request, quantity=position.quantity - self._pending(request))
                if request.quantity > 0:
                    self._take(await self.broker.place(request, tick), day)

    async def cancel_all(self, at: datetime, reason: str) -> None:
        """Cancel every resting order."""
        for order in self.broker.open_orders:
            for report in await self.broker.cancel(order.order_id, at, reason):
                self._journal.record(report)

    def _take(self, reports: Sequence[Report], day: TradingDay) -> None:
        """Book what the broker told and record it at once, so that no fill waits for anything."""
        for report in reports:
            self._journal.record(report)
            if isinstance(report, Fill):
                purpose = self.broker.purpose(report.order_id) if report.order_id else None
                change = self.book(report, day, purpose)
                self.recent.append(report)
                for event in (*change.trades, *change.positions):
                    self._journal.record(event)

    def _refusal(self, request: OrderRequest, tick: Tick) -> str:
        held = self.ledger.quantity(request.symbol)
        rate = self._rates.of(request.symbol)
        if rate is None:
            return f"no rate into {self._journal.account.currency} is known yet"
        unit_value = tick.books[request.symbol].mid * self._multipliers[request.symbol] * rate
        refusal = self._risk.refusal(request, held, self._pending(request), unit_value)
        if refusal or self._risk.limits.leverage is None:
            return refusal
        opens = held * (1 if request.side == "buy" else -1) >= 0 or request.quantity > abs(held)
        equity = self.ledger.equity(tick.at)
        return self._risk.leverage_refusal(opens, equity.gross_exposure or _ZERO, equity.equity)

    def _pending(self, request: OrderRequest) -> Decimal:
        same = (o for o in self.broker.open_orders if (o.symbol, o.side) == (request.symbol, request.side))
        return sum((order.quantity - order.filled_quantity for order in same), _ZERO)
