"""What a panel is: which reads it asks, where it stands on its page, and how it draws their answers.

One picture is one module of `panels/trading` or `panels/system` with a module-level ``PANEL``. The shell draws the
frame (title, unit, freshness badge, skeleton, the states of trouble); ``draw`` fills the body and knows nothing of age:

- a figure dict of `figures` for a chart, or a `Picture` for a chart with a line of figures above it;
- a Dash component of `components` or `table` for everything else, `components.empty` where nothing was recorded.

``draw`` is synchronous, quick, and called once for all viewers of a view: it formats with `main.text` and leaves every
time as it is (`components.moment`), because only the browser knows the viewer's zone. An exception in it becomes this
one panel's error state. The badge shows the worst freshness of the panel's reads.

What changes the question a panel asks (by symbol or by weekday, which book) is one of its `options`: shown in its
header, kept in the URL, drawn once for all who chose alike. What the viewer types into or presses is no part of
``draw`` either, or every update would take it out of their hands: it is in ``controls``, mounted once with the page,
and ``connect`` registers the callbacks of its elements.
"""

import importlib
import pkgutil
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Protocol, TypeVar

from dash import Dash
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.errors import UnknownName
from main.monitoring.read import Answer, Read

T = TypeVar("T")
FigureDict = dict[str, Any]
"""A Plotly figure as plain data without a template; colours are tokens such as ``@loss`` (see `figures`)."""

CHART_HEIGHTS = (120, 180, 240, 300, 400)


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with something above it in the same panel, such as the figure it ends in."""

    heading: Component
    figure: FigureDict


Chosen = Mapping[str, str]
"""What a viewer chose of each of a panel's options."""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of the viewer's that changes what a panel asks.

    ``choices`` pairs values with their words, the first is where it begins. Without any, the values are names that the
    data have, such as symbols: the panel's ``offers`` lists them, and the empty text is where it begins. ``kind`` is
    "text" for what is typed, and "hidden" for what is chosen by elements inside the panel (`table.choose`): a column to
    sort by, a page, a row to open. Any other choice begins again at the first ``page``.
    A ``shared`` one is chosen once for all panels that have it, NAME in the URL; PANEL.NAME is for one of them alone.
    """

    name: str
    label: str
    choices: tuple[tuple[str, str], ...] = ()
    kind: Literal["choice", "text", "hidden"] = "choice"
    shared: bool = False

    @property
    def default(self) -> str:
        """The value where the viewer chose nothing."""
        return self.choices[0][0] if self.choices else ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers a panel draws, by read: ``answers[equity.READ].value``; ``chosen`` has its options' values."""

    by_name: Mapping[str, Answer[Any]]
    chosen: Chosen = field(default_factory=dict)

    def __getitem__(self, read: Read[T]) -> Answer[T]:
        """Return the answer of a read. Raise `UnknownName` for one that the panel did not list in ``reads``."""
        try:
            return self.by_name[read.name]
        except KeyError:
            raise UnknownName(
                "answer for this panel: list the read in PANEL's reads", read.name, self.by_name
            ) from None


class Ask(Protocol):
    """Asks a read on behalf of the viewer whose callback runs, and waits for the answer."""

    def __call__(self, read: Read[T], scope: Scope, params: Hashable = None) -> Answer[T]:
        """Return the answer, for those of the scope's accounts that the viewer may see.

        Raises AccessDenied where the read is not for them.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a panel's callbacks are registered with, ``app.callback(…)``, and what they ask.

    They are synchronous functions and run in the dashboard's threads, off its event loop.
    """

    app: Dash
    ask: Ask


Drawing = Component | FigureDict | Picture


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture and its place.

    ``page`` is a page of `navigation`, ``width`` counts of 12 columns, ``order`` sorts a page (10, 20, …), ``height``
    is the body's in pixels (a chart height of the guide; ``None``: as its content). ``subtitle`` names unit and scope;
    ``caption``, where given, computes it from the answers. ``legend`` pairs a label with the token of its colour.
    ``flush`` content (tables, bands, feeds) reaches the panel's edges; a ``strip`` is a line without frame or badge; a
    ``drawer`` lies over the page while its first option has a value; a ``badge`` is a count at its page's entry in the
    navigation, kept up to date on every page.
    ``params`` makes the parameters of reads from the chosen `options`; it raises ``ValueError`` for a bad one.
    ``offers`` names what there is to choose of an option without fixed choices.
    ``refines`` says that a shorter range shows the same values, only finer: then a chart that is zoomed asks for the
    points of what it shows (`chosen.ZOOM`), and what is of the whole range carries ``WHOLE`` (see `figures.parts`).
    ``controls`` makes what stands above (or instead of) the drawing and is never drawn again, ``connect`` its
    callbacks; their elements' ids begin with the panel's name. ``also_on`` names further pages that show it.
    """

    name: str
    title: str
    page: str
    reads: tuple[Read[Any], ...]
    draw: Callable[[Answers, Scope], Drawing]
    width: int = 12
    order: int = 100
    height: int | None = None
    kind: Literal["figure", "content", "flush", "strip", "drawer", "badge"] = "content"
    subtitle: str = ""
    caption: Callable[[Answers, Scope], str] | None = None
    legend: tuple[tuple[str, str], ...] = ()
    skeleton: Literal["chart", "table", "band", "lights", "feed"] = "chart"
    options: tuple[Option, ...] = ()
    params: Callable[[Chosen], Mapping[Read[Any], Hashable]] | None = None
    offers: Callable[[Answers, Scope], Mapping[str, Sequence[str]]] | None = None
    refines: bool = False
    controls: Callable[[], Component] | None = None
    connect: Callable[[Wiring], None] | None = None
    also_on: tuple[str, ...] = ()


@cache
def panels_of(dashboard: str) -> tuple[Panel, ...]:
    """Return the panels of a dashboard ("trading" or "system") in reading order."""
    package = importlib.import_module(f"main.monitoring.dashboards.v2.panels.{dashboard}")
    modules = (importlib.import_module(m.name) for m in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    return tuple(sorted((module.PANEL for module in modules), key=lambda panel: (panel.order, panel.name)))
