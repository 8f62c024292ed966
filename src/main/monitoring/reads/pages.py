"""Composed pages: which pages did people make of existing panels, in the browser or over the API?"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class PlacedPanel:
    """A panel on a page, in reading order.

    Without a ``width`` it is as wide as on its own page; ``options`` are what is chosen of its own choices.
    """

    panel: str
    width: int | None = None
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredPage:
    """One page. ``page`` is its name in the address, ``dashboard`` where it appears (trading, system or monitoring).

    ``version`` grows with every change, ``changed_by`` and ``at`` tell of the last one.
    """

    page: str
    dashboard: str
    title: str
    place: int
    version: int
    changed_by: str | None
    at: datetime
    panels: tuple[PlacedPanel, ...]


@dataclass(frozen=True, slots=True)
class PageRow:
    """A page as it is stored; ``panels`` is JSON."""

    page: str
    dashboard: str
    title: str
    place: int
    version: int
    changed_by: str | None
    at: datetime
    panels: str


STORED = Query(
    PageRow,
    """
    SELECT p.page, p.dashboard, p.title, p.place, p.version, p.changed_by, p.at, p.panels::text AS panels
      FROM pages p
     WHERE $1
     ORDER BY p.place, p.title, p.page
    """,
)


async def pages(db: Fetcher, scope: Scope) -> list[StoredPage]:
    """Return the pages as they stand, by place and title; empty in the past, because none is kept of them.

    Everybody sees which pages there are; what a page shows is what its viewer may see. Pages written in the
    configuration file are not among them: every dashboard has those from its settings.
    """
    return [_page(row) for row in await STORED.all(db, scope.present)]


def _page(row: PageRow) -> StoredPage:
    panels = tuple(PlacedPanel(**each) for each in json.loads(row.panels))
    return StoredPage(row.page, row.dashboard, row.title, row.place, row.version, row.changed_by, row.at, panels)


READ = Read(
    "pages",
    "Composed pages",
    pages,
    topics=frozenset({Topic.PAGES}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    scalar=len,
    formula="as last saved; a page is named once, its version counts its changes",
)
