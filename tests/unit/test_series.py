"""How a series is kept to its number of points."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.monitoring.series import ROUND_WIDTHS, Series, bucket_width

START = datetime(2000, 1, 3, tzinfo=UTC)


@given(st.integers(1, 40 * 365 * 86_400), st.integers(2, 5000))
def test_a_window_never_has_more_buckets_than_points(seconds: int, points: int) -> None:
    window = timedelta(seconds=seconds)
    width = bucket_width(START, START + window, points)
    assert width * points >= window
    assert width in ROUND_WIDTHS or width % timedelta(weeks=1) == timedelta(0)


@given(st.integers(86_400, 40 * 365 * 86_400), st.integers(20, 5000))
def test_round_widths_do_not_waste_more_than_two_thirds_of_the_points(seconds: int, points: int) -> None:
    window = timedelta(seconds=seconds)
    width = bucket_width(START, START + window, points)
    assert width == timedelta(seconds=1) or window / width > points / 4


def test_buckets_are_no_narrower_than_what_is_kept() -> None:
    width = bucket_width(START, START + timedelta(minutes=1), 500, least=timedelta(minutes=1))
    assert width == timedelta(minutes=1)


@pytest.mark.parametrize("points", [1, 0, -3, 5001])
def test_too_few_or_too_many_points_are_refused_by_name(points: int) -> None:
    with pytest.raises(ValueError, match=f"points: got {points}, expected 2 to 5000"):
        Series(points)
