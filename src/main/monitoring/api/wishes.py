"""What does a page want to see? Its message as the socket brought it, checked."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from main.domain.scope import Scope
from main.monitoring.api.directory import Selection

MAX_PANELS = 80
MAX_MESSAGE = 64 * 1024


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
        """Return what is asked about, for the accounts that were selected. Raise `ValueError` for a bad moment."""
        strategy = self.view.get("strategy")
        return Scope(
            selection.accounts,
            str(self.view.get("window") or "1D"),
            self._moment("as_of"),
            self._moment("known_at"),
            str(strategy) if strategy else None,
        )

    def _moment(self, name: str) -> datetime | None:
        text = self.view.get(name)
        if not text:
            return None
        moment = datetime.fromisoformat(str(text))
        if moment.utcoffset() is None:
            raise ValueError(f"{name}: got {text!r}, expected a time with its zone, such as 2026-11-20T10:15:00Z")
        return moment


def wish_of(text: str) -> Wish | None:
    """Return what a page asks for, ``None`` for a ping. Raise `ValueError` for every other message."""
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
    return Wish(tuple(str(name) for name in panels), dict(message.get("view") or {}))
