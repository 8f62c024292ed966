"""How does a whole list leave over HTTP: exactly what the filters say, as a file, however long it is?"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Send
from starlette.types import Scope as ConnectionScope

from main.domain.scope import Scope
from main.errors import Problem, UnknownName, did_you_mean
from main.exporters.exports import Export, Exports, whole
from main.exporters.format import Format
from main.exporters.formats import FORMATS
from main.exporters.source import of_value, pages
from main.monitoring.api.directory import Directory
from main.monitoring.api.known_strategy import check_strategy
from main.monitoring.api.problems import problem, unavailable
from main.monitoring.api.question import Question, question
from main.monitoring.api.rest import Asked, Catalogue, chosen_scope, texts_of
from main.monitoring.read import Read, State, reads
from main.security.viewer import current_viewer

STALL_SECONDS = 60.0
"""Who takes nothing for so long has gone: the connection is needed by others."""
FORMAT = f"The file's format: {', '.join(FORMATS)}."
PLAIN = next(iter(FORMATS))
_FEW = 3
_PAGES = ("limit", "offset")

_log = structlog.get_logger(__name__)


def export_routes(
    hub: Callable[[], Asked],
    directory: Callable[[], Directory],
    exports: Callable[[], Exports],
    catalogue: Catalogue = reads,
) -> APIRouter:
    """Return the route that exports any read; `main.monitoring.api.openapi` describes it."""
    router = APIRouter(prefix="/api", tags=["exports"])

    @router.api_route("/export/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def export(request: Request, name: str) -> Response:
        known = catalogue()
        if name not in known:
            raise UnknownName("read", name, known)
        given, problems = texts_of(request)
        form = _form(given.pop("format", PLAIN), problems)
        asked = exported(known[name], given, problems)
        scope, _ = await chosen_scope(asked, current_viewer.get(), directory())
        await check_strategy(hub(), scope)
        if pages(asked.read) and asked.read.source == "sql":
            return await _sent(request, await exports().listing(asked.read, scope, asked.params), asked, scope, form)
        answer = await hub().ask(asked.read, scope, asked.params)
        if answer.value is None and answer.error is not None:
            away = answer.state is State.UNREACHABLE or answer.timed_out
            return unavailable(request, answer.error) if away else problem(request, 500, f"{asked.read.title} failed")
        return await _sent(request, whole(of_value(asked.read, asked.limited(answer.value))), asked, scope, form)

    return router


def exported(read: Read[Any], given: Mapping[str, str], problems: Sequence[Problem] = ()) -> Question:
    """Return what an export is asked for: what the read is, but for the page, for it has all of them.

    Raise `ConfigurationError` with every mistake.
    """
    turned = [name for name in _PAGES if pages(read) and name in given]
    wrong = [Problem(f'"{given[name][:80]}"', "no page: an export has all of them", key=name) for name in turned]
    return question(read, {name: text for name, text in given.items() if name not in turned}, [*problems, *wrong])


def file_name(read: str, scope: Scope, moment: datetime, form: Format) -> str:
    """Return what the file is called: what it holds, of whom, and of which day (UTC)."""
    accounts = "-".join(scope.accounts) if len(scope.accounts) <= _FEW else f"{len(scope.accounts)}-accounts"
    return f"{'_'.join(filter(None, (read, accounts, f'{moment:%Y-%m-%d}')))}.{form.name}"


class Download(StreamingResponse):
    """An export on its way. It is closed when it ends, when whoever asked goes, and when they take nothing any more."""

    def __init__(self, export: Export, form: Format, decimals: str, headers: Mapping[str, str]) -> None:
        """Take an export that has begun; nobody else closes it."""
        super().__init__(export.chunks(form, decimals), headers=headers, media_type=form.media_type)
        self._export = export

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        """Send it, and close it however that ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._export.close()

    async def stream_response(self, send: Send) -> None:
        """Send all of it, or as much as is taken: then the connection is cut, which no reader takes for the end."""

        async def patiently(message: Message) -> None:
            async with asyncio.timeout(STALL_SECONDS):
                await send(message)

        try:
            await super().stream_response(patiently)
        except TimeoutError:
            _log.warning("export given up", reason=f"nothing was taken of it for {STALL_SECONDS:g} s")


async def _sent(request: Request, export: Export, asked: Question, scope: Scope, form: Format) -> Response:
    name = file_name(asked.read.name, scope, export.moment, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Export-Rows": str(export.source.count)}
    if request.method == "HEAD":
        await export.close()
        return Response(headers=headers, media_type=form.media_type)
    return Download(export, form, asked.decimals, headers)


def _form(text: str, problems: list[Problem]) -> Format:
    if text not in FORMATS:
        expected, hint = f"one of {', '.join(FORMATS)}", did_you_mean(text, FORMATS)
        problems.append(Problem(f'"{text[:80]}"', expected, key="format", hint=hint))
    return FORMATS.get(text, FORMATS[PLAIN])
