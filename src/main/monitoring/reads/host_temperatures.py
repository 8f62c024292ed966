"""Temperatures: how hot is the machine, and how hot may it be?"""

from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.host_course import sensors_now
from main.monitoring.host_parts import TemperaturesSample
from main.monitoring.host_question import HostPoints, samples_asked
from main.monitoring.host_states import SensorState
from main.monitoring.read import Read

SAMPLES = Query(
    TemperaturesSample,
    """
    SELECT p.at::timestamptz AS at, p.temperatures
      FROM host_samples($1, $2, $3, $4) p
     ORDER BY p.at
    """,
)


async def host_temperatures(db: Fetcher, scope: Scope, asked: HostPoints | None = None) -> list[SensorState]:
    """Return each temperature sensor of the machine now, the hottest first, with its highest value of the window.

    Empty where the machine has no sensors, as most virtual ones, or lets us see none.
    """
    return sensors_now(await SAMPLES.all(db, *samples_asked(scope, asked)))


READ = Read(
    "host_temperatures",
    "Temperatures",
    host_temperatures,
    topics=frozenset({Topic.HOST}),
    unit="degrees Celsius",
    freshness=timedelta(seconds=15),
    about="suite",
    params=HostPoints,
    as_of=None,
    formula="degraded from the sensor's own high bound on, down from its critical one",
)
