"""May this request pass? The one door in front of every server of the suite, for http and websockets alike.

What it asks, in this order, the first "no" being the answer: is the request of a sane size (413, 414, 431), is it
addressed to us by a name of ours (400: a foreign name is DNS rebinding), may this peer talk to us at all (403), is the
route in the table (404, 405), does it come from our own pages where it could do harm (403), is the caller somebody who
may (401, 403).
"""

import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from structlog.contextvars import bound_contextvars

from main.errors import AccessDenied
from main.security.binding import is_loopback
from main.security.exchange import TOO_LARGE, Exchange
from main.security.headers import SecurityHeaders
from main.security.identity import Authenticator, OpenOnLoopback, peer_of
from main.security.policy import WEBSOCKET, Access, Policy, Rule
from main.security.refusal import Refused, Signpost
from main.security.viewer import Viewer, current_viewer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes; the largest lawful request is a Dash callback that carries a figure of 10 charts as its state, about 2 MB."""

NOT_LOGGED_IN = 4401
FORBIDDEN = 4403

_MOST_HEADERS = 100
_LARGEST_HEADERS = 32 * 1024
_LONGEST_PATH = 2048
_LONGEST_QUERY = 8192
_MOST_DIGITS = 12
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class Guard:
    """ASGI middleware that lets only what the policy lists reach `app`, and puts the security headers on every answer.

    The policy may be given as a function; it is then asked for at the first request, when all pages are known.
    The viewer is put into ``scope["state"]["viewer"]`` and `current_viewer`, the request's id into ``scope["state"]``.
    """

    def __init__(
        self,
        app: "ASGIApp",
        policy: Policy | Callable[[], Policy],
        *,
        authenticator: Authenticator | None = None,
        allowed_hosts: Iterable[str] = (),
        csp_hashes: Sequence[str] | Callable[[], Sequence[str]] = (),
        largest_body: int = LARGEST_BODY,
        signpost: Signpost = Signpost(),  # noqa: B008 - it cannot change
    ) -> None:
        self.app = app
        self._policy = policy
        self._authenticator = authenticator or OpenOnLoopback()
        self._names = frozenset((*_OWN_NAMES, *(_bracketed(host) for host in allowed_hosts)))
        self._headers = SecurityHeaders(csp_hashes)
        self._largest_body = largest_body
        self._signpost = signpost

    @property
    def policy(self) -> Policy:
        """The route table in force."""
        if not isinstance(self._policy, Policy):
            self._policy = self._policy()
        return self._policy

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        exchange = Exchange(
            scope, receive, send, headers=self._headers, request_id=request_id, largest_body=self._largest_body
        )
        try:
            viewer = await self._admit(scope, exchange)
        except Refused as refused:
            await exchange.refuse(refused)
            return
        except Exception:  # noqa: BLE001  # a boundary: who cannot be identified gets an answer with our headers too
            await exchange.fail()
            return
        scope.setdefault("state", {}).update(viewer=viewer, request_id=request_id)
        token = current_viewer.set(viewer)
        try:
            with bound_contextvars(request_id=request_id):  # in every line that is logged on the request's behalf
                await exchange.run(self.app)
        finally:
            current_viewer.reset(token)

    async def _admit(self, scope: "Scope", exchange: Exchange) -> Viewer | None:
        _check_size(scope, self._largest_body)
        exchange.host = self._checked_host(scope)
        try:
            viewer = await self._authenticator.identify(scope)
        except AccessDenied as denied:
            raise Refused(403, denied.message, close_code=FORBIDDEN) from denied
        rule = self._rule(scope)
        try:
            _check_origin(scope, exchange.host, rule.programs)
            _check_access(rule.access, viewer, peer_of(scope))
        except Refused as refused:
            if rule.programs:  # they understand a refused handshake, and take an accepted socket for a welcome
                refused.close_code = None
            raise
        return viewer

    def _checked_host(self, scope: "Scope") -> str:
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        match = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if match is None or match["name"] not in self._names:
            raise Refused(400, "this server is not called what the Host header says; use its own name or address")
        return str(hosts[0])

    def _rule(self, scope: "Scope") -> Rule:
        path: str = scope["path"]
        root = scope.get("root_path", "")
        if root and path.startswith(f"{root}/"):  # the router authorises the same remainder
            path = path[len(root) :]
        rule = self.policy.rule_for(path, _method(scope))
        if rule is not None:
            scope.setdefault("state", {})["route"] = rule.path  # what the request is counted under
            return rule
        methods = self.policy.methods_of(path)
        if scope["type"] == "http" and methods:
            raise Refused(405, f"use {' or '.join(methods)} here", headers={"Allow": ", ".join(methods)})
        raise self._signpost.refusal(path, person=_is_a_person(scope) and not path.startswith("/api/"))


def guarded(
    app: "ASGIApp",
    policy: Policy | Callable[[], Policy],
    *,
    authenticator: Authenticator | None = None,
    allowed_hosts: Iterable[str] = (),
) -> Guard:
    """Return `app` behind the guard: for servers without pages (manager, worker, bot)."""
    return Guard(app, policy, authenticator=authenticator, allowed_hosts=allowed_hosts)


def _is_a_person(scope: "Scope") -> bool:
    """Whether a browser asks for something to read; what it asks for scripts and pictures names no such type."""
    wanted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return scope["type"] == "http" and _method(scope) in {"GET", "HEAD"} and b"text/html" in wanted.lower()


def _check_size(scope: "Scope", largest_body: int) -> None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > _LARGEST_HEADERS:
        raise Refused(431, f"send at most {_MOST_HEADERS} headers and {_LARGEST_HEADERS} bytes of them")
    if len(scope["path"]) > _LONGEST_PATH or len(scope.get("query_string", b"")) > _LONGEST_QUERY:
        raise Refused(414, f"send a path of at most {_LONGEST_PATH} and a query of at most {_LONGEST_QUERY} characters")
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    if not length.isdigit() or len(length) > _MOST_DIGITS or int(length) > largest_body:
        raise TOO_LARGE


def _check_origin(scope: "Scope", host: str, programs: bool) -> None:
    """Refuse what another site's page sends.

    Browsers name the page's origin with every websocket and every request that changes something, so a request without
    one is a program's. A program has no need of our pages' socket, which is why that one insists; what is meant for
    `programs` does not, and there another site's GET does harm too.
    """
    http = scope["type"] == "http"
    if http and scope["method"] in _SAFE and not programs:
        return
    named: dict[bytes, str] = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
    origin = named.get(b"origin")
    by_program = named.get(b"sec-fetch-site", "none") in {"none", "same-origin"}
    if origin is None and (http or programs) and by_program:
        return
    if origin not in {f"http://{host}", f"https://{host}"}:
        detail = "only this server's own pages may do this; the Origin header names another or none"
        raise Refused(403, detail, close_code=FORBIDDEN)


def _check_access(access: Access, viewer: Viewer | None, peer: str) -> None:
    if access == "public":
        return
    if viewer is None:
        raise Refused(401, "log in first", close_code=NOT_LOGGED_IN)
    if access == "operator" and not viewer.has("operator"):
        raise Refused(403, "this needs the role operator; ask an administrator", close_code=FORBIDDEN)
    if access == "internal" and not is_loopback(peer):
        raise Refused(403, "only the suite's own processes on this machine may do this", close_code=FORBIDDEN)


def _method(scope: "Scope") -> str:
    if scope["type"] == "websocket":
        return WEBSOCKET
    method: Any = scope["method"]
    # A request could otherwise claim our name for websockets as its method.
    return str(method) if method != WEBSOCKET else ""


def _bracketed(host: str) -> str:
    host = host.strip("[]").lower()
    return f"[{host}]" if ":" in host else host
