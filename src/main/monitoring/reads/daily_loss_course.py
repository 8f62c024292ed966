"""Daily loss over the day: when was how much of the day's loss limit used?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics.figure import Figure, missing, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

WIDTH = timedelta(minutes=5)
"""One point each: the record has one an hour, and more where a limit, a block or the trailing stop changed."""


@dataclass(frozen=True, slots=True)
class LossPoint:
    """What an account's risk rules said at a moment of its trading day; money is in ``currency``.

    ``loss_share`` is loss used over the limit then in force, a fraction that may be above 1.
    """

    account: str
    label: str
    currency: str
    at: datetime
    loss_used: Decimal
    loss_limit: Decimal | None
    loss_share: Figure


@dataclass(frozen=True, slots=True)
class Said:
    """What was said at a moment."""

    account: str
    label: str
    currency: str
    at: datetime
    loss_used: Decimal
    loss_limit: Decimal | None


SAID = Query(
    Said,
    """
    SELECT DISTINCT ON (a.currency, a.account_id, bucket_start($5, v.at))
           a.account_id AS account, a.label, a.currency, v.at::timestamptz AS at, v.loss_used::numeric AS loss_used,
           v.loss_limit::numeric AS loss_limit
      FROM accounts_at($1, $2, $3, $4) a
      CROSS JOIN LATERAL (SELECT trading_date($2, a.zone, a.roll_over) AS day) today
      CROSS JOIN LATERAL (
            SELECT d.at, d.recorded_at AS changed_at, d.loss_used, d.loss_limit
              FROM daily_stats d
             WHERE $4 AND d.account_id = a.account_id AND d.day = today.day AND d.origin <> 'ledger'
            UNION ALL
            SELECT h.at, h.changed_at, h.loss_used, h.loss_limit
              FROM daily_stats_history h
             WHERE h.account_id = a.account_id AND h.day = today.day AND h.at <= $2 AND h.changed_at <= $3
               AND h.operation <> 'delete' AND h.origin <> 'ledger') v
     WHERE v.loss_used IS NOT NULL
     ORDER BY a.currency, a.account_id, bucket_start($5, v.at), v.at DESC, v.changed_at DESC
    """,
)


async def daily_loss_course(db: Fetcher, scope: Scope) -> list[LossPoint]:
    """Return the course of each account's trading day so far, by currency and account, oldest first.

    Whatever the scope's window: a point an hour, each change of a limit, a block or the trailing stop, and what the
    risk rules say now. Empty where they said nothing of the day.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    return [_point(row) for row in await SAID.all(db, *which, WIDTH)]


def _point(row: Said) -> LossPoint:
    if row.loss_limit:
        share = quotient(float(row.loss_used), float(row.loss_limit), "the daily loss limit is not above zero")
    else:
        share = missing("no daily loss limit is set")
    return LossPoint(row.account, row.label, row.currency, row.at, row.loss_used, row.loss_limit, share)


READ = Read(
    "daily_loss_course",
    "Daily loss over the day",
    daily_loss_course,
    topics=frozenset({Topic.DAILY, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    formula="loss used / limit, as the risk rules said at the moment",
)
