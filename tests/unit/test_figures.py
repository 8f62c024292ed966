import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from main.monitoring.dashboards.v2 import axes, figures
from main.monitoring.dashboards.v2.figures import Tile

START = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def minutes(count):
    return [START + timedelta(minutes=index) for index in range(count)]


def strings(node):
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)


ALL = {
    "equity": figures.equity_and_drawdown(minutes(4), [100.0, 120.0, 90.0, 110.0], [0.0, 0.0, -0.25, -0.0833]),
    "host": figures.host_trend(minutes(3), [0.2, 0.3, 0.25], limit=0.8),
    "bars": figures.pnl_bars(minutes(3), [10.0, -5.0, 0.0], [10.0, 5.0, 5.0]),
    "treemap": figures.positions_treemap(
        [Tile("XLK", 100.0, 0.032, ("+3",), "XLK"), Tile("SPY", -50.0, -0.01, (), "SPY")]
    ),
}


@pytest.mark.parametrize("name", ALL)
def test_a_figure_is_plain_data_without_a_template_or_a_colour_of_its_own(name):
    figure = ALL[name]
    assert json.loads(json.dumps(figure)) == figure
    assert "template" not in figure["layout"]
    assert not [text for text in strings(figure) if text.startswith(("#", "rgb"))]


def test_times_are_sent_as_milliseconds_of_utc():
    assert ALL["host"]["data"][0]["x"][:2] == [1795167000000, 1795167060000]


def test_peak_and_deepest_drawdown_are_marked_and_written():
    words = [trace["text"] for trace in ALL["equity"]["data"] if trace.get("mode") == "markers+text"]
    assert words == [["Peak 120"], ["Max −25.00%"]]


def test_a_series_without_a_drawdown_marks_none():
    figure = figures.equity_and_drawdown(minutes(3), [1.0, 2.0, 3.0], [0.0, 0.0, 0.0])
    assert not any("Max" in text for text in strings(figure))


@pytest.mark.parametrize("values", [[], [None, None], [5.0], [5.0, 5.0], [None, 5.0, None]])
def test_a_short_flat_or_unknown_series_is_a_figure_too(values):
    figure = figures.equity_and_drawdown(minutes(len(values)), values, [None if v is None else 0.0 for v in values])
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < high


def test_cash_that_is_paid_out_is_marked_on_the_curve_and_makes_no_peak():
    at = minutes(4)
    flow = figures.FlowMark(at[2], False, "Withdrawal", "Withdrawal −30.00 Maker")
    figure = figures.equity_and_drawdown(at, [100.0, 101.0, 71.0, 72.0], [0.0] * 4, growth=[1.0, 1.01, 1.01, 1.02])
    assert "Peak 72" in strings(figure)
    outside = figures.FlowMark(at[0] - (at[1] - at[0]), True, "Deposit", "Deposit +1.00 Maker")
    (marks,) = figures.flow_marks(at, [100.0, 101.0, 71.0, 72.0], [flow, outside])
    assert (marks["x"], marks["y"]) == ([figures.epoch_ms(at[2])], [101.0])
    assert (marks["text"], marks["customdata"]) == (["Withdrawal"], ["Withdrawal −30.00 Maker"])
    assert marks["marker"]["symbol"] == ["triangle-down"]
    assert figures.flow_marks(at, [None] * 4, [flow]) == figures.flow_marks([], [], [flow]) == []


def test_a_gap_stays_a_gap():
    line = figures.area(minutes(3), [1.0, None, 3.0], name="E", write=str, ticks=axes.money_ticks)["data"][1]
    assert line["y"] == [1.0, None, 3.0]
    assert line["connectgaps"] is False


def test_bars_take_the_colour_of_their_sign_and_their_text_is_ready():
    bars = ALL["bars"]["data"][1]
    assert bars["marker"]["color"] == ["@profit-4", "@loss-4", "@profit-4"]
    assert bars["text"] == ["+10.00", "−5.00", "0.00"]


def test_two_units_are_two_stacked_plots_on_one_time_axis():
    layout = ALL["equity"]["layout"]
    assert layout["yaxis2"]["domain"][1] < layout["yaxis"]["domain"][0]
    assert "overlaying" not in layout["yaxis2"]
    assert layout["xaxis"]["anchor"] == "y2"


@pytest.mark.parametrize(
    ("fraction", "token"),
    [
        (0.032, "@div-p3"),
        (0.9, "@div-p3"),
        (0.017, "@div-p2"),
        (0.002, "@div-0"),
        (-0.009, "@div-n1"),
        (-1.0, "@div-n3"),
        (None, "@div-0"),
        (float("nan"), "@div-0"),
    ],
)
def test_a_tile_is_coloured_in_seven_steps_clipped_at_three_per_cent(fraction, token):
    figure = figures.positions_treemap([Tile("A", 1.0, fraction, (), "")])
    assert figure["data"][0]["marker"]["colors"] == [token]


def test_a_small_tile_says_short_beneath_its_name_and_a_large_one_beside_it():
    tiles = [Tile("XLK", -100.0, None, ("+3", "100"), "", "short"), Tile("SPY", -5.0, None, ("−1", "5"), "", "short")]
    (trace,) = figures.positions_treemap(tiles)["data"]
    assert trace["text"] == ["<b>XLK</b> short<br>+3<br>100", "<b>SPY</b><br>short"]


def test_a_host_trend_has_a_fixed_axis_and_its_limit_written():
    layout = ALL["host"]["layout"]
    assert layout["yaxis"]["range"] == [0, 1.02]
    assert layout["shapes"][0]["y0"] == 0.8
    assert "<b>80</b>" in [note["text"] for note in layout["annotations"]]
    assert 0.75 not in layout["yaxis"]["tickvals"]


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (183_000, 214_000, ["190k", "200k", "210k"]),
        (99_996, 100_004, ["99,996", "99,998", "100,000", "100,002", "100,004"]),
        (0.0, 1.0, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_of_money_are_as_short_as_tells_them_apart(low, high, written):
    assert axes.money_ticks(axes.nice_ticks(low, high)) == written


def test_no_two_ticks_are_written_alike():
    for power in range(-4, 9):
        for factor in (1.0, 3.7, 99.0):
            for base in (0.0, 1e5, 1e6, -2.5e6):
                ticks = axes.nice_ticks(base, base + factor * 10.0**power)
                words = axes.money_ticks(ticks)
                assert len(set(words)) == len(words), (base, factor, power, words)


def test_drawing_loads_neither_numpy_nor_pandas():
    code = "import sys, main.monitoring.dashboards.v2.figures; print({'numpy', 'pandas', 'plotly'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_tick_that_the_tag_of_a_low_plot_would_cover_by_half_is_left_out():
    def ticks(*cumulative):
        return figures.pnl_bars(minutes(len(cumulative)), cumulative, cumulative)["layout"]["yaxis"]["ticktext"]

    assert ticks(0.0, 5_000.0, 12_900.0) == ["0", "+5k"], "+10k is 15 pixels from +12.9k"
    assert ticks(0.0, 1.2) == ["0", "+0.5"]


def test_words_inside_a_plot_stand_on_a_ground_of_their_own():
    level = figures.lines(
        minutes(3), [figures.Curve("Volatility", [0.2, 0.3, 0.4], "accent")], write=str, ticks=axes.percent_ticks,
        levels=[figures.Level(0.35, "high from 35")],
    )  # fmt: skip
    limit = figures.courses(
        minutes(3), [figures.Curve("1 min", [2.0, 3.0, 4.0], "accent")], write=str, ticks=axes.percent_ticks,
        limit=(2.0, "cores"),
    )  # fmt: skip
    for figure, words in ((level, " high from 35"), (limit, " cores"), (ALL["host"], " limit")):
        (found,) = (each for each in figure["layout"]["annotations"] if each["text"] == words)
        assert found["bgcolor"].startswith("@surface-panel"), words


def test_what_stands_for_the_end_of_a_line_is_known_by_its_name():
    line = figures.lines(
        minutes(3), [figures.Curve("Rate", [0.2, 0.3, 0.4], "accent")], write=str, ticks=axes.percent_ticks
    )
    for figure in (line, ALL["equity"], ALL["bars"]):
        assert [each["text"] for each in figure["layout"]["annotations"] if each.get("name") == "last"]
    assert not any("name" in each for each in ALL["host"]["layout"]["annotations"]), "a limit holds at every time"


def test_no_time_is_written_into_the_value_axis():
    for figure in (ALL["equity"], ALL["host"], ALL["bars"]):
        assert figure["layout"]["xaxis"]["ticklabeloverflow"] == "hide past domain"
