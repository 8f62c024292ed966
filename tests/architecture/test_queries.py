"""Every query of the suite returns exactly the fields of its row, in their order and of their types."""

import importlib
import pkgutil
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from main.database.pool import Database
from main.database.query import Query

PYTHON_TYPES: dict[str, set[type]] = {
    "text": {str},
    "varchar": {str},
    "int4": {int},
    "int8": {int},
    "float8": {float},
    "numeric": {Decimal},
    "bool": {bool},
    "timestamptz": {datetime},
    "date": {date},
    "interval": {timedelta},
    "jsonb": {dict},
}


def _queries() -> dict[str, Query[Any]]:
    found: dict[str, Query[Any]] = {}
    for package in ("main.database", "main.monitoring", "main.books", "main.recording", "main.security"):
        for name in _modules(package):
            for attribute, value in vars(importlib.import_module(name)).items():
                if isinstance(value, Query):
                    found.setdefault(f"{name}.{attribute}", value)
    return found


def _modules(package: str) -> list[str]:
    try:
        path = importlib.import_module(package).__path__
    except ModuleNotFoundError:
        return []
    names = [info.name for info in pkgutil.walk_packages(path, f"{package}.") if ".dashboards." not in info.name]
    return [package, *names]


QUERIES = _queries()


def test_the_suite_has_queries_to_check() -> None:
    assert len(QUERIES) > 10


@pytest.mark.parametrize("name", QUERIES)
async def test_a_querys_columns_are_its_rows_fields(name: str, database: Database) -> None:
    query = QUERIES[name]
    async with database.scoped() as connection:
        prepared = await connection.prepare(query.sql)
        columns = [(attribute.name, attribute.type.name) for attribute in prepared.get_attributes()]
    assert [column for column, _ in columns] == list(query.columns)
    hints = get_type_hints(query.row)
    wrong = {
        column: (kind, hints[column])
        for column, kind in columns
        if kind in PYTHON_TYPES and not (_kinds(hints[column]) & PYTHON_TYPES[kind])
    }
    unknown = {column: kind for column, kind in columns if kind not in PYTHON_TYPES and not kind.endswith("[]")}
    assert not wrong
    assert not unknown


def _kinds(hint: Any) -> set[type]:
    """The Python types a field may hold, `None` aside."""
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return {kind for part in get_args(hint) for kind in _kinds(part)} - {NoneType}
    if get_origin(hint) is Literal:
        return {type(value) for value in get_args(hint)}
    if get_origin(hint) is dict:
        return {dict}
    return {hint} if isinstance(hint, type) else set()
