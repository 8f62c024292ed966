"""Where does a setting come from: which file and line, which variable, or the command line?"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from main.errors import Problem

Key = tuple[str | int, ...]  # ("bots", 0, "account") for bots[0].account


@dataclass(frozen=True, slots=True)
class Origin:
    """The place in what the user wrote that a value was read from."""

    file: str  # also "environment" and "command line"
    line: int | None = None
    name: str = ""  # of the variable; empty where the setting's own key is what the user wrote

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place} {self.name}".rstrip()

    def problem(self, got: str, expected: str, *, key: str = "", hint: str = "") -> Problem:
        """Return the problem at this place; `key` names the setting where no variable does."""
        return Problem(got, expected, key=self.name or key, file=self.file, line=self.line, hint=hint)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source says: nested values, the origin of each key, and what was wrong with the source itself."""

    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[Key, Origin] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def without(self, keys: Iterable[Key]) -> "Layer":
        """Return the layer as if it did not say anything about `keys`."""
        gone = frozenset(keys)
        left = {key: origin for key, origin in self.origins.items() if key not in gone}
        return Layer(_pruned(self.values, gone), left, self.problems)


def dotted(key: Key) -> str:
    """Write a key as the user knows it: `bots[0].account`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def parsed(text: str) -> Key:
    """Return the key that is written `panels[0].width`; the opposite of `dotted`."""
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", text))


def merged(layers: Iterable[Layer]) -> dict[str, Any]:
    """Return the nested values of all layers, strongest first; sections are joined, lists replaced."""
    result: dict[str, Any] = {}
    for layer in reversed(tuple(layers)):
        result = _joined(result, layer.values)
    return result


def origin_of(key: Key, layers: Iterable[Layer]) -> Origin | None:
    """Return where the strongest layer states `key` itself; None where every layer leaves it to its default."""
    return next((layer.origins[key] for layer in layers if key in layer.origins), None)


def nearest_origin(key: Key, layers: tuple[Layer, ...]) -> Origin | None:
    """Return the origin of `key`, or of the closest section or list around it that somebody wrote."""
    prefixes = (key[:length] for length in range(len(key), 0, -1))
    return next((origin for prefix in prefixes if (origin := origin_of(prefix, layers))), None)


def nested(entries: Iterable[tuple[Key, Any]]) -> dict[str, Any]:
    """Return flat keys as nested sections; a later entry replaces an earlier one of the same key."""
    result: dict[str, Any] = {}
    for key, value in entries:
        section: Any = value
        for part in reversed(key):
            section = {part: section}
        result = _joined(result, section)
    return result


def flat(values: Mapping[str, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield every value that is no section with its whole key."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, (*above, name))
        else:
            yield (*above, name), value


def _joined(weaker: Mapping[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(weaker)
    for name, value in stronger.items():
        below = result.get(name)
        result[name] = _joined(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def _pruned(values: Mapping[str, Any], gone: frozenset[Key], above: Key = ()) -> dict[str, Any]:
    return {
        name: _pruned(value, gone, (*above, name)) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if (*above, name) not in gone
    }
