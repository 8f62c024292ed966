"""Is the database away, and when is it tried again? What a hub asks before it sends a query."""

import random
import time

from main.errors import DatabaseUnreachable

RETRY_SECONDS = (0.5, 1.0, 2.0, 3.0)
SPREAD_SECONDS = 0.5
"""Within this time after an outage the processes ask again, each at a moment of its own: they were all cut off at
once, and must not all come back at once."""


class Outage:
    """What is known of the way to the database: open, or closed until the next attempt is due."""

    def __init__(self) -> None:
        self.error: DatabaseUnreachable | None = None
        self.retry_at = 0.0
        self._failures = 0

    def note(self, error: DatabaseUnreachable) -> bool:
        """Take note of a failed attempt; return whether the outage begins with it."""
        begins = self.error is None
        self.error = error
        moment = time.monotonic()
        if moment >= self.retry_at:  # else: somebody else's report of an attempt that is noted already
            delay = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
            self.retry_at = moment + delay * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, no secret
            self._failures += 1
        return begins

    def over(self) -> bool:
        """Take note that the database answers; return whether an outage ends with that."""
        ends = self.error is not None
        self.error, self.retry_at, self._failures = None, 0.0, 0
        return ends

    def retry_now(self) -> None:
        """Have the next attempt made at once: there is a sign that it will succeed."""
        self.retry_at = 0.0

    @property
    def refuses(self) -> bool:
        """Whether there is no use in asking now."""
        return self.error is not None and time.monotonic() < self.retry_at
