"""How long was everything up today? Looks at what is well now, and adds the time since the last look."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from main.clock import monotonic, now
from main.database.pool import Database
from main.errors import DatabaseUnreachable

EVERY_SECONDS = 15.0
LONGEST_SECONDS = 3 * EVERY_SECONDS
"""After a longer gap nobody knows what was in between."""

_STATES = """
    WITH signs AS MATERIALIZED (
        SELECT b.*, a.source, CASE WHEN b.silent OR b.status = 'error' THEN 'down'
                                   WHEN b.status IN ('blocked', 'stopping') THEN 'degraded' ELSE 'up' END AS state
          FROM accounts a
          JOIN bot_signs(ARRAY(SELECT c.account_id::text FROM accounts c), database_clock(), 'infinity', true) b
               ON b.account_id = a.account_id
         WHERE b.status NOT IN ('stopped', 'finished')
    ), sources AS (
        -- A feed that nobody listens to tells nothing of itself.
        SELECT s.source, greatest(5, 2 * min(s.interval_seconds))::float8 AS expected
          FROM signs s
         WHERE NOT s.silent
         GROUP BY s.source
    ), heard AS (
        SELECT s.source, s.expected, extract(epoch FROM database_clock() - max(last.recorded_at)) AS age,
               bool_or(i.calendar <> '24/7') AS closes
          FROM sources s
          JOIN instruments i ON i.source = s.source
          CROSS JOIN LATERAL (SELECT m.recorded_at FROM market_snapshots m
                               WHERE m.source = i.source AND m.symbol = i.symbol
                               ORDER BY m.at DESC LIMIT 1) last
         GROUP BY s.source, s.expected
    )
    SELECT 'database' AS kind, 'database' AS service, NULL AS account_id, 'up' AS state
    UNION ALL
    SELECT 'bot', s.account_id, s.account_id, s.state FROM signs s
    UNION ALL
    SELECT 'feed', h.source, NULL,
           CASE WHEN h.age <= h.expected THEN 'up' WHEN h.age <= 3 * h.expected THEN 'degraded' ELSE 'down' END
      FROM heard h
     -- Where a market closes, silence is no fault: then nobody knows.
     WHERE NOT h.closes OR h.age <= 3 * h.expected
    UNION ALL
    SELECT s.kind, s.service || '@' || s.host, NULL,
           CASE WHEN s.state = 'failed' THEN 'down'
                WHEN s.recorded_at < database_clock() - 3 * s.interval_seconds * interval '1 second' THEN 'down'
                WHEN s.state IN ('degraded', 'restarting', 'stopping') THEN 'degraded' ELSE 'up' END
      FROM services s
     WHERE s.kind IN ('manager', 'dashboard', 'worker') AND s.state <> 'stopped'
       AND s.recorded_at > database_clock() - interval '1 day'
"""
_ADD = f"""
    INSERT INTO service_days AS d (kind, service, account_id, day, at, up_seconds, degraded_seconds, down_seconds)
    SELECT s.kind, s.service, s.account_id, $1, $2, CASE s.state WHEN 'up' THEN $3 ELSE 0 END,
           CASE s.state WHEN 'degraded' THEN $3 ELSE 0 END, CASE s.state WHEN 'down' THEN $3 ELSE 0 END
      FROM ({_STATES}) s
        ON CONFLICT (kind, service, day) DO UPDATE
       SET up_seconds = d.up_seconds + excluded.up_seconds, down_seconds = d.down_seconds + excluded.down_seconds,
           degraded_seconds = d.degraded_seconds + excluded.degraded_seconds, at = excluded.at,
           recorded_at = clock_timestamp()
"""  # noqa: S608 - a constant
_DOWN = """
    INSERT INTO service_days AS d (kind, service, day, at, down_seconds) VALUES ('database', 'database', $1, $2, $3)
        ON CONFLICT (kind, service, day) DO UPDATE
       SET down_seconds = d.down_seconds + excluded.down_seconds, at = excluded.at, recorded_at = clock_timestamp()
"""
_SINCE = """
    SELECT max(d.at)::timestamptz AS looked_at, pg_postmaster_start_time() AS started_at
      FROM service_days d
     WHERE d.day >= $1
"""


class UptimeCollector:
    """Counts seconds by day. What lies between two looks counts as the second one saw it, unless the gap is long.

    A long gap is the database's downtime when it refused us in it, or was started anew in it; else it is unknown, as it
    is for everything else. After a restart of this process, or work of another one, counting begins anew.
    """

    def __init__(self) -> None:
        """Begin without a look."""
        self._last: tuple[float, datetime] | None = None
        self._refused = False

    async def look(self, database: Database) -> None:
        """Look once and add what passed since the last look. Needs the role service.

        Raises DatabaseUnreachable or DatabaseTimeout.
        """
        try:
            await self._look(database)
        except DatabaseUnreachable:
            self._refused = True
            raise

    async def _look(self, database: Database) -> None:
        moment, at = monotonic(), now()
        async with database.scoped() as connection:
            others, started = (await connection.fetch(_SINCE, at.date() - timedelta(days=1)))[0]
            gap = moment - self._last[0] if self._last else 0.0
            ours = self._last is not None and (others is None or others <= self._last[1])
            if ours and self._last and gap > LONGEST_SECONDS:
                if self._refused or started > self._last[1]:
                    for day, seconds in days_of(self._last[1], gap):
                        await connection.execute(_DOWN, day, at, seconds)
            elif ours:
                await connection.execute(_ADD, at.date(), at, gap)
        self._last, self._refused = (moment, at), False


def days_of(start: datetime, seconds: float) -> Iterator[tuple[date, float]]:
    """Yield the days (UTC) that a stretch of time lies in, each with its seconds of it."""
    while seconds > 0:
        start = start.astimezone(UTC)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        share = min(seconds, (midnight - start).total_seconds())
        yield start.date(), share
        start, seconds = midnight, seconds - share
