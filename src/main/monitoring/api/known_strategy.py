"""Is there such a strategy? Whoever mistypes its name is told so, and does not take nothing for an answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from main.domain.scope import Scope
from main.errors import UnknownName
from main.monitoring.read import read_named
from main.monitoring.reads.order_events import OrderEventsPage
from main.monitoring.reads.orders import OrdersPage

if TYPE_CHECKING:  # which asks this before it answers
    from main.monitoring.api.rest import Asked

_ELSEWHERE: Mapping[str, Any] = {
    "orders": OrdersPage(limit=1, state="all"),
    "order_events": OrderEventsPage(limit=1),
    "models": None,
}
"""What may name a strategy that has never held a position: nothing of it is in the list that pages offer."""


async def check_strategy(hub: "Asked", scope: Scope) -> None:
    """Raise `UnknownName` with those there are for a strategy that the scope's accounts have nothing of.

    Nothing is refused where that cannot be told: no strategy is known at all, or the database does not answer.
    """
    if scope.strategy is None:
        return
    answer = await hub.ask(read_named("strategies"), replace(scope, strategy=None))
    known = {each.strategy for each in answer.value or ()}
    if not known or scope.strategy in known:
        return
    ever = replace(scope, window="All")
    for name, params in _ELSEWHERE.items():
        found = (await hub.ask(read_named(name), ever, params)).value
        if found is None or getattr(found, "total", found):
            return
    raise UnknownName("strategy", scope.strategy[:80], known)
