"""A replayed market: recorded bars, one moment after another, at any speed.

The clock is the bars' own time; a bar of a whole day is known when that day ends. A file knows no order book, so one
is made around each close: best bid and ask lie one tick below and above it (the mid is the close itself), four more
levels follow a tick apart, and a level shows a share of the bar's volume. The range traded since the last book is the
bar's low to high. With an adjusted close every price of the bar is scaled by it, so that a split or a dividend is no
loss.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from itertools import groupby
from pathlib import Path
from typing import Literal

from main.domain.events import Instrument
from main.domain.market import LEVELS, Bar, Book, Tick
from main.errors import UnreadablePrices
from main.formats.ohlcv import Skipped, read_bars

BARS_A_SECOND = 252 / 60
"""The usual speed: a year of daily bars takes a minute."""

LAST_SECOND = timedelta(hours=23, minutes=59, seconds=59)
"""Where in its day a daily bar stands."""

SHARE_OF_VOLUME = Decimal("0.001")  # of a bar's volume on the nearest level; each further one shows as much more
SIZE_WITHOUT_VOLUME = Decimal(100)
_NOTICES_SHOWN = 3


class ReplayFeed:
    """The bars of a file or of a directory, every symbol that has one at a moment in one tick."""

    clock: Literal["wall", "replay"] = "replay"

    def __init__(self, path: Path, *, bars_a_second: float | None = None, paced: bool = True) -> None:
        """Read all bars; raise `UnreadablePrices` for what cannot be read."""
        read = read_bars(path)
        self.name = _name(path)
        self.source = f"replay:{self.name}"
        self.interval_seconds = 1 / (bars_a_second or BARS_A_SECOND)
        self.notices = _notices(read.skipped)
        self._paced = paced
        self._bars = _when_known(read.bars)
        self._ticks = _tick_sizes(read.bars)
        self._after: datetime | None = None

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Every symbol of the files, in US dollars; the tick is the coarsest that the smallest price bears."""
        first = self._bars[0].at
        return tuple(
            Instrument(at=first, source=self.source, symbol=symbol, currency="USD", segment="replay", tick=tick)
            for symbol, tick in sorted(self._ticks.items())
        )

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        """Leave out the bars up to `after`, which an earlier run has seen. The mids are in the bars."""
        self._after = after

    async def __aiter__(self) -> AsyncIterator[Tick]:
        """Tick through the bars once, then end."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for tick in self.ticks():
            yield tick
            if self._paced:
                due = max(due + self.interval_seconds, loop.time())
                await asyncio.sleep(due - loop.time())

    def ticks(self) -> Iterator[Tick]:
        """Yield the ticks still to come at once, without waiting."""
        return self._ticks_of(bar for bar in self._bars if self._after is None or bar.at > self._after)

    def past(self) -> Iterator[Tick]:
        """Yield the ticks that an earlier run has seen, oldest first."""
        return self._ticks_of(bar for bar in self._bars if self._after is not None and bar.at <= self._after)

    def _ticks_of(self, bars: Iterable[Bar]) -> Iterator[Tick]:
        for at, known in groupby(bars, key=lambda bar: bar.at):
            yield Tick(at, {bar.symbol: book_around(bar, self._ticks[bar.symbol]) for bar in known})


def book_around(bar: Bar, tick: Decimal) -> Book:
    """Return the book made around a bar's close; every price is a multiple of `tick`."""
    factor = bar.adjusted_close / bar.close if bar.adjusted_close is not None else Decimal(1)
    close = max(_at_tick(bar.close * factor, tick, ROUND_HALF_EVEN), tick * (LEVELS + 1))
    nearest = SIZE_WITHOUT_VOLUME
    if bar.volume is not None and bar.volume > 0:
        nearest = max(Decimal(1), (bar.volume * SHARE_OF_VOLUME).to_integral_value())
    depths = range(1, LEVELS + 1)
    sizes = tuple(nearest * depth for depth in depths)
    return Book(
        bar.symbol,
        tuple(close - tick * depth for depth in depths),
        sizes,
        tuple(close + tick * depth for depth in depths),
        sizes,
        low=max(tick, _at_tick(bar.low * factor, tick, ROUND_FLOOR)),
        high=max(tick, _at_tick(bar.high * factor, tick, ROUND_CEILING)),
        volume=bar.volume,
    )


def _when_known(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """Daily bars carry a date alone. At that day's midnight their close would count as the day before's result."""
    if any(bar.at.timetz().replace(tzinfo=None) != time() for bar in bars):
        return bars
    return tuple(replace(bar, at=bar.at + LAST_SECOND) for bar in bars)


def _at_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick


def _tick_sizes(bars: tuple[Bar, ...]) -> Mapping[str, Decimal]:
    lowest: dict[str, Decimal] = {}
    for bar in bars:
        price = bar.close if bar.adjusted_close is None else min(bar.close, bar.adjusted_close)
        lowest[bar.symbol] = min(price, lowest.get(bar.symbol, price))
    return {symbol: _tick_size(price) for symbol, price in lowest.items()}


def _tick_size(price: Decimal) -> Decimal:
    """A cent from one dollar on, as on US exchanges; below, a ten-thousandth of the price's order of magnitude."""
    return Decimal("0.01") if price >= 1 else Decimal(1).scaleb(price.adjusted() - 3)


def _name(path: Path) -> str:
    """The name of the file or directory, in the alphabet of account ids, for it becomes a part of one."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in path.resolve().stem)
    name = name.strip("-")
    if not name:
        raise UnreadablePrices(f"{path}: its name has no letter or digit to call the replay by; rename it")
    if len(name) <= 40:
        return name
    return f"{name[:31]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _notices(skipped: tuple[Skipped, ...]) -> tuple[str, ...]:
    if not skipped:
        return ()
    shown = "; ".join(f"{each.file}:{each.line}: {each.reason}" for each in skipped[:_NOTICES_SHOWN])
    more = f"; and {len(skipped) - _NOTICES_SHOWN} more" if len(skipped) > _NOTICES_SHOWN else ""
    return (f"{len(skipped)} row{'s' if len(skipped) > 1 else ''} without a usable price left out: {shown}{more}",)
