"""How many requests does a server answer, how, and how long does it take?"""

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNLISTED = "(unlisted)"
"""The route of requests that no route of the table admits: their paths are a stranger's choice, and without end."""


@dataclass(slots=True)
class Duration:
    """How often something was done, and how many seconds that took together."""

    count: int = 0
    seconds: float = 0.0


class Requests:
    """Requests answered, by route of the table (never by path) and by class of the status (2xx, 4xx, …)."""

    def __init__(self) -> None:
        self.answers: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self.durations: defaultdict[tuple[str, ...], Duration] = defaultdict(Duration)
        self.running = 0

    def counted(self, app: "ASGIApp") -> "ASGIApp":
        """Return `app` with its requests counted; put it round the guard, which says which route it was."""
        return _Counted(app, self)

    def note(self, route: str, status: int, seconds: float) -> None:
        """Count one request; status 0: the caller went, or the application failed, before there was an answer."""
        self.answers[route, f"{status // 100}xx" if status else "none"] += 1
        duration = self.durations[route,]
        duration.count += 1
        duration.seconds += seconds


REQUESTS = Requests()
"""A process has one server."""


class _Counted:
    def __init__(self, app: "ASGIApp", requests: Requests) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        async def seen(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._requests.running += 1
        try:
            await self._app(scope, receive, seen)
        finally:
            self._requests.running -= 1
            route = scope.get("state", {}).get("route", UNLISTED)
            self._requests.note(route, status, time.perf_counter() - started)
