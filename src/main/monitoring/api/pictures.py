"""What is drawn: one panel for one scope, kept up to date and encoded once however many viewers look at it."""

import asyncio
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from main.domain.scope import Scope
from main.monitoring.api.tails import tail
from main.monitoring.freshness import worst
from main.monitoring.hub import Hub
from main.monitoring.question import Watched
from main.monitoring.read import Answer, Freshness, Read, State

THREAD_SECONDS = 0.004
"""A panel whose last encoding took longer is encoded in a thread: ten large charts held the loop for 210 ms."""


class Encoder(Protocol):
    """Who knows the panels. Handed in from above, so that the socket knows no figure."""

    def asks(self, panel: str) -> tuple[tuple[Read[Any], Hashable], ...]:
        """Return what a panel asks, each read with its parameters; raise `AITraderError` for one that cannot be."""
        ...

    def scope(self, panel: str, page: Scope) -> Scope:
        """Return what a panel asks about on a page of this scope; raise `AITraderError` where that makes no sense."""
        ...

    def encode(self, panel: str, answers: Mapping[str, Answer[Any]], scope: Scope) -> bytes:
        """Draw a panel and return the members of its JSON object; never raises for anything in the answers."""
        ...


@dataclass(slots=True, eq=False)
class Picture:
    """The newest encoding of one panel, as chosen, for one scope. ``version`` grows with every new content.

    ``tail`` makes the content of the version before into this one's (`tails.tail`); ``None`` where that saves nothing.
    ``learned`` is when this process learned of the change that the content shows, on the monotonic clock, ``state`` how
    far its reads may be trusted.
    """

    panel: str
    scope: Scope
    content: bytes = b""
    tail: bytes | None = None
    freshness: bytes = b""
    version: int = 0
    learned: float = 0.0
    state: State | None = None

    @property
    def chart(self) -> bool:
        """Whether it shows a figure."""
        return self.content.startswith(b'"figure"')


class PictureBook:
    """All pictures that somebody looks at now. Lives on the hub's loop."""

    def __init__(self, hub: Hub, encoder: Encoder, workers: Executor, pace: float = 0.0) -> None:
        """Take the least seconds between two pushes to a page: by so much an answer may be older there."""
        self._pace = pace
        self._hub = hub
        self._encoder = encoder
        self._workers = workers
        self._easels: dict[tuple[str, Scope], _Easel] = {}

    def look(self, panel: str, scope: Scope, on_change: Callable[[Picture, bool], None]) -> Callable[[], None]:
        """Look at a picture: ``on_change(picture, content changed?)`` is called at every change; return what ends it.

        Raise `AITraderError` for a panel that is not there, or not with these options.
        """
        scope = self._encoder.scope(panel, scope)
        easel = self._easels.get((panel, scope))
        if easel is None:
            easel = self._easels[panel, scope] = _Easel(
                self._hub,
                self._encoder,
                self._workers,
                Picture(panel, scope),
                self._encoder.asks(panel),
                pace=self._pace,
            )
        easel.viewers.append(on_change)
        if easel.picture.version:
            on_change(easel.picture, True)
        return lambda: self._leave(easel, on_change)

    def reads(self, panel: str, page: Scope) -> tuple[Read[Any], ...]:
        """Return what a panel asks on a page of this scope.

        Raise `AITraderError` for one that is not there, or not with these options.
        """
        self._encoder.scope(panel, page)
        return tuple(read for read, _ in self._encoder.asks(panel))

    def __len__(self) -> int:
        return len(self._easels)

    def _leave(self, easel: "_Easel", on_change: Callable[[Picture, bool], None]) -> None:
        easel.viewers.remove(on_change)
        if not easel.viewers:
            easel.close()
            self._easels.pop((easel.picture.panel, easel.picture.scope), None)


class _Easel:
    """One picture being kept up to date."""

    def __init__(
        self,
        hub: Hub,
        encoder: Encoder,
        workers: Executor,
        picture: Picture,
        asks: tuple[tuple[Read[Any], Hashable], ...],
        *,
        pace: float,
    ) -> None:
        self._pace = pace
        self.picture = picture
        self.viewers: list[Callable[[Picture, bool], None]] = []
        self._encoder = encoder
        self._workers = workers
        self._took = 0.0
        self._drawn: tuple[object, ...] | None = None
        self._dirty = False
        self._painter: asyncio.Task[None] | None = None
        self._watched: dict[str, Watched] = {
            read.name: hub.watch(read, picture.scope, self._answered, params) for read, params in asks
        }

    def close(self) -> None:
        for watched in self._watched.values():
            watched.close()
        if self._painter is not None:
            self._painter.cancel()

    def _answered(self) -> None:
        self._dirty = True
        if self._painter is None or self._painter.done():
            self._painter = asyncio.create_task(self._paint())

    async def _paint(self) -> None:
        """Encode until nothing new came meanwhile; begins a turn late, for answers given together are drawn once."""
        await asyncio.sleep(0)
        while self._dirty:
            self._dirty = False
            answers = {name: watched.answer for name, watched in self._watched.items()}
            present = {name: answer for name, answer in answers.items() if answer is not None}
            if len(present) < len(answers):
                continue
            await self._show(present, tuple(watched.learned for watched in self._watched.values()))

    async def _show(self, answers: dict[str, Answer[Any]], learned: tuple[float, ...]) -> None:
        state = tuple((answer.version, answer.error is None, answer.state) for answer in answers.values())
        changed = state != self._drawn
        before = self._drawn or (None,) * len(state)
        if changed:
            content, tail = await self._encode(answers)
            changed = content != self.picture.content
            self._drawn = state
            if changed:
                self.picture.content, self.picture.tail = content, tail
                self.picture.version += 1
                differing = (at for at, was, now in zip(learned, before, state, strict=True) if was != now)
                self.picture.learned = min(differing, default=0.0)
        least = worst(self._relied_on(answers))
        self.picture.state = least.state
        members = {"freshness": self._paced(least.freshness), "error": least.error}
        self.picture.freshness = orjson.dumps(members, option=orjson.OPT_UTC_Z)[1:-1]
        for viewer in tuple(self.viewers):
            viewer(self.picture, changed)

    def _paced(self, fresh: Freshness) -> Freshness:
        """What a page that is told less often may expect; that a bot turned silent it is told, it need not reckon."""
        if not self._pace:
            return fresh
        return replace(fresh, expected_seconds=fresh.expected_seconds + self._pace, silent_at=None)

    def _relied_on(self, answers: Mapping[str, Answer[Any]]) -> Collection[Answer[Any]]:
        """Return the answers that the drawing shows: what stands in for the stored ones while the database is away."""
        away = any(answer.state is State.UNREACHABLE for answer in answers.values())
        own = [answers[name] for name, watched in self._watched.items() if watched.read.stands_in]
        shown = [answer for answer in own if answer.value is not None and answer.error is None]
        return shown if away and self.picture.scope.live and shown else answers.values()

    async def _encode(self, answers: dict[str, Answer[Any]]) -> tuple[bytes, bytes | None]:
        started = time.perf_counter()
        if self._took > THREAD_SECONDS:
            loop = asyncio.get_running_loop()
            encoded = await loop.run_in_executor(self._workers, self._encoded, answers, self.picture.content)
        else:
            encoded = self._encoded(answers, self.picture.content)
        self._took = time.perf_counter() - started
        return encoded

    def _encoded(self, answers: dict[str, Answer[Any]], before: bytes) -> tuple[bytes, bytes | None]:
        content = self._encoder.encode(self.picture.panel, answers, self.picture.scope)
        return content, None if content == before else tail(before, content)
