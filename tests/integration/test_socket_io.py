"""Socket.IO for programs outside: a real client hears of what is committed, of its accounts alone, within limits."""

import asyncio
import contextlib
import gc
import signal
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import socketio
from starlette.applications import Starlette

from main.database.address import Address
from main.database.pool import Database
from main.domain.topics import Announcement, Topic
from main.errors import DatabaseUnreachable
from main.monitoring.api.directory import Directory
from main.monitoring.api.feed import EVENTS, METRICS, POSITIONS, TRADES
from main.monitoring.api.socket_io import LARGEST_MESSAGE, PATH, RULES, SocketIo, socket_io_routes
from main.monitoring.hub import Hub
from main.security.guard import Guard
from main.security.policy import Policy
from main.security.viewer import Viewer
from tests.api_site import app_on, serving
from tests.given import given_account, given_position, given_trade
from tests.integration.processes import program
from tests.integration.test_hub import running_hub
from tests.running import ROOT, fetch, free_ports
from tests.running import until as eventually

NOW = datetime.now(UTC).replace(microsecond=0)
SCRIPT = ROOT / "src" / "main" / "monitoring" / "dashboards" / "v2" / "run_trading_dashboard.py"
POLLING, WEBSOCKET = ("polling",), ("websocket",)


# The client library lets go of a connection only when it is collected, and aiohttp complains of that.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def _no_complaint_in_somebody_elses_test() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Known:
    """Whoever asks is this viewer."""

    def __init__(self, accounts: tuple[str, ...] | None) -> None:
        self.viewer = Viewer("me", "viewer", accounts)

    async def identify(self, scope: Any) -> Viewer:
        return self.viewer


class Site:
    """A server with Socket.IO behind the guard."""

    def __init__(self, hub: Hub, served: SocketIo, known: Known, port: int) -> None:
        self.hub, self.served, self.known, self.port = hub, served, known, port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


@contextlib.asynccontextmanager
async def site(database: Database, accounts: tuple[str, ...] | None = None, *, most: int = 10) -> AsyncIterator[Site]:
    async with running_hub(database) as hub:
        served, known = SocketIo(hub, Directory(database), most=most), Known(accounts)
        app = Guard(Starlette(routes=socket_io_routes(lambda: served)), Policy(RULES), authenticator=known)
        try:
            async with serving(app) as port:
                try:
                    yield Site(hub, served, known, port)
                finally:
                    served.end()
        finally:
            await served.close()


class Client:
    """A python-socketio client that keeps what it hears."""

    def __init__(self, io: Any) -> None:
        self.io = io
        self.heard: dict[str, list[dict[str, Any]]] = {event: [] for event in EVENTS}
        self._something = asyncio.Condition()
        for event, messages in self.heard.items():
            io.on(event, self._keeper(messages))

    def _keeper(self, messages: list[dict[str, Any]]) -> Any:
        async def keep(message: dict[str, Any]) -> None:
            async with self._something:
                messages.append(message)
                self._something.notify_all()

        return keep

    async def hears(
        self, event: str, said: Callable[[dict[str, Any]], bool] = lambda message: True, after: int = 0
    ) -> dict[str, Any]:
        """Return the first message of an event, of those after so many, that says something."""
        async with asyncio.timeout(10), self._something:
            while True:
                for message in self.heard[event][after:]:
                    if said(message):
                        return message
                await self._something.wait()


@contextlib.asynccontextmanager
async def connected(
    url: str,
    transports: tuple[str, ...] = WEBSOCKET,
    *,
    refusals: list[Any] | None = None,
    comes_back: bool = False,
    **options: Any,
) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as web:  # one of its own it would leave open when it is refused
        again = {"reconnection": comes_back, "reconnection_delay": 0.01, "randomization_factor": 0}
        client = Client(socketio.AsyncClient(**again, handle_sigint=False, http_session=web))
        client.io.on("connect_error", (refusals if refusals is not None else []).append)
        await client.io.connect(url, transports=list(transports), wait_timeout=10, **options)
        try:
            yield client
        finally:
            await client.io.disconnect()


def announce(hub: Hub, *topics: Topic) -> None:
    """As a recorder does after its commit."""
    for topic in topics:
        hub.announce(Announcement(topic, "A"))


def watched_by(hub: Hub) -> int:
    return sum(len(question.watchers) for question in hub._questions.values())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("transports", [POLLING, WEBSOCKET, (*POLLING, *WEBSOCKET)], ids="-".join)
async def test_a_client_hears_of_figures_closed_trades_and_positions_after_a_commit(
    database: Database, service: Database, transports: tuple[str, ...]
) -> None:
    await given_account(service)
    await given_trade(service, 5, NOW, symbol="OLD")
    async with site(database) as there, connected(there.url, transports) as client:
        assert (await client.hears(POSITIONS))["items"] == []
        first = await client.hears(TRADES)
        assert [trade["symbol"] for trade in first["items"]] == ["OLD"]
        assert (await client.hears(METRICS))["trades"] == 1
        counts = {event: len(messages) for event, messages in client.heard.items()}

        await given_trade(service, 7, NOW, symbol="NEW")
        await given_position(service, "BTC-USD", at=NOW)
        announce(there.hub, Topic.TRADES, Topic.POSITIONS)

        news = await client.hears(TRADES, lambda said: bool(said["items"]), counts[TRADES])
        assert [(trade["symbol"], trade["pnl"]) for trade in news["items"]] == [("NEW", 7)]
        assert (news["total"], news["summary"]["net_pnl"]) == (2, 12)
        held = await client.hears(POSITIONS, lambda said: bool(said["items"]), counts[POSITIONS])
        assert [position["symbol"] for position in held["items"]] == ["BTC-USD"]
        assert await client.hears(METRICS, lambda said: said["trades"] == 2, counts[METRICS])


async def test_an_old_trade_that_comes_into_the_newest_fifty_is_not_told_as_new_but_a_correction_is(
    database: Database, service: Database
) -> None:
    await given_account(service)
    given = [await given_trade(service, age, NOW - age * timedelta(hours=1), symbol=f"T{age}") for age in range(51)]
    async with site(database) as there, connected(there.url) as client:
        first = await client.hears(TRADES)
        assert [trade["symbol"] for trade in first["items"]] == [f"T{age}" for age in range(50)]

        await given_trade(service, 0, NOW, source_id=given[0], revision=1, quantity=0)  # busted: T50 comes in
        announce(there.hub, Topic.TRADES)
        assert (await client.hears(TRADES, lambda said: said["total"] == 50))["items"] == []

        moved = NOW - timedelta(hours=51)  # and with that the oldest of the page
        await given_trade(service, -1, moved, source_id=given[7], revision=1, symbol="T7")
        announce(there.hub, Topic.TRADES)
        corrected = await client.hears(TRADES, lambda said: bool(said["items"]), after=1)
        assert [(trade["symbol"], trade["pnl"]) for trade in corrected["items"]] == [("T7", -1)]


async def test_a_page_that_is_not_full_tells_of_an_older_trade_too(database: Database, service: Database) -> None:
    await given_account(service)
    await given_trade(service, 5, NOW)
    async with site(database) as there, connected(there.url) as client:
        await client.hears(TRADES)
        await given_trade(service, 5, NOW - timedelta(days=1), symbol="LATE")
        announce(there.hub, Topic.TRADES)
        late = await client.hears(TRADES, lambda said: bool(said["items"]), after=1)
        assert [trade["symbol"] for trade in late["items"]] == ["LATE"]


async def test_whoever_asks_is_told_all_three_as_they_are_in_the_words_of_rest(
    database: Database, service: Database, tmp_path: Any
) -> None:
    await given_account(service)
    await given_trade(service, 5, NOW)
    await given_position(service, "BTC-USD", at=NOW)
    async with site(database) as there, connected(there.url) as client, app_on(database, tmp_path) as app:
        for event in EVENTS:
            await client.hears(event)
        counts = {event: len(messages) for event, messages in client.heard.items()}
        await client.io.emit("request_update")
        async with serving(app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}") as rest:
            for event, path in EVENTS.items():
                told = await client.hears(event, after=counts[event])
                asked = (await rest.get(path.path)).json()
                assert told.keys() == asked.keys()
                timeless = {"as_of", "moment", "since", "state", "items", "by_currency"}
                assert {k: v for k, v in told.items() if k not in timeless} == {
                    k: v for k, v in asked.items() if k not in timeless
                }
                assert [row.keys() for row in told["items"]] == [row.keys() for row in asked["items"]]
        assert client.heard[TRADES][-1]["total"] == 1


async def test_a_viewer_of_one_account_hears_of_that_account_alone(database: Database, service: Database) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
        await given_trade(service, 5, NOW, account, symbol=f"IN-{account}")
    async with site(database, ("A",)) as there:
        async with connected(there.url) as client:
            for event in EVENTS:
                assert (await client.hears(event))["accounts"] == ["A"]
            await given_trade(service, 9, NOW, "B", symbol="SECRET")
            await given_position(service, "SECRET", account="B", at=NOW)
            there.hub.announce_all()
            await client.io.emit("request_update")
            await client.hears(TRADES, after=1)
            await client.hears(POSITIONS, after=1)
            assert all("SECRET" not in str(message) for messages in client.heard.values() for message in messages)
        refusals: list[Any] = []
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with connected(f"{there.url}?accounts=B", refusals=refusals):
                pass
        assert "unknown account" in str(refusals)


async def test_a_client_may_name_the_accounts_it_wants(database: Database, service: Database) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
    async with site(database) as there, connected(f"{there.url}?accounts=B") as client:
        assert (await client.hears(METRICS))["accounts"] == ["B"]


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}], ids=str)
@pytest.mark.parametrize("transports", [POLLING, WEBSOCKET], ids="-".join)
async def test_another_sites_page_and_another_name_of_ours_are_refused(
    database: Database, headers: dict[str, str], transports: tuple[str, ...]
) -> None:
    async with site(database) as there:
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with connected(there.url, transports, headers=headers):
                pass
        assert there.served.clients == 0
        async with connected(there.url, transports, headers={"Origin": there.url}):
            assert there.served.clients == 1


@contextlib.asynccontextmanager
async def stays_lost(hub: Hub, error: DatabaseUnreachable) -> AsyncIterator[None]:
    """Say so again and again: the server is there all the same, and what was under way finds that out."""

    async def say() -> None:
        while True:
            hub.lost(error)
            await asyncio.sleep(0.05)

    saying = asyncio.create_task(say())
    try:
        yield
    finally:
        saying.cancel()


async def test_with_the_database_away_the_last_values_come_with_their_state_and_error(
    database: Database, service: Database
) -> None:
    await given_account(service)
    await given_trade(service, 5, NOW)
    async with site(database) as there, connected(there.url) as client:
        before = await client.hears(METRICS)
        async with stays_lost(there.hub, DatabaseUnreachable("the database", "it was stopped", since=NOW)):
            for event in EVENTS:
                told = await client.hears(event, lambda said: said["state"] == "unreachable")
                assert "it was stopped" in told["error"]
        assert client.heard[METRICS][-1]["trades"] == before["trades"]
        assert client.heard[TRADES][-1]["items"] == []  # nothing closed: what is known was told
        there.hub.found()
        for event in EVENTS:
            await client.hears(event, lambda said: said["error"] is None, len(client.heard[event]) - 1)


async def test_without_a_client_nothing_is_watched_and_the_last_one_takes_everything_along(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with site(database) as there:
        assert watched_by(there.hub) == 0
        async with connected(there.url) as first, connected(there.url) as second:
            await first.hears(METRICS)
            await second.hears(METRICS)
            assert (there.served.clients, len(there.served.feeds)) == (2, 1)
            assert watched_by(there.hub) > 0
        await until(lambda: there.served.clients == 0)
        assert (watched_by(there.hub), len(there.served.feeds)) == (0, 0)


async def test_one_client_too_many_is_told_so(database: Database) -> None:
    async with site(database, most=1) as there, connected(there.url), httpx.AsyncClient(base_url=there.url) as web:
        refused = await web.get("/socket.io/?EIO=4&transport=polling")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        with pytest.raises(socketio.exceptions.ConnectionError):
            async with connected(there.url, WEBSOCKET):
                pass
        assert there.served.clients == 1


async def test_of_many_that_connect_at_once_no_more_are_let_in_than_may(database: Database) -> None:
    arrived, everybody = asyncio.Barrier(5), asyncio.Event()
    connection = {
        "type": "http",
        "method": "GET",
        "path": PATH,
        "query_string": b"EIO=4&transport=polling",
        "headers": [],
        "state": {"viewer": Viewer("me", "viewer", None)},
    }

    async def receive() -> Any:
        await arrived.wait()
        await everybody.wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def status_of_one() -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await there.served(dict(connection), receive, send)
        return int(sent[0]["status"])

    async with site(database, most=2) as there, asyncio.timeout(10):
        asked = [asyncio.create_task(status_of_one()) for _ in range(4)]
        await arrived.wait()
        everybody.set()
        assert sorted(await asyncio.gather(*asked)) == [200, 200, 503, 503]


async def test_a_session_is_its_viewers_alone_and_no_script_of_another_site(database: Database) -> None:
    async with site(database) as there, httpx.AsyncClient(base_url=there.url) as web:
        opened = await web.get("/socket.io/?EIO=4&transport=polling")
        session = opened.text.split('"sid":"')[1].split('"')[0]
        mine = f"/socket.io/?EIO=4&transport=polling&sid={session}"
        there.known.viewer = Viewer("you", "viewer", ("B",))
        assert (await web.post(mine, content="40")).status_code == 403
        there.known.viewer = Viewer("me", "viewer", None)
        assert (await web.post(mine, content="40")).status_code == 200
        assert (await web.post(mine, content="4" + "x" * LARGEST_MESSAGE)).status_code == 413
        assert (await web.get("/socket.io/?EIO=4&transport=polling&j=0")).status_code == 400


@pytest.mark.parametrize("announced", ["59999999999-", "52-", "50-", "5", "69999999999-1"])
async def test_a_client_that_announces_attachments_is_not_waited_for_and_goes_on(
    database: Database, service: Database, announced: str
) -> None:
    await given_account(service)
    async with site(database) as there, connected(there.url) as client:
        await client.hears(METRICS)
        for frame in (f'{announced}["request_update"]', "not an attachment", b"nor this"):
            await client.io.eio.send(frame)
        await client.io.emit("request_update")
        await client.hears(METRICS, after=1)
        assert there.served._server._binary_packet == {}


async def test_a_client_that_stops_reading_is_sent_no_more_than_it_takes_and_then_the_newest(
    database: Database, service: Database
) -> None:
    await given_account(service)
    async with site(database) as there, httpx.AsyncClient(base_url=there.url) as web:
        opened = await web.get("/socket.io/?EIO=4&transport=polling")
        session = opened.text.split('"sid":"')[1].split('"')[0]
        mine = f"/socket.io/?EIO=4&transport=polling&sid={session}"
        await web.post(mine, content="40")  # connects, and never asks for what there is
        queue = there.served._server.eio.sockets[session].queue
        for number in range(1, 6):
            before = there.hub.statistics.evaluated
            await given_trade(service, number, NOW, symbol=f"T{number}")
            announce(there.hub, Topic.TRADES)
            await until(lambda before=before: there.hub.statistics.evaluated > before)
            assert queue.qsize() <= 2
        heard = ""
        async with asyncio.timeout(10):
            while not all(f'"T{number}"' in heard for number in range(1, 6)):
                heard += (await web.get(mine, timeout=10)).text
        assert heard.count('2["trade_update"') <= 2


@pytest.mark.parametrize("transports", [POLLING, WEBSOCKET, (*POLLING, *WEBSOCKET)], ids="-".join)
async def test_a_client_that_cannot_be_told_any_more_is_let_go_and_comes_back_by_itself(
    database: Database, service: Database, monkeypatch: pytest.MonkeyPatch, transports: tuple[str, ...]
) -> None:
    await given_account(service)
    async with site(database) as there, connected(there.url, transports, comes_back=True) as client:
        before = await client.hears(POSITIONS)
        assert before["items"] == []
        (first,) = there.served._clients.values()

        async def fails(*_: object) -> None:
            raise RuntimeError("a defect of ours")

        monkeypatch.setattr(first, "_tell", fails)
        await given_position(service, "BTC-USD", at=NOW)
        announce(there.hub, Topic.POSITIONS)
        await client.hears(POSITIONS, lambda said: bool(said["items"]))
        (second,) = there.served._clients.values()
        assert second is not first
        assert len(there.served.feeds) == 1


async def test_the_end_lets_go_of_who_waits_and_takes_nobody_new(database: Database, service: Database) -> None:
    await given_account(service)
    async with site(database) as there, connected(there.url, POLLING) as client:
        await client.hears(METRICS)
        gone = asyncio.Event()
        client.io.on("disconnect", lambda *_: gone.set())
        there.served.end()
        async with asyncio.timeout(5):
            await gone.wait()
        async with httpx.AsyncClient(base_url=there.url) as web:
            assert (await web.get("/socket.io/?EIO=4&transport=polling")).status_code == 503


async def test_a_client_whose_accounts_are_being_looked_up_at_the_end_is_not_told_anything(
    database: Database, service: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_account(service)
    looking, ended = asyncio.Event(), asyncio.Event()
    async with site(database) as there, httpx.AsyncClient(base_url=there.url) as web:
        visible = there.served.directory.visible

        async def slow(accounts: Any) -> Any:
            looking.set()
            await ended.wait()
            return await visible(accounts)

        monkeypatch.setattr(there.served.directory, "visible", slow)
        opened = await web.get("/socket.io/?EIO=4&transport=polling")
        session = opened.text.split('"sid":"')[1].split('"')[0]
        connects = asyncio.create_task(web.post(f"/socket.io/?EIO=4&transport=polling&sid={session}", content="40"))
        async with asyncio.timeout(10):
            await looking.wait()
            there.served.end()
            ended.set()
            await connects
        assert (there.served.clients, len(there.served.feeds), watched_by(there.hub)) == (0, 0, 0)


async def test_a_dashboard_that_ends_waits_for_no_client(address: Address, service: Database, tmp_path: Path) -> None:
    await given_account(service)
    (port,) = free_ports(1)
    environment = {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "AI_TRADER_DATA_DIR": str(tmp_path / "data"),
        "AI_TRADER_LOG_DIR": str(tmp_path / "logs"),
    }
    url = f"http://127.0.0.1:{port}"
    with program([str(SCRIPT), "--port", str(port)], environment, cwd=tmp_path) as dashboard:
        await asyncio.to_thread(eventually, lambda: fetch(f"{url}/readyz")[0] == 200, 30, "ready")
        async with connected(url, POLLING) as polling, connected(url, WEBSOCKET) as socket:
            await polling.hears(METRICS)
            await socket.hears(METRICS)
            dashboard.send_signal(signal.SIGTERM)
            await asyncio.to_thread(dashboard.wait, 20)
    assert "graceful shutdown exceeded" not in "".join(
        path.read_text() for path in (tmp_path / "logs").rglob("*") if path.is_file()
    )
