"""What can be asked of the API, and what is answered? The description of it (OpenAPI 3.1), generated from the reads."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.routing import Route

from main.exporters.csv import MEDIA_TYPE
from main.exporters.formats import FORMATS
from main.exporters.json import encode
from main.monitoring.api.named_shape import NamedPath
from main.monitoring.api.openapi_errors import PROBLEM, error_components, error_responses
from main.monitoring.api.openapi_examples import example_of
from main.monitoring.api.openapi_export import PATH as EXPORT_PATH
from main.monitoring.api.openapi_export import export_operation
from main.monitoring.api.openapi_named import document_schema, head, path_parameters, row_types
from main.monitoring.api.openapi_parameters import common, common_components, own
from main.monitoring.api.openapi_types import FLAT, PLACE, Schema, flattened, nullable, schemas_of
from main.monitoring.api.question import lists
from main.monitoring.paging import Paged
from main.monitoring.read import Read, State

PATH = "/openapi.json"
JSON_TYPE = "application/json"

_STATES = [state.value for state in State]
_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TIMING = {"Server-Timing": {"schema": _TEXT, "description": "Milliseconds: read;dur and total;dur."}}
_READ = "read:"


def describe(app: FastAPI, catalogue: Callable[[], Mapping[str, Read[Any]]], named: Sequence[NamedPath]) -> None:
    """Have `app` describe every read and named path at ``/openapi.json``; made at the first request for it."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(_document(app, catalogue(), named))
        return made

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to replace it

    async def openapi(_: Request) -> Response:
        # Made in a thread: it takes a second, in which the pages go on.
        return Response(await asyncio.to_thread(lambda: encode(document())), media_type=JSON_TYPE)

    app.router.routes.append(Route(PATH, openapi, methods=["GET", "HEAD"]))


def _document(app: FastAPI, reads: Mapping[str, Read[Any]], named: Sequence[NamedPath]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    paths = document["paths"]
    kinds = {_READ + name: get_type_hints(read.fetch)["return"] for name, read in reads.items()}
    rows = {row.__name__: row for path in named for row in row_types(path) if row is not Paged}
    found, shared = schemas_of(kinds | rows)
    components = shared | {FLAT + name: flattened(schema) for name, schema in shared.items()} | _PAGED
    components["Problem"] = PROBLEM
    operation = _operation("reads", _CATALOGUE, [], _CATALOGUE_SCHEMA, components)
    paths["/api/reads"] = {"get": operation | {"tags": ["reads"]}}
    for name, read in reads.items():
        parameters = [*common(limit=lists(read), form=True), *own(read)]
        schema = _answer(read, found[_READ + name])
        operation = _operation(f"reads_{name}", f"{read.title}. {read.description}", parameters, schema, components)
        operation["responses"]["200"]["content"][MEDIA_TYPE] = {"schema": _TEXT}
        paths[f"/api/reads/{name}"] = {"get": operation | {"tags": ["reads"]}}
    paths[EXPORT_PATH] = {"get": export_operation(reads, FORMATS)}
    for path in named:
        schema = document_schema(path, _STATES, components)
        name = path.path.removeprefix("/api/").replace("/", "_")
        operation = _operation(name, path.summary, path_parameters(path), schema, components)
        paths.setdefault(path.path, {})["get"] = operation | {"tags": ["named"]}
    schemas = {name: components[name] for name in sorted(_reachable(paths, components) | {"Problem"})}
    document["components"] = {
        "schemas": schemas,
        "responses": error_components(),
        "parameters": common_components(),
    }
    return document


def _operation(
    name: str, told: str, parameters: list[Schema], schema: Schema, components: Mapping[str, Schema]
) -> dict[str, Any]:
    content = {JSON_TYPE: {"schema": schema, "example": example_of(schema, components)}}
    return {
        "operationId": name.replace("-", "_"),
        "summary": told.split("\n", 1)[0],
        "description": told,
        "parameters": parameters,
        "responses": {"200": {"description": "The answer.", "headers": _TIMING, "content": content}}
        | error_responses(),
    }


def _answer(read: Read[Any], value: Schema) -> Schema:
    """The document of a read, or the table of its rows where that form was chosen."""
    told = head(_STATES) | {
        "read": {"const": read.name},
        "unit": _TEXT,
        "age_seconds": {"type": ["number", "null"]},
        "clock": {"enum": ["wall", "replay"]},
    }
    rows: dict[str, Schema] = {"columns": _TEXTS, "rows": {"type": "array"}, "total": {"type": "integer"}}
    whole = {"type": "object", "properties": told | {"value": nullable(value)}, "required": [*told, "value"]}
    table = {"type": "object", "properties": told | rows, "required": [*told, *rows]}
    return {"anyOf": [whole, table]}


def _reachable(paths: Any, components: Mapping[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found and name in components:
            found.add(name)
            waiting.extend(_references(components[name]))
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str) and schema["$ref"].startswith(PLACE):
            yield schema["$ref"].removeprefix(PLACE)
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


_PAGED: dict[str, Schema] = {
    f"{FLAT}Paged": {"properties": {name: {"type": "integer"} for name in ("total", "limit", "offset")}}
}
_CATALOGUE = "Every read: what can be asked, in which unit, and what it means."
_ENTRY: dict[str, Schema] = {
    "name": _TEXT,
    "title": _TEXT,
    "unit": _TEXT,
    "freshness": {"type": "number", "description": "Seconds that the newest fact may be old and still be live."},
    "topics": _TEXTS,
    "description": _TEXT,
    "formula": _TEXT,
    "references": _TEXTS,
    "source": {"enum": ["sql", "live"]},
    "about": {"enum": ["accounts", "suite"]},
    "parameters": _TEXTS,
}
_CATALOGUE_SCHEMA: Schema = {
    "type": "object",
    "required": ["as_of", "items"],
    "properties": {
        "as_of": {"type": "string", "format": "date-time"},
        "items": {
            "type": "array",
            "items": {"type": "object", "properties": _ENTRY, "required": list(_ENTRY)},
        },
    },
}
