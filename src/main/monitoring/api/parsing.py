"""What do the texts of a request mean: its accounts, window, moments, numbers and choices, every mistake at once?"""

import re
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from main.clock import parse_moment
from main.domain.scope import WINDOWS, Scope, account_id
from main.errors import ConfigurationError, Problem, did_you_mean
from main.exporters.json import Decimals
from main.monitoring.parameters import own_parameters
from main.monitoring.read import Read

LONGEST = 4_000
"""Characters of a text; no name and no search is as long. A list of accounts may be."""
FIRST_YEAR, LAST_YEAR = 1970, 2100
"""Moments outside are slips of the pen, and calendars that end (year 9999) would break what is reckoned from them."""
WINDOWS_EXPECTED = f"{', '.join(WINDOWS)}, a number of days such as 45d, or FROM..TO in ISO form with FROM before TO"
MOMENT_EXPECTED = "an ISO 8601 time with its zone, such as 2026-11-20T14:32:05Z"

_KINDS_EXPECTED = {"whole number": "a whole number", "number": "a number", "yes or no": "true or false"}
_WRITING: tuple[Decimals, ...] = get_args(Decimals)
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d\Z)")  # an unescaped "+" of a zone arrives as a space
_OWN_WORDS = re.compile(r"Value error, (?P<name>\w+): (?:got .*?, )?expected (?P<expected>.*)", re.DOTALL)
_MOST_DIGITS = 9


class Parsing:
    """The texts of one request, by name; what they mean is asked for piece by piece, and `finish` tells of mistakes."""

    def __init__(self, given: Mapping[str, str], known: Collection[str]) -> None:
        """Take the texts, and the names that there are."""
        self.problems: list[Problem] = []
        self._shown = given
        self._given: dict[str, str] = {}
        for name, text in given.items():
            if name not in known:
                expected = f"one of {', '.join(known)}"
                hint = did_you_mean(name, known)
                self.problems.append(Problem(f'"{_clean(name)}"', expected, key=_clean(name), hint=hint))
            elif _hostile(text) or (len(text) > LONGEST and name != "accounts"):
                self.wrong(name, f"at most {LONGEST} characters that are text")
            else:
                self._given[name] = text

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str = "") -> str:
        """Return a text as it was given."""
        return self._given.get(name, default)

    def wrong(self, name: str, expected: str, hint: str = "") -> None:
        """Take note of a mistake."""
        text = self._shown.get(name)
        got = "nothing" if text is None else f'"{_clean(text)}"'
        self.problems.append(Problem(got, expected, key=name, hint=hint))

    def finish(self) -> None:
        """Raise `ConfigurationError` with every mistake that was found."""
        if self.problems:
            raise ConfigurationError(self.problems)

    def scope(self, window: str) -> Scope:
        """Return what is asked about; `window` is where no range is given, or that of other parameters."""
        accounts = self._accounts()
        as_of, known_at = self.moment("as_of"), self.moment("known_at")
        asked = self.text("range", window)
        try:
            scope = Scope(accounts, asked, as_of, known_at, self.text("strategy") or None)
            if ".." in asked and not _within(asked):
                raise ValueError(asked)
        except (ValueError, OverflowError):
            self.wrong("range", f"{WINDOWS_EXPECTED}, from {FIRST_YEAR} to {LAST_YEAR}", did_you_mean(asked, WINDOWS))
            return Scope(accounts, as_of=as_of, known_at=known_at)
        return scope

    def _accounts(self) -> tuple[str, ...]:
        try:
            return tuple(account_id(each.strip()) for each in self.text("accounts").split(",") if each.strip())
        except ValueError:
            self.wrong("accounts", "account ids of letters, digits and _ . @ -, parted by commas")
            return ()

    def moment(self, name: str) -> datetime | None:
        """Return a moment, ``None`` where it is not given."""
        if name not in self:
            return None
        try:
            moment = parse_moment(_LOST_PLUS.sub("+", self.text(name)), name)
            if FIRST_YEAR <= moment.year <= LAST_YEAR:
                return moment
        except ValueError:
            pass
        self.wrong(name, f"{MOMENT_EXPECTED}, from {FIRST_YEAR} to {LAST_YEAR}")
        return None

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number, ``None`` where it is not given."""
        if name not in self:
            return None
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and least <= int(text) <= most:
            return int(text)
        self.wrong(name, f"a whole number from {least} to {most}")
        return None

    def decimals(self) -> Decimals:
        """Return how exact decimals are written."""
        text = self.text("decimals", _WRITING[0])
        for writing in _WRITING:
            if writing == text:
                return writing
        self.wrong("decimals", " or ".join(_WRITING))
        return _WRITING[0]

    def params(self, read: Read[Any], fixed: Mapping[str, str] | None = None) -> Any:
        """Return a read's own parameters, with those that are `fixed`; ``None`` where it has none, or after a mistake.

        Its dataclass stops at the first mistake; it is asked again without that one, until there is none it tells of.
        """
        if read.params is None:
            return None
        asked = {name: self._given[name] for name in own_names(read) if name in self} | dict(fixed or {})
        found: set[str] = set()
        while True:
            try:
                params = _adapter(read.params).validate_strings(asked)
            except ValidationError as error:
                wrong = {self._own(read, each, found) for each in error.errors(include_url=False)} - found
                found |= wrong
                if not wrong:
                    return None
                asked = {name: text for name, text in asked.items() if name not in wrong} | _stand_ins(error)
            else:
                return None if found else params

    def _own(self, read: Read[Any], error: Mapping[str, Any], found: Collection[str]) -> str:
        told = _OWN_WORDS.fullmatch(error["msg"])
        name = str(error["loc"][0]) if error["loc"] else told["name"] if told else read.name
        if name not in found and told:
            self.wrong(name, told["expected"])
        elif name not in found:
            self.wrong(name, *_expected(read, name, error["type"], self.text(name)))
        return name


def _expected(read: Read[Any], name: str, kind: str, got: str) -> tuple[str, str]:
    """Return what a parameter of a read may be and what was probably meant, in words of ours, not the validator's."""
    parameter = next((each for each in own_parameters(read) if each.name == name), None)
    if kind.startswith(("datetime", "date_", "timezone")):
        return MOMENT_EXPECTED, ""
    if parameter is None or kind.startswith("missing"):
        return "a value", ""
    if parameter.choices:
        return f"one of {', '.join(parameter.choices)}", did_you_mean(got, parameter.choices)
    return _KINDS_EXPECTED.get(parameter.kind, parameter.kind), ""


def _stand_ins(error: ValidationError) -> dict[str, str]:
    """Something for what must be given and is not, so that the dataclass looks at the rest."""
    return {str(each["loc"][0]): "1" for each in error.errors() if each["type"] == "missing"}


def own_names(read: Read[Any]) -> tuple[str, ...]:
    """Return the names of a read's own parameters."""
    return tuple(spec.name for spec in fields(read.params)) if read.params is not None else ()


@cache
def _adapter(params: type) -> TypeAdapter[Any]:
    return TypeAdapter(params)


def _hostile(text: str) -> bool:
    """Whether a text has what neither PostgreSQL nor JSON can hold."""
    return "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def _clean(text: str) -> str:
    return text[:80].encode(errors="backslashreplace").decode()


def _within(window: str) -> bool:
    ends = [datetime.fromisoformat(part) for part in window.split("..")]
    return all(FIRST_YEAR <= end.year <= LAST_YEAR for end in ends)
