"""In which form does an answer leave: as a document, as CSV to be opened elsewhere, or as the rows behind a number?"""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal, get_args

from fastapi import Response

from main.errors import ConfigurationError, Problem
from main.exporters import csv, flat
from main.exporters.json import Decimals, encode

JSON_TYPE = "application/json"
MOST_SHOWN = 200
"""Rows behind a number that a person is shown; there may be more, and CSV has them all."""

Form = Literal["json", "csv", "table"]
FORMS: tuple[Form, ...] = get_args(Form)
FORMAT = "The form of the answer: json, csv (one flat row an item), or table (at most 200 such rows, as JSON)."

_MANY_ROWS = 1_000  # from here on encoding takes milliseconds, which the event loop has better use for


def chosen_form(text: str) -> Form:
    """Return the form called `text`; raise `ConfigurationError` for one that there is not."""
    for form in FORMS:
        if form == text:
            return form
    raise ConfigurationError(Problem(f'"{text[:80]}"', f"one of {', '.join(FORMS)}", key="format"))


async def written(document: Mapping[str, Any], form: Form, decimals: Decimals) -> Response:
    """Return the answer's document, which has its ``value``, in a form; large ones are written in a thread."""
    value = document["value"]
    if isinstance(value, list | tuple) and len(value) <= _MANY_ROWS:
        return _response(document, form, decimals)
    return await asyncio.to_thread(_response, document, form, decimals)


def _response(document: Mapping[str, Any], form: Form, decimals: Decimals) -> Response:
    if form == "json":
        return Response(encode(document, decimals), media_type=JSON_TYPE)
    table = flat.table(document["value"])
    if form == "csv":
        name = f'attachment; filename="{document["read"]}.csv"'
        return Response(csv.write(table), media_type=csv.MEDIA_TYPE, headers={"Content-Disposition": name})
    rows = {"columns": table.columns, "rows": flat.shown(table, MOST_SHOWN), "total": len(table.rows)}
    told = {name: each for name, each in document.items() if name != "value"} | rows
    return Response(encode(told, decimals), media_type=JSON_TYPE)
