"""How does somebody take on an alert over HTTP? Once, in their own name."""

from collections.abc import Callable
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from main.clock import now
from main.errors import AccessDenied
from main.exporters.json import encode
from main.monitoring.api.body import BadBody, body_of
from main.monitoring.api.problems import problem
from main.recording.acknowledgement import acknowledge
from main.recording.intake import Intake
from main.security.viewer import Viewer, current_viewer

LARGEST = 4_000
LONGEST_ID = 1_000
_EXAMPLE = {"alert_id": "daily_loss:SIM:2026-11-20"}


def acknowledge_route(intake: Callable[[], Intake]) -> APIRouter:
    """Return the route ``POST /api/alerts/acknowledge``; `intake` is asked for at the first request that needs it."""
    router = APIRouter(prefix="/api/alerts", tags=["alerts"])

    @router.post("/acknowledge", summary="Take on an open alert in one's own name", openapi_extra=_DESCRIBED)
    async def acknowledged(request: Request) -> Response:
        viewer = _operator()
        try:
            body = await body_of(request, kinds=("application/json",), largest=LARGEST)
        except BadBody as bad:
            return problem(request, bad.status, bad.message)
        alert_id = _id_in(body)
        if alert_id is None:
            return problem(request, 422, f'alert_id: expected {{"alert_id": "…"}} of at most {LONGEST_ID} characters')
        take = partial(acknowledge, alert_id=alert_id, by=viewer.name, accounts=viewer.accounts)
        taken = await intake().lent(take)
        if taken is None:
            return problem(request, 404, "no such alert")
        return Response(encode({"as_of": now(), "alert": taken}), media_type="application/json")

    return router


def _operator() -> Viewer:
    viewer = current_viewer.get()
    if viewer is None or not viewer.has("operator"):
        raise AccessDenied("taking on an alert needs the role operator")
    return viewer


def _id_in(body: bytes) -> str | None:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    given = document.get("alert_id") if isinstance(document, dict) else None
    usable = isinstance(given, str) and 0 < len(given) <= LONGEST_ID and "\0" not in given
    return given if usable else None


_DESCRIBED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["alert_id"],
                    "properties": {"alert_id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}},
                },
                "example": _EXAMPLE,
            }
        },
    },
    "responses": {
        "200": {"description": "How the alert stands now; who was not first finds another's name."},
        "404": {"description": "There is no such alert, or it is not the caller's to see."},
        "422": {"description": "The body does not name an alert."},
        "503": {"description": "The database cannot be reached: nothing was changed, try again."},
    },
}
