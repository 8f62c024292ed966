"""What is kept of an event that the database will never take?"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from main.clock import now
from main.domain.events import Event
from main.domain.scope import ACCOUNT_PATTERN
from main.recording.tables import TABLES

_NAMESPACE = uuid.UUID("6f0f3c1e-3f0f-5c0a-9f4e-1d6a3c0b7e21")
_DEEPEST = 20
_LONGEST_TEXT = 4_000

INSERT = """
    INSERT INTO public.dead_letters (id, at, table_name, account_id, reason, payload)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused event in a form that every database takes. The same event gives the same ``id``."""

    id: uuid.UUID
    at: datetime
    table: str
    account: str | None
    reason: str
    payload: str  # JSON

    @classmethod
    def of(cls, event: Event, reason: str) -> "DeadLetter":
        """Wrap an event with the reason it was refused for."""
        payload = json.dumps({spec.name: _plain(getattr(event, spec.name)) for spec in fields(event)})
        account = TABLES[type(event)].account_of(event)
        valid = isinstance(account, str) and ACCOUNT_PATTERN.fullmatch(account)
        timed = isinstance(event.at, datetime) and event.at.utcoffset() is not None
        return cls(
            uuid.uuid5(_NAMESPACE, event.table + payload),
            event.at if timed else now(),
            event.table,
            account if valid else None,
            _storable(reason),
            payload,
        )

    @classmethod
    def of_text(cls, text: str, reason: str, table: str) -> "DeadLetter":
        """Wrap a text that tells no event, of which the first thousands of characters are kept."""
        payload = json.dumps({"text": _storable(text[:_LONGEST_TEXT])})
        return cls(uuid.uuid5(_NAMESPACE, table + payload), now(), table, None, _storable(reason), payload)

    def arguments(self) -> tuple[Any, ...]:
        """Return the parameters of `INSERT`."""
        return (self.id, self.at, self.table, self.account, self.reason, self.payload)


def _plain(value: object, depth: int = 0) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {_storable(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if depth < _DEEPEST and isinstance(value, (tuple, list)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    return _storable(
        value if isinstance(value, str) else value.isoformat() if isinstance(value, date) else _shown(value)
    )


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - an object of the bot's may raise anything
        return f"<{type(value).__name__} without a representation>"


def _storable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode().replace("\x00", r"\x00")
