"""The guard, spoken to in ASGI: who passes, who does not, and what both are told."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from main.errors import AccessDenied
from main.security.guard import Guard
from main.security.policy import WEBSOCKET, Policy, Rule
from main.security.viewer import Viewer, current_viewer

POLICY = Policy(
    (
        Rule("/public", ("GET",), "public"),
        Rule("/page", ("GET", "POST"), "viewer"),
        Rule("/act", ("POST",), "operator"),
        Rule("/inner", ("POST",), "internal"),
        Rule("/broken", ("GET",), "public"),
        Rule("/half", ("GET",), "public"),
        Rule("/ws", (WEBSOCKET,), "viewer"),
        Rule("/outside/", ("GET", "POST", WEBSOCKET), "viewer", programs=True),
    )
)
HOST = "localhost:8080"
PAGE = {"origin": f"http://{HOST}"}
EXPECTED_HEADERS = {
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "cache-control",
    "x-request-id",
}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what the guard told it."""
    if scope["path"] == "/broken":
        raise RuntimeError("the password is hunter2")
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(b"server", b"uvicorn"), (b"Content-Security-Policy", b"default-src *")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/half":
        raise RuntimeError("half an answer is out")
    viewer = current_viewer.get()
    assert viewer is scope["state"]["viewer"]
    seen = {"viewer": viewer.name if viewer else None, "body": len(body)}
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})


class Known:
    """Knows one viewer, or nobody."""

    def __init__(self, viewer: Viewer | None) -> None:
        self.viewer = viewer

    async def identify(self, scope: Any) -> Viewer | None:
        return self.viewer


class Said:
    """What came back over ASGI."""

    def __init__(self, messages: Sequence[Any]) -> None:
        self.messages = messages
        self.first = messages[0]
        self.status = self.first.get("status")
        self.header_list = [(name.decode(), value.decode()) for name, value in self.first.get("headers", ())]
        self.headers = dict(self.header_list)
        self.body = b"".join(message.get("body", b"") for message in messages)

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def close_code(self) -> int | None:
        return self.messages[-1].get("code")


async def ask(
    method: str = "GET",
    path: str = "/page",
    *,
    headers: dict[str, str] | None = None,
    host: str | None = HOST,
    peer: str | None = "127.0.0.1",
    bodies: Sequence[bytes] = (b"",),
    guard: Guard | None = None,
    query: bytes = b"",
    extensions: dict[str, Any] | None = None,
    more: Sequence[tuple[str, str]] = (),
) -> Said:
    given = {**({"host": host} if host is not None else {}), **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in (*given.items(), *more)]
    scope: dict[str, Any] = {"path": path, "query_string": query, "headers": raw, "extensions": extensions or {}}
    scope["client"] = (peer, 40000) if peer is not None else None
    if method == WEBSOCKET:
        scope["type"] = "websocket"
        incoming: list[Any] = [{"type": "websocket.connect"}]
    else:
        scope.update(type="http", method=method)
        incoming = [{"type": "http.request", "body": body, "more_body": True} for body in bodies]
        incoming[-1]["more_body"] = False
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0) if incoming else {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Any) -> None:
        sent.append(message)

    await (guard or Guard(application, POLICY))(scope, receive, send)
    return Said(sent)


async def test_on_this_machine_everybody_is_the_operator_while_there_is_no_user() -> None:
    said = await ask()
    assert (said.status, said.document["viewer"]) == (200, "local")
    assert (await ask("POST", "/act", headers=PAGE)).status == 200
    assert (await ask("POST", "/inner")).status == 200
    assert current_viewer.get() is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
async def test_our_own_names_pass_on_any_port(host: str) -> None:
    assert (await ask(host=host)).status == 200


FOREIGN = ("[::2]", "localhost ", "localhost/x", "localhost:123456", "evil.example", "localhost.evil.example")


@pytest.mark.parametrize(
    "host",
    [None, "", "localhost:8080@evil", "localhost:x", "127.0.0.1.nip.io", *FOREIGN],
)
async def test_a_foreign_name_is_refused_for_pages_and_sockets(host: str | None) -> None:
    said = await ask(host=host)
    assert said.status == 400
    assert said.headers.keys() >= EXPECTED_HEADERS
    assert (await ask(WEBSOCKET, "/ws", host=host)).first["type"] == "websocket.close"


async def test_a_second_host_header_is_refused() -> None:
    assert (await ask(more=[("host", HOST)])).status == 400
    assert (await ask(more=[("host", "evil.example")])).status == 400


async def test_configured_names_pass_too() -> None:
    guard = Guard(application, POLICY, allowed_hosts=("dash.example.com", "fd00::7"))
    assert (await ask(host="dash.example.com", guard=guard)).status == 200
    assert (await ask(host="[fd00::7]:8080", guard=guard)).status == 200
    assert (await ask(host="x.dash.example.com", guard=guard)).status == 400


@pytest.mark.parametrize("peer", ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1", "", None, "testclient"])
@pytest.mark.parametrize("path", ["/page", "/public"])
async def test_another_machine_gets_nothing_while_there_is_no_user(peer: str | None, path: str) -> None:
    assert (await ask(path=path, peer=peer)).status == 403
    assert (await ask(WEBSOCKET, "/ws", headers=PAGE, peer=peer)).close_code == 4403


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
async def test_every_loopback_address_is_this_machine(peer: str) -> None:
    assert (await ask(peer=peer)).status == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
async def test_what_a_proxy_forwards_is_not_from_this_machine(header: str) -> None:
    said = await ask(headers={header: "127.0.0.1"})
    assert said.status == 403
    assert "proxy" in said.document["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program: browsers always name the origin here
        ({"origin": f"http://{HOST}"}, 200),
        ({"origin": f"https://{HOST}"}, 200),  # TLS ends in front of us
        ({"origin": "http://LOCALHOST:8080"}, 200),
        ({"origin": "http://localhost"}, 403),
        ({"origin": "http://localhost:8052"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": f"http://{HOST}.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": f"file://{HOST}"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
async def test_only_our_own_pages_change_anything(headers: dict[str, str], status: int) -> None:
    assert (await ask("POST", headers=headers)).status == status
    assert (await ask("GET", headers=headers)).status == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://localhost:8052", "http://localhost"])
async def test_a_socket_of_another_page_is_accepted_and_closed_with_the_reason(origin: str | None) -> None:
    said = await ask(WEBSOCKET, "/ws", headers={"origin": origin} if origin else {})
    assert [message["type"] for message in said.messages] == ["websocket.accept", "websocket.close"]
    assert said.close_code == 4403
    assert "Origin" in said.messages[-1]["reason"]


async def test_a_socket_of_our_page_reaches_the_application() -> None:
    said = await ask(WEBSOCKET, "/ws", headers=PAGE)
    assert [message["type"] for message in said.messages] == ["websocket.accept"]


async def test_a_socket_that_is_not_in_the_table_is_refused_in_the_handshake() -> None:
    said = await ask(WEBSOCKET, "/page", headers=PAGE, extensions={"websocket.http.response": {}})
    assert (said.first["type"], said.status) == ("websocket.http.response.start", 404)
    assert said.headers.keys() >= EXPECTED_HEADERS
    assert (await ask(WEBSOCKET, "/page", headers=PAGE)).close_code == 1008


@pytest.mark.parametrize("path", ["/nope", "/page/", "//page", "/Page", "/page/../page", "/page%2f", "/PUBLIC"])
async def test_an_unlisted_path_is_nothing(path: str) -> None:
    said = await ask(path=path)
    assert said.status == 404
    assert said.headers["content-type"] == "application/problem+json"
    assert said.document["request_id"] == said.headers["x-request-id"]
    assert said.document["detail"] == f'there is nothing at "{path}"'


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", WEBSOCKET.lower(), "get"])
async def test_a_listed_path_has_only_its_methods(method: str) -> None:
    said = await ask(method)
    assert said.status == 405
    assert said.headers["allow"] == "GET, HEAD, POST"


async def test_a_method_may_not_pose_as_a_socket() -> None:
    guard = Guard(application, POLICY)
    scope = {"type": "http", "method": WEBSOCKET, "path": "/ws", "headers": [(b"host", HOST.encode())]}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await guard({**scope, "client": ("127.0.0.1", 1)}, None, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 404


@pytest.mark.parametrize(
    ("viewer", "path", "method", "status"),
    [
        (None, "/public", "GET", 200),
        (None, "/page", "GET", 401),
        (None, "/inner", "POST", 401),
        (Viewer("v", "viewer"), "/page", "GET", 200),
        (Viewer("v", "viewer"), "/act", "POST", 403),
        (Viewer("o", "operator"), "/act", "POST", 200),
        (Viewer("a", "admin"), "/act", "POST", 200),
    ],
)
async def test_access_follows_the_role(viewer: Viewer | None, path: str, method: str, status: int) -> None:
    guard = Guard(application, POLICY, authenticator=Known(viewer))
    assert (await ask(method, path, guard=guard)).status == status


async def test_without_a_login_a_socket_closes_with_4401() -> None:
    said = await ask(WEBSOCKET, "/ws", headers=PAGE, guard=Guard(application, POLICY, authenticator=Known(None)))
    assert said.close_code == 4401


async def test_internal_routes_are_for_this_machine_whoever_asks() -> None:
    guard = Guard(application, POLICY, authenticator=Known(Viewer("a", "admin")))
    assert (await ask("POST", "/inner", peer="10.0.0.7", guard=guard)).status == 403
    assert (await ask("POST", "/inner", guard=guard)).status == 200


async def test_an_authenticator_may_turn_anybody_away_also_from_public_routes() -> None:
    class Closed:
        async def identify(self, scope: Any) -> Viewer | None:
            raise AccessDenied("closed for today")

    said = await ask(path="/public", guard=Guard(application, POLICY, authenticator=Closed()))
    assert (said.status, said.document["detail"]) == (403, "closed for today")


async def test_an_authenticator_that_fails_lets_nobody_in_and_says_nothing_inner() -> None:
    class Broken:
        async def identify(self, scope: Any) -> Viewer | None:
            raise OSError("connection to 10.0.0.5 refused")

    said = await ask(path="/public", guard=Guard(application, POLICY, authenticator=Broken()))
    assert said.status == 500
    assert b"10.0.0.5" not in said.body
    assert said.headers.keys() >= EXPECTED_HEADERS


async def test_every_answer_wears_the_security_headers_in_place_of_the_applications_own() -> None:
    for path in ("/page", "/nope", "/broken"):
        said = await ask(path=path)
        assert said.headers.keys() >= EXPECTED_HEADERS, path
        assert "server" not in said.headers
        assert len(said.header_list) == len(said.headers), "a header twice"
    policy = (await ask()).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"connect-src 'self' ws://{HOST} wss://{HOST};" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


async def test_script_hashes_and_policy_are_asked_for_once_when_the_first_request_comes() -> None:
    asked: list[str] = []

    def hashes() -> Sequence[str]:
        asked.append("hashes")
        return ("'sha256-abc='",)

    def policy() -> Policy:
        asked.append("policy")
        return POLICY

    guard = Guard(application, policy, csp_hashes=hashes)
    assert asked == []
    for _ in range(2):
        assert "script-src 'self' 'sha256-abc=';" in (await ask(guard=guard)).headers["content-security-policy"]
    assert sorted(asked) == ["hashes", "policy"]


async def test_a_failure_says_nothing_inner_and_names_the_request() -> None:
    said = await ask(path="/broken")
    assert said.status == 500
    assert b"hunter2" not in said.body
    assert said.document["request_id"] == said.headers["x-request-id"]


async def test_a_failure_after_half_an_answer_is_left_to_the_server_which_cuts_the_connection() -> None:
    with pytest.raises(RuntimeError, match="half an answer"):
        await ask(path="/half")


async def test_too_much_is_refused() -> None:
    guard = Guard(application, POLICY, largest_body=100)
    assert (await ask("POST", headers={"content-length": "101"}, guard=guard)).status == 413
    assert (await ask("POST", headers={"content-length": "-1"}, guard=guard)).status == 413
    assert (await ask("POST", headers={"content-length": "9" * 5000}, guard=guard)).status == 413
    assert (await ask("POST", bodies=(b"x" * 60, b"x" * 60), guard=guard)).status == 413
    assert (await ask("POST", bodies=(b"x" * 50, b"x" * 50), guard=guard)).document["body"] == 100
    assert (await ask(headers={f"x-{number}": "1" for number in range(101)}, guard=guard)).status == 431
    assert (await ask(headers={"cookie": "x" * 40_000}, guard=guard)).status == 431
    assert (await ask(path="/" + "x" * 3000, guard=guard)).status == 414
    assert (await ask(query=b"x" * 9000, guard=guard)).status == 414


async def test_head_is_refused_without_a_body() -> None:
    said = await ask("HEAD", "/nope")
    assert (said.status, said.body) == (404, b"")
    assert int(said.headers["content-length"]) > 0


async def test_a_path_below_the_servers_root_is_authorised_as_the_router_sees_it() -> None:
    guard = Guard(application, POLICY)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": "/desk/page", "root_path": "/desk", "client": ("::1", 1)}
    await guard({**scope, "headers": [(b"host", HOST.encode())]}, receive, send)
    assert sent[0]["status"] == 200


FOREIGN_PAGES = ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"})


@pytest.mark.parametrize("headers", [{}, PAGE, {"sec-fetch-site": "same-origin"}])
async def test_what_is_meant_for_programs_asks_none_for_its_origin(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert (await ask(method, "/outside/", headers=headers)).status == 200
    assert (await ask(WEBSOCKET, "/outside/", headers=headers)).first["type"] == "websocket.accept"
    assert (await ask(WEBSOCKET, "/ws")).close_code == 4403


@pytest.mark.parametrize("headers", FOREIGN_PAGES)
async def test_another_sites_page_reaches_what_is_meant_for_programs_by_no_method(headers: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        assert (await ask(method, "/outside/", headers=headers)).status == 403
    assert (await ask(WEBSOCKET, "/outside/", headers=headers)).first["type"] == "websocket.close"
    assert (await ask(WEBSOCKET, "/outside/", host="evil.example")).first["type"] == "websocket.close"
