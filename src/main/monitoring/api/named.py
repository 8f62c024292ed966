"""How is a named path answered: its texts become questions, the reads' answers become its one document?"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from main.clock import parse_moment
from main.domain.scope import Scope
from main.exporters.json import Decimals, encode
from main.monitoring.api.directory import Directory
from main.monitoring.api.known_strategy import check_strategy
from main.monitoring.api.named_paths import NAMED
from main.monitoring.api.named_shape import NamedPath, Part
from main.monitoring.api.parsing import FIRST_YEAR, LAST_YEAR, Parsing
from main.monitoring.api.problems import problem, unavailable
from main.monitoring.api.question import COMMON
from main.monitoring.api.rest import JSON_TYPE, Asked, texts_of, visible_scope
from main.monitoring.freshness import worst
from main.monitoring.read import Answer, State
from main.security.policy import Rule
from main.security.viewer import current_viewer

MOST_DAYS = 3_660
DAYS, START, END = "days", "start_date", "end_date"

_MANY = 200  # rows


@dataclass(frozen=True, slots=True)
class _Asking:
    """What a request asks of a path: one scope, and the parameters of each part."""

    scope: Scope
    params: tuple[Any, ...]
    limit: int | None
    decimals: Decimals


def named_routes(
    hub: Callable[[], Asked], directory: Callable[[], Directory], paths: Sequence[NamedPath] = NAMED
) -> APIRouter:
    """Return a route for each path; `main.monitoring.api.openapi` describes them."""
    router = APIRouter(tags=["named"])
    for path in paths:
        endpoint = _endpoint(path, hub, directory)
        router.add_api_route(path.path, endpoint, methods=["GET", "HEAD"], include_in_schema=False)
    return router


def named_rules(paths: Sequence[NamedPath] = NAMED) -> tuple[Rule, ...]:
    """Return the lines of the access table for the paths."""
    return tuple(Rule(path.path, ("GET",), "viewer") for path in paths)


def parameters_of_path(path: NamedPath) -> tuple[str, ...]:
    """Return the names of the parameters that a path takes."""
    own = [name for part in path.parts for name in part.parameters]
    window = [DAYS] if path.days else [START, END] if path.dates else []
    limit = ["limit"] if path.limits or path.aliases else []
    common = [name for name in COMMON if name != "limit"]
    return tuple(dict.fromkeys((*common, *window, *limit, *own)))


def _endpoint(
    path: NamedPath, hub: Callable[[], Asked], directory: Callable[[], Directory]
) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        asking = _asking(path, request)
        reads = [part.read for part in path.parts]
        scope, note = await visible_scope(reads, asking.scope, current_viewer.get(), directory())
        await check_strategy(hub(), scope)
        started = time.perf_counter()
        answers = await asyncio.gather(
            *(hub().ask(read, scope, params) for read, params in zip(reads, asking.params, strict=True))
        )
        took = (time.perf_counter() - started) * 1000
        response = await _response(request, path, asking, answers, accounts=scope.accounts, note=note)
        response.headers["Server-Timing"] = f"read;dur={took:.2f}"
        return response

    return endpoint


def _asking(path: NamedPath, request: Request) -> _Asking:
    given, problems = texts_of(request)
    parsing = Parsing(given, parameters_of_path(path))
    parsing.problems.extend(problems)
    window = _window(path, parsing)
    renamed = {
        own: str(number)
        for name, (own, least, most) in path.aliases.items()
        if (number := parsing.whole(name, least, most)) is not None
    }
    if renamed and any(own in parsing for own in renamed):
        parsing.wrong("limit", "nothing beside points, which it is another name of")
    scope = parsing.scope(window)
    params = tuple(parsing.params(part.read, dict(part.fixed) | renamed) for part in path.parts)
    limit = parsing.whole("limit", 1, path.limits[1]) if path.limits else None
    asking = _Asking(scope, params, limit, parsing.decimals())
    parsing.finish()
    return asking


def _window(path: NamedPath, parsing: Parsing) -> str:
    """The window where no range is given: that of a number of days, or of two dates."""
    named = [name for name in (DAYS, START, END) if name in parsing]
    for name in named if "range" in parsing else ():
        parsing.wrong(name, "nothing beside range: name the window in one way")
    if path.days:
        return f"{parsing.whole(DAYS, 1, MOST_DAYS) or path.days}d"
    if not named:
        return path.window
    start = _date(parsing, START) or datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = _date(parsing, END, whole_day=True) or datetime(LAST_YEAR, 12, 31, tzinfo=UTC)
    if start >= end:
        parsing.wrong(END if END in parsing else START, "a window that ends after it starts")
        return path.window
    return f"{start.isoformat()}..{end.isoformat()}"


def _date(parsing: Parsing, name: str, *, whole_day: bool = False) -> datetime | None:
    """A day's start in UTC, or its end where the `whole_day` belongs to the window; or a moment with its zone."""
    if name not in parsing:
        return None
    text = parsing.text(name)
    try:
        day = date.fromisoformat(text)
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=whole_day)
    except ValueError:
        try:
            moment = parse_moment(text.replace(" ", "+"), name)
            if FIRST_YEAR <= moment.year <= LAST_YEAR:
                return moment
        except ValueError:
            pass
    parsing.wrong(name, f"a date such as 2026-11-20 (in UTC), or a time with its zone, {FIRST_YEAR} to {LAST_YEAR}")
    return None


async def _response(
    request: Request,
    path: NamedPath,
    asking: _Asking,
    answers: Sequence[Answer[Any]],
    *,
    accounts: Sequence[str],
    note: str,
) -> Response:
    head = _head(answers)
    missing = unanswered(path, answers)
    if missing is not None:
        part, answer = missing
        if answer.state is State.UNREACHABLE or answer.timed_out:
            return unavailable(request, answer.error or "", **head)
        return problem(request, 500, f"{part.read.title} failed", **head)

    def written() -> bytes:
        exact = asking.decimals == "string"
        shown = document(path, answers, accounts, asking.scope.window, note, exact=exact, limit=asking.limit)
        return encode(shown, asking.decimals)

    values = [answer.value for answer in answers]
    return Response(await asyncio.to_thread(written) if is_long(values) else written(), media_type=JSON_TYPE)


def unanswered(path: NamedPath, answers: Sequence[Answer[Any]]) -> tuple[Part, Answer[Any]] | None:
    """Return the first part that has an error and no value, so that the path has no document; ``None`` without one."""
    for part, answer in zip(path.parts, answers, strict=True):
        if not path.partial and answer.error is not None and answer.value is None:
            return part, answer
    return None


def document(
    path: NamedPath,
    answers: Sequence[Answer[Any]],
    accounts: Sequence[str],
    window: str,
    note: str = "",
    *,
    exact: bool = False,
    limit: int | None = None,
) -> dict[str, Any]:
    """Return what a path says, of the answers to its parts: the figures, and how far they may be trusted.

    With `exact`, numbers are not rounded to what is usual in print. `note` comes first under ``note``.
    """
    values = {part.name: answer.value for part, answer in zip(path.parts, answers, strict=True)}
    figures = path.document(values, exact=exact, limit=limit)
    error = next((answer.error for answer in answers if answer.error), None)
    notes = "; ".join(filter(None, (note, figures["note"])))
    return figures | _head(answers) | {"accounts": accounts, "range": window, "error": error, "note": notes}


def is_long(values: Sequence[Any]) -> bool:
    """Return whether writing the values takes milliseconds, which the event loop has better use for."""
    return sum(_length(value) for value in values) > _MANY


def _head(answers: Sequence[Answer[Any]]) -> dict[str, Any]:
    fresh = worst(answers).freshness
    return {name: getattr(fresh, name) for name in ("as_of", "moment", "state", "since")}


def _length(value: Any) -> int:
    rows = getattr(value, "items", None) or getattr(value, "points", None) or value
    return len(rows) if isinstance(rows, list | tuple) else 1
