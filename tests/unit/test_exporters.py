"""The columns of a file are those of the rows' type, with the very cells that a table of the same rows has."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.analytics.figure import Figure, missing
from main.exporters.columns import packed_columns, row_columns, table_columns
from main.exporters.exports import whole
from main.exporters.flat import Table, table
from main.exporters.format import Column, Kind
from main.exporters.formats import FORMATS
from main.exporters.source import of_value
from main.monitoring.read import State, reads

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Inner:
    share: Decimal
    rate: Figure


@dataclass(frozen=True)
class Flat:
    name: str
    side: Literal["long", "short"] | None
    count: int
    amount: Decimal | None
    rate: float
    known: bool
    at: datetime
    day: date
    took: timedelta
    state: State
    tags: list[str]
    figure: Figure
    inner: Inner


@dataclass(frozen=True)
class Deep:
    name: str
    details: dict[str, Any]
    rows: list[Inner]


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
FIGURES = st.floats(-1e6, 1e6).map(Figure) | st.just(missing("nothing to reckon with"))
ROWS = st.builds(
    Flat,
    name=TEXTS,
    side=st.sampled_from(("long", "short", None)),
    count=st.integers(-(2**40), 2**40),
    amount=st.none() | st.decimals(-(10**9), 10**9, places=6),
    rate=st.floats(allow_infinity=True, allow_nan=True),
    known=st.booleans(),
    at=st.timedeltas(timedelta(0), timedelta(days=9999)).map(lambda later: AT + later),
    day=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    took=st.timedeltas(timedelta(0), timedelta(days=9)),
    state=st.sampled_from(State),
    tags=st.lists(TEXTS, max_size=3),
    figure=FIGURES,
    inner=st.builds(Inner, share=st.decimals(-9, 9, places=2), rate=FIGURES),
)


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_the_columns_of_a_type_have_the_cells_that_a_table_of_the_rows_has(rows: list[Flat]) -> None:
    known = row_columns(Flat)
    assert known is not None
    names = [column.name for column in known.columns]
    found = table(rows)
    assert set(found.columns) <= set(names), "a reason has a column also where every figure is known"
    for row, flat in zip(rows, found.rows, strict=True):
        cells = dict(zip(names, known.cells(row), strict=True))
        there = dict(zip(found.columns, flat, strict=True))
        assert {name: there.get(name) for name in names} == cells


def test_the_kinds_are_those_of_the_type() -> None:
    known = row_columns(Flat)
    assert known is not None
    assert {column.name: column.kind for column in known.columns} == {
        **dict.fromkeys(("name", "side", "state", "tags", "figure.reason", "inner.rate.reason"), Kind.TEXT),
        **dict.fromkeys(("rate", "took", "figure", "inner.rate"), Kind.NUMBER),
        **dict.fromkeys(("amount", "inner.share"), Kind.EXACT),
        "count": Kind.WHOLE,
        "known": Kind.FLAG,
        "at": Kind.TIME,
        "day": Kind.DATE,
    }


def test_what_is_not_flat_has_columns_by_its_values_or_is_packed() -> None:
    deep = Deep("a", {"x": 1}, [Inner(Decimal(1), Figure(0.5))])
    assert row_columns(Deep) is None
    packed = packed_columns(Deep)
    assert [column.kind for column in packed.columns] == [Kind.TEXT] * 3
    name, details, rows = packed.cells(deep)
    assert (name, json.loads(details), json.loads(rows)[0]["share"]) == ("a", {"x": 1}, 1)


def test_the_kind_of_a_column_without_a_type_is_what_its_cells_are() -> None:
    def kinds(*cells: object) -> Kind:
        return table_columns(Table(("x",), tuple((cell,) for cell in cells)))[0].kind

    assert kinds(1, None) is Kind.WHOLE
    assert kinds(1, Decimal("0.5")) is Kind.EXACT
    assert kinds(1, 0.5) is Kind.NUMBER
    assert kinds("a", 1) is Kind.TEXT
    assert kinds(None) is Kind.TEXT
    assert kinds(AT) is Kind.TIME


@pytest.mark.parametrize("form", FORMATS)
async def test_an_answer_that_is_not_there_is_a_file_without_rows(form: str) -> None:
    export = whole(of_value(reads()["performance"], None))
    content = b"".join([chunk async for chunk in export.chunks(FORMATS[form])])
    assert export.source.count == 0
    assert content or form == "ndjson"


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, st.none() | st.integers(-9, 9)), max_size=5))
def test_a_json_document_has_the_rows_of_its_lines(rows: list[tuple[str, int | None]]) -> None:
    columns = [Column("name", Kind.TEXT), Column("count", Kind.WHOLE)]

    def content(form: str) -> bytes:
        writer = FORMATS[form].writer(columns, "number")
        return writer.begin() + writer.rows(rows[:2]) + writer.rows(rows[2:]) + writer.end()

    expected = [{"name": name, "count": count} for name, count in rows]
    assert json.loads(content("json")) == expected
    assert [json.loads(line) for line in (content("ndjson")).split(b"\n")[:-1]] == expected
