"""Which accounts may a viewer see, and which of them does a view show when it names none?"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import asyncpg
import structlog

from main.database.pool import Database
from main.database.pulse import Heart, Pulse, pulse
from main.domain.topics import Topic
from main.errors import DatabaseError

_MOST_NAMES, _MOST_LETTERS = 3, 64
FIRST_SECONDS = 3.0
"""How long a caller waits for the very first reading of the accounts; afterwards nobody waits for any."""

_log = structlog.get_logger(__name__)

ALONE = "Replayed accounts live in their own time and are shown apart from the others."


@dataclass(frozen=True, slots=True)
class Selection:
    """The accounts a view shows, all on one clock, and what to tell the viewer about the choice."""

    accounts: tuple[str, ...]
    clock: Literal["wall", "replay"]
    note: str = ""


class Directory:
    """All accounts with their clocks, kept up to date; the last known ones while the database is away."""

    TOPICS = frozenset({Topic.ACCOUNTS})

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pulse: Pulse | None = None
        self._changed: list[Callable[[], object]] = []
        self._refreshing = asyncio.Lock()
        self._begun = 0
        self._reading: asyncio.Task[None] | None = None

    def on_change(self, listener: Callable[[], object]) -> Callable[[], None]:
        """Call `listener` when accounts came, went or changed their clock; return what ends that."""
        self._changed.append(listener)
        return lambda: self._changed.remove(listener)

    @property
    def known(self) -> bool:
        """Whether the accounts have been read yet; not while the database has been away since the start."""
        return self._pulse is not None

    async def refresh(self) -> None:
        """Read the accounts anew. With the database away, or its schema not there yet, the last known ones stay."""
        begun = self._begun
        async with self._refreshing:
            if self._begun > begun:
                return  # one that began after this call has read what this one was called for
            self._begun += 1
            try:
                ids = await self._database.account_ids()
                async with self._database.scoped(ids) as connection:
                    found = await pulse(connection, ids)
            except (DatabaseError, asyncpg.PostgresError) as error:
                _log.info("accounts not read", reason=str(error))
                return
        before, self._pulse = self._pulse, found
        if before is None or _identity(before.hearts) != _identity(found.hearts):
            for listener in tuple(self._changed):
                listener()

    def _first_reading(self) -> "asyncio.Task[None]":
        """Return the one reading that all wait for who come before it is there."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self.refresh())
        return self._reading

    async def visible(self, allowed: Iterable[str] | None) -> tuple[str, ...]:
        """Return the ids a viewer may see, sorted: all of them, or those `allowed` to it."""
        if self._pulse is None and self._database.status.reachable is not False:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._first_reading()), FIRST_SECONDS)
        known = {heart.account for heart in self._hearts() if heart.account}
        return tuple(sorted(known if allowed is None else known & set(allowed)))

    async def select(self, requested: Iterable[str], allowed: Iterable[str] | None) -> Selection:
        """Return what a view shows. Without a request: the accounts on the clock of the bot heard of last.

        Accounts of different clocks are never mixed; what is not visible is left out as if it did not exist, and the
        note says of both alike that they are not there.
        """
        visible = await self.visible(allowed)
        named = tuple(requested)
        wanted = [account for account in named if account in visible]
        absent = [account for account in dict.fromkeys(named) if account not in visible] if self.known else []
        hearts = [heart for heart in self._hearts() if heart.account in visible]
        if not hearts:
            return Selection((), "wall", _absence(absent, shown=False))
        if wanted:
            clock = next(heart.clock for heart in hearts if heart.account == wanted[0])
        else:
            clock = max(hearts, key=lambda heart: (heart.recorded_at is not None, heart.recorded_at or heart.now)).clock
        chosen = [heart.account for heart in hearts if heart.clock == clock and heart.account in (wanted or visible)]
        mixed = len(chosen) < len(wanted or visible)
        notes = (_absence(absent, shown=not wanted), ALONE if mixed else "")
        return Selection(tuple(sorted(filter(None, chosen))), clock or "wall", " ".join(filter(None, notes)))

    def _hearts(self) -> tuple[Heart, ...]:
        return self._pulse.hearts if self._pulse is not None else ()


def _absence(absent: Sequence[str], *, shown: bool) -> str:
    """Say which accounts are not there; `shown`: others are, that nobody asked for by name."""
    if not absent:
        return ""
    names = ", ".join(account[:_MOST_LETTERS] for account in absent[:_MOST_NAMES])
    more = f" and {len(absent) - _MOST_NAMES} more" if len(absent) > _MOST_NAMES else ""
    are = "is no account" if len(absent) == 1 else "are no accounts"
    return f"There {are} {names}{more} that you may see." + (" What the server chooses is shown." if shown else "")


def _identity(hearts: Iterable[Heart]) -> set[tuple[str | None, str | None]]:
    return {(heart.account, heart.clock) for heart in hearts}
