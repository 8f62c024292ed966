"""Many events at once are written as each of them alone would be, for COPY and for the spool."""

import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.domain.events import Event, Fill, SystemEvent
from main.errors import RecordRejected
from main.recording.columns import column_of
from main.recording.encoding import encoder_of
from main.recording.spool_codec import dump, load
from main.recording.tables import TABLES
from tests.factories import START, fill

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")) | st.sampled_from(
    ["\\N", "a\tb", ""]
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-(2**40), 2**40),
    Decimal: NUMBERS,
    bool: st.booleans(),
    datetime: MOMENTS,
    date: st.dates(),
    timedelta: st.timedeltas(),
    tuple[Decimal, ...]: st.lists(NUMBERS, max_size=3).map(tuple),
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
}


def value_of(annotation: Any) -> st.SearchStrategy[Any]:
    if annotation in VALUES:
        return VALUES[annotation]
    for kind, values in VALUES.items():
        if annotation == kind | None:
            return values | st.none()
    return st.dictionaries(TEXTS, TEXTS | st.integers() | st.booleans() | st.none(), max_size=3)


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    """Events with any values of the right types, without the constructors' rules."""
    hints = get_type_hints(kind)

    def build(values: dict[str, Any]) -> Event:
        event = object.__new__(kind)
        for name, value in values.items():
            object.__setattr__(event, name, value)
        return event

    return st.fixed_dictionaries({spec.name: value_of(hints[spec.name]) for spec in fields(kind)}).map(build)


@pytest.mark.parametrize("kind", list(TABLES), ids=lambda kind: kind.__name__)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_events_together_give_the_lines_of_each_alone_and_come_back_from_the_spool(kind: type[Event], data: Any):
    events = data.draw(st.lists(events_of(kind), min_size=1, max_size=4))
    assert TABLES[kind].encode_all(events) == [TABLES[kind].encode(event) for event in events]
    text = dump(events)
    assert text.isascii()
    assert load(kind.__name__, text) == events


@pytest.mark.parametrize("annotation", list(VALUES), ids=str)
@pytest.mark.parametrize("wrong", [1.5, object(), b"x", [None]], ids=["float", "object", "bytes", "list"])
def test_a_column_with_one_wrong_value_is_refused_as_the_value_alone_is(annotation: Any, wrong: Any):
    with pytest.raises(TypeError):
        encoder_of(annotation)(wrong)
    with pytest.raises(TypeError):
        column_of(annotation)([wrong])
    with pytest.raises(TypeError):
        column_of(annotation | None)([None, wrong])


def test_text_that_could_break_out_of_its_column_is_escaped_wherever_it_stands():
    texts = ["plain", "a\tb", "c\nd", "\\.", "\\N", "Grüße 🙂"]
    assert list(column_of(str)(texts)) == ["plain", "a\\tb", "c\\nd", "\\\\.", "\\\\N", "Grüße 🙂"]
    with pytest.raises(UnicodeEncodeError):
        column_of(str)(["good", "\ud800"])


def test_the_spool_refuses_what_it_could_not_give_back():
    for name, value in (("quantity", "1"), ("symbol", 5), ("at", "now"), ("revision", True), ("quantity", 1.5)):
        bad = fill("buy", 1, 100)
        object.__setattr__(bad, name, value)
        with pytest.raises(RecordRejected, match=name):
            dump([bad])
    endless = SystemEvent(
        at=START, source="t", source_id="1", severity="info", kind="k", message="m", details={"x": float("nan")}
    )
    with pytest.raises(RecordRejected, match="details"):
        dump([endless])


def test_a_row_of_an_older_version_gets_the_defaults_and_one_without_the_rest_is_refused():
    text = dump([fill("buy", 1, 100)])
    older = text.replace('"liquidity",', "", 1)
    names = [spec.name for spec in fields(Fill)]
    place = names.index("liquidity")
    known, columns = json.loads(text)
    del known[place], columns[place]
    assert load("Fill", json.dumps([known, columns]))[0].liquidity is None  # type: ignore[attr-defined]
    for broken in ("", "[]", "[[],[]", older, '[["at"],[["2026-01-01T00:00:00+00:00"]]]', '[["no"],[[1]]]'):
        with pytest.raises(ValueError, match=r".+"):
            load("Fill", broken)
    with pytest.raises(ValueError, match="Unheard"):
        load("Unheard", text)
