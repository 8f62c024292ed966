"""A tail makes the last version of a panel into the next one exactly, and is short where only the end grew."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.monitoring.api import tails
from main.monitoring.dashboards.v2 import figures
from tests.tailed import merged

SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 0.5, 1.0, "", "a", "="])
SERIES = st.lists(SCALARS, max_size=9)
VALUES = st.recursive(
    SERIES | SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "0"]), inner),
    max_leaves=5,
)
CONTENTS = st.dictionaries(st.sampled_from(["figure", "children"]), VALUES, min_size=1)
EASY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tails are made of the smallest content too, however little they save."""
    monkeypatch.setattr(tails, "LEAST_BYTES", 0)
    monkeypatch.setattr(tails, "LEAST_ITEMS", 1)
    monkeypatch.setattr(tails, "WORTH", float("inf"))


def members(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content)[1:-1]


def applied(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What a page has in the end, by the tail or, where there is none, by the whole."""
    change = tails.tail(members(before), members(after))
    assert (change is None) == (before.keys() != after.keys())
    return after if change is None else merged(before, orjson.loads(change))


@EASY
@given(CONTENTS, CONTENTS)
def test_a_tail_makes_any_content_into_any_other_exactly(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert _written(applied(before, after)) == _written(after)


@EASY
@given(SERIES, SERIES, st.integers(0, 9), st.integers(0, 3))
def test_a_series_that_moved_on_is_rebuilt_exactly(old: list[Any], added: list[Any], drop: int, replaced: int) -> None:
    new = old[drop : len(old) - replaced] + added
    before, after = ({"figure": {"data": [{"x": each, "y": each[::-1]}]}} for each in (old, new))
    assert _written(applied(before, after)) == _written(after)


@EASY
@given(SERIES, SERIES, st.data())
def test_two_tails_in_a_row_are_two_versions(old: list[Any], added: list[Any], data: st.DataObject) -> None:
    first = {"figure": {"data": [{"x": old}]}}
    second = {"figure": {"data": [{"x": old[1:] + added}]}}
    third = {"figure": {"data": [{"x": data.draw(SERIES)}]}}
    assert _written(applied(applied(first, second), third)) == _written(third)


def equity(begin: int, count: int) -> dict[str, Any]:
    """The equity chart of `count` minutes from a minute on, as the page gets it."""
    at = [BEGIN + timedelta(minutes=minute) for minute in range(begin, begin + count)]
    values = [100_000.0 + minute * 7 % 90 for minute in range(begin, begin + count)]
    drawdown = [-(minute % 13) / 100 for minute in range(begin, begin + count)]
    drawn: dict[str, Any] = orjson.loads(orjson.dumps({"figure": figures.equity_and_drawdown(at, values, drawdown)}))
    return drawn


@pytest.mark.parametrize("added", [1, 5])
def test_a_window_that_moved_on_costs_its_last_points_only(added: int) -> None:
    before, after = equity(0, 2_000), equity(added, 2_000)
    change = tails.tail(members(before), members(after))
    assert change is not None
    assert len(change) < 3_000 < len(members(after)) / 20
    line = orjson.loads(change)["figure"]["data"]["1"]
    assert [line[key][:2] for key in ("x", "y", "text")] == [[added, 2_000 - added]] * 3
    assert merged(before, orjson.loads(change)) == after


def test_a_last_point_that_changed_is_replaced() -> None:
    before = {"figure": {"data": [{"x": [*range(100)], "y": [1.0] * 100}]}}
    after = {"figure": {"data": [{"x": [*range(100)], "y": [1.0] * 99 + [2.5]}]}}
    change = tails.tail(members(before), members(after))
    assert orjson.loads(change or b"") == {"figure": {"data": {"0": {"y": [0, 99, [2.5]]}}}}


@pytest.mark.parametrize("ahead", [1, 3])
def test_rows_that_come_on_top_cost_themselves_only(ahead: int) -> None:
    rows = [{"key": str(number), "w": [number, "x" * 20]} for number in range(50)]
    before, after = {"children": rows[ahead:]}, {"children": rows[: 50 - ahead]}
    change = tails.tail(members(before), members(after))
    assert orjson.loads(change or b"") == {"children": [0, 50 - 2 * ahead, [], rows[:ahead]]}
    assert applied(before, after) == after


def test_a_window_whose_first_point_is_where_it_begins_costs_both_its_ends() -> None:
    before = {"figure": {"data": [{"x": [0.5, *range(1, 100)], "y": [7] * 100}]}}
    after = {"figure": {"data": [{"x": [0.7, *range(1, 101)], "y": [7] * 100 + [8]}]}}
    change = tails.tail(members(before), members(after))
    line = orjson.loads(change or b"")["figure"]["data"]["0"]
    assert line == {"x": [1, 99, [100], [0.7]], "y": [1, 99, [8], [7]]}
    assert applied(before, after) == after


def test_a_cell_that_changed_costs_itself_only() -> None:
    rows = [{"key": str(number), "w": [number, "x" * 20]} for number in range(50)]
    before = {"children": rows}
    after = {"children": [*rows[:20], {"key": "20", "w": [20, "new"]}, *rows[21:]]}
    change = tails.tail(members(before), members(after))
    assert orjson.loads(change or b"") == {"children": {"20": {"w": [0, 1, ["new"]]}}}
    assert applied(before, after) == after


@pytest.mark.parametrize("after", [{"children": "gone"}, {"figure": {"data": []}, "broken": True}])
def test_what_has_other_members_is_sent_whole(after: dict[str, Any]) -> None:
    assert tails.tail(members(equity(0, 100)), members(after)) is None


def test_what_is_short_or_new_all_over_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    small = {"figure": {"data": [{"x": [*range(20)]}]}}
    assert tails.tail(members(small), members({"figure": {"data": [{"x": [*range(1, 21)]}]}})) is None
    early, late = ({"figure": {"data": [{"x": [*range(begin, begin + 1_000)]}]}} for begin in (0, 5_000))
    assert tails.tail(members(early), members(late)) is None


def _written(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
