"""Which of the facts recorded count, and in which order do they make the books?"""

from collections.abc import Hashable, Iterable, Iterator
from heapq import merge
from typing import TypeVar

from main.domain.events import CashFlow, Fill, FxRate

Booked = TypeVar("Booked", Fill, CashFlow, FxRate)


def latest(facts: Iterable[Booked]) -> Iterator[Booked]:
    """Yield the highest revision of each fact, in order of time and then of its key; in whatever order they came."""
    newest: dict[Hashable, Booked] = {}
    for fact in facts:
        key = _key(fact)
        known = newest.get(key)
        if known is None or known.revision < fact.revision:
            newest[key] = fact
    yield from sorted(newest.values(), key=lambda fact: (fact.at, *_key(fact)))


def booking_order(fills: Iterable[Fill], rates: Iterable[FxRate]) -> Iterator[Fill | FxRate]:
    """Yield what counts of fills and rates in order of time; a rate comes before the fills of its moment."""
    ordered: list[Iterator[Fill | FxRate]] = [latest(rates), latest(fills)]
    yield from merge(*ordered, key=lambda fact: fact.at)


def _key(fact: Fill | CashFlow | FxRate) -> tuple[Hashable, ...]:
    if isinstance(fact, FxRate):
        return fact.at, fact.base, fact.quote, fact.source
    return fact.source_id, fact.source
