"""Bots: is every account's bot alive, and what does it say of itself?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class BotState:
    """One account's bot. ``condition`` is ok, degraded, down or unknown; all else ``None`` for one never heard of.

    ``at`` is the newest heartbeat on the bot's clock, ``heard_at`` when the database learned of it; ``silent`` after
    three intervals without one. ``dropped_events`` counts since the bot started. ``cpu_share`` is of one core (1.0 is a
    core fully used) and of the bot's whole process, as is ``rss_bytes``; both as the bot says in its heartbeat.
    """

    account: str
    label: str
    mode: str
    clock: str
    condition: str
    status: str | None
    at: datetime | None
    heard_at: datetime | None
    interval_seconds: float | None
    silent: bool
    regime: str | None
    cycle_count: int | None
    uptime_seconds: float | None
    error_count: int | None
    dropped_events: int | None
    risk_factor: float | None
    risk_reason: str | None
    host: str | None
    pid: int | None
    version: str | None
    cpu_share: float | None
    rss_bytes: int | None


STATES = Query(
    BotState,
    """
    SELECT a.account_id AS account, a.label, a.mode, a.clock,
           CASE WHEN b.status IS NULL OR b.status = 'stopped' THEN 'unknown'
                WHEN b.silent OR b.status = 'error' THEN 'down'
                WHEN b.status IN ('blocked', 'stopping') THEN 'degraded'
                ELSE 'ok' END AS condition,
           b.status, b.at, b.recorded_at AS heard_at, b.interval_seconds::float8 AS interval_seconds,
           coalesce(b.silent, false) AS silent,
           b.regime, b.cycle_count, b.uptime_seconds::float8 AS uptime_seconds, b.error_count, b.dropped_events,
           b.risk_factor::float8 AS risk_factor, b.risk_reason, b.host, b.pid, b.version,
           b.cpu_percent / 100 AS cpu_share, b.rss_bytes
      FROM accounts_at($1, $2, $3, $4) a
      LEFT JOIN bot_signs($1, $2, $3, $4) b ON b.account_id = a.account_id
     ORDER BY a.label, a.account_id
    """,
)


async def bots(db: Fetcher, scope: Scope) -> list[BotState]:
    """Return the state of each account's bot, by label; empty without accounts.

    Live, silence counts from when the database heard the last heartbeat, on its own clock, so that a replayed account's
    time does not matter. A bot that said it stopped or finished is not silent.
    """
    bounds = scope.bounds()
    return await STATES.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "bots",
    "Bots",
    bots,
    topics=frozenset({Topic.HEARTBEATS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    formula="silent: no heartbeat for three of the bot's own intervals",
)
