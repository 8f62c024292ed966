"""Host processor: what did the cores do, by use and one by one, and how long was the queue?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import cpu_course
from main.monitoring.host_parts import CpuSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import HostCpu
from main.monitoring.read import Read

SAMPLES = Query(
    CpuSample,
    """
    SELECT p.at::timestamptz AS at, p.uptime_seconds, p.cpu_user_seconds AS user_seconds,
           p.cpu_system_seconds AS system_seconds, p.cpu_iowait_seconds AS iowait_seconds,
           p.cpu_steal_seconds AS steal_seconds, p.cpu_idle_seconds AS idle_seconds, p.core_busy_seconds,
           p.cpu_limit_cores AS limit_cores, p.load_1, p.load_5, p.load_15
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_cpu(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> HostCpu:
    """Return what the cores of the machine did, all together by use and each by itself, through the window.

    A point is the exact mean between two samples, which counters give; none before there are two. The machine is the
    one that was sampled last; samples are kept for an hour, one a minute for a week, one an hour for 90 days.
    """
    return cpu_course(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_cpu",
    "Processor",
    host_cpu,
    topics=frozenset({Topic.HOST}),
    unit="fraction",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=lambda course: course.latest.at if course.latest else None,
    formula="difference of processor seconds / difference of all seconds",
)
