"""Uptime: how much of each of the last 30 days was everything up, degraded or down, and when did nobody look?"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

DAYS = 30


@dataclass(frozen=True, slots=True)
class SeenDay:
    """What was seen of one thing on one day, as it is stored."""

    kind: str
    service: str
    label: str
    day: date
    up_seconds: float
    degraded_seconds: float
    down_seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class UptimeDay:
    """One day (UTC) in seconds; what is left of it nobody looked, or the thing did not run by order."""

    day: date
    up_seconds: float
    degraded_seconds: float
    down_seconds: float


@dataclass(frozen=True, slots=True)
class Uptime:
    """One thing: ``up_share`` of the time in which somebody looked, and the days on which somebody did, oldest first.

    ``kind`` is database, bot, feed, manager, dashboard or worker; ``label`` is an account's name where it is a bot.
    ``at`` is the last look; ``up_share`` is ``None`` where nobody looked for a second.
    """

    kind: str
    service: str
    label: str
    up_share: float | None
    at: datetime
    days: list[UptimeDay]


DAY_ROWS = Query(
    SeenDay,
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


async def uptime(db: Fetcher, scope: Scope) -> list[Uptime]:
    """Return the last 30 days (UTC) of the database, each bot, feed and service, as the elected worker saw them.

    Days on which nobody looked are missing, and nothing is answered where nobody ever did. A past moment shows the days
    that were over then. At most 6,000 days are read: those of 200 things.
    """
    bounds = scope.bounds()
    seen = await DAY_ROWS.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, DAYS)
    return [_uptime(list(days)) for _, days in groupby(seen, key=lambda each: (each.kind, each.service))]


def _uptime(seen: list[SeenDay]) -> Uptime:
    first, last = seen[0], seen[-1]
    days = [UptimeDay(each.day, each.up_seconds, each.degraded_seconds, each.down_seconds) for each in seen]
    up = sum(day.up_seconds for day in days)
    known = up + sum(day.degraded_seconds + day.down_seconds for day in days)
    return Uptime(first.kind, first.service, first.label, up / known if known else None, last.at, days)


READ = Read(
    "uptime",
    "Uptime",
    uptime,
    topics=frozenset({Topic.SERVICES, Topic.ACCOUNTS}),
    unit="seconds",
    freshness=timedelta(minutes=2),
    about="suite",
    as_of=lambda things: max((thing.at for thing in things), default=None),
    formula="up / (up + degraded + down); time between two looks counts as what the second saw, long gaps not at all",
)
