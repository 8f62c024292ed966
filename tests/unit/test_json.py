"""JSON and printed output: exact, and inert wherever it is opened."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import pytest

from main.cli.show_table import as_table
from main.exporters.json import encode


@dataclass(frozen=True, slots=True)
class Row:
    at: datetime
    amount: Decimal | None
    text: str = ""


class Kind(StrEnum):
    FILL = "fill"


class Pair(NamedTuple):
    left: int
    right: int


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), "1.10"),
        (Decimal("-0.000000000000000001"), "-1E-18"),
        (Decimal("12345678901234567890.123456789"), "12345678901234567890.123456789"),
        (Decimal("NaN"), "null"),
        (Decimal("-Infinity"), "null"),
        (float("nan"), "null"),
        (float("inf"), "null"),
        (np.array([1.0, np.nan]), "[1.0,null]"),
        (datetime(2026, 11, 20, 14, 0, 0, 250000, tzinfo=UTC), '"2026-11-20T14:00:00.250000Z"'),
        (date(2026, 11, 20), '"2026-11-20"'),
        (timedelta(minutes=1), "60.0"),
        (Kind.FILL, '"fill"'),
        (Pair(1, 2), "[1,2]"),
        (frozenset({"b", "a"}), '["a","b"]'),
        ({date(2026, 11, 20): 12.3}, '{"2026-11-20":12.3}'),
        (Row(datetime(2026, 1, 1, tzinfo=UTC), Decimal("0")), '{"at":"2026-01-01T00:00:00Z","amount":0,"text":""}'),
    ],
)
def test_a_value_is_written_exactly(value: Any, written: str) -> None:
    text = encode(value).decode()
    assert text == written
    json.loads(text)


def test_a_decimal_is_a_plain_string_for_who_asks() -> None:
    assert encode([Decimal("1E+3"), Decimal("1E-9"), Decimal("NaN")], "string") == b'["1000","0.000000001",null]'


def test_what_has_no_form_is_an_error_that_names_it() -> None:
    with pytest.raises(TypeError) as refused:
        encode(object())
    assert "object has no form in JSON" in str(refused.value.__cause__)


def test_a_terminal_obeys_no_cell() -> None:
    table = as_table(("name", "amount"), [("\x1b[31mred\x9b2J\u202e", Decimal("1.5")), ("b", None)])
    assert "\x1b" not in table
    assert "\x9b" not in table
    assert "\u202e" not in table
    assert "\\x1b[31mred" in table
    assert table.splitlines()[2].endswith("—")
