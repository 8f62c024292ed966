"""How is the export of any read described: its parameters, and a file in each of the formats?"""

from collections.abc import Iterable, Mapping
from typing import Any

from main.exporters.exports import MOST_ROWS
from main.exporters.format import Format
from main.monitoring.api.openapi_errors import error_responses
from main.monitoring.api.openapi_parameters import common, parameter
from main.monitoring.api.openapi_types import Schema

PATH = "/api/export/{name}"
_TOLD = (
    "All rows of a read as a file: of one that pages the whole list, in its order, as it stood when the export began. "
    "Takes the read's own parameters too, as /api/reads/{name} does, but for the limit and offset of a page. "
    f"More than {MOST_ROWS:,} rows are refused with 422; nothing is sent before everything is known to be right."
)
_HEADERS: dict[str, Any] = {
    "Content-Disposition": {"schema": {"type": "string"}, "description": "What the file is called."},
    "Export-Rows": {"schema": {"type": "integer"}, "description": "How many rows it has."},
}
_ROWS: Schema = {"type": "array", "items": {"type": "object"}}


def export_operation(names: Iterable[str], formats: Mapping[str, Format]) -> dict[str, Any]:
    """Return the description of the one path that exports each of the reads called so."""
    plain = next(iter(formats))
    form = {"type": "string", "enum": list(formats), "default": plain}
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(names)}}
    content = {each.media_type: {"schema": _schema(each.name)} for each in formats.values()}
    return {
        "operationId": "export",
        "tags": ["exports"],
        "summary": "All rows of a read as a file",
        "description": _TOLD,
        "parameters": [name, *common(limit=False, form=False), parameter("format", form, "The file's format.")],
        "responses": {"200": {"description": "The file.", "headers": _HEADERS, "content": content}} | error_responses(),
    }


def _schema(form: str) -> Schema:
    if form == "json":
        return _ROWS
    return {"type": "string", "format": "binary"} if form == "parquet" else {"type": "string"}
