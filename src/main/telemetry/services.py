"""What does every process of the suite say of itself, and where is it written down?"""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

import orjson

from main.database.pool import Database
from main.domain.topics import CHANNEL, Announcement, Topic

Kind = Literal["manager", "dashboard", "worker", "bot", "database"]
State = Literal["starting", "running", "degraded", "stopping", "stopped", "restarting", "failed"]

RestartReason = Literal["crashed", "killed", "hung", "asked", "moved"]
"""Ended by itself, ended by a signal, replaced because it hung, by a user's wish, or because the database moved."""

RESTART_REASONS: tuple[RestartReason, ...] = ("crashed", "killed", "hung", "asked", "moved")

_UPSERT = """
    INSERT INTO services AS known (service, kind, state, pid, port, version, started_at, restarts, restart_reason,
                                   restarts_by_reason, degraded_reason, cpu_percent, rss_bytes, probe_seconds, viewers,
                                   push_p50_seconds, push_p95_seconds, questions_answered, questions_shared,
                                   last_stderr, interval_seconds, host, at, recorded_at)
    SELECT said.*, $1, clock_timestamp(), clock_timestamp()
      FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::timestamptz[], $9::int[],
                  $10::text[], $11::jsonb[], $12::text[], $13::float8[], $14::bigint[], $15::float8[], $16::int[],
                  $17::float8[], $18::float8[], $19::bigint[], $20::bigint[], $21::text[], $22::float8[]) AS said
    ON CONFLICT (service, host) DO UPDATE
       SET kind = excluded.kind, state = excluded.state, pid = excluded.pid, port = excluded.port,
           version = excluded.version, started_at = excluded.started_at, restarts = excluded.restarts,
           restart_reason = excluded.restart_reason, restarts_by_reason = excluded.restarts_by_reason,
           degraded_reason = excluded.degraded_reason, cpu_percent = excluded.cpu_percent,
           rss_bytes = excluded.rss_bytes, probe_seconds = excluded.probe_seconds, viewers = excluded.viewers,
           push_p50_seconds = excluded.push_p50_seconds, push_p95_seconds = excluded.push_p95_seconds,
           questions_answered = excluded.questions_answered, questions_shared = excluded.questions_shared,
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
    restarts_by_reason: Mapping[RestartReason, int] = field(default_factory=dict)  # without those that are 0
    degraded_reason: str | None = None  # what its /health complains of, while it lives
    cpu_percent: float | None = None  # of one core, the whole process tree, since the last report
    rss_bytes: int | None = None
    probe_seconds: float | None = None
    viewers: int | None = None
    push_p50_seconds: float | None = None  # from learning of a change to handing it to the sockets of the viewers
    push_p95_seconds: float | None = None
    questions_answered: int | None = None  # since the process started, as the next
    questions_shared: int | None = None
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
        columns = [[_stored(getattr(state, each.name)) for state in states] for each in fields(ProcessStatus)]
        await connection.execute(_UPSERT, host_name(), *columns)
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.SERVICES).payload)


def _stored(value: Any) -> Any:
    """Return a field as asyncpg takes it; text without what PostgreSQL's has no place for."""
    if isinstance(value, Mapping):
        return orjson.dumps(dict(value)).decode()
    if isinstance(value, str):  # one strange line must not keep all the others out
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    return value
