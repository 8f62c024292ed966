"""Host memory: what is used, cached and left, and how much was moved out to swap?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import memory_course
from main.monitoring.host_parts import MemorySample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import HostMemory
from main.monitoring.read import Read

SAMPLES = Query(
    MemorySample,
    """
    SELECT p.at::timestamptz AS at, p.memory_total_bytes AS total_bytes, p.memory_used_bytes AS used_bytes,
           p.memory_cached_bytes AS cached_bytes, p.memory_available_bytes AS available_bytes,
           p.memory_limit_bytes AS limit_bytes, p.swap_total_bytes, p.swap_used_bytes
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_memory(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> HostMemory:
    """Return the machine's memory and swap through the window, or its container's where that has a limit.

    No points where nothing was sampled.
    """
    return memory_course(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_memory",
    "Memory",
    host_memory,
    topics=frozenset({Topic.HOST}),
    unit="bytes",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=lambda course: course.latest.at if course.latest else None,
    formula="used: total minus available; cached is part of available",
)
