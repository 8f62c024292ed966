"""How do wishes become orders, and how does what comes of them get into the books?"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from main.domain.events import Fill, Instrument
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.trading.broker import Broker, OrderRequest, Report
from main.trading.day import TradingDay
from main.trading.journal import Journal
from main.trading.risk import Block, RiskRules
from main.trading.strategy import Situation, Strategy

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
        instruments: Iterable[Instrument],
    ) -> None:
        self.broker = broker
        self._strategy = strategy
        self._risk = risk
        self._ledger = ledger
        self._journal = journal
        self._multipliers = {each.symbol: each.multiplier for each in instruments}

    async def advance(self, tick: Tick, day: TradingDay) -> None:
        """Book what filled since the last tick."""
        self._take(await self.broker.advance(tick), day)

    async def follow(self, tick: Tick, day: TradingDay, volatility: dict[str, float]) -> None:
        """Do what the strategy wants, as far as the risk rules allow."""
        wishes = self._strategy.decide(
            Situation(
                tick=tick,
                held={symbol: self._ledger.quantity(symbol) for symbol in tick.books},
                open_orders=self.broker.open_orders,
                volatility=volatility,
                equity=self._ledger.equity(tick.at).equity,
                position_limit=self._risk.limits.position,
                risk_factor=self._risk.factor,
            )
        )
        for order_id, reason in wishes.cancel:
            self._take(await self.broker.cancel(order_id, tick.at, reason), day)
        for request in wishes.place:
            self._take(await self.broker.place(request, tick, self._refusal(request, tick)), day)

    async def close_all(self, tick: Tick, block: Block, day: TradingDay) -> None:
        """Close at the market what is open; what the book cannot take waits for the next tick."""
        for position in self._ledger.positions:
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
                change = self._ledger.apply(report, purpose)
                day.book(report, change.trades)
                for event in (*change.trades, *change.positions):
                    self._journal.record(event)

    def _refusal(self, request: OrderRequest, tick: Tick) -> str:
        held = self._ledger.quantity(request.symbol)
        unit_value = tick.books[request.symbol].mid * self._multipliers[request.symbol]
        refusal = self._risk.refusal(request, held, self._pending(request), unit_value)
        if refusal or self._risk.limits.leverage is None:
            return refusal
        opens = held * (1 if request.side == "buy" else -1) >= 0
        equity = self._ledger.equity(tick.at)
        return self._risk.leverage_refusal(opens, equity.gross_exposure or _ZERO, equity.equity)

    def _pending(self, request: OrderRequest) -> Decimal:
        same = (o for o in self.broker.open_orders if (o.symbol, o.side) == (request.symbol, request.side))
        return sum((order.quantity - order.filled_quantity for order in same), _ZERO)
