"""What does it cost that somebody looks after the services, and how fast do they say that they live?"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from main.monitoring.dashboards.v2.probe import ask
from main.monitoring.dashboards.v2.supervisor import Timing
from tests.bench.row import Aim, Row, median_row, quantile
from tests.bench.suite import Group, trading
from tests.bench.viewers import watching

NAME = "supervision"
TITLE = "Manager, worker and probes"
ORDER = 36
METHOD = """
A suite as `make run` starts it, the bot trading every 3 s, nobody looking. Windows of 10 s, in which the manager probes
each service five times and twice asks it what it tells of itself, each followed by one of 5 s in which the manager is
stopped (SIGSTOP) and asks nobody; the next begins 1 s after it goes on, when it has caught up. Processor time is the
kernel's clock of the whole process, in nanoseconds. Idle: the windows with the manager at work, 40 s of them. What
being supervised costs a service is the difference of two neighbouring windows: its answers, and what it hears of the
rows that the manager writes; the service's own work varies too, and a difference can be below zero.
The cost of one answer is measured where it stands out: 50 requests a second, by the very function that the supervisor
uses, for 10 s of `/livez`, 5 s of `/health` and 5 s of `/status`, beside one viewer of the trading dashboard, less what
the dashboard uses in as long a window without them, half of it before and half after. Probing at the default
pace is a `/livez` every 2 s, and `/health` and `/status` every 5 s. Latency is from connecting to the last byte.
"""
SERVICES = ("manager", "trading-dashboard", "system-dashboard", "worker")
PAIRS = 4
ON_SECONDS, OFF_SECONDS, CATCH_UP_SECONDS = 10.0, 5.0, 1.0
RSS_AIMS = {"manager": Aim(60)}
REPORT_SECONDS = 5.0  # `dashboard_manager` asks for what it shows of a service every so often
LOADS = (
    ("/livez", 10.0, 1 / Timing().probe_interval),
    ("/health", 5.0, 1 / REPORT_SECONDS),
    ("/status", 5.0, 1 / REPORT_SECONDS),
)
"""Path, for how many seconds it is asked, and requests a second at the default pace."""

REQUESTS_PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What one path cost: the seconds each answer took, and processor time of each side for one answer, in ms."""

    latencies: list[float]
    asking: float
    answering: float


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite:
        rows = suite.json("manager", "/status")["services"]
        pids = {row["service"]: row["pid"] for row in rows if row["service"] in SERVICES}
        yield from _with_and_without_the_manager(pids)
        with watching(suite, 1, ("trading",)):
            time.sleep(2)
            asked = [_asked(suite.port("trading"), pids["trading-dashboard"], *load[:2]) for load in LOADS]
    yield from _probes(asked)


def _with_and_without_the_manager(pids: dict[str, int]) -> Iterator[Row]:
    with_it, without = [], []
    for _ in range(PAIRS):
        with_it.append(_used(pids, ON_SECONDS))
        os.kill(pids["manager"], signal.SIGSTOP)
        try:
            without.append(_used(pids, OFF_SECONDS))
        finally:
            os.kill(pids["manager"], signal.SIGCONT)
        time.sleep(CATCH_UP_SECONDS)
    for name, pid in pids.items():
        title = name.replace("-", " ").capitalize()
        rss, pss = Group(pid).memory()
        if not name.endswith("dashboard"):  # those are in the section on processes
            yield Row(f"{title}, idle: RSS", rss, "MB", RSS_AIMS.get(name), f"PSS {pss:.0f} MB")
            yield median_row(f"{title}, idle: processor", [used[name] / 10 for used in with_it], "% of a core")
        if name != "manager":
            less = [one[name] - other[name] for one, other in zip(with_it, without, strict=True)]
            yield median_row(f"{title}, idle: with the manager less without", less, "ms/s")


def _probes(asked: list[Asked]) -> Iterator[Row]:
    live = [1000 * each for each in asked[0].latencies]
    yield Row(
        f"/livez at {REQUESTS_PER_SECOND} a second beside a viewer: median",
        quantile(live, 0.5),
        "ms",
        None,
        f"n = {len(live)}",
    )
    yield Row(f"/livez at {REQUESTS_PER_SECOND} a second beside a viewer: 99th percentile", quantile(live, 0.99), "ms")
    for (path, *_), each in zip(LOADS, asked, strict=True):
        yield Row(f"Processor time of one {path}, who asks", each.asking, "ms")
        yield Row(f"Processor time of one {path}, the dashboard", each.answering, "ms")
    paces = [pace for _, _, pace in LOADS]
    ours = sum(pace * each.asking for pace, each in zip(paces, asked, strict=True))
    theirs = sum(pace * each.answering for pace, each in zip(paces, asked, strict=True))
    yield Row("Probing one service at the default pace, the manager", ours, "ms/s")
    yield Row("Probing one service at the default pace, the dashboard", theirs, "ms/s")


def _asked(port: int, pid: int, path: str, seconds: float) -> Asked:
    """Ask for a path, with a quiet half of the time before and after."""
    quiet = _used({"": pid}, seconds / 2)[""]
    began, before = time.monotonic(), _processor_seconds(pid)
    latencies, asking = asyncio.run(_answers(port, path, seconds))
    busy = 1000 * (_processor_seconds(pid) - before) / (time.monotonic() - began)
    quiet = (quiet + _used({"": pid}, seconds / 2)[""]) / 2
    return Asked(latencies, 1000 * asking / len(latencies), (busy - quiet) * seconds / len(latencies))


async def _answers(port: int, path: str, seconds: float) -> tuple[list[float], float]:
    """Ask at an even pace, whatever the answers take; return their seconds, and this thread's processor time."""
    began, pending = time.thread_time(), []
    due = time.monotonic()
    for _ in range(int(REQUESTS_PER_SECOND * seconds)):
        await asyncio.sleep(due - time.monotonic())
        pending.append(asyncio.create_task(ask("127.0.0.1", port, path, within=10)))
        due += 1 / REQUESTS_PER_SECOND
    replies = await asyncio.gather(*pending)
    assert all(reply.status in (200, 503) for reply in replies), path
    return [reply.seconds for reply in replies], time.thread_time() - began


def _used(pids: dict[str, int], seconds: float) -> dict[str, float]:
    """Watch for a while; return processor time in ms per second."""
    began = time.monotonic()
    before = {name: _processor_seconds(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    after = {name: _processor_seconds(pid) for name, pid in pids.items()}
    took = time.monotonic() - began
    return {name: 1000 * (after[name] - before[name]) / took for name in pids}


def _processor_seconds(pid: int) -> float:
    """Processor time of a process so far, all its threads; finer than the ticks that the kernel tells in files."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), CPUCLOCK_SCHED
