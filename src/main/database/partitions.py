"""Is there a partition for every month that is about to be written?"""

from main.clock import now
from main.database.pool import Database

PARENTS = ("market_snapshots", "trading_pnl", "system_metrics", "market_data", "market_rollups", "process_metrics")
MONTHS_AHEAD = 2

_MAKE = """
    SELECT parent
      FROM unnest($1::text[]) AS parent, generate_series(0, $3::int) AS ahead
     WHERE make_month_partition(parent, (date_trunc('month', $2::date) + make_interval(months => ahead))::date)
"""

_SUMMARIZE = "SELECT summarize_past_months()"


async def make_partitions_ahead(database: Database, months: int = MONTHS_AHEAD) -> int:
    """Make the partitions of this month and the next `months`; return how many were missing. Needs the role service.

    Rows of a month without one wait in the default partition and move over when it is made.
    """
    async with database.scoped() as connection:
        return len(await connection.fetch(_MAKE, list(PARENTS), now().date(), months))


async def summarize_past_months(database: Database) -> int:
    """Summarise the block ranges of months that are over, which nothing else does; return how many there were.

    Without it every look for what was recorded lately would read the last pages of each month of the history. Needs
    the role service.
    """
    async with database.scoped() as connection:
        made: int = await connection.fetchval(_SUMMARIZE)
        return made
