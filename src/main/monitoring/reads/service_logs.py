"""Service logs: what did the services write last, and where does something stand in their logs?"""

import asyncio
from datetime import timedelta

from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import LiveSource, Read
from main.telemetry.log_question import LogQuestion
from main.telemetry.log_search import LogFolder, LogPage

TAIL = LogQuestion()


async def service_logs(live: LiveSource, scope: Scope, asked: LogQuestion = TAIL) -> LogPage:
    """Return the newest lines that are asked for, of all services of this machine, by time and newest first.

    It reads the files of the process that is asked, and works while the database is down. One question looks at 256 MB
    and takes 120 ms at most; ``older`` is where the next one goes on. A past moment shows what was written until then.
    Lines come without control characters and cut at 4,000; none where no service has written any. Raises
    `UnknownName` in a process that offers no "logs".
    """
    folder: LogFolder = live["logs"]
    return await asyncio.to_thread(folder.search, asked, None if scope.live else scope.moment)


READ = Read(
    "service_logs",
    "Service logs",
    service_logs,
    topics=frozenset({Topic.SERVICES}),
    unit="lines",
    freshness=timedelta(seconds=30),
    source="live",
    about="suite",
    params=LogQuestion,
    everything=True,
    formula="newest first; a line without a time has that of the line before it",
)
