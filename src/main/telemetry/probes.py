"""Is this process alive, may it be sent work, and what does it know about itself? Asked over HTTP, by programs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import orjson
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from main.telemetry.loop_lag import LOOP_LAG

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

JSON_TYPE = "application/json"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that readiness depends on.

    ``degraded`` still serves (a dashboard without its database shows what it last knew), ``failed`` must get no work
    (the schema is not the one this code needs).
    """

    name: str
    state: Literal["ok", "degraded", "failed"]
    detail: str = ""


class ProbeApp:
    """``/livez``, ``/readyz``, ``/health``, ``/metrics`` and, with `status`, ``/status``: pure ASGI, GET and HEAD.

    `checks` and `status` are asked on the event loop at every request, so they look at what is known and wait for
    nothing. ``/livez`` asks nobody: that it answers shows that the event loop turns. Without `registry` there are no
    metrics. An application of FastAPI mounts the same object under each of `paths`.
    """

    def __init__(
        self,
        service: str,
        checks: Callable[[], Sequence[Check]] = tuple,
        status: Callable[[], Mapping[str, Any]] | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.service = service
        self._checks = checks
        self._status = status
        self._registry = registry
        self._draining = False
        self._started = time.monotonic()
        self._answers: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/livez": self._live,
            "/readyz": self._ready,
            "/health": self._health,
        }
        if registry is not None:
            self._answers["/metrics"] = self._metrics
        if status is not None:
            self._answers["/status"] = self._own_status

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that are answered."""
        return tuple(self._answers)

    @property
    def draining(self) -> bool:
        """Whether the process ends and wants no further work."""
        return self._draining

    def drain(self) -> None:
        """Be no longer ready: called when the process begins to stop."""
        self._draining = True

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            LOOP_LAG.watch()  # the loop that answers us is the one whose delays matter
            status, content_type, body = self._answer(scope["method"], scope["path"])
            headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
            if status == 405:
                headers.append((b"allow", b"GET, HEAD"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})

    def _answer(self, method: str, path: str) -> tuple[int, str, bytes]:
        answer = self._answers.get(path)
        if answer is None:
            return _json(404, {"error": f"there is nothing here; known: {', '.join(self.paths)}"})
        if method not in {"GET", "HEAD"}:
            return _json(405, {"error": "use GET or HEAD here"})
        return answer()

    def _live(self) -> tuple[int, str, bytes]:
        return _json(200, {"service": self.service, "state": "alive"})

    def _ready(self) -> tuple[int, str, bytes]:
        state, _ = self._state()
        return _json(_CODES[state], {"service": self.service, "state": state})

    def _health(self) -> tuple[int, str, bytes]:
        state, checks = self._state()
        uptime = round(time.monotonic() - self._started, 3)
        details = {"uptime_seconds": uptime, "checks": [asdict(check) for check in checks]}
        return _json(_CODES[state], {"service": self.service, "state": state, **details})

    def _metrics(self) -> tuple[int, str, bytes]:
        if self._registry is None:
            return _json(404, {"error": "this process counts nothing"})
        return 200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(self._registry)

    def _own_status(self) -> tuple[int, str, bytes]:
        return _json(200, dict(self._status()) if self._status is not None else {})

    def _state(self) -> tuple[str, tuple[Check, ...]]:
        checks = self._asked()
        worst = {check.state for check in checks}
        if self._draining:
            return "draining", checks
        return ("failed" if "failed" in worst else "degraded" if "degraded" in worst else "ready"), checks

    def _asked(self) -> tuple[Check, ...]:
        try:
            return tuple(self._checks())
        except Exception as error:  # noqa: BLE001  # a boundary: what cannot be told is not ready
            _log.exception("readiness check failed", service=self.service)
            return (Check("checks", "failed", f"they could not be made: {type(error).__name__}"),)


_CODES = {"ready": 200, "degraded": 200, "draining": 503, "failed": 503}


def _json(status: int, document: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return status, JSON_TYPE, orjson.dumps(document, default=str, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


async def _lifespan(receive: "Receive", send: "Send") -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
