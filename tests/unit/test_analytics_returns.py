"""Time-weighted returns: flows, gaps, accounts that begin or end at nothing; growth, drawdown and ROI on them."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from main.analytics import drawdown
from main.analytics.figure import Figure
from main.analytics.returns import growth_index, total_return
from main.analytics.roi import Flow, return_on_investment
from main.domain.scope import trading_date
from tests.growth_oracle import CurvePoint, DayReturn, Observation, compounded, curve, day_returns, growth_by_day

MONDAY = date(2026, 3, 2)
utc_day = partial(trading_date, zone="UTC")


def at(day, hour=0, minute=0, second=0):
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC) + timedelta(days=day)


def seen(*points):
    return [Observation(moment, float(equity)) for moment, equity in points]


def values(returns):
    return [r.value for r in returns]


def test_a_day_returns_from_close_to_close_and_the_first_from_its_first_observation():
    observed = seen((at(0, 9), 100), (at(0, 12), 50), (at(0, 20), 110), (at(1, 20), 99), (at(2, 1), 108.9))
    assert day_returns(observed, [], utc_day) == [
        DayReturn(MONDAY, MONDAY, 1, pytest.approx(0.1)),
        DayReturn(date(2026, 3, 3), MONDAY, 1, pytest.approx(-0.1)),
        DayReturn(date(2026, 3, 4), date(2026, 3, 3), 1, pytest.approx(0.1)),
    ]


def test_an_observation_at_the_very_close_belongs_to_the_day_that_closes():
    observed = seen((at(0, 9), 100), (at(1), 110), (at(1, 0, 0, 1), 999), (at(2), 121))
    assert values(day_returns(observed, [], utc_day)) == [pytest.approx(0.1), pytest.approx(0.1)]


def test_a_day_without_an_observation_is_a_gap_and_the_next_return_says_how_far_it_spans():
    gap = day_returns(seen((at(0, 20), 100), (at(3, 20), 103)), [], utc_day)
    assert gap == [DayReturn(date(2026, 3, 5), MONDAY, 3, pytest.approx(0.03))]


def test_a_weekend_is_no_gap_and_what_happens_on_it_belongs_to_monday():
    observed = seen((at(4, 20), 100), (at(5, 12), 90), (at(7, 20), 110))
    monday = day_returns(observed, [], utc_day, lambda day: day.weekday() < 5)
    assert monday == [DayReturn(date(2026, 3, 9), date(2026, 3, 6), 1, pytest.approx(0.1))]


def test_days_of_another_zone_roll_over_on_its_own_clock_across_a_change_of_clocks():
    new_york = partial(trading_date, zone="America/New_York", roll_over=timedelta(hours=17))
    # On 8 March 2026 clocks go forward: 17:00 is 22:00 UTC the day before, and 21:00 UTC from then on.
    observed = seen(
        (at(4, 21), 100), (at(5, 21, 59), 110), (at(6, 20, 59), 121), (at(6, 21, 1), 1), (at(7, 20, 59), 133.1)
    )
    found = day_returns(observed, [], new_york)
    assert [r.day for r in found] == [date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)]
    assert values(found) == [pytest.approx(0.1)] * 3


def test_a_deposit_is_no_gain_where_equity_was_seen_just_before_it():
    observed = seen((at(0, 20), 100), (at(1, 12), 110), (at(1, 20), 231), (at(2, 20), 231))
    deposit = [Flow(at(1, 12, 1), 100.0)]
    assert values(day_returns(observed, deposit, utc_day)) == [pytest.approx(1.1 * (231 / 210) - 1), 0.0]


def test_a_deposit_at_the_instant_of_an_observation_is_already_in_it():
    observed = seen((at(0, 20), 100), (at(1, 11, 59), 110), (at(1, 12), 210), (at(1, 20), 210))
    assert values(day_returns(observed, [Flow(at(1, 12), 100.0)], utc_day)) == [pytest.approx(0.1)]
    assert [point.growth for point in curve(observed, [Flow(at(1, 12), 100.0)])] == pytest.approx([1, 1.1, 1.1, 1.1])


def test_without_an_observation_just_before_it_a_flow_counts_for_the_time_it_was_there():
    observed = seen((at(0, 0, 0, 1), 100), (at(0, 12), 100), (at(1, 12), 165))
    found = day_returns(observed, [Flow(at(1), 50.0)], utc_day)
    assert found[-1].value == pytest.approx((165 - 100 - 50) / (100 + 0.5 * 50))


def test_a_withdrawal_of_everything_leaves_no_base_for_what_follows():
    observed = seen((at(0, 20), 100), (at(1, 12), 100), (at(1, 20), 0), (at(2, 20), 50), (at(3, 20), 55))
    found = values(day_returns(observed, [Flow(at(1, 12, 1), -100.0)], utc_day))
    assert found == [None, None, pytest.approx(0.1)]
    assert growth_index(found) == [1.0, None, None, None]
    assert "no base" in total_return(found).reason
    assert "no base" in drawdown.max_drawdown(growth_index(found)).reason


def test_an_account_begins_when_it_is_funded():
    observed = seen((at(0, 9), 0), (at(0, 20), 0), (at(1, 9), 100), (at(1, 20), 110))
    assert values(day_returns(observed, [Flow(at(1, 8), 100.0)], utc_day)) == [pytest.approx(0.1)]


def test_equity_below_zero_is_a_total_loss_that_no_later_money_undoes():
    observed = seen((at(0, 20), 100), (at(1, 20), -10), (at(2, 20), 90), (at(3, 20), 99))
    found = values(day_returns(observed, [Flow(at(2, 8), 100.0)], utc_day))
    assert found[0] == pytest.approx(-1.1)
    growth = growth_index(found)
    assert growth == [1.0, 0.0, 0.0, 0.0]
    assert total_return(found) == drawdown.max_drawdown(growth) == drawdown.current_drawdown(growth) == Figure(-1.0)


@pytest.mark.parametrize("points", [[], [(at(0, 9), 100)], [(at(0, 9), 0), (at(1, 9), -5)]])
def test_nothing_or_one_observation_or_no_equity_gives_no_return(points):
    assert day_returns(seen(*points), [], utc_day) == []


def test_after_a_total_loss_growth_is_nothing_and_unknown_where_a_return_has_no_base():
    assert growth_index([-1.2, None, 0.5]) == [1.0, 0.0, None, None]


def test_no_returns_have_a_reason_and_only_the_base_point():
    assert growth_index([]) == [1.0]
    assert total_return([]) == drawdown.max_drawdown([1.0]) == Figure(None, "no returns")
    assert drawdown.current_drawdown([]) == Figure(None, "no returns")
    assert growth_by_day([]) == {}
    assert curve([], []) == []


def test_nan_and_a_wrong_order_are_refused():
    with pytest.raises(ValueError, match="value 1 is nan"):
        day_returns(seen((at(0, 9), 100), (at(1, 9), "nan")), [], utc_day)
    with pytest.raises(ValueError, match="oldest first"):
        day_returns(seen((at(1, 9), 100), (at(0, 9), 100)), [], utc_day)
    with pytest.raises(ValueError, match="value 0 is inf"):
        day_returns([], [Flow(at(0), float("inf"))], utc_day)
    with pytest.raises(ValueError, match="value 0 is nan"):
        drawdown.under_water([float("nan")])


def test_the_curve_of_a_short_window_has_every_observation():
    observed = seen((at(0, 9), 100), (at(0, 10), 90), (at(0, 11), 199), (at(0, 12), 398))
    assert curve(observed, [Flow(at(0, 10, 1), 109.0)]) == [
        CurvePoint(at(0, 9), 100.0, 1.0),
        CurvePoint(at(0, 10), 90.0, pytest.approx(0.9)),
        CurvePoint(at(0, 11), 199.0, pytest.approx(0.9)),
        CurvePoint(at(0, 12), 398.0, pytest.approx(1.8)),
    ]


def test_months_compound_their_days_and_one_without_a_base_is_unknown():
    days = [
        DayReturn(date(2026, 3, 30), date(2026, 3, 27), 1, 0.1),
        DayReturn(date(2026, 3, 31), date(2026, 3, 30), 1, 0.1),
    ]
    days += [DayReturn(date(2026, 4, 1), date(2026, 3, 31), 1, None)]
    months = compounded(days, lambda day: (day.year, day.month))
    assert months == {(2026, 3): pytest.approx(0.21), (2026, 4): None}
    assert growth_by_day(days) == {
        date(2026, 3, 27): 1.0, date(2026, 3, 30): pytest.approx(1.1), date(2026, 3, 31): pytest.approx(1.21)
    }  # fmt: skip


def test_roi_weighs_money_by_the_time_it_was_at_work():
    flows = [Flow(at(0), 999.0), Flow(at(5), 100.0), Flow(at(11), 999.0)]
    assert return_on_investment(30.0, 100.0, flows, at(0), at(10)) == Figure(0.2)
    assert return_on_investment(30.0, 0.0, [], at(0), at(10)) == Figure(None, "no money was at work in the window")
    assert return_on_investment(5.0, 100.0, [Flow(at(2), -200.0)], at(0), at(10)).value is None
    with pytest.raises(ValueError, match="not after its start"):
        return_on_investment(5.0, 100.0, [], at(1), at(1))


def test_drawdowns_are_told_by_their_peak_trough_and_recovery():
    growth = [1.0, 1.2, 0.9, 1.08, 1.2, 1.5, 1.35, 1.6, 1.6, 0.8, 1.2]
    assert drawdown.drawdowns(growth) == [
        drawdown.Drawdown(1, 2, 4, pytest.approx(-0.25), 4),
        drawdown.Drawdown(5, 6, 7, pytest.approx(-0.1), 7),
        drawdown.Drawdown(8, 9, None, pytest.approx(-0.5), 10),
    ]
    deepest, second = drawdown.worst_drawdowns(growth, 2)
    assert (deepest.depth, second.depth) == (pytest.approx(-0.5), pytest.approx(-0.25))
    assert (deepest.duration, deepest.decline_duration, deepest.recovery_duration) == (2, 1, None)
    assert (second.duration, second.decline_duration, second.recovery_duration) == (3, 1, 2)
    assert drawdown.longest_drawdown(growth) == second
    assert drawdown.current_drawdown(growth).value == pytest.approx(-0.25)
    assert drawdown.longest_drawdown([1.0, 1.1]) is None


def test_a_loss_on_the_first_day_is_a_drawdown():
    assert drawdown.max_drawdown(growth_index([-0.1, 0.05])).value == pytest.approx(-0.1)


equities = st.lists(st.floats(1, 1e6), min_size=2, max_size=30)
returns = st.lists(st.floats(-0.9, 2), min_size=1, max_size=60)
hours = st.integers(1, 24)


def hourly(levels, gaps):
    moments, now = [], at(0, 1)
    for gap, _ in zip(gaps, levels, strict=False):
        moments.append(now)
        now += timedelta(hours=gap)
    return [Observation(moment, level) for moment, level in zip(moments, levels, strict=True)]


@given(st.lists(st.tuples(st.floats(1, 1e6), hours), min_size=2, max_size=30), st.data())
def test_cutting_a_series_at_a_flow_of_nothing_changes_no_return(points, data):
    observed = hourly([level for level, _ in points], [gap for _, gap in points])
    moment = data.draw(st.datetimes(observed[0].at.replace(tzinfo=None), observed[-1].at.replace(tzinfo=None)))
    nothing = [Flow(moment.replace(tzinfo=UTC), 0.0)]
    without, cut = (day_returns(observed, flows, utc_day) for flows in ([], nothing))
    assert [r.day for r in cut] == [r.day for r in without]
    assert [1 + r.value for r in cut] == pytest.approx([1 + r.value for r in without], rel=1e-9)


@given(st.lists(st.tuples(st.floats(-0.5, 0.5), hours), min_size=2, max_size=30), st.floats(-50, 1e6), st.data())
def test_a_deposit_or_withdrawal_changes_no_return(moves, amount, data):
    levels = [100.0]
    for move, _ in moves:
        levels.append(levels[-1] * (1 + move))
    observed = hourly(levels, [*(gap for _, gap in moves), 1])
    place = data.draw(st.integers(0, len(levels) - 2))
    assume(levels[place] + amount > levels[place] * 1e-3)
    factor = (levels[place] + amount) / levels[place]
    funded = [o if n <= place else Observation(o.at, o.equity * factor) for n, o in enumerate(observed)]
    flow = [Flow(observed[place].at + timedelta(seconds=1), amount)]
    before, after = day_returns(observed, [], utc_day), day_returns(funded, flow, utc_day)
    assert [(r.day, r.since, r.days) for r in after] == [(r.day, r.since, r.days) for r in before]
    assert [1 + r.value for r in after] == pytest.approx([1 + r.value for r in before], rel=1e-7)


@given(st.lists(st.tuples(st.floats(1, 1e6), hours), min_size=2, max_size=30))
def test_days_chained_are_the_whole_and_end_where_the_curve_ends(points):
    observed = hourly([level for level, _ in points], [gap for _, gap in points])
    whole = observed[-1].equity / observed[0].equity
    assert 1 + total_return(values(day_returns(observed, [], utc_day))).value == pytest.approx(whole, rel=1e-9)
    assert curve(observed, [])[-1].growth == pytest.approx(whole, rel=1e-9)


@given(st.lists(st.tuples(st.floats(1, 1e6), hours), min_size=2, max_size=30))
def test_only_the_last_observation_of_a_day_counts(points):
    observed = hourly([level for level, _ in points], [gap for _, gap in points])
    days = [utc_day(o.at - timedelta(microseconds=1)) for o in observed]
    kept = [o for n, o in enumerate(observed) if n in (0, len(days) - 1) or days[n] != days[n + 1]]
    assert day_returns(kept, [], utc_day) == day_returns(observed, [], utc_day)


@given(st.lists(st.floats(-2, 2), max_size=60))
def test_drawdown_lies_between_nothing_and_everything_and_is_zero_at_every_new_peak(moves):
    growth = growth_index(moves)
    depths = drawdown.under_water(growth)
    assert all(-1 <= depth <= 0 for depth in depths)
    assert all(depth == 0 for depth, point in zip(depths, growth, strict=True) if point == max(growth))


@given(returns, st.floats(1e-3, 1e3))
def test_drawdown_knows_no_scale(moves, scale):
    growth = growth_index(moves)
    scaled = drawdown.under_water([value * scale for value in growth])
    assert scaled == pytest.approx(drawdown.under_water(growth), abs=1e-12)


@given(returns)
def test_the_worst_drawdown_is_the_maximum_and_stretches_never_overlap(moves):
    growth = growth_index(moves)
    found = drawdown.drawdowns(growth)
    assert min((stretch.depth for stretch in found), default=0.0) == drawdown.max_drawdown(growth).value
    assert all(before.last <= after.peak for before, after in pairwise(found))
    under = {place for place, depth in enumerate(drawdown.under_water(growth)) if depth < 0}
    assert under <= {place for s in found for place in range(s.peak + 1, s.last + 1)}
