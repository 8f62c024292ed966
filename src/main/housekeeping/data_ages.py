"""For Prometheus: how old is the newest word of every feed and every bot, and how many alerts are open?"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from main.clock import monotonic
from main.database.pool import Database
from main.database.pulse import pulse
from main.domain.scope import Scope
from main.monitoring.reads import bots, feeds, open_alerts
from main.telemetry.metrics import PREFIX, Labels, Metrics

EVERY_SECONDS = 15.0
KEPT_SECONDS = 3 * EVERY_SECONDS
"""What was learned longer ago is no measurement any more: the database is away, or another worker was elected."""

_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True)
class _Sample:
    feeds: Mapping[str, float]  # seconds since the database heard of it, at the time of the sample
    bots: Mapping[str, float]
    alerts: Mapping[str, int]
    taken: float  # on the monotonic clock


class DataAges:
    """The answers of three reads, asked again every fifteen seconds; a scrape computes the ages from what is known."""

    def __init__(self) -> None:
        self._newest: _Sample | None = None

    async def sample(self, database: Database) -> None:
        """Ask the reads about all accounts. Raises DatabaseUnreachable or DatabaseTimeout."""
        accounts = await database.account_ids()
        async with database.scoped(accounts) as connection:
            beat = await pulse(connection, accounts)
            scope = Scope(accounts).resolved(beat.now)
            heard = {each.source: each.heard_at for each in await feeds.READ.fetch(connection, scope)}
            signs = {each.account: each.heard_at for each in await bots.READ.fetch(connection, scope)}
            alerts = Counter(each.severity for each in await open_alerts.READ.fetch(connection, scope))
        counts = {severity: alerts[severity] for severity in _SEVERITIES}
        self._newest = _Sample(_ages(heard, beat.now), _ages(signs, beat.now), counts, monotonic())

    def offer(self, metrics: Metrics) -> None:
        """Add them to the metrics of the worker."""
        metrics.gauge(
            f"{PREFIX}feed_age_seconds",
            "Since the database heard of the newest snapshot of a source; absent where none ever came.",
            lambda: self._aged(lambda sample: sample.feeds),
            ("source",),
        )
        metrics.gauge(
            f"{PREFIX}bot_heartbeat_age_seconds",
            "Since the database heard the newest heartbeat of an account's bot; absent where none ever came.",
            lambda: self._aged(lambda sample: sample.bots),
            ("account",),
        )
        metrics.gauge(
            f"{PREFIX}alerts_open",
            "Alerts that fired and are not over, up to 200.",
            lambda: {(severity,): count for severity, count in self._known.alerts.items()} if self._known else None,
            ("severity",),
        )

    @property
    def _known(self) -> _Sample | None:
        newest = self._newest
        return newest if newest is not None and monotonic() - newest.taken <= KEPT_SECONDS else None

    def _aged(self, part: Callable[[_Sample], Mapping[str, float]]) -> Mapping[Labels, float] | None:
        known = self._known
        if known is None:
            return None
        since = monotonic() - known.taken
        return {(name,): age + since for name, age in part(known).items()}


def _ages(heard: Mapping[str, datetime | None], now: datetime) -> dict[str, float]:
    return {name: max(0.0, (now - at).total_seconds()) for name, at in heard.items() if at is not None}
