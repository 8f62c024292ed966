"""A real suite to measure, and who its processes are."""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil

from main.database.embedded import EmbeddedServer
from tests.running import Suite, running

SETTLE_SECONDS = 3.0

# Copies of the newest row with another time, and equity that is not flat.
_EQUITY = """
    INSERT INTO trading_pnl
    SELECT (jsonb_populate_record(t, jsonb_build_object(
               'at', (t).at - n * $1::interval, 'source_id', 'past-' || $1::interval || n,
               'equity', (t).equity + 0.01 * (t).equity * sin(n / 40.0)))).*
      FROM (SELECT t FROM trading_pnl t ORDER BY at DESC LIMIT 1) newest, generate_series(1, $2::int) n
"""
_HOST = """
    INSERT INTO system_metrics
    SELECT (jsonb_populate_record(m, jsonb_build_object('at', (m).at - n * interval '5 s'))).*
      FROM (SELECT m FROM system_metrics m ORDER BY at DESC LIMIT 1) newest, generate_series(4, 720) n
"""


@contextlib.contextmanager
def trading(folder: Path, *arguments: str) -> Iterator[Suite]:
    """`trade --enable-monitoring` as `make run` starts it, on free ports, ready and past its start-up.

    Its account and its host get a past: a minute's equity through a day, an hour's through a month, and the host's
    last hour. The charts of a suite that has just begun have a handful of points and would flatter every figure.
    """
    with running(Suite(folder / "suite"), "trade", "--enable-monitoring", *arguments) as suite:
        suite.wait_until_ready("trading", "system", "worker", "bot")
        asyncio.run(_give_a_past(suite))
        time.sleep(SETTLE_SECONDS)
        yield suite


async def _give_a_past(suite: Suite) -> None:
    address = EmbeddedServer(suite.folder / "data").running()
    assert address is not None
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    for step, count in ((timedelta(minutes=1), 1440), (timedelta(hours=1), 720)):
        await connection.execute(_EQUITY, step, count)
    await connection.execute(_HOST)
    await connection.close()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used through a window, and what it held at its end. Without a kernel that tells it, PSS is RSS."""

    cpu_percent: float  # of one core
    rss_megabytes: float
    pss_megabytes: float


class Group:
    """A process, and for the database server also the ones it has forked."""

    def __init__(self, pid: int, *, with_children: bool = False) -> None:
        self._head = psutil.Process(pid)
        self._with_children = with_children

    @property
    def members(self) -> list[psutil.Process]:
        return [self._head, *(self._head.children(recursive=True) if self._with_children else [])]

    def cpu_seconds(self) -> float:
        """Processor time so far, user and system; of children that have ended too, once the parent has seen it."""
        total = 0.0
        for process in self.members:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                if self._with_children:
                    total += times.children_user + times.children_system
        return total

    def memory(self) -> tuple[float, float]:
        """RSS and PSS in megabytes (10⁶ bytes)."""
        rss = pss = 0.0
        for process in self.members:
            with contextlib.suppress(psutil.NoSuchProcess):
                rss += process.memory_info().rss / 1e6
                try:
                    pss += process.memory_full_info().pss / 1e6
                except (psutil.AccessDenied, AttributeError):
                    pss += process.memory_info().rss / 1e6
        return rss, pss


def groups(suite: Suite) -> dict[str, Group]:
    """Every process of a running suite, by the name a reader knows it by."""
    found = {"bot": Group(suite.processes[-1].pid)}
    for row in suite.json("manager", "/status")["services"]:
        if row["pid"]:
            found[row["service"].replace("-", " ")] = Group(row["pid"], with_children=row["kind"] == "database")
    return found


def used(watched: Mapping[str, Group], seconds: float) -> dict[str, Usage]:
    """Watch processes for a while."""
    began = time.monotonic()
    before = {name: group.cpu_seconds() for name, group in watched.items()}
    time.sleep(seconds)
    after = {name: group.cpu_seconds() for name, group in watched.items()}
    took = time.monotonic() - began
    return {name: Usage(100 * (after[name] - before[name]) / took, *group.memory()) for name, group in watched.items()}
