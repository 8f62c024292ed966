"""Returns of whole trading days out of growth by day, and rolling figures that cost little."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics import ratios
from main.monitoring.growth_days import GrowthDays, day_returns

FRIDAY = date(2026, 3, 6)


def days_of(*days: date, periods: int = 252, roll_over: int = 0, counted: list[bool] | None = None) -> GrowthDays:
    return GrowthDays(
        currency="USD",
        accounts=1,
        periods_per_year=periods,
        roll_over=timedelta(hours=roll_over),
        source=None,
        benchmark=None,
        benchmarks=0,
        zone="UTC",
        days=list(days),
        times=[datetime(day.year, day.month, day.day, 20, tzinfo=UTC) for day in days],
        growth=[1.1**place for place in range(len(days))],
        equities=[1.1**place for place in range(len(days))],
        counted=counted or [True] * len(days),
        drawdown=None,
        deepest=None,
        equity=Decimal(1),
        invested=Decimal(1),
        flow_times=[],
        flow_amounts=[],
    )


def after(days: int) -> date:
    return FRIDAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("last", "periods", "roll_over", "span"),
    [
        (after(3), 252, 0, 1),  # Monday
        (after(3), 365, 0, 3),
        (after(4), 252, 0, 2),
        (after(2), 252, 17, 1),  # what begins on Friday at 17:00 is Saturday, and on Sunday Monday
        (after(14), 252, 0, 10),
        (FRIDAY, 252, 0, 1),  # the account began on this day
    ],
)
def test_a_return_says_how_many_trading_days_it_spans(last: date, periods: int, roll_over: int, span: int) -> None:
    assert day_returns(days_of(FRIDAY, last, periods=periods, roll_over=roll_over)).spans == [span]


def test_a_week_without_prices_is_a_holiday_for_those_who_rest_and_a_gap_for_who_never_does() -> None:
    assert day_returns(days_of(FRIDAY, after(7))).length == 1
    assert day_returns(days_of(FRIDAY, after(10))).length == 6
    assert day_returns(days_of(FRIDAY, after(7), periods=365)).length == 7


def test_days_that_do_not_count_are_in_the_next_that_does() -> None:
    row = days_of(FRIDAY, after(1), after(3), after(4), counted=[True, False, True, False])
    found = day_returns(row)
    assert found.days == [FRIDAY, after(3)]
    assert found.returns == pytest.approx([0.21])


def rates(low: float, high: float) -> st.SearchStrategy[float]:
    """Returns are quotients less one: none is nearer to nought than the last place of a number near one."""
    return st.floats(low, high).map(lambda each: round(each, 15))


@given(
    st.lists(
        st.one_of(st.none(), st.just(0.01), rates(-0.99, 0.99), rates(-1e-9, 1e-9), rates(50, 1e4)),
        max_size=40,
    ),
    st.integers(2, 12),
)
def test_rolling_figures_are_those_of_each_window_by_itself(returns: list[float | None], window: int) -> None:
    windows = [returns[max(0, end - window) : end] for end in range(1, len(returns) + 1)]
    full = [part if len(part) == window and None not in part else None for part in windows]
    for rolling, figure in (
        (ratios.rolling_volatility, ratios.volatility),
        (ratios.rolling_sharpe, ratios.sharpe),
    ):
        expected = [None if part is None else figure(part, 252, minimum=2).value for part in full]
        got = rolling(returns, 252, window)
        assert [value is None for value in got] == [value is None for value in expected]
        pairs = [(one, other) for one, other in zip(got, expected, strict=True) if one is not None]
        assert [one for one, _ in pairs] == pytest.approx([other for _, other in pairs], rel=1e-9, abs=1e-12)
