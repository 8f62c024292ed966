"""A simulated market: what would books look like if prices moved together, now calmly and now not?

Everything follows from the seed and the starting prices; only the moments come from the clock. Returns are a market
factor times a beta, a sector factor and a part of the symbol's own. Volatility switches between regimes at random.
It is the one place of the suite that invents numbers, and its source says so on everything recorded.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal

from main.clock import now
from main.domain.events import Instrument
from main.domain.market import LEVELS, Book, Tick

SECONDS_A_YEAR = 365 * 86_400  # this market never closes
STEPS = 4  # prices looked at within a tick, for the range that traded
MOMENTUM = 0.5  # share of a move that the next one repeats
BASE_LEVEL_VALUE = 12_000.0  # money shown on a typical level


@dataclass(frozen=True, slots=True)
class Regime:
    """A state of the market. ``volatility`` multiplies a symbol's own, ``minutes`` is how long it lasts on average."""

    name: str
    volatility: float
    spread: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A simulated symbol. ``volatility`` is annual; ``spread_bps`` the usual distance of bid and ask."""

    symbol: str
    sector: str
    price: str
    tick: str
    quantity_step: str
    volatility: float
    beta: float
    spread_bps: float


CALM = Regime("calm", 0.7, 1.0, 40.0)
REGIMES = (CALM, Regime("choppy", 1.3, 1.5, 15.0), Regime("stressed", 2.6, 2.5, 5.0))

LISTINGS = (
    Listing("BTC-USD", "Store of value", "92450.0", "0.5", "0.0001", 0.45, 1.0, 0.6),
    Listing("LTC-USD", "Store of value", "98.40", "0.01", "0.01", 0.65, 1.1, 2.0),
    Listing("ETH-USD", "Smart contracts", "3120.50", "0.05", "0.001", 0.60, 1.2, 0.8),
    Listing("SOL-USD", "Smart contracts", "141.20", "0.01", "0.01", 0.80, 1.4, 1.6),
    Listing("XRP-USD", "Payments", "2.1450", "0.0001", "1", 0.70, 0.9, 1.9),
    Listing("XLM-USD", "Payments", "0.25610", "0.00001", "10", 0.75, 0.9, 2.4),
    Listing("LINK-USD", "Infrastructure", "13.620", "0.001", "0.1", 0.75, 1.3, 2.2),
    Listing("FIL-USD", "Infrastructure", "1.6230", "0.0005", "1", 0.85, 1.3, 4.0),
)


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
        self._listings = LISTINGS
        self._paced = paced
        self._moments = moments
        self._seed = seed
        self._regime = CALM
        self._ticks = {each.symbol: Decimal(each.tick) for each in self._listings}
        self.resume(prices or {}, None)

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        """Go on from these mids, later than `after`; symbols without one start at their listed price."""
        # The prices count for chance too, or a market that was restarted would move again as it did the first time.
        self._random = Random(f"{self._seed} {sorted(mids.items()) if mids else ''}")  # noqa: S311  # not a secret
        self._logs = {each.symbol: math.log(_start(each, mids)) for each in self._listings}
        self._shocks: dict[str, float] = {}
        self._last = after

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The simulated symbols, of 4 sectors."""
        at = self._last or self._moments()
        return tuple(
            Instrument(
                at=at,
                source=self.source,
                symbol=each.symbol,
                currency="USD",
                exchange="SIM",
                segment="spot",
                sector=each.sector,
                tick=Decimal(each.tick),
                quantity_step=Decimal(each.quantity_step),
            )
            for each in self._listings
        )

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
        self._last = self._next_moment()
        self._switch_regime()
        seconds = self.interval_seconds / STEPS
        scale = self._regime.volatility * math.sqrt(seconds / SECONDS_A_YEAR)
        paths: dict[str, list[float]] = {each.symbol: [] for each in self._listings}
        for _ in range(STEPS):
            self._step(scale, paths)
        return Tick(self._last, {each.symbol: self._book(each, paths[each.symbol]) for each in self._listings})

    def _next_moment(self) -> datetime:
        step = timedelta(seconds=self.interval_seconds)
        if self._last is None:
            return self._moments()
        if not self._paced:
            return self._last + step
        return max(self._moments(), self._last + timedelta(microseconds=1))  # a clock set back must not repeat itself

    def _switch_regime(self) -> None:
        if self._random.random() < self.interval_seconds / 60 / self._regime.minutes:
            self._regime = self._random.choice([each for each in REGIMES if each is not self._regime])

    def _step(self, scale: float, paths: dict[str, list[float]]) -> None:
        gauss = self._random.gauss
        market = gauss(0.0, 1.0)
        sectors = {each.sector: gauss(0.0, 1.0) for each in self._listings}
        for each in self._listings:
            # Shares of variance: half the market (by beta), a tenth the sector, the rest the symbol's own.
            shock = 0.7 * each.beta * market + 0.3 * sectors[each.sector] + 0.6 * gauss(0.0, 1.0)
            # Moves go on for a moment: who provides liquidity to them pays for it, as in real markets.
            shock += MOMENTUM * self._shocks.get(each.symbol, 0.0)
            self._shocks[each.symbol] = shock
            log = self._logs[each.symbol] + each.volatility * scale * (1 - MOMENTUM) * shock
            # A faint pull towards the listed price keeps years of simulation from wandering to nothing.
            log += (math.log(float(each.price)) - log) * 2e-7
            self._logs[each.symbol] = log
            paths[each.symbol].append(math.exp(log))

    def _book(self, listing: Listing, path: list[float]) -> Book:
        tick = self._ticks[listing.symbol]
        size = float(tick)
        price = path[-1]
        width = max(1, round(price * listing.spread_bps / 10_000 * self._regime.spread / size))
        bid = max(LEVELS + 1, math.floor(price / size - width / 2 + self._random.random()))
        bids, bid_sizes = self._side(listing, bid, -1, price)
        asks, ask_sizes = self._side(listing, bid + width, 1, price)
        low, high, volume = self._traded(listing, path, width)
        return Book(
            listing.symbol,
            bids,
            bid_sizes,
            asks,
            ask_sizes,
            low=low * tick,
            high=high * tick,
            volume=volume,
        )

    def _side(
        self, listing: Listing, nearest: int, direction: int, price: float
    ) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
        tick = self._ticks[listing.symbol]
        gap = max(1, round(price * listing.spread_bps / 10_000 / float(tick) / 2))
        prices, sizes, level = [], [], nearest
        for depth in range(LEVELS):
            prices.append(level * tick)
            sizes.append(self._size(listing, price, 1.0 + 0.5 * depth))
            level += direction * self._random.randint(1, gap)
        return tuple(prices), tuple(sizes)

    def _size(self, listing: Listing, price: float, weight: float) -> Decimal:
        step = Decimal(listing.quantity_step)
        money = BASE_LEVEL_VALUE * weight * math.exp(self._random.gauss(0.0, 0.6))
        return max(1, round(money / price / float(step))) * step

    def _traded(self, listing: Listing, path: list[float], width: int) -> tuple[int, int, Decimal]:
        """Range and volume: impatient trades, on both sides, reach past the spread before the price returns."""
        size = float(self._ticks[listing.symbol])
        reach = [width * (0.5 + self._random.expovariate(6.0)) for _ in range(2)]
        low = max(1, math.floor(min(path) / size - reach[0]))
        high = max(low, math.ceil(max(path) / size + reach[1]))
        return low, high, self._size(listing, path[-1], 0.8)


def _start(listing: Listing, prices: Mapping[str, Decimal]) -> float:
    given = prices.get(listing.symbol)
    return float(given) if given is not None and given > 0 else float(listing.price)
