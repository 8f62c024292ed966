"""In which order do facts, prices and observations make the books?"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from main.books.facts import Facts, Mark
from main.domain.events import CashFlow, Fill, FxRate
from main.domain.ledger import Ledger, latest


class Kind(IntEnum):
    """What happens at a step; of one moment in this order, as a bot meets it: money, rates, prices, fills, a look."""

    FLOW = 0
    RATE = 1
    MARK = 2
    FILL = 3
    LOOK = 4


@dataclass(frozen=True, slots=True)
class Look:
    """A moment at which the account is looked at: for its equity, or for the state of one position."""

    at: datetime
    equity: bool = True
    position_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to the books."""

    kind: Kind
    what: Any

    @property
    def at(self) -> datetime:
        """When it happens."""
        at: datetime = self.what.at
        return at


def steps(facts: Facts, marks: Iterable[Mark], looks: Iterable[Look], ledger: Ledger) -> list[Step]:
    """Return what is to be booked, in order.

    Of each fact the highest revision counts; fills and flows that `ledger` knows are left out.
    """
    found = [Step(Kind.FLOW, flow) for flow in latest(facts.flows) if not ledger.knows(flow)]
    found += [Step(Kind.RATE, rate) for rate in latest(facts.rates) if ledger.needs(rate)]
    found += [Step(Kind.MARK, mark) for mark in marks]
    found += [Step(Kind.FILL, fill) for fill in latest(facts.fills) if not ledger.knows(fill)]
    found += [Step(Kind.LOOK, look) for look in looks]
    found.sort(key=_place)
    return found


def _place(step: Step) -> tuple[datetime, Kind, str, str]:
    what: Fill | CashFlow | FxRate | Mark | Look = step.what
    if isinstance(what, Fill | CashFlow):
        return what.at, step.kind, what.source_id, what.source
    if isinstance(what, FxRate):
        return what.at, step.kind, what.base, what.source
    if isinstance(what, Mark):
        return what.at, step.kind, what.symbol, ""
    return what.at, step.kind, what.position_id or "", ""
