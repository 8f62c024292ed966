"""Database replication: how far behind are the replicas, and which slots hold write-ahead log back?"""

from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.server_samples import SAMPLED, SLOTS, STANDBYS, Slot, Standby, newest_sample


@dataclass(frozen=True, slots=True)
class DatabaseReplication:
    """The streaming replicas and slots at the last look; the lags are the largest of any replica, ``None`` for none.

    ``visible`` is False where the login may not see what replicas lag: it lacks pg_monitor.
    """

    sampled_at: datetime | None
    visible: bool
    login: str
    lag_bytes: int | None
    lag_seconds: float | None
    standbys: tuple[Standby, ...]
    slots: tuple[Slot, ...]


async def database_replication(db: Fetcher, scope: Scope) -> DatabaseReplication:
    """Return replicas and replication slots, the farthest behind first, up to 50 each; none where there are none.

    A replica that has replayed everything lags 0 bytes and an unknown time: PostgreSQL tells a time only while there
    is something to wait for.
    """
    sample = await newest_sample(db, scope)
    if sample is None:
        return DatabaseReplication(None, True, "", None, None, (), ())
    standbys = await STANDBYS.all(db, sample.at)
    slots = await SLOTS.all(db, sample.at)
    return DatabaseReplication(
        sample.at,
        sample.sees_all,
        sample.login,
        max((each.lag_bytes for each in standbys if each.lag_bytes is not None), default=None),
        max((each.lag_seconds for each in standbys if each.lag_seconds is not None), default=None),
        tuple(standbys),
        tuple(slots),
    )


READ = Read(
    "database_replication",
    "Database replication",
    database_replication,
    topics=frozenset({Topic.DATABASE}),
    unit="bytes",
    freshness=SAMPLED,
    about="suite",
    as_of=lambda found: found.sampled_at,
    formula="pg_current_wal_lsn − replay_lsn of pg_stat_replication; − restart_lsn of pg_replication_slots",
)
