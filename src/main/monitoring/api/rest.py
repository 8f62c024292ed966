"""Which numbers can be asked for over REST, and what is the answer? Every read, under its own name."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from fastapi import APIRouter, Request, Response

from main.clock import now
from main.domain.scope import Scope
from main.errors import AccessDenied, ConfigurationError, Problem, UnknownName
from main.exporters.json import encode
from main.monitoring.api.directory import Directory
from main.monitoring.api.forms import Form, chosen_form, written
from main.monitoring.api.known_strategy import check_strategy
from main.monitoring.api.problems import problem, unavailable
from main.monitoring.api.question import Question, parameters_of, question
from main.monitoring.read import Answer, Read, State, reads
from main.security.viewer import Viewer, current_viewer

JSON_TYPE = "application/json"

_METHODS = ["GET", "HEAD"]


class Asked(Protocol):
    """What answers reads; `main.monitoring.hub.Hub` does."""

    async def ask(self, read: Read[Any], scope: Scope, params: Hashable = None) -> Answer[Any]:
        """Return a fresh answer."""
        ...


Catalogue = Callable[[], Mapping[str, Read[Any]]]


def read_routes(
    hub: Callable[[], Asked], directory: Callable[[], Directory], catalogue: Catalogue = reads
) -> APIRouter:
    """Return the routes of the catalogue and of every read in it; `main.monitoring.api.openapi` describes them."""
    router = APIRouter(prefix="/api", tags=["reads"])

    @router.api_route("/reads", methods=_METHODS, include_in_schema=False)
    async def all_reads() -> Response:
        items = [_described(read) for read in catalogue().values()]
        return Response(encode({"as_of": now(), "items": items}), media_type=JSON_TYPE)

    @router.api_route("/reads/{name}", methods=_METHODS, include_in_schema=False)
    async def answer(request: Request, name: str) -> Response:
        read = _named(name, catalogue())
        given, problems = texts_of(request)
        try:
            form = chosen_form(given.pop("format", "json"))
        except ConfigurationError as error:
            problems.extend(error.problems)
        asked = question(read, given, problems)
        scope, note = await chosen_scope(asked, current_viewer.get(), directory())
        await check_strategy(hub(), scope)
        return await _answered(request, asked, scope, note, hub(), form=form)

    return router


async def chosen_scope(asked: Question, viewer: Viewer | None, directory: Directory) -> tuple[Scope, str]:
    """Return the question's scope as `visible_scope` does."""
    return await visible_scope((asked.read,), asked.scope, viewer, directory)


async def visible_scope(
    reads: Sequence[Read[Any]], asked: Scope, viewer: Viewer | None, directory: Directory
) -> tuple[Scope, str]:
    """Return the scope in which reads are asked, its accounts being those named or those a page would show.

    A note on the choice comes with it.

    Raises `AccessDenied` without a viewer or where the read is not for this one, `UnknownName` for an account that is
    not there or not the viewer's: the two look alike, so that nobody learns which accounts exist.
    """
    if viewer is None:
        raise AccessDenied("nobody is logged in: the request did not come through the guard")
    for read in reads:
        read.allow(viewer)
    named = asked.accounts
    visible = await directory.visible(viewer.accounts)
    if not directory.known:  # the database was away since the start: the answer will say so
        return replace(asked, accounts=viewer.visible(named)), ""
    for account in named:
        if account not in visible:
            raise UnknownName("account", account, visible)
    if not named and all(read.about == "suite" for read in reads):  # no account's figures: nothing there to mix
        return replace(asked, accounts=visible), ""
    selection = await directory.select(named, viewer.accounts)
    return replace(asked, accounts=selection.accounts), selection.note


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


def texts_of(request: Request) -> tuple[dict[str, str], list[Problem]]:
    """Return the texts of a request's query by name, and what is wrong with it as a whole.

    Only accounts may be named more than once.
    """
    given: dict[str, str] = {}
    twice: dict[str, Problem] = {}
    for name, text in request.query_params.multi_items():
        if name in given and name != "accounts":
            twice[name] = Problem("several values", "one", key=name[:80])
        given[name] = f"{given[name]},{text}" if name in given and name == "accounts" else text
    return given, list(twice.values())


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
