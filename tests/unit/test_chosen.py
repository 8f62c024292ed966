"""What a viewer chose of a panel's options becomes the parameters of its reads, or an error that names the choices."""

from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
import pytest
from dash import html

from main.clock import now
from main.domain.scope import Scope
from main.errors import ConfigurationError, UnknownName
from main.monitoring.dashboards.v2.chosen import addresses, wanted
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.panel import Option, Panel
from main.monitoring.read import Answer, Freshness, Read, State


@dataclass(frozen=True, slots=True)
class Cut:
    by: str = "symbol"
    window: int = 20

    def __post_init__(self) -> None:
        if self.window < 2:
            raise ValueError(f"window: got {self.window}, expected 2 or more")


async def _nothing(source, scope, params=None):
    return None


READ = Read("cut", "Cut", _nothing, frozenset(), "USD", timedelta(seconds=5), params=Cut)
BY = Option("by", "By", (("symbol", "Symbol"), ("weekday", "Weekday")))
SYMBOL = Option("symbol", "Symbol")


def panel(**changes):
    given = {
        "name": "cut",
        "title": "Cut",
        "page": "Performance",
        "reads": (READ,),
        "draw": lambda answers, scope: html.Div(answers.chosen["by"]),
        "options": (BY, SYMBOL),
        "params": lambda chosen: {READ: Cut(chosen["by"], 20 if chosen["symbol"] != "bad" else 1)},
    }
    return Panel(**given | changes)


def test_the_first_choice_stands_where_nothing_was_chosen():
    assert wanted(panel(), "cut").asks == ((READ, Cut("symbol")),)


def test_what_was_chosen_becomes_the_parameters_of_the_read():
    asked = wanted(panel(), "cut?by=weekday&symbol=BRK%26B")
    assert asked.asks == ((READ, Cut("weekday")),)
    assert asked.chosen == {"by": "weekday", "symbol": "BRK&B"}


@pytest.mark.parametrize(
    ("written", "error", "words"),
    [
        ("cut?bye=weekday", UnknownName, 'did you mean "by"'),
        ("cut?by=wekday", UnknownName, 'did you mean "weekday"'),
        ("cut?symbol=" + "A" * 1001, ConfigurationError, "at most 1000"),
        ("cut?symbol=bad", ConfigurationError, "window: got 1"),
        ("cat?by=weekday", UnknownName, "cut"),
    ],
)
def test_what_cannot_be_chosen_is_refused_by_name(written, error, words):
    with pytest.raises(error, match=words):
        PanelEncoder([panel()]).asks(written)


def test_a_query_with_no_end_of_fields_is_refused():
    with pytest.raises(ConfigurationError, match="at most 16"):
        PanelEncoder([panel()]).asks("cut?" + "&".join(["by=symbol"] * 40))


def test_a_drawing_knows_what_was_chosen_and_says_what_there_is_to_choose():
    given = {"cut": Answer(1, Freshness(State.LIVE, now(), now(), 5.0), None, 1)}
    offering = panel(offers=lambda answers, scope: {"symbol": ["AAPL", "MSFT"]})
    written = PanelEncoder([offering]).encode("cut?by=weekday", given, Scope(("A",)))
    drawn = orjson.loads(b"{" + written + b"}")
    assert drawn["children"]["props"]["children"] == "weekday"
    assert drawn["offers"] == {"symbol": ["AAPL", "MSFT"]}


def test_a_read_asked_without_parameters_is_the_same_question_as_with_its_defaults():
    assert READ.defaults == Cut()


def test_the_rows_behind_a_panel_are_asked_with_its_own_parameters_and_only_those_that_differ():
    assert addresses(wanted(panel(), "cut")) == ["cut"]
    assert addresses(wanted(panel(), "cut?by=weekday")) == ["cut?by=weekday"]
    hostile = panel(params=lambda chosen: {READ: Cut(chosen["symbol"])})
    assert addresses(wanted(hostile, "cut?symbol=%26limit%3D1")) == ["cut?by=%26limit%3D1"]


ZOOMED = "cut?by=weekday&zoom=2026-11-20T10:00:00Z..2026-11-20T11:00:00Z"
PAGE = Scope(("P1",), "1W", strategy="carry")


def test_a_zoomed_panel_asks_the_same_about_what_it_shows():
    asked = wanted(panel(refines=True), ZOOMED)
    assert asked.asks == ((READ, Cut("weekday")),)
    assert asked.chosen == {"by": "weekday", "symbol": ""}
    assert asked.scope(PAGE) == replace(PAGE, window="2026-11-20T10:00:00Z..2026-11-20T11:00:00Z")


def test_a_panel_that_is_not_zoomed_asks_about_the_page():
    assert wanted(panel(refines=True), "cut?by=weekday").scope(PAGE) == PAGE


def test_a_panel_whose_values_depend_on_the_range_knows_no_zoom():
    with pytest.raises(UnknownName, match="zoom"):
        wanted(panel(), ZOOMED)


@pytest.mark.parametrize("zoom", ["yesterday", "2026-11-20..2026-11-19", "..", "2026-11-20T10:00:00Z"])
def test_a_zoom_that_is_no_range_names_the_panel_and_how_to_write_one(zoom):
    with pytest.raises(ConfigurationError, match=r"cut.zoom.*FROM\.\.TO"):
        wanted(panel(refines=True), f"cut?zoom={zoom}").scope(PAGE)
