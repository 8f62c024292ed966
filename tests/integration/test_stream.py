"""The socket of a page over real uvicorn: greeting, default selection, updates, bad wishes, stalled viewers."""

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.errors import UnknownName
from main.monitoring.api.directory import Directory
from main.monitoring.api.pictures import PictureBook
from main.monitoring.api.stream import Greeting, Stream
from main.monitoring.api.wire import FramedWebSocket
from main.monitoring.read import Answer, Read
from main.security.viewer import Viewer
from tests.given import given_trade
from tests.integration.tcp_proxy import TcpProxy
from tests.integration.test_hub import cash, given_account, given_cash, read_of, running_hub


class CashEncoder:
    """A panel that shows the sum of all cash flows, padded to a usual size, and one that may tell of every account."""

    def asks(self, panel: str) -> tuple[tuple[Read[Any], Hashable], ...]:
        match panel:
            case "cash":
                return ((read_of(cash), None),)
            case "logs":
                return ((replace(read_of(cash), everything=True), None),)
        raise UnknownName("panel", panel, ["cash", "logs"])

    def scope(self, panel: str, page: Scope) -> Scope:
        return page

    def encode(self, panel: str, answers: Mapping[str, Answer[Any]], scope: Scope) -> bytes:
        value = answers["cash"].value
        padding = chr(97 + int(value.amount) % 26 if value else 120) * 50_000  # another one: nothing of it stays
        return json.dumps({"children": value.amount if value else None, "padding": padding})[1:-1].encode()


@contextlib.asynccontextmanager
async def served(
    database: Database,
    allowed: tuple[str, ...] | None = None,
    pace: float = 0.0,
    protocol: type[asyncio.Protocol] = FramedWebSocket,
) -> AsyncIterator[tuple[str, Stream]]:
    """Serve the stream on a free port, to a viewer who may see `allowed` (all accounts when None)."""
    async with running_hub(database) as hub:
        directory = Directory(database)
        with ThreadPoolExecutor(1) as workers:
            book = PictureBook(hub, CashEncoder(), workers, pace)
            stream = Stream(hub, directory, book, Greeting("trading", "0", datetime.now(UTC)), pace)

            async def endpoint(socket: WebSocket) -> None:
                socket.scope.setdefault("state", {})["viewer"] = Viewer("me", "operator", allowed)
                await stream.endpoint(socket)

            application = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
            config = uvicorn.Config(application, port=0, log_level="error", ws_per_message_deflate=False, ws=protocol)
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield f"ws://127.0.0.1:{port}/ws", stream
            finally:
                server.should_exit = server.force_exit = True
                await serving


async def heard(socket: Any, kind: str, seconds: float = 30) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == kind:
                return message


async def subscribe(socket: Any, *panels: str, **view: Any) -> None:
    await socket.send(json.dumps({"type": "subscribe", "view": view, "panels": panels}))


async def test_a_page_is_greeted_shown_its_accounts_and_kept_up_to_date(database: Database, service: Database) -> None:
    await given_account(service)
    await given_trade(service, 1, datetime.now(UTC), strategy="maker")
    async with served(database) as (url, _), websockets.connect(url) as socket:
        hello = await heard(socket, "hello")
        assert [account["account"] for account in hello["accounts"]] == ["A"]
        assert hello["strategies"] == [{"strategy": "maker", "account": "A"}]
        await subscribe(socket, "cash")
        assert (await heard(socket, "view"))["accounts"] == ["A"]
        first = (await heard(socket, "update"))["panels"]["cash"]
        assert (first["children"], first["version"]) == (0, 1)
        await given_cash(service, 5, "1")
        while "children" not in (update := (await heard(socket, "update"))["panels"]["cash"]):
            pass
        assert (update["children"], update["version"], update["freshness"]["state"]) == (5, 2, "live")


async def test_a_server_whose_sockets_take_no_frames_keeps_its_pages_up_to_date_too(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with (
        served(database, protocol=WebSocketsSansIOProtocol) as (url, _),
        websockets.connect(url) as one,
        websockets.connect(url) as other,
    ):
        for page in (one, other):
            await subscribe(page, "cash")
            assert (await heard(page, "update"))["panels"]["cash"]["children"] == 0
        await given_cash(service, 5, "1")
        for page in (one, other):
            while (await heard(page, "update"))["panels"]["cash"].get("children") != 5:
                pass


async def test_pages_that_show_the_same_are_in_step_and_told_together(database: Database, service: Database) -> None:
    await given_account(service)
    async with served(database) as (url, stream), contextlib.AsyncExitStack() as opened:
        pages = [await opened.enter_async_context(websockets.connect(url)) for _ in range(5)]
        for page in pages:
            await subscribe(page, "cash")
            await heard(page, "update")
        (channel,) = stream.channels._channels.values()
        async with asyncio.timeout(5):
            while len(channel._in_step) < len(pages):
                await asyncio.sleep(0.01)
        await given_cash(service, 5, "1")
        told = []
        for page in pages:
            while "children" not in (update := await heard(page, "update"))["panels"]["cash"]:
                pass
            told.append(update)
        assert told == [told[0]] * len(pages)
        assert told[0]["panels"]["cash"]["children"] == 5


async def test_how_long_a_change_takes_to_the_socket_is_known_and_what_a_page_finds_is_not_counted(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with served(database) as (url, stream), websockets.connect(url) as first:
        await subscribe(first, "cash")
        await heard(first, "update")
        for amount in range(1, 4):
            await given_cash(service, 1, str(amount))
            while (await heard(first, "update"))["panels"]["cash"].get("children") != amount:
                pass
        counted = len(stream.push)
        assert counted >= 3
        middle, most = stream.push.quantile(0.5), stream.push.quantile(1.0)
        assert middle is not None
        assert most is not None
        assert 0 < middle <= most < 30
        async with websockets.connect(url) as second:  # the picture is there since long: that is no push
            await subscribe(second, "cash")
            await heard(second, "update")
            assert len(stream.push) == counted


async def test_an_account_that_appears_later_is_shown_without_a_new_wish(database: Database, service: Database) -> None:
    async with served(database) as (url, stream), websockets.connect(url) as socket:
        await subscribe(socket, "cash")
        assert (await heard(socket, "view"))["accounts"] == []
        await given_account(service)
        await stream.directory.refresh()
        assert (await heard(socket, "view"))["accounts"] == ["A"]


async def test_what_may_tell_of_every_account_is_shown_to_none_who_may_see_only_some(
    database: Database, service: Database
) -> None:
    await given_account(service, "A")
    async with served(database, ("A",)) as (url, stream), websockets.connect(url) as socket:
        await subscribe(socket, "logs", "cash")
        assert "may tell of every account" in (await heard(socket, "refused"))["panels"]["logs"]
        assert (await heard(socket, "update"))["panels"].keys() == {"cash"}
        assert len(stream.book) == 1
    async with served(database) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "logs")
        assert (await heard(socket, "update"))["panels"].keys() == {"logs"}


async def test_an_account_of_somebody_else_does_not_exist(database: Database, service: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_cash(service, 100, "1", "B")
    async with served(database, ("A",)) as (url, _), websockets.connect(url) as socket:
        assert [account["account"] for account in (await heard(socket, "hello"))["accounts"]] == ["A"]
        await subscribe(socket, "cash", accounts=["B"])
        assert (await heard(socket, "view"))["accounts"] == ["A"]
        assert (await heard(socket, "update"))["panels"]["cash"]["children"] == 0


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"type": "subscribe", "panels": ["nothing"]}, "unknown panel"),
        ({"type": "subscribe", "panels": ["cash"], "view": {"window": "7 fortnights"}}, 'range: got "7 fortnights"'),
        ({"type": "subscribe", "panels": ["cash"], "view": {"as_of": "2026-01-01T00:00:00"}}, "zone"),
        ({"type": "subscribe", "panels": "cash"}, "list"),
        ({"type": "subscribe", "panels": ["cash"], "view": {"accounts": "A"}}, "list"),
        ({"type": "shout"}, "shout"),
        (
            {"type": "subscribe", "view": {"window": "0001-01-01T00:00:00+14:00..2020-01-01"}, "panels": ["cash"]},
            "range",
        ),
        ([1], "expected subscribe"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_answered_and_the_socket_stays(
    database: Database, service: Database, message: object, said: str
) -> None:
    await given_account(service)
    async with served(database) as (url, _), websockets.connect(url) as socket:
        await socket.send(json.dumps(message))
        assert said in (await heard(socket, "error"))["message"]
        await socket.send('{"type": "ping"}')
        await heard(socket, "pong")


async def test_a_part_of_an_address_that_means_nothing_is_named_so_that_the_page_can_go_on_without_it(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with served(database) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "cash", window="nonsense", as_of="yesterday", strategy="maker")
        parts = (await heard(socket, "error"))["parts"]
        assert {name: part["given"] for name, part in parts.items()} == {"range": "nonsense", "as_of": "yesterday"}
        assert "expected 15m, 1h" in parts["range"]["why"]
        await subscribe(socket, "cash", strategy="maker")
        assert (await heard(socket, "update"))["panels"]["cash"]["children"] == 0


async def test_an_account_that_is_not_there_is_said_also_where_the_page_shows_the_same_as_before(
    database: Database, service: Database
) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    async with served(database, ("A",)) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "cash")
        assert (await heard(socket, "view"))["note"] == ""
        await subscribe(socket, "cash", accounts=["NOPE"])
        unknown = (await heard(socket, "note"))["note"]
        assert unknown == "There is no account NOPE that you may see. What the server chooses is shown."
        await subscribe(socket, "cash", accounts=["A", "B"])  # another's looks the same: nobody learns that it is there
        assert (await heard(socket, "note"))["note"] == "There is no account B that you may see."
        await subscribe(socket, "cash", accounts=["A"])
        assert (await heard(socket, "note"))["note"] == ""


async def test_a_viewer_that_stalls_gets_the_newest_and_keeps_nobody_waiting(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with (
        served(database) as (url, _),
        websockets.connect(url, max_queue=1) as slow,
        websockets.connect(url) as quick,
    ):
        await subscribe(slow, "cash")
        await subscribe(quick, "cash")
        await heard(slow, "update")
        for number in range(60):
            await given_cash(service, 1, str(number))
        while "children" not in (update := (await heard(quick, "update"))["panels"]["cash"]) or update["children"] < 60:
            pass
        received = 0
        while "children" not in (update := (await heard(slow, "update"))["panels"]["cash"]) or update["children"] < 60:
            received += 1
        assert received < 60


async def test_a_page_that_leaves_is_forgotten(database: Database, service: Database) -> None:
    await given_account(service)
    async with served(database) as (url, stream):
        async with websockets.connect(url) as socket:
            await subscribe(socket, "cash")
            await heard(socket, "update")
            assert stream.viewers == 1
        async with asyncio.timeout(5):
            while stream.viewers or len(stream.book):
                await asyncio.sleep(0.01)


async def test_a_viewer_that_sends_and_never_reads_costs_no_memory(database: Database) -> None:
    async with served(database) as (url, stream):
        port = int(url.split(":")[2].split("/")[0])
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", port))
            raw.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(raw, HANDSHAKE % port)
            await loop.sock_recv(raw, 1000)
            most = 0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(4):
                    while True:
                        await loop.sock_sendall(raw, PING * 1000)
                        most = max(most, *(len(each._seat._notices) for each in stream._connections))
        assert most < 10


async def test_five_that_stall_keep_a_message_each_and_no_more_however_much_changes(
    database: Database, service: Database
) -> None:
    await given_account(service)
    loop = asyncio.get_running_loop()
    async with served(database) as (url, stream), websockets.connect(url) as quick, contextlib.AsyncExitStack() as kept:
        port = int(url.split(":")[2].split("/")[0])
        for _ in range(5):
            raw = kept.enter_context(socket.socket())
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(("127.0.0.1", port))
            raw.setblocking(False)
            await loop.sock_sendall(raw, HANDSHAKE % port)
            await loop.sock_recv(raw, 1000)
            await loop.sock_sendall(raw, WISH)
        await subscribe(quick, "cash")
        async with asyncio.timeout(10):
            while not stream.channels._channels or len(*stream.channels._channels.values()) < 6:
                await asyncio.sleep(0.01)
        (seats,) = ([*channel._in_step, *channel._apart] for channel in stream.channels._channels.values())
        wires = [seat.line._wire.transport for seat in seats]  # type: ignore[union-attr]
        for wire in wires:
            wire.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for number in range(1, 31):  # 50 kB each
            await given_cash(service, 1, str(number))
            while (await heard(quick, "update", 10))["panels"]["cash"].get("children") != number:
                pass
        waiting = [wire.get_write_buffer_size() for wire in wires]
        assert sum(bytes_ > 0 for bytes_ in waiting) == 5, waiting
        assert max(waiting) < 200_000, waiting
        assert all(len(seat.mailbox._fresh) <= 1 and len(seat._notices) <= 3 for seat in seats)


async def test_when_the_database_is_lost_all_viewers_hear_it_soon_and_what_changed_once_it_is_back(
    address: Address, service: Database
) -> None:
    await given_account(service)
    with TcpProxy(address) as proxy:
        database = Database(proxy.address)
        await database.open()
        try:
            async with served(database) as (url, stream), contextlib.AsyncExitStack() as opened:
                pages = [await opened.enter_async_context(websockets.connect(url)) for _ in range(30)]
                for page in pages:
                    await subscribe(page, "cash")
                    await heard(page, "update")
                proxy.refuse()
                proxy.cut()
                stream.hub.announce_all()
                for page in pages:
                    while (await heard(page, "update"))["panels"]["cash"]["freshness"]["state"] != "unreachable":
                        pass
                await given_cash(service, 5, "1")  # meanwhile, past the proxy
                proxy.accept()
                for page in pages:
                    async with asyncio.timeout(15):
                        while True:
                            told = (await heard(page, "update", 15))["panels"]["cash"]
                            if told.get("children") == 5 and told["freshness"]["state"] == "live":
                                break
        finally:
            await database.close()


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PING = b'\x81\x8f\x00\x00\x00\x00{"type":"ping"}'
WISH = b'\x81\xb0\x00\x00\x00\x00{"type":"subscribe","view":{},"panels":["cash"]}'


async def test_a_page_is_served_while_the_schema_is_not_there_yet(server: Address) -> None:
    administrator = await asyncpg.connect(**server.connect_arguments())
    name = f"test_empty_{uuid.uuid4().hex[:12]}"
    await administrator.execute(f"CREATE DATABASE {name} TEMPLATE template0")  # which nobody can be in just now
    database = Database(replace(server, database=name))
    await database.open()
    try:
        async with served(database) as (url, _), websockets.connect(url) as page:
            assert (await heard(page, "hello"))["accounts"] is None
    finally:
        await database.close()
        await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await administrator.close()


async def test_a_page_that_leaves_while_its_accounts_change_looks_at_nothing_any_more(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with served(database) as (url, stream):
        for number in range(10):
            async with websockets.connect(url) as page:
                await subscribe(page, "cash")
                await heard(page, "update")
                await given_account(service, f"B{number}")
                await stream.directory.refresh()
        async with asyncio.timeout(5):
            while stream.viewers or len(stream.book) or stream.directory._changed:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert len(stream.book) == 0
