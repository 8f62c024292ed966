"""Account summary: where does each account stand now, and what has it done today?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """One account's headline figures: money in ``currency``, ratios as fractions, times UTC; ``None`` is not known.

    ``today`` is the account's own trading day. ``loss_origin`` tells whether the bot said what its day has lost ("bot")
    or it follows from today's P&L ("computed").
    """

    account: str
    label: str
    currency: str
    mode: str
    clock: str
    equity_at: datetime | None
    equity: Decimal | None
    cash: Decimal | None
    available_margin: Decimal | None
    today_start: datetime
    today_pnl: Decimal | None
    today_return: float | None
    unrealized_pnl: Decimal | None
    unrealized_share: float | None
    positions: int
    unpriced_positions: int
    realized_today: Decimal
    gross_today: Decimal
    fees_today: Decimal
    closed_today: int
    won_today: int
    loss_used: Decimal | None
    loss_limit: Decimal
    loss_share: float | None
    loss_origin: str | None
    trading_blocked: bool | None
    drawdown: float | None
    max_drawdown: float | None
    drawdown_step_seconds: float | None
    status: str | None
    regime: str | None
    strategy: str | None
    heartbeat_at: datetime | None
    heard_at: datetime | None
    silent: bool | None


FIGURES = Query(
    AccountFigures,
    """
    SELECT f.account_id AS account, f.label, f.currency, f.mode, f.clock,
           f.equity_at, f.equity, f.cash, f.available_margin,
           f.today_start, f.today_pnl, f.today_return,
           f.unrealized_pnl, (f.unrealized_pnl / nullif(f.cost, 0))::float8 AS unrealized_share,
           f.positions, f.unpriced_positions,
           f.realized_today, f.gross_today, f.fees_today, f.closed_today, f.won_today,
           f.loss_used, f.loss_limit, (f.loss_used / nullif(f.loss_limit, 0))::float8 AS loss_share,
           f.loss_origin, f.trading_blocked,
           f.drawdown, f.max_drawdown, extract(epoch FROM f.drawdown_step)::float8 AS drawdown_step_seconds,
           f.status, f.regime, f.strategy, f.heartbeat_at, f.heard_at, f.silent
      FROM account_figures($1, $2, $3, $4, $5) f
     ORDER BY f.currency, f.equity DESC NULLS LAST, f.account_id
    """,
)


async def account_summary(db: Fetcher, scope: Scope) -> list[AccountFigures]:
    """Return the headline figures of each account, by currency and then the largest equity first.

    Today's P&L is net: the change of equity since the start of the account's trading day, deposits, withdrawals and
    transfers removed; its return is time-weighted. Both are ``None`` until equity was observed today. Realised today is
    net of the fees of both legs and counts the trades that closed today. Unrealised P&L is ``None`` while a position
    has no price. Drawdown and its maximum are within the window, from its own peak, as seen every
    ``drawdown_step_seconds``: at the closes of days over more than a week. The loss used counts the fees of a trade on
    the day that it closes, today's P&L on the day that they are charged: they differ by those of open positions. Empty
    without accounts.
    """
    bounds = scope.bounds()
    return await FIGURES.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present)


def _newest(figures: list[AccountFigures]) -> datetime | None:
    # A heartbeat is no news of the money: a bot whose every cycle fails goes on sending them.
    return max((at for row in figures if (at := row.equity_at or row.heartbeat_at) is not None), default=None)


READ = Read(
    "account_summary",
    "Account summary",
    account_summary,
    topics=frozenset(
        {
            Topic.ACCOUNTS,
            Topic.EQUITY,
            Topic.CASH,
            Topic.POSITIONS,
            Topic.TRADES,
            Topic.DAILY,
            Topic.HEARTBEATS,
        }
    ),
    unit="account currency",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    formula="today's P&L = equity − equity at the start of the trading day − external flows since; "
    "loss used = max(0, −(net realised today + change of unrealised today))",
)
