"""How do bots without a Recorder tell what they did? Batches of events, and the value of an account, over HTTP.

Both answers say the same: how many facts were accepted, how many had been stored before, and what was refused, each
with its line, its field and the problem. Sent again, a batch changes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response

from main.clock import now
from main.domain.events import Equity, Event
from main.errors import AccessDenied, RecordRejected
from main.exporters.json import encode
from main.monitoring.api.body import BadBody, body_of
from main.monitoring.api.problems import problem
from main.recording.dead_letters import DeadLetter
from main.recording.event_document import EVENTS, document_of, event_of, made
from main.recording.intake import Intake, Receipt
from main.security.viewer import Viewer, current_viewer

MOST_LINES = 1_000
LARGEST_BATCH = 1_000_000
LARGEST_BALANCE = 10_000
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json")
SOURCE = "api"
"""The source of an equity observation that came without one."""

_BALANCE_FIELDS = ("account", "balance", "at")


@dataclass(slots=True)
class _Batch:
    """What the lines of a request tell: events, each with its line, and what tells none."""

    events: list[Event] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)  # by the event's identity
    letters: list[DeadLetter] = field(default_factory=list)
    refused: list[dict[str, object]] = field(default_factory=list)

    def refuse(self, line: int, name: str, reason: str) -> None:
        self.refused.append({"line": line, "field": name, "problem": reason})


def write_routes(intake: Callable[[], Intake]) -> APIRouter:
    """Return the routes that write; `intake` is asked for at the first request that has something to store."""
    router = APIRouter(prefix="/api", tags=["writes"])

    @router.post("/record", summary="Record a batch of events, one JSON object a line", openapi_extra=_RECORD)
    async def record(request: Request) -> Response:
        viewer = _viewer()
        try:
            body = await body_of(request, kinds=LINES, largest=LARGEST_BATCH)
            lines = _numbered(body)
        except BadBody as bad:
            return problem(request, bad.status, bad.message)
        batch = await asyncio.to_thread(_read, lines, viewer)  # a thousand lines would hold the loop for 50 ms
        receipt = await intake().write(batch.events, batch.letters)
        return _answered(request, batch, receipt)

    @router.post("/balance", summary="Record what an account is worth", openapi_extra=_BALANCE)
    async def balance(request: Request) -> Response:
        viewer = _viewer()
        try:
            body = await body_of(request, kinds=("application/json",), largest=LARGEST_BALANCE)
            observed = _observed(document_of(_decoded(body)), viewer)
        except BadBody as bad:
            return problem(request, bad.status, bad.message)
        except RecordRejected as error:
            return _unprocessable(request, [{"line": 1, "field": error.field, "problem": error.message}])
        except ValueError as error:
            return _unprocessable(request, [{"line": 1, "field": "", "problem": str(error)}])
        batch = _Batch([observed], {id(observed): 1})
        return _answered(request, batch, await intake().write(batch.events))

    return router


def _viewer() -> Viewer:
    viewer = current_viewer.get()
    if viewer is None:
        raise AccessDenied("nobody is logged in: the request did not come through the guard")
    return viewer


def _numbered(body: bytes) -> list[tuple[int, bytes]]:
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise BadBody(422, "the body has no line: send one JSON object a line")
    if len(lines) > MOST_LINES:
        raise BadBody(413, f"the body has {len(lines)} lines: send at most {MOST_LINES} at once")
    return lines


def _read(lines: Sequence[tuple[int, bytes]], viewer: Viewer) -> _Batch:
    batch = _Batch()
    for number, line in lines:
        document: Mapping[str, Any] = {}
        try:
            document = document_of(_decoded(line))
            event = _allowed(event_of(document), viewer)
        except RecordRejected as error:
            batch.refuse(number, error.field, error.message)
            batch.letters.append(_letter(line, error.message, document))
        except ValueError as error:
            batch.refuse(number, "", str(error))
            batch.letters.append(_letter(line, str(error), document))
        else:
            batch.events.append(event)
            batch.lines[id(event)] = number
    return batch


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8: byte {error.start + 1} of the line is none") from None


def _allowed(event: Event, viewer: Viewer) -> Event:
    account = getattr(event, "account", None)
    if account is not None and not viewer.may_see(account):
        raise RecordRejected("account", account, "expected an account of yours")
    return event


def _letter(line: bytes, reason: str, document: Mapping[str, Any]) -> DeadLetter:
    name = document.get("event")
    kind = EVENTS.get(name) if isinstance(name, str) else None
    return DeadLetter.of_text(line.decode(errors="backslashreplace"), reason, kind.table if kind else "unknown")


def _observed(document: Mapping[str, Any], viewer: Viewer) -> Event:
    for name in document:
        if name not in _BALANCE_FIELDS:
            raise RecordRejected(name, document[name], f"expected one of {', '.join(_BALANCE_FIELDS)}")
    if "balance" not in document:
        raise RecordRejected("balance", None, "expected a value: it cannot be left out")
    given = {"account": document.get("account"), "equity": document["balance"]}
    at = document.get("at") or now().isoformat()
    try:
        # Of a moment there is one observation: said again it is a duplicate, said otherwise a conflict.
        return _allowed(made(Equity, given | {"at": at, "source": SOURCE, "source_id": str(at)}), viewer)
    except RecordRejected as error:
        name = "balance" if error.field == "equity" else error.field
        raise RecordRejected(name, error.value, error.reason) from None


def _answered(request: Request, batch: _Batch, receipt: Receipt) -> Response:
    for refusal in receipt.refused:
        batch.refuse(batch.lines[id(refusal.event)], refusal.field, refusal.problem)
    refused = sorted(batch.refused, key=lambda each: int(str(each["line"])))
    if refused and not receipt.accepted and not receipt.duplicates:
        conflict = all(each.conflict for each in receipt.refused) and len(receipt.refused) == len(refused)
        return _unprocessable(request, refused, 409 if conflict else 422)
    document = {
        "as_of": now(),
        "accepted": receipt.accepted,
        "duplicates": receipt.duplicates,
        "refused": refused,
    }
    return Response(encode(document), media_type="application/json")


def _unprocessable(request: Request, refused: Sequence[Mapping[str, object]], status: int = 422) -> Response:
    others = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    detail = f"line {refused[0]['line']} {_named(refused[0])}{others}"
    return problem(request, status, detail, accepted=0, duplicates=0, refused=refused)


def _named(refusal: Mapping[str, object]) -> str:
    field, told = str(refusal["field"]), str(refusal["problem"])
    return told if not field or told.startswith(f"{field}:") else f"{field}: {told}"  # an event's refusal names it


_REFUSED = {
    "type": "object",
    "properties": {"line": {"type": "integer"}, "field": {"type": "string"}, "problem": {"type": "string"}},
}
_RECEIPT = {
    "type": "object",
    "properties": {
        "as_of": {"type": "string", "format": "date-time"},
        "accepted": {"type": "integer", "description": "Facts that are new."},
        "duplicates": {"type": "integer", "description": "Facts that were stored before; nothing changed."},
        "refused": {"type": "array", "items": _REFUSED},
    },
}
_RESPONSES = {
    "200": {"description": "What became of the batch.", "content": {"application/json": {"schema": _RECEIPT}}},
    "409": {"description": "All of it is stored already, with other content."},
    "413": {"description": "Too many lines or bytes."},
    "415": {"description": "Not JSON lines."},
    "422": {"description": "Nothing of it could be stored; line, field and problem of each."},
    "503": {"description": "The database is away: nothing is stored; send the same again after Retry-After seconds."},
}
_RECORD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_LINES} lines and {LARGEST_BATCH} bytes. Each names its event: "
        f"{', '.join(EVENTS)}. Numbers may be texts; times are ISO 8601 with their zone.",
        "content": {LINES[0]: {"schema": {"type": "string"}, "example": '{"event": "fill", "account": "A", …}'}},
    },
    "responses": _RESPONSES,
}
_BALANCE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["account", "balance"],
                    "properties": {
                        "account": {"type": "string"},
                        "balance": {"anyOf": [{"type": "number"}, {"type": "string"}]},
                        "at": {"type": "string", "format": "date-time"},
                    },
                }
            }
        },
    },
    "responses": _RESPONSES,
}
