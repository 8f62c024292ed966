"""Which samples of the machine are old enough to go?"""

from datetime import datetime, timedelta

from main.clock import now
from main.database.pool import Database

SHOWN = timedelta(days=30)
"""The longest window that the Health page offers: as long as nothing sums samples up, none of them may go sooner."""

BATCH = 5000
"""Samples of one transaction: some milliseconds, so that a kill loses little work and nobody waits for a lock."""

_DELETE = """
    DELETE FROM system_metrics AS m
     USING (SELECT host, at FROM system_metrics WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
     WHERE m.host = old.host AND m.at = old.at AND m.at < $1
"""


async def delete_old_samples(
    database: Database, kept_seconds: float, *, before: datetime | None = None, batch: int = BATCH
) -> int:
    """Delete samples of the machine older than both `kept_seconds` and what is shown; return how many there were.

    Counted back from `before`, now unless given. Needs the role service; two that run at once share the work, and one
    that is killed in the middle is gone on with by the next. Raise `DatabaseUnreachable` or `DatabaseTimeout`.
    """
    cutoff = (before or now()) - max(SHOWN, timedelta(seconds=kept_seconds))
    deleted = 0
    while True:
        async with database.scoped() as connection:
            tag = await connection.execute(_DELETE, cutoff, batch)
        gone = int(tag.rpartition(" ")[2])
        deleted += gone
        if gone < batch:
            return deleted
