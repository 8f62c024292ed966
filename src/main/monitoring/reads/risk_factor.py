"""Risk factor: by how much are new positions scaled, why, and how did that change through the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width


@dataclass(frozen=True, slots=True)
class RiskFactorPoint:
    """What one account's bot said at a moment: 1 is the usual size; the reason and the regime are in its own words."""

    account: str
    label: str
    at: datetime
    risk_factor: float
    reason: str | None
    regime: str | None


@dataclass(frozen=True, slots=True)
class FirstSaid:
    """When the first heartbeat inside the window was; ``None`` where there is none."""

    first_at: datetime | None


FIRST = Query(
    FirstSaid,
    """
    SELECT min(first.at)::timestamptz AS first_at
      FROM accounts_at($1, $2, $3, $4) a
      CROSS JOIN LATERAL (
            SELECT h.at
              FROM bot_heartbeats h
             WHERE h.account_id = a.account_id AND h.at > $5 AND h.at <= $2 AND h.recorded_at <= $3
             ORDER BY h.at
             LIMIT 1) first
    """,
)

POINTS = Query(
    RiskFactorPoint,
    """
    WITH edges AS MATERIALIZED (
        SELECT greatest(bucket.begins, $6) AS begins, least(bucket.begins + $7, $2 + interval '1 microsecond') AS ends
          FROM generate_series(bucket_start($7, $6), $2, $7) AS bucket (begins)
    )
    SELECT a.account_id AS account, a.label, last.at::timestamptz AS at, last.risk_factor::float8 AS risk_factor,
           last.risk_reason AS reason, last.regime
      FROM accounts_at($1, $2, $3, $4) a
      CROSS JOIN edges e
      CROSS JOIN LATERAL (
            SELECT h.at, h.risk_factor, h.risk_reason, h.regime
              FROM bot_heartbeats h
             WHERE h.account_id = a.account_id AND h.at >= e.begins AND h.at < e.ends AND h.recorded_at <= $3
             ORDER BY h.at DESC, h.revision DESC
             LIMIT 1) last
     WHERE last.risk_factor IS NOT NULL AND ($5::text IS NULL OR a.account_id = $5)
     ORDER BY a.account_id, last.at
    """,
)


@dataclass(frozen=True, slots=True)
class RiskFactorParams(Series):
    """Params: of one account only; how many points each."""

    account: str | None = None


async def risk_factor(db: Fetcher, scope: Scope, asked: RiskFactorParams | None = None) -> list[RiskFactorPoint]:
    """Return what the bots said in the window, by account, oldest first: the last word of each bucket on round times.

    The newest is the last of each account. Empty when no bot told of a risk factor.
    """
    asked = asked or RiskFactorParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    first = await FIRST.first(db, *which, bounds.start)
    if first is None or first.first_at is None:
        return []
    width = bucket_width(first.first_at, bounds.end, asked.points)
    return await POINTS.all(db, *which, asked.account, first.first_at, width)


def _least(rows: list[RiskFactorPoint]) -> float | None:
    newest = {row.account: row.risk_factor for row in rows}
    return min(newest.values(), default=None)


READ = Read(
    "risk_factor",
    "Risk factor",
    risk_factor,
    topics=frozenset({Topic.HEARTBEATS, Topic.ACCOUNTS}),
    unit="factor",
    freshness=timedelta(minutes=1),
    params=RiskFactorParams,
    scalar=_least,
    formula="as the bot's risk rules say; 1 is the usual size",
)
