"""What does every process of the suite say of itself, and where is it written down?"""

import socket
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal

from main.database.pool import Database
from main.domain.topics import CHANNEL, Announcement, Topic

Kind = Literal["manager", "dashboard", "worker", "bot", "database"]
State = Literal["starting", "running", "degraded", "stopping", "stopped", "restarting", "failed"]

_UPSERT = """
    INSERT INTO services AS known (service, kind, state, pid, port, version, started_at, restarts, restart_reason,
                                   cpu_percent, rss_bytes, probe_seconds, last_stderr, interval_seconds, host,
                                   at, recorded_at)
    SELECT said.*, $1, clock_timestamp(), clock_timestamp()
      FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::timestamptz[], $9::int[],
                  $10::text[], $11::float8[], $12::bigint[], $13::float8[], $14::text[], $15::float8[]) AS said
    ON CONFLICT (service, host) DO UPDATE
       SET kind = excluded.kind, state = excluded.state, pid = excluded.pid, port = excluded.port,
           version = excluded.version, started_at = excluded.started_at, restarts = excluded.restarts,
           restart_reason = excluded.restart_reason, cpu_percent = excluded.cpu_percent,
           rss_bytes = excluded.rss_bytes, probe_seconds = excluded.probe_seconds,
           last_stderr = excluded.last_stderr, interval_seconds = excluded.interval_seconds,
           at = excluded.at, recorded_at = excluded.recorded_at
"""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process as it is now; the fields are, in order, what the table ``services`` keeps."""

    service: str
    kind: Kind
    state: State
    pid: int | None = None
    port: int | None = None
    version: str | None = None
    started_at: datetime | None = None
    restarts: int = 0
    restart_reason: str | None = None
    cpu_percent: float | None = None  # of one core, the whole process tree, since the last report
    rss_bytes: int | None = None
    probe_seconds: float | None = None
    last_stderr: str | None = None
    interval_seconds: float = 5.0  # when the next report is due


def host_name() -> str:
    """Return the name under which this machine's rows are kept."""
    return socket.gethostname() or "localhost"


async def report_services(database: Database, states: Sequence[ProcessStatus]) -> None:
    """Write the states of this machine's services and announce them. Needs the role service.

    Raises DatabaseUnreachable or DatabaseTimeout.
    """
    if not states:
        return
    async with database.scoped() as connection:
        columns = [list(column) for column in zip(*map(astuple, states), strict=True)]
        await connection.execute(_UPSERT, host_name(), *columns)
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.SERVICES).payload)
