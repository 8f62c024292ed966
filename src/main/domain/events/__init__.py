"""What a bot tells: immutable events, one class a table, with the rules a value must meet before it may be stored.

Facts are append-only and carry the two clocks' key ``(account, source, source_id, revision)``; states replace what was
known before. Quantities and money are `Decimal`, moments aware UTC. Constructors raise `RecordRejected`.
"""

from main.domain.events.accounts import Account
from main.domain.events.base import Event, Fact
from main.domain.events.books import CashFlow, DailyStats, Equity, Position, Trade
from main.domain.events.market import Candle, FxRate, IndexLevel, Instrument, MarketSnapshot
from main.domain.events.models import Model, ModelPerformance, ModelPrediction
from main.domain.events.orders import OPEN_ORDER_STATES, ORDER_KINDS, SIDES, Fill, Order, OrderEvent
from main.domain.events.system import Alert, BrokerSnapshot, Heartbeat, Metric, PipelineRun, SystemEvent

__all__ = [
    "OPEN_ORDER_STATES",
    "ORDER_KINDS",
    "SIDES",
    "Account",
    "Alert",
    "BrokerSnapshot",
    "Candle",
    "CashFlow",
    "DailyStats",
    "Equity",
    "Event",
    "Fact",
    "Fill",
    "FxRate",
    "Heartbeat",
    "IndexLevel",
    "Instrument",
    "MarketSnapshot",
    "Metric",
    "Model",
    "ModelPerformance",
    "ModelPrediction",
    "Order",
    "OrderEvent",
    "PipelineRun",
    "Position",
    "SystemEvent",
    "Trade",
]
