"""Which composed pages are there, and how is one saved and taken away without losing what somebody else did to it?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from main.clock import now
from main.config.mistakes import problems_of
from main.config.pages import MOST_PANELS, PageSettings
from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.errors import AccessDenied, ConfigurationError, Problem, UnknownName
from main.exporters.json import encode
from main.monitoring.api.body import BadBody, body_of
from main.monitoring.api.pages_described import DELETE_PAGE, GET_PAGE, LIST_PAGES, LIST_PANELS, PUT_PAGE
from main.monitoring.api.problems import problem, unavailable
from main.monitoring.api.rest import JSON_TYPE, Asked
from main.monitoring.read import Answer, read_named
from main.monitoring.reads.pages import StoredPage
from main.recording.intake import Intake
from main.recording.page_store import MOST_PAGES, PageContent, PageOutcome, remove_page, save_page
from main.security.policy import Rule
from main.security.viewer import Viewer, current_viewer

LARGEST = 64_000
_MOST_DIGITS = 9
_CHANGED = Announcement(Topic.PAGES)
"""The database tells everybody; who changed a page finds it changed at once, before that comes round."""
RULES = (
    Rule("/api/pages", ("GET",), "viewer"),
    Rule("/api/pages/{page}", ("GET",), "viewer"),
    Rule("/api/pages/{page}", ("PUT", "DELETE"), "operator"),
    Rule("/api/panels", ("GET",), "viewer"),
    Rule("/api/panels/frames", ("GET",), "viewer"),
)
"""The lines of the access table for these routes."""


class Announced(Asked, Protocol):
    """What answers reads, and can be told that they would say something else now; the hub does."""

    def announce(self, announcement: Announcement) -> None:
        """Take note that facts of a topic changed."""
        ...


class Shelf(Protocol):
    """Who knows the panels, handed in from above."""

    @property
    def pages(self) -> Sequence[PageSettings]:
        """The pages of the configuration file."""
        ...

    def catalogue(self) -> Sequence[Mapping[str, Any]]:
        """Return what a page can be composed of."""
        ...

    def problems(self, page: PageSettings) -> Sequence[Problem]:
        """Return what a page names that is not there."""
        ...

    def frames(self, names: Iterable[str]) -> bytes:
        """Return the frames of panels as a JSON object by name, a notice in the place of one that is not there."""
        ...


def page_routes(shelf: Shelf, hub: Callable[[], Announced], intake: Callable[[], Intake]) -> APIRouter:
    """Return the routes of composed pages and of the panels to compose them of."""
    router = APIRouter(prefix="/api", tags=["pages"])
    _reading(router, shelf, hub)
    _writing(router, shelf, hub, intake)

    @router.get("/panels", summary="Every panel that a page can be composed of", openapi_extra=LIST_PANELS)
    async def panels() -> Response:
        viewer = current_viewer.get()
        may_change = viewer is not None and viewer.has("operator")
        return _answer({"as_of": now(), "may_change": may_change, "items": shelf.catalogue()})

    @router.get("/panels/frames", include_in_schema=False)  # between the pages and their server
    async def frames(request: Request) -> Response:
        names = [name for name in request.query_params.get("names", "").split(",") if name]
        if len(names) > MOST_PANELS:
            return problem(request, 422, f"names: got {len(names)} panels, expected at most {MOST_PANELS}")
        return Response(shelf.frames(names), media_type=JSON_TYPE)

    return router


def _reading(router: APIRouter, shelf: Shelf, hub: Callable[[], Asked]) -> None:
    @router.get("/pages", summary="Every composed page", openapi_extra=LIST_PAGES)
    async def pages(request: Request) -> Response:
        answer = await _stored(hub)
        if answer.value is None:
            return unavailable(request, answer.error or "the database is unreachable")
        items = [*(_of_file(page) for page in shelf.pages), *_not_hidden(answer.value, shelf)]
        items.sort(key=lambda item: (item["place"], item["title"], item["page"]))
        return _answer({"as_of": now(), "error": answer.error, "items": items})

    @router.get("/pages/{page}", summary="One composed page, with its version as ETag", openapi_extra=GET_PAGE)
    async def one(request: Request, page: str) -> Response:
        written = next((each for each in shelf.pages if each.page == page), None)
        if written is not None:
            return _answer({"as_of": now(), **_of_file(written)})
        answer = await _stored(hub)
        if answer.value is None:
            return unavailable(request, answer.error or "the database is unreachable")
        found = next((each for each in answer.value if each.page == page), None)
        if found is None:
            raise UnknownName("page", page[:80], [each.page for each in answer.value])
        return _answer({"as_of": now(), **_of_store(found)}, version=found.version)


def _writing(router: APIRouter, shelf: Shelf, hub: Callable[[], Announced], intake: Callable[[], Intake]) -> None:
    @router.put("/pages/{page}", summary="Save a page, a new one or the next version", openapi_extra=PUT_PAGE)
    async def save(request: Request, page: str) -> Response:
        viewer = _operator()
        _not_of_the_file(page, shelf)
        try:
            body = await body_of(request, kinds=(JSON_TYPE,), largest=LARGEST)
        except BadBody as bad:
            return problem(request, bad.status, bad.message)
        asked = page_of(body, page)
        if problems := shelf.problems(asked):
            raise ConfigurationError(problems)
        expected = _expected(request)
        panels = [each.model_dump() for each in asked.panels]
        content = PageContent(asked.page, asked.dashboard, asked.title, asked.place, panels)
        outcome = await intake().lent(partial(save_page, content=content, by=viewer.name, expected=expected))
        if not outcome.done or outcome.version is None:
            return _conflict(request, expected, outcome)
        hub().announce(_CHANGED)
        status = 201 if expected is None else 200
        return _answer({"as_of": now(), "page": page, "version": outcome.version}, status, version=outcome.version)

    @router.delete("/pages/{page}", summary="Take a page away", status_code=204, openapi_extra=DELETE_PAGE)
    async def remove(request: Request, page: str) -> Response:
        _operator()
        _not_of_the_file(page, shelf)
        expected = _expected(request)
        outcome = await intake().lent(partial(remove_page, page=page, expected=expected))
        if outcome.done:
            hub().announce(_CHANGED)
            return Response(status_code=204)
        if outcome.version is None:
            return problem(request, 404, f"there is no page {page[:80]!r}; /api/pages lists them all")
        return _conflict(request, expected, outcome)


def page_of(body: bytes, name: str) -> PageSettings:
    """Return the page that a request's body describes. Raise `ConfigurationError` with every mistake in it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(Problem(f"no JSON ({error})", "a JSON object", key="body")) from None
    if not isinstance(document, dict):
        raise ConfigurationError(Problem("JSON that is no object", "title, dashboard and panels", key="body"))
    if document.setdefault("page", name) != name:
        raise ConfigurationError(Problem("another name than the address has", name[:80], key="page"))
    try:
        return PageSettings.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(tuple(problems_of(error, PageSettings, ()))) from None


async def _stored(hub: Callable[[], Asked]) -> Answer[list[StoredPage]]:
    return await hub().ask(read_named("pages"), Scope())


def _operator() -> Viewer:
    viewer = current_viewer.get()
    if viewer is None or not viewer.has("operator"):
        raise AccessDenied("changing composed pages needs the role operator")
    return viewer


def _not_of_the_file(page: str, shelf: Shelf) -> None:
    if any(each.page == page for each in shelf.pages):
        raise AccessDenied(f"the page {page} is written in the configuration file: change it there, or save a copy")


def _expected(request: Request) -> int | None:
    """The version that a change was made on, of the If-Match header; ``None`` where there is none."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    digits = given.strip().removeprefix("W/").strip('"')
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise ConfigurationError(Problem(given[:40], "the version that the change was made on", key="If-Match"))
    return int(digits)


def _conflict(request: Request, expected: int | None, outcome: PageOutcome) -> Response:
    if outcome.version is None:
        there = "the page is not there any more: save it under a new name" if expected is not None else ""
        return problem(request, 409, there or f"there are {MOST_PAGES} pages already: take one away first")
    who = f" by {outcome.changed_by}" if outcome.changed_by else ""
    told = f"the page was changed{who} meanwhile and is at version {outcome.version}"
    if expected is None:
        told = f"there is a page of this name already, at version {outcome.version}; send If-Match to change it"
    return problem(request, 409, told, version=outcome.version, changed_by=outcome.changed_by)


def _of_file(page: PageSettings) -> dict[str, Any]:
    return {**page.model_dump(), "origin": "file", "version": None, "changed_by": None, "at": None}


def _of_store(page: StoredPage) -> dict[str, Any]:
    names = ("page", "title", "dashboard", "place", "version", "changed_by", "at", "panels")
    return {name: getattr(page, name) for name in names} | {"origin": "user"}


def _not_hidden(stored: Iterable[StoredPage], shelf: Shelf) -> list[dict[str, Any]]:
    """The stored pages but those of whose name the configuration file has one: that one is shown."""
    written = {page.page for page in shelf.pages}
    return [_of_store(page) for page in stored if page.page not in written]


def _answer(document: Mapping[str, Any], status: int = 200, *, version: int | None = None) -> Response:
    headers = {"ETag": f'"{version}"'} if version is not None else None
    return Response(encode(document), status, headers, media_type=JSON_TYPE)
