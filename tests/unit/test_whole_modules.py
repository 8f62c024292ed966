"""Plotly's JSON and a library that another thread is just importing."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import plotly.io._json as plotly_json
import pytest
from dash import html
from plotly.io.json import to_json_plotly

from main.monitoring.dashboards.v2.whole_modules import let_plotly_wait_for_whole_modules, whole_module

LAYOUT = html.Div([html.B("text"), None, 1.5], id="page")


def beginning(name: str) -> ModuleType:
    """A module as it is in the first moment of its import."""
    module, spec = ModuleType(name), ModuleSpec(name, None)
    spec._initializing = True  # type: ignore[attr-defined]  # how the import system marks it
    module.__spec__ = spec
    return module


@pytest.mark.parametrize("name", ["pandas", "numpy"])
def test_a_layout_is_written_while_a_library_is_being_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = to_json_plotly(LAYOUT)
    monkeypatch.setitem(sys.modules, name, beginning(name))
    let_plotly_wait_for_whole_modules()
    assert to_json_plotly(LAYOUT) == written
    assert whole_module(name, should_load=False) is None


def test_a_library_that_is_imported_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = beginning("pandas")
    assert ready.__spec__ is not None
    ready.__spec__._initializing = False  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pandas", ready)
    assert whole_module("pandas", should_load=False) is ready


def test_plotly_asks_by_the_name_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(name: str, should_load: bool = True) -> ModuleType | None:
        asked.append(name)
        return whole_module(name, should_load)

    let_plotly_wait_for_whole_modules()
    assert plotly_json.get_module is whole_module
    monkeypatch.setattr(plotly_json, "get_module", noted)
    to_json_plotly(LAYOUT)
    assert "pandas" in asked
