"""What does a page want to see? Its message as the socket brought it, checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from main.domain.scope import Scope
from main.errors import ConfigurationError, Problem
from main.monitoring.api.directory import Selection
from main.monitoring.api.parsing import Parsing

MAX_PANELS = 80
MAX_MESSAGE = 64 * 1024
_ADDRESS = {"window": "range", "as_of": "as_of", "known_at": "known_at", "strategy": "strategy"}
"""The parts of a view that a page takes from its address, and what they are called there."""


class Meaningless(ConfigurationError):
    """Parts of an address mean nothing: go on without them. ``parts`` has what was given, and why not, by name."""

    def __init__(self, problems: list[Problem], given: Mapping[str, str]) -> None:
        super().__init__(problems)
        self.parts = {problem.key: {"given": given[problem.key], "why": str(problem)} for problem in problems}


@dataclass(frozen=True, slots=True)
class Wish:
    """The panels, each ``NAME`` or ``NAME?OPTION=VALUE``, and the view that they are wanted for."""

    panels: tuple[str, ...] = ()
    view: dict[str, Any] = field(default_factory=dict)

    @property
    def accounts(self) -> list[str]:
        """The accounts asked for; empty for those that are shown unasked. Raise `ValueError` for what is no list."""
        asked = self.view.get("accounts")
        if asked is None:
            return []
        if not isinstance(asked, list):
            raise ValueError(f"accounts: got {asked!r}, expected a list of account ids")
        return [str(account) for account in asked]

    def scope(self, selection: Selection) -> Scope:
        """Return what is asked about, for the accounts that were selected. Raise `Meaningless`."""
        given = {called: str(self.view[name]) for name, called in _ADDRESS.items() if self.view.get(name)}
        parsing = Parsing(given, given)
        scope = parsing.scope("1D")
        if parsing.problems:
            raise Meaningless(parsing.problems, given)
        return replace(scope, accounts=selection.accounts)


def wish_of(text: str) -> Wish | None:
    """Return what a page asks for, ``None`` for a ping.

    Raise `Meaningless` for parts of an address that nothing can be asked about, `ValueError` for every other message.
    """
    if len(text) > MAX_MESSAGE:
        raise ValueError(f"message of {len(text)} characters: send at most {MAX_MESSAGE}")
    message = orjson.loads(text)
    kind = message.get("type") if isinstance(message, dict) else None
    if kind == "ping":
        return None
    if kind != "subscribe":
        raise ValueError(f"message type {kind!r}: expected subscribe or ping")
    panels = message.get("panels", [])
    if not isinstance(panels, list) or len(panels) > MAX_PANELS:
        raise ValueError(f"panels: expected a list of at most {MAX_PANELS} names")
    wish = Wish(tuple(str(name) for name in panels), dict(message.get("view") or {}))
    wish.scope(Selection((), "wall"))
    return wish
