"""The clock: always aware, always UTC, and no guess where a zone is missing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main import clock

EARLIEST = datetime.fromisoformat("0002-01-01")  # a day inside what UTC can write, so that every zone fits
LATEST = datetime.fromisoformat("9998-01-01")


def test_now_is_aware_and_utc() -> None:
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_the_monotonic_clock_never_goes_back() -> None:
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


def test_a_naive_moment_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="entry_time: got 2026-11-20T14:32:05 without a time zone"):
        clock.require_aware(datetime.fromisoformat("2026-11-20T14:32:05"), "entry_time")


def test_an_aware_moment_becomes_the_same_moment_in_utc() -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    moment = clock.require_aware(datetime(2026, 11, 20, 20, 2, 5, tzinfo=kolkata), "at")
    assert moment == datetime(2026, 11, 20, 14, 32, 5, tzinfo=UTC)
    assert moment.tzinfo is UTC


@given(st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.timezones()))
def test_a_moment_written_as_iso_is_read_back_as_the_same_instant(moment: datetime) -> None:
    in_utc = moment.astimezone(UTC)
    assert clock.parse_moment(in_utc.isoformat(), "at") == in_utc


@pytest.mark.parametrize("text", ["2026-11-20T14:32:05.25Z", " 2026-11-20 14:32:05.25+00:00 ", "20261120T153205.25+01"])
def test_the_usual_ways_to_write_iso_are_read(text: str) -> None:
    assert clock.parse_moment(text, "at") == datetime(2026, 11, 20, 14, 32, 5, 250_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00Z", "1763649125", "2026-11-20T14:32:05", "0001-01-01T00:00+05:00"]
)
def test_what_is_no_moment_or_has_no_zone_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"^known_at: got"):
        clock.parse_moment(text, "known_at")


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300, -1e300])
def test_seconds_that_no_calendar_holds_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds since 1970"):
        clock.from_epoch(seconds)


def test_seconds_since_1970_are_a_moment_in_utc() -> None:
    assert clock.from_epoch(1_795_185_125.5) == datetime(2026, 11, 20, 14, 32, 5, 500_000, tzinfo=UTC)
