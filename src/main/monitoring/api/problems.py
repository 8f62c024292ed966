"""How does the API say that something went wrong? (RFC 9457, with the request's id and nothing inner)"""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from main.errors import (
    AccessDenied,
    AITraderError,
    CallbacksBusy,
    ConfigurationError,
    DatabaseError,
    ExportsBusy,
    UnknownName,
)
from main.exporters.json import encode
from main.security.refusal import PROBLEM_TYPE, Signpost, problem_document

RETRY_SECONDS = 5
"""What a caller is told to wait when the database is away; the pool tries about as often."""

_log = structlog.get_logger(__name__)


def problem(
    request: Request, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: object
) -> Response:
    """Return an error's answer; `more` are further members of the document."""
    request_id = getattr(request.state, "request_id", "")
    document = encode(problem_document(status, detail, request_id, **more))
    return Response(document, status, headers=headers, media_type=PROBLEM_TYPE)


def add_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(AITraderError, _ours)
    app.add_exception_handler(Exception, _unexpected)


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    detail = _DETAILS.get(status) or str(getattr(error, "detail", ""))
    if status == 404:
        detail = Signpost().refusal(request.scope["path"], person=False).message
    return problem(request, status, detail, headers=getattr(error, "headers", None))


async def _invalid(request: Request, error: Exception) -> Response:
    problems: Any = error.errors() if isinstance(error, RequestValidationError) else ()
    errors = [{"name": str(each["loc"][-1]), "expected": each["msg"]} for each in problems]
    return problem(request, 422, "; ".join(f"{each['name']}: {each['expected']}" for each in errors), errors=errors)


async def _ours(request: Request, error: Exception) -> Response:
    match error:
        case ConfigurationError():
            errors = [
                {"name": each.key, "got": each.got, "expected": each.expected, "hint": each.hint}
                for each in error.problems
            ]
            return problem(request, 422, "; ".join(map(str, error.problems)), errors=errors)
        case UnknownName():
            return problem(request, 404, error.message)
        case AccessDenied():
            return problem(request, 403, error.message)
        case DatabaseError() | CallbacksBusy() | ExportsBusy():
            return unavailable(request, error.message)
        case _:
            return await _unexpected(request, error)


def unavailable(request: Request, detail: str, **more: object) -> Response:
    """Return the answer of a server that would answer if its database did."""
    return problem(request, 503, detail, headers={"Retry-After": str(RETRY_SECONDS)}, **more)


async def _unexpected(request: Request, error: Exception) -> Response:
    request_id = getattr(request.state, "request_id", "")
    _log.error("request failed", path=request.scope["path"], request_id=request_id, exc_info=error)
    return problem(request, 500, "something went wrong here; the log has it under this request_id")


_DETAILS = {405: "this path has no such method"}
