"""At which prices did the last trading days close? Learnt from ticks, begun from recorded daily bars."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from main.domain.market import Tick
from main.domain.scope import trading_date, trading_day

KEPT = 300
"""Days remembered by symbol: a year and some, more than any strategy here looks back."""

_SHORTEST_DAY = timedelta(hours=23)
_HALF_A_BAR = timedelta(hours=12)


class DailyBar(Protocol):
    """What is needed of a bar of a whole day; `Bar` and `Candle` are such. ``at`` is when it opened."""

    @property
    def symbol(self) -> str:
        """The symbol."""
        ...

    @property
    def at(self) -> datetime:
        """The moment it opened."""
        ...

    @property
    def close(self) -> Decimal:
        """The last price."""
        ...

    @property
    def adjusted_close(self) -> Decimal | None:
        """The last price with later splits and dividends taken out of it; ``None`` where nobody said."""
        ...


class DailyCloses:
    """The closes of the account's trading days by symbol, oldest first; the day that goes on is not among them.

    A day's close is the last mid seen on it. A day without a price is left out, not repeated.
    """

    def __init__(self, zone: str = "UTC", roll_over: timedelta = timedelta(0)) -> None:
        """Take the clock of the account's trading day."""
        self._zone = zone
        self._roll_over = roll_over
        self._start: datetime | None = None  # of the day that goes on
        self._day: date | None = None
        self._mids: dict[str, Decimal] = {}  # last seen on it
        self._days: dict[str, dict[date, Decimal]] = {}  # in order of days
        self._closes: Mapping[str, tuple[Decimal, ...]] = MappingProxyType({})

    @property
    def day(self) -> date | None:
        """The trading day that goes on; ``None`` before the first tick."""
        return self._day

    @property
    def by_symbol(self) -> Mapping[str, tuple[Decimal, ...]]:
        """The closes; the same object until the trading day turns."""
        return self._closes

    def prime(self, rows: Iterable[DailyBar]) -> None:
        """Learn closes of the past, adjusted where the bar says so, in any order; the last bar of a day counts.

        A bar belongs to the trading day that its middle lies in, as for whoever asks the database for daily closes:
        sources open it at one midnight or another. Call it before the first tick. Bars of the day of that tick are
        taken for nothing: it is not over.
        """
        for row in sorted(rows, key=lambda row: row.at):
            self._keep(row.symbol, self._date(row.at + _HALF_A_BAR), row.adjusted_close or row.close)
        self._publish()

    def see(self, tick: Tick) -> None:
        """Take in the mids of a tick; the first tick of a new trading day closes the one before."""
        if self._start is None or tick.at - self._start >= _SHORTEST_DAY:
            self._turn(self._begin(tick.at))
        for symbol, book in tick.books.items():
            self._mids[symbol] = book.mid

    def _turn(self, start: datetime) -> None:
        if start == self._start:
            return
        if self._day is not None:
            for symbol, mid in self._mids.items():
                self._keep(symbol, self._day, mid)
        self._start, self._day, self._mids = start, self._date(start), {}
        self._publish()

    def _keep(self, symbol: str, day: date, close: Decimal) -> None:
        days = self._days.setdefault(symbol, {})
        days[day] = close
        while len(days) > KEPT:
            del days[next(iter(days))]

    def _publish(self) -> None:
        self._closes = MappingProxyType(
            {
                symbol: tuple(close for day, close in days.items() if self._day is None or day < self._day)
                for symbol, days in self._days.items()
            }
        )

    def _begin(self, at: datetime) -> datetime:
        return trading_day(at, self._zone, self._roll_over)

    def _date(self, at: datetime) -> date:
        return trading_date(at, self._zone, self._roll_over)
