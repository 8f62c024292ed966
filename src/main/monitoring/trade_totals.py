"""What do the trades of a window add up to? The one place that counts wins and sums P&L, for every read about them."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from main.analytics import trade_statistics
from main.analytics.trade_statistics import TradeStatistics, TradeSums
from main.database.query import Query


@dataclass(frozen=True, slots=True)
class TradeTotals:
    """Counts and sums of trades of one currency, by trading day and key where they were asked for.

    P&L is net in account currency: ``won`` of the wins (> 0), ``lost`` of the losses (< 0). ``newest``: the last exit.
    """

    currency: str
    day: date | None
    key: str | None
    trades: int
    wins: int
    losses: int
    won: Decimal
    lost: Decimal
    gross: Decimal
    fees: Decimal
    best: Decimal | None
    worst: Decimal | None
    hold_seconds: float
    newest: datetime | None

    @property
    def net(self) -> Decimal:
        """Net P&L of all of them."""
        return self.won + self.lost

    @property
    def break_evens(self) -> int:
        """Trades that brought nothing and cost nothing."""
        return self.trades - self.wins - self.losses

    def statistics(self) -> TradeStatistics:
        """Return the figures that follow, as floats; not for those in R, which need the stops of the trades."""
        return trade_statistics.trade_statistics(
            TradeSums(
                wins=self.wins,
                losses=self.losses,
                break_evens=self.break_evens,
                won=float(self.won),
                lost=float(self.lost),
                best=None if self.best is None else float(self.best),
                worst=None if self.worst is None else float(self.worst),
                held=self.trades,
                hold_seconds=self.hold_seconds,
            )
        )


PARTS = Query(
    TradeTotals,
    """
    SELECT t.currency, t.day, t.key, t.trades, t.wins, t.losses, t.won, t.lost, t.gross, t.fees, t.best, t.worst,
           t.hold_seconds, t.newest
      FROM trade_totals($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) t
     ORDER BY t.currency, t.day, t.key
    """,
)
"""Takes `window_arguments`, the part, whether by day, and the filter's arguments. Only parts with trades have a row."""

TOTALS = Query(
    TradeTotals,
    """
    SELECT c.currency, t.day, t.key, coalesce(t.trades, 0) AS trades, coalesce(t.wins, 0) AS wins,
           coalesce(t.losses, 0) AS losses, coalesce(t.won, 0) AS won, coalesce(t.lost, 0) AS lost,
           coalesce(t.gross, 0) AS gross, coalesce(t.fees, 0) AS fees, t.best, t.worst,
           coalesce(t.hold_seconds, 0) AS hold_seconds, t.newest
      FROM (SELECT DISTINCT a.currency FROM accounts_at($1, $3, $4, $5) a) c
      LEFT JOIN trade_totals($1, $2, $3, $4, $5, NULL, false, $6, $7, $8, $9, $10, $11) t ON t.currency = c.currency
     ORDER BY c.currency
    """,
)
"""Takes `window_arguments` and the filter's arguments. One row for every currency of the accounts, always."""
