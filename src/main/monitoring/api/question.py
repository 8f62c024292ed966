"""What does a request ask: which read, of which accounts, about which time, with which parameters?

REST and the command line bring texts by name, and get every mistake in them at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, get_origin, get_type_hints

from main.domain.scope import WINDOWS, Scope
from main.errors import Problem
from main.exporters.json import Decimals
from main.monitoring.api.parsing import Parsing, own_names
from main.monitoring.read import Read

MOST_ROWS = 100_000
"""The largest ``limit`` of a list that is no page: what is more belongs into an export, not into one answer."""
WINDOW = "1D"
"""The range where none is given."""

COMMON = {
    "accounts": "Account ids, parted by commas; without it every account the caller may see.",
    "range": f"The window: {', '.join(WINDOWS)}, a number of days such as 45d, or FROM..TO in ISO dates or times.",
    "as_of": "A past moment (ISO 8601 with its zone) to look from, with all that is known now; without it, live.",
    "known_at": "Only what was known at this moment (ISO 8601 with its zone).",
    "strategy": "Only this strategy.",
    "decimals": "How exact decimals are written: number or string.",
    "limit": f"At most so many rows, 1 to {MOST_ROWS}, from the start of the list; a page's size where the read pages.",
}
"""The parameters that every read takes, and what they mean; ``limit`` only where there is a list."""


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


def question(read: Read[Any], given: Mapping[str, str], problems: Collection[Problem] = ()) -> Question:
    """Return what the texts in `given` ask of `read`.

    Raise `ConfigurationError` with every mistake in them, and with the `problems` that the caller knows of already.
    """
    asked = Parsing(given, parameters_of(read))
    asked.problems.extend(problems)
    limit = None if "limit" in own_names(read) else asked.whole("limit", 1, MOST_ROWS)
    result = Question(read, asked.scope(WINDOW), asked.params(read), limit, asked.decimals())
    asked.finish()
    return result


def parameters_of(read: Read[Any]) -> tuple[str, ...]:
    """Return the names of the parameters a read takes, the common ones first."""
    common = tuple(name for name in COMMON if name != "limit" or lists(read))
    return tuple(dict.fromkeys((*common, *own_names(read))))


def lists(read: Read[Any]) -> bool:
    """Return whether a read's value is a list, so that it can be cut to a limit."""
    return get_origin(get_type_hints(read.fetch)["return"]) is list
