"""What a number is: the read that defines it, the answer it gives, and how fresh that answer is.

A read is one module of `main.monitoring.reads` with a module-level ``READ``. Every surface (panels, REST, socket,
terminal, command line, alerts, exports) asks the same reads, so a number has one definition.
"""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Generic, Literal, TypeVar, cast

from main.database.query import Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.errors import AccessDenied, UnknownName
from main.security.viewer import Viewer

T = TypeVar("T")
Scalar = Decimal | float | int | None
Listing = tuple[Query[Any], Sequence[Any]]
"""A query and its arguments."""


class State(StrEnum):
    """How far an answer may be trusted now. The order is from best to worst."""

    LIVE = "live"
    LATE = "late"
    CLOSED = "closed"
    PAST = "past"
    STALE = "stale"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Freshness:
    """Everything a viewer needs to tell how old an answer is, without asking again. Aware UTC.

    ``as_of`` is the time of the newest fact in the answer, ``moment`` the time asked about on the account's own clock,
    ``expected_seconds`` how old the newest fact may be and still be live. ``silent_at`` is when the bot counts as
    silent unless it is heard of before; ``since`` when the trouble named by ``state`` began.
    """

    state: State
    as_of: datetime | None
    moment: datetime
    expected_seconds: float
    clock: Literal["wall", "replay"] = "wall"
    silent_at: datetime | None = None
    since: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a read said: the last good value, which stays beside a later error, and how fresh it is.

    ``version`` grows by one with every different value. ``timed_out``: the error is one of time, and may pass.
    """

    value: T | None
    freshness: Freshness
    error: str | None = None
    version: int = 0
    timed_out: bool = False

    @property
    def state(self) -> State:
        """The freshness state when the answer was made."""
        return self.freshness.state

    @property
    def as_of(self) -> datetime | None:
        """The time of the newest fact in the value."""
        return self.freshness.as_of


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """One number, or one table of numbers that belong together.

    ``fetch(source, scope)`` or, where ``params`` names a dataclass, ``fetch(source, scope, params)``: ``source`` is a
    `main.database.query.Fetcher` for ``sql`` reads and a `LiveSource` for ``live`` ones, the scope is resolved.
    ``as_of`` picks the time of the newest fact out of a value; where it is ``None``, or gives ``None``, an account
    figure is as fresh as its bots' last heartbeat. ``about`` says what silence means: of bots, or of the suite.
    ``everything`` marks what may tell of any account, such as a log: only who may see them all may ask it.
    ``stands_in`` marks a ``live`` read that panels show instead of stored ones while the database is away.
    ``listing(scope, params, most)`` of a read that pages gives the query behind its pages with arguments for the first
    `most` rows, so that an export is the same list as they are.
    """

    name: str
    title: str
    fetch: Callable[..., Awaitable[T]]
    topics: frozenset[Topic]
    unit: str
    freshness: timedelta
    source: Literal["sql", "live"] = "sql"
    about: Literal["accounts", "suite"] = "accounts"
    params: type | None = None
    as_of: Callable[[T], datetime | None] | None = None
    scalar: Callable[[T], Scalar] | None = None
    formula: str = ""
    references: tuple[str, ...] = field(default=())
    everything: bool = False
    stands_in: bool = False
    listing: Callable[[Scope, Any, int], Listing] | None = None

    def allow(self, viewer: Viewer) -> None:
        """Raise `AccessDenied` when the viewer may not ask this, whatever the accounts."""
        if self.everything and viewer.accounts is not None:
            raise AccessDenied(
                f"{self.title} may tell of every account, and {viewer.name} may see only some of them; "
                "have an administrator grant all"
            )

    @property
    def defaults(self) -> Hashable:
        """Its parameters as they are where nobody gives any; ``None`` without parameters, or when one must be given."""
        return None if self.params is None else _defaults(self.params)

    @property
    def description(self) -> str:
        """What the number means, from the docstring of its function."""
        return (self.fetch.__doc__ or "").strip()


@cache
def _defaults(params: type) -> Hashable:
    required = any(each.default is MISSING and each.default_factory is MISSING for each in fields(params))
    return None if required else cast(Hashable, params())


@dataclass(slots=True)
class LiveSource:
    """What ``live`` reads may look at: facts of this process that need no database, by name."""

    facts: dict[str, Callable[[], Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        """Return the present value of a fact. Raise `UnknownName` for one that this process does not offer."""
        try:
            offer = self.facts[name]
        except KeyError:
            raise UnknownName("live fact", name, self.facts) from None
        return offer()


@cache
def reads() -> dict[str, Read[Any]]:
    """Return every read of the suite by name, in alphabetical order."""
    package = importlib.import_module("main.monitoring.reads")
    found = {read.name: read for read in _reads_in(package.__path__)}
    return dict(sorted(found.items()))


def read_named(name: str) -> Read[Any]:
    """Return the read called `name`; raise `UnknownName` with the nearest ones otherwise."""
    try:
        return reads()[name]
    except KeyError:
        raise UnknownName("read", name, reads()) from None


def _reads_in(path: Any) -> Iterator[Read[Any]]:
    for module_info in pkgutil.iter_modules(path, "main.monitoring.reads."):
        yield importlib.import_module(module_info.name).READ
