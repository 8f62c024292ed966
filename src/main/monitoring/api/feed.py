"""What are programs outside told, when do they hear of it, and in which words? Those of the named paths of REST."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from main.domain.scope import Scope
from main.exporters.json import encode
from main.monitoring.api.named import document, is_long, parameters_of_path, unanswered
from main.monitoring.api.named_paths import NAMED
from main.monitoring.api.named_shape import NamedPath
from main.monitoring.api.parsing import Parsing
from main.monitoring.closed_trade import ClosedTrade
from main.monitoring.freshness import worst
from main.monitoring.hub import Hub
from main.monitoring.read import Answer, Read, State
from main.monitoring.reads import trades

METRICS, TRADES, POSITIONS = "metrics_update", "trade_update", "position_update"
SAME_SECONDS = 1.0
"""A message that is asked for again within this time is the same, as an answer of the hub is."""


def _path(path: str) -> NamedPath:
    return next(each for each in NAMED if each.path == path)


EVENTS: Mapping[str, NamedPath] = {
    METRICS: _path("/api/metrics"),
    TRADES: _path("/api/trades"),
    POSITIONS: _path("/api/positions"),
}
"""Every event, and the path whose document it is."""
READS: tuple[Read[Any], ...] = tuple(part.read for path in EVENTS.values() for part in path.parts)


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody was told last of a subject: the version, and the trades, by id, that were on the page then."""

    version: int
    trades: Mapping[str, ClosedTrade] | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One event's document, written once for everybody who has seen the same before; and what is seen with it."""

    document: bytes
    seen: Seen
    written: float


class Subject:
    """One event of one choice of accounts. Its version grows when a value, a state or an error changes.

    That something is as it was a while ago is no news; the answers' times alone change nothing.
    """

    def __init__(self, event: str, hub: Hub, scope: Scope, note: str, on_change: Callable[[], None]) -> None:
        """Watch what the event is made of until it is closed."""
        self.version = 0  # 0: nothing is known yet
        self._event, self._path = event, EVENTS[event]
        self._hub, self._scope, self._note = hub, replace(scope, window=self._path.window), note
        self._on_change = on_change
        self._told: object = None
        self._messages: dict[int | None, Message] = {}  # by the version that was seen before
        self._writing = asyncio.Lock()
        parsing = Parsing({}, parameters_of_path(self._path))
        self._asked = [(part.read, parsing.params(part.read, part.fixed)) for part in self._path.parts]
        self._watched = [hub.watch(read, self._scope, self._changed, params) for read, params in self._asked]

    def close(self) -> None:
        """Watch no longer."""
        for watched in self._watched:
            watched.close()

    async def ask(self) -> None:
        """Have every part answered as of now."""
        await asyncio.gather(*(self._hub.ask(read, self._scope, params) for read, params in self._asked))

    async def message(self, seen: Seen | None) -> Message:
        """Return what to tell somebody who has `seen` that; to be called when there is a version."""
        async with self._writing:
            key = seen.version if seen is not None else None
            last = self._messages.get(key)
            current = last is not None and last.seen.version == self.version
            if last is None or not current or time.monotonic() - last.written > SAME_SECONDS:
                self._messages = {k: each for k, each in self._messages.items() if each.seen.version == self.version}
                last = self._messages[key] = await self._written(seen)
            return last

    def _changed(self) -> None:
        answers = self._answers()
        if len(answers) < len(self._watched):
            return  # the other parts are still being asked
        told = [(answer.version, answer.state, answer.error) for answer in answers]
        if told != self._told:
            self._told = told
            self.version += 1
            self._on_change()

    def _answers(self) -> list[Answer[Any]]:
        return [watched.answer for watched in self._watched if watched.answer is not None]

    async def _written(self, seen: Seen | None) -> Message:
        version, answers = self.version, self._answers()
        before = seen.trades if seen is not None else None
        now_seen, shown = before, answers
        if self._event == TRADES and answers[0].value is not None:
            page = answers[0].value
            now_seen = {trade.id: trade for trade in page.items}
            shown = [replace(answers[0], value=only_new(page, before))]
        values = [answer.value for answer in shown]
        text = await asyncio.to_thread(self._encoded, shown) if is_long(values) else self._encoded(shown)
        return Message(text, Seen(version, now_seen), time.monotonic())

    def _encoded(self, answers: list[Answer[Any]]) -> bytes:
        missing = unanswered(self._path, answers)
        if missing is None:
            return encode(document(self._path, answers, self._scope.accounts, self._scope.window, self._note))
        part, answer = missing
        known = answer.state is State.UNREACHABLE or answer.timed_out
        fresh = worst(answers).freshness
        head = {name: getattr(fresh, name) for name in ("as_of", "moment", "state", "since")}
        error = answer.error if known else f"{part.read.title} failed"
        told = {"accounts": self._scope.accounts, "range": self._scope.window, "error": error, "note": self._note}
        return encode(head | told)


def only_new(page: trades.TradesFound, seen: Mapping[str, ClosedTrade] | None) -> trades.TradesFound:
    """Return the page with those trades alone that were not `seen` as they are now; all of them without any seen.

    Where a full page was seen, a trade from before it is none of them: it came into the page because another left.
    """
    if seen is None:
        return page
    full = len(seen) >= page.limit
    since = min(trade.exit_time for trade in seen.values()) if full else None
    items = [
        trade
        for trade in page.items
        if seen.get(trade.id) != trade and (trade.id in seen or since is None or trade.exit_time >= since)
    ]
    return replace(page, items=items)


@dataclass(slots=True, eq=False)
class Feed:
    """The subjects of one choice of accounts, shared by everybody who looks at it; closed with the last of them."""

    scope: Scope
    subjects: dict[str, Subject]
    listeners: set[Callable[[], None]] = field(default_factory=set)

    async def ask(self) -> None:
        """Have everything answered as of now."""
        await asyncio.gather(*(subject.ask() for subject in self.subjects.values()))


class Feeds:
    """The feeds that somebody looks at; without anybody nothing is asked of the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._feeds: dict[tuple[Scope, str], Feed] = {}

    def __len__(self) -> int:
        return len(self._feeds)

    def look(self, scope: Scope, note: str, on_change: Callable[[], None]) -> Feed:
        """Return the feed of a scope; `on_change` is called on the loop when there is something new in it."""
        key = (scope, note)
        if key not in self._feeds:
            feed = self._feeds[key] = Feed(scope, {})
            for event in EVENTS:
                feed.subjects[event] = Subject(event, self._hub, scope, note, lambda: _tell(feed))
        self._feeds[key].listeners.add(on_change)
        return self._feeds[key]

    def leave(self, feed: Feed, on_change: Callable[[], None]) -> None:
        """Look at a feed no longer."""
        feed.listeners.discard(on_change)
        if not feed.listeners:
            self._feeds = {key: each for key, each in self._feeds.items() if each is not feed}
            for subject in feed.subjects.values():
                subject.close()


def _tell(feed: Feed) -> None:
    for on_change in tuple(feed.listeners):
        on_change()
