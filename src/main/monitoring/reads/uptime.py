"""Uptime: how much of each of the last 30 days was everything up, degraded or down, and when did nobody look?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

DAYS = 30


@dataclass(frozen=True, slots=True)
class UptimeDay:
    """One day (UTC) of one thing in seconds; what is left of the day nobody looked, or it did not run by order.

    ``kind`` is database, bot, feed, manager, dashboard or worker; ``label`` is an account's name where it is a bot.
    ``at`` is the last look.
    """

    kind: str
    service: str
    label: str
    day: date
    up_seconds: float
    degraded_seconds: float
    down_seconds: float
    at: datetime


DAY_ROWS = Query(
    UptimeDay,
    """
    SELECT d.kind, d.service, coalesce(a.label, d.service) AS label, d.day, d.up_seconds, d.degraded_seconds,
           d.down_seconds, d.at::timestamptz AS at
      FROM service_days d
      LEFT JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = d.account_id
     WHERE d.day > ($2::timestamptz AT TIME ZONE 'UTC')::date - $5::int
       AND d.day <= ($2::timestamptz AT TIME ZONE 'UTC')::date
       AND ($4 OR (d.day < ($2::timestamptz AT TIME ZONE 'UTC')::date AND d.recorded_at <= $3))
       AND (d.kind <> 'bot' OR a.account_id IS NOT NULL)
       AND (d.kind <> 'feed' OR d.service IN (SELECT s.source FROM accounts_at($1, $2, $3, $4) s))
     ORDER BY array_position(ARRAY['database', 'bot', 'feed', 'manager', 'dashboard', 'worker'], d.kind), label,
              d.service, d.day
     LIMIT 6000
    """,
)


async def uptime(db: Fetcher, scope: Scope) -> list[UptimeDay]:
    """Return the last 30 days (UTC) of the database, each bot, feed and service, as the elected worker saw them.

    Days on which nobody looked are missing. A past moment shows the days that were over then. At most 6,000 rows:
    200 things.
    """
    bounds = scope.bounds()
    return await DAY_ROWS.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, DAYS)


READ = Read(
    "uptime",
    "Uptime",
    uptime,
    topics=frozenset({Topic.SERVICES, Topic.ACCOUNTS}),
    unit="seconds",
    freshness=timedelta(minutes=2),
    about="suite",
    formula="seconds between two looks count as what the second one saw; longer gaps are unknown",
)
