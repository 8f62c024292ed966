"""Network: how much comes and goes through each interface, and what was lost?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import interface_courses
from main.monitoring.host_parts import InterfacesSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import InterfaceCourse
from main.monitoring.read import Read

SAMPLES = Query(
    InterfacesSample,
    """
    SELECT p.at::timestamptz AS at, p.uptime_seconds, p.interfaces
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_network(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> list[InterfaceCourse]:
    """Return what went through each network interface of the machine in the window, by name, the loop back last.

    Interfaces that never carried anything are left out; empty where nothing was sampled. Errors and drops are those
    between the first and the last sample of the window.
    """
    return interface_courses(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_network",
    "Network",
    host_network,
    topics=frozenset({Topic.HOST}),
    unit="per second",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=lambda courses: max((each.latest.at for each in courses if each.latest), default=None),
    formula="difference of the counters / difference of time",
)
