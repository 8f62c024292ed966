"""How do the command line and the probes talk to the manager?"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from main.errors import UnknownName
from main.security.guard import Guard, guarded
from main.security.policy import Rule, service_policy
from main.telemetry.probes import ProbeApp

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

RESTART = "/control/restart"


class ManagerApi:
    """The probes, and the command to restart services, which only the holder of the token may give."""

    def __init__(self, probes: ProbeApp, token: str, restart: Callable[[str], None]) -> None:
        """Take what the command does: `restart` gets a name (empty: all) and raises UnknownName."""
        self._probes = probes
        self._authorization = f"Bearer {token}".encode()
        self._restart = restart

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/control/"):
            await self._probes(scope, receive, send)
            return
        status, text = self._obey(scope)
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    def _obey(self, scope: "Scope") -> tuple[int, bytes]:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not secrets.compare_digest(given, self._authorization):
            return 403, b"use `ai_trader.py dashboards`: it holds the manager's token"
        try:
            self._restart(scope["path"].removeprefix(RESTART).strip("/"))
        except UnknownName as error:
            return 404, error.message.encode()
        return 202, b"restarting"


def manager_app(api: ManagerApi) -> Guard:
    """Return the commands and probes behind the guard."""
    rules = (Rule(RESTART, ("POST",), "internal"), Rule(f"{RESTART}/{{service}}", ("POST",), "internal"))
    return guarded(_typed(api), service_policy(*rules))


def _typed(api: ManagerApi) -> "ASGIApp":
    return api
