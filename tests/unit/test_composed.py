"""What a page is composed of: every panel by its name, framed twice where it can be, a notice where it is no more."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dash import html

from main.config import load_settings
from main.config.pages import MOST_PANELS, RESERVED, PageSettings
from main.database.address import Address
from main.domain.topics import Topic
from main.errors import ConfigurationError
from main.monitoring.dashboards.v2 import MonitoringDashboardV2, SystemDashboardV2, TradingDashboardV2
from main.monitoring.dashboards.v2 import composed as composing
from main.monitoring.dashboards.v2.chosen import panel_name, wanted
from main.monitoring.dashboards.v2.composed import PanelShelf, Shelved, every_panel
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.panel import Option, Panel, panels_of
from main.monitoring.dashboards.v2.wallboard import PLACES
from main.monitoring.read import Read

NOWHERE = Address("127.0.0.1", 1, "nothing", "nobody")


async def value(source: Any, scope: Any) -> float:
    """Return a number."""
    return 1.0


READ = Read("number", "Number", value, topics=frozenset({Topic.EQUITY}), unit="USD", freshness=timedelta(seconds=5))
PANEL = Panel(
    "number",
    "Number",
    page="Overview",
    reads=(READ,),
    draw=lambda answers, scope: html.Div(answers.chosen["by"]),
    options=(Option("by", "By", (("day", "Day"), ("hour", "Hour"))), Option("symbol", "Symbol")),
)
FIELDS = replace(PANEL, name="fields", controls=html.Div)
DRAWER = replace(PANEL, name="one", kind="drawer")
STRIP = replace(PANEL, name="line", kind="strip", options=())
SHELF = PanelShelf(Shelved("trading", panel) for panel in (PANEL, FIELDS, DRAWER, STRIP))


def page(*panels: Any) -> PageSettings:
    return PageSettings.model_validate({"page": "p", "title": "P", "panels": list(panels)})


def framed(*names: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SHELF.frames(names))
    return found


def ids(component: Any) -> set[str]:
    if isinstance(component, list):
        return set().union(*map(ids, component)) if component else set()
    if not isinstance(component, dict):
        return set()
    props = component.get("props", {})
    return ({props["id"]} if props.get("id") else set()) | ids(props.get("children"))


def test_every_panel_of_both_dashboards_has_a_name_of_its_own() -> None:
    names = [each.panel.name for each in every_panel()]
    assert len(names) == len(set(names))
    alike = {"alert_strip", "alerts_badge"}
    for dashboard in ("trading", "system"):
        assert {panel.name for panel in panels_of(dashboard)} <= set(names)
    both = {p.name for p in panels_of("trading")} & {p.name for p in panels_of("system")}
    assert both <= alike


def test_two_panels_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "panels_of", lambda dashboard: (PANEL,))
    with pytest.raises(ValueError, match="two panels are called number"):
        every_panel.__wrapped__()


def test_a_panel_that_stands_twice_has_other_ids_and_its_own_choices() -> None:
    found = framed("number", "number~2")["panels"]
    first, second = ids(found["number"]["frame"]), ids(found["number~2"]["frame"])
    assert len(first) == len(second) > 3
    assert not first & second
    assert panel_name("number~2?by=hour") == "number"
    assert wanted(PANEL, "number~2?by=hour").chosen["by"] == "hour"


@pytest.mark.parametrize("name", ["number~", "number~x", "number~123", "number~2~3", "number~²"])
def test_what_is_no_number_of_a_panel_that_stands_again_is_no_panel(name: str) -> None:
    assert panel_name(name) == name
    assert "number" not in framed(name)["panels"]


def test_a_renamed_panel_leaves_a_notice_that_says_what_it_may_be_called_now() -> None:
    found = framed("nuber", "number")["panels"]
    assert found["nuber"]["missing"]
    assert "definition" not in found["nuber"]
    assert 'Did you mean "number"?' in json.dumps(found["nuber"], ensure_ascii=False).replace('\\"', '"')
    assert found["number"]["definition"]["title"] == "Number"


def test_what_has_fields_of_its_own_stands_once() -> None:
    assert framed("fields~2")["panels"]["fields~2"]["missing"]
    (problem,) = SHELF.problems(page("fields", "number", "number", "fields"))
    assert (problem.key, problem.got) == ("panels[3].panel", "fields again")


def test_a_drawer_comes_with_the_panels_of_its_page_and_is_not_put_there_by_hand() -> None:
    assert framed("number")["drawers"] == ["one"]
    assert framed("nothing")["drawers"] == []
    assert "one" not in [each["name"] for each in SHELF.catalogue()]
    assert SHELF.problems(page("one"))[0].key == "panels[0].panel"


@pytest.mark.parametrize(
    "hostile", ["<img src=x onerror=alert(1)>", "../x", "a b", "A", "", "x" * 200, "number?by=day"]
)
def test_what_can_be_no_name_is_left_out(hostile: str) -> None:
    assert framed(hostile)["panels"] == {}


def test_options_and_their_values_are_known_or_suggested() -> None:
    wrong = page({"panel": "number", "options": {"symbl": "X", "by": "hours", "symbol": "ANY"}}, "line")
    problems = {problem.key: problem for problem in SHELF.problems(wrong)}
    assert problems.keys() == {"panels[0].options.symbl", "panels[0].options.by"}
    assert problems["panels[0].options.symbl"].hint == 'did you mean "symbol"?'
    assert problems["panels[0].options.by"].hint == 'did you mean "hour"?'


def test_every_dashboard_draws_the_panels_of_all() -> None:
    for dashboard in (TradingDashboardV2, SystemDashboardV2, MonitoringDashboardV2):
        made = dashboard(NOWHERE, settings=load_settings(env={}))
        encoder = PanelEncoder(made._shelf.panels)
        for name in ("equity", "cpu", "slippage~2?by=hour"):
            assert encoder.asks(name)


def test_the_wallboard_has_every_panel_that_it_names_and_no_control() -> None:
    made = MonitoringDashboardV2(NOWHERE, settings=load_settings(env={}))
    told = made._shell().configuration()
    (only,) = told["pages"]
    assert only["panels"] == [name for name, _ in PLACES]
    layout = json.dumps(only["layout"], default=lambda component: component.to_plotly_json())
    assert "panel-menu" not in layout
    assert '"Button"' not in layout
    assert "options-" not in layout
    assert made.port == 8000
    assert made._interval == 60.0


def test_pages_of_the_file_are_told_with_the_page_and_travel_to_a_child(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "pages:\n  - page: night\n    title: <b>Night\n    panels:\n"
        "      - equity\n      - {panel: slippage, width: 6, options: {by: hour, most: 3, on: yes}}\n"
    )
    settings = load_settings(config_file=file, env={})
    assert load_settings(env=dict(settings.child_environment())).pages == settings.pages
    (told,) = TradingDashboardV2(NOWHERE, settings=settings)._shell().configuration()["composed"]
    assert told["panels"][0] == {"panel": "equity", "width": None, "options": {}}
    assert told["panels"][1]["options"] == {"by": "hour", "most": "3", "on": "true"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "{page: a, title: A, dashboard: tradng}",
            'got "tradng", expected trading, system or monitoring; did you mean',
        ),
        ("{page: a, titel: A}", "pages[0].titel: got an unknown key, expected one of page, title"),
        ("{page: a, title: A, panels: [{panel: x, width: 9}]}", "pages[0].panels[0].width: got 9, expected 3, 4, 5"),
        ("{page: a, title: A, panels: [{panel: x, widht: 3}]}", 'did you mean "width"?'),
        ("{page: A b, title: A}", "a name for the address"),
        (f"{{page: {RESERVED[0]}, title: A}}", "a name for the address"),
        ("{page: a, title: ''}", "a title of 1 to 100 printable characters"),
        ("{title: A}", "pages[0].page: got nothing"),
        (f"{{page: a, title: A, panels: [{', '.join(['x'] * (MOST_PANELS + 1))}]}}", f"at most {MOST_PANELS} panels"),
        ("{page: a, title: A}, {page: a, title: B}", "pages[1].page: got a, expected a page of its own"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"# the pages\npages: [{written}]\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(config_file=file, env={})
    assert said in str(caught.value)
    assert f"{file}:2" in str(caught.value)
