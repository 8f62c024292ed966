"""The API as a program and a browser meet it: a real server, a real database, real sockets."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import brotli
import httpx
import pytest
import uvicorn
import websockets
from dash import Dash, dcc, html
from fastapi import FastAPI
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from main.database.address import Address
from main.database.pool import Database
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.exporters.exports import Exports
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.directory import Directory
from main.monitoring.hub import Hub
from main.monitoring.paging import check_choice, check_page
from main.monitoring.read import Read
from main.recording.intake import Intake
from main.security.binding import server_options
from main.security.policy import Rule, dashboard_policy
from main.telemetry.metrics import Metrics
from main.telemetry.probes import Check, ProbeApp

ACCOUNT = """
    INSERT INTO accounts (account_id, source, broker, label, currency, mode) VALUES ($1, 's', 'b', 'l', 'USD', 'paper')
"""


@dataclass(frozen=True, slots=True)
class Named:
    account: str
    amount: Decimal
    ratio: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Wish:
    symbol: str
    depth: int = 5
    limit: int = 10
    side: str | None = None

    def __post_init__(self) -> None:
        check_page(self.limit, 0)
        check_choice("side", self.side, ("long", "short"))


NAMED = Query(
    Named,
    """
    SELECT account_id::text AS account, 12345678901234567.890123 AS amount, 'NaN'::float8 AS ratio,
           $1::timestamptz AS at
      FROM accounts ORDER BY 1
    """,
)


async def figures(db: Fetcher, scope: Scope) -> list[Named]:
    """Return one exact figure an account."""
    return await NAMED.all(db, scope.bounds().end)


async def wishes(db: Fetcher, scope: Scope, wish: Wish) -> Wish:
    """Return the parameters as they were understood."""
    return wish


async def failing(db: Fetcher, scope: Scope) -> int:
    """Fail inside the database."""
    return int(await db.fetch("SELECT 1 / 0"))  # type: ignore[call-overload]


MINUTE = timedelta(minutes=1)
READS = {
    "figures": Read(
        "figures", "Figures", figures, frozenset({Topic.ACCOUNTS}), "USD", MINUTE, about="suite", formula="x"
    ),
    "wishes": Read("wishes", "Wishes", wishes, frozenset(), "text", MINUTE, about="suite", params=Wish),
    "failing": Read("failing", "Failing", failing, frozenset(), "text", MINUTE, about="suite"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running dashboard server."""

    port: int
    client: httpx.AsyncClient
    probes: ProbeApp

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def socket(self) -> str:
        return f"ws://localhost:{self.port}/ws"


async def stream(page: WebSocket) -> None:
    await page.accept()
    await page.send_text(page.scope["state"]["viewer"].name)
    await page.close()


def _no_exports() -> Exports:
    raise AssertionError("nothing is exported in these tests")


def build(
    hub: Callable[[], Hub], directory: Callable[[], Directory], intake: Callable[[], Intake], probes: ProbeApp
) -> FastAPI:
    app = create_app(
        title="Trading",
        version="0.1.0",
        lifespan=None,
        hub=hub,
        directory=directory,
        intake=intake,
        exports=_no_exports,
        stream=stream,
        probes=probes,
        catalogue=lambda: READS,
    )

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    dash = Dash(__name__, server=app, enable_mcp=False)
    dash.layout = html.Div([dcc.Graph(id="graph")])
    dash._setup_server()
    protect(app, lambda: dashboard_policy((), Rule("/broken", ("GET",), "viewer")), csp_hashes=dash.csp_hashes)
    return app


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", **server_options())
    server = uvicorn.Server(config)
    server.capture_signals = _NoSignals  # type: ignore[method-assign]  # the signals are pytest's
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)


class _NoSignals:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@asynccontextmanager
async def site_on(database: Database) -> AsyncIterator[Site]:
    hub, directory, intake = Hub(database), Directory(database), Intake(database.address)
    probes = ProbeApp("trading", lambda: [Check("database", "ok")], registry=Metrics("trading", "0.1.0").registry)
    running = asyncio.create_task(hub.run())
    async with (
        serving(build(lambda: hub, lambda: directory, lambda: intake, probes)) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=20) as client,
    ):
        yield Site(port, client, probes)
    await intake.close()
    running.cancel()
    await asyncio.wait({running})


@pytest.fixture
async def site(database: Database, service: Database) -> AsyncIterator[Site]:
    async with service.scoped() as connection:
        await connection.executemany(ACCOUNT, [("A",), ("B",)])
    async with site_on(database) as running:
        yield running


async def test_a_read_is_answered_with_its_value_and_how_far_to_trust_it(site: Site) -> None:
    answer = await site.client.get("/api/reads/figures")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert document["read"] == "figures"
    assert document["unit"] == "USD"
    assert document["state"] == "live"
    assert document["error"] is None
    assert document["accounts"] == ["A", "B"]
    assert [row["account"] for row in document["value"]] == ["A", "B"]
    for name in ("as_of", "moment"):
        assert document[name].endswith("Z")
        assert abs(datetime.fromisoformat(document[name]) - datetime.now(UTC)) < MINUTE


async def test_a_decimal_keeps_every_digit_and_what_is_no_number_is_null(site: Site) -> None:
    answer = await site.client.get("/api/reads/figures")
    assert '"amount":12345678901234567.890123' in answer.text
    assert answer.json()["value"][0]["ratio"] is None
    text = (await site.client.get("/api/reads/figures?decimals=string")).json()
    assert text["value"][0]["amount"] == "12345678901234567.890123"


async def test_every_answer_of_the_api_says_how_long_it_took(site: Site) -> None:
    for path in ("/api/reads", "/api/reads/figures", "/api/reads/nothing", "/api/reads/figures?range=x"):
        assert "total;dur=" in (await site.client.get(path)).headers["server-timing"], path
    assert "read;dur=" in (await site.client.get("/api/reads/figures")).headers["server-timing"]


async def test_only_the_accounts_named_are_asked_about(site: Site) -> None:
    document = (await site.client.get("/api/reads/figures?accounts=B")).json()
    assert [row["account"] for row in document["value"]] == ["B"]
    document = (await site.client.get("/api/reads/figures?accounts=B&accounts=A&limit=1")).json()
    assert document["accounts"] == ["A", "B"]
    assert [row["account"] for row in document["value"]] == ["A"]


async def test_the_past_is_asked_for_with_as_of_also_where_the_plus_was_not_escaped(site: Site) -> None:
    for text in ("2026-11-19T10:00:00Z", "2026-11-19T11:00:00+01:00"):
        document = (await site.client.get(f"/api/reads/figures?as_of={text}")).json()
        assert document["state"] == "past"
        assert document["value"][0]["at"] == "2026-11-19T10:00:00Z"


async def test_a_reads_own_parameters_are_parsed_by_their_types(site: Site) -> None:
    document = (await site.client.get("/api/reads/wishes?symbol=BTC&depth=3&limit=7")).json()
    assert document["value"] == {"symbol": "BTC", "depth": 3, "limit": 7, "side": None}


async def test_every_mistake_in_a_question_is_named_at_once(site: Site) -> None:
    query = "range=2X&as_of=yesterday&known_at=2026-11-20T10:00:00&decimals=roman&depth=deep&limit=0&acounts=A"
    query += "&side=north&format=xml"
    answer = await site.client.get(f"/api/reads/wishes?{query}")
    assert answer.status_code == 422
    problem = answer.json()
    named = {each["name"] for each in problem["errors"]}
    assert named == {"range", "as_of", "known_at", "decimals", "depth", "limit", "side", "acounts", "symbol", "format"}
    assert 'did you mean "accounts"?' in problem["detail"]
    hostile = await site.client.get("/api/reads/figures", params={"accounts": "A'); DROP TABLE accounts; --"})
    assert hostile.status_code == 422
    assert (await site.client.get("/api/reads/figures?range=1D&range=1W")).status_code == 422


async def test_an_unknown_read_or_account_is_404_with_the_nearest_known(site: Site) -> None:
    answer = await site.client.get("/api/reads/figure")
    assert answer.status_code == 404
    assert 'did you mean "figures"?' in answer.json()["detail"]
    assert (await site.client.get("/api/reads/figures?accounts=C")).status_code == 404


async def test_errors_are_problem_details_with_the_requests_id(site: Site) -> None:
    for path, status in (("/api/nope", 404), ("/nope", 404), ("/api/reads/figures?range=x", 422), ("/broken", 500)):
        answer = await site.client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json", path
        problem = answer.json()
        assert problem.keys() >= {"type", "title", "status", "detail", "request_id"}, path
        assert problem["request_id"] == answer.headers["x-request-id"], path
    answer = await site.client.post("/api/reads")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_failure_leaks_nothing(site: Site) -> None:
    for path in ("/broken", "/api/reads/failing"):
        answer = await site.client.get(path)
        assert answer.status_code == 500, path
        for secret in ("hunter2", "Traceback", "RuntimeError", "division"):
            assert secret not in answer.text, path


async def test_the_catalogue_describes_every_read(site: Site) -> None:
    document = (await site.client.get("/api/reads")).json()
    assert [item["name"] for item in document["items"]] == list(READS)
    figure = document["items"][0]
    assert figure["title"] == "Figures"
    assert figure["unit"] == "USD"
    assert figure["freshness"] == 60.0
    assert figure["topics"] == ["accounts"]
    assert figure["description"] == "Return one exact figure an account."
    assert figure["formula"] == "x"
    assert document["items"][1]["parameters"][-4:] == ["symbol", "depth", "limit", "side"]
    openapi = (await site.client.get("/openapi.json")).json()
    assert {"/api/reads", "/api/reads/figures", "/api/reads/wishes"} <= openapi["paths"].keys()
    wish = openapi["paths"]["/api/reads/wishes"]["get"]["parameters"]
    assert next(each for each in wish if each.get("name") == "side")["schema"]["enum"] == ["long", "short"]
    assert [each["name"] for each in wish if each.get("required")] == ["symbol"]


async def test_an_unreachable_database_is_503_with_retry_after(server: Address) -> None:
    away = Database(replace(server, host="127.0.0.1", port=_closed_port()), role="app")
    await away.open()
    try:
        async with site_on(away) as site:
            for query in ("", "?accounts=A"):
                answer = await site.client.get(f"/api/reads/figures{query}")
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert answer.json()["state"] == "unreachable"
                assert answer.json()["since"]
            assert (await site.client.get("/livez")).status_code == 200
    finally:
        await away.close()


async def test_probes_answer_in_json_for_get_and_head(site: Site) -> None:
    for path in ("/livez", "/readyz", "/health"):
        answer = await site.client.get(path)
        assert answer.status_code == 200
        assert answer.json()["service"] == "trading"
        head = await site.client.head(path)
        assert (head.status_code, head.text) == (200, "")
    assert (await site.client.get("/health")).json()["checks"] == [{"name": "database", "state": "ok", "detail": ""}]
    assert "checks" not in (await site.client.get("/readyz")).json()
    metrics = await site.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "ai_trader_build_info{" in metrics.text
    site.probes.drain()
    assert (await site.client.get("/readyz")).status_code == 503
    assert (await site.client.get("/livez")).status_code == 200


async def test_pages_and_dash_are_served_with_security_headers_and_their_inline_scripts_hash(site: Site) -> None:
    page = await site.client.get("/")
    assert page.status_code == 200
    assert "<script" in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self' 'sha256-" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert (await site.client.get("/_dash-layout")).json()["type"] == "Div"
    redirect = await site.client.get("/v2")
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/")
    for answer in (page, redirect, await site.client.get("/api/nope"), await site.client.get("/livez")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


async def test_what_dash_and_fastapi_would_answer_unasked_is_denied(site: Site) -> None:
    for path in ("/docs", "/redoc", "/any/deep/link", "/_alive_x", "/_mcp", "/API/reads", "/livez/", "//livez"):
        assert (await _raw(site, path)).startswith("HTTP/1.1 404"), path


async def test_no_spelling_of_a_path_leads_out(site: Site) -> None:
    for path in (
        "/assets/../pyproject.toml",
        "/assets/%2e%2e/pyproject.toml",
        "/assets/%2e%2e%2fpyproject.toml",
        "/assets/..%5cpyproject.toml",
        "/assets/%252e%252e/pyproject.toml",
        "/_dash-component-suites/dash/../../pyproject.toml",
        "/_dash-component-suites/dash/%2e%2e/%2e%2e/__init__.py",
        "/api/reads/%2e%2e/%2e%2e/etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/livez%00",
    ):
        assert (await _raw(site, path)).startswith("HTTP/1.1 404"), path


async def test_a_foreign_host_or_origin_gets_nothing(site: Site) -> None:
    assert (await site.client.get("/", headers={"Host": "evil.example"})).status_code == 400
    posted = await site.client.post("/_dash-update-component", headers={"Origin": "http://evil.example"}, json={})
    assert posted.status_code == 403


async def test_a_socket_opens_for_our_own_page_only(site: Site) -> None:
    async with connect(site.socket, origin=websockets.Origin(site.origin)) as page:
        assert await page.recv() == "local"
    for origin in ("http://evil.example", None):
        async with connect(site.socket, origin=websockets.Origin(origin) if origin else None) as page:
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await page.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403


async def test_no_other_socket_opens(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/_dash-ws-callback", "/", "/livez", "/ws/", "//ws"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with connect(f"ws://localhost:{site.port}{path}", origin=websockets.Origin(site.origin)):
                pass
        assert refused.value.response.status_code == 404, path
        assert refused.value.response.headers["x-content-type-options"] == "nosniff"
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_socket_under_a_foreign_name_is_refused_in_the_handshake(site: Site) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with connect(f"ws://evil.example:{site.port}/ws", host="127.0.0.1", port=site.port):
            pass
    assert refused.value.response.status_code == 400


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    answer = await site.client.post("/_dash-update-component", content=b"x" * 5_000_000)
    assert answer.status_code == 413
    as_json = {"Content-Type": "application/json"}  # anything else Dash does not even read
    answer = await site.client.post("/_dash-update-component", content=chunks(), headers=as_json)
    assert answer.status_code == 413


async def test_assets_are_compressed_once_and_revalidated(site: Site) -> None:
    page = await site.client.get("/")
    path = next(part for part in page.text.split('"') if "dash_renderer" in part)
    plain = await site.client.get(path, headers={"Accept-Encoding": "identity"})
    small = await _raw_bytes(site, path)
    head, _, body = small.partition(b"\r\n\r\n")
    assert b"content-encoding: br" in head.lower()
    assert brotli.decompress(body) == plain.content
    assert len(body) < len(plain.content) / 2
    first = await site.client.get(path, headers={"Accept-Encoding": "br"})
    assert plain.headers["vary"] == first.headers["vary"] == "Accept-Encoding"
    again = await site.client.get(path, headers={"Accept-Encoding": "br", "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["x-content-type-options"] == "nosniff"
    other = await site.client.get(path, headers={"Accept-Encoding": "br;q=0"})
    assert "content-encoding" not in other.headers


async def test_a_browser_of_another_machine_which_takes_no_brotli_without_tls_gets_gzip(site: Site) -> None:
    path = next(part for part in (await site.client.get("/")).text.split('"') if "dash_renderer" in part)
    plain = await site.client.get(path, headers={"Accept-Encoding": "identity"})
    asked = {"Accept-Encoding": "gzip, deflate"}
    packed = await site.client.get(path, headers=asked)
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.content == plain.content
    again = await site.client.get(path, headers=asked | {"If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    small = await site.client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert (small.headers["content-encoding"], small.content) == ("br", plain.content)
    assert small.headers["etag"] != packed.headers["etag"]


async def test_the_server_does_not_name_its_software(site: Site) -> None:
    assert "server:" not in (await _raw(site, "/livez")).lower()
    assert json.loads((await site.client.get("/livez")).text)


async def _raw(site: Site, path: str) -> str:
    """Ask without a client library, which would tidy the path up."""
    return (await _raw_bytes(site, path)).decode("latin-1")


async def _raw_bytes(site: Site, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{site.port}\r\nAccept-Encoding: br\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answer


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
