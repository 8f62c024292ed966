"""How does a panel become bytes for the browser? Drawn once, encoded by orjson, and never an exception."""

from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson
import structlog
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.errors import UnknownName
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.chosen import Wanted, addresses, panel_name, wanted
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.read import Answer, Read, State

_log = structlog.get_logger(__name__)


class PanelEncoder:
    """The panels of one dashboard, as `main.monitoring.api.pictures.Encoder` wants them."""

    def __init__(self, panels: Iterable[Panel]) -> None:
        self._panels = {panel.name: panel for panel in panels}

    def asks(self, panel: str) -> tuple[tuple[Read[Any], Hashable], ...]:
        """Return what a panel asks, ``NAME`` or ``NAME?OPTION=VALUE``, each read with its parameters.

        Raise `UnknownName` for a panel, an option or a value that is not there.
        """
        return self._wanted(panel).asks

    def scope(self, panel: str, page: Scope) -> Scope:
        """Return what a panel asks about: what its page does, or the range that it was zoomed to."""
        return self._wanted(panel).scope(page)

    def encode(self, panel: str, answers: Mapping[str, Answer[Any]], scope: Scope) -> bytes:
        """Draw a panel: the members ``figure`` and ``children``, ``subtitle`` and ``offers`` where it has them.

        ``rows`` is where the API has the rows behind it; it is left out where that is only the reads' names. A drawing
        that fails is logged and becomes the panel's error state, marked ``broken``.
        """
        try:
            return _renamed(panel, _encoded(_members(self._wanted(panel), answers, scope)))
        except Exception as error:  # noqa: BLE001  # a boundary: one broken drawing must not take the page with it
            _log.exception("panel failed", panel=panel, scope=repr(scope))
            details = f"{panel}: {type(error).__name__}: {error}"
            notice = components.failed("It could not be drawn; the log has more.", details)
            return _encoded({"children": notice, "broken": True})

    def _wanted(self, written: str) -> Wanted:
        name = panel_name(written)
        try:
            panel = self._panels[name]
        except KeyError:
            raise UnknownName("panel", name, self._panels) from None
        return wanted(panel, written)


def _members(asked: Wanted, answers: Mapping[str, Answer[Any]], scope: Scope) -> dict[str, Any]:
    panel = asked.panel
    unanswered = next((answer for answer in answers.values() if answer.value is None and answer.error), None)
    # What this process knows by itself (a live read) is worth showing while the database is away.
    known = any(read.source == "live" and answers[read.name].value is not None for read in panel.reads)
    if unanswered is not None and not known:
        return {"children": _without_answer(unanswered)}
    given = Answers(answers, asked.chosen)
    members = _drawn(panel.draw(given, scope))
    rows = addresses(asked)
    if rows != [read.name for read in panel.reads]:
        members["rows"] = rows
    if panel.caption is not None:
        members["subtitle"] = panel.caption(given, scope)
    if panel.offers is not None:
        members["offers"] = panel.offers(given, scope)
    return members


def _drawn(drawing: Drawing) -> dict[str, Any]:
    match drawing:
        case Picture(heading, figure):
            return {"figure": figure, "children": heading}
        case dict():
            return {"figure": drawing}
        case _:
            return {"children": drawing}


def _renamed(written: str, content: bytes) -> bytes:
    """Give a grid in a panel that stands on the page again an id of its own; nothing else that is drawn has one."""
    name, base = written.partition("?")[0], panel_name(written)
    return content if name == base else content.replace(f'"grid-{base}"'.encode(), f'"grid-{name}"'.encode())


def _without_answer(answer: Answer[Any]) -> Component:
    if answer.state is State.UNREACHABLE:
        reason = "Nothing was read yet. It is tried again by itself."
        return components.empty("The database cannot be reached", reason, icon_name="unplug")
    return components.failed(answer.freshness.detail or answer.error or "", answer.error or "")


def _encoded(members: Mapping[str, Any]) -> bytes:
    return orjson.dumps(members, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _plain(value: object) -> object:
    match value:
        case Component():
            return _as_json(value)
        case Decimal():
            return float(value)
        case set() | frozenset() | range():
            return list(value)
        case _ if hasattr(value, "to_plotly_json"):
            return _as_json(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no place in a drawing")


def _as_json(value: Any) -> object:
    return value.to_plotly_json()
