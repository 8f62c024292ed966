"""The bot's loop: who does what, when a tick comes, when none comes, and at the end?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from main.domain.market import Tick
from main.trading.engine import Engine, Status
from main.trading.feed import Feed, RecordedFeed, RemoteFeed
from main.trading.journal import LONGEST_SILENCE
from main.trading.market_journal import MarketJournal


class Floor:
    """Several accounts that trade on one feed; its prices are recorded once for all of them."""

    def __init__(self, feed: Feed, market_journal: MarketJournal, engines: Sequence[Engine]) -> None:
        self._feed = feed
        self._market_journal = market_journal
        self.engines = tuple(engines)

    def relive(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Live again through what all accounts have seen of a replay, unless `stopped`. It may take a while."""
        if isinstance(self._feed, RecordedFeed):
            for tick in self._feed.past():
                if stopped():
                    return
                self._market_journal.relive(tick)
                for engine in self.engines:
                    engine.relive(tick)

    async def run(self, stop: asyncio.Event) -> None:
        """Trade until `stop` is set. Raise `FeedError` when market data ends other than by its end."""
        ticks = aiter(self._feed)
        stopping = asyncio.create_task(stop.wait())
        last: Status = "stopped"
        self._market_journal.begin()
        self._beat()
        try:
            await self._loop(ticks, stopping)
        except Exception as error:
            self._market_journal.fail(error)
            for engine in self.engines:
                engine.fail(error)
            last = "error"
            raise
        finally:
            stopping.cancel()
            self._market_journal.end()
            for engine in self.engines:
                await engine.end(last)

    async def cycle(self, tick: Tick) -> None:
        """Do everything that one tick calls for."""
        while isinstance(self._feed, RemoteFeed) and self._feed.news:
            news = self._feed.news.popleft()
            for engine in self.engines:
                engine.journal.tell(tick.at, "feed", news, "warning")
        await trade_on(tick, self._market_journal, self.engines)

    async def _loop(self, ticks: AsyncIterator[Tick], stopping: "asyncio.Task[bool]") -> None:
        upcoming: asyncio.Task[Tick | None] | None = asyncio.create_task(_next(ticks))
        try:
            while not stopping.done():
                waiting: set[asyncio.Task[Any]] = {stopping} if upcoming is None else {stopping, upcoming}
                await asyncio.wait(waiting, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    return
                if upcoming is None or not upcoming.done():
                    self._beat()
                    continue
                tick = upcoming.result()
                if tick is None:
                    upcoming = None
                    for engine in self.engines:
                        await engine.finish()
                else:
                    upcoming = asyncio.create_task(_next(ticks))
                    await self.cycle(tick)
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.wait({upcoming})

    def _beat(self) -> None:
        for engine in self.engines:
            engine.beat()

    @property
    def _patience(self) -> float:
        finished = [engine.interval_seconds for engine in self.engines if engine.status == "finished"]
        return min(finished, default=LONGEST_SILENCE)


async def trade_on(tick: Tick, market_journal: MarketJournal, engines: Iterable[Engine]) -> None:
    """Record a tick once for all, and let every account trade on it."""
    market_journal.record(tick)
    for engine in engines:
        await engine.cycle(tick)


async def _next(ticks: AsyncIterator[Tick]) -> Tick | None:
    return await anext(ticks, None)
