"""Which parameters has a read of its own: of what kind, with which choices and defaults, and what do they mean?"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from main.monitoring.read import Read

_TRADES = "Only trades "
MEANINGS: Mapping[str, str] = {
    "account": "Only this account.",
    "before": "Where an earlier page said that the next one goes on (its `older`).",
    "by": "By what the figures are parted.",
    "charted": "Only those of the symbol whose bars `candles` shows when it is asked of the same symbol.",
    "closed_before": "Only trades that were closed before this moment.",
    "closed_from": "Only trades that were closed at this moment or later.",
    "currency": "All in this one currency, such as EUR; without it each keeps its own.",
    "exit_type": _TRADES + "that ended so: signal, stop_loss, take_profit, …",
    "id": "Which trade: the id that the list of trades has, account/source/source_id.",
    "interval": "How long a bar is, such as 1m, 1h or 1d; without it one that suits the window.",
    "kind": "Only what is of this kind.",
    "level": "Only what is at least as grave as this level.",
    "limit": "At most so many rows of the list.",
    "metric": "Which of the values that bots give names to.",
    "minimum_return": "The least return of a year that is no shortfall (Sortino), a fraction.",
    "model": "Only this model.",
    "most": "At most so many names, those with the most trades.",
    "name": "Which of the measures the course is of; without it the first.",
    "offset": "Begin at this place of the list; the first is 0.",
    "order_id": "Only steps of this order.",
    "orders": "Orders that had a fill (executed), or all that ended.",
    "outcome": "Only entries that came out so.",
    "period": "How long a period is.",
    "points": "About so many points of a series; what one stands for, and whether it keeps extremes, its row says.",
    "risk_free": "The risk-free rate of a year, a fraction.",
    "rule": "Only alerts of this rule.",
    "runs": "At most so many runs of each pipeline.",
    "segment": _TRADES + "of this segment.",
    "service": "Only lines of this service.",
    "severity": "Only alerts of this severity.",
    "side": "Only this side.",
    "sort": "By which field the list is sorted; a leading - sorts downwards.",
    "source": "Only what this source tells.",
    "state": "Only those in this state.",
    "status": "Only orders with this status.",
    "symbol": "Only this symbol.",
    "tag": _TRADES + "with this tag.",
    "text": "Only what this text stands in, whatever its case.",
    "window": "Over how many trading days each point looks back.",
    "year": "Which year; without it the present one.",
}
"""What a parameter means, by its name: it means the same wherever it is."""

_KINDS: Mapping[Any, str] = {str: "text", int: "whole number", float: "number", bool: "yes or no"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as people are told of it; ``default`` is empty where it has none, ``choices`` where any will do."""

    name: str
    kind: str
    choices: tuple[str, ...]
    default: str
    required: bool
    meaning: str


def own_parameters(read: Read[Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a read beyond those that every read takes, in their order."""
    if read.params is None:
        return ()
    hints = get_type_hints(read.params)
    return tuple(_parameter(spec, hints[spec.name]) for spec in fields(read.params))


def _parameter(spec: Any, hint: Any) -> Parameter:
    kinds = [hint]
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        kinds = [part for part in get_args(hint) if part is not NoneType]
    choices = tuple(str(word) for kind in kinds if get_origin(kind) is Literal for word in get_args(kind))
    kind = "choice" if choices else _KINDS.get(kinds[0], "text")
    required = spec.default is MISSING and spec.default_factory is MISSING
    default = "" if required or spec.default in (None, "") else str(spec.default)
    return Parameter(spec.name, kind, choices, default, required, MEANINGS.get(spec.name, ""))
