"""Bot health: does every bot's own health server say that it is well, and how fast does it answer?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class BotHealth:
    """The newest answer of one bot's health server.

    ``condition``: ok (healthy), degraded (it answers that it is not), down (it does not answer) or unknown (nobody
    asked for a minute: the worker is away). ``origin`` says who told the address: the settings or the bot's heartbeat.
    ``said`` is its complaint or why there was no answer, ``since`` when the state began.
    """

    account: str
    label: str
    url: str
    origin: str
    state: str
    condition: str
    status_code: int | None
    latency_seconds: float | None
    said: str | None
    since: datetime
    healthy_at: datetime | None
    asked_at: datetime


STATES = Query(
    BotHealth,
    """
    SELECT a.account_id AS account, a.label, h.url, h.origin, h.state,
           CASE WHEN h.recorded_at < database_clock() - interval '1 minute' THEN 'unknown'
                WHEN h.state = 'healthy' THEN 'ok'
                WHEN h.state = 'unhealthy' THEN 'degraded'
                ELSE 'down' END AS condition,
           h.status_code, h.latency_seconds, h.said, h.since, h.healthy_at, h.recorded_at AS asked_at
      FROM accounts_at($1, $2, $3, $4) a
      JOIN bot_health h ON h.account_id = a.account_id
     WHERE $4
     ORDER BY a.account_id
    """,
)


async def bot_health(db: Fetcher, scope: Scope) -> list[BotHealth]:
    """Return the newest answer of each of the accounts' bots that has a health server known to us, by account.

    The worker asks every fifteen seconds. Empty in the past, because no older answer is kept.
    """
    bounds = scope.bounds()
    return await STATES.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "bot_health",
    "Bot health",
    bot_health,
    topics=frozenset({Topic.PIPELINES, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    scalar=lambda rows: sum(row.condition in {"degraded", "down"} for row in rows),
    formula="GET /health of each bot, within two seconds",
)
