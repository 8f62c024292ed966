"""How is a composed page kept: created once, changed by who saw its newest version, taken away?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from main.recording.writer import Writer

MOST_PAGES = 200

_CREATE = """
    INSERT INTO public.pages (page, dashboard, title, place, panels, origin, changed_by)
    SELECT $1, $2, $3, $4, $5::jsonb, 'user', $6
     WHERE (SELECT count(*) FROM public.pages) < $7
    ON CONFLICT (page) DO NOTHING
    RETURNING version
"""
_CHANGE = """
    UPDATE public.pages
       SET dashboard = $2, title = $3, place = $4, panels = $5::jsonb, changed_by = $6, version = version + 1,
           at = clock_timestamp()
     WHERE page = $1 AND version = $7
    RETURNING version
"""
_REMOVE = "DELETE FROM public.pages WHERE page = $1 AND ($2::integer IS NULL OR version = $2) RETURNING version"
_STATE = """
    SELECT version, changed_by,
           (dashboard, title, place, panels, changed_by)
               IS NOT DISTINCT FROM ($2, $3, $4::integer, $5::jsonb, $6) AS same
      FROM public.pages WHERE page = $1
"""
_THERE = "SELECT version, changed_by FROM public.pages WHERE page = $1"


@dataclass(frozen=True, slots=True)
class PageContent:
    """What a page says: the name in its address, where it appears, its title, its order, its panels."""

    page: str
    dashboard: str
    title: str
    place: int
    panels: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What became of a change. ``version`` is the page's now, ``None`` where there is none (any more).

    ``changed_by`` names who came before a change that was not made.
    """

    done: bool
    version: int | None
    changed_by: str | None = None


async def save_page(writer: Writer, content: PageContent, by: str, expected: int | None) -> PageOutcome:
    """Store a page in the name `by`: a new one, or the next version of the `expected` one.

    Not done where another version is there, or none, or already `MOST_PAGES`. The same words of the same person twice
    are one change: the answer to the first may have been lost.
    """
    told = (content.page, content.dashboard, content.title, content.place, json.dumps(list(content.panels)), by)
    statement, last = (_CREATE, MOST_PAGES) if expected is None else (_CHANGE, expected)
    version = await writer.connection.fetchval(statement, *told, last)
    if version is not None:
        return PageOutcome(True, version)
    row = await writer.connection.fetchrow(_STATE, *told)
    if row is None:
        return PageOutcome(False, None)
    repeated = row["same"] and row["version"] == (expected or 0) + 1
    return PageOutcome(repeated, row["version"], row["changed_by"])


async def remove_page(writer: Writer, page: str, expected: int | None) -> PageOutcome:
    """Take a page away, where `expected` is named only that version of it. Not done where it is not there."""
    if await writer.connection.fetchval(_REMOVE, page, expected) is not None:
        return PageOutcome(True, None)
    row = await writer.connection.fetchrow(_THERE, page)
    return PageOutcome(False, *((row["version"], row["changed_by"]) if row is not None else (None, None)))
