"""Database activity: who works, idles in a transaction or waits in the database, and whose connections are they?"""

from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.server_samples import SAMPLED, SESSIONS, ServerSession, newest_sample


@dataclass(frozen=True, slots=True)
class ApplicationConnections:
    """The connections of one application and role."""

    application: str
    role: str
    connections: int
    active: int
    idle_in_transaction: int


@dataclass(frozen=True, slots=True)
class DatabaseActivity:
    """Sessions that had worked, idled in a transaction or waited for over a second at the sample, and all by owner.

    ``kept`` is False where a past sample's sessions are not kept any more. ``hidden`` connections are those whose state
    the login ``login`` may not see: it lacks pg_monitor.
    """

    sampled_at: datetime | None
    kept: bool
    login: str
    hidden: int
    sessions: tuple[ServerSession, ...]
    applications: tuple[ApplicationConnections, ...]


APPLICATIONS = Query(
    ApplicationConnections,
    """
    SELECT a.application, a.role, a.connections, a.active, a.idle_in_transaction
      FROM database_samples d,
           jsonb_to_recordset(d.applications) AS a (application text, role text, connections int, active int,
                                                    idle_in_transaction int)
     WHERE d.at = $1
     ORDER BY a.connections DESC, a.application, a.role
    """,
)


async def database_activity(db: Fetcher, scope: Scope) -> DatabaseActivity:
    """Return who was busy in the database at the last look, longest waiting first; no sessions when nobody was.

    The worker looks every five seconds and writes down what it sees while there is something to see: up to 100
    sessions, and the connections of up to 50 applications. ``sampled_at`` is ``None`` when nothing was sampled.
    """
    sample = await newest_sample(db, scope)
    if sample is None:
        return DatabaseActivity(None, True, "", 0, (), ())
    sessions = await SESSIONS.all(db, sample.at)
    applications = await APPLICATIONS.all(db, sample.at)
    kept = bool(sessions) or not sample.sessions
    return DatabaseActivity(sample.at, kept, sample.login, sample.hidden, tuple(sessions), tuple(applications))


READ = Read(
    "database_activity",
    "Database activity",
    database_activity,
    topics=frozenset({Topic.DATABASE}),
    unit="sessions",
    freshness=SAMPLED,
    about="suite",
    as_of=lambda activity: activity.sampled_at,
    formula="pg_stat_activity: active, idle in a transaction or waiting for a lock for over a second",
    everything=True,
)
