"""How does one change reach everybody who looks at the same: put, gathered and written once, whoever many they are?

A viewer is in step when it was told exactly what its channel has told; then it only gets the channel's bytes. One that
has just come, or stalls, is told by a mailbox of its own until it is in step (again): it holds up nobody, and nothing
but the newest waits for it.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.api.mailbox import Mailbox, Messages, News
from main.monitoring.api.pictures import Picture, PictureBook
from main.monitoring.api.wire import Line, Message
from main.monitoring.latencies import Latencies

URGENT = frozenset({Topic.ALERTS, Topic.ACCOUNTS})
"""Panels whose facts are of these alone tell of trouble by their content."""

Key = tuple[Scope, frozenset[str]]


class Channels:
    """Those that somebody looks at: one for each view and set of panels. Lives on the hub's loop.

    ``push``: the seconds from when this process learned of a change until it was handed to the last socket in step, or
    to one that is not.
    """

    def __init__(self, book: PictureBook, pace: float) -> None:
        """Push to one page at most once in `pace` seconds, but for trouble, and what it has not seen yet."""
        self.book = book
        self.pace = pace
        self.messages = Messages()
        self.push = Latencies()
        self._channels: dict[Key, Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def channel(self, scope: Scope, panels: frozenset[str]) -> "Channel":
        """Return the channel of these panels, which are there, for somebody who sits down in it now."""
        key = (scope, panels)
        known = self._channels.get(key)
        if known is None:
            known = self._channels[key] = Channel(self, scope, panels, lambda: self._channels.pop(key))
        return known


class Channel:
    """What the viewers of the same panels are told."""

    def __init__(self, channels: Channels, scope: Scope, panels: frozenset[str], on_empty: Callable[[], Any]) -> None:
        self.scope = scope
        self.panels = panels
        self.paced = channels.pace > 0
        self.mailbox = Mailbox(channels.pace, channels.messages, self._flush_soon, self.__len__)
        self.mailbox.settled = -math.inf  # who has just asked sits apart
        self._since = time.monotonic()
        self._push = channels.push
        self._on_empty = on_empty
        self._in_step: set[Seat] = set()
        self._apart: set[Seat] = set()
        self._flushing: asyncio.Handle | None = None
        self._pictures: dict[str, Picture] = {}
        urgent = (panel for panel in panels if all(read.topics <= URGENT for read in channels.book.reads(panel, scope)))
        self._alarming = frozenset(urgent if self.paced else ())
        self._looking = ExitStack()
        with ExitStack() as looking:  # one that cannot be looked at keeps none of the others
            for panel in panels:
                looking.callback(channels.book.look(panel, scope, self._changed))
            self._looking = looking.pop_all()

    def __len__(self) -> int:
        return len(self._in_step) + len(self._apart)

    def sit(self, seat: "Seat") -> None:
        """Tell a seat what it does not know, and then what everybody is told."""
        self._apart.add(seat)
        moment = time.monotonic()
        for picture in self._pictures.values():
            if not seat.mailbox.knows(picture):
                seat.mailbox.put(picture, True, moment)
        self.step_in(seat)

    def rise(self, seat: "Seat") -> None:
        """Tell a seat nothing more; its mailbox knows what it was told."""
        self.fall_out(seat)
        self._apart.discard(seat)
        if not self._in_step and not self._apart:
            self._close()

    def fall_out(self, seat: "Seat") -> None:
        """Have a seat that is in step told by its own mailbox."""
        if seat in self._in_step:
            self._in_step.remove(seat)
            self._apart.add(seat)
            seat.mailbox.resume(self.mailbox)

    def step_in(self, seat: "Seat") -> None:
        """Have a seat told what all are told, if it knows what all know."""
        if seat in self._apart and seat.free and seat.mailbox.agrees(self.mailbox) and not self._settling(seat):
            self._apart.remove(seat)
            self._in_step.add(seat)
            seat.mailbox.clear()

    def _settling(self, seat: "Seat") -> bool:
        return self.paced and seat.mailbox.settling

    def _changed(self, picture: Picture, content: bool) -> None:
        moment, alarming = time.monotonic(), picture.panel in self._alarming
        self._pictures[picture.panel] = picture
        self.mailbox.put(picture, content, moment, alarming=alarming)
        for seat in self._apart:
            seat.mailbox.put(picture, content, moment, alarming=alarming)

    def _flush_soon(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        moment = time.monotonic()
        for seat in [seat for seat in self._in_step if not seat.free]:
            self.fall_out(seat)
        news = self.mailbox.news(moment)
        if news:
            message = self.mailbox.message(news)
            for seat in self._in_step:
                seat.line.write(message)
            if self._in_step:
                sent = time.monotonic()
                self._push.extend(sent - at for at in learned(news) if at > self._since)
        if self.mailbox.empty:
            for seat in [seat for seat in self._apart if seat.free and not self._settling(seat)]:
                seat.catch_up(moment)
                self.step_in(seat)

    def _close(self) -> None:
        self._on_empty()
        self.mailbox.close()
        if self._flushing is not None:
            self._flushing.cancel()
        self._looking.close()


class Seat:
    """One viewer's: what is said to it alone, and its own mailbox while it is not in step."""

    def __init__(self, line: Line, channels: Channels) -> None:
        self.line = line
        self._something = asyncio.Event()
        self._channel: Channel | None = None
        self._push = channels.push
        self._notices: dict[str, Message] = {}  # the newest of each type: a viewer that stalls must not pile them up
        self._writing = False
        self.mailbox = Mailbox(channels.pace, channels.messages, self._something.set, self._beside)

    @property
    def free(self) -> bool:
        """Whether it can be written to at once, and nothing is to be written first."""
        return self.line.ready and not self._notices and not self._writing

    def notice(self, kind: str, message: bytes) -> None:
        """Put a message in the place of the last one of its kind; the newest comes last."""
        self._notices.pop(kind, None)
        self._notices[kind] = Message(message)
        self._something.set()

    def move(self, channel: Channel | None) -> None:
        """Look at what a channel tells, or at nothing; what was told already and stays is not told again."""
        self.mailbox.settled = time.monotonic()
        before, self._channel = self._channel, channel
        if before is channel:
            if channel is not None and channel.paced:  # who asks again is told everything for a while
                channel.fall_out(self)
            return
        if before is not None:
            before.rise(self)  # what both look at goes on: the new one looks already
            same = channel is not None and channel.scope == before.scope
            for panel in before.panels - (channel.panels if channel is not None and same else frozenset()):
                self.mailbox.forget(panel)
        if channel is not None:
            channel.sit(self)

    def catch_up(self, moment: float) -> None:
        """Write at once all that waits."""
        if news := self.mailbox.everything(moment):
            self.line.write(self.mailbox.message(news))
            self._pushed(news)

    async def write(self) -> None:
        """Write what is to be told to this viewer alone, until that fails."""
        while True:
            await self._something.wait()
            self._something.clear()
            self._writing = True
            try:
                await self._write()
            finally:
                self._writing = False
            if self._channel is not None:
                self._channel.step_in(self)

    async def _write(self) -> None:
        await self.line.drained()
        while self._notices:  # what follows a notice is of it: none may be left behind, however long one takes
            await self.line.send(self._notices.pop(next(iter(self._notices))))
            await self.line.drained()
        if news := self.mailbox.news(time.monotonic()):
            await self.line.send(self.mailbox.message(news))
            self._pushed(news)

    def close(self) -> None:
        """Look at nothing, and wake nobody any more."""
        self.move(None)
        self.mailbox.close()

    def _beside(self) -> int:
        return len(self._channel) if self._channel is not None else 1

    def _pushed(self, news: News) -> None:
        sent = time.monotonic()
        self._push.extend(sent - at for at in learned(news) if at > self.mailbox.settled)


def learned(news: Mapping[str, tuple[Picture, bool]]) -> list[float]:
    """Return when this process learned of what is new in the news."""
    return [picture.learned for picture, content in news.values() if content]
