"""P&L by what: which symbols, strategies, hours, ways out or markets earned the money?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Literal, get_args

from main.analytics.figure import Figure
from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read
from main.monitoring.trade_filter import TradeFilter, window_arguments
from main.monitoring.trade_totals import PARTS, TradeTotals

By = Literal["symbol", "strategy", "weekday", "hour", "exit_type", "side", "model", "regime", "account", "segment"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class PnlByParams(TradeFilter):
    """By what to part the trades, and which ones."""

    by: By = "symbol"

    def __post_init__(self) -> None:
        TradeFilter.__post_init__(self)
        check_choice("by", self.by, get_args(By))


@dataclass(frozen=True, slots=True)
class PnlPart:
    """The closed trades of one part, in account currency; ``net_pnl`` is after the fees of both legs.

    ``name`` is ``None`` for trades of which it is not known; an hour is "00" to "23" on the account's clock.
    """

    currency: str
    name: str | None
    trades: int
    wins: int
    losses: int
    break_evens: int
    net_pnl: Decimal
    gross_pnl: Decimal
    fees: Decimal
    total_profit: Decimal
    total_loss: Decimal
    win_rate: Figure
    profit_factor: Figure
    expectancy: Figure


BY_SYMBOL = PnlByParams()


async def pnl_by(db: Fetcher, scope: Scope, params: PnlByParams = BY_SYMBOL) -> list[PnlPart]:
    """Return the parts by currency: weekdays and hours in their order, all others by net P&L, best first.

    Of the trades that closed in the scope's window; empty when none did. Weekday is that of the trading day of the
    exit, hour that of the exit; regime is the bot's own word when the trade was entered.
    """
    rows = await PARTS.all(db, *window_arguments(scope), params.by, False, *params.arguments(scope))
    if params.by in ("weekday", "hour"):
        return [_part(row, params.by) for row in rows]
    return [_part(row, params.by) for row in sorted(rows, key=lambda row: (row.currency, -row.net, row.key or ""))]


def _part(row: TradeTotals, by: By) -> PnlPart:
    figures = row.statistics()
    return PnlPart(
        currency=row.currency,
        name=WEEKDAYS[int(row.key) - 1] if by == "weekday" and row.key is not None else row.key,
        trades=row.trades,
        wins=row.wins,
        losses=row.losses,
        break_evens=row.break_evens,
        net_pnl=row.net,
        gross_pnl=row.gross,
        fees=row.fees,
        total_profit=row.won,
        total_loss=row.lost,
        win_rate=figures.win_rate,
        profit_factor=figures.profit_factor,
        expectancy=figures.expectancy,
    )


READ = Read(
    "pnl_by",
    "P&L by symbol, strategy and more",
    pnl_by,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=PnlByParams,
    formula="Σ net P&L of the closed trades of each part",
)
