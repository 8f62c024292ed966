"""Which panels can a page be composed of, and what stands in the place of one that is not there (any more)?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
from dash import html
from dash.development.base_component import Component

from main.config.pages import PageSettings
from main.errors import Problem, did_you_mean
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.chosen import AGAIN, panel_name
from main.monitoring.dashboards.v2.frame import page_grid
from main.monitoring.dashboards.v2.layout import definition
from main.monitoring.dashboards.v2.panel import Panel, panels_of

PACKAGES = ("trading", "system")
_EVERYWHERE = ("strip", "badge")
"""Kinds of panels that every dashboard may have by the same name, and that draw the same."""
_INSTANCE = re.compile(rf"[a-z][a-z0-9_]{{0,63}}(?:{AGAIN}[1-9][0-9]?)?")


@dataclass(frozen=True, slots=True)
class Shelved:
    """A panel and the dashboard that has it on a page of its own."""

    dashboard: str
    panel: Panel

    @property
    def placeable(self) -> bool:
        """Whether it can be put on a page."""
        return self.panel.kind not in ("drawer", "badge")

    @property
    def once(self) -> bool:
        """Whether it can stand on a page once only: its fields, or what lies over the page, have fixed ids."""
        panel = self.panel
        return bool(panel.controls or panel.connect) or panel.kind == "drawer" or panel.kind in _EVERYWHERE


@cache
def every_panel() -> tuple[Shelved, ...]:
    """Return the panels of all dashboards, each name once: a strip may stand on several.

    Raise ``ValueError`` where two panels have one name: pages, addresses and elements know them by it.
    """
    found: dict[str, Shelved] = {}
    for dashboard in PACKAGES:
        for panel in panels_of(dashboard):
            if panel.name not in found:
                found[panel.name] = Shelved(dashboard, panel)
            elif panel.kind not in _EVERYWHERE:
                raise ValueError(f"two panels are called {panel.name}: a page could not tell them apart")
    return tuple(found.values())


class PanelShelf:
    """The panels that pages are composed of, with the pages that the configuration file composes."""

    def __init__(self, shelved: Iterable[Shelved], pages: Sequence[PageSettings] = ()) -> None:
        self._shelved = {each.panel.name: each for each in shelved}
        self.pages = tuple(pages)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them."""
        return tuple(each.panel for each in self._shelved.values())

    def named(self, name: str) -> Panel | None:
        """Return a panel, ``None`` where there is none of that name."""
        found = self._shelved.get(name)
        return found.panel if found is not None else None

    def catalogue(self) -> list[dict[str, Any]]:
        """Return what the composer lists: a drawer comes with what opens it, a badge is the navigation's."""
        return [_described(each) for each in self._shelved.values() if each.placeable]

    def problems(self, page: PageSettings) -> list[Problem]:
        """Return what a page names that is not there: panels, options, values; and a panel too often."""
        return [problem for place in range(len(page.panels)) for problem in self._problems_at(page, place)]

    def frames(self, names: Iterable[str]) -> bytes:
        """Return ``{panels: {NAME: {frame, definition}}, drawers: [NAME, …]}`` as JSON; a name may end in ``~2``.

        In the place of a panel that is not there a notice says so. `drawers` are those that the panels open.
        """
        wanted = [name for name in dict.fromkeys(names) if _INSTANCE.fullmatch(name)]
        drawers = self._drawers(wanted)
        framed = {name: self._framed(name) for name in (*wanted, *drawers)}
        return orjson.dumps({"panels": framed, "drawers": drawers}, default=_component)

    def _problems_at(self, page: PageSettings, place: int) -> Iterator[Problem]:
        placed, key = page.panels[place], f"panels[{place}]"
        shelved = self._shelved.get(placed.panel)
        if shelved is None or not shelved.placeable:
            hint = did_you_mean(placed.panel, self._shelved)
            yield Problem(placed.panel, "a panel that there is", key=f"{key}.panel", hint=hint)
            return
        if shelved.once and placed.panel in (each.panel for each in page.panels[:place]):
            yield Problem(f"{placed.panel} again", "this panel once on a page", key=f"{key}.panel")
        options = {option.name: option for option in shelved.panel.options}
        for name, value in placed.options.items():
            choices = [choice for choice, _ in options[name].choices] if name in options else []
            where = f"{key}.options.{name}"
            if name not in options:
                told = f"an option of {placed.panel}" if options else f"nothing: {placed.panel} has no options"
                yield Problem(name, told, key=where, hint=did_you_mean(name, options))
            elif choices and value not in choices:
                hint = did_you_mean(value, choices)
                yield Problem(value or "nothing", f"one of {', '.join(choices)}", key=where, hint=hint)

    def _drawers(self, names: Iterable[str]) -> list[str]:
        homes = {panel.page for name in names if (panel := self.named(panel_name(name))) is not None}
        return [panel.name for panel in self.panels if panel.kind == "drawer" and panel.page in homes]

    def _framed(self, name: str) -> dict[str, Any]:
        base = panel_name(name)
        shelved = self._shelved.get(base)
        if shelved is None:
            return {"frame": _missing(name, _gone(base, self._shelved)), "missing": True}
        if name != base and shelved.once:
            return {"frame": _missing(name, "It can stand on a page once only."), "missing": True}
        panel = replace(shelved.panel, name=name)
        grid: Any = page_grid((panel,))
        return {"frame": grid.children[0], "definition": definition(panel)}


def _gone(name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    told = f'No panel is called "{name}" in this version: it was renamed or taken away.'
    return f"{told} {hint[0].upper()}{hint[1:]} Edit the page to replace it." if hint else f"{told} Edit the page."


def _missing(name: str, reason: str) -> Component:
    title = html.Header(html.H2(name, className="panel-title"), className="panel-header")
    notice = components.empty("This panel is not there", reason, icon_name="layout-dashboard")
    body = html.Div(notice, className="panel-body")
    return html.Section([title, body], id=f"panel-{name}", className="panel col-6")


def _described(shelved: Shelved) -> dict[str, Any]:
    panel = shelved.panel
    told = next((read.description for read in panel.reads), "").partition("\n")[0].removeprefix("Return ")
    return {
        "name": panel.name,
        "title": panel.title,
        "dashboard": shelved.dashboard,
        "page": panel.page,
        "width": panel.width,
        "kind": panel.kind,
        "description": told[:1].upper() + told[1:],
        "once": shelved.once,
        "options": [
            {"name": option.name, "label": option.label, "choices": option.choices, "kind": option.kind}
            for option in panel.options
            if option.kind != "hidden"
        ],
    }


def _component(value: Any) -> object:
    if isinstance(value, Component):
        plain: Any = value
        return plain.to_plotly_json()
    raise TypeError(f"{type(value).__name__} has no place in a frame")
