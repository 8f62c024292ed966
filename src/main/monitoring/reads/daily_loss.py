"""Daily loss: how much of the day's loss limit is used, and what do the risk rules protect or block?"""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal

from main.analytics.figure import Figure, missing, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class Day:
    """One account's trading day so far; money is in ``currency``.

    ``loss_used`` is ≥ 0, ``None`` where neither the bot nor equity says; ``origin``: bot, or computed from equity.
    ``trailing_level`` is the result of the day at which everything is closed, ``None`` while nothing is protected.
    """

    account: str
    label: str
    currency: str
    day: date
    day_start: datetime
    result: Decimal | None
    loss_used: Decimal | None
    loss_limit: Decimal | None
    origin: str | None
    limit_hit: bool | None
    trading_blocked: bool | None
    trailing_active: bool | None
    trailing_level: Decimal | None
    protected_profit: Decimal | None


@dataclass(frozen=True, slots=True)
class DailyLoss(Day):
    """The day, and ``loss_share``: loss used over limit, a fraction that may be above 1."""

    loss_share: Figure


DAYS = Query(
    Day,
    """
    SELECT f.account_id AS account, f.label, f.currency, trading_date(f.today_start, a.zone, a.roll_over) AS day,
           f.today_start AS day_start, f.today_pnl AS result, f.loss_used, f.loss_limit, f.loss_origin AS origin,
           r.limit_hit, f.trading_blocked, r.trailing_active, r.trailing_level::numeric AS trailing_level,
           r.protected_profit::numeric AS protected_profit
      FROM account_figures($1, $2, $2, $3, $4) f
      JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = f.account_id
      LEFT JOIN LATERAL risk_rules(f.account_id, trading_date(f.today_start, a.zone, a.roll_over), $2, $3, $4) r ON true
     ORDER BY f.currency, f.account_id
    """,
)


async def daily_loss(db: Fetcher, scope: Scope) -> list[DailyLoss]:
    """Return the trading day so far of every account, by currency; empty without accounts.

    A day is the account's own, in its zone and with its roll-over. What the bot's risk rules say is ``None`` where they
    said nothing of the day. The loss used counts the fees of a trade on the day that it closes, the ``result`` on the
    day that they are charged: they differ by those of positions that are open, or were when the day began.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    return [_loss(row) for row in await DAYS.all(db, *which)]


def _loss(row: Day) -> DailyLoss:
    if row.loss_used is None:
        share = missing("nothing was recorded of the day")
    elif not row.loss_limit:
        share = missing("no daily loss limit is set")
    else:
        share = quotient(float(row.loss_used), float(row.loss_limit), "the daily loss limit is not above zero")
    return DailyLoss(**{field.name: getattr(row, field.name) for field in fields(row)}, loss_share=share)


def _most(rows: list[DailyLoss]) -> float | None:
    return max((row.loss_share.value for row in rows if row.loss_share.value is not None), default=None)


READ = Read(
    "daily_loss",
    "Daily loss",
    daily_loss,
    topics=frozenset({Topic.DAILY, Topic.EQUITY, Topic.POSITIONS, Topic.TRADES, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    scalar=_most,
    formula="max(0, −(net realised today + change of unrealised today)) / limit; fees count when a trade closes",
)
