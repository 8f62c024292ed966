"""The band behind a line: from the least to the greatest that a point stands for; none where that is the point."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from main.monitoring.dashboards.v2 import axes, figures
from main.monitoring.dashboards.v2.figures.reach import reach, reached
from main.text import money

START = datetime(2026, 11, 20, 14, tzinfo=UTC)


def at(count: int) -> list[datetime]:
    return [START + number * timedelta(minutes=1) for number in range(count)]


def drawn(values: list[float | None], low: list[float | None], high: list[float | None]) -> Any:
    return figures.area(at(len(values)), values, name="Equity", write=money, ticks=axes.money_ticks, low=low, high=high)


def test_a_crash_between_two_points_is_drawn_on_the_axis_and_told_in_the_tooltip() -> None:
    figure = drawn([100, 101, 102, 103, 104], [100, 101, 7, 103, 104], [100, 101, 102, 110, 104])
    low, high, far, _, line = figure["data"]
    assert (far["x"], far["y"]) == (low["x"][1:2] * 3 + low["x"][2:3] * 3, [7, 102, None, 103, 110, None])
    assert (low["y"], high["y"]) == ([101, 7, 103, 104], [101, 102, 110, 104])
    assert (low.get("fill"), high["fill"]) == (None, "tonexty")
    assert {edge["hoverinfo"] for edge in (low, high)} == {"skip"}
    assert line["text"][1:4] == ["101.00", "102.00 · low 7.00 · high 102.00", "103.00 · low 103.00 · high 110.00"]
    bottom, top = figure["layout"]["yaxis"]["range"]
    assert bottom < 7
    assert top > 110


def test_a_line_whose_points_are_all_that_was_observed_has_no_band() -> None:
    values: list[float | None] = [1, 2, None, 3]
    plain = figures.area(at(4), values, name="Equity", write=money, ticks=axes.money_ticks)
    assert drawn(values, values, values) == drawn(values, [None] * 4, [None] * 4) == plain


def test_a_band_has_no_height_at_the_edges_of_a_gap() -> None:
    low, high, _ = reach([0, 1, 2, 3, 4], [5, 6, None, 7, 8], (), [5, 9, None, 9, 8], "accent")
    assert list(zip(low["x"], low["y"], high["y"], strict=True)) == [
        (0, 5, 5),
        (1, 6, 9),
        (1, 6, 6),
        (3, 7, 7),
        (3, 7, 9),
        (4, 8, 8),
    ]


def test_what_is_only_known_upwards_is_told_so() -> None:
    assert reached([0.5, 0.6], (), [0.5, 0.9], lambda share: f"{share:.0%}") == ["50%", "60% · high 90%"]


def test_a_band_of_steps_has_their_shape_and_a_saved_picture_no_edge() -> None:
    figure = figures.banded(at(3), [1, 2, 3], None, name="Spread", write=money, low=[1, 1, 3], high=[1, 9, 3])
    low, high, _, line = figure["data"]
    assert {trace["line"]["shape"] for trace in (low, high, line)} == {"hv"}
    assert {(edge["line"]["width"], edge["line"]["color"]) for edge in (low, high)} == {(0, "@accent/0")}
    assert figure["layout"]["yaxis"]["range"][1] > 9


def test_the_axis_of_lines_spans_their_bands_and_a_share_has_its_highest() -> None:
    curve = figures.Curve("Mean", [5, 5], "accent", low=[1, 5], high=[5, 50])
    figure = figures.lines(at(2), [curve], write=money, ticks=axes.money_ticks)
    assert figure["layout"]["yaxis"]["range"][0] < 1
    assert figure["layout"]["yaxis"]["range"][1] > 50
    assert figure["data"][-1]["text"][1] == "5.00 · low 5.00 · high 50.00"
    share = figures.host_trend(at(2), [0.2, 0.3], high=[0.2, 0.97])
    assert max(share["data"][1]["y"]) == 0.97
    assert share["data"][-1]["text"] == ["20.0%", "30.0% · high 97.0%"]


def test_what_is_behind_lines_is_shown_by_its_band_alone() -> None:
    behind = figures.Curve("1 min", [1.0, 2.0], "accent", at=at(2), high=[1.0, 7.0])
    shown = [figures.Curve("1 min", [1, 1, 2], "accent")]
    figure = figures.courses(at(3), shown, write=money, ticks=axes.money_ticks, behind=behind)
    assert [len(trace["x"]) for trace in figure["data"]] == [3, 3, 0, 3]
    assert max(figure["data"][1]["y"]) == 7.0
    assert figure["layout"]["yaxis"]["range"][1] > 7


def test_what_adding_up_lost_is_no_difference() -> None:
    assert reach(range(2), [0.3, 1.0], (), [0.1 + 0.2, 1.0], "accent") == []
    assert reached([0.9999], (), [0.99995], lambda share: f"{share:.0%}") == ["100%"]


def test_only_what_went_further_than_usual_has_a_stroke() -> None:
    *_, strokes = reach(range(6), [5] * 6, [4, 4, 4, -20, 4, 4], [6] * 6, "accent")
    assert (strokes["x"], strokes["y"]) == ([3, 3, 3], [-20, 6, None])
    *_, none = reach(range(3), [5] * 3, [4, 4, 4], [6, 6, 7], "accent")
    assert none["x"] == []


_NUMBERS = st.one_of(st.none(), st.integers(-9, 9))


@given(st.lists(st.tuples(_NUMBERS, st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_every_extreme_is_an_edge_of_the_band_and_no_gap_is_filled(points: list[tuple[int | None, int, int]]) -> None:
    values = [value for value, _, _ in points]
    low = [None if value is None else value - down for value, down, _ in points]
    high = [None if value is None else value + up for value, _, up in points]
    edges = reach(range(len(points)), values, low, high, "accent")
    shown = list(zip(edges[0]["x"], edges[0]["y"], edges[1]["y"], strict=True)) if edges else []
    wider = {(at, low[at], high[at]) for at, value in enumerate(values) if low[at] != high[at] and value is not None}
    assert wider <= set(shown)
    assert all(values[at] is not None and low[at] <= least <= most <= high[at] for at, least, most in shown)
    for one, other in pairwise(shown):
        if None in values[one[0] : other[0] + 1]:  # bridged, so without height at both ends
            assert (one[1], other[1]) == (one[2], other[2])
