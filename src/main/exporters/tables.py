"""What does a table of the database hold: all of its columns, of some accounts and a stretch of time?"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from main.database.query import Query
from main.domain.scope import Scope
from main.errors import ConfigurationError, Problem, UnknownName
from main.exporters.flat import plain
from main.exporters.format import Column, Kind, Row
from main.exporters.json import encode
from main.exporters.source import BATCH, Source

_TIMES = ("at", "exit_time", "changed_at", "fired_at", "started_at", "day")
"""What tells when a row is of, the first that the table has."""
_KINDS = {
    **dict.fromkeys(("int2", "int4", "int8"), Kind.WHOLE),
    **dict.fromkeys(("float4", "float8"), Kind.NUMBER),
    "numeric": Kind.EXACT,
    "bool": Kind.FLAG,
    "timestamptz": Kind.TIME,
    "date": Kind.DATE,
    "interval": Kind.NUMBER,
}
_TABLES = """
    SELECT c.relname::text AS name,
           array_agg(a.attname::text ORDER BY a.attnum) AS columns
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
       AND has_table_privilege('ai_trader_app', c.oid, 'SELECT')
     GROUP BY c.relname
     ORDER BY c.relname
"""


async def of_table(connection: Any, name: str, scope: Scope) -> Source:
    """Return the rows of a table in a snapshot: of the scope's accounts (of all without any) in its window.

    The oldest come first. Only tables that a page may show can be exported, and nothing that is secret is in those.
    Raise `UnknownName` for any other, `ConfigurationError` for what the table cannot tell apart.
    """
    tables = {row["name"]: row["columns"] for row in await connection.fetch(_TABLES)}
    if name not in tables:
        raise UnknownName("table", name, tables)
    statement, arguments = _statement(name, tables[name], scope)
    prepared = await connection.prepare(statement)
    columns = [Column(each.name, _KINDS.get(each.type.name, Kind.TEXT)) for each in prepared.get_attributes()]
    count = await Query(object, statement).count(connection, *arguments)
    return Source(columns, count, _rows(connection, statement, arguments))


def _statement(name: str, columns: Sequence[str], scope: Scope) -> tuple[str, list[Any]]:
    """Only names that the database has told of stand in it."""
    bounds = scope.bounds()
    time = next((each for each in _TIMES if each in columns), None)
    conditions: list[str] = []
    arguments: list[Any] = []

    def where(condition: str, value: Any) -> None:
        arguments.append(value)
        conditions.append(condition.format(f"${len(arguments)}"))

    if scope.accounts:
        _needed(name, "account_id" in columns, "--account", "account")
        where("account_id = ANY ({}::text[])", list(scope.accounts))
    if scope.window != "All" or scope.as_of is not None:
        _needed(name, time is not None, "--range", "time")
        where(f'"{time}" > {{}}::timestamptz', bounds.start)
        where(f'"{time}" <= {{}}::timestamptz', bounds.end)
    if scope.known_at is not None:
        _needed(name, "recorded_at" in columns, "--known-at", "time of learning")
        where("recorded_at <= {}::timestamptz", bounds.known_at)
    if scope.strategy is not None:
        _needed(name, "strategy" in columns, "--strategy", "strategy")
        where("strategy = {}::text", scope.strategy)
    filtered = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f'SELECT * FROM "{name}"{filtered}' + (f' ORDER BY "{time}"' if time else ""), arguments  # noqa: S608


def _needed(name: str, there: bool, option: str, what: str) -> None:
    if not there:
        raise ConfigurationError(Problem(f"the table {name}", f"one whose rows tell of their {what}", key=option))


async def _rows(connection: Any, statement: str, arguments: Sequence[Any]) -> AsyncIterator[Sequence[Row]]:
    cursor = await connection.cursor(statement, *arguments)
    while records := await cursor.fetch(BATCH):
        yield [[_cell(cell) for cell in record] for record in records]


def _cell(cell: Any) -> Any:
    return encode(cell).decode() if isinstance(cell, dict) else plain(cell)
