"""What does a request ask: which read, of which accounts, about which time, with which parameters?

REST and the command line bring texts by name, and get every mistake in them at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from main.clock import parse_moment
from main.domain.scope import WINDOWS, Scope, account_id
from main.errors import ConfigurationError, Problem, did_you_mean
from main.monitoring.api.json import Decimals
from main.monitoring.read import Read

MOST_ROWS = 100_000
"""The largest ``limit``: what is more belongs into an export, not into one answer held in memory."""

COMMON = {
    "accounts": "Account ids, parted by commas; without it every account the caller may see.",
    "range": f"The window: {', '.join(WINDOWS)}, or FROM..TO in ISO dates or times.",
    "as_of": "A past moment (ISO 8601 with its zone) to look from, with all that is known now; without it, live.",
    "known_at": "Only what was known at this moment (ISO 8601 with its zone).",
    "strategy": "Only this strategy.",
    "decimals": "How exact decimals are written: number or string.",
    "limit": f"At most so many rows, 1 to {MOST_ROWS}, from the start of the list.",
}
"""The parameters that every read takes, and what they mean."""

_WRITING = frozenset(get_args(Decimals))
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d\Z)")  # an unescaped "+" of a zone arrives as a space


@dataclass(frozen=True, slots=True)
class Question:
    """A read with all it needs to be asked; ``scope.accounts`` is empty where the caller named none."""

    read: Read[Any]
    scope: Scope
    params: Any
    limit: int | None
    decimals: Decimals

    def limited(self, value: Any) -> Any:  # a read's value is of any type
        """Return `value`, cut to the limit where it is a list."""
        return value[: self.limit] if self.limit is not None and isinstance(value, list | tuple) else value


def question(read: Read[Any], given: Mapping[str, str]) -> Question:
    """Return what the texts in `given` ask of `read`; raise `ConfigurationError` with every mistake in them."""
    asked = _Parsing(read, given)
    result = asked.question()
    if asked.problems or result is None:
        raise ConfigurationError(asked.problems)
    return result


def parameters_of(read: Read[Any]) -> tuple[str, ...]:
    """Return the names of the parameters a read takes, the common ones first."""
    own = tuple(spec.name for spec in fields(read.params)) if read.params is not None else ()
    return tuple(dict.fromkeys((*COMMON, *own)))


@cache
def _adapter(params: type) -> TypeAdapter[Any]:
    return TypeAdapter(params)


class _Parsing:
    def __init__(self, read: Read[Any], given: Mapping[str, str]) -> None:
        self.read = read
        self.given = given
        self.problems: list[Problem] = []

    def question(self) -> Question | None:
        known = parameters_of(self.read)
        for name in self.given:
            if name not in known:
                hint = did_you_mean(name, known)
                self.problems.append(Problem(f'"{name}"', f"one of {', '.join(known)}", key=name, hint=hint))
        scope = self._scope()
        limit = self._limit()
        params = self._params()
        decimals = self._decimals()
        return Question(self.read, scope, params, limit, decimals) if scope is not None else None

    def _scope(self) -> Scope | None:
        accounts = self._accounts()
        as_of, known_at = self._moment("as_of"), self._moment("known_at")
        strategy = self.given.get("strategy") or None
        window = self.given.get("range", "1D")
        try:
            return Scope(accounts, window, as_of, known_at, strategy)
        except (ValueError, OverflowError):
            expected = f"{', '.join(WINDOWS)}, or FROM..TO in ISO form with FROM before TO"
            self._wrong("range", expected, did_you_mean(window, WINDOWS))
            return None

    def _accounts(self) -> tuple[str, ...]:
        try:
            return tuple(account_id(each.strip()) for each in self.given.get("accounts", "").split(",") if each.strip())
        except ValueError:
            self._wrong("accounts", "account ids of letters, digits and _ . @ -, parted by commas")
            return ()

    def _moment(self, name: str) -> datetime | None:
        if name not in self.given:
            return None
        try:
            return parse_moment(_LOST_PLUS.sub("+", self.given[name]), name)
        except ValueError:
            self._wrong(name, "an ISO 8601 time with its zone, such as 2026-11-20T14:32:05Z")
            return None

    def _limit(self) -> int | None:
        text = self.given.get("limit")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MOST_ROWS):
            self._wrong("limit", f"a whole number from 1 to {MOST_ROWS}")
            return None
        return int(text)

    def _decimals(self) -> Decimals:
        text = self.given.get("decimals", "number")
        if text not in _WRITING:
            self._wrong("decimals", "number or string")
        return "string" if text == "string" else "number"

    def _params(self) -> Any:  # the read's own dataclass
        if self.read.params is None:
            return None
        own = {spec.name for spec in fields(self.read.params)}
        try:
            return _adapter(self.read.params).validate_strings({k: v for k, v in self.given.items() if k in own})
        except ValidationError as error:
            for each in error.errors(include_url=False):
                name = str(each["loc"][0]) if each["loc"] else self.read.name
                self.problems.append(Problem(self._shown(name), each["msg"], key=name))
            return None

    def _wrong(self, name: str, expected: str, hint: str = "") -> None:
        self.problems.append(Problem(self._shown(name), expected, key=name, hint=hint))

    def _shown(self, name: str) -> str:
        text = self.given.get(name)
        return "nothing" if text is None else f'"{text[:80]}"'
