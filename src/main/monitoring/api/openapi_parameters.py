"""Which values may a parameter have? Its type says, and its own dataclass where it is asked with a wrong one."""

import re
from collections.abc import Collection
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from main.domain.scope import ACCOUNT_PATTERN, WINDOWS
from main.exporters.json import Decimals
from main.monitoring.api.forms import FORMAT, FORMS
from main.monitoring.api.openapi_types import Schema
from main.monitoring.api.parsing import LONGEST
from main.monitoring.api.question import COMMON, MOST_ROWS
from main.monitoring.read import Read

_TEXT = {"type": "string", "maxLength": 200, "pattern": r"^[^\u0000]*$"}
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ACCOUNT = ACCOUNT_PATTERN.pattern

SCHEMAS: dict[str, Schema] = {
    "accounts": {"type": "string", "maxLength": LONGEST, "pattern": f"^{_ACCOUNT}(,{_ACCOUNT})*$"},
    "range": {
        "type": "string",
        "anyOf": [
            {"enum": list(WINDOWS)},
            {"pattern": "^[1-9][0-9]{0,3}d$"},
            {"pattern": rf"^{_ISO}(T[0-9:.]+(Z|[+-][0-9:]+)?)?\.\.{_ISO}(T[0-9:.]+(Z|[+-][0-9:]+)?)?$"},
        ],
    },
    "as_of": {"type": "string", "format": "date-time"},
    "known_at": {"type": "string", "format": "date-time"},
    "strategy": _TEXT,
    "decimals": {"type": "string", "enum": list(get_args(Decimals)), "default": "number"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ROWS},
    "format": {"type": "string", "enum": list(FORMS), "default": "json"},
}
EXAMPLES: dict[str, Any] = {
    "accounts": "DEFAULT",
    "range": "1M",
    "as_of": "2026-11-20T14:32:05Z",
    "known_at": "2026-11-20T14:32:05Z",
    "strategy": "market-maker",
    "symbol": "BTC-USD",
    "currency": "EUR",
    "segment": "spot",
    "exit_type": "take_profit",
    "tag": "reviewed",
    "limit": 50,
    "points": 500,
    "days": 30,
    "start_date": "2026-11-01",
    "end_date": "2026-11-20",
    "id": "DEFAULT/bot/00000042",
}
_OWN = {
    "symbol": "Only symbols with this in their name, or the symbol that is shown.",
    "segment": "Only this segment.",
    "exit_type": "Only trades that ended in this way.",
    "side": "Only this side.",
    "tag": "Only trades with this tag.",
    "limit": "How many at most.",
    "offset": "The place of the first one, counted from 0.",
    "sort": "The order; - is descending.",
    "points": "About how many points a series has at most.",
    "by": "What the rows are parted by.",
    "year": "Which year; without it the present one.",
}
_SPAN = re.compile(r"expected (-?\d+) to (-?\d+)")
_CHOICES = re.compile(r"expected one of (.+)\Z", re.DOTALL)
_NONE_SUCH = "\x7fnone such"


def parameter(name: str, schema: Schema, description: str) -> Schema:
    """Return the description of one parameter of a query."""
    example = EXAMPLES.get(name, schema.get("default"))
    fitting = {"example": example} if example is not None and _fits(example, schema) else {}
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description} | fitting


def common(*, limit: bool, form: bool) -> list[Schema]:
    """Return the parameters that everything takes; `limit` where a list can be cut, `form` where it can be chosen."""
    names = [name for name in (*COMMON, "format") if (name != "limit" or limit) and (name != "format" or form)]
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def common_components() -> dict[str, Schema]:
    """Return what `common` refers to."""
    return {name: parameter(name, SCHEMAS[name], told) for name, told in (COMMON | {"format": FORMAT}).items()}


def own(read: Read[Any], only: Collection[str] | None = None) -> list[Schema]:
    """Return the parameters of a read's own, or `only` some of them."""
    if read.params is None:
        return []
    names = [spec.name for spec in fields(read.params) if only is None or spec.name in only]
    needed = _needed(read.params)
    found = [parameter(name, own_schema(read.params, name), _OWN.get(name, "")) for name in names]
    return [each | {"required": each["name"] in needed} for each in found]


@cache
def own_schema(params: Any, name: str) -> Schema:
    """Return the schema of one parameter of a dataclass, with the bounds or choices that the dataclass tells of."""
    told: Schema = dict(TypeAdapter(params).json_schema()["properties"][name])
    told.pop("title", None)
    if told.get("default", "") is None:
        del told["default"]
    options = [each for each in told.pop("anyOf", ()) if each.get("type") != "null"]
    told |= options[0] if options else {}
    if told.get("type") == "string" and not told.keys() & {"enum", "format"}:  # a time is told of by its format
        choices = _CHOICES.search(_complaint(params, name, _NONE_SUCH))
        told |= {"enum": choices[1].split(", ")} if choices else _TEXT
        if told.get("default") not in (None, *told.get("enum", [told.get("default")])):
            del told["default"]  # an empty text asks for nothing
    if told.get("type") == "integer" and (span := _SPAN.search(_complaint(params, name, -(10**9)))):
        told |= {"minimum": int(span[1]), "maximum": int(span[2])}
    return told


def _complaint(params: Any, name: str, wrong: Any) -> str:
    try:
        params(**dict.fromkeys(_needed(params), "1") | {name: wrong})
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def _needed(params: Any) -> tuple[str, ...]:
    """The names of the parameters that must be given."""
    return tuple(each.name for each in fields(params) if each.default is MISSING and each.default_factory is MISSING)


def _fits(example: Any, schema: Schema) -> bool:
    kinds: dict[str, type] = {"integer": int, "string": str, "number": float}
    kind = kinds.get(schema.get("type", ""), object)
    return isinstance(example, kind) and example in schema.get("enum", [example])
