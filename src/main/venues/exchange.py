"""What does a crypto exchange publish? Its markets, order books and trades through ccxt, exact and in time.

Prices and sizes come as the exchange wrote them, in Decimal; what no number can be is ``None`` to the caller. Every
question ends after `TIMEOUT_SECONDS`; ccxt keeps the exchange's own rate limit between questions.
"""

import asyncio
import difflib
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from main.errors import FeedError, UnknownName
from main.venues.extras import library

Answered = TypeVar("Answered")

TIMEOUT_SECONDS = 10.0
QUEUE_SECONDS = 30.0
"""The longest a question may wait for its turn under the rate limit and be answered."""

LEVELS = 20
"""Levels asked for: the smallest number that nearly every exchange takes."""

LONGEST_WORDS = 160  # of an exchange, in a message

WELL_KNOWN = ("binance", "bitstamp", "coinbase", "kraken", "okx")


@dataclass(frozen=True, slots=True)
class Market:
    """Something an exchange trades. ``tick`` and ``step`` are of price and quantity, ``None`` where it does not say."""

    symbol: str
    base: str
    quote: str
    kind: str
    active: bool
    inverse: bool
    tick: Decimal | None
    step: Decimal | None
    contract_size: Decimal | None


@dataclass(frozen=True, slots=True)
class PublishedBook:
    """A book as it was published, nothing checked: levels are (price, size). ``at`` is the exchange's time of it."""

    bids: tuple[tuple[Decimal | None, Decimal | None], ...]
    asks: tuple[tuple[Decimal | None, Decimal | None], ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade between others. ``key`` tells it from the others of its moment."""

    key: str
    at: datetime
    price: Decimal
    quantity: Decimal


class Exchange:
    """One exchange, without keys."""

    def __init__(self, name: str, url: str | None = None) -> None:
        """Speak to the exchange `name`, at `url` instead of its own addresses if there is one.

        Raise `UnknownName` for an exchange that ccxt does not know, `ConfigurationError` where ccxt is missing.
        """
        self._ccxt: Any = library("ccxt.async_support", "ccxt", "--feed")
        if name not in self._ccxt.exchanges:
            near = difflib.get_close_matches(name.casefold(), self._ccxt.exchanges, n=5)
            raise UnknownName("exchange", name, {*near, *WELL_KNOWN} & {*self._ccxt.exchanges})
        self.name = name
        self._url = url
        self._client: Any = None

    async def markets(self) -> tuple[Market, ...]:
        """Return what is traded there. Raise `FeedError` when it does not answer."""
        try:
            found = await self._asked(self._opened().load_markets(reload=True))
        except FeedError:
            await self.close()
            raise
        return tuple(self._market(each) for each in found.values())

    @property
    def seconds_between_questions(self) -> float:
        """What the exchange's rate limit asks for."""
        return float(self._opened().rateLimit) / 1000

    async def book(self, symbol: str) -> PublishedBook:
        """Return the order book as it is now. Raise `FeedError` when it cannot be had."""
        raw = await self._asked(self._opened().fetch_order_book(symbol, LEVELS))
        return PublishedBook(_levels(raw, "bids"), _levels(raw, "asks"), _moment(raw.get("timestamp")))

    async def trades(self, symbol: str) -> list[PublicTrade]:
        """Return the latest public trades, oldest first; how many is the exchange's choice. Raise `FeedError`."""
        found = []
        for raw in await self._asked(self._opened().fetch_trades(symbol)):
            at, price, quantity = _moment(raw["timestamp"]), _number(raw["price"]), _number(raw["amount"])
            if at is not None and price is not None and quantity is not None and price > 0 and quantity > 0:
                found.append(PublicTrade(str(raw.get("id") or f"{price}|{quantity}"), at, price, quantity))
        return sorted(found, key=lambda trade: trade.at)

    async def close(self) -> None:
        """Let go of the connections; the next question opens them again."""
        client, self._client = self._client, None
        if client is not None:
            client.timeout_on_exit = 0
            await client.close()

    def _opened(self) -> Any:
        """The library's client, which belongs to the running event loop."""
        if self._client is None:
            made = getattr(self._ccxt, self.name)(
                {"enableRateLimit": True, "timeout": int(TIMEOUT_SECONDS * 1000), "aiohttp_trust_env": True}
            )
            made.number = Decimal  # in place of float, which loses digits
            made.has["fetchCurrencies"] = False  # markets say all that is needed
            if self._url is not None:
                made.urls["api"] = _moved(made.urls["api"], self._url.rstrip("/"))
            self._client = made
        return self._client

    async def _asked(self, answer: Awaitable[Answered]) -> Answered:
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                return await answer
        except Exception as error:  # a boundary: on garbage ccxt's parsers raise whatever they stumble over
            raise FeedError(f"{self.name} {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        library = self._ccxt
        for kind, reason in (
            (library.RateLimitExceeded, "asks for fewer requests: raise trade.interval or name fewer symbols"),
            (library.DDoSProtection, "asks for fewer requests: raise trade.interval or name fewer symbols"),
            (library.OnMaintenance, "is under maintenance"),
            (library.RequestTimeout, f"gave no answer within {TIMEOUT_SECONDS:g} s"),
            (TimeoutError, f"gave no answer within {QUEUE_SECONDS:g} s"),
            (library.ExchangeNotAvailable, "cannot be reached or is out of order"),
            (library.NetworkError, "cannot be reached"),
            (library.BadSymbol, "does not know the symbol"),
            (library.PermissionDenied, "refuses requests from here"),
        ):
            if isinstance(error, kind):
                return reason
        if isinstance(error, library.ExchangeError):
            words = str(error).removeprefix(self.name).strip()
            return f"answered: {words if len(words) <= LONGEST_WORDS else words[:LONGEST_WORDS] + '…'}"
        return f"gave an answer that makes no sense ({type(error).__name__})"

    def _market(self, raw: Mapping[str, Any]) -> Market:
        precision = raw.get("precision") or {}
        return Market(
            symbol=raw["symbol"],
            base=raw["base"],
            quote=raw["quote"],
            kind=raw.get("type") or "spot",
            active=raw.get("active") is not False,
            inverse=bool(raw.get("inverse")),
            tick=self._step(precision.get("price")),
            step=self._step(precision.get("amount")),
            contract_size=_positive(raw.get("contractSize")),
        )

    def _step(self, precision: object) -> Decimal | None:
        """Exchanges tell a step as it is or as a number of decimals; significant digits make no fixed step."""
        number, mode = _number(precision), self._opened().precisionMode
        if number is None or mode == self._ccxt.SIGNIFICANT_DIGITS:
            return None
        return Decimal(1).scaleb(-int(number)) if mode == self._ccxt.DECIMAL_PLACES else _positive(number)


def _moved(urls: Any, base: str) -> Any:
    """The same addresses below another origin."""
    if isinstance(urls, str):
        return base + urlsplit(urls.replace("{hostname}", "hostname")).path
    return {name: _moved(url, base) for name, url in urls.items()} if isinstance(urls, dict) else urls


def _levels(raw: Mapping[str, Any], side: str) -> tuple[tuple[Decimal | None, Decimal | None], ...]:
    levels: Iterable[Any] = raw.get(side) or ()
    return tuple((_number(level[0]), _number(level[1])) for level in levels)


def _moment(milliseconds: object) -> datetime | None:
    number = _number(milliseconds)
    return datetime.fromtimestamp(float(number) / 1000, UTC) if number is not None and 0 < number < 10**14 else None


def _number(value: object) -> Decimal | None:
    """A finite number, or ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _positive(value: object) -> Decimal | None:
    number = _number(value)
    return number if number is not None and number > 0 else None
