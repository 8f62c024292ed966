"""Database tables: how large is each, how does it grow, and does vacuum keep up?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import Page, Paged, check_choice, check_page
from main.monitoring.read import Read
from main.monitoring.relation_samples import MEASURED, TABLES, TableState, measured_at
from main.monitoring.server_samples import newest_sample

SORTS = (
    *("total_bytes", "growth_bytes", "row_count", "live_rows", "dead_rows", "dead_share", "sequential_scans"),
    *("index_scans", "vacuumed_seconds", "analyzed_seconds", "freeze_age", "table_name"),
)


@dataclass(frozen=True, slots=True)
class TablesParams(Page):
    """Which tables, the largest first unless `sort` names another field; a leading - sorts downwards."""

    sort: str = "-total_bytes"

    def __post_init__(self) -> None:
        check_page(self.limit, self.offset)
        check_choice("sort", self.sort.removeprefix("-"), SORTS)


@dataclass(frozen=True, slots=True)
class TablesSummary:
    """All tables together; ``freeze_limit`` is the age from where vacuum is forced (autovacuum_freeze_max_age)."""

    sampled_at: datetime | None
    total_bytes: int
    index_bytes: int
    growth_bytes: int | None
    dead_rows: int
    freeze_limit: int | None


async def database_tables(
    db: Fetcher,
    scope: Scope,
    params: TablesParams = TablesParams(),
) -> Paged[TableState, TablesSummary]:
    """Return the tables of the database, each with its partitions; no items when none were measured.

    The worker measures the 1,000 largest every five minutes. Growth is over the window, as far back as it is known; a
    table that was not there at its beginning has none. Unknown values come last.
    """
    bounds = scope.bounds()
    found = await TABLES.all(db, bounds.end, bounds.known_at, bounds.start)
    sample = await newest_sample(db, scope)
    grown = [each.growth_bytes for each in found if each.growth_bytes is not None]
    summary = TablesSummary(
        await measured_at(db, scope),
        sum(each.total_bytes for each in found),
        sum(each.index_bytes for each in found),
        sum(grown) if grown else None,
        sum(each.dead_rows for each in found),
        sample.freeze_limit if sample else None,
    )
    shown = _sorted(found, params.sort)[params.offset : params.offset + params.limit]
    return Paged(shown, len(found), params.limit, params.offset, summary)


def _sorted(found: list[TableState], sort: str) -> list[TableState]:
    name = sort.removeprefix("-")
    known: list[Any] = [each for each in found if getattr(each, name) is not None]
    unknown = [each for each in found if getattr(each, name) is None]
    return [*sorted(known, key=lambda each: getattr(each, name), reverse=sort.startswith("-")), *unknown]


READ = Read(
    "database_tables",
    "Database tables",
    database_tables,
    topics=frozenset({Topic.DATABASE}),
    unit="bytes",
    freshness=MEASURED,
    about="suite",
    params=TablesParams,
    as_of=lambda page: page.summary.sampled_at if page.summary else None,
    formula="pg_table_size + pg_indexes_size; dead ÷ (live + dead) rows of pg_stat_all_tables",
)
