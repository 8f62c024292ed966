"""How is a value written as JSON: exactly, with what is unknown as null and every time in UTC?"""

from collections.abc import Mapping, Set
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import orjson

Decimals = Literal["number", "string"]

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def encode(value: object, decimals: Decimals = "number") -> bytes:
    """Return `value` as JSON.

    Dataclasses become objects, aware UTC times end in ``Z``, NaN and infinities are null. A Decimal keeps every digit:
    as a number, or with ``decimals="string"`` as a string for readers whose numbers are floats. A timedelta is seconds.
    """
    return orjson.dumps(value, default=_as_string if decimals == "string" else _as_number, option=_OPTIONS)


def _as_number(value: object) -> object:
    # A fragment is copied as it stands: orjson has no Decimal, and a float would lose digits.
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value)) if value.is_finite() else None
    return _plain(value)


def _as_string(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else None
    return _plain(value)


def _plain(value: object) -> Any:  # whatever JSON has
    match value:
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return dict(value)
        case Set():
            return sorted(value)
        case tuple():  # a named one: orjson takes plain tuples itself
            return list(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON: return a dataclass of plain values instead")
