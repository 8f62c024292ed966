"""How is a read's value written down so that another process reads the very same? As JSON of its own type."""

from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError

from main.monitoring.read import Read


def written(read: Read[Any], value: Any) -> bytes | None:
    """Return a value as text; ``None`` where what is read from that would not equal it."""
    try:
        text = _form(read.fetch).dump_json(value)
        return text if _form(read.fetch).validate_json(text) == value else None
    except (PydanticSerializationError, PydanticUserError, ValueError, TypeError):
        return None


def value_in(read: Read[Any], text: bytes) -> Any:
    """Return the value that was written down. Raise ``ValueError`` for what is none of this read."""
    return _form(read.fetch).validate_json(text)


@cache
def _form(fetch: Any) -> TypeAdapter[Any]:
    answer = get_type_hints(fetch)["return"]
    try:
        return TypeAdapter(answer, config=ConfigDict(ser_json_inf_nan="constants", ser_json_timedelta="float"))
    except PydanticUserError:  # a dataclass has its own way
        return TypeAdapter(answer)
