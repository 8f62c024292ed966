"""What do the programs that matter take of this machine, and which services of the suite are they?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import psutil

from main.clock import from_epoch, monotonic, now
from main.database.pool import Database
from main.telemetry.services import host_name

MOST = 200
"""Processes of one sample: those of the suite, then those that take most."""

LOOK_AGAIN = 4
"""At every so many samples names are read again, for a process may become another program, and it is made sure that
none has got the number of one that ended. Open files of others than the suite are counted then: that takes longest."""

_GENERATIONS = 12
"""How far up from a process its service is looked for."""

_INSERT = """
    INSERT INTO process_metrics (host, at, pid, name, service, started_at, status, cpu_percent, rss_bytes, threads,
                                 file_descriptors)
    SELECT $1, $2, s.* FROM unnest($3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::float8[],
                                   $9::bigint[], $10::int[], $11::int[]) AS s
        ON CONFLICT DO NOTHING
"""
_KNOWN = """
    SELECT s.pid, s.service
      FROM services s
     WHERE s.host = $1 AND s.pid IS NOT NULL AND s.state NOT IN ('stopped', 'failed')
    UNION ALL
    SELECT b.pid, 'bot:' || min(b.account_id)
      FROM bot_signs(ARRAY(SELECT a.account_id::text FROM accounts a), database_clock(), 'infinity', true) b
     WHERE b.host = $1 AND b.pid IS NOT NULL AND b.status NOT IN ('stopped', 'finished') AND NOT b.silent
     GROUP BY b.pid
"""


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One process, by the columns of ``process_metrics``; ``None`` where we may not look."""

    pid: int
    name: str
    service: str | None
    started_at: datetime | None
    status: str | None
    cpu_percent: float | None  # of one core since the last sample; None in the first
    rss_bytes: int | None
    threads: int | None
    file_descriptors: int | None


class ProcessCollector:
    """Samples processes whose program's name has one of some words in it, and those that are known by their pid."""

    def __init__(self, words: Sequence[str]) -> None:
        """Take the words of ``process_filter``; upper and lower case are alike."""
        self._words = tuple(word.lower() for word in words)
        self._wanted: dict[int, psutil.Process] = {}
        self._others: set[int] = set()
        self._last: dict[tuple[int, float], tuple[float, float]] = {}  # monotonic, processor seconds
        self._services: dict[int, str | None] = {}
        self._files: dict[int, int | None] = {}
        self._known: Mapping[int, str] = {}
        self._turn = 0

    def sample(self, known: Mapping[int, str]) -> tuple[ProcessSample, ...]:
        """Return the processes now; `known` names the suite's by pid, their descendants are of the same service."""
        self._find(set(psutil.pids()), known)
        found = [each for process in self._wanted.values() if (each := self._sampled(process, known)) is not None]
        alive = {(pid, each.create_time()) for pid, each in self._wanted.items()}
        self._last = {key: last for key, last in self._last.items() if key in alive}
        found.sort(key=lambda each: (each.service is None, -(each.cpu_percent or 0.0), -(each.rss_bytes or 0)))
        return tuple(found[:MOST])

    def _find(self, present: set[int], known: Mapping[int, str]) -> None:
        """Bring up to date which processes are wanted, and what is remembered of them."""
        again = self._turn % LOOK_AGAIN == 0
        self._turn += 1
        self._others = set() if again else self._others & present
        wanted = {pid: each for pid, each in self._wanted.items() if pid in present}
        self._wanted = {pid: each for pid, each in wanted.items() if each.is_running()} if again else wanted
        if again or known != self._known:
            self._services, self._known = {}, dict(known)
        self._files = {} if again else {pid: count for pid, count in self._files.items() if pid in self._wanted}
        unknown = present - self._others - self._wanted.keys()
        for pid in unknown | (known.keys() & present & self._others):
            self._consider(pid, known)

    def _consider(self, pid: int, known: Mapping[int, str]) -> None:
        self._others.add(pid)
        try:
            process = psutil.Process(pid)
            name = process.name().lower()
        except psutil.Error:
            return
        if pid in known or any(word in name for word in self._words):
            self._wanted[pid] = process
            self._others.discard(pid)

    def _sampled(self, process: psutil.Process, known: Mapping[int, str]) -> ProcessSample | None:
        try:
            with process.oneshot():
                times = process.cpu_times()
                service = self._service(process.pid, known)
                return ProcessSample(
                    process.pid,
                    _written(process.name()),
                    service,
                    from_epoch(process.create_time()),
                    process.status(),
                    self._percent(process, times.user + times.system),
                    process.memory_info().rss,
                    process.num_threads(),
                    self._descriptors(process, ours=service is not None),
                )
        except psutil.Error:  # it has ended
            return None

    def _percent(self, process: psutil.Process, seconds: float) -> float | None:
        key, moment = (process.pid, process.create_time()), monotonic()
        before = self._last.get(key)
        self._last[key] = (moment, seconds)
        if before is None or moment <= before[0]:
            return None
        return max(0.0, seconds - before[1]) / (moment - before[0]) * 100

    def _service(self, pid: int, known: Mapping[int, str]) -> str | None:
        if pid not in self._services:
            self._services[pid] = _service_of(pid, known)
        return self._services[pid]

    def _descriptors(self, process: psutil.Process, *, ours: bool) -> int | None:
        if ours or process.pid not in self._files:
            self._files[process.pid] = _descriptors(process)
        return self._files[process.pid]


async def collect_processes(database: Database, collector: ProcessCollector) -> int:
    """Sample the processes, write them down and return how many. Needs the role service.

    Raises DatabaseUnreachable or DatabaseTimeout.
    """
    host = host_name()
    async with database.scoped() as connection:
        known = {row[0]: row[1] for row in await connection.fetch(_KNOWN, host)}
        samples, at = collector.sample(known), now()
        columns = [[getattr(sample, each.name) for sample in samples] for each in fields(ProcessSample)]
        await connection.execute(_INSERT, host, at, *columns)
    return len(samples)


def _service_of(pid: int, known: Mapping[int, str]) -> str | None:
    """Return the service of a process: its own, or that of the nearest one above it."""
    for _ in range(_GENERATIONS):
        if pid in known:
            return known[pid]
        try:
            pid = psutil.Process(pid).ppid()
        except psutil.Error:
            return None
        if pid <= 1:
            return None
    return None


def _descriptors(process: psutil.Process) -> int | None:
    try:
        return process.num_fds()
    except (psutil.AccessDenied, AttributeError):  # others' are not ours to count; Windows has none
        return None


def _written(name: str) -> str:
    """Return a program's name as PostgreSQL's text takes it."""
    return name.replace("\0", "").encode("utf-8", "replace").decode()[:255]
