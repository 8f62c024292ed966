"""Service CPU: how much processor did each service of the suite use in the course of the last hour?"""

from dataclasses import dataclass
from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

HOUR, STEP = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ServiceCpu:
    """One service on one machine: shares of one core minute by minute, oldest first, those of all its processes."""

    host: str
    service: str
    share: list[float]


COURSES = Query(
    ServiceCpu,
    """
    SELECT s.host, s.service, array_agg(s.share ORDER BY s.minute) AS share
      FROM (SELECT l.host, l.service, l.minute, avg(l.share)::float8 AS share
              FROM (SELECT m.host, m.service, bucket_start($4, m.at) AS minute, m.at, sum(m.cpu_percent) / 100 AS share
                      FROM process_hosts() AS h (host)
                      JOIN process_metrics m ON m.host = h.host
                     WHERE m.service IS NOT NULL AND m.cpu_percent IS NOT NULL
                       AND m.at > $1 AND m.at <= $2 AND m.recorded_at <= $3
                     GROUP BY m.host, m.service, m.at) l
             GROUP BY l.host, l.service, l.minute) s
     GROUP BY s.host, s.service
     ORDER BY s.service, s.host
    """,
)


async def service_cpu(db: Fetcher, scope: Scope) -> list[ServiceCpu]:
    """Return each service's course of the hour before the moment asked about; empty where none was sampled.

    Minutes without a sample are left out.
    """
    bounds = scope.bounds()
    return await COURSES.all(db, bounds.end - HOUR, bounds.end, bounds.known_at, STEP)


READ = Read(
    "service_cpu",
    "Service CPU",
    service_cpu,
    topics=frozenset({Topic.SERVICES}),
    unit="fraction",
    freshness=timedelta(minutes=2),
    about="suite",
    formula="mean of a minute's samples, each the sum over the service's processes",
)
