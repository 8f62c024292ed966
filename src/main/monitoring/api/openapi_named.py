"""What do the documents of the named paths look like? Schemas, put together of the same rows as the answers."""

from collections.abc import Iterator, Mapping

from main.monitoring.api.named import DAYS, END, MOST_DAYS, START, parameters_of_path
from main.monitoring.api.named_flat import REASONS
from main.monitoring.api.named_shape import Figures, Listing, Mapped, Member, NamedPath, Object, Source
from main.monitoring.api.openapi_parameters import common, own, parameter
from main.monitoring.api.openapi_types import FLAT, Schema, nullable

_INTEGER: Schema = {"type": "integer"}
_DATE: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}


def head(states: list[str]) -> dict[str, Schema]:
    """Return what every answer tells of itself."""
    return {
        "as_of": nullable(_MOMENT | {"description": "The time of the newest fact in the answer."}),
        "moment": _MOMENT | {"description": "The time asked about."},
        "state": {"enum": states, "description": "How far the answer may be trusted."},
        "since": nullable(_MOMENT | {"description": "When the trouble began."}),
        "accounts": {"type": "array", "items": {"type": "string"}},
        "range": {"type": "string"},
        "error": {"type": ["string", "null"]},
        "note": {"type": "string", "description": "What else has to be known, such as why flat figures are null."},
    }


def row_types(path: NamedPath) -> Iterator[type]:
    """Return the types of the rows that a path answers with."""
    for member in path.members:
        for source in member.sources if isinstance(member, Figures) else (member.source,):
            yield source.row


def document_schema(path: NamedPath, states: list[str], components: Mapping[str, Schema]) -> Schema:
    """Return the schema of a path's answer; `components` has the rows with plain figures, under ``Flat`` names."""
    told: dict[str, Schema] = {}
    days = False
    for member in path.members:
        told |= _member(member, components)
        days |= isinstance(member, Mapped)
    told |= head(states)
    schema: Schema = {"type": "object", "properties": told, "required": list(told)}
    if days:
        schema["patternProperties"] = {"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": {"type": ["number", "string", "null"]}}
    return schema


def path_parameters(path: NamedPath) -> list[Schema]:
    """Return the parameters of a path."""
    found: dict[str, Schema] = {}
    for part in path.parts:
        found = {each["name"]: each for each in own(part.read, part.parameters)} | found
    for name, (of, least, most) in path.aliases.items():
        found[name] = parameter(name, _INTEGER | {"minimum": least, "maximum": most}, f"Another name of {of}.")
    if path.limits is not None:
        usual, most = path.limits
        schema = _INTEGER | {"minimum": 1, "maximum": most, "default": usual}
        found["limit"] = parameter("limit", schema, "How many items at most.")
    if path.days:
        schema = _INTEGER | {"minimum": 1, "maximum": MOST_DAYS, "default": path.days}
        found[DAYS] = parameter(DAYS, schema, "How many days back; another way to say range.")
    if path.dates:
        found[START] = parameter(START, _DATE, "The first day (UTC), or a time with its zone; not beside range.")
        found[END] = parameter(END, _DATE, "The last day, all of it (UTC), or a time with its zone; not beside range.")
    return [*common(limit=False, form=False), *(found[name] for name in parameters_of_path(path) if name in found)]


def _member(member: Member, components: Mapping[str, Schema]) -> dict[str, Schema]:
    match member:
        case Figures():
            return _figures(member, components)
        case Object():
            told = _properties(member.source, member.names, components)
            if member.under:
                return {member.under: nullable(_object(told))}
            return {name: schema if name == REASONS else nullable(schema) for name, schema in told.items()}
        case Listing():
            rows: dict[str, Schema] = {member.name: _rows(_properties(member.source, member.names, components))}
            return rows | ({"total": _INTEGER} if member.limit is not None else {})
        case Mapped():
            return {}


def _figures(member: Figures, components: Mapping[str, Schema]) -> dict[str, Schema]:
    told: dict[str, Schema] = {}
    for source in member.sources:
        told = _properties(source, member.names, components) | told
    told = {name: schema if name == REASONS else nullable(schema) for name, schema in told.items()}
    return ({member.under: _object(told)} if member.under else told) | {member.items: _rows(told)}


def _properties(source: Source, names: Mapping[str, str], components: Mapping[str, Schema]) -> dict[str, Schema]:
    properties = components[FLAT + source.row.__name__]["properties"]
    columns = (*source.columns, *((REASONS,) if REASONS in properties else ()))
    return {names.get(name, name): properties[name] for name in columns if name in properties}


def _rows(properties: dict[str, Schema]) -> Schema:
    return {"type": "array", "items": _object(properties)}


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": [name for name in properties if name != REASONS]}
