"""Where do prices come from? What a feed has to be, whatever stands behind it."""

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from main.domain.events import Instrument
from main.domain.market import Tick


class Market(Protocol):
    """What is traded, and by which clock: all that trading has to know of where its ticks come from."""

    source: str
    """Signs everything that is recorded of these prices, so that markets never mix."""
    clock: Literal["wall", "replay"]
    """Whether a tick's moment is the real time or the time of a replay."""
    interval_seconds: float
    """Wall-clock time between two ticks."""
    notices: tuple[str, ...]
    """What the user should know of the data, such as rows left out."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What can be traded."""
        ...


class Feed(Market, Protocol):
    """An asynchronous iterator of ticks, paced by itself. It ends when there is nothing more to come.

    Moments of ticks only ever increase. Raise `FeedError` when market data cannot be had.
    """

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        """Go on where an earlier run stopped: at these last mids, later than `after`. Called before the first tick."""
        ...

    def __aiter__(self) -> AsyncIterator[Tick]:
        """Start ticking."""
        ...


@runtime_checkable
class RecordedFeed(Protocol):
    """A feed that can show again what has passed: for it, time stands still while the bot is away."""

    def past(self) -> Iterator[Tick]:
        """Yield the ticks up to the `after` of `resume`, oldest first; none where there is no such moment."""
        ...


@runtime_checkable
class RemoteFeed(Protocol):
    """A feed that has to be opened before anything is asked of it, and that has troubles of its own."""

    news: deque[str]
    """What went wrong or right again since somebody took it out."""

    async def open(self) -> None:
        """Learn what can be traded. Raise `FeedError` when that cannot be had now."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...
