"""A live market: what do the public order books of an exchange show now, as far as they can be trusted?

All symbols are asked at once every interval. A book that is empty, crossed, without a number where one belongs or older
than `STALE` is left out of the tick, never traded on. An exchange that stays away makes ticks without books, so that
the bot lives on, and is asked at longer and longer pauses; that it is away is told once, and once that it is back.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

import structlog

from main.clock import now
from main.domain.events import Instrument
from main.domain.market import Book, Tick
from main.errors import ConfigurationError, FeedError, Problem, UnknownName, did_you_mean
from main.trading.feeds.book_check import checked
from main.venues.exchange import Exchange, Market, PublicTrade

USUAL_BASES = ("BTC", "ETH", "SOL")
USUAL_QUOTE = "USD"
"""What is watched where no symbols are named: what trades most, in the currency of an account that says nothing."""

STALE = timedelta(seconds=60)
"""A book older than this shows what was, not what is; clocks of exchange and bot differ by far less."""

LONGEST_PAUSE = 60.0
"""Seconds between two attempts while nothing comes."""

FINEST = Decimal("1e-8")
"""Step of prices and quantities where the exchange names none: what crypto exchanges count in."""

_NEVER = datetime.min.replace(tzinfo=UTC)

_log = structlog.get_logger(__name__)


class ExchangeFeed:
    """The books of some symbols of one exchange. `open` it before anything else is asked of it."""

    clock: Literal["wall", "replay"] = "wall"

    def __init__(
        self, name: str, symbols: Sequence[str] = (), interval_seconds: float = 3.0, *, url: str | None = None
    ) -> None:
        """Raise `UnknownName` for an exchange that does not exist, `ConfigurationError` where ccxt is missing."""
        self._exchange = Exchange(name, url)
        self.source = f"ccxt:{name}"
        self.interval_seconds = interval_seconds
        self.notices: tuple[str, ...] = ()
        self.news: deque[str] = deque(maxlen=100)  # what went wrong or right again; who tells it takes it out
        self._symbols = tuple(symbols)
        self._instruments: tuple[Instrument, ...] = ()
        self._watches_trades = True
        self._last: datetime | None = None
        self._troubles: dict[str, str] = {}  # by symbol
        self._newest: dict[str, tuple[datetime, frozenset[str]]] = {}  # moment and keys of the last trades seen

    async def open(self) -> None:
        """Learn the markets. Raise `FeedError` when the exchange does not answer: ask again later.

        Raise `UnknownName` or `ConfigurationError` for symbols that it does not have or that cannot be traded here.
        """
        markets = {each.symbol: each for each in await self._exchange.markets()}
        chosen = self._chosen(markets)
        self._instruments = tuple(self._instrument(each) for each in chosen)
        self._symbols = tuple(each.symbol for each in chosen)
        pause = self._exchange.seconds_between_questions
        self.interval_seconds = max(self.interval_seconds, len(chosen) * pause)
        self._watches_trades = 2 * len(chosen) * pause <= self.interval_seconds
        if not self._watches_trades:
            self.notices = (
                f"{self._exchange.name} takes a question every {pause:g} s, too few to ask for trades beside the books:"
                f" the range traded stays unknown; trade.interval {2 * len(chosen) * pause:g} would allow it",
            )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._exchange.close()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The symbols watched, as the exchange describes them."""
        return self._instruments

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        """Stay behind `after`; the prices are the exchange's, not an earlier run's."""
        self._last = after

    async def __aiter__(self) -> AsyncIterator[Tick]:
        """Tick for ever, on time however slow the answers are; a tick without books says that none came."""
        loop = asyncio.get_running_loop()
        due = ask_at = loop.time()
        failures, asked = 0, None
        try:
            while True:
                if asked is None and loop.time() >= ask_at:
                    asked = asyncio.create_task(self._ask())
                books: Mapping[str, Book] = {}
                if asked is not None:
                    await asyncio.wait({asked}, timeout=self.interval_seconds)
                if asked is not None and asked.done():
                    books, asked = asked.result(), None
                    failures = 0 if books else failures + 1
                    ask_at = loop.time() + (self._pause(failures) if failures else 0)
                yield Tick(self._moment(), books)
                due = max(due + self.interval_seconds, loop.time())
                await asyncio.sleep(due - loop.time())
        finally:
            if asked is not None:
                asked.cancel()
                await asyncio.wait({asked})
            await self.close()

    def _pause(self, failures: int) -> float:
        return min(LONGEST_PAUSE, self.interval_seconds * 2.0 ** min(failures - 1, 10))

    def _moment(self) -> datetime:
        at = now()
        if self._last is not None and at <= self._last:
            at = self._last + timedelta(microseconds=1)  # a clock set back must not repeat itself
        self._last = at
        return at

    async def _ask(self) -> dict[str, Book]:
        """The books of now; what became better or worse since the last time is news."""
        found = await asyncio.gather(*(self._book(symbol) for symbol in self._symbols))
        before = self._troubles
        self._troubles = {
            symbol: book for symbol, book in zip(self._symbols, found, strict=True) if isinstance(book, str)
        }
        begun: dict[str, list[str]] = {}
        for symbol in self._troubles.keys() - before.keys():
            begun.setdefault(self._troubles[symbol], []).append(symbol)
        self._tell(*(f"{', '.join(sorted(symbols))} left out: {reason}" for reason, symbols in begun.items()))
        if over := before.keys() - self._troubles.keys():
            self._tell(f"{', '.join(sorted(over))} back")
        return {book.symbol: book for book in found if isinstance(book, Book)}

    def _tell(self, *news: str) -> None:
        for each in news:
            self.news.append(each)
            _log.warning("market data", source=self.source, news=each)

    async def _book(self, symbol: str) -> Book | str:
        """The book, or why there is none."""
        try:
            published = await self._exchange.book(symbol)
            traded = self._since_last(symbol, await self._exchange.trades(symbol)) if self._watches_trades else None
            return checked(symbol, published, traded, not_before=now() - STALE)
        except FeedError as error:
            self._newest.pop(symbol, None)  # what trades meanwhile belongs to no book
            return error.message

    def _since_last(self, symbol: str, trades: Sequence[PublicTrade]) -> Sequence[PublicTrade] | None:
        """What traded since the book before; ``None`` when nobody watched since then."""
        last = self._newest.get(symbol)
        fresh = [
            trade
            for trade in trades
            if last is None or trade.at > last[0] or (trade.at == last[0] and trade.key not in last[1])
        ]
        newest = max((trade.at for trade in trades), default=_NEVER)
        if trades or last is None:
            self._newest[symbol] = (newest, frozenset(trade.key for trade in trades if trade.at == newest))
        return fresh if last is not None else None

    def _chosen(self, markets: Mapping[str, Market]) -> tuple[Market, ...]:
        if not self._symbols:
            return self._usual(markets)
        for symbol in self._symbols:
            if symbol not in markets:
                near = did_you_mean(symbol, markets)
                raise UnknownName(f"symbol of {self._exchange.name}", symbol, _near(symbol, near, markets))
        chosen = tuple(markets[symbol] for symbol in dict.fromkeys(self._symbols))
        for refused, reason in (
            ([each.symbol for each in chosen if each.inverse], "contracts settled in their quote currency"),
            ([each.symbol for each in chosen if each.quote != chosen[0].quote], f"one quote, {chosen[0].quote}"),
        ):
            if refused:
                raise ConfigurationError(Problem(key="trade.symbols", got=", ".join(refused), expected=reason))
        return chosen

    def _usual(self, markets: Mapping[str, Market]) -> tuple[Market, ...]:
        names = (f"{base}/{USUAL_QUOTE}" for base in USUAL_BASES)
        if found := tuple(markets[name] for name in names if name in markets and markets[name].active):
            return found
        like = [name for name in sorted(markets) if name.startswith(f"{USUAL_BASES[0]}/")] or sorted(markets)
        raise ConfigurationError(
            Problem(
                key="trade.symbols",
                got=f"none, and {self._exchange.name} has none of the usual pairs in {USUAL_QUOTE}",
                expected="symbols of the exchange",
                hint=f"it has, for example, {', '.join(like[:5])}",
            )
        )

    def _instrument(self, market: Market) -> Instrument:
        return Instrument(
            at=now(),
            source=self.source,
            symbol=market.symbol,
            currency=market.quote,
            exchange=self._exchange.name,
            segment=market.kind,
            multiplier=market.contract_size or Decimal(1),
            tick=market.tick or FINEST,
            quantity_step=market.step or FINEST,
        )


def _near(symbol: str, near: str, markets: Mapping[str, Market]) -> list[str]:
    """Some symbols worth listing: thousands would hide the one that was meant."""
    base = symbol.partition("/")[0].casefold()
    found = [name for name in markets if name.partition("/")[0].casefold() == base or name in near]
    return sorted(found or markets)[:8]
