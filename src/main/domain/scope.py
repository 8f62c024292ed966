"""What a question is about: which accounts, which window, as of when, and with whose knowledge."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

ACCOUNT_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
"""Account ids are quoted into SQL by hand (a bind would cost a round trip), so their alphabet is closed."""

WINDOWS = ("15m", "1h", "6h", "1D", "1W", "1M", "3M", "YTD", "1Y", "All")
"""Relative windows by name, shortest first."""

_LENGTHS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "1D": timedelta(days=1),
    "1W": timedelta(weeks=1),
    "1M": timedelta(days=30),
    "3M": timedelta(days=91),
    "1Y": timedelta(days=365),
}
_DAYS = re.compile(r"[1-9][0-9]{0,3}d")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def account_id(text: str) -> str:
    """Return `text` when it is a well-formed account id; raise ``ValueError`` naming the rule otherwise."""
    if not ACCOUNT_PATTERN.fullmatch(text):
        raise ValueError(
            f"account id {text!r}: use 1 to 64 letters, digits, '_', '.', '@' or '-', starting with a letter or digit"
        )
    return text


@dataclass(frozen=True, slots=True)
class Bounds:
    """A window with both ends known: ``start < at <= end``, as known at ``known_at``. Aware UTC."""

    start: datetime
    end: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True)
class Scope:
    """The subject of a question. Relative while it is a key, resolved while it is being answered.

    ``accounts`` is sorted and never empty for account figures. ``window`` is a name of ``WINDOWS``, a number of days
    (``45d``) or ``FROM..TO`` in ISO dates or times. ``as_of=None`` means live; ``moment`` is set by `resolved` only.
    """

    accounts: tuple[str, ...] = ()
    window: str = "1D"
    as_of: datetime | None = None
    known_at: datetime | None = None
    strategy: str | None = None
    moment: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "accounts", tuple(sorted({account_id(a) for a in self.accounts})))
        if self.window not in WINDOWS and not _DAYS.fullmatch(self.window):
            _custom_window(self.window)

    @property
    def live(self) -> bool:
        """Whether the question is about now."""
        return self.as_of is None

    @property
    def present(self) -> bool:
        """Whether the current state answers it: it is about now, and with all that is known now."""
        return self.live and self.known_at is None

    def resolved(self, moment: datetime) -> "Scope":
        """Return the scope with its moment fixed: the as-of time, or `moment` where it is live."""
        return replace(self, moment=self.as_of or moment)

    def bounds(self) -> Bounds:
        """Return the window's ends. Raise ``ValueError`` on a scope that was never resolved."""
        if self.moment is None:
            raise ValueError("the scope has no moment: resolve it once per evaluation, before it is asked about")
        end = self.moment
        known_at = self.known_at or datetime.max.replace(tzinfo=UTC)
        if self.window in _LENGTHS:
            return Bounds(end - _LENGTHS[self.window], end, known_at)
        if _DAYS.fullmatch(self.window):
            return Bounds(end - timedelta(days=int(self.window[:-1])), end, known_at)
        if self.window == "All":
            return Bounds(_BEGINNING, end, known_at)
        if self.window == "YTD":
            return Bounds(end.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0), end, known_at)
        start, custom_end = _custom_window(self.window)
        return Bounds(start, min(custom_end, end), known_at)


def trading_day(at: datetime, zone: str, roll_over: timedelta = timedelta(0)) -> datetime:
    """Return the start, in UTC, of the trading day that `at` falls in: midnight plus `roll_over` on the zone's clock.

    A day begins at a wall-clock time, so on a day of changed clocks it is 23 or 25 hours long. Where they show that
    time twice, it begins at the first.
    """
    return _start(trading_date(at, zone, roll_over), zone, roll_over)


def trading_date(at: datetime, zone: str, roll_over: timedelta = timedelta(0)) -> date:
    """Return the date that names the trading day of `at`: the one on which it began on the zone's clock."""
    day = (at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - roll_over).date()
    if roll_over % _HOUR:  # changed clocks may show it twice, or never: then the wall clock does not tell
        if at >= _start(day + _DAY, zone, roll_over):
            return day + _DAY
        if at < _start(day, zone, roll_over):
            return day - _DAY
    return day


def _start(day: date, zone: str, roll_over: timedelta) -> datetime:
    wall = datetime.combine(day, datetime.min.time()) + roll_over
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _custom_window(text: str) -> tuple[datetime, datetime]:
    first, separator, last = text.partition("..")
    try:
        start, end = (_aware(datetime.fromisoformat(part)) for part in (first, last))
    except ValueError:
        separator = ""
    if not separator or start >= end:
        raise ValueError(
            f"window {text!r}: use one of {', '.join(WINDOWS)}, a number of days such as 45d, or FROM..TO with FROM "
            "before TO in ISO form"
        )
    return start, end


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
