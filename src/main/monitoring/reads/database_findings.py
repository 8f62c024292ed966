"""Database findings: what is wrong with the database server, why it matters, and which statement would act on it?"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.index_advice import index_advice
from main.monitoring.read import Read
from main.monitoring.relation_samples import INDEXES, TABLES
from main.monitoring.server_advice import Finding, findings
from main.monitoring.server_samples import COUNTED, SAMPLED, SESSIONS, SLOTS, STANDBYS, newest_sample

SHOWN = 50
"""More than that nobody reads; the others are counted."""


@dataclass(frozen=True, slots=True)
class DatabaseFindings:
    """What the rules found, the worst first, up to 50, and how many of each severity there are in all."""

    sampled_at: datetime | None
    critical: int
    warning: int
    info: int
    findings: tuple[Finding, ...]


async def database_findings(db: Fetcher, scope: Scope) -> DatabaseFindings:
    """Return what to look at in the server, each with its reason and a statement to act; none when all is well.

    The rules look at rights, connections, blocked and lasting transactions, cache, deadlocks, temporary files,
    checkpoints, wraparound, vacuum, replication and indexes. ``sampled_at`` is ``None`` when nothing was sampled.
    """
    bounds = scope.bounds()
    sample = await newest_sample(db, scope)
    if sample is None:
        return DatabaseFindings(None, 0, 0, 0, ())
    about = (bounds.end, bounds.known_at, bounds.start)
    counted = await COUNTED.all(db, *about)
    tables = await TABLES.all(db, *about)
    indexes = await INDEXES.all(db, bounds.end, bounds.known_at)
    found = findings(
        sample,
        counted[0],
        await SESSIONS.all(db, sample.at),
        tables=tables,
        indexes=index_advice(tables, indexes),
        replication=(await STANDBYS.all(db, sample.at), await SLOTS.all(db, sample.at)),
    )
    counts = Counter(each.severity for each in found)
    return DatabaseFindings(sample.at, counts["critical"], counts["warning"], counts["info"], tuple(found[:SHOWN]))


READ = Read(
    "database_findings",
    "Database findings",
    database_findings,
    topics=frozenset({Topic.DATABASE}),
    unit="findings",
    freshness=SAMPLED,
    about="suite",
    as_of=lambda found: found.sampled_at,
    scalar=lambda found: found.critical + found.warning,
    formula="rules over the samples of the server; critical and warning ones count as the headline",
)
