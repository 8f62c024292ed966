"""Disks: how much do they read and write, and how busy are they?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import disk_courses
from main.monitoring.host_parts import DisksSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import DiskCourse
from main.monitoring.read import Read

SAMPLES = Query(
    DisksSample,
    """
    SELECT p.at::timestamptz AS at, p.uptime_seconds, p.disks
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_disks(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> list[DiskCourse]:
    """Return what went to and from each disk of the machine in the window, by name; empty where nothing was sampled.

    A point is the exact mean between two samples; busy is the share of time in which a request was under way.
    """
    return disk_courses(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_disks",
    "Disk traffic",
    host_disks,
    topics=frozenset({Topic.HOST}),
    unit="per second",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=lambda courses: max((each.latest.at for each in courses if each.latest), default=None),
    formula="difference of the counters / difference of time",
)
