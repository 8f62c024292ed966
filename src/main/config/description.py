"""What does each setting amount to, and which source decided it?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import BaseModel, SecretStr

from main.config.database_url import masked
from main.config.provenance import Key, Layer, dotted, origin_of

DEFAULT = "default"


class Described(NamedTuple):
    """One setting as the user may see it."""

    key: str
    value: str  # masked where it is secret
    source: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """The layers that settings were made of; settings of equal values are equal whatever they came from."""

    layers: tuple[Layer, ...] = field(default=(), compare=False, repr=False)


def describe(section: BaseModel, provenance: Provenance, above: Key = ()) -> Iterator[Described]:
    """Yield every setting in a section and below it; an empty list or section is a row too."""
    for name in type(section).model_fields:
        yield from _rows(getattr(section, name), (*above, name), provenance)


def _rows(value: object, key: Key, provenance: Provenance) -> Iterator[Described]:
    if isinstance(value, BaseModel) and type(value).model_fields:
        yield from describe(value, provenance, key)
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for index, item in enumerate(value):
            yield from _rows(item, (*key, index), provenance)
    else:
        yield Described(dotted(key), _shown(value), _source(key, provenance.layers))


def _source(key: Key, layers: tuple[Layer, ...]) -> str:
    origin = origin_of(key, layers)
    return str(origin) if origin else DEFAULT


def _shown(value: object) -> str:
    match value:
        case None:
            return "(not set)"
        case SecretStr():
            secret = value.get_secret_value()
            return masked(secret) if "://" in secret else "********"
        case BaseModel():
            return "{}"
        case tuple():
            return json.dumps(value)
        case float():
            return f"{value:g}"
        case _:
            return masked(str(value))
