"""Closed trades for tests of reads, many at a time, and what is known of them beside the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import Read
from tests.given import fact, insert

SYMBOLS = ("AAPL", "MSFT", "BTC/USD")
STRATEGIES = ("breakout", "reversal", None)
EXIT_TYPES = ("signal", "stop_loss", "take_profit")


@dataclass(frozen=True)
class Closed:
    """A trade as it was given."""

    account: str
    at: datetime
    net: Decimal
    fees: Decimal
    hold: timedelta
    symbol: str
    strategy: str | None
    exit_type: str
    type: str


def random_trades(chance: Random, times: Sequence[datetime], account: str = "A") -> list[Closed]:
    """A trade at each of the times, some of them break-even, with everything else drawn by lot."""
    return [
        Closed(
            account,
            at,
            Decimal(chance.choice((0, chance.randrange(-20_000, 20_000)))) / 100,
            Decimal(chance.randrange(300)) / 100,
            timedelta(seconds=chance.randrange(100_000)),
            chance.choice(SYMBOLS),
            chance.choice(STRATEGIES),
            chance.choice(EXIT_TYPES),
            chance.choice(("BUY", "SELL")),
        )
        for at in times
    ]


async def given_closed(service: Database, trades: Sequence[Closed]) -> None:
    """Put the trades into the database."""
    await insert(service, "trades", [_row(trade) for trade in trades])


async def asked_with(database: Database, read: Read[Any], scope: Scope, params: Any = None) -> Any:
    """The read's value as a dashboard gets it, with params where it takes any."""
    async with database.scoped(scope.accounts) as connection:
        return await (read.fetch(connection, scope) if params is None else read.fetch(connection, scope, params))


def _row(trade: Closed) -> dict[str, Any]:
    row = fact(trade.account, trade.at) | {
        "symbol": trade.symbol,
        "transaction_type": trade.type,
        "quantity": 1,
        "entry_time": trade.at - trade.hold,
        "exit_time": trade.at,
        "entry_price": 100,
        "exit_price": 100,
        "gross_pnl": trade.net + trade.fees,
        "fees": trade.fees,
        "realized_pnl": trade.net,
        "exit_type": trade.exit_type,
        "strategy": trade.strategy,
    }
    del row["at"]
    return row
