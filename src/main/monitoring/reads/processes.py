"""Processes: what do the programs that matter take of the machine, and which of them are the suite's?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import Page, Paged, check_choice, check_page
from main.monitoring.read import Read

FRESH = timedelta(minutes=5)
"""An older sample tells of processes that may be gone."""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One process at the newest sample; ``None`` where we may not look.

    ``cpu_share`` is of one core (1.0 is a core fully used), ``None`` in its first sample. ``service`` is the suite's
    name for it; ``None`` for another program.
    """

    host: str
    pid: int
    name: str
    service: str | None
    status: str | None
    cpu_share: float | None
    rss_bytes: int | None
    threads: int | None
    file_descriptors: int | None
    started_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ProcessTotal:
    """All processes of the sample together: how many there are and what they take; ``None`` where unknown."""

    processes: int
    suite_processes: int
    cpu_share: float | None
    suite_cpu_share: float | None
    suite_rss_bytes: int | None


_ROWS: LiteralString = """
    SELECT m.host, m.pid, m.name, m.service, m.status, m.cpu_percent / 100 AS cpu_share, m.rss_bytes, m.threads,
           m.file_descriptors, m.started_at::timestamptz AS started_at, m.at::timestamptz AS at
      FROM newest_processes($1, $2, $3) n
      JOIN process_metrics m ON m.host = n.host AND m.at = n.at
     ORDER BY
"""
_ORDERS: dict[str, LiteralString] = {
    "-cpu_share": "m.cpu_percent DESC NULLS LAST",
    "cpu_share": "m.cpu_percent ASC NULLS LAST",
    "-rss_bytes": "m.rss_bytes DESC NULLS LAST",
    "rss_bytes": "m.rss_bytes ASC NULLS LAST",
    "-threads": "m.threads DESC NULLS LAST",
    "threads": "m.threads ASC NULLS LAST",
    "-file_descriptors": "m.file_descriptors DESC NULLS LAST",
    "file_descriptors": "m.file_descriptors ASC NULLS LAST",
    "-started_at": "m.started_at DESC NULLS LAST",
    "started_at": "m.started_at ASC NULLS LAST",
    "-name": "lower(m.name) DESC",
    "name": "lower(m.name) ASC",
    "-service": "m.service DESC NULLS LAST",
    "service": "m.service ASC NULLS LAST",
}
_PAGES = {sort: Query(ProcessState, _ROWS + order + ", m.pid LIMIT $4 OFFSET $5") for sort, order in _ORDERS.items()}
BUSIEST = _PAGES["-cpu_share"]
TOTAL = Query(
    ProcessTotal,
    """
    SELECT count(*) AS processes, count(m.service) AS suite_processes, sum(m.cpu_percent) / 100 AS cpu_share,
           sum(m.cpu_percent) FILTER (WHERE m.service IS NOT NULL) / 100 AS suite_cpu_share,
           (sum(m.rss_bytes) FILTER (WHERE m.service IS NOT NULL))::bigint AS suite_rss_bytes
      FROM newest_processes($1, $2, $3) n
      JOIN process_metrics m ON m.host = n.host AND m.at = n.at
    """,
)


@dataclass(frozen=True, slots=True)
class ProcessesPage(Page):
    """Params: which part of the list, by which field."""

    sort: str = "-cpu_share"

    def __post_init__(self) -> None:
        check_page(self.limit, self.offset)
        check_choice("sort", self.sort, _ORDERS)


Processes = Paged[ProcessState, ProcessTotal]
FIRST_PAGE = ProcessesPage()


async def processes(db: Fetcher, scope: Scope, page: ProcessesPage = FIRST_PAGE) -> Processes:
    """Return one page of the processes whose program's name has one of ``process_filter``'s words, and the suite's own.

    They are of the newest sample of the last five minutes; no items where there is none. The worker keeps the 200 that
    take most.
    """
    bounds = scope.bounds()
    which = (bounds.end, bounds.known_at, FRESH)
    items = await _PAGES[page.sort].all(db, *which, page.limit, page.offset)
    total = await TOTAL.first(db, *which)
    return Paged(items, total.processes if total else 0, page.limit, page.offset, total)


READ = Read(
    "processes",
    "Processes",
    processes,
    topics=frozenset({Topic.HOST}),
    unit="by column",
    freshness=timedelta(seconds=45),
    about="suite",
    params=ProcessesPage,
    as_of=lambda page: page.items[0].at if page.items else None,
    formula="processor seconds since the sample before / time; resident memory, which shared pages count in twice",
)
