"""Feeds: does market data arrive from every source the accounts trade on?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class FeedState:
    """One source of market data.

    ``condition`` is ok, late, down, idle (no bot runs on it) or unknown (nothing ever came): late after
    ``expected_seconds`` (two loops of its fastest bot, at least 5 s), down after three times that. ``last_at`` is the
    newest snapshot on the feed's clock, ``heard_at`` when the database learned of it.
    """

    source: str
    clock: str
    symbols: int
    last_at: datetime | None
    heard_at: datetime | None
    messages_per_second: float | None
    expected_seconds: float
    condition: str


STATES = Query(
    FeedState,
    """
    WITH sources AS (
        SELECT a.source, CASE WHEN bool_and(a.clock = 'replay') THEN 'replay' ELSE 'wall' END AS clock,
               greatest(5, 2 * coalesce(min(b.interval_seconds), 5))::float8 AS expected_seconds,
               coalesce(bool_or(b.status NOT IN ('stopped', 'finished')), false) AS in_use,
               -- A value, not a condition on the clock: so the index gives what is recent, not all there is.
               CASE WHEN bool_and(a.clock = 'replay') THEN '-infinity'::timestamptz
                    ELSE $2 - interval '2 minutes' END AS recent_since
          FROM accounts_at($1, $2, $3, $4) a
          LEFT JOIN bot_signs($1, $2, $3, $4) b ON b.account_id = a.account_id
         GROUP BY a.source
    ), heard AS (
        SELECT s.source, count(last.at) AS symbols, max(last.at)::timestamptz AS last_at,
               max(last.recorded_at)::timestamptz AS heard_at, sum(minute.messages) / 60 AS messages_per_second
          FROM sources s
          JOIN instruments i ON i.source = s.source
          CROSS JOIN LATERAL (
                SELECT m.at, m.recorded_at
                  FROM market_snapshots m
                 WHERE m.source = i.source AND m.symbol = i.symbol AND m.at <= $2 AND m.recorded_at <= $3
                 ORDER BY m.at DESC
                 LIMIT 1) last
          CROSS JOIN LATERAL (
                SELECT count(*) FILTER (
                           WHERE CASE WHEN $4 THEN recent.recorded_at > database_clock() - interval '1 minute'
                                      ELSE recent.at > $2 - interval '1 minute' END) AS messages
                  FROM (SELECT m.at, m.recorded_at
                          FROM market_snapshots m
                         WHERE m.source = i.source AND m.symbol = i.symbol AND m.at <= $2 AND m.recorded_at <= $3
                           AND m.at > s.recent_since
                         ORDER BY m.at DESC
                         LIMIT 1000) recent) minute
         GROUP BY s.source
    ), aged AS (
        SELECT s.*, h.symbols, h.last_at, h.heard_at, h.messages_per_second,
               extract(epoch FROM CASE WHEN $4 THEN database_clock() - h.heard_at ELSE $2 - h.last_at END) AS age
          FROM sources s
          LEFT JOIN heard h ON h.source = s.source
    )
    SELECT g.source, g.clock, coalesce(g.symbols, 0) AS symbols, g.last_at, g.heard_at,
           g.messages_per_second::float8 AS messages_per_second, g.expected_seconds,
           CASE WHEN g.last_at IS NULL THEN 'unknown'
                WHEN NOT g.in_use THEN 'idle'
                WHEN NOT $4 AND g.clock = 'replay' THEN 'ok'
                WHEN g.age <= g.expected_seconds THEN 'ok'
                WHEN g.age <= 3 * g.expected_seconds THEN 'late'
                ELSE 'down' END AS condition
      FROM aged g
     ORDER BY g.source
    """,
    planned_anew=True,
)


async def feeds(db: Fetcher, scope: Scope) -> list[FeedState]:
    """Return the state of each source that the scope's accounts trade on, by name; empty without accounts.

    Live, age and rate count from when the database heard of a snapshot, on its own clock; in the past they count on the
    feed's clock, and a replay's past is never late. The rate is the mean of the last minute over all symbols, counted
    up to 1,000 snapshots a symbol.
    """
    bounds = scope.bounds()
    return await STATES.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "feeds",
    "Feeds",
    feeds,
    topics=frozenset({Topic.HEARTBEATS, Topic.ACCOUNTS}),  # not the market: it would be asked anew with every snapshot
    unit="messages per second",
    freshness=timedelta(minutes=1),
    about="suite",
    formula="snapshots of the last minute / 60",
)
