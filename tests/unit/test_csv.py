"""Do all kinds of values become flat rows, and can none of their texts be executed by a spreadsheet?"""

import csv as standard
import io
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics.figure import Figure, missing
from main.errors import ConfigurationError
from main.exporters import csv, flat
from main.monitoring.api.forms import chosen_form, written
from main.monitoring.paging import Paged

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    at: datetime
    value: Decimal | None


@dataclass(frozen=True)
class Row:
    account: str
    amount: Any
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class Quote:
    currency: str
    at: datetime


def parsed(value: object) -> list[list[str]]:
    return list(standard.reader(io.StringIO(csv.write(flat.table(value)).decode(), newline="")))


def test_a_list_has_a_row_an_item_and_a_page_only_its_items() -> None:
    rows = [["account", "amount"], ["A", "1.50"], ["B", ""]]
    items = [Row("A", Decimal("1.50")), Row("B", None)]
    assert [each[:2] for each in parsed(items)] == rows
    assert [each[:2] for each in parsed(Paged(items, 99, 2, 0, {"sum": 1}))] == rows


def test_what_is_not_there_has_no_rows_and_one_figure_has_one() -> None:
    assert parsed(None) == [[]]
    assert parsed([]) == [[]]
    assert parsed(Decimal("2.0")) == [["value"], ["2.0"]]
    assert parsed({"2026-11-20": 1.5}) == [["key", "value"], ["2026-11-20", "1.5"]]


def test_a_figure_without_a_value_has_its_reason_beside_it() -> None:
    found = parsed([Row("A", Figure(2.5)), Row("B", missing("no trades"))])
    assert [row[:2] for row in found[1:]] == [["A", "2.5"], ["B", ""]]
    assert (found[0][-1], found[2][-1], found[1][-1]) == ("amount.reason", "no trades", "")


def test_a_series_inside_a_row_becomes_rows_that_repeat_whose_they_are() -> None:
    found = parsed([Row("A", 1, [Point(AT, Decimal(5)), Point(AT + timedelta(minutes=1), None)])])
    assert found[0] == ["part", "account", "amount", "at", "value"]
    assert found[1:] == [
        ["", "A", "1", "", ""],
        ["points", "A", "", "2026-11-20T15:00:00Z", "5"],
        ["points", "A", "", "2026-11-20T15:01:00Z", ""],
    ]


def test_plain_values_are_written_exactly() -> None:
    values = [True, 1e300, float("nan"), Decimal("1E-8"), date(2026, 1, 2), timedelta(minutes=2), ("a", 1)]
    written_ = [row[0] for row in parsed([Row("", value) for value in values])[1:]]
    assert written_ == [""] * 7
    assert [row[1] for row in parsed([Row("", value) for value in values])[1:]] == [
        *("true", "1e+300", "", "0.00000001", "2026-01-02", "120.0", "a; 1")
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", '=HYPERLINK("x")'])
def test_a_text_that_a_spreadsheet_would_execute_begins_with_an_apostrophe(text: str) -> None:
    assert parsed([Row(text, -1)])[1][:2] == ["'" + text, "-1"]
    assert parsed({text: 1})[1] == ["'" + text, "1"]


@given(st.text())
def test_no_text_begins_a_formula_and_every_other_one_comes_back(text: str) -> None:
    cell = parsed([Row(text, 0)])[1][0]
    assert cell.lstrip(" ")[:1] not in {*"=+-@\t\r\n"}
    assert cell.removeprefix("'") == text.removeprefix("'").encode("utf-8", "replace").decode()


def test_a_person_sees_the_newest_of_a_series_first_and_of_a_ranking_the_first() -> None:
    series = flat.table([Point(AT + timedelta(minutes=n), Decimal(n)) for n in range(5)])
    assert [row[1] for row in flat.shown(series, 2)] == [4, 3]
    both = flat.table([Quote(name, AT + timedelta(minutes=n)) for name in ("EUR", "USD") for n in range(5)])
    assert [row[0] for row in flat.shown(both, 3)] == ["EUR", "USD", "EUR"]
    positions = flat.table([Quote(name, AT) for name in ("B", "A", "C")])
    assert [row[0] for row in flat.shown(positions, 2)] == ["B", "A"]
    assert [row[0] for row in flat.shown(flat.table([Row("B", 1), Row("A", 2), Row("C", 0)]), 2)] == ["B", "A"]


async def test_the_forms_of_an_answer() -> None:
    document = {"read": "positions", "state": "live", "value": [Row("A", n) for n in range(300)]}
    table = await written(document, "table", "number")
    assert table.body.startswith(b'{"read":"positions","state":"live","columns":["account","amount","points"],')
    assert b'"total":300' in table.body
    assert bytes(table.body).count(b'["A"') == 200
    as_csv = await written(document, "csv", "number")
    assert as_csv.headers["content-disposition"] == 'attachment; filename="positions.csv"'
    assert bytes(as_csv.body).count(b"\r\n") == 301
    with pytest.raises(ConfigurationError, match="json, csv, table"):
        chosen_form("xml")
