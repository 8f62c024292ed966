"""A wallboard is told at most once an interval, of trouble and its end at once; every page hears of composed pages."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
import websockets

from main.clock import now
from main.database.pool import Database
from main.errors import DatabaseUnreachable
from main.monitoring.api import mailbox
from tests.integration.test_hub import SCOPE, cash, given_account, given_cash, read_of, until
from tests.integration.test_stream import heard, served, subscribe

HOUR = 3600.0


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages count as settled as soon as they have seen each panel once."""
    monkeypatch.setattr(mailbox, "SETTLING_SECONDS", 0.0)


async def before_pong(socket: Any) -> list[str]:
    """Ask for a pong and return the types of what came before it."""
    await socket.send('{"type": "ping"}')
    kinds: list[str] = []
    while not kinds or kinds[-1] != "pong":
        kinds.append(json.loads(await socket.recv())["type"])
    return kinds


@pytest.mark.usefixtures("settled")
async def test_news_wait_for_their_time_and_trouble_does_not(database: Database, service: Database) -> None:
    await given_account(service)
    async with served(database, pace=HOUR) as (url, stream), websockets.connect(url) as socket:
        await subscribe(socket, "cash")
        first = (await heard(socket, "update"))["panels"]["cash"]
        assert first["children"] == 0
        assert first["freshness"]["expected_seconds"] == 60 + HOUR
        assert first["freshness"]["silent_at"] is None
        watched = stream.hub.watch(read_of(cash), SCOPE, lambda: None)
        await given_cash(service, 5, "1")
        await until(lambda: watched.answer is not None and watched.answer.version == 2 and not stream.hub.running)
        assert "update" not in await before_pong(socket)
        stream.hub.lost(DatabaseUnreachable("somewhere", "gone", since=now()))
        lost = (await heard(socket, "update"))["panels"]["cash"]
        assert lost["freshness"]["state"] == "unreachable"
        stream.hub.found()
        back = (await heard(socket, "update"))["panels"]["cash"]
        assert (back["freshness"]["state"], back["version"]) == ("live", 2)


@pytest.mark.usefixtures("settled")
async def test_what_happens_between_two_pushes_comes_together(database: Database, service: Database) -> None:
    await given_account(service)
    pace = 1.5
    async with served(database, pace=pace) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "cash")
        await heard(socket, "update")
        told: list[tuple[datetime, int]] = []
        for number in range(1, 5):
            await given_cash(service, 1, str(number))
        while not told or told[-1][1] < 4:
            update = await heard(socket, "update", 30)
            if "children" in update["panels"]["cash"]:
                told.append((datetime.fromisoformat(update["now"]), update["panels"]["cash"]["children"]))
        await given_cash(service, 1, "5")
        last = await heard(socket, "update", 30)
        while last["panels"]["cash"].get("children") != 5:
            last = await heard(socket, "update", 30)
        moments = [at for at, _ in told] + [datetime.fromisoformat(last["now"])]
        apart = [(later - sooner).total_seconds() for sooner, later in pairwise(moments)]
        assert min(apart) > pace * 0.9


async def test_a_page_that_has_just_asked_is_told_everything(database: Database, service: Database) -> None:
    await given_account(service)
    async with served(database, pace=HOUR) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "cash")
        await heard(socket, "update")
        await given_cash(service, 5, "1")
        while (await heard(socket, "update"))["panels"]["cash"].get("children") != 5:
            pass


async def test_every_page_hears_which_pages_were_composed(database: Database, service: Database) -> None:
    async with served(database, allowed=()) as (url, _), websockets.connect(url) as socket:
        assert (await heard(socket, "pages"))["items"] == []
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO pages (page, dashboard, title, panels, origin) "
                "VALUES ('night', 'trading', '<b>Night', $1, 'user')",
                json.dumps([{"panel": "equity", "width": 8, "options": {}}]),
            )
        (told,) = (await heard(socket, "pages"))["items"]
        assert (told["page"], told["title"], told["version"]) == ("night", "<b>Night", 1)
        assert told["panels"] == [{"panel": "equity", "width": 8, "options": {}}]


async def test_what_a_viewer_may_not_see_is_refused_in_its_place(database: Database, service: Database) -> None:
    await given_account(service)
    async with served(database, allowed=("A",)) as (url, _), websockets.connect(url) as socket:
        await subscribe(socket, "logs", "logs~2", "cash")
        told = await heard(socket, "refused")
        assert "logs" in told["panels"]
        assert "may tell of every account, and me may see only some" in told["panels"]["logs"]
        assert (await heard(socket, "update"))["panels"].keys() == {"cash"}
