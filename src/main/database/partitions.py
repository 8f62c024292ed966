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


async def make_partitions_ahead(database: Database, months: int = MONTHS_AHEAD) -> int:
    """Make the partitions of this month and the next `months`; return how many were missing. Needs the role service.

    Rows of a month without one wait in the default partition and move over when it is made.
    """
    async with database.scoped() as connection:
        return len(await connection.fetch(_MAKE, list(PARENTS), now().date(), months))
