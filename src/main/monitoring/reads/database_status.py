"""Database status: does this process reach its database, and how well?"""

from datetime import timedelta

from main.database.pool import DatabaseStatus
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import LiveSource, Read


async def database_status(live: LiveSource, scope: Scope) -> DatabaseStatus:
    """Return what this process knows of its database without asking it.

    It is the only read that works while the database is down.
    ``reachable`` is ``None`` before the first attempt. It has no past: whatever moment the scope names, this is now.
    Raises `UnknownName` in a process that offers no fact "database".
    """
    status: DatabaseStatus = live["database"]
    return status


READ = Read(
    "database_status",
    "Database",
    database_status,
    topics=frozenset({Topic.SERVICES, Topic.HEARTBEATS}),
    unit="text",
    freshness=timedelta(minutes=1),
    source="live",
    about="suite",
    formula="the connection pool's own account",
)
