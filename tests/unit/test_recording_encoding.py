"""Events as lines of COPY's text format."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from main.domain import events
from main.domain.events import Event, SystemEvent
from main.errors import RecordRejected
from main.recording import encoding
from main.recording.batch import encode
from main.recording.dead_letters import DeadLetter
from main.recording.tables import ORDER, TABLES
from tests.factories import START, fill, flow


def test_every_class_of_event_has_a_table_and_accounts_come_first():
    classes = {each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event)}
    assert set(TABLES) == {each for each in classes if hasattr(each, "table")}
    assert next(iter(TABLES)).__name__ == "Account"
    assert list(ORDER.values()) == sorted(ORDER.values())


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (encoding.encode_text, "a\tb\nc\\d\re", r"a\tb\nc\\d\re"),
        (encoding.encode_text, r"\N", r"\\N"),
        (encoding.encode_number, Decimal("0.10"), "0.10"),
        (encoding.encode_number, Decimal("1E+5"), "1E+5"),
        (encoding.encode_number, 7, "7"),
        (encoding.encode_flag, True, "t"),
        (
            encoding.encode_moment,
            datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
            "2026-01-01T01:00:00+01:00",
        ),
        (encoding.encode_day, date(2026, 1, 2), "2026-01-02"),
        (encoding.encode_length, timedelta(hours=-1, microseconds=5), "-3600 seconds 5 microseconds"),
        (encoding.encode_numbers, (Decimal(1), Decimal("2.5")), "{1,2.5}"),
        (encoding.encode_numbers, (), "{}"),
        (encoding.encode_texts, ("a,b", 'c"d', "e\\f", "", "NULL"), r'{"a,b","c\\"d","e\\\\f","","NULL"}'),
        (
            encoding.encode_mapping,
            {"a": Decimal("1.50"), "at": START},
            '{"a": "1.50", "at": "2026-11-20T14:00:00+00:00"}',
        ),
    ],
)
def test_a_value_is_written_as_copy_reads_it(write: Any, value: Any, text: str):
    assert write(value) == text


@pytest.mark.parametrize(
    ("write", "value"),
    [
        (encoding.encode_text, 1),
        (encoding.encode_number, "1\t2"),
        (encoding.encode_number, 1.5),
        (encoding.encode_number, True),
        (encoding.encode_flag, "true"),
        (encoding.encode_moment, "2026-01-01"),
        (encoding.encode_day, datetime(2026, 1, 1, tzinfo=UTC)),
        (encoding.encode_length, 5),
        (encoding.encode_numbers, "12"),
        (encoding.encode_texts, (1,)),
        (encoding.encode_mapping, [1]),
        (encoding.encode_mapping, {"a": object()}),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(write: Any, value: Any):
    with pytest.raises(TypeError, match="expected"):
        write(value)


def test_a_field_without_a_column_type_is_refused_when_the_program_starts():
    with pytest.raises(TypeError, match=r"recording\.encoding"):
        encoding.encoder_of(complex)


def test_the_refusal_of_a_row_names_its_field():
    bad = fill("buy", 1, 100)
    object.__setattr__(bad, "price", "100\t5")
    with pytest.raises(RecordRejected, match=r"price: got .*expected a Decimal, got str"):
        TABLES[type(bad)].encode(bad)


class Hostile:
    def __repr__(self) -> str:
        raise KeyError("no")


async def test_one_hostile_object_keeps_no_other_event_from_being_encoded():
    hostile = SystemEvent(
        at=START, source="t", source_id="1", severity="info", kind="k", message="m", details={"x": Hostile()}
    )
    good = flow("deposit", 5)
    part, refused = await encode([hostile, good])
    assert [event for rows in part for event in rows.events] == [good]
    assert [event for event, _ in refused] == [hostile]
    assert "without a representation" in DeadLetter.of(hostile, "reason").payload


def test_a_dead_letter_holds_what_json_and_postgresql_cannot_and_has_a_stable_id():
    event = SystemEvent(
        at=START, source="t", source_id="1", severity="info", kind="k", message="m",
        details={"nul": "a\x00b", "half": "\ud800", "nan": float("nan"), "deep": [{"x": (1, Decimal("1.10"))}]},
    )  # fmt: skip
    letter = DeadLetter.of(event, "reason\x00")
    assert letter.id == DeadLetter.of(event, "another reason").id
    assert letter.account is None
    assert letter.reason == r"reason\x00"
    assert r'"a\\x00b"' in letter.payload
    assert r'"\\ud800"' in letter.payload
    assert '"nan": "nan"' in letter.payload
    assert '"1.10"' in letter.payload
