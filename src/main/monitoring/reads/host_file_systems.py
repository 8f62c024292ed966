"""File systems: how full is each, in bytes and inodes, and when will it be full?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import file_systems_now
from main.monitoring.host_parts import FileSystemsSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import FileSystemState
from main.monitoring.read import Read

SAMPLES = Query(
    FileSystemsSample,
    """
    SELECT p.at::timestamptz AS at, p.file_systems
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_file_systems(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> list[FileSystemState]:
    """Return every file system that matters now, the fullest first, with its growth over the window.

    Growth is the slope of a straight line through the used bytes, ``None`` below half an hour of samples. Empty where
    nothing was sampled.
    """
    return file_systems_now(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_file_systems",
    "File systems",
    host_file_systems,
    topics=frozenset({Topic.HOST}),
    unit="bytes",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=None,
    formula="used / what users can fill; full: free / growth a day",
)
