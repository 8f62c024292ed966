"""A simulated market: what would books look like if prices moved together, now calmly and now not?

Everything follows from the seed and the starting prices; only the moments come from the clock. `sim_market` moves the
prices, `sim_history` tells what happened before the first start. It is the one place of the suite that invents numbers,
and its source says so on everything recorded.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from main.clock import now
from main.domain.events import Instrument
from main.domain.market import Tick
from main.trading.feeds.sim_history import SimHistory
from main.trading.feeds.sim_listings import LISTINGS
from main.trading.feeds.sim_market import SimMarket


class SimFeed:
    """The simulated market, a tick every `interval_seconds`."""

    clock: Literal["wall", "replay"] = "wall"

    def __init__(
        self,
        seed: int,
        interval_seconds: float = 3.0,
        *,
        source: str = "sim",
        prices: Mapping[str, Decimal] | None = None,
        moments: Callable[[], datetime] = now,
        paced: bool = True,
    ) -> None:
        """Start at the listed prices, or at `prices` where a symbol has one: a restarted market goes on where it was.

        `paced=False` ticks as fast as it is asked, each moment an interval after the last.
        """
        self.source = source
        self.interval_seconds = interval_seconds
        self.notices: tuple[str, ...] = ()
        self._paced = paced
        self._moments = moments
        self._seed = seed
        self._market: SimMarket | None = None
        self.resume(prices or {}, None)

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        """Go on from these mids, later than `after`; symbols without one start at their listed price."""
        # The prices count for chance too, or a market that was restarted would move again as it did the first time.
        chance = str(sorted(mids.items())) if mids else ""
        self._market = SimMarket(self._seed, mids, chance=chance, before=self._market)
        self._last = after

    def history(self, days: int, until: datetime) -> SimHistory:
        """Return what happened on the `days` before `until`; the feed goes on with the mood that it ends in.

        The prices it ends with come back by `resume`, as they do after any stop.
        """
        history = SimHistory(self._seed, self.source, days, until)
        self._market = history.market
        return history

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The simulated symbols, of 4 sectors."""
        at = self._last or self._moments()
        return tuple(each.instrument(self.source, at) for each in LISTINGS)

    async def __aiter__(self) -> AsyncIterator[Tick]:
        """Tick for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            yield self.next_tick()
            if self._paced:
                due = max(due + self.interval_seconds, loop.time())  # a late tick is not made up for
                await asyncio.sleep(due - loop.time())

    def next_tick(self) -> Tick:
        """Return the next tick at once."""
        assert self._market is not None
        self._last = self._next_moment()
        return self._market.advance(self._last, self.interval_seconds)

    def _next_moment(self) -> datetime:
        step = timedelta(seconds=self.interval_seconds)
        if self._last is None:
            return self._moments()
        if not self._paced:
            return self._last + step
        return max(self._moments(), self._last + timedelta(microseconds=1))  # a clock set back must not repeat itself
