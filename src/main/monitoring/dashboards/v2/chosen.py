"""What did the viewer choose of a panel's options, as the page writes it: ``NAME?OPTION=VALUE&…``?"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

from main.domain.scope import Scope
from main.errors import ConfigurationError, Problem, UnknownName
from main.monitoring.dashboards.v2.panel import Chosen, Option, Panel
from main.monitoring.read import Read

LONGEST = 1000
"""Characters of a value that is typed or a name out of the data, such as a trade's; its read knows better."""
AGAIN = "~"
"""Parts the name of a panel that stands on a page more than once from its number: ``NAME~2``."""
ZOOM = "zoom"
"""The range that a zoomed chart shows, ``FROM..TO``, instead of the page's: for a panel that `refines`."""
SHOWN = 64  # characters of a wrong one that are repeated
MOST_OPTIONS = 16
MOST_DIGITS = 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """A panel as a viewer wants it: what it asks, with which parameters, what was chosen, and the range of a zoom."""

    panel: Panel
    chosen: Chosen
    asks: tuple[tuple[Read[Any], Hashable], ...]
    zoom: str | None = None

    def scope(self, page: Scope) -> Scope:
        """Return what is asked about on a page of this scope; raise `ConfigurationError` for a wrong zoom."""
        try:
            return replace(page, window=self.zoom) if self.zoom else page
        except ValueError as error:
            problem = Problem(str(error)[:LONGEST], "FROM..TO, both with their zone", key=f"{self.panel.name}.{ZOOM}")
            raise ConfigurationError(problem) from None


def panel_name(written: str) -> str:
    """Return the panel's name without what was chosen, and without the number of one that stands there again."""
    name = written.partition("?")[0]
    base, _, number = name.partition(AGAIN)
    return base if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS else name


def wanted(panel: Panel, written: str) -> Wanted:
    """Return what `written` asks of its panel.

    Raise `UnknownName` for an option or a value that there is not, `ConfigurationError` for one that makes no sense.
    """
    options = {option.name: option for option in panel.options}
    chosen = {option.name: option.default for option in panel.options}
    zoom = None
    for name, value in _given(panel, written):
        if name == ZOOM and panel.refines:
            zoom = value
            continue
        if name not in options:
            raise UnknownName(f"option of the panel {panel.name}", name[:SHOWN], options)
        _check(panel, options[name], value)
        chosen[name] = value
    return Wanted(panel, chosen, _asks(panel, chosen), zoom)


def addresses(asked: Wanted) -> list[str]:
    """Return what the panel asks as the API takes it: ``READ`` or ``READ?PARAMETER=VALUE``, without the view."""
    return [
        f"{read.name}?{urlencode(given)}" if (given := dict(_parameters(read, params))) else read.name
        for read, params in asked.asks
    ]


def _parameters(read: Read[Any], params: Hashable) -> Iterator[tuple[str, str]]:
    if not is_dataclass(params):
        return
    for each in fields(params):
        value = getattr(params, each.name)
        if value is not None and value != getattr(read.defaults, each.name, None):
            yield each.name, value.isoformat() if isinstance(value, date) else str(value)


def _given(panel: Panel, written: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(written.partition("?")[2], keep_blank_values=True, max_num_fields=MOST_OPTIONS)
    except ValueError:
        raise ConfigurationError(Problem("too many options", f"at most {MOST_OPTIONS}", key=panel.name)) from None


def _check(panel: Panel, option: Option, value: str) -> None:
    known = [choice for choice, _ in option.choices]
    if known and value not in known:
        raise UnknownName(f"{option.label.lower()} of the panel {panel.name}", value[:SHOWN], known)
    if len(value) > LONGEST:
        problem = Problem(f"{len(value)} characters", f"at most {LONGEST}", key=f"{panel.name}.{option.name}")
        raise ConfigurationError(problem)


def _asks(panel: Panel, chosen: Chosen) -> tuple[tuple[Read[Any], Hashable], ...]:
    try:
        params = panel.params(chosen) if panel.params is not None else {}
    except ValueError as error:
        key = f"{panel.name} with {', '.join(f'{name} {value!r}' for name, value in chosen.items())}"
        raise ConfigurationError(Problem(str(error), "a value that the panel takes", key=key)) from None
    return tuple((read, params.get(read)) for read in panel.reads)
