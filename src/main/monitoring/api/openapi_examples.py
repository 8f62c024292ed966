"""What might an answer look like? An example that fits a schema, made of the names of its fields."""

from collections.abc import Mapping
from typing import Any

from main.monitoring.api.openapi_types import PLACE, Schema

AT = "2026-11-20T14:32:05Z"

_TEXTS = {
    "account": "DEFAULT",
    "accounts": "DEFAULT",
    "label": "Market maker",
    "currency": "USD",
    "symbol": "BTC-USD",
    "source": "sim",
    "range": "1M",
    "strategy": "market-maker",
    "segment": "spot",
    "side": "long",
    "type": "BUY",
    "id": "DEFAULT/bot/00000042",
    "status": "running",
    "note": "",
    "reason": "needs 30 days, has 5",
}
_NUMBERS = {"percentage": 25.0, "limit": 50, "offset": 0}
_DEEPEST = 12


def example_of(schema: Any, components: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """Return a value that fits a schema; ``None`` where it allows that and nothing better is known."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(PLACE)], components, name, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return example_of(schema[choice][0], components, name, depth + 1)
    kind = schema.get("type")
    return _plain(kind[0] if isinstance(kind, list) else kind, schema, components, name, depth)


def _plain(kind: Any, schema: Schema, components: Mapping[str, Schema], name: str, depth: int) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {each: example_of(inner, components, each, depth + 1) for each, inner in properties.items()}
    if kind == "array":
        places = schema.get("prefixItems") or ([schema["items"]] if schema.get("items") else [])
        return [example_of(each, components, name, depth + 1) for each in places]
    if kind == "string":
        return {"date-time": AT, "date": AT[:10]}.get(schema.get("format", ""), _TEXTS.get(name, name or "text"))
    return {"number": _NUMBERS.get(name, 1.25), "integer": _NUMBERS.get(name, 3), "boolean": False}.get(kind)
