"""What waits to be told to one page: the newest of every panel and of each notice, and never a queue."""

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping

import orjson

from main.clock import now
from main.monitoring.api.pictures import Picture
from main.monitoring.read import State

FRAME_SECONDS = 0.03
"""Least time between two messages to one viewer; what changes meanwhile goes out together."""
TROUBLE = (State.SILENT, State.UNREACHABLE, State.ERROR)
"""What a page hears of at once, however seldom it is told the rest; and that it is over."""
LOST = (State.UNREACHABLE, State.ERROR)
"""What changes meanwhile tells of it: that the light of the database went out."""
SETTLING_SECONDS = 5.0
"""So long after a page has asked for something else it is told everything: what was known of it may be old."""

News = Mapping[str, tuple[Picture, bool]]
"""By panel: its picture, and whether its content is new to the page."""


class Mailbox:
    """One page's: filled by what changes, emptied by what writes. Lives on the hub's loop.

    It knows what the page was told last: who has seen the version before gets the tail, everybody else the whole.
    """

    def __init__(self, pace: float) -> None:
        """Give news out at most once in `pace` seconds, but for trouble, and what the page has not seen yet."""
        self._pace = max(pace, FRAME_SECONDS)
        self._pushed = 0.0  # when what is not urgent was taken last
        self._fresh: dict[str, tuple[Picture, bool]] = {}
        self._urgent: set[str] = set()  # panels that tell of trouble, or have not been seen yet
        self._states: dict[str, State | None] = {}  # of the panels, as last told
        self._told: dict[str, tuple[Picture, int]] = {}  # the pictures that the page has, each with its version
        self._notices: dict[str, bytes] = {}  # the newest of each type: a viewer that stalls must not pile them up
        self._something = asyncio.Event()
        self.settled = time.monotonic()
        """When the page asked for something else; what was learned before is no news that was pushed."""

    def notice(self, kind: str, message: bytes) -> None:
        """Put a message in the place of the last one of its kind; the newest comes last."""
        self._notices.pop(kind, None)
        self._notices[kind] = message
        self._something.set()

    def put(self, picture: Picture, content: bool, *, alarming: bool) -> None:
        """Take note that a picture changed; `alarming` is one whose content tells of trouble."""
        panel = picture.panel
        pending = self._fresh.get(panel)
        self._fresh[panel] = (picture, content or (pending is not None and pending[1]))
        if self._cannot_wait(picture, content, alarming):
            self._urgent.add(panel)
        self._something.set()

    def forget(self, panel: str) -> None:
        """Take note that the page looks at a panel no more, or at another picture of it."""
        for known in (self._fresh, self._states, self._told):
            known.pop(panel, None)

    async def wait(self) -> None:
        """Wait for something to tell; news of the usual kind wait until it is their time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._time_of_news() if self._fresh else None):
                await self._something.wait()
        self._something.clear()

    def notices(self) -> Collection[bytes]:
        """Take the messages that wait."""
        notices, self._notices = self._notices, {}
        return notices.values()

    def news(self, moment: float) -> News:
        """Take what may be told at a moment of the monotonic clock: everything when it is time, else the urgent."""
        fresh = self._fresh
        if moment >= self._pushed + self._pace:
            self._pushed, self._fresh = moment, {}
        else:
            fresh = {panel: news for panel, news in fresh.items() if panel in self._urgent}
            self._fresh = {panel: news for panel, news in self._fresh.items() if panel not in fresh}
        self._urgent.clear()
        self._states |= {panel: picture.state for panel, (picture, _) in fresh.items()}
        return fresh

    def update(self, news: News) -> bytes:
        """Return the message that tells the page of news; from now on it counts as told."""
        parts = [
            b"%b:{%b}" % (orjson.dumps(panel), self._members(picture, content))
            for panel, (picture, content) in news.items()
        ]
        head = orjson.dumps(now(), option=orjson.OPT_UTC_Z)
        return b'{"type":"update","now":%b,"panels":{%b}}' % (head, b",".join(parts))

    def _members(self, picture: Picture, content: bool) -> bytes:
        members = b'"version":%d,%b' % (picture.version, picture.freshness)
        if not content:
            return members
        told = self._told.get(picture.panel)
        self._told[picture.panel] = (picture, picture.version)
        if picture.tail is not None and told == (picture, picture.version - 1):
            return b'%b,"from":%d,"tail":%b' % (members, picture.version - 1, picture.tail)
        return b"%b,%b" % (members, picture.content)

    def _cannot_wait(self, picture: Picture, content: bool, alarming: bool) -> bool:
        """Tell whether a picture is the panel's first, or tells of trouble or of its end."""
        if self._pace <= FRAME_SECONDS or picture.panel not in self._states:
            return True
        if time.monotonic() - self.settled < SETTLING_SECONDS:
            return True
        if content and (picture.state in LOST or alarming):
            return True
        return (picture.state in TROUBLE) is not (self._states[picture.panel] in TROUBLE)

    def _time_of_news(self) -> float:
        return asyncio.get_running_loop().time() + max(0.0, self._pushed + self._pace - time.monotonic())
