"""Which jobs does the elected worker do? Samples of its machine, books, partitions, roll-ups and retention."""

import structlog

from main.books.bookkeeper import Bookkeeper
from main.config import Settings
from main.database.partitions import make_partitions_ahead, summarize_past_months
from main.database.pool import Database
from main.database.retention import kept, purge
from main.database.rollups import roll_up
from main.housekeeping.data_ages import EVERY_SECONDS, DataAges
from main.housekeeping.job import Job
from main.monitoring.collectors import bot_health, data_quality, postgres
from main.monitoring.collectors.host import HostCollector, store
from main.monitoring.collectors.parts import PartsCollector, store_parts
from main.monitoring.collectors.processes import ProcessCollector, collect_processes
from main.monitoring.collectors.uptime import EVERY_SECONDS as UPTIME_SECONDS
from main.monitoring.collectors.uptime import UptimeCollector

_log = structlog.get_logger(__name__)

_SECOND = 1.0
_MINUTE = 60.0
_HOUR = 3600.0

PROCESSES_SECONDS = 15.0
"""Processes are many, and what they take is no matter of seconds."""


def duties(settings: Settings, ages: DataAges | None = None) -> tuple[Job, ...]:
    """Return the jobs that these settings call for; nothing is started. `ages` is filled by one of them.

    A limit is far above what a run takes: the books of years are rebuilt in one transaction, and a first purge deletes
    for long, while what roll-ups and purges did before they are cancelled stays done.
    """
    keeping = Housekeeping(settings)
    books = Bookkeeper()
    server = postgres.PostgresCollector()
    bots = bot_health.BotHealthCollector(settings.bots)
    return (
        Job("host", settings.dashboards.system.update_interval, keeping.collect_host, limit_seconds=30.0),
        Job(
            "processes",
            max(PROCESSES_SECONDS, settings.dashboards.system.update_interval),
            keeping.collect_processes,
            limit_seconds=30.0,
        ),
        Job("uptime", UPTIME_SECONDS, keeping.look_at_uptime, limit_seconds=30.0),
        Job("books", _SECOND, lambda database: _silently(books, database), limit_seconds=15 * _MINUTE),
        Job("partitions", _HOUR, keeping.make_partitions, limit_seconds=2 * _MINUTE),
        Job("rollups", _MINUTE, keeping.roll_up, limit_seconds=10 * _MINUTE),
        Job("retention", _HOUR, keeping.purge, limit_seconds=30 * _MINUTE),
        Job("database", postgres.LOOK_SECONDS, server.sample, limit_seconds=30.0),
        Job("database sizes", postgres.MEASURE_SECONDS, server.measure, limit_seconds=60.0),
        Job("data quality", data_quality.EVERY_SECONDS, data_quality.run, limit_seconds=10 * _MINUTE),
        Job("bot health", bot_health.EVERY_SECONDS, bots.run, limit_seconds=60.0),
        Job("data ages", EVERY_SECONDS, (ages or DataAges()).sample, limit_seconds=30.0),
    )


class Housekeeping:
    """The runs of the jobs, with what they need of the settings. Each returns what it did, ``None`` for nothing."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings: the folder whose disk is watched, and how long data is kept."""
        self._host = HostCollector(settings.data_dir)
        self._parts = PartsCollector(settings.data_dir)
        self._processes = ProcessCollector(settings.dashboards.system.process_filter)
        self._uptime = UptimeCollector()
        chosen, system = settings.retention, settings.dashboards.system
        self._ages = kept(system.metrics_retention, chosen.market_snapshots_days, chosen.system_events_days)

    async def collect_host(self, database: Database) -> str | None:
        """Write down how busy and full this machine is, and each of its parts."""
        await store_parts(database, self._parts.sample())
        await store(database, self._host.sample())  # it announces both
        return None

    async def collect_processes(self, database: Database) -> str | None:
        """Write down what the processes that matter take of this machine."""
        count = await collect_processes(database, self._processes)
        return f"{count} processes"

    async def look_at_uptime(self, database: Database) -> str | None:
        """Add to how long everything was up today."""
        await self._uptime.look(database)
        return None

    async def make_partitions(self, database: Database) -> str | None:
        """Make the partitions of the coming months, and have those that are over summarised."""
        made = await make_partitions_ahead(database)  # first: whatever keeps the other from its work, rows come
        if made:
            _log.info("partitions made", count=made)
        await summarize_past_months(database)
        return f"{made} partitions made" if made else None

    async def roll_up(self, database: Database) -> str | None:
        """Bring minutes, hours and days up to date."""
        done = await roll_up(database)
        return f"{done.facts:,} facts, {done.buckets:,} buckets" if done.facts or done.buckets else None

    async def purge(self, database: Database) -> str | None:
        """Delete what is old enough to go."""
        gone = await purge(database, self._ages)
        for purged in gone:
            _log.info("old data deleted", table=purged.table, rows=purged.rows, partitions=len(purged.partitions))
        parts = (f"{each.table}: {each.rows:,} rows, {len(each.partitions)} partitions deleted" for each in gone)
        return "; ".join(parts) or None


async def _silently(books: Bookkeeper, database: Database) -> str | None:
    await books.run(database)
    return None
