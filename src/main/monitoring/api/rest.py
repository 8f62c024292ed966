"""Which numbers can be asked for over REST, and what is the answer? Every read, under its own name."""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request, Response

from main.clock import now
from main.domain.scope import Scope
from main.errors import AccessDenied, ConfigurationError, Problem, UnknownName
from main.monitoring.api.directory import Directory
from main.monitoring.api.forms import FORMAT, Form, chosen_form, written
from main.monitoring.api.json import encode
from main.monitoring.api.problems import problem, unavailable
from main.monitoring.api.question import COMMON, Question, parameters_of, question
from main.monitoring.read import Answer, Read, State, reads
from main.security.viewer import Viewer, current_viewer

JSON_TYPE = "application/json"


class Asked(Protocol):
    """What answers reads; `main.monitoring.hub.Hub` does."""

    async def ask(self, read: Read[Any], scope: Scope, params: Hashable = None) -> Answer[Any]:
        """Return a fresh answer."""
        ...


Catalogue = Callable[[], Mapping[str, Read[Any]]]


def read_routes(
    hub: Callable[[], Asked], directory: Callable[[], Directory], catalogue: Catalogue = reads
) -> APIRouter:
    """Return the routes of the catalogue and of every read in it."""
    router = APIRouter(prefix="/api", tags=["reads"])

    @router.get("/reads", summary="Every read: what can be asked, in which unit, and what it means")
    async def all_reads() -> Response:
        items = [_described(read) for read in catalogue().values()]
        return Response(encode({"as_of": now(), "items": items}), media_type=JSON_TYPE)

    # The declared parameters are documentation; all are parsed in one place, with the read's own ones.
    @router.get("/reads/{name}", summary="One read's value and how fresh it is")
    async def answer(
        *,
        request: Request,
        name: str,
        accounts_: Annotated[str | None, Query(alias="accounts", description=COMMON["accounts"])] = None,
        range_: Annotated[str | None, Query(alias="range", description=COMMON["range"])] = None,
        as_of: Annotated[str | None, Query(description=COMMON["as_of"])] = None,
        known_at: Annotated[str | None, Query(description=COMMON["known_at"])] = None,
        strategy: Annotated[str | None, Query(description=COMMON["strategy"])] = None,
        decimals: Annotated[str | None, Query(description=COMMON["decimals"])] = None,
        limit: Annotated[str | None, Query(description=COMMON["limit"])] = None,
        format_: Annotated[str | None, Query(alias="format", description=FORMAT)] = None,
    ) -> Response:
        given = _given(request)
        form = chosen_form(given.pop("format", "json"))
        asked = question(_named(name, catalogue()), given)
        scope, note = await chosen_scope(asked, current_viewer.get(), directory())
        return await _answered(request, asked, scope, note, hub(), form=form)

    return router


async def chosen_scope(asked: Question, viewer: Viewer | None, directory: Directory) -> tuple[Scope, str]:
    """Return the question's scope with its accounts, those named or those a page would show, and a note on the choice.

    Raises `AccessDenied` without a viewer or where the read is not for this one, `UnknownName` for an account that is
    not there or not the viewer's: the two look alike, so that nobody learns which accounts exist.
    """
    if viewer is None:
        raise AccessDenied("nobody is logged in: the request did not come through the guard")
    asked.read.allow(viewer)
    named = asked.scope.accounts
    visible = await directory.visible(viewer.accounts)
    if not directory.known:  # the database was away since the start: the answer will say so
        return replace(asked.scope, accounts=viewer.visible(named)), ""
    for account in named:
        if account not in visible:
            raise UnknownName("account", account, visible)
    if asked.read.about == "suite" and not named:  # no account's figures: nothing there to mix
        return replace(asked.scope, accounts=visible), ""
    selection = await directory.select(named, viewer.accounts)
    return replace(asked.scope, accounts=selection.accounts), selection.note


async def _answered(request: Request, asked: Question, scope: Scope, note: str, hub: Asked, *, form: Form) -> Response:
    started = time.perf_counter()
    answer = await hub.ask(asked.read, scope, asked.params)
    timing = {"Server-Timing": f"read;dur={(time.perf_counter() - started) * 1000:.2f}"}
    document = envelope(asked, scope, answer, note)
    if answer.value is None and (answer.state is State.UNREACHABLE or answer.timed_out):
        response = unavailable(request, answer.error or "the database is unreachable", **_status_of(document))
    elif answer.value is None and answer.state is State.ERROR:
        response = problem(request, 500, f"{asked.read.title} failed", **_status_of(document))
    else:
        response = await written(document, form, asked.decimals)
    response.headers.update(timing)
    return response


def envelope(asked: Question, scope: Scope, answer: Answer[Any], note: str = "") -> dict[str, Any]:
    """Return an answer's document: the value beside what says how far it may be trusted."""
    fresh = answer.freshness
    return {
        "read": asked.read.name,
        "unit": asked.read.unit,
        "accounts": scope.accounts,
        "range": scope.window,
        "as_of": fresh.as_of,
        "moment": fresh.moment,
        "age_seconds": (fresh.moment - fresh.as_of).total_seconds() if fresh.as_of else None,
        "clock": fresh.clock,
        "state": fresh.state,
        "since": fresh.since,
        "error": answer.error,
        "note": note,
        "value": asked.limited(answer.value),
    }


def _status_of(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("read", "as_of", "moment", "state", "since")}


def _named(name: str, catalogue: Mapping[str, Read[Any]]) -> Read[Any]:
    try:
        return catalogue[name]
    except KeyError:
        raise UnknownName("read", name, catalogue) from None


def _given(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        if name in given and name != "accounts":
            raise ConfigurationError(Problem("several values", "one", key=name))
        given[name] = f"{given[name]},{text}" if name in given else text
    return given


def _described(read: Read[Any]) -> dict[str, Any]:
    return {
        "name": read.name,
        "title": read.title,
        "unit": read.unit,
        "freshness": read.freshness,
        "topics": sorted(read.topics),
        "description": read.description,
        "formula": read.formula,
        "references": read.references,
        "source": read.source,
        "about": read.about,
        "parameters": parameters_of(read),
    }
