"""How long until everything is right again after a process was killed or hangs, or the database was away?"""

import contextlib
import os
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.disturbed import PATIENCE_SECONDS, Back, Disturbed, disturbed, status
from tests.bench.row import Aim, Row, written
from tests.running import Suite, running, until

NAME = "recovery"
TITLE = "After a fault"
ORDER = 35
METHOD = """
A suite as `trade --enable-monitoring` starts it, the bot trading every second, on a PostgreSQL outside of it; a page of
each dashboard is open all the time, as a socket that asks for every panel and comes back as the page's script does,
with its jittered pauses. Processes get SIGKILL, or SIGSTOP for one that hangs; every pace and patience is the default.
Answering: the old process is gone and the new one's `/livez` answers (the worker's: it is elected, so its jobs run);
after the manager's end all four do. Live: the open page has reconnected and each of its panels has been sent to it
again, Live. Each killed or hung service is the first to end under its manager, so that the pause before its restart is
the first, of 0.25 to 0.5 s; the pause after the manager's own end doubles from one to the next.
The database is shut down for 5 s, or its processes are stopped (SIGSTOP) for 8 s, or until every panel of the trading
page says that it cannot be reached; that is counted from the order to shut down, or from the stop. Live is counted from
the moment it accepts connections again, or goes on, until every panel of both pages is Live, those with new facts every
second with facts of that moment or later. Leader: a second worker stands by; the one elected is stopped, until the
other says it is elected.
The greatest is what an aim is held against.
"""
TURNS = (
    (("trading-dashboard", signal.SIGSTOP), ("system-dashboard", signal.SIGKILL), ("worker", signal.SIGKILL)),
    (("trading-dashboard", signal.SIGKILL), ("system-dashboard", signal.SIGSTOP), ("worker", signal.SIGKILL)),
    (("trading-dashboard", signal.SIGKILL), ("system-dashboard", signal.SIGKILL), ("worker", signal.SIGKILL)),
    (("trading-dashboard", signal.SIGSTOP), ("system-dashboard", signal.SIGKILL)),
)
"""What ends under one manager, which is killed between two turns."""

STOPS, STOPPED_SECONDS = 5, 5.0
FREEZES, FROZEN_SECONDS = 2, 8.0
ELECTIONS = 2
PROCESS_AIM, SAID_AIM, DATABASE_AIM, LEADER_AIM = Aim(5), Aim(3), Aim(10), Aim(10)


def measure(folder: Path) -> Iterator[Row]:
    with disturbed(folder) as world:
        yield from _processes(world)
        server = world.server
        stops = [world.without_database(server.end_fast, STOPPED_SECONDS, server.start) for _ in range(STOPS)]
        frozen = [world.without_database(server.freeze, FROZEN_SECONDS, server.thaw) for _ in range(FREEZES)]
        yield from _rows("Database shut down, every panel says so", [each.said for each in stops], SAID_AIM)
        yield from _rows(
            f"Database back after {STOPPED_SECONDS:g} s, every panel Live", [each.live for each in stops], DATABASE_AIM
        )
        yield from _rows("Database frozen, every panel says so", [each.said for each in frozen])
        yield from _rows(
            f"Database thawed after {FROZEN_SECONDS:g} s, every panel Live",
            [each.live for each in frozen],
            DATABASE_AIM,
        )
        yield from _rows("Leading worker stopped, the other elected", _elections(folder, world), LEADER_AIM)


def _processes(world: Disturbed) -> Iterator[Row]:
    killed: list[Back] = []
    hung: list[Back] = []
    workers: list[Back] = []
    managers: list[Back] = []
    for number, turn in enumerate(TURNS):
        if number:
            managers.append(world.ended("manager", signal.SIGKILL))
        for service, sent in turn:
            into = workers if service == "worker" else killed if sent == signal.SIGKILL else hung
            into.append(world.ended(service, sent))
    yield from _rows("Dashboard killed, answering", [each.answering for each in killed], PROCESS_AIM)
    yield from _rows("Dashboard killed, its open page Live", [each.live for each in killed])
    yield from _rows("Dashboard hangs, noticed and ended", [each.gone for each in hung])
    yield from _rows("Dashboard hangs, replaced and answering", [each.answering for each in hung])
    yield from _rows("Dashboard hangs, its open page Live", [each.live for each in hung])
    yield from _rows("Worker killed, its jobs run", [each.answering for each in workers], PROCESS_AIM)
    yield from _rows("Manager killed, its services gone too", [each.gone for each in managers])
    yield from _rows("Manager killed, all four answering", [each.answering for each in managers])
    yield from _rows("Manager killed, both open pages Live", [each.live for each in managers])


def _elections(folder: Path, world: Disturbed) -> list[float]:
    """Stop the worker that leads: first the suite's own, then the one beside it."""
    beside = Suite(folder / "beside", dict(world.suite.extra))
    with running(beside, "worker") as other:
        other.wait_until_ready("worker")
        return [_election(world, beside) for _ in range(ELECTIONS)]


def _election(world: Disturbed, beside: Suite) -> float:
    world.settle(leader=False)
    suites = (world.suite, beside)
    until(lambda: sum(_elected(each) for each in suites) == 1, PATIENCE_SECONDS, "one worker is elected")
    leads, follows = suites if _elected(world.suite) else suites[::-1]
    pid = world.pids()["worker"] if leads is world.suite else beside.processes[-1].pid
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: _elected(follows), PATIENCE_SECONDS, "the other worker is elected")
        return time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):  # the manager has replaced it by now
            os.kill(pid, signal.SIGCONT)


def _elected(suite: Suite) -> bool:
    return bool(status(suite, "worker").get("elected"))


def _rows(figure: str, seconds: list[float], aim: Aim | None = None) -> Iterator[Row]:
    spread = f"{written(min(seconds))} … {written(max(seconds))}, n = {len(seconds)}"
    yield Row(f"{figure}: median", statistics.median(seconds), "s", None, spread)
    yield Row(f"{figure}: greatest", max(seconds), "s", aim)
