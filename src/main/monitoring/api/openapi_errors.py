"""Which errors may a path answer with, and what do they look like?"""

from typing import Any

from main.security.refusal import PROBLEM_TYPE

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do about it."},
        "request_id": {"type": "string", "description": "The log has the request under it."},
        "errors": {
            "type": "array",
            "description": "Every parameter that is wrong.",
            "items": {
                "type": "object",
                "required": ["name", "expected"],
                "properties": {
                    "name": {"type": "string"},
                    "got": {"type": "string"},
                    "expected": {"type": "string"},
                    "hint": {"type": "string"},
                },
            },
        },
    },
}
_TOLD = {
    401: ("Unauthorized", "log in first"),
    403: ("Forbidden", "only the suite's own processes on this machine may do this"),
    404: ("Not Found", 'unknown account "A"; known: DEFAULT'),
    414: ("URI Too Long", "send a path of at most 2048 and a query of at most 8192 characters"),
    422: ("Unprocessable Content", 'range: got "2X", expected one of 1D, 1W; did you mean "1D"?'),
    503: ("Service Unavailable", "the database is unreachable"),
}


def error_responses() -> dict[str, Any]:
    """Return the error answers that every path may give, by status."""
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in _TOLD}


def error_components() -> dict[str, Any]:
    """Return what `error_responses` refers to."""
    return {str(status): _response(status, title, detail) for status, (title, detail) in _TOLD.items()}


def _response(status: int, title: str, detail: str) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": "53a9c02d7f4e1b88",
    }
    told: dict[str, Any] = {
        "description": f"{title}, for example: {detail}",
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    if status == 503:
        told["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return told
