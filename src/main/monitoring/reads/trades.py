"""Trades: which round trips were closed, and what do those that match add up to?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, LiteralString

from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.closed_trade import COLUMNS, ClosedTrade
from main.monitoring.paging import Paged, check_choice, check_page
from main.monitoring.read import Listing, Read
from main.monitoring.trade_filter import TradeFilter, moment_of, window_arguments
from main.monitoring.trade_totals import TOTALS, TradeTotals

_ORDERS: dict[str, LiteralString] = {
    "exit_time": "t.exit_time",
    "entry_time": "t.entry_time",
    "symbol": "t.symbol",
    "strategy": "t.strategy",
    "exit_type": "t.exit_type",
    "type": "t.transaction_type",
    "quantity": "t.quantity",
    "pnl": "t.realized_pnl",
    "fees": "t.fees",
    "hold_seconds": "(t.exit_time - t.entry_time)",
}
_HEAD: LiteralString = "SELECT" + COLUMNS


_MATCHING: LiteralString = "matching_trades(a.account_id, $2, $3, $4, $6, $7, $8, $9, $10, $11)"
_NEWEST: LiteralString = """
            newest_trades(a.account_id, $2, $3, $4, $5, $12::bigint + $13::bigint, $6, $7, $8, $9, $10, $11)"""


def _page(order: LiteralString, matching: LiteralString = _MATCHING) -> Query[ClosedTrade]:
    """The newest of what is equal come first, and then there is one order, so that pages do not overlap.

    Notes are looked up for the page alone, not for all that lie before it.
    """
    ties: LiteralString = ", t.exit_time DESC, t.source, t.source_id"
    return Query(
        ClosedTrade,
        _HEAD  # noqa: S608  # only literals of this module
        + """
          FROM (SELECT t.*, a.label, a.currency, i.quantity_step, i.tick
                  FROM accounts_at($1, $3, $4, $5) a
                  CROSS JOIN LATERAL (
                        SELECT m.*
                          FROM """
        + matching
        + """ m
                         ORDER BY """
        + (order + ties).replace("t.", "m.")
        + """
                         LIMIT $12::bigint + $13::bigint) t
                  LEFT JOIN instruments i ON i.source = a.source AND i.symbol = t.symbol
                 ORDER BY """
        + order
        + ties
        + """, t.account_id
                OFFSET $13::bigint
                 LIMIT $12::bigint) t
          CROSS JOIN LATERAL (SELECT t.label, t.currency) a
          CROSS JOIN LATERAL (SELECT t.quantity_step, t.tick) i
          LEFT JOIN LATERAL trade_note(t.account_id, t.source, t.source_id, $14, $4) n ON true
         ORDER BY """
        + order
        + ties
        + """, t.account_id
        """,
    )


def _last(name: str) -> LiteralString:
    """What no trade goes without is not said to come last: no index would serve."""
    return " NULLS LAST" if name in ("strategy", "exit_type") else ""


NEWEST = _page("t.exit_time DESC", _NEWEST)
PAGES: dict[str, Query[ClosedTrade]] = {
    **{name: _page(column) for name, column in _ORDERS.items()},
    **{f"-{name}": _page(column + " DESC" + _last(name)) for name, column in _ORDERS.items()},
    "-exit_time": NEWEST,
}

Sort = Literal[
    "exit_time",
    "entry_time",
    "symbol",
    "strategy",
    "exit_type",
    "type",
    "quantity",
    "pnl",
    "fees",
    "hold_seconds",
    "-exit_time",
    "-entry_time",
    "-symbol",
    "-strategy",
    "-exit_type",
    "-type",
    "-quantity",
    "-pnl",
    "-fees",
    "-hold_seconds",
]


@dataclass(frozen=True, slots=True)
class TradesPage(TradeFilter):
    """Which trades, sorted how (``-`` is descending), and which part of the list."""

    limit: int = 50
    offset: int = 0
    sort: Sort = "-exit_time"

    def __post_init__(self) -> None:
        TradeFilter.__post_init__(self)
        check_page(self.limit, self.offset)
        check_choice("sort", self.sort, PAGES)


@dataclass(frozen=True, slots=True)
class TradesSummary:
    """What all matching trades of one currency add up to, in it. ``net_pnl`` is profit plus loss (which is ≤ 0)."""

    currency: str
    total_trades: int
    wins: int
    losses: int
    break_evens: int
    total_profit: Decimal
    total_loss: Decimal
    net_pnl: Decimal
    gross_pnl: Decimal
    fees: Decimal
    win_rate: Figure
    profit_factor: Figure
    expectancy: Figure
    newest: datetime | None


TradesFound = Paged[ClosedTrade, list[TradesSummary]]
NEWEST_TRADES = TradesPage()


async def trades(db: Fetcher, scope: Scope, page: TradesPage = NEWEST_TRADES) -> TradesFound:
    """Return one page of the trades that closed in the scope's window and match, and a summary of all that match.

    The summary has a row for every currency of the accounts, with zeros and reasons where nothing matches. A trade
    counts with the highest revision known; one that was busted is none. Nulls come last in either order.
    """
    window, wanted = window_arguments(scope), page.arguments(scope)
    items = await PAGES[page.sort].all(db, *window, *wanted, page.limit, page.offset, moment_of(scope))
    summary = [_summary(row) for row in await TOTALS.all(db, *window, *wanted)]
    return Paged(items, sum(row.total_trades for row in summary), page.limit, page.offset, summary)


def _listing(scope: Scope, page: TradesPage, most: int) -> Listing:
    return PAGES[page.sort], (*window_arguments(scope), *page.arguments(scope), most, 0, moment_of(scope))


def _summary(row: TradeTotals) -> TradesSummary:
    figures = row.statistics()
    return TradesSummary(
        currency=row.currency,
        total_trades=row.trades,
        wins=row.wins,
        losses=row.losses,
        break_evens=row.break_evens,
        total_profit=row.won,
        total_loss=row.lost,
        net_pnl=row.net,
        gross_pnl=row.gross,
        fees=row.fees,
        win_rate=figures.win_rate,
        profit_factor=figures.profit_factor,
        expectancy=figures.expectancy,
        newest=row.newest,
    )


READ = Read(
    "trades",
    "Trades",
    trades,
    topics=frozenset({Topic.TRADES, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=TradesPage,
    listing=_listing,
    formula="net P&L = gross − fees of both legs; win rate = wins / (wins + losses), break-evens apart",
)
