"""How do the answers of reads become the document of a named path? By lines of a table, not by a handler each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from main.monitoring.api.named_flat import REASONS, Precision, figures_of, flat, renamed
from main.monitoring.api.named_rows import Values
from main.monitoring.api.parsing import own_names
from main.monitoring.read import Read

ITEMS = "items"
MOST = 5_000
"""Items of a list that is no page."""

Rows = Callable[[Values], Sequence[Any]]
Choice = Callable[[Values, Sequence[Any]], int | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One question that a path asks: a read, under a name of its own, with parameters that are not the caller's."""

    name: str
    read: Read[Any]
    fixed: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The read's own parameters that the caller may give."""
        return tuple(name for name in own_names(self.read) if name not in self.fixed)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of one type, out of what the parts answered."""

    row: type
    rows: Rows
    only: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the fields that are told."""
        return _columns(self.row, self.only)

    def told(self, row: Any, precision: Precision, names: Mapping[str, str]) -> dict[str, Any]:
        """Return a row as plain values, under other names where there are such."""
        return renamed(flat(row, precision, self.columns), names)


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one thing each: all under ``items``, and a single one flat in the document too.

    Rows of several sources stand beside one another where they have the same `key`. `choice` picks the place of the one
    that is told flat where there are several; without it none is, and the note says which `kind` to name.
    """

    sources: tuple[Source, ...]
    key: str = "currency"
    kind: str = "currencies"
    names: Mapping[str, str] = field(default_factory=dict)
    choice: Choice | None = None
    under: str = ""  # where the flat ones are put; "" is the document itself
    items: str = ITEMS
    series: tuple[str, ...] = ()  # those of the columns that are lists, cut to the newest of them
    limit: int | None = None

    @property
    def columns(self) -> dict[str, type]:
        """The names under which figures are told, each with the row type that it comes from."""
        found: dict[str, type] = {}
        for source in self.sources:
            for name in source.columns:
                found.setdefault(self.names.get(name, name), source.row)
        return found

    @property
    def reasoned(self) -> bool:
        """Whether any of the figures may be missing for a reason."""
        return any(figures_of(source.row, source.columns) for source in self.sources)

    @property
    def _nothing(self) -> dict[str, Any]:
        return dict.fromkeys(self.columns) | ({REASONS: {}} if self.reasoned else {})

    def document(self, values: Values, precision: Precision, limit: int | None) -> dict[str, Any]:
        """Return the members of the answer."""
        first = self.sources[0].rows(values)
        items = self._beside(values, precision)
        for item in items:
            item |= {name: item[name][-(limit or self.limit or MOST) :] for name in self.series}
        place = self.choice(values, first) if self.choice else 0 if len(items) == 1 else None
        chosen = items[place] if place is not None else self._nothing
        found: dict[str, Any] = {self.under: chosen} if self.under else dict(chosen)
        if place is None and len(items) > 1:
            keys = ", ".join(dict.fromkeys(str(item[self.names.get(self.key, self.key)]) for item in items))
            found["note"] = f"{len(items)} {self.kind} are never added: see {self.items} ({keys})"
        elif not items:
            found["note"] = "nothing is recorded that tells it"
        return found | {self.items: items}

    def _beside(self, values: Values, precision: Precision) -> list[dict[str, Any]]:
        found: dict[Any, dict[str, Any]] = {}
        for source in self.sources:
            for place, row in enumerate(source.rows(values)):
                told = source.told(row, precision, self.names)
                key = getattr(row, self.key) if len(self.sources) > 1 else place
                before = found.get(key, {})
                reasons = before.get(REASONS, {}) | told.get(REASONS, {})
                found[key] = told | before | ({REASONS: reasons} if self.reasoned else {})
        # A currency may be known to one read and not to the other.
        return [self._nothing | told for told in found.values()]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of rows under a name; `limit` keeps so many where they are not paged: the first, or the `newest`."""

    source: Source
    name: str = ITEMS
    names: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    newest: bool = False
    of_each: str = ""  # the limit is one of each value of this field

    def document(self, values: Values, precision: Precision, limit: int | None) -> dict[str, Any]:
        """Return the members of the answer."""
        rows = list(self.source.rows(values))
        counted = {} if self.limit is None else {"total": len(rows)}
        rows = self._limited(rows, limit or self.limit) if self.limit is not None else rows
        return counted | {self.name: [self.source.told(row, precision, self.names) for row in rows]}

    def _limited(self, rows: list[Any], limit: int) -> list[Any]:
        parts: dict[Any, list[Any]] = {}
        for row in rows:
            parts.setdefault(getattr(row, self.of_each) if self.of_each else "", []).append(row)
        return [row for part in parts.values() for row in (part[-limit:] if self.newest else part[:limit])]


@dataclass(frozen=True, slots=True)
class Object:
    """One object, flat in the document or `under` a name; all of it is ``None`` where there is none."""

    source: Source
    names: Mapping[str, str] = field(default_factory=dict)
    under: str = ""
    missing: str = "nothing of it was recorded"

    @property
    def reasoned(self) -> bool:
        """Whether any of its figures may be missing for a reason."""
        return bool(figures_of(self.source.row, self.source.columns))

    def document(self, values: Values, precision: Precision, limit: int | None) -> dict[str, Any]:
        """Return the members of the answer."""
        rows = self.source.rows(values)
        if rows:
            told = self.source.told(rows[0], precision, self.names)
            return {self.under: told} if self.under else told
        if self.under:
            return {self.under: None}
        nothing = dict.fromkeys(self.names.get(name, name) for name in self.source.columns)
        return nothing | ({REASONS: {}} if self.reasoned else {}) | {"note": self.missing}


@dataclass(frozen=True, slots=True)
class Mapped:
    """One number a key, such as a day, in the document itself; all ``None`` where they are of several currencies."""

    source: Source
    key: str
    value: str

    def document(self, values: Values, precision: Precision, limit: int | None) -> dict[str, Any]:
        """Return the members of the answer."""
        rows = self.source.rows(values)
        currencies = sorted({row.currency for row in rows})
        if len(currencies) > 1:
            note = f"{len(currencies)} currencies are never added: see items ({', '.join(currencies)})"
            return dict.fromkeys(str(getattr(row, self.key)) for row in rows) | {"note": note}
        return {str(getattr(row, self.key)): flat(row, precision, (self.value,))[self.value] for row in rows}


Member = Figures | Object | Mapped | Listing


@dataclass(frozen=True, slots=True)
class NamedPath:
    """One line of the table: what is asked, and what the answer's document is made of.

    ``dates``: the window is that of ``start_date`` and ``end_date``; ``days``: that of so many days, this many if none
    is said. ``aliases`` are other names of the reads' parameters, with their bounds. ``partial``: it answers with what
    is known where one of its parts has no answer.
    """

    path: str
    summary: str
    parts: tuple[Part, ...]
    members: tuple[Member, ...]
    window: str = "1D"
    dates: bool = False
    days: int | None = None
    aliases: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)
    partial: bool = False

    @property
    def about_suite(self) -> bool:
        """Whether nothing of it is of any account's money, so that it is served on every dashboard."""
        return all(part.read.about == "suite" for part in self.parts)

    @property
    def limits(self) -> tuple[int, int] | None:
        """What ``limit`` is if it is not said, and at most; ``None`` where nothing of the answer is a list to cut."""
        for member in self.members:
            if isinstance(member, Listing | Figures) and member.limit is not None:
                return member.limit, MOST
        return None

    def document(self, values: Values, *, exact: bool, limit: int | None) -> dict[str, Any]:
        """Return the members of the answer; the notes of several are joined."""
        precision = Precision(exact)
        found: dict[str, Any] = {}
        notes: list[str] = []
        for member in self.members:
            told = member.document(values, precision, limit)
            notes.append(told.pop("note", ""))
            found |= told
        return found | {"note": "; ".join(filter(None, dict.fromkeys(notes)))}


@cache
def _columns(row: Any, only: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(row) if not only or spec.name in only)
