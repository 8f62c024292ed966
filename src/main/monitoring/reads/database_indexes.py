"""Database indexes: which are missing, broken, superfluous or never used, and what would mend that?"""

from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.index_advice import IndexAdvice, index_advice
from main.monitoring.read import Read
from main.monitoring.relation_samples import INDEXES, MEASURED, TABLES, measured_at

SHOWN = 100
"""Advice beyond that is left out, and counted."""


@dataclass(frozen=True, slots=True)
class DatabaseIndexes:
    """What there is to do about indexes, the most urgent first, up to 100 of ``advised``; and how many there are."""

    sampled_at: datetime | None
    indexes: int
    index_bytes: int
    unused: int
    advised: int
    advice: tuple[IndexAdvice, ...]


async def database_indexes(db: Fetcher, scope: Scope) -> DatabaseIndexes:
    """Return advice about indexes with the statement that would act; none where all is well or nothing was measured.

    Missing is what the schema of this version defines and the database lacks. Scans are counted since the server's
    statistics began and on this server alone: a replica may use what seems unused. Nothing is ever run for you.
    """
    bounds = scope.bounds()
    tables = await TABLES.all(db, bounds.end, bounds.known_at, bounds.start)
    indexes = await INDEXES.all(db, bounds.end, bounds.known_at)
    advice = index_advice(tables, indexes)
    return DatabaseIndexes(
        await measured_at(db, scope),
        len(indexes),
        sum(each.index_bytes for each in indexes),
        sum(each.index_scans == 0 for each in indexes),
        len(advice),
        tuple(advice[:SHOWN]),
    )


READ = Read(
    "database_indexes",
    "Database indexes",
    database_indexes,
    topics=frozenset({Topic.DATABASE}),
    unit="indexes",
    freshness=MEASURED,
    about="suite",
    as_of=lambda found: found.sampled_at,
    formula="pg_index and pg_stat_all_indexes against the indexes that the schema defines",
)
