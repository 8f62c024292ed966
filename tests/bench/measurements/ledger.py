"""How many fills does the ledger book in a second, and does it slow down as they add up?"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from main.domain.events import Fill, Instrument
from main.domain.ledger import Ledger
from tests.bench.row import Row, median_row

NAME = "ledger"
TITLE = "The ledger"
ORDER = 55
METHOD = """
Fills of 20 symbols that open, enlarge, part-close and turn positions, booked one by one into empty books: `absorb`
folds a history, `apply` also tells the trades and positions that change. Beside them, of the same run: what it takes to
construct the fills, which is what reading them back from the database costs at least. In one currency, and with five of
the symbols in another one whose rate changes with every hundredth fill. Growth is that of the time
to book a fill over the time to construct one, from the first 100,000 of 1,000,000 to the last.
"""
SIZES = (10_000, 100_000, 1_000_000)
CHUNK = 10_000
TENTH = SIZES[-1] // CHUNK // 10
REPETITIONS = 3
SYMBOLS = 20
FOREIGN = 5
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)

Book = Callable[[Ledger, Sequence[Fill]], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Seconds to construct some fills and to book them."""

    made: float
    booked: float

    @property
    def relative(self) -> float:
        return self.booked / self.made


def measure(folder: Path) -> Iterator[Row]:
    for size in SIZES[:-1]:
        yield from _rows("absorb", size, [_run(size, absorbed) for _ in range(REPETITIONS)])
    longest = _run(SIZES[-1], absorbed)
    yield from _rows("absorb", SIZES[-1], [longest])
    first, last = longest[:TENTH], longest[-TENTH:]
    growth = statistics.median(chunk.relative for chunk in last) / statistics.median(chunk.relative for chunk in first)
    yield Row("Growth of the time of a fill through 1,000,000", growth, "×")
    yield from _rows("apply", SIZES[0], [_run(SIZES[0], applied) for _ in range(REPETITIONS)])
    yield from _rows("apply", SIZES[1], [_run(SIZES[1], applied)])
    yield from _rows("absorb with rates", SIZES[1], [_run(SIZES[1], absorbed_with_rates) for _ in range(REPETITIONS)])


def _rows(title: str, size: int, runs: Sequence[Sequence[Chunk]]) -> Iterator[Row]:
    booked = [sum(chunk.booked for chunk in run) for run in runs]
    made = [sum(chunk.made for chunk in run) for run in runs]
    yield median_row(f"{title}, {size:,} fills", [size / seconds for seconds in booked], "fills/s")
    shares = [made_in / booked_in for made_in, booked_in in zip(made, booked, strict=True)]
    yield median_row(f"{title} ÷ constructing them, {size:,}", shares, "")


def absorbed(ledger: Ledger, fills: Sequence[Fill]) -> None:
    for fill in fills:
        ledger.absorb(fill)


def applied(ledger: Ledger, fills: Sequence[Fill]) -> None:
    for fill in fills:
        ledger.apply(fill)


def absorbed_with_rates(ledger: Ledger, fills: Sequence[Fill]) -> None:
    for number, fill in enumerate(fills):
        if number % 100 == 0:
            ledger.convert("EUR", Decimal("1.1") + Decimal(number // 100 % 7) / 100, fill.at)
        ledger.absorb(fill)


def _run(size: int, book: Book) -> list[Chunk]:
    """Fill new books, chunk by chunk: a million fills at once would measure the memory."""
    ledger = Ledger("bench", "bench", _instruments(book), currency="USD")
    chunks = []
    for start in range(0, size, CHUNK):
        began = time.perf_counter()
        fills = _fills(start)
        middle = time.perf_counter()
        book(ledger, fills)
        ended = time.perf_counter()
        chunks.append(Chunk(middle - began, ended - middle))
    assert ledger.proof().residual == 0
    return chunks


def _instruments(book: Book) -> list[Instrument]:
    foreign = FOREIGN if book is absorbed_with_rates else 0
    return [
        Instrument(at=BEGAN, source="bench", symbol=f"SYM{number}", currency="EUR" if number < foreign else "USD")
        for number in range(SYMBOLS)
    ]


def _fills(start: int) -> list[Fill]:
    return [
        Fill(
            at=BEGAN + timedelta(seconds=number),
            account="bench",
            source="bench",
            source_id=f"{number:07d}",
            symbol=f"SYM{number % SYMBOLS}",
            # Seven rounds of growing, seven of shrinking and a little beyond: through zero and back.
            side="buy" if number // SYMBOLS % 14 < 7 else "sell",
            quantity=Decimal(5 + number * 7919 % 11) / 4,
            price=Decimal(10_000 + number * 37 % 900) / 100,
            order_id=f"o{number // 3}",
            fee=Decimal("0.12"),
            liquidity="maker",
            strategy="market_maker",
        )
        for number in range(start, start + CHUNK)
    ]
