"""The machine's parts: what is sampled agrees with the machine, is kept long enough, and is answered exactly."""

import multiprocessing
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from main.clock import monotonic
from main.database.pool import Database
from main.database.retention import kept, purge
from main.monitoring.collectors.parts import PartsCollector, store_parts
from main.monitoring.host_course import cpu_course
from main.monitoring.reads import (
    host_cpu,
    host_disks,
    host_file_systems,
    host_files,
    host_memory,
    host_network,
    host_temperatures,
)
from tests.given import DAY, HOUR, MINUTE, MOMENT, asked, insert, live, past
from tests.given_machine import machine_parts

SECOND = timedelta(seconds=1)
READS = (host_cpu, host_memory, host_file_systems, host_disks, host_network, host_temperatures, host_files)


def spin(seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        pass


async def given_parts(service: Database, count: int, every: timedelta, ending: datetime = MOMENT, **given: Any) -> None:
    for back in reversed(range(count)):
        at = ending - back * every
        await store_parts(service, machine_parts(at, 1e6 + (at - MOMENT).total_seconds(), **given))
    async with service.scoped() as connection:
        await connection.execute("UPDATE host_parts SET recorded_at = at")


async def test_rates_are_exact_between_two_samples_however_far_apart_they_are(
    service: Database, database: Database
) -> None:
    await given_parts(service, 40, 90 * SECOND)
    for window in ("15m", "1h"):
        cpu = await asked(database, host_cpu.READ, live(window=window))
        assert cpu.latest is not None
        assert (cpu.cores, cpu.limit_cores, cpu.latest.at) == (2, 1.5, MOMENT)
        assert cpu.latest.core_share == pytest.approx([0.6, 0.1], abs=0.01)
        shares = (cpu.latest.user_share, cpu.latest.system_share, cpu.latest.iowait_share, cpu.latest.busy_share)
        assert shares == pytest.approx((0.25, 0.1, 0.05, 0.35))
        (disk,) = await asked(database, host_disks.READ, live(window=window))
        assert (disk.latest.read_bytes_per_second, disk.latest.busy_share) == pytest.approx((1000, 0.25))
        (interface,) = await asked(database, host_network.READ, live(window=window))
        assert interface.latest.received_bytes_per_second == pytest.approx(500)
        assert interface.errors == pytest.approx(
            (interface.points[-1].at - interface.points[0].at).seconds / 100, abs=1.5
        )


async def test_what_cannot_be_counted_is_answered_as_it_is(service: Database, database: Database) -> None:
    await given_parts(service, 3, MINUTE)
    memory = await asked(database, host_memory.READ, live(window="1h"))
    assert (memory.latest.used_bytes, memory.latest.cached_bytes, len(memory.points)) == (400, 300, 3)
    (root,) = await asked(database, host_file_systems.READ, live(window="1h"))
    assert (root.mount, root.used_share, root.inodes_share, root.condition) == ("/", 0.6, 0.2, "ok")
    assert root.growth_bytes is None, "two minutes tell of no growth"
    (sensor,) = await asked(database, host_temperatures.READ, live(window="1h"))
    assert (sensor.sensor, sensor.celsius, sensor.condition) == ("core 0", 91.0, "degraded")


async def test_a_file_system_that_fills_says_when_it_is_full(service: Database, database: Database) -> None:
    for step, used in enumerate((940, 950, 960, 970)):
        await given_parts(service, 1, MINUTE, MOMENT - (3 - step) * 20 * MINUTE, used=used)
    (root,) = await asked(database, host_file_systems.READ, live(window="1h"))
    assert root.condition == "down"
    assert root.growth_bytes == pytest.approx(720)
    assert root.full_seconds == pytest.approx(HOUR.total_seconds())


async def test_a_restart_of_the_machine_is_a_gap_and_no_negative_rate(service: Database, database: Database) -> None:
    for back, uptime in ((4, 5000.0), (3, 5060.0), (2, 20.0), (1, 80.0)):
        await store_parts(service, machine_parts(MOMENT - back * MINUTE, uptime))
    cpu = await asked(database, host_cpu.READ, live(window="1h"))
    assert [point.user_share is None for point in cpu.points] == [False, True, False]
    (disk,) = await asked(database, host_disks.READ, live(window="1h"))
    assert [point.read_bytes_per_second for point in disk.points] == pytest.approx([1000, 1000])


async def test_long_windows_are_answered_by_few_samples_that_are_kept_longer(
    service: Database, database: Database
) -> None:
    await given_parts(service, 30, 10 * SECOND, MOMENT - 3 * DAY)
    await given_parts(service, 50, 3 * MINUTE, MOMENT - 2 * DAY)
    await given_parts(service, 12, HOUR)
    async with service.scoped() as connection:
        widths = dict(await connection.fetch("SELECT width, count(*) FROM host_parts GROUP BY width"))
    assert (widths["sample"], widths["minute"], widths["hour"]) == (24, 50, 18)
    before = {read: await asked(database, read.READ, live(window="1W")) for read in READS}
    await purge(service, kept(3600, 30, 90), before=MOMENT)
    async with service.scoped() as connection:
        left = dict(await connection.fetch("SELECT width, count(*) FROM host_parts GROUP BY width"))
    assert left == {"minute": 50, "hour": 18}
    assert before == {read: await asked(database, read.READ, live(window="1W")) for read in READS}


async def test_the_past_is_as_it_was_known_and_nothing_is_answered_where_nothing_is(
    service: Database, database: Database
) -> None:
    await given_parts(service, 5, MINUTE, MOMENT - HOUR)
    then = [await asked(database, read.READ, past(MOMENT - HOUR, window="1h")) for read in READS]
    await given_parts(service, 5, MINUTE)
    assert then == [await asked(database, read.READ, past(MOMENT - HOUR, window="1h")) for read in READS]
    async with service.scoped() as connection:
        await connection.execute("UPDATE host_parts SET recorded_at = at + interval '1 day'")
    shown = [await asked(database, read.READ, past(MOMENT, window="1h", known_at=MOMENT)) for read in READS]
    assert [getattr(each, "points", each) for each in shown] == [[]] * len(READS)


async def test_file_descriptors_are_the_machines_and_the_suites(service: Database, database: Database) -> None:
    await given_parts(service, 2, MINUTE)
    row = {"host": "trader-01", "at": MOMENT, "recorded_at": MOMENT, "name": "python"}
    for pid, name, files in ((1, "worker", 10), (2, "bot:A", 20), (3, None, 500)):
        await insert(service, "process_metrics", [row | {"pid": pid, "service": name, "file_descriptors": files}])
    found = await asked(database, host_files.READ, live(window="1h"))
    assert found.suite_files == 30
    assert found.latest.open_files is None or found.latest.open_files > 0


def test_the_sample_agrees_with_psutil_and_proc() -> None:
    collector = PartsCollector(Path.cwd())
    network, traffic = psutil.net_io_counters(pernic=True), psutil.disk_io_counters(perdisk=True) or {}
    found, memory, disk = collector.sample(), psutil.virtual_memory(), psutil.disk_usage("/")
    later, after = psutil.net_io_counters(pernic=True), psutil.disk_io_counters(perdisk=True) or {}
    assert len(found.cpu.core_busy_seconds) == psutil.cpu_count()
    if found.memory.limit_bytes is None:
        assert found.memory.total_bytes == memory.total
        assert found.memory.used_bytes == pytest.approx(memory.total - memory.available, rel=0.1, abs=3e8)
    root = found.file_systems.file_systems["/"]
    assert root.used_bytes == pytest.approx(disk.used, rel=0.05)
    assert root.total_bytes == disk.used + disk.free
    for name, each in found.interfaces.interfaces.items():
        assert network[name].bytes_recv <= each.received_bytes <= later[name].bytes_recv
        assert network[name].bytes_sent <= each.sent_bytes <= later[name].bytes_sent
    for name, device in found.disks.disks.items():
        assert traffic[name].write_bytes <= device.written_bytes <= after[name].write_bytes
        assert traffic[name].read_count <= device.reads <= after[name].read_count
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert found.cpu.uptime_seconds == pytest.approx(uptime, abs=5)
    stat = [line.split() for line in Path("/proc/stat").read_text().splitlines() if re.match(r"cpu\d", line)]
    ticks = os.sysconf("SC_CLK_TCK")
    for busy, (_, user, nice, system, _, _, irq, softirq, steal, *_) in zip(
        found.cpu.core_busy_seconds, stat, strict=True
    ):
        assert busy == pytest.approx(sum(map(int, (user, nice, system, irq, softirq, steal))) / ticks, abs=5)


def test_a_busy_loop_raises_the_figure_and_agrees_with_proc_stat() -> None:
    collector = PartsCollector(Path.cwd())
    before, stat = collector.sample(), psutil.cpu_times()
    workers = [multiprocessing.get_context("spawn").Process(target=spin, args=(1.5,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    after, then = collector.sample(), psutil.cpu_times()
    point = cpu_course([before.cpu, after.cpu]).latest
    assert point is not None
    idle = (then.idle - stat.idle + then.iowait - stat.iowait) / (sum(then[:8]) - sum(stat[:8]))
    assert point.busy_share == pytest.approx(1 - idle, abs=0.05)
    assert point.busy_share is not None
    assert point.busy_share * (psutil.cpu_count() or 1) > 0.8, "two processes spun for a second and a half"
