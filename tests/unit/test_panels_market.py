"""What the panels of the page Market draw: levels, bands, sectors, breadth, volume; nothing, many, unknown, hostile."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.analytics.figure import Figure, missing
from main.monitoring.dashboards.v2.candle_bars import bar_length
from main.monitoring.dashboards.v2.chosen import wanted
from main.monitoring.reads import bots, breadth, candles, indices, market_current, sectors, volatility
from tests.drawing import NOW, PANELS, bot, drawn, filled, words

HOSTILE = "<img src=x onerror=alert(1)>"
MINUTE = timedelta(minutes=1)
NAMES = [panel.name for panel in PANELS.values() if panel.page == "Market"]


def index(name: str = "SIMX", kind: str = "index", **given: Any) -> indices.IndexState:
    values = {"source": "sim", "name": name, "kind": kind, "level": Decimal("1007.19"), "at": NOW}
    return filled(indices.IndexState, **(values | given))


def course(*levels: float, of: indices.IndexState) -> indices.Indices:
    points = tuple(indices.IndexPoint(NOW + number * MINUTE, level) for number, level in enumerate(levels))
    return indices.Indices((of, index("OTHER")), of.source, of.name, points)


def sector(name: str | None, change: float | None, **given: Any) -> sectors.SectorChange:
    values = {"source": "sim", "sector": name, "change": change, "symbols": 3, "priced": 2, "best": "A", "worst": "B"}
    return filled(sectors.SectorChange, **(values | {"best_change": 0.1, "worst_change": -0.2} | given))


def nervous(symbol: str, value: float | None, band: str | None) -> volatility.SymbolVolatility:
    figure = missing("12 of 30 returns needed") if value is None else Figure(value)
    return volatility.SymbolVolatility("sim", symbol, figure, band, 72, 3600.0)


def report(*rows: volatility.SymbolVolatility) -> volatility.VolatilityReport:
    return volatility.VolatilityReport(tuple(rows), None, None, None, ())


@pytest.mark.parametrize("name", NAMES)
def test_with_nothing_recorded_a_panel_says_why_and_what_to_do(name: str) -> None:
    none = [(read, None) for read in PANELS[name].reads if read is not bots.READ]
    said = drawn(name, *none, (bots.READ, [bot()]))
    assert "figure" not in said
    assert "The bot has run for 2 m 10 s" in words(said)
    assert "None" not in words(said)


def test_levels_have_their_change_and_volatility_its_band_without_the_colours_of_money() -> None:
    states = (
        index(change=-0.0074),
        index("SIMVOL", "volatility", level=Decimal("64.73"), change=0.1172, band="high"),
        index("NEW"),
    )
    said = drawn("indices", (indices.READ, indices.Indices(states, None, None, ())))
    assert "SIMX 1,007.19 −0.74%" in words(said)
    assert "SIMVOL 64.73 % a year high +11.72%" in words(said)
    assert "NEW 1,007.19 the record does not reach back a day" in words(said)
    assert str(said["children"]).count("signed") == 1  # the index alone


def test_a_market_of_many_indices_shows_the_first_and_says_how_many_there_are() -> None:
    told = indices.Indices(tuple(index(f"I{number}") for number in range(30)), None, None, ())
    said = drawn("indices", (indices.READ, told))
    assert words(said).count("1,007.19") == 12
    assert said["subtitle"] == "12 of 30 · change of a day"


def test_an_index_is_an_area_and_a_volatility_stands_over_its_limits() -> None:
    area = drawn("index_history", (indices.READ, course(1000, 1007.19, of=index())))
    assert area["figure"]["data"][1]["y"] == [1000, 1007.19]
    assert area["figure"]["layout"]["annotations"][0]["text"] == "<b>1,007.19</b>"
    assert area["offers"] == {"index": ["SIMX", "OTHER"]}
    assert area["subtitle"] == "SIMX · 3M"
    nervy = course(12, 20, of=index("SIMVOL", "volatility"))
    lines = drawn("index_history", (indices.READ, nervy), (volatility.READ, report()))
    said = [each["text"] for each in lines["figure"]["layout"]["annotations"]]
    assert said == ["<b>20.00</b>", " normal from 15", " elevated from 25"]


def test_the_measure_chosen_is_the_one_asked() -> None:
    ((_, asked), *_) = wanted(PANELS["index_history"], "index_history?index=SIMVOL").asks
    assert asked == indices.IndexParams(name="SIMVOL")


def test_one_level_is_no_curve() -> None:
    said = drawn("index_history", (indices.READ, course(1000, of=index())), (bots.READ, [bot()]))
    assert "a curve needs two levels" in words(said)


def test_breadth_counts_and_says_what_is_not_known() -> None:
    row = breadth.Breadth("sim", 2, 6, 0, 1, Figure(0.25), -0.018, NOW)
    said = drawn("breadth", (breadth.READ, [row]))
    assert "25.0% rose, of those that moved Rose 2 Fell 6 Unchanged 0 Not known 1 Median change −1.80%" in words(said)
    assert "9 symbols" in said["subtitle"]
    still = breadth.Breadth("sim", 0, 0, 3, 0, missing("no price moved"), None, NOW)
    assert "unknown: no price moved" in str(drawn("breadth", (breadth.READ, [still])))


def test_sectors_are_bars_best_first_with_their_best_and_worst_symbol() -> None:
    rows = [sector("Tech", -0.02), sector(None, 0.01), sector("Energy", None)]
    said = drawn("sectors", (sectors.READ, rows))
    (bars,) = said["figure"]["data"]
    assert bars["x"] == [0.01, -0.02]
    assert bars["text"] == ["+1.00%", "−2.00%"]
    assert bars["marker"]["color"] == ["@profit-4", "@loss-4"]
    assert bars["customdata"][1] == "Tech −2.00%<br>best A +10.00%<br>worst B −20.00%<br>2 of 3 symbols"
    assert said["subtitle"] == "mean change · 3M · 1 without prices"


def test_of_many_sectors_the_best_and_the_worst_are_shown() -> None:
    said = drawn("sectors", (sectors.READ, [sector(f"S{number}", number / 100) for number in range(40)]))
    assert said["figure"]["data"][0]["x"] == [0.39, 0.38, 0.37, 0.36, 0.35, 0.04, 0.03, 0.02, 0.01, 0.0]
    assert "best and worst 5 of 40" in said["subtitle"]


def test_symbols_stand_in_their_volatility_bands_the_highest_first() -> None:
    rows = report(nervous("A", 0.14, "low"), nervous("B", 0.4, "high"), nervous("C", None, None))
    said = drawn("volatility_bands", (volatility.READ, rows))
    (bars,) = said["figure"]["data"]
    assert bars["text"] == ["40.0% high", "14.0% low"]
    assert bars["marker"]["color"] == ["@warn-4", "@seq-4"]
    assert "1 low · 0 normal · 0 elevated · 1 high" in words(said)
    assert said["subtitle"] == "% a year, now · bands 15/25/35 · 1 with too few prices"


def test_with_too_few_prices_everywhere_the_reason_is_the_figures_own() -> None:
    said = drawn("volatility_bands", (volatility.READ, report(nervous("C", None, None))), (bots.READ, [bot()]))
    assert "no symbol has enough prices: 12 of 30 returns needed." in words(said)


def volumes(*given: int | None, symbol: str = "SPY") -> candles.Candles:
    one = Decimal(1)
    bars = [
        candles.Bar(NOW + number * MINUTE, one, one, one, one, None if volume is None else Decimal(volume))
        for number, volume in enumerate(given)
    ]
    return candles.Candles("sim", symbol, "1m", 60.0, tuple(bars))


def test_volume_is_bars_and_one_that_is_not_known_is_a_gap() -> None:
    described = filled(
        market_current.MarketSymbol,
        source="sim",
        symbol="SPY",
        tick=Decimal("0.01"),
        quantity_step=Decimal(1),
        volume=Decimal(3756),
        volume_coverage=0.5,
    )
    said = drawn("volume", (candles.READ, volumes(5, None, 7)), (market_current.READ, [described]))
    assert said["figure"]["data"][0]["y"] == [5, None, 7]
    assert "3,756 in a day of 50.0% of the day" in words(said)
    assert said["subtitle"] == "units of SPY · bars of 1 min · 3M"


def test_bars_without_any_volume_say_so_instead_of_zero() -> None:
    said = drawn("volume", (candles.READ, volumes(None, None)), (bots.READ, [bot()]))
    assert "No volume in this range" in words(said)


@pytest.mark.parametrize(
    ("seconds", "written"), [(1, "1 s"), (60, "1 min"), (300, "5 min"), (3600, "1 h"), (86400, "1 d"), (604800, "7 d")]
)
def test_a_bars_length_is_written_in_its_own_unit(seconds: float, written: str) -> None:
    assert bar_length(seconds) == written


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("indices", (indices.READ, course(1, 2, of=index(HOSTILE)))),
        ("index_history", (indices.READ, course(1, 2, of=index(HOSTILE)))),
        ("sectors", (sectors.READ, [sector(HOSTILE, 0.1, best=HOSTILE)])),
        ("volatility_bands", (volatility.READ, report(nervous(HOSTILE, 0.1, "low")))),
        ("volume", (candles.READ, volumes(1, 2, symbol=HOSTILE))),
        ("breadth", (breadth.READ, [breadth.Breadth(HOSTILE, 1, 1, 0, 0, Figure(0.5), 0.0, NOW)])),
    ],
)
def test_a_name_that_would_be_markup_breaks_nothing(name: str, given: Any) -> None:
    said = drawn(name, given)
    assert '"type": "Img"' not in str(said)
    assert "innerHTML" not in str(said)
