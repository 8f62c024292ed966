"""What do rows look like as JSON? The schemas of the reads' own types, as the API writes them."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

Schema = dict[str, Any]

PLACE = "#/components/schemas/"
FLAT = "Flat"
"""What the schemas of rows begin with whose figures are plain values, their reasons apart."""

_FIGURE = f"{PLACE}Figure"
_REASONS = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "Why a figure is null, by its name.",
}


class _AsWritten(GenerateJsonSchema):
    """As `main.exporters.json` writes: no NaN, exact decimals as numbers or texts, durations in seconds."""

    def decimal_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": ["number", "string", "null"]}

    def float_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": ["number", "null"]}

    def timedelta_schema(self, schema: Any) -> JsonSchemaValue:
        return {"type": "number"}


def schemas_of(kinds: Mapping[str, Any]) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """Return the schema of every kind by its name, and those of the rows that they refer to, by theirs."""
    adapters: list[Any] = [(name, "serialization", TypeAdapter(kind)) for name, kind in kinds.items()]
    found, shared = TypeAdapter.json_schemas(adapters, ref_template=PLACE + "{model}", schema_generator=_AsWritten)
    return {name: found[name, "serialization"] for name in kinds}, dict(shared.get("$defs", {}))


def flattened(schema: Any) -> Any:
    """Return a schema in which figures are plain values, here and, by other names, in the rows it refers to."""
    if isinstance(schema, list):
        return [flattened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        if schema["$ref"] == _FIGURE:
            return {"type": ["number", "null"]}
        return schema | {"$ref": schema["$ref"].replace(PLACE, PLACE + FLAT)}
    found = {name: flattened(each) for name, each in schema.items()}
    if any(_is_figure(each) for each in schema.get("properties", {}).values()):
        found["properties"] = found["properties"] | {"reasons": _REASONS}
    return found


def nullable(schema: Schema) -> Schema:
    """Return a schema that allows null too."""
    kind = schema.get("type")
    if kind == "null" or (isinstance(kind, list) and "null" in kind):
        return schema
    if "anyOf" in schema:
        return (
            schema if {"type": "null"} in schema["anyOf"] else schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
        )
    return {"anyOf": [schema, {"type": "null"}]}


def _is_figure(schema: Any) -> bool:
    return isinstance(schema, dict) and (
        schema.get("$ref") == _FIGURE or any(_is_figure(each) for each in schema.get("anyOf", ()))
    )
