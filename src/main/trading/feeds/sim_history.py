"""What has happened on the simulated market before the bot was first started?

A script of the last months for people who look around: a calm fortnight, one day on which everything falls, a nervous
week after it, cash paid in and taken out. It is told in ticks of four hours, of one hour in the last week, of five
minutes since yesterday. Every day begins at midnight UTC and everything is counted from the first of them, so that what
happens does not depend on the time of day at which the bot is started.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.domain.events import Candle
from main.domain.market import Tick
from main.trading.candles import CandleBuilder
from main.trading.feeds.sim_listings import CALM, STRESSED, Regime
from main.trading.feeds.sim_market import USUAL, Mood, SimMarket

DAILY_BARS = 260
"""Days before the history of which only the candle is told: momentum over 126 of them is known from the first tick."""

CRASH_DAYS_AGO = 37

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_STEPS = ((7, timedelta(hours=4)), (1, _HOUR), (0, timedelta(minutes=5)))  # from more than so many days ago
_CRASH_STEP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the script. ``drift`` is the log-return of the whole market over all of it."""

    begins: timedelta  # counted from the midnight before the first start, back
    lasts: timedelta
    regime: Regime
    volatility: float = 1.0
    drift: float = 0.0


@dataclass(frozen=True, slots=True)
class Payment:
    """Cash paid in (positive) or taken out, so many days ago, in the account's currency."""

    days_ago: int
    amount: Decimal
    note: str


CHAPTERS = (
    Chapter(75 * _DAY, 14 * _DAY, CALM, volatility=0.6, drift=0.04),
    Chapter(CRASH_DAYS_AGO * _DAY - 6 * _HOUR, 5 * _HOUR, STRESSED, drift=-0.30),
    Chapter((CRASH_DAYS_AGO - 1) * _DAY, 6 * _DAY, STRESSED, volatility=0.7),
    Chapter(30 * _DAY, 10 * _DAY, CALM, drift=0.16),
)

PAYMENTS = (
    Payment(90, Decimal(25_000), "More paper money, to trade larger"),
    Payment(60, Decimal(10_000), "Savings of the quarter"),
    Payment(20, Decimal(-15_000), "Profit taken out"),
)


class SimHistory:
    """The past of one simulated market. Its ticks come once, in order of time."""

    def __init__(self, seed: int, source: str, days: int, until: datetime) -> None:
        """Tell of the `days` before the one of `until`, and of that up to `until`. `until` is UTC."""
        self.source = source
        self.until = until
        self.midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
        self.start = self.midnight - days * _DAY
        self.market = SimMarket(seed, {}, chance="history")
        self.candles = tuple(self._daily_bars())

    @property
    def payments(self) -> tuple[tuple[datetime, Payment], ...]:
        """The payments that fall into the history, each with its moment, oldest first."""
        due = ((self.midnight - each.days_ago * _DAY + 8 * _HOUR, each) for each in PAYMENTS)
        return tuple((at, each) for at, each in due if at > self.start)

    @property
    def moments(self) -> tuple[datetime, ...]:
        """The moments of the ticks, oldest first; the last is `until`."""
        found = []
        at = self._after(self.start)
        while at < self.until:
            found.append(at)
            at = self._after(at)
        return (*found, self.until)

    def __iter__(self) -> Iterator[Tick]:
        """Go through the past once."""
        last = self.start
        for at in self.moments:
            seconds = (at - last).total_seconds()
            yield self.market.advance(at, seconds, self._mood(last, at))
            last = at

    def _daily_bars(self) -> Iterator[Candle]:
        builder = CandleBuilder(self.source, ("1d",))
        for day in range(DAILY_BARS + 1):  # the first one gives the second its opening price
            at = self.start - (DAILY_BARS - day) * _DAY
            yield from builder.see(self.market.advance(at, _DAY.total_seconds()))

    def _after(self, at: datetime) -> datetime:
        ago = self.midnight - at
        if timedelta() <= CRASH_DAYS_AGO * _DAY - ago < _DAY:
            return at + _CRASH_STEP
        return at + next((step for days, step in _STEPS if ago > days * _DAY), _STEPS[-1][1])

    def _mood(self, since: datetime, at: datetime) -> Mood:
        for each in CHAPTERS:
            begins = self.midnight - each.begins
            if begins < at <= begins + each.lasts:
                return Mood(each.regime, each.volatility, each.drift * ((at - since) / each.lasts))
        return USUAL
