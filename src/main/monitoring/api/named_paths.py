"""Which paths does the API have beside ``/api/reads``, and of which reads is each made? The table of all of them."""

from collections.abc import Sequence
from typing import Any

from main.database.pool import DatabaseStatus
from main.monitoring.api.named_rows import (
    BotStatus,
    Breakdown,
    CumulativePnl,
    DayStats,
    Values,
    bot_statuses,
    breakdown,
    cumulative,
    day_stats,
    nearest_to_limit,
    worst_off,
)
from main.monitoring.api.named_shape import Figures, Listing, Mapped, NamedPath, Object, Part, Rows, Source
from main.monitoring.closed_trade import ClosedTrade
from main.monitoring.paging import Paged
from main.monitoring.reads import (
    account_summary,
    account_totals,
    bots,
    cumulative_pnl,
    custom_metrics,
    daily_loss,
    database_status,
    equity,
    exposure,
    host_history,
    market_current,
    order_book,
    orders,
    performance,
    pnl_by_period,
    pnl_calendar,
    positions,
    services,
    spread_history,
    trade_statistics,
    trades,
    volatility,
)
from main.monitoring.series import FEWEST, MOST

_POINTS = {"limit": ("points", FEWEST, MOST)}
_WORTH = ("currency", "equity_at", "equity", "cash", "available_margin", "today_pnl")
_NAMED_VALUES = Source(
    custom_metrics.CustomMetric,
    lambda values: values["custom_metrics"] or (),
    ("name", "account", "source", "value", "unit", "at"),
)
_COUNTED = {"accounts": "accounts_counted"}
"""Every answer has the accounts' names under accounts."""


def _list(part: str) -> Rows:
    return lambda values: values[part] or ()


def _one(part: str) -> Rows:
    return lambda values: () if values[part] is None else (values[part],)


def _of(part: str, name: str) -> Rows:
    """A list that is a field of what the part answered."""

    def rows(values: Values) -> Sequence[Any]:
        found: Sequence[Any] = () if values[part] is None else getattr(values[part], name) or ()
        return found

    return rows


def _latest_host(values: Values) -> Sequence[Any]:
    history = values["host"]
    return () if history is None or history.latest is None else (history.latest,)


def _part(module: Any, **fixed: str) -> Part:
    return Part(module.READ.name, module.READ, fixed)


def _page(part: str) -> Object:
    return Object(Source(Paged, _one(part), ("total", "limit", "offset")))


def _plain(row: type, *names: str) -> tuple[str, ...]:
    """The fields of a row but those named."""
    return tuple(name for name in row.__dataclass_fields__ if name not in names)  # type: ignore[attr-defined]


_TOTALS = Source(account_totals.CurrencyTotal, _list("account_totals"))
_PERFORMANCE = Source(performance.Performance, _list("performance"))
_STATISTICS = Source(trade_statistics.TradeFigures, _list("trade_statistics"))
_EXPOSURE = Source(
    exposure.Exposure,
    lambda values: [row for row in values["exposure"] or () if row.account is None],
    _plain(exposure.Exposure, "account", "label", "sectors", "symbols", "equity", "positions"),
)
_DAYS = Source(pnl_calendar.CalendarDay, _list("pnl_calendar"))

MARKET = (
    NamedPath(
        "/api/market/current",
        "The newest book of every symbol: mid, best bid and ask, spread and depth; flat where it is one symbol.",
        (_part(market_current),),
        (Figures((Source(market_current.MarketSymbol, _list("market_current")),), key="symbol", kind="symbols"),),
    ),
    NamedPath(
        "/api/market/spread_history",
        "Spread, depths and mid of one symbol over the window, oldest first.",
        (_part(spread_history),),
        (
            Object(
                Source(
                    spread_history.SpreadHistory,
                    _one("spread_history"),
                    ("source", "symbol", "currency", "bucket_seconds"),
                )
            ),
            Listing(Source(spread_history.SpreadPoint, _of("spread_history", "points"))),
        ),
        aliases=_POINTS,
    ),
    NamedPath(
        "/api/market/volatility",
        "Realised volatility a year: of every symbol now under items, of one of them over the window under points.",
        (_part(volatility),),
        (
            Object(
                Source(volatility.VolatilityReport, _one("volatility"), ("source", "symbol", "window", "bands")),
                names={"window": "volatility"},
            ),
            Listing(Source(volatility.VolatilityPoint, _of("volatility", "points")), "points"),
            Listing(Source(volatility.SymbolVolatility, _of("volatility", "symbols"))),
        ),
        aliases=_POINTS,
    ),
    NamedPath(
        "/api/market/orderbook",
        "The newest order book of one symbol, each side nearest first.",
        (_part(order_book),),
        (Object(Source(order_book.OrderBook, _one("order_book")), missing="no order book is kept"),),
    ),
)
PERFORMANCE = (
    NamedPath(
        "/api/performance/metrics",
        "Every figure of returns, risk and closed trades of the window.",
        (_part(performance), _part(trade_statistics)),
        (Figures((_PERFORMANCE, _STATISTICS), names=_COUNTED),),
        window="All",
    ),
    NamedPath(
        "/api/performance/unrealized_pnl",
        "Unrealised P&L of what is held, before fees, and its share of the cost.",
        (_part(account_totals),),
        (
            Figures(
                (
                    Source(
                        account_totals.CurrencyTotal,
                        _list("account_totals"),
                        ("currency", "unrealized_pnl", "unrealized_share", "positions", "unpriced_positions"),
                    ),
                )
            ),
        ),
    ),
    NamedPath(
        "/api/performance/pnl_breakdown",
        "Net P&L of closed trades by trading day, week and month.",
        (
            Part("daily", pnl_by_period.READ, {"period": "day"}),
            Part("weekly", pnl_by_period.READ, {"period": "week"}),
            Part("monthly", pnl_by_period.READ, {"period": "month"}),
        ),
        (Figures((Source(Breakdown, breakdown),), series=("daily", "weekly", "monthly"), limit=400),),
        window="1Y",
    ),
    NamedPath(
        "/api/cumulative-pnl",
        "Net P&L of all time, of the year, month, week and trading day so far.",
        (_part(cumulative_pnl),),
        (Figures((Source(CumulativePnl, cumulative),)),),
    ),
    NamedPath(
        "/api/pnl-calendar",
        "Net P&L of every trading day of a year by its date, in the document itself; details under items.",
        (_part(pnl_calendar),),
        (
            Mapped(_DAYS, "day", "net_pnl"),
            Listing(_DAYS, limit=400, newest=True, of_each="currency"),
        ),
    ),
    NamedPath(
        "/api/stats",
        "Statistics of the closed trades of the window: win rate, expectancy, profit factor, streaks.",
        (_part(trade_statistics),),
        (Figures((_STATISTICS,)),),
        window="All",
    ),
    NamedPath(
        "/api/metrics",
        "Every headline figure by its name: money, returns, risk, trades, exposure, and the bots' own values.",
        (
            *(_part(account_totals), _part(performance), _part(trade_statistics), _part(exposure, by="currency")),
            _part(custom_metrics),
        ),
        (
            Figures((_TOTALS, _PERFORMANCE, _STATISTICS, _EXPOSURE), names=_COUNTED),
            Listing(_NAMED_VALUES, "custom_metrics"),
        ),
        window="All",
    ),
)
ACCOUNTS = (
    NamedPath(
        "/api/balance",
        "What the accounts are worth, by currency; each of them under by_account.",
        (_part(account_totals), _part(account_summary)),
        (
            Figures(
                (
                    Source(
                        account_totals.CurrencyTotal,
                        _list("account_totals"),
                        (*_WORTH, "accounts", "unrealized_pnl", "unobserved", "missing_rates"),
                    ),
                ),
                names={"equity": "balance", "equity_at": "at"} | _COUNTED,
            ),
            Listing(
                Source(
                    account_summary.AccountFigures,
                    _list("account_summary"),
                    ("account", "label", *_WORTH),
                ),
                "by_account",
                names={"equity": "balance", "equity_at": "at"},
            ),
        ),
    ),
    NamedPath(
        "/api/balance/history",
        "Equity, growth and drawdown of each currency through the last days, oldest first.",
        (_part(equity),),
        (
            Listing(
                Source(equity.EquityPoint, _list("equity")),
                names={"equity": "balance"},
                limit=500,
                newest=True,
                of_each="currency",
            ),
        ),
        days=30,
    ),
    NamedPath(
        "/api/positions",
        "What is held, the biggest first.",
        (_part(positions),),
        (Listing(Source(positions.OpenPosition, _list("positions")), limit=1_000),),
    ),
    NamedPath(
        "/api/orders",
        "Orders that may still fill, or those placed in the window (state=ended or all); pages.",
        (_part(orders),),
        (
            _page("orders"),
            Listing(Source(orders.OrderState, _of("orders", "items"))),
            Listing(Source(orders.OrdersCount, _of("orders", "summary")), "summary"),
        ),
    ),
    NamedPath(
        "/api/trades",
        "Closed trades, the newest first, with the summary of all that match; pages.",
        (_part(trades),),
        (
            _page("trades"),
            Listing(Source(ClosedTrade, _of("trades", "items"))),
            Figures((Source(trades.TradesSummary, _of("trades", "summary")),), under="summary", items="by_currency"),
        ),
        window="All",
        dates=True,
    ),
    NamedPath(
        "/api/daily-stats",
        "The trading day so far: loss used of its limit, and what the risk rules protect or block.",
        (_part(daily_loss), _part(account_totals)),
        (
            Figures(
                (Source(DayStats, day_stats),),
                key="account",
                kind="accounts in several currencies",
                choice=nearest_to_limit,
            ),
        ),
    ),
)
SUITE = (
    NamedPath(
        "/api/status",
        "Whether the bots run: the one that is worst off, and each of them under items.",
        (_part(bots),),
        (Figures((Source(BotStatus, bot_statuses),), key="account", kind="bots", choice=worst_off),),
    ),
    NamedPath(
        "/api/system/health",
        "The machine, the database, the processes of the suite and the bots, as far as each is known.",
        (Part("host", host_history.READ), Part("database", database_status.READ), _part(services), _part(bots)),
        (
            Object(Source(host_history.HostSample, _latest_host), missing="the machine was not sampled"),
            Object(Source(DatabaseStatus, _one("database")), under="database"),
            Listing(Source(services.ServiceState, _list("services")), "services"),
            Listing(Source(bots.BotState, _list("bots")), "bots"),
        ),
        window="1h",
        partial=True,
    ),
)
NAMED: tuple[NamedPath, ...] = (*MARKET, *ACCOUNTS, *PERFORMANCE, *SUITE)
"""Every named path. Those of the suite are served on every dashboard, the others where the accounts are shown."""
