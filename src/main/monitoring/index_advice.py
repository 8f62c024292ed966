"""Which indexes are missing, broken, superfluous or never used, and which statement mends that?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from main.database.observation import MOST_INDEXES
from main.database.own_indexes import own_indexes
from main.monitoring.relation_samples import IndexState, TableState

LEAST_UNUSED_BYTES = 10_000_000
"""A smaller index costs next to nothing, used or not."""

LEAST_ROWS, LEAST_SCANS = 50_000, 50
"""Reading less than so many rows, or more seldom, is no matter for an index."""


@dataclass(frozen=True, slots=True)
class IndexAdvice:
    """One index to make, mend or drop; ``severity`` is warning or info, ``sql`` what does it.

    ``kind`` is missing (our schema defines it), invalid, duplicate, unused, or scanned: a large table that is read
    whole again and again, where ``index_name`` is empty and the columns are for a person to choose.
    """

    kind: str
    severity: str
    schema_name: str
    table_name: str
    index_name: str
    index_bytes: int | None
    index_scans: int | None
    why: str
    sql: str


def quoted(*names: str) -> str:
    """Return a name of SQL, quoted whatever it holds; parts of it are joined by dots."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def index_advice(tables: Sequence[TableState], indexes: Sequence[IndexState]) -> list[IndexAdvice]:
    """Return what there is to do, the most urgent first: missing, invalid, scanned, duplicate, unused."""
    if not indexes:
        return []
    return [*_missing(tables, indexes), *_invalid(indexes), *_scanned(tables), *_duplicate(indexes), *_unused(indexes)]


def _missing(tables: Sequence[TableState], indexes: Sequence[IndexState]) -> Iterable[IndexAdvice]:
    if len(indexes) >= MOST_INDEXES:  # those that were left out may be ours
        return
    there = {each.index_name for each in indexes if each.schema_name == "public"}
    known = {each.table_name: each.partitions > 0 for each in tables if each.schema_name == "public"}
    for own in own_indexes():
        if own.index not in there and own.table in known:
            why = f"The schema of this version defines it, and it is not there: questions about {own.table} read more."
            sql = own.remake(partitioned=known[own.table])
            yield IndexAdvice("missing", "warning", "public", own.table, own.index, None, None, why, sql)


def _invalid(indexes: Sequence[IndexState]) -> Iterable[IndexAdvice]:
    why = "It was not made to its end: it costs every write and serves no question."
    for each in indexes:
        if not each.is_valid and not each.partitioned:
            yield _about(
                each,
                "invalid",
                "warning",
                why,
                f"REINDEX INDEX CONCURRENTLY {quoted(each.schema_name, each.index_name)};",
            )


def _scanned(tables: Sequence[TableState]) -> Iterable[IndexAdvice]:
    for each in tables:
        rows = each.sequential_rows / each.sequential_scans if each.sequential_scans else 0
        if rows < LEAST_ROWS or each.sequential_scans < LEAST_SCANS or each.index_scans > each.sequential_scans:
            continue
        why = f"It was read whole {each.sequential_scans:,} times, {rows:,.0f} rows each; by its indexes less often."
        named = each.table_name.replace("'", "''")
        sql = (
            "SELECT calls, mean_exec_time, query FROM pg_stat_statements "  # noqa: S608  # to be read, not run
            f"WHERE strpos(query, '{named}') > 0 ORDER BY total_exec_time DESC LIMIT 10;"
        )
        place = (each.schema_name, each.table_name)
        yield IndexAdvice("scanned", "info", *place, "", None, each.index_scans, why, sql)


def _duplicate(indexes: Sequence[IndexState]) -> Iterable[IndexAdvice]:
    ours = {own.index for own in own_indexes()}
    for each in indexes:
        if each.is_unique or each.is_constraint or not each.is_valid or each.index_name in ours:
            continue
        other = next((rival for rival in indexes if _covers(rival, each)), None)
        if other is not None:
            why = f"{other.index_name} begins with the same columns and serves the same questions."
            yield _about(each, "duplicate", "info", why, _drop(each))


def _covers(rival: IndexState, index: IndexState) -> bool:
    """Whether another index makes this one superfluous; of two that are equal the one by the later name goes."""
    if rival is index or not rival.is_valid or rival.method != index.method or rival.condition != index.condition:
        return False
    if (rival.schema_name, rival.table_name) != (index.schema_name, index.table_name):
        return False
    if rival.keys == index.keys:
        return rival.is_unique or rival.is_constraint or rival.index_name < index.index_name
    return index.method == "btree" and rival.keys[: len(index.keys)] == index.keys


def _unused(indexes: Sequence[IndexState]) -> Iterable[IndexAdvice]:
    ours = {own.index for own in own_indexes()}
    why = "No question has used it since the statistics began, on this server; look at the replicas before it goes."
    for each in indexes:
        needed = each.is_unique or each.is_constraint or each.index_name in ours
        if not needed and each.is_valid and each.index_scans == 0 and each.index_bytes >= LEAST_UNUSED_BYTES:
            yield _about(each, "unused", "info", why, _drop(each))


def _drop(index: IndexState) -> str:
    how = "INDEX" if index.partitioned else "INDEX CONCURRENTLY"
    return f"DROP {how} {quoted(index.schema_name, index.index_name)};"


def _about(index: IndexState, kind: str, severity: str, why: str, sql: str) -> IndexAdvice:
    place = (index.schema_name, index.table_name, index.index_name)
    return IndexAdvice(kind, severity, *place, index.index_bytes, index.index_scans, why, sql)
