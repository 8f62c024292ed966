"""What time is it for an account, and when was its bot last heard: the moment every live question is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from main.database.query import Fetcher, Query

SILENT_INTERVALS = 3
"""A bot that has let three of its own intervals pass without a heartbeat counts as silent (SPEC: bot silent)."""


@dataclass(frozen=True, slots=True)
class Heart:
    """One account's last sign of life. All but ``account`` and ``clock`` are ``None`` for a bot never heard of."""

    now: datetime
    account: str | None
    clock: Literal["wall", "replay"] | None
    status: str | None
    at: datetime | None
    recorded_at: datetime | None
    interval_seconds: float | None

    @property
    def silent_at(self) -> datetime | None:
        """When it counts as silent unless it is heard before; the last heartbeat itself for a bot that was stopped."""
        if self.recorded_at is None or self.interval_seconds is None:
            return None
        if self.status == "stopped":
            return self.recorded_at
        return self.recorded_at + timedelta(seconds=SILENT_INTERVALS * self.interval_seconds)


HEARTS = Query(
    Heart,
    """
    SELECT clock.now, a.account_id::text AS account, a.clock, h.status, h.at::timestamptz AS at,
           h.recorded_at::timestamptz AS recorded_at, h.interval_seconds::float8 AS interval_seconds
      FROM (SELECT clock_timestamp() AS now) AS clock
      LEFT JOIN accounts AS a ON a.account_id = ANY($1)
      LEFT JOIN LATERAL (SELECT b.status, b.at, b.recorded_at, b.interval_seconds
                           FROM bot_heartbeats AS b
                          WHERE b.account_id = a.account_id
                          ORDER BY b.recorded_at DESC
                          LIMIT 1) AS h ON true
    """,
)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The clock and the signs of life of several accounts, read at one moment of the database's clock."""

    now: datetime
    hearts: tuple[Heart, ...]

    def of(self, accounts: Sequence[str]) -> "Pulse":
        """Return the pulse of some of the accounts."""
        return Pulse(self.now, tuple(heart for heart in self.hearts if heart.account in accounts))

    @property
    def clock(self) -> Literal["wall", "replay"]:
        """``replay`` when every account lives in a replay's time."""
        replayed = [heart.clock == "replay" for heart in self.hearts]
        return "replay" if replayed and all(replayed) else "wall"

    @property
    def moment(self) -> datetime:
        """The present on that clock: the database's, or the newest heartbeat's of a replay."""
        beats = [heart.at for heart in self.hearts if heart.at is not None]
        return max(beats) if self.clock == "replay" and beats else self.now

    @property
    def beat(self) -> datetime | None:
        """The newest sign of life, on the accounts' clock."""
        return max((heart.at for heart in self.hearts if heart.at is not None), default=None)

    @property
    def first_silent(self) -> Heart | None:
        """The bot that will count as silent first. Those stopped in order matter only where no other is left."""
        known = [heart for heart in self.hearts if heart.silent_at is not None]
        running = [heart for heart in known if heart.status != "stopped"]
        return min(running or known, key=lambda heart: heart.silent_at or self.now, default=None)


async def pulse(source: Fetcher, accounts: Sequence[str]) -> Pulse:
    """Return the pulse of `accounts`; with none of them, only the database's time."""
    hearts = await HEARTS.all(source, list(accounts))
    return Pulse(hearts[0].now, tuple(heart for heart in hearts if heart.account is not None))
