"""How is a row written for who knows nothing of figures: plain values, rounded money, and why something is missing?"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache
from types import NoneType
from typing import Any, get_type_hints

from main.analytics.figure import Figure
from main.monitoring.api.named_rows import UNITS
from main.monitoring.field_units import Unit, units_of

REASONS = "reasons"

_ROUNDING = Context(prec=64, rounding=ROUND_HALF_UP)
_MONEY = frozenset({Unit.MONEY, Unit.SIGNED_MONEY})
_WHOLE = frozenset(["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"])
_THOUSANDTHS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_COINS = frozenset(["ADA", "BCH", "BNB", "BTC", "DOT", "ETH", "LTC", "SOL", "XBT", "XMR", "XRP"])
_FINEST = 8  # decimals of coins, and of prices whose tick is not known
_BPS_DECIMALS = 4
_PLAIN = frozenset([str, int, bool, datetime, NoneType])
"""Types of values that are told as they are."""
_NUMBERS = frozenset([Decimal, float])


@dataclass(frozen=True, slots=True)
class Precision:
    """The steps in which a row's amounts are told, from itself or from the row that it is part of."""

    exact: bool  # every digit, because decimals are written as texts
    currency: str = ""
    tick: Decimal | None = None
    quantity_step: Decimal | None = None

    def of(self, row: object) -> "Precision":
        """Return the steps of a row that is part of one with these steps."""
        kind: Any = type(row)
        found = {name: value for name in _steps(kind) if (value := getattr(row, name))}
        return replace(self, **found) if found else self

    def rounded(self, value: Any, unit: Unit | None) -> Any:
        """Return a number as the unit is told; anything else as it is."""
        if self.exact or unit is None or not isinstance(value, Decimal | float):
            return value
        decimals = self._decimals(unit)
        if decimals is None:
            return value
        if isinstance(value, float):  # by the shortest decimal that names it, as the pages round
            return float(_round(Decimal(repr(value)), decimals)) if math.isfinite(value) else value
        return _round(value, decimals) if value.is_finite() else value

    def _decimals(self, unit: Unit) -> int | None:
        if unit in _MONEY:
            return money_decimals(self.currency)
        if unit is Unit.PRICE:
            return _decimals_of(self.tick) if self.tick else _FINEST
        if unit is Unit.QUANTITY:
            return _decimals_of(self.quantity_step) if self.quantity_step else None
        return _BPS_DECIMALS if unit is Unit.BPS else None


def money_decimals(currency: str) -> int:
    """Return how many decimals amounts of a currency have: 2, but 0 of yen, 3 of dinars, 8 of coins."""
    if currency in _WHOLE:
        return 0
    if currency in _THOUSANDTHS:
        return 3
    return _FINEST if currency in _COINS else 2


def flat(row: Any, precision: Precision, only: Collection[str] | None = None) -> dict[str, Any]:
    """Return a dataclass, or `only` some of its fields, as plain values by name.

    Missing figures are ``None``, and told of under ``reasons``, which is there wherever figures are, also if it is
    empty. Rows within it are written likewise.
    """
    precision = precision.of(row)
    kind: Any = type(row)
    units = _units(kind)
    found: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in _columns(kind, None if only is None else tuple(only)):
        value = getattr(row, name)
        if type(value) in _PLAIN:  # nearly all are
            found[name] = value
            continue
        if type(value) in _NUMBERS:
            found[name] = precision.rounded(value, units.get(name))
            continue
        if isinstance(value, Figure):
            if value.value is None:
                reasons[name] = value.reason
            value = value.value
        elif isinstance(value, list | tuple):
            value = [flat(each, precision) if is_dataclass(each) else each for each in value]
        elif is_dataclass(value):
            value = flat(value, precision)
        found[name] = precision.rounded(value, units.get(name))
    return found | ({REASONS: reasons} if figures_of(kind, only) else {})


@cache
def _columns(row: Any, only: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(row) if only is None or spec.name in only)


@cache
def _steps(row: Any) -> tuple[str, ...]:
    """Return which of the steps a row tells itself."""
    return tuple(name for name in ("currency", "tick", "quantity_step") if hasattr(row, name))


def figures_of(row: type, only: Collection[str] | None = None) -> frozenset[str]:
    """Return the names of the fields, or of `only` some of them, that may be missing for a reason."""
    return _figures(row) if only is None else _figures(row) & frozenset(only)


@cache
def _figures(row: type) -> frozenset[str]:
    return frozenset(name for name, hint in get_type_hints(row).items() if hint in (Figure, Figure | None))


def renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a flat row under other names, its reasons too."""
    found = {names.get(name, name): value for name, value in row.items()}
    if REASONS in found:
        found[REASONS] = {names.get(name, name): why for name, why in found[REASONS].items()}
    return found


@cache
def _units(row: Any) -> Mapping[str, Unit]:
    try:
        return UNITS[row] if row in UNITS else units_of(row)
    except LookupError:  # a test of the catalogue tells of a field without a unit; better every digit than no answer
        return {}


def _round(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(_quantum(decimals), context=_ROUNDING)


@cache
def _quantum(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


@cache
def _decimals_of(step: Decimal) -> int:
    exponent = step.normalize(_ROUNDING).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
