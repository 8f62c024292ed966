"""A panel without data says why, and offers the one thing that a page can do about it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from main.domain.scope import Scope
from main.monitoring.reads import bots
from tests.drawing import NOW, PANELS, SCOPE, bot, drawn, words

IN_THE_PAST = Scope(accounts=("A",), window="3M", as_of=NOW).resolved(NOW)


def buttons(node: Any) -> Iterator[tuple[str, str, str]]:
    """Each button of a drawing: its word, what it does and with what."""
    if isinstance(node, list):
        for part in node:
            yield from buttons(part)
    elif isinstance(node, dict):
        props = node.get("props", {})
        if node.get("type") == "Button":
            yield props["children"], props.get("data-action", ""), props.get("data-value", "")
        yield from buttons(props.get("children"))


def empty(name: str, scope: Scope, **state: Any) -> Any:
    unanswered = [(read, None) for read in PANELS[name].reads]
    return drawn(name, *unanswered, (bots.READ, [bot(**state)]), scope=scope)["children"]


@pytest.mark.parametrize(
    ("window", "longer"), [("1D", "1W"), ("1W", "1M"), ("1M", "3M"), ("3M", "1Y"), ("YTD", "1Y"), ("1Y", "All")]
)
def test_a_panel_without_data_in_its_range_offers_the_next_longer_one(window: str, longer: str) -> None:
    found = list(buttons(empty("pnl_by", replace(SCOPE, window=window))))
    assert found == [(f"Show {longer}", "range", longer)]


@pytest.mark.parametrize("window", ["All", "2026-11-01..2026-11-10"])
def test_no_longer_range_is_offered_where_there_is_none(window: str) -> None:
    assert list(buttons(empty("pnl_by", replace(SCOPE, window=window)))) == []


def test_a_longer_range_is_offered_for_a_bot_that_stopped_but_not_for_one_that_never_ran() -> None:
    assert list(buttons(empty("pnl_by", SCOPE, condition="down"))) == [("Show 1Y", "range", "1Y")]
    assert list(buttons(empty("pnl_by", SCOPE, condition="unknown", status=None))) == []


def test_a_panel_without_data_at_a_past_moment_leads_back_to_live() -> None:
    assert list(buttons(empty("pnl_by", IN_THE_PAST))) == [("Back to live", "live", "")]


@pytest.mark.parametrize("name", sorted(name for name, panel in PANELS.items() if bots.READ in panel.reads))
def test_who_is_told_to_choose_a_longer_range_has_the_button_that_does(name: str) -> None:
    drawing = empty(name, SCOPE)
    if "choose a longer" in words({"children": drawing}).lower():
        assert [action for _, action, _ in buttons(drawing)] == ["range"]
