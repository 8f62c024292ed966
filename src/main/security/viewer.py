"""Who is looking, and which accounts may they see?"""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

Role = Literal["viewer", "operator", "admin"]

_RANKS: dict[str, int] = {"viewer": 0, "operator": 1, "admin": 2}


@dataclass(frozen=True, slots=True)
class Viewer:
    """One identified caller; ``accounts=None`` means every account, an empty tuple means none."""

    name: str
    role: Role
    accounts: tuple[str, ...] | None = None

    def has(self, role: Role) -> bool:
        """Return whether the viewer's role includes `role`."""
        return _RANKS[self.role] >= _RANKS[role]

    def may_see(self, account: str) -> bool:
        """Return whether the viewer may see an account."""
        return self.accounts is None or account in self.accounts

    def visible(self, accounts: Iterable[str]) -> tuple[str, ...]:
        """Return those of `accounts` that the viewer may see, in the order given."""
        return tuple(account for account in accounts if self.may_see(account))


current_viewer: ContextVar[Viewer | None] = ContextVar("current_viewer", default=None)
"""The viewer of the request being answered; ``None`` outside a request and on public routes without a login."""
