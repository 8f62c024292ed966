"""What can go wrong, and what the user does about it: the one tree of errors.

    AITraderError                    exit 1
    ├── ConfigurationError           exit 2   settings, options or files the user wrote; carries every problem at once
    ├── UnknownName                  exit 2   a feed, strategy, read … that does not exist; carries "did you mean"
    ├── PortInUse                    exit 3   another process listens there; starting again cannot help
    ├── AccessDenied                 exit 1   the caller may not do this
    ├── DatabaseError                exit 1
    │   ├── DatabaseUnreachable               no connection; carries since when and when it is tried again
    │   │   └── ConnectionsExhausted          the server has no connection left for us
    │   ├── DatabaseTimeout                   connected, but no answer in time
    │   │   └── DatabaseLocked                somebody holds a lock that was waited for
    │   ├── SchemaMismatch           exit 2   the schema is not the one this code needs
    │   └── EmbeddedDatabaseError             the embedded PostgreSQL does not start or stop
    ├── RecordRejected               exit 1   one event that must not reach the database
    ├── FeedError                    exit 1   market data cannot be had
    │   └── UnreadablePrices         exit 2   a file or directory of prices that is not there or not readable as it is
    ├── BrokerError                  exit 1   the broker refuses or does not answer
    │   ├── OrderRefused                      a definite no to one order or cancellation
    │   └── BrokerSilent                      no answer, or none that makes sense; what was asked may have been done
    ├── CallbacksBusy                exit 1   every thread for synchronous callbacks is taken
    ├── ExportsBusy                  exit 1   as many exports are under way as there may be
    └── CallbackOnLoop               exit 1   a synchronous wait asked for on the event loop itself

A supervisor does not restart a child that ended with 2 or 3: only the user can change what it would meet again.
Errors are caught at boundaries only: hub, callback, command line, supervisor.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "x"?` for the known name nearest to `name`, or an empty text when none is near."""
    folded = {candidate.casefold(): candidate for candidate in known}
    nearest = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[nearest[0]]}"?' if nearest else ""


class AITraderError(Exception):
    """Something the suite can name: read the message, it says what, where and how to mend it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in what the user wrote; `str()` gives `file:line key: got X, expected Y; hint`."""

    got: str
    expected: str
    key: str = ""  # dotted for YAML, the variable's name for the environment, the option for the command line
    file: str = ""  # also "environment" or "command line"
    line: int | None = None  # 1-based
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line is not None else self.file
        where = " ".join(part for part in (place, self.key) if part)
        what = f"got {self.got}, expected {self.expected}"
        return "; ".join(part for part in (f"{where}: {what}" if where else what, self.hint) if part)


class ConfigurationError(AITraderError):
    """Settings or options are wrong: correct every line listed (all are listed at once) and start again."""

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownName(AITraderError):
    """A name that does not exist was asked for: choose one of those the message lists."""

    exit_code = 2

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        choices = f"known: {', '.join(self.known)}" if self.known else "none is known here"
        hint = did_you_mean(name, self.known)
        super().__init__(f'unknown {kind} "{name}"; ' + (f"{hint} ({choices})" if hint else choices))


class PortInUse(AITraderError):
    """Another process holds the port: end the owner the message names, or choose another port."""

    exit_code = 3

    def __init__(self, port: int, owner: str | None = None, *, setting: str = "") -> None:
        """Name the port, its owner ("nginx, pid 4711"; None where it cannot be seen) and the setting that moves us."""
        self.port = port
        self.owner = owner
        held_by = f"by {owner}" if owner else "by a process this user may not look at"
        remedy = f"choose another with {setting}" if setting else "choose another port"
        super().__init__(f"port {port} is in use {held_by}; end that process or {remedy}")


class AccessDenied(AITraderError):
    """The caller may not do this: log in as somebody who may, or have an administrator grant it."""


class DatabaseError(AITraderError):
    """PostgreSQL refused something: the message holds its own words; `ai_trader.py db status` tells more."""


class DatabaseUnreachable(DatabaseError):
    """No connection to PostgreSQL: check that it runs and that DB_HOST, DB_PORT and the password are right."""

    def __init__(self, target: str, reason: str, *, since: datetime, retry_seconds: float | None = None) -> None:
        """Name the target, without its password; `since` is the first failed attempt, aware."""
        self.target = target
        self.reason = reason
        self.since = since
        self.retry_seconds = retry_seconds
        moment = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        again = f"; next attempt in {retry_seconds:.0f} s" if retry_seconds is not None else ""
        super().__init__(
            f"database unreachable since {moment}: {target}: {reason}; check that PostgreSQL runs there and the "
            f"database settings (ai_trader.py config check){again}"
        )


class ConnectionsExhausted(DatabaseUnreachable):
    """The server has no connection left for us: end idle sessions, or raise max_connections or the role's limit."""

    def __init__(self, target: str, reason: str, *, since: datetime, retry_seconds: float | None = None) -> None:
        """As `DatabaseUnreachable`; `reason` is PostgreSQL's own words."""
        super().__init__(target, reason, since=since, retry_seconds=retry_seconds)
        self.message = (
            f"too many connections to {target}: {reason}; end sessions that idle (pg_stat_activity), lower "
            "database.pool_size, or raise max_connections or the role's CONNECTION LIMIT"
        )
        self.args = (self.message,)


class DatabaseTimeout(DatabaseError):
    """PostgreSQL answered too late: look for locks and slow queries, or raise the timeout the message names."""

    def __init__(self, what: str, seconds: float, *, setting: str = "") -> None:
        """Name what waited, how long, and the setting that would let it wait longer, where there is one."""
        self.what = what
        self.seconds = seconds
        remedy = f", or raise {setting}" if setting else ""
        super().__init__(
            f"{what} had no answer from the database after {seconds:g} s; look for locks and long transactions{remedy}"
        )


class DatabaseLocked(DatabaseTimeout):
    """Somebody holds a lock: find the session that pg_blocking_pids names, wait for it or end it."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what, seconds, setting="database.statement_timeout")
        self.message = (
            f"{what} waited {seconds:g} s for a lock that somebody else holds; pg_blocking_pids(pid) of the sessions "
            "that pg_stat_activity shows with wait_event_type 'Lock' tells who, or raise database.statement_timeout"
        )
        self.args = (self.message,)


class SchemaMismatch(DatabaseError):
    """The schema is older, newer or other than this code needs: run `ai_trader.py db migrate` or update the code."""

    exit_code = 2


class EmbeddedDatabaseError(DatabaseError):
    """The embedded PostgreSQL does not start or stop: the message names its log; or set DB_HOST to use your own."""


class RecordRejected(AITraderError):
    """An event must not be stored as it is: the bot that sent it has to correct the field named."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        self.field = field
        self.value = value
        self.reason = reason
        shown = repr(value)
        super().__init__(f"{field}: got {shown if len(shown) <= 80 else shown[:77] + '...'}, {reason}")


class FeedError(AITraderError):
    """Market data cannot be had: check the path or the venue that `--feed` names."""


class UnreadablePrices(FeedError):
    """A file cannot be replayed as it is: correct the path after `replay:`, or the row and column the message names."""

    exit_code = 2


class BrokerError(AITraderError):
    """The broker refused or did not answer: check its keys and limits, then look at the order in the venue itself."""


class OrderRefused(BrokerError):
    """The venue said no to one order: the message is its reason, and nothing was done."""

    def __init__(self, message: str, status: int | None = None) -> None:
        """`status` is the HTTP status of the answer, where it came by HTTP."""
        self.status = status
        super().__init__(message)


class BrokerSilent(BrokerError):
    """The venue gave no answer that makes sense: it is asked again; nobody knows yet whether it did what was asked."""


class ExportsBusy(AITraderError):
    """As many exports are under way as there may be: each holds a connection; ask again when one has ended."""

    def __init__(self, places: int, seconds: float) -> None:
        """Name how many there may be, and how long a place was waited for."""
        super().__init__(f"{places} exports are under way and none ended within {seconds:g} s; ask again in a while")


class CallbacksBusy(AITraderError):
    """Every thread for callbacks is taken: make slow ones shorter, or `async def`, which needs no thread."""

    def __init__(self, threads: int, seconds: float) -> None:
        """Name how many threads there are, and how long one of them was waited for."""
        super().__init__(
            f"all {threads} threads for callbacks were busy for {seconds:g} s; look for a callback that waits "
            "(the log names those that fail), make it shorter, or write it as async def"
        )


class CallbackOnLoop(AITraderError):
    """A synchronous wait was asked for on the event loop it would wait for: make the function `async` and await."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} would wait for the event loop it runs on and never return; "
            "await the coroutine instead, or call it from a synchronous callback"
        )
