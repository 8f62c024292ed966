"""File descriptors: how many are in use on the machine and by the suite, and how many may be?"""

from dataclasses import dataclass
from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import files_course
from main.monitoring.host_parts import FilesSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import FilesPoint
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class SuiteFiles:
    """File descriptors that the processes of the suite have open; ``None`` where none may be looked at."""

    suite_files: int | None


@dataclass(frozen=True, slots=True)
class HostFiles:
    """File descriptors of the machine through a window, oldest first, and of the suite now; ``None`` where unknown."""

    suite_files: int | None
    latest: FilesPoint | None
    points: list[FilesPoint]


SAMPLES = Query(
    FilesSample,
    """
    SELECT p.at::timestamptz AS at, p.open_files, p.open_files_limit
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)

SUITE = Query(
    SuiteFiles,
    """
    SELECT sum(m.file_descriptors)::bigint AS suite_files
      FROM newest_processes($1, $2, interval '5 minutes') n
      JOIN process_metrics m ON m.host = n.host AND m.at = n.at
     WHERE m.service IS NOT NULL
    """,
)


async def host_files(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> HostFiles:
    """Return the file descriptors in use on the machine through the window; no points where nothing was sampled."""
    bounds = scope.bounds()
    points = files_course(await SAMPLES.all(db, *samples_asked(scope, asked)))
    suite = await SUITE.first(db, bounds.end, bounds.known_at)
    return HostFiles(suite.suite_files if suite else None, points[-1] if points else None, points)


READ = Read(
    "host_files",
    "File descriptors",
    host_files,
    topics=frozenset({Topic.HOST}),
    unit="count",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=lambda files: files.latest.at if files.latest else None,
    formula="allocated minus free, as the kernel counts them; the suite's: sum over its processes",
)
