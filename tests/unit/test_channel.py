"""Who looks at the same is told the same bytes; who stalls, comes or moves misses nothing and is told nothing twice."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.api import mailbox
from main.monitoring.api.channel import Channels, Seat
from main.monitoring.api.pictures import Picture
from main.monitoring.api.wire import Message
from main.monitoring.read import State

PANELS = ("equity", "activity", "alerts")
VIEW = Scope(("A",))
FRESH = b'"freshness":{},"error":null'


class Reads:
    def __init__(self, topic: Topic) -> None:
        self.topics = frozenset({topic})


class Book:
    """Pictures that a test changes."""

    def __init__(self) -> None:
        self.pictures: dict[tuple[str, Scope], Picture] = {}
        self.listeners: dict[tuple[str, Scope], list[Callable[[Picture, bool], None]]] = {}

    def reads(self, panel: str, page: Scope) -> tuple[Reads, ...]:
        return (Reads(Topic.ALERTS if panel == "alerts" else Topic.FILLS),)

    def look(self, panel: str, scope: Scope, on_change: Callable[[Picture, bool], None]) -> Callable[[], None]:
        picture = self.pictures.setdefault((panel, scope), Picture(panel, scope, freshness=FRESH))
        listeners = self.listeners.setdefault((panel, scope), [])
        listeners.append(on_change)
        if picture.version:
            on_change(picture, True)
        return lambda: listeners.remove(on_change)

    @property
    def looked_at(self) -> int:
        return sum(map(len, self.listeners.values()))

    def change(self, panel: str, *, content: bool = True) -> None:
        """Give a panel a new content, with a tail, or tell that it is as it was."""
        picture = self.pictures.setdefault((panel, VIEW), Picture(panel, VIEW, freshness=FRESH))
        content = content or not picture.version
        if content:
            picture.version += 1
            picture.content = b'"children":%d' % picture.version
            picture.tail = b'{"children":[%d]}' % picture.version
        for listener in tuple(self.listeners.get((panel, VIEW), ())):
            listener(picture, content)


class Page:
    """A line that a test may block, and what its page shows of what came over it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.messages: list[Message] = []
        self.shown: dict[str, tuple[int, int]] = {}

    @property
    def ready(self) -> bool:
        return self.open.is_set()

    async def drained(self) -> None:
        await self.open.wait()

    def write(self, message: Message) -> None:
        assert self.ready, "written to while it stalls"
        self.messages.append(message)
        told: dict[str, Any] = json.loads(message.payload)
        if told["type"] == "forget":  # the page looks at nothing for a moment
            self.shown = {}
        for panel, news in told.get("panels", {}).items():
            held = self.shown.get(panel)
            if "tail" in news:
                assert held is not None, f"a tail of {panel}, which the page does not have"
                assert held[0] == news["from"], f"{panel}: a tail of {news['from']}, the page has {held[0]}"
                self.shown[panel] = (news["version"], news["tail"]["children"][0])
            elif "children" in news:
                assert held is None or news["version"] >= held[0], "back in time"
                self.shown[panel] = (news["version"], news["children"])
            else:
                assert held is not None
                assert news["version"] == held[0], "as it was, of a version that the page does not have"

    async def send(self, message: Message) -> None:
        await self.open.wait()
        self.write(message)


class Unwired(Page):
    """A page whose server has no wire: it can only be sent to."""

    ready = False  # type: ignore[assignment]

    async def send(self, message: Message) -> None:
        await self.open.wait()
        type(self).ready = True  # type: ignore[assignment]
        self.write(message)
        type(self).ready = False  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for others: what is told when is another test's."""
    for name in ("FRAME_SECONDS", "GATHER_SECONDS", "QUIET_SECONDS", "SETTLING_SECONDS"):
        monkeypatch.setattr(mailbox, name, 0.0)


class Room:
    """Channels over a book of pictures, with seats that are written to."""

    def __init__(self, pace: float = 0.0) -> None:
        self.book = Book()
        self.channels = Channels(self.book, pace)  # type: ignore[arg-type]
        self.writing: list[asyncio.Task[None]] = []

    def seat(self, page: Page) -> Seat:
        seat = Seat(page, self.channels)  # type: ignore[arg-type]
        self.writing.append(asyncio.create_task(seat.write()))
        return seat

    def move(self, seat: Seat, *panels: str) -> None:
        seat.move(self.channels.channel(VIEW, frozenset(panels)) if panels else None)
        if not panels:
            seat.notice("forget", b'{"type":"forget"}')

    async def turn(self) -> None:
        for _ in range(6):
            await asyncio.sleep(0)

    async def close(self) -> None:
        for task in self.writing:
            task.cancel()
        for ended in await asyncio.gather(*self.writing, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


def in_a_room(test: Callable[[Room], Awaitable[None]], pace: float = 0.0) -> None:
    async def run() -> None:
        room = Room(pace)
        await test(room)
        await room.close()

    asyncio.run(run())


def test_viewers_of_the_same_are_written_the_same_message_once() -> None:
    async def test(room: Room) -> None:
        pages = [Page() for _ in range(3)]
        for page in pages:
            room.move(room.seat(page), *PANELS)
        assert len(room.channels) == 1
        for _ in range(3):
            room.book.change("equity")
            await room.turn()
        assert [page.shown for page in pages] == [{"equity": (3, 3)}] * 3
        assert len({id(page.messages[-1]) for page in pages}) == 1
        assert b"tail" in pages[0].messages[-1].payload

    in_a_room(test)


def test_who_stalls_is_told_the_newest_only_holds_up_nobody_and_is_in_step_again() -> None:
    async def test(room: Room) -> None:
        quick, slow = Page(), Page()
        for page in (quick, slow):
            room.move(room.seat(page), *PANELS)
        room.book.change("equity")
        await room.turn()
        slow.open.clear()
        for _ in range(50):
            room.book.change("equity")
            await room.turn()
        assert quick.shown["equity"] == (51, 51)
        assert slow.shown["equity"] == (1, 1)
        slow.open.set()
        await room.turn()
        assert slow.shown["equity"] == (51, 51)
        assert len(slow.messages) == 2
        room.book.change("equity")
        await room.turn()
        assert slow.messages[-1] is quick.messages[-1]

    in_a_room(test)


def test_who_scrolls_is_not_told_again_what_stays() -> None:
    async def test(room: Room) -> None:
        page = Page()
        seat = room.seat(page)
        room.move(seat, "equity", "activity")
        room.book.change("equity")
        room.book.change("activity")
        await room.turn()
        before = len(page.messages)
        room.move(seat, "activity", "alerts")
        room.book.change("alerts")
        await room.turn()
        told = [json.loads(message.payload)["panels"].keys() for message in page.messages[before:]]
        assert told == [{"alerts"}]
        room.book.change("activity")
        await room.turn()
        assert b'"from":1' in page.messages[-1].payload

    in_a_room(test)


def test_who_leaves_is_forgotten_and_the_last_one_takes_the_channel_along() -> None:
    async def test(room: Room) -> None:
        seats = [room.seat(Page()) for _ in range(2)]
        for seat in seats:
            room.move(seat, *PANELS)
        seats[0].close()
        assert (len(room.channels), room.book.looked_at) == (1, 3)
        seats[1].close()
        assert (len(room.channels), room.book.looked_at) == (0, 0)

    in_a_room(test)


def test_a_panel_that_cannot_be_looked_at_leaves_none_of_the_others_looked_at() -> None:
    async def test(room: Room) -> None:
        look = room.book.look

        def failing(panel: str, scope: Scope, on_change: Callable[[Picture, bool], None]) -> Callable[[], None]:
            if room.book.looked_at == 2:
                raise ValueError("no such panel")
            return look(panel, scope, on_change)

        room.book.look = failing  # type: ignore[method-assign]
        with pytest.raises(ValueError, match="no such panel"):
            room.channels.channel(VIEW, frozenset(PANELS))
        assert (room.book.looked_at, len(room.channels)) == (0, 0)

    in_a_room(test)


def test_with_a_pace_who_asks_again_hears_all_for_a_while_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(room: Room) -> None:
        settled, asking = Page(), Page()
        room.move(room.seat(settled), *PANELS)
        room.book.change("equity")
        await room.turn()
        monkeypatch.setattr(mailbox, "SETTLING_SECONDS", 3600.0)
        room.move(room.seat(asking), *PANELS)
        await room.turn()
        room.book.change("equity")
        await room.turn()
        assert asking.shown == {"equity": (2, 2)}
        assert settled.shown == {"equity": (1, 1)}

    in_a_room(test, 3600.0)


def test_trouble_goes_past_a_pace_to_everybody() -> None:
    async def test(room: Room) -> None:
        page = Page()
        room.move(room.seat(page), *PANELS)
        room.book.change("equity")
        await room.turn()
        room.book.change("equity")
        await room.turn()
        assert page.shown == {"equity": (1, 1)}
        room.book.pictures["equity", VIEW].state = State.UNREACHABLE
        room.book.change("equity", content=False)
        await room.turn()
        assert page.shown == {"equity": (2, 2)}

    in_a_room(test, 3600.0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from(PANELS)),
        st.tuples(st.just("fresh"), st.sampled_from(PANELS)),
        st.tuples(st.just("stall"), st.integers(0, 3)),
        st.tuples(st.just("go on"), st.integers(0, 3)),
        st.tuples(st.just("say"), st.integers(0, 3)),
        st.tuples(st.just("leave"), st.integers(0, 3)),
        st.tuples(st.just("look"), st.tuples(st.integers(0, 3), st.sets(st.sampled_from(PANELS), min_size=1))),
        st.tuples(st.just("turn"), st.just(0)),
        st.tuples(st.just("moment"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_nobody_is_told_what_does_not_follow_and_all_end_with_the_newest(
    steps: list[tuple[str, Any]],
) -> None:
    async def test(room: Room) -> None:
        pages = [Page(), Page(), Page(), Unwired()]
        seats = [room.seat(page) for page in pages]
        looks: list[set[str]] = [set(PANELS)] * 4
        for seat in seats:
            room.move(seat, *PANELS)
        for step, what in steps:
            match step:
                case "change" | "fresh":
                    room.book.change(what, content=step == "change")
                case "stall":
                    pages[what].open.clear()
                case "go on":
                    pages[what].open.set()
                case "say":
                    seats[what].notice("pong", b'{"type":"pong"}')
                case "leave":
                    looks[what] = set()
                    room.move(seats[what])
                case "look":
                    looks[what[0]] = what[1]
                    room.move(seats[what[0]], *what[1])
                case "turn":
                    await room.turn()
                case "moment":
                    await asyncio.sleep(0)
        for page in pages:
            page.open.set()
        await room.turn()
        await room.turn()
        for page, looked in zip(pages, looks, strict=True):
            newest = {panel: room.book.pictures[panel, VIEW].version for panel in looked}
            held = {panel: page.shown.get(panel, (0, 0)) for panel in looked}
            assert held == {panel: (version, version) for panel, version in newest.items()}

    in_a_room(test)
