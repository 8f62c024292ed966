"""Processes: those that the filter names and the suite's own, with what they take, as psutil has it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from main.clock import now
from main.database.pool import Database
from main.monitoring.collectors.processes import ProcessCollector, collect_processes
from main.monitoring.reads import error_history, processes, service_cpu
from main.monitoring.reads.processes import ProcessesPage
from main.telemetry.services import host_name
from tests.given import HOUR, MINUTE, MOMENT, asked, given_event, given_service, insert, live, past

SPIN = "import time; end = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
CHILD = "import time; time.sleep(30)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD!r}]); {CHILD}"


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SPIN]) as process:
        yield process
        process.kill()


async def test_a_busy_program_is_found_by_a_part_of_its_name_and_its_figures_are_psutils(
    service: Database, database: Database, busy: subprocess.Popen[bytes]
) -> None:
    collector = ProcessCollector(("PYTH",))
    await collect_processes(service, collector)
    before = psutil.Process(busy.pid).cpu_times().user
    while psutil.Process(busy.pid).cpu_times().user < before + 0.5:
        await asyncio.sleep(0.1)
    await collect_processes(service, collector)
    page = await asked(database, processes.READ, replace(live(), moment=now()))
    row = next(each for each in page.items if each.pid == busy.pid)
    other = psutil.Process(busy.pid)
    assert (row.host, row.name, row.service) == (host_name(), other.name(), None)
    assert row.cpu_share is not None
    assert row.cpu_share > 0.05
    assert row.rss_bytes == pytest.approx(other.memory_info().rss, rel=0.2)
    assert (row.threads, row.file_descriptors) == (other.num_threads(), other.num_fds())
    assert row.started_at is not None
    assert row.started_at.timestamp() == pytest.approx(other.create_time(), abs=0.01)


@pytest.fixture
def parent() -> Iterator[psutil.Process]:
    """A program that has started another."""
    with subprocess.Popen([sys.executable, "-c", PARENT]) as process:
        known = psutil.Process(process.pid)
        yield known
        for each in [*known.children(), known]:
            each.kill()


async def test_what_the_filter_does_not_name_is_left_out_but_for_the_suites_own(
    service: Database, database: Database, parent: psutil.Process
) -> None:
    while not (children := parent.children()):
        await asyncio.sleep(0.05)
    await given_service(service, "trading", host=host_name(), pid=parent.pid, interval_seconds=600)
    await collect_processes(service, ProcessCollector(("no such program",)))
    only = await asked(database, processes.READ, replace(live(), moment=now()))
    assert [(row.pid, row.service) for row in only.items] == [(parent.pid, "trading")]
    await collect_processes(service, ProcessCollector(("python",)))
    page = await asked(database, processes.READ, replace(live(), moment=now()))
    named = {row.pid: row.service for row in page.items}
    assert (named[parent.pid], named[children[0].pid], named[os.getpid()]) == ("trading", "trading", None)


async def test_a_page_is_sorted_and_counts_all(service: Database, database: Database) -> None:
    row = {"host": "h", "at": MOMENT, "recorded_at": MOMENT, "name": "python"}
    for pid in range(1, 8):
        share = {"cpu_percent": pid * 10.0, "rss_bytes": 1000 - pid, "service": "worker" if pid < 3 else None}
        await insert(service, "process_metrics", [row | {"pid": pid} | share])
    scope = past(MOMENT)
    async with database.scoped() as connection:
        first = await processes.READ.fetch(connection, scope, ProcessesPage(limit=3))
        second = await processes.READ.fetch(connection, scope, ProcessesPage(limit=3, offset=3, sort="-rss_bytes"))
    assert ([each.pid for each in first.items], first.total) == ([7, 6, 5], 7)
    assert [each.pid for each in second.items] == [4, 5, 6]
    assert first.summary is not None
    assert (first.summary.suite_processes, first.summary.suite_cpu_share) == (2, pytest.approx(0.3))
    assert (await asked(database, processes.READ, past(MOMENT + HOUR))).items == []
    with pytest.raises(ValueError, match="sort"):
        ProcessesPage(sort="name; DROP TABLE fills")


async def test_a_services_course_is_the_sum_of_its_processes_minute_by_minute(
    service: Database, database: Database
) -> None:
    for minute, percent in enumerate((10.0, 20.0, 40.0)):
        at = MOMENT - (3 - minute) * MINUTE
        row = {"host": "h", "at": at, "recorded_at": at, "name": "python", "service": "worker", "cpu_percent": percent}
        for pid in (1, 2):
            await insert(service, "process_metrics", [row | {"pid": pid}])
    (course,) = await asked(database, service_cpu.READ, past(MOMENT))
    assert (course.service, course.share) == ("worker", pytest.approx([0.2, 0.4, 0.8]))
    assert await asked(database, service_cpu.READ, past(MOMENT - 2 * HOUR)) == []


async def test_errors_and_warnings_are_counted_by_the_hour_they_happened_in(
    service: Database, database: Database
) -> None:
    start = MOMENT.replace(minute=0, second=0, microsecond=0)
    for number, (severity, message, ago) in enumerate(
        (
            ("error", "websocket dropped", 5 * HOUR),
            ("critical", "websocket dropped", 5 * HOUR),
            ("warning", "slow", 5 * HOUR),
            ("info", "started", 5 * HOUR),
            ("warning", "slow", HOUR),
            ("error", "old", 30 * HOUR),
        )
    ):
        await given_event(service, f"event{number}", severity, start - ago + MINUTE, message=message)
    hours = await asked(database, error_history.READ, past(MOMENT))
    assert len(hours) == 24
    assert hours[-1].at == start
    counted = {round((start - hour.at) / HOUR): (hour.errors, hour.warnings, hour.said) for hour in hours}
    assert counted[5] == (2, 1, "websocket dropped")
    assert counted[1] == (0, 1, "slow")
    assert sum(errors for errors, _, _ in counted.values()) == 2
    assert error_history.READ.scalar is not None
    assert error_history.READ.scalar(hours) == 2
