"""How does somebody write notes and tags about a closed trade over HTTP? In their own name, and over nobody's head."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from main.clock import now
from main.domain.trade_notes import LONGEST_NOTES, LONGEST_TAG, MOST_TAGS, TradeNotes
from main.errors import AccessDenied, ConfigurationError, Problem
from main.exporters.json import encode
from main.monitoring.api.body import BadBody, body_of
from main.monitoring.api.problems import problem
from main.monitoring.reads.trade import TradeId
from main.recording.intake import Intake
from main.recording.trade_notes import StaleNotes, write_notes
from main.security.viewer import Viewer, current_viewer

LARGEST = 40_000
"""Bytes: the longest notes and tags in letters that take four each, and the id."""
_MOST_REVISIONS = 1_000_000


def annotate_route(intake: Callable[[], Intake]) -> APIRouter:
    """Return the route ``PUT /api/trades/notes``; `intake` is asked for at the first request that needs it.

    The trade's id stands in the body, for it may have any letters, and a path only few.
    """
    router = APIRouter(prefix="/api/trades", tags=["trades"])

    @router.put("/notes", summary="Write notes and tags of a closed trade", openapi_extra=_DESCRIBED)
    async def noted(request: Request) -> Response:
        viewer = _operator()
        try:
            body = await body_of(request, kinds=("application/json",), largest=LARGEST)
        except BadBody as bad:
            return problem(request, bad.status, bad.message)
        trade, wanted, revision = _told(body)
        if not viewer.may_see(trade.candidates[0]):
            return problem(request, 404, "no such trade")
        write = partial(write_notes, trade=trade.candidates, wanted=wanted, revision=revision, by=viewer.name)
        try:
            written = await intake().lent(write)
        except StaleNotes as stale:
            return problem(request, 409, stale.message, present=stale.present)
        if written is None:
            return problem(request, 404, "no such trade")
        return Response(encode({"as_of": now(), "note": written}), media_type="application/json")

    return router


def _operator() -> Viewer:
    viewer = current_viewer.get()
    if viewer is None or not viewer.has("operator"):
        raise AccessDenied("writing about a trade needs the role operator")
    return viewer


def _told(body: bytes) -> tuple[TradeId, TradeNotes, int]:
    """What the body says. Raise `ConfigurationError` with the field that is wrong."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError(Problem("no JSON object", "one with id, notes, tags and revision", key="body"))
    revision, notes, tags = document.get("revision", 0), document.get("notes") or "", document.get("tags") or []
    if not isinstance(revision, int) or isinstance(revision, bool) or not 0 <= revision <= _MOST_REVISIONS:
        raise _wrong("revision", "the number of the version that was changed, 0 for the bot's own")
    if not isinstance(notes, str):
        raise _wrong("notes", "a text")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _wrong("tags", "a list of texts")
    return _trade(document), _notes(notes, tuple(tags)), revision


def _trade(document: Mapping[str, Any]) -> TradeId:
    expected = "account/source/source_id, as the list of trades has it"
    given = document.get("id")
    if not isinstance(given, str) or not given:
        raise _wrong("id", expected)
    try:
        return TradeId(given)
    except ValueError:
        raise _wrong("id", expected) from None


def _notes(notes: str, tags: tuple[str, ...]) -> TradeNotes:
    try:
        return TradeNotes.written(notes, tags)
    except ValueError as error:
        name, _, told = str(error).partition(": got ")
        got, _, expected = told.partition(", expected ")
        raise _wrong(name, expected, got) from None


def _wrong(name: str, expected: str, got: str = "something else") -> ConfigurationError:
    return ConfigurationError(Problem(got, expected, key=name))


_NOTES: dict[str, Any] = {"type": "string", "maxLength": LONGEST_NOTES}
_TAGS: dict[str, Any] = {
    "type": "array",
    "maxItems": MOST_TAGS,
    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
}
_DESCRIBED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["id", "revision"],
                    "properties": {
                        "id": {"type": "string", "minLength": 5, "maxLength": 1000},
                        "notes": _NOTES,
                        "tags": _TAGS,
                        "revision": {"type": "integer", "minimum": 0, "maximum": _MOST_REVISIONS},
                    },
                },
                "example": {"id": "DEFAULT/bot/00000042", "notes": "As planned.", "tags": ["reviewed"], "revision": 0},
            }
        },
    },
    "responses": {
        "200": {"description": "How notes and tags stand now."},
        "404": {"description": "There is no such trade, or it is not the caller's to see."},
        "409": {"description": "Somebody wrote meanwhile; `present` has their words and the revision to write on."},
        "422": {"description": "A field is wrong; it is named."},
        "503": {"description": "The database cannot be reached: nothing was changed, try again."},
    },
}
