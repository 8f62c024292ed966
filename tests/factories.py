"""Facts for tests, each with only what the test is about spelled out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from main.domain.events import CashFlow, Fill, FxRate, Instrument
from main.domain.market import Book, Tick

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)


class _Numbers:
    """Facts are numbered from one in every test: their times follow their numbers."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._count = count(1)

    def __next__(self) -> int:
        return next(self._count)


numbers = _Numbers()


def moment(seconds: float = 0) -> datetime:
    return START + timedelta(seconds=seconds)


def fill(side: str, quantity: object, price: object, **given: Any) -> Fill:
    """A fill of symbol X, a second after the one made before it unless `at` is given."""
    number = next(numbers)
    values: dict[str, Any] = {
        "at": moment(number),
        "account": "A",
        "source": "test",
        "source_id": f"f{number:06d}",
        "symbol": "X",
    }
    return Fill(side=side, quantity=Decimal(str(quantity)), price=Decimal(str(price)), **(values | given))


def flow(kind: str, amount: object, **given: Any) -> CashFlow:
    values: dict[str, Any] = {"at": START, "account": "A", "source": "test", "source_id": f"c{next(numbers)}"}
    return CashFlow(kind=kind, amount=Decimal(str(amount)), **(values | given))


def instrument(symbol: str = "X", **given: Any) -> Instrument:
    values: dict[str, Any] = {"at": START, "source": "test", "currency": "USD"}
    return Instrument(symbol=symbol, **(values | given))


def rate(base: str, value: object, **given: Any) -> FxRate:
    """What one unit of `base` is worth in dollars, unless another `quote` is given."""
    values: dict[str, Any] = {"at": START, "source": "test", "quote": "USD"}
    return FxRate(base=base, rate=Decimal(str(value)), **(values | given))


def book(bid: object = "99.99", ask: object = "100.01", size: object = 100, symbol: str = "X", **given: Any) -> Book:
    """A book of one level a side."""
    return Book(
        symbol,
        (Decimal(str(bid)),),
        (Decimal(str(size)),),
        (Decimal(str(ask)),),
        (Decimal(str(size)),),
        **{name: Decimal(str(value)) for name, value in given.items()},
    )


def tick(*books: Book, at: float = 0) -> Tick:
    by_symbol: Mapping[str, Book] = {each.symbol: each for each in books}
    return Tick(moment(at), by_symbol)
