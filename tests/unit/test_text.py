"""Formatting: the examples of the style guide, and what no number may ever look like."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main import text

NUMBER_FORMATS: list[Callable[..., str]] = [
    text.money,
    text.signed_money,
    text.compact,
    text.price,
    text.quantity,
    text.percent,
    text.percentage_points,
    text.bps,
    text.ratio,
    text.leverage,
    text.duration,
    text.latency,
    text.bytes_,
]
AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=6) | st.floats(-1e12, 1e12)
each_format = pytest.mark.parametrize("write", NUMBER_FORMATS, ids=lambda write: write.__name__)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (text.money(Decimal("154382.17")), "154,382.17"),
        (text.money(154382.17, 0), "154,382"),
        (text.money(Decimal(-3)), "−3.00"),
        (text.signed_money(1284.4), "+1,284.40"),
        (text.signed_money(Decimal("-312.6")), "−312.60"),
        (text.signed_money(-0.0), "0.00"),
        (text.signed_money(Decimal("-0.004")), "0.00"),
        (text.compact(208_312), "208.3k"),
        (text.compact(1_200_000, signed=True), "+1.2M"),
        (text.compact(-999_960), "−1.0M"),
        (text.compact(999_940), "999.9k"),
        (text.compact(999.96), "1.0k"),
        (text.compact(950), "950"),
        (text.compact(12.54), "12.5"),
        (text.compact(0), "0"),
        (text.compact(7_250_000_000_000), "7,250.0B"),
        (text.price(Decimal("690.12"), Decimal("0.01000000")), "690.12"),
        (text.price(Decimal("0.0000421"), Decimal("0.00000001")), "0.00004210"),
        (text.price(4321.5, 0.25), "4,321.50"),
        (text.price(38_215, Decimal("5E+0")), "38,215"),
        (text.price(3.5), "3.50"),
        (text.price(Decimal("1.23456789012")), "1.23456789"),
        (text.quantity(Decimal("1180.0"), 1), "1,180"),
        (text.quantity(Decimal("0.015"), Decimal("0.0001")), "0.0150"),
        (text.quantity(Decimal("-2.50")), "−2.5"),
        (text.percent(0.0047, signed=True), "+0.47%"),
        (text.percent(Decimal("0.625"), 1), "62.5%"),
        (text.percent(-0.00001, signed=True), "0.00%"),
        (text.percentage_points(0.1102), "+11.02 pp"),
        (text.bps(0.29), "0.29 bps"),
        (text.bps(9.996), "10.0 bps"),
        (text.bps(-12.34), "−12.3 bps"),
        (text.ratio(1.8), "1.80"),
        (text.leverage(0.97), "0.97×"),
        (text.duration(2), "2 s"),
        (text.duration(0.9), "0 s"),
        (text.duration(-0.9), "0 s"),
        (text.duration(-61), "−1 m 01 s"),
        (text.duration(252.99), "4 m 12 s"),
        (text.duration(timedelta(days=6, hours=4, minutes=59)), "6 d 04 h"),
        (text.duration(3600), "1 h 00 m"),
        (text.latency(0.00624), "6.24 ms"),
        (text.latency(0.012), "12.0 ms"),
        (text.latency(0.0009996), "1.00 ms"),
        (text.latency(0.000012), "12.0 µs"),
        (text.latency(1.5), "1.50 s"),
        (text.latency(4210), "4,210 s"),
        (text.latency(0), "0 ms"),
        (text.bytes_(1_940_000_000), "1.94 GB"),
        (text.bytes_(999_600), "1.00 MB"),
        (text.bytes_(512), "512 B"),
        (text.bytes_(1000), "1.00 kB"),
        (text.bytes_(0), "0 B"),
        (text.bytes_(12_345_678_900_000_000_000), "12,300 PB"),
        (text.money(1.005), "1.01"),
        (text.money(Decimal("-2.675")), "−2.68"),
        (text.money(1e300), "1.00e+300"),
    ],
)
def test_numbers_are_written_as_the_style_guide_says(written: str, expected: str) -> None:
    assert written == expected


@each_format
@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("sNaN")])
def test_what_is_not_known_is_a_dash(write: Callable[..., str], unknown: float | None) -> None:
    assert write(unknown) == "—"


@each_format
@given(value=AMOUNTS)
def test_no_number_has_a_hyphen_or_a_negative_zero(write: Callable[..., str], value: Decimal | float) -> None:
    written = write(value)
    assert "-" not in written
    assert not (written.startswith("−") and not re.search("[1-9]", written))


@each_format
@given(value=st.floats(allow_nan=True, allow_infinity=True) | st.decimals())
def test_no_number_whatever_breaks_the_formatting(write: Callable[..., str], value: Decimal | float) -> None:
    assert write(value)


@given(value=AMOUNTS, decimals=st.integers(0, 6))
def test_sign_and_digits_of_money_read_back_as_the_value(value: Decimal | float, decimals: int) -> None:
    written = text.signed_money(value, decimals)
    exact = Decimal(str(value))
    read_back = Decimal(written.replace(",", "").replace("−", "-"))
    assert abs(read_back - exact) <= Decimal(10) ** -decimals / 2
    assert written[0] == ("+" if read_back > 0 else "−" if read_back < 0 else "0")
    assert len(written.partition(".")[2]) == decimals
    assert re.fullmatch(r"[+−]?\d{1,3}(,\d{3})*(\.\d+)?", written)


@given(value=AMOUNTS)
def test_a_float_and_the_decimal_that_names_it_look_the_same(value: Decimal | float) -> None:
    assert text.money(value) == text.money(Decimal(str(value)))


@given(fraction=st.decimals(min_value=-100, max_value=100, places=8))
def test_percent_multiplies_by_100_and_nothing_else_does(fraction: Decimal) -> None:
    read_back = Decimal(text.percent(fraction, 6).replace("−", "-").replace(",", "").rstrip("%"))
    assert read_back == fraction * 100


@given(seconds=st.integers(0, 10**9))
def test_a_duration_loses_less_than_its_smaller_unit(seconds: int) -> None:
    sizes = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = text.duration(seconds).replace(",", "").split()
    read_back = sum(int(count) * sizes[unit] for count, unit in zip(parts[::2], parts[1::2], strict=True))
    assert 0 <= seconds - read_back < sizes[parts[-1]]


class TestMoments:
    NOW = datetime(2026, 11, 20, 15, 0, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            (datetime(2026, 11, 20, 14, 32, 7, tzinfo=UTC), "14:32:07"),
            (datetime(2026, 10, 12, 10, 4, tzinfo=UTC), "12 Oct 10:04"),
            (datetime(2025, 10, 12, 10, 4, tzinfo=UTC), "12 Oct 2025"),
            (None, "—"),
        ],
    )
    def test_a_moment_is_written_as_near_as_it_lies(self, at: datetime | None, expected: str) -> None:
        assert text.moment(at, self.NOW) == expected

    def test_today_is_that_of_the_zone_shown(self) -> None:
        zone = timezone(timedelta(hours=10))  # 21 November, 01:00 there
        assert text.moment(datetime(2026, 11, 20, 13, 59, tzinfo=UTC), self.NOW, zone) == "20 Nov 23:59"
        assert text.moment(datetime(2026, 11, 20, 14, 1, tzinfo=UTC), self.NOW, zone) == "00:01:00"

    def test_an_event_has_its_milliseconds(self) -> None:
        assert text.event_time(datetime(2026, 11, 20, 14, 31, 58, 204_999, tzinfo=UTC)) == "14:31:58.204"
        assert text.event_time(None) == "—"
