"""Charts that compare: lines that end in their values, bars by category, distributions, grids of colour."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest

from main import text
from main.monitoring.dashboards.v2 import axes, figures
from main.monitoring.dashboards.v2.figures import CategoryBar, Cells, Curve, Level

START = datetime(2026, 11, 2, tzinfo=UTC)
DAYS = [START + timedelta(days=day) for day in range(4)]


def lines(*curves, **more):
    return figures.lines(DAYS, curves, write=lambda v: text.percent(v, signed=True), ticks=axes.money_ticks, **more)


def test_every_line_ends_in_its_last_known_value_in_its_own_colour():
    figure = lines(
        Curve("Strategy", [0.0, 0.1, 0.2, 0.3], "accent"),
        Curve("SPY", [0.0, 0.05, 0.1, None], "benchmark", dashed=True),
    )
    ends = {each["font"]["color"]: each["text"] for each in figure["layout"]["annotations"]}
    assert ends == {"@accent": "Strategy<br><b>+30.00%</b>", "@benchmark": "SPY<br><b>+10.00%</b>"}
    assert figure["data"][1]["line"]["dash"]
    assert not figure["data"][1]["connectgaps"]


def test_lines_that_end_together_have_labels_that_do_not_cover_each_other():
    figure = lines(
        Curve("A", [0, 1, 2, 3.0], "cat-1"), Curve("B", [0, 1, 2, 3.001], "cat-2"), Curve("C", [3] * 4, "cat-3")
    )
    low, high = figure["layout"]["yaxis"]["range"]
    places = sorted(each["y"] for each in figure["layout"]["annotations"])
    assert all(b - a >= 0.13 * (high - low) for a, b in itertools.pairwise(places))
    assert places[-1] <= high


def test_two_lines_of_the_same_name_have_a_label_each():
    figure = lines(Curve("Maker", [1, 2, 3, 4.0], "accent"), Curve("Maker", [1, 2, 3, 4.0], "cat-2"))
    assert [each["font"]["color"] for each in figure["layout"]["annotations"]] == ["@accent", "@cat-2"]


def test_long_names_that_begin_alike_are_cut_in_the_middle_and_stay_apart():
    names = ("Market maker", "Market maker EUR", "Sector rotation")
    figure = lines(*(Curve(name, [1.0, 2.0, 3.0, 4.0], "accent") for name in names))
    said = {each["text"].partition("<br>")[0] for each in figure["layout"]["annotations"]}
    assert said == {"Market maker", "Market…ker EUR", "Sector rotati…"}


def test_a_long_or_hostile_name_is_shortened_text_at_the_end_of_its_line():
    figure = lines(
        Curve("<img src=x onerror=alert(1)>", [0.1] * 4, "accent"), Curve("A name of any length", [0.5] * 4, "cat-2")
    )
    said = [each["text"].partition("<br>")[0] for each in figure["layout"]["annotations"]]
    assert said == ["&lt;img src=x on…", "A name of any…"]


def test_two_lines_at_the_top_of_the_axis_are_named_inside_the_plot():
    figure = figures.lines(
        DAYS,
        [Curve("Maker US", [1.0] * 4, "accent"), Curve("Maker EU", [1.0] * 4, "cat-2")],
        write=text.ratio,
        ticks=axes.money_ticks,
        low=0.0,
        high=1.0,
    )
    assert max(each["y"] for each in figure["layout"]["annotations"]) < 0.95
    assert figure["layout"]["margin"]["r"] > 8 * 6


def test_the_words_of_a_level_are_left_out_where_the_next_level_would_run_through_them():
    levels = [Level(0.15, "normal"), Level(0.2, "elevated"), Level(0.35, "high")]
    figure = lines(Curve("A", [0.0, 1.0, 0.5, 0.5], "accent"), levels=levels)
    said = [each["text"] for each in figure["layout"]["annotations"][1:]]
    assert said == [" elevated", " high"]
    assert len(figure["layout"]["shapes"]) == 3


def test_a_line_alone_is_not_named_twice():
    assert lines(Curve("Sharpe", [0.1] * 4, "accent"))["layout"]["annotations"][0]["text"] == "<b>+10.00%</b>"


def test_no_tick_stands_under_a_label():
    figure = lines(Curve("A", [0.0, 1.0, 2.0, 2.0], "accent"))
    assert 2.0 not in figure["layout"]["yaxis"]["tickvals"]
    assert figure["layout"]["yaxis"]["tickvals"]


def test_levels_are_on_the_axis_and_say_what_they_are():
    figure = lines(
        Curve("Leverage", [0.1, 0.2, 0.2, 0.3], "accent"), levels=[Level(1.2, "limit 1.20×", "warn")], zero=True
    )
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < 0.0
    assert high > 1.2
    assert " limit 1.20×" in [each["text"] for each in figure["layout"]["annotations"]]


@pytest.mark.parametrize("values", [[], [None, None], [5.0]])
def test_lines_without_much_to_draw_are_drawn_all_the_same(values):
    figure = figures.lines(
        DAYS[: len(values)], [Curve("A", values, "accent")], write=text.ratio, ticks=axes.money_ticks
    )
    assert json.dumps(figure)
    assert figure["layout"]["yaxis"]["range"][0] < figure["layout"]["yaxis"]["range"][1]


def test_more_than_three_lines_have_a_legend():
    assert lines(*[Curve(name, [1] * 4, "cat-1") for name in "ABCD"])["layout"]["showlegend"]
    assert "showlegend" not in lines(Curve("A", [1] * 4, "cat-1"))["layout"]


def test_the_first_category_is_on_top_and_an_unknown_value_has_no_bar():
    figure = figures.category_bars(
        [
            CategoryBar("BTC-USD", 12.5, "+12.50", "profit-4"),
            CategoryBar("ETH-USD", -4.0, "−4.00", "loss-4"),
            CategoryBar("<img onerror=x>", None, "—"),
        ]
    )
    bars, axis = figure["data"][0], figure["layout"]["yaxis"]
    assert bars["x"] == [12.5, -4.0, 0.0]
    assert bars["text"] == ["+12.50", "−4.00", "—"]
    assert axis["range"][0] > axis["range"][1]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < -4.0
    assert high > 12.5


def test_a_distribution_colours_money_by_its_sign_and_marks_the_median():
    figure = figures.histogram(
        [-2, -1, 0, 1], [3, 5, 8], write=lambda v: text.signed_money(v, 0), noun="trades", median=0.4
    )
    assert figure["data"][0]["marker"]["color"] == ["@loss-4", "@loss-4", "@profit-4"]
    assert figure["data"][0]["customdata"][0] == "−2 to −1: 3 trades"
    assert "median" in figure["layout"]["annotations"][0]["text"]


def test_a_grid_of_profit_has_three_steps_a_side_and_leaves_unknown_cells_empty():
    cells = Cells(["2026"], ["Jan", "Feb", "Mar", "Apr"], [[-0.09, 0.0, 0.02, None]], [["−9.0", "0.0", "+2.0", "—"]])
    trace = figures.profit_map(cells, clip=0.06)["data"][0]
    assert trace["z"] == [[-3, 0, 1, None]]
    assert len({tone for _, tone in trace["colorscale"]}) == 7
    assert (trace["zmin"], trace["zmax"]) == (-3.5, 3.5)


def test_a_grid_of_correlations_keeps_its_values_and_uses_no_colour_of_money():
    trace = figures.correlation_map(Cells(["A", "B"], ["A", "B"], [[1, -0.5], [-0.5, 1]], [["1.00", "−0.50"]] * 2))[
        "data"
    ][0]
    assert trace["z"] == [[1, -0.5], [-0.5, 1]]
    assert not any("profit" in tone or "loss" in tone for _, tone in trace["colorscale"])


def test_intensity_is_cut_at_both_ends():
    trace = figures.intensity_map(Cells(["a"], ["x", "y", "z"], [[-1, 0.5, 7]], [["", "", ""]]))["data"][0]
    assert trace["z"] == [[0, 3, 6]]


def test_a_single_value_is_a_point_for_there_is_nothing_to_draw_a_line_to():
    figure = figures.lines(
        DAYS, [Curve("A", [None, 5.0, None, None], "accent")], write=text.ratio, ticks=axes.money_ticks
    )
    assert figure["data"][0]["mode"] == "markers"
