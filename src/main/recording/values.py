"""How do the plain values of a simple bot become exact numbers, aware times and order books?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from main import clock
from main.errors import RecordRejected

Amount = Decimal | int | float | str
Moment = datetime | str
Level = tuple[Amount, Amount]  # price, size

LEVELS = 5
_BPS = Decimal(10_000)


def number(value: Amount, name: str) -> Decimal:
    """Return a number exactly as it is written; a float means its shortest decimal. Raise `RecordRejected`."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise RecordRejected(name, value, "expected a number")
    try:
        exact = Decimal(str(value).strip())
    except InvalidOperation:
        raise RecordRejected(name, value, "expected a number") from None
    if not exact.is_finite():
        raise RecordRejected(name, value, "expected a finite number")
    return exact


def optional_number(value: Amount | None, name: str) -> Decimal | None:
    """Return `number` of a value that may be missing."""
    return None if value is None else number(value, name)


def moment(value: Moment | None) -> datetime:
    """Return an aware time in UTC, now where there is none. Raise `RecordRejected` for one without a zone."""
    if value is None:
        return clock.now()
    try:
        if isinstance(value, str):
            return clock.parse_moment(value, "at")
        if isinstance(value, datetime):
            return clock.require_aware(value, "at")
    except ValueError as error:
        raise RecordRejected("at", value, str(error).partition("expected ")[2] or str(error)) from None
    raise RecordRejected("at", value, "expected a datetime or an ISO 8601 text")


def word(value: str, name: str) -> str:
    """Return a word of a closed set in lower case: brokers write BUY as well as buy. Raise `RecordRejected`."""
    if not isinstance(value, str):
        raise RecordRejected(name, value, "expected text")
    return value.lower()


def text(value: str, name: str) -> str:
    """Return a text that is there. Raise `RecordRejected` for anything else."""
    if not isinstance(value, str) or not value:
        raise RecordRejected(name, value, "expected text")
    return value


def book(
    mid: Amount | None,
    best_bid: Amount | None,
    best_ask: Amount | None,
    bids: Sequence[Level],
    asks: Sequence[Level],
) -> Mapping[str, Any]:
    """Return the fields of a `MarketSnapshot`. What is missing follows from the rest: best prices from the levels, the
    mid from the best prices, and stays ``None`` where nothing is known. Levels beyond the fifth are left out.

    Raise `RecordRejected` for a bad number and where no mid can be known.
    """
    bid_prices, bid_sizes = _levels(bids, "bids")
    ask_prices, ask_sizes = _levels(asks, "asks")
    bid = number(best_bid, "best_bid") if best_bid is not None else next(iter(bid_prices), None)
    ask = number(best_ask, "best_ask") if best_ask is not None else next(iter(ask_prices), None)
    middle = optional_number(mid, "mid")
    if middle is None and bid is not None and ask is not None:
        middle = (bid + ask) / 2
    if middle is None or middle <= 0:
        raise RecordRejected("mid", middle, "expected a price above 0, or both best prices")
    return {
        "mid": middle,
        "best_bid": bid,
        "best_ask": ask,
        "spread_bps": None if bid is None or ask is None else (ask - bid) / middle * _BPS,
        "bid_prices": bid_prices,
        "bid_sizes": bid_sizes,
        "ask_prices": ask_prices,
        "ask_sizes": ask_sizes,
        "bid_depth": sum(bid_sizes, Decimal(0)) if bid_sizes else None,
        "ask_depth": sum(ask_sizes, Decimal(0)) if ask_sizes else None,
    }


def _levels(levels: Sequence[Level], name: str) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    try:
        pairs = [(number(price, name), number(size, name)) for price, size in levels[:LEVELS]]
    except (TypeError, ValueError):
        raise RecordRejected(name, levels, "expected (price, size) pairs") from None
    return tuple(price for price, _ in pairs), tuple(size for _, size in pairs)
