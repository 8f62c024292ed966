"""How do the simulated prices move from one moment to the next?

Returns are a market factor times a beta, a sector factor and a part of the symbol's own. Volatility switches between
regimes at random. A step may be a second or a day: moves grow with the root of its length, so that a year of either is
as wild as the listings say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from main.domain.market import Tick
from main.trading.feeds.sim_books import SimBooks, Span
from main.trading.feeds.sim_listings import (
    CALM,
    INDEX,
    INDEX_BASE,
    LISTINGS,
    REGIMES,
    VOLATILITY_INDEX,
    Listing,
    Regime,
)
from main.trading.feeds.sim_rate import PAIR, SimRate

SECONDS_A_YEAR = 365 * 86_400  # this market never closes
STEPS = 4  # prices looked at within a tick, for the range that traded
MOMENTUM, MOMENTUM_SECONDS = 0.5, 0.75  # share of a move that the next one repeats, and after which time no more does
PULL_A_SECOND = 2.7e-7  # towards the listed price: years of simulation must not wander to nothing
COARSE_MINUTES = 2.0  # regimes of ticks further apart last longer, or every tick would have another
VOLATILITY_MEMORY = 6 * 3600.0  # seconds
MAINTENANCE_WEEKDAY, MAINTENANCE, MAINTENANCE_LASTS = 6, timedelta(hours=4), timedelta(minutes=5)
"""When the venue takes no new orders: on Sundays from 04:00 UTC on."""

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Mood:
    """What a script says of a moment. ``drift`` is the log-return of the whole market within the tick."""

    regime: Regime | None = None
    volatility: float = 1.0
    drift: float = 0.0


USUAL = Mood()


class SimMarket:
    """Prices, books, rate and index levels of a market that starts at the listed prices, or at given ones."""

    def __init__(
        self, seed: int, prices: Mapping[str, Decimal], *, chance: str = "", before: "SimMarket | None" = None
    ) -> None:
        """`chance` tells runs of one seed apart; `before` is the market whose mood this one goes on with."""
        self._random = Random(f"{seed} {chance}")  # noqa: S311  # not a secret
        self._logs = {each.symbol: math.log(_start(each, prices)) for each in LISTINGS}
        self._shocks = dict.fromkeys(self._logs, 0.0)
        self._regime: Regime = before._regime if before else CALM
        self._variance: float = before._variance if before else _implied(CALM, USUAL)  # of the index, a year
        self._index = self._index_level()
        self._books = SimBooks(self._random)
        self._rate = SimRate(seed)

    def advance(self, at: datetime, seconds: float, mood: Mood = USUAL) -> Tick:
        """Return the tick at `at`, which comes `seconds` after the last one."""
        self._switch_regime(seconds, mood)
        spans = self._move(seconds, mood)
        maintained = (
            at.weekday() == MAINTENANCE_WEEKDAY and timedelta() <= _time_of_day(at) - MAINTENANCE < MAINTENANCE_LASTS
        )
        books = {
            each.symbol: self._books.book(each, spans[each.symbol], self._regime, seconds, cancel_only=maintained)
            for each in LISTINGS
        }
        return Tick(at, books, {PAIR: self._rate.at(at)}, self._levels(seconds, mood), self._regime.name)

    def _switch_regime(self, seconds: float, mood: Mood) -> None:
        if mood.regime is not None:
            self._regime = mood.regime
            return
        minutes = seconds / 60
        lasting = self._regime.minutes * max(1.0, minutes / COARSE_MINUTES)
        if self._random.random() < minutes / lasting:
            self._regime = self._random.choice([each for each in REGIMES if each is not self._regime])

    def _move(self, seconds: float, mood: Mood) -> dict[str, Span]:
        """Move all prices, and return where each of them has been."""
        step = seconds / STEPS
        scale = self._regime.volatility * mood.volatility * math.sqrt(step / SECONDS_A_YEAR)
        # Moves go on for a moment: who provides liquidity to them pays for it, as in real markets.
        momentum = min(MOMENTUM, MOMENTUM ** (step / MOMENTUM_SECONDS))
        pull = 1 - math.exp(-PULL_A_SECOND * step)
        lows, highs = dict(self._logs), dict(self._logs)
        for _ in range(STEPS):
            before = dict(self._logs)
            self._step(scale * (1 - momentum), momentum, pull, mood.drift / STEPS)
            self._stretch(scale * (1 - momentum), before, lows, highs)
        exp = math.exp
        return {symbol: Span(exp(lows[symbol]), exp(highs[symbol]), exp(log)) for symbol, log in self._logs.items()}

    def _step(self, scale: float, momentum: float, pull: float, drift: float) -> None:
        gauss = self._random.gauss
        market = gauss(0.0, 1.0)
        sectors = {sector: gauss(0.0, 1.0) for sector in _SECTORS}
        for each in LISTINGS:
            # Shares of variance: half the market (by beta), a tenth the sector, the rest the symbol's own.
            shock = 0.7 * each.beta * market + 0.3 * sectors[each.sector] + 0.6 * gauss(0.0, 1.0)
            shock += momentum * self._shocks[each.symbol]
            self._shocks[each.symbol] = shock
            log = self._logs[each.symbol] + each.volatility * scale * shock + each.beta * drift
            self._logs[each.symbol] = log + (_LISTED_LOGS[each.symbol] - log) * pull

    def _stretch(
        self, scale: float, before: Mapping[str, float], lows: dict[str, float], highs: dict[str, float]
    ) -> None:
        """Widen the ranges by how far the prices got between two steps: the extremes of a Brownian bridge."""
        for each in LISTINGS:
            a, b = before[each.symbol], self._logs[each.symbol]
            variance = 2 * (each.volatility * scale) ** 2
            low, high = (math.sqrt((b - a) ** 2 - variance * math.log(1.0 - self._random.random())) for _ in range(2))
            lows[each.symbol] = min(lows[each.symbol], (a + b - low) / 2)
            highs[each.symbol] = max(highs[each.symbol], (a + b + high) / 2)

    def _levels(self, seconds: float, mood: Mood) -> dict[str, tuple[str, Decimal]]:
        last, self._index = self._index, self._index_level()
        realized = math.log(self._index / last) ** 2 / seconds * SECONDS_A_YEAR
        weight = 1 - math.exp(-seconds / VOLATILITY_MEMORY)
        self._variance += weight * ((realized + _implied(self._regime, mood)) / 2 - self._variance)
        return {
            INDEX: ("index", _hundredths(self._index)),
            VOLATILITY_INDEX: ("volatility", _hundredths(100 * math.sqrt(self._variance))),
        }

    def _index_level(self) -> float:
        worth = sum(math.exp(self._logs[each.symbol]) * each.supply for each in LISTINGS)
        return INDEX_BASE * worth / _LISTED_WORTH


def _worth(listing: Listing) -> float:
    return float(listing.price) * listing.supply


_SECTORS = tuple(dict.fromkeys(each.sector for each in LISTINGS))
_LISTED_LOGS = {each.symbol: math.log(float(each.price)) for each in LISTINGS}
_LISTED_WORTH = sum(_worth(each) for each in LISTINGS)
_VOLATILITY = sum(_worth(each) * each.volatility for each in LISTINGS) / _LISTED_WORTH


def _implied(regime: Regime, mood: Mood) -> float:
    """The variance a year that the regime would make of the index if it lasted."""
    return (_VOLATILITY * regime.volatility * mood.volatility) ** 2


def _time_of_day(at: datetime) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _hundredths(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_HUNDREDTH)


def _start(listing: Listing, prices: Mapping[str, Decimal]) -> float:
    given = prices.get(listing.symbol)
    return float(given) if given is not None and given > 0 else float(listing.price)
