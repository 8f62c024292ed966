"""What waits to be told, to one page or to all that are told the same: the newest of every panel, and never a queue."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping

import orjson

from main.clock import now
from main.monitoring.api.pictures import Picture
from main.monitoring.api.wire import Message
from main.monitoring.read import State

FRAME_SECONDS = 0.03
"""Least time between two messages to one viewer; what changes meanwhile goes out together."""
GATHER_SECONDS = 0.0002
"""So long for each viewer a change waits for others: a message costs the same whatever it holds, two hundred of them
what an answer of the database does. One viewer does not notice, for two hundred it is 40 ms."""
LONGEST_GATHER_SECONDS = 0.1
CHARTS_GATHER = 2.5
"""So many times as long waits a chart, which many answers change one after the other; text takes it along."""
QUIET_SECONDS = 1.0
"""So long may wait what only says that a panel is as it was a moment ago; it goes with the next news.
A page waits longer (GRACE of freshness.js) before it takes a bot that it hears nothing of for silent."""
TROUBLE = (State.SILENT, State.UNREACHABLE, State.ERROR)
"""What a page hears of at once, however seldom it is told the rest; and that it is over."""
LOST = (State.UNREACHABLE, State.ERROR)
"""What changes meanwhile tells of it: that the light of the database went out."""
SETTLING_SECONDS = 5.0
"""So long after a page has asked for something else it is told everything: what was known of it may be old."""
SHARED_SECONDS = 0.05
"""So long a message may be handed to further pages: it tells the time."""

News = Mapping[str, tuple[Picture, bool]]
"""By panel: its picture, and whether its content is new to the page."""
_Part = tuple[Picture, int, bytes, int | None]
"""What tells a panel's part of a message: the picture, its version, its freshness, and the version the page has seen
before; -1 for one that has seen this one, ``None`` for one that needs the whole."""
_UNCHANGED = -1


class Messages:
    """Updates as they are sent: what several pages are told at the same time is written once."""

    def __init__(self) -> None:
        self._began = 0.0
        self._written: dict[tuple[_Part, ...], Message] = {}

    def update(self, parts: tuple[_Part, ...]) -> Message:
        """Return the message of these parts."""
        moment = time.monotonic()
        if moment - self._began > SHARED_SECONDS:
            self._began, self._written = moment, {}
        known = self._written.get(parts)
        if known is None:
            panels = b",".join(b"%b:{%b}" % (orjson.dumps(part[0].panel), _members(*part)) for part in parts)
            head = orjson.dumps(now(), option=orjson.OPT_UTC_Z)
            known = self._written[parts] = Message(b'{"type":"update","now":%b,"panels":{%b}}' % (head, panels))
        return known


class Mailbox:
    """Filled by what changes, emptied by who writes it to a page, or to those of a channel. Lives on the hub's loop.

    It knows what was told last: who has seen the version before gets the tail, everybody else the whole.
    """

    def __init__(
        self, pace: float, messages: Messages, wake: Callable[[], None], viewers: Callable[[], int] = lambda: 1
    ) -> None:
        """Give news out at most once in `pace` seconds, but for trouble, and what the page has not seen yet.

        `wake` is called on the loop when there are news whose time has come; `news` is to be called each time.
        """
        self._pace = max(pace, FRAME_SECONDS)
        self._messages = messages
        self._wake = wake
        self._viewers = viewers
        self._pushed = -math.inf  # when everything was taken last
        self._sent = -math.inf  # when anything was
        self._fresh: dict[str, tuple[Picture, bool]] = {}
        self._due: dict[str, float] = {}  # when each of them is to be told at the latest
        self._earliest = math.inf
        self._alarm: asyncio.TimerHandle | None = None
        self._states: dict[str, State | None] = {}  # of the panels, as last told
        self._told: dict[str, tuple[Picture, int]] = {}  # the pictures that the page has, each with its version
        self.settled = time.monotonic()
        """When the page asked for something else; what was learned before is no news that was pushed."""

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._fresh

    @property
    def settling(self) -> bool:
        """Whether the page has asked for something else just now."""
        return time.monotonic() - self.settled < SETTLING_SECONDS

    def put(self, picture: Picture, content: bool, moment: float, *, alarming: bool = False) -> None:
        """Take note that a picture changed at a moment of the monotonic clock.

        `alarming` is one whose content tells of trouble.
        """
        panel = picture.panel
        pending = self._fresh.get(panel)
        self._fresh[panel] = (picture, content or (pending is not None and pending[1]))
        due = min(self._due.get(panel, math.inf), self._latest(picture, content, moment, alarming))
        self._due[panel] = due
        if due < self._earliest:
            self._wake_at(due)

    def forget(self, panel: str) -> None:
        """Take note that the page looks at a panel no more, or at another picture of it."""
        for known in (self._fresh, self._due, self._states, self._told):
            known.pop(panel, None)

    def knows(self, picture: Picture) -> bool:
        """Tell whether a picture was told as it is now."""
        return self._told.get(picture.panel) == (picture, picture.version)

    def agrees(self, other: "Mailbox") -> bool:
        """Tell whether exactly what the other has told was told, and nothing waits here alone."""
        return self._told == other._told and self._fresh.keys() <= other._fresh.keys()

    def resume(self, other: "Mailbox") -> None:
        """Go on where another one stands: what it has told counts as told, and what waits there waits here too."""
        self._told, self._states = dict(other._told), dict(other._states)
        self._pushed, self._sent = other._pushed, other._sent
        self._fresh, self._due = dict(other._fresh), dict(other._due)
        self._wake_at(min(self._due.values(), default=math.inf))

    def clear(self) -> None:
        """Let nothing wait, and forget what was told."""
        for known in (self._fresh, self._due, self._states, self._told):
            known.clear()
        self.close()

    def news(self, moment: float) -> News:
        """Take what may be told at a moment of the monotonic clock: everything when it is time, else what is due."""
        if moment >= self._pushed + self._pace:
            return self.everything(moment)
        fresh = {panel: self._fresh.pop(panel) for panel, due in tuple(self._due.items()) if due <= moment}
        for panel in fresh:
            del self._due[panel]
        self._taken(fresh, moment)
        return fresh

    def everything(self, moment: float) -> News:
        """Take all that waits."""
        fresh, self._fresh, self._due = self._fresh, {}, {}
        self._pushed = moment if fresh else self._pushed
        self._taken(fresh, moment)
        return fresh

    def close(self) -> None:
        """Wake nobody any more."""
        self._wake_at(math.inf)

    def message(self, news: News) -> Message:
        """Return the message that tells the page of news; from now on it counts as told."""
        return self._messages.update(tuple(self._part(*each) for each in news.values()))

    def _taken(self, fresh: News, moment: float) -> None:
        self._sent = moment if fresh else self._sent
        self._states |= {panel: picture.state for panel, (picture, _) in fresh.items()}
        self._wake_at(min(self._due.values(), default=math.inf))

    def _part(self, picture: Picture, content: bool) -> _Part:
        before: int | None = _UNCHANGED
        if content:
            told = self._told.get(picture.panel)
            self._told[picture.panel] = (picture, picture.version)
            before = picture.version - 1
            if picture.tail is None or told != (picture, before):
                before = None
        return picture, picture.version, picture.freshness, before

    def _wake_at(self, due: float) -> None:
        self._earliest = due
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        left = due - time.monotonic()
        if left <= 0:
            self._wake()
        elif left < math.inf:  # one timer costs a third of a wait with a limit, and there are hundreds a second
            self._alarm = asyncio.get_running_loop().call_later(left, self._wake)

    def _latest(self, picture: Picture, content: bool, moment: float, alarming: bool) -> float:
        """Return until when a change may wait; a panel's first, and what tells of trouble or of its end, does not."""
        gather = min(LONGEST_GATHER_SECONDS, GATHER_SECONDS * self._viewers())
        soon = max(moment + gather, self._sent + FRAME_SECONDS)
        if picture.panel not in self._states or moment - self.settled < SETTLING_SECONDS:
            return soon
        if (picture.state in TROUBLE) is not (self._states[picture.panel] in TROUBLE):
            return soon
        if not content:
            return max(self._pushed + self._pace, moment + QUIET_SECONDS)
        if alarming or picture.state in LOST:
            return soon
        if picture.chart:
            soon = max(soon, moment + min(LONGEST_GATHER_SECONDS, CHARTS_GATHER * gather))
        return max(self._pushed + self._pace, soon)


def _members(picture: Picture, version: int, freshness: bytes, before: int | None) -> bytes:
    members = b'"version":%d,%b' % (version, freshness)
    if before == _UNCHANGED:
        return members
    if before is not None and picture.tail is not None:
        return b'%b,"from":%d,"tail":%b' % (members, before, picture.tail)
    return b"%b,%b" % (members, picture.content)
