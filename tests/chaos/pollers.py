"""Does every process answer, does the bot go on, what do programs get? Those who ask the suite all the time."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import orjson

from main.monitoring.dashboards.v2.probe import Reply, ask
from main.monitoring.read import reads
from tests.chaos.complaints import Complaints
from tests.chaos.suite import ACCOUNTS, INTERVAL_SECONDS, PATIENCE, Stressed

LIVE_SECONDS = 2.0 * PATIENCE  # PROMISES: /livez never asks the database
ANSWER_SECONDS = (
    20.0 * PATIENCE
)  # a free connection, the query and the look whether the server is there, all at their limits
STILL_SECONDS = 5.0 * PATIENCE
CYCLE_SECONDS = 1.0 * PATIENCE
HOST = "127.0.0.1"


@dataclass
class Lag:
    """How far behind this process itself is: what is slow because the machine is, is no fault of the suite."""

    worst: float = 0.0

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.1)
            self.worst = max(self.worst * 0.95, time.monotonic() - began - 0.1)


@dataclass
class Probed:
    """One process, asked for its `/livez` twice a second."""

    world: Stressed
    complaints: Complaints
    lag: Lag
    name: str
    port: int
    answered_at: float = 0.0  # seconds since the epoch
    slowest: float = 0.0

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(0.5)
            excused = self.name in self.world.afflicted
            try:
                reply = await ask(HOST, self.port, "/livez", within=LIVE_SECONDS)
            except (OSError, ValueError) as error:
                if not (excused or self.name in self.world.afflicted or self.lag.worst > 0.5):
                    told = f"{self.name}: {str(error) or type(error).__name__}"
                    self.complaints.add(f"/livez of a healthy process answers in {LIVE_SECONDS:g} s", told)
                continue
            self.slowest = max(self.slowest, reply.seconds)
            if reply.status == 200:
                self.answered_at = time.time()


@dataclass
class Asked:
    """The REST API of one dashboard, asked for one read after the other."""

    world: Stressed
    complaints: Complaints
    dashboard: str
    right_at: float = 0.0  # seconds since the epoch: when it last answered with a value and no error

    async def run(self) -> None:
        """Ask until cancelled."""
        for name, account in _questions():
            await asyncio.sleep(0.5)
            asked_at, where = time.time(), f"/api/reads/{name}?accounts={account}"
            try:
                port = self.world.suite.port(self.dashboard)
                reply = await ask(HOST, port, where, within=ANSWER_SECONDS)
            except TimeoutError:
                if self.dashboard not in self.world.afflicted:
                    told = f"{self.dashboard}{where}: nothing in {ANSWER_SECONDS:g} s"
                    self.complaints.add("every question is answered in time", told)
                continue
            except OSError:
                continue  # its /livez tells
            self._check(reply, where, asked_at, next(each for each in ACCOUNTS if each != account))

    def _check(self, reply: Reply, where: str, asked_at: float, other: str) -> None:
        told = f"{self.dashboard}{where}: {reply.status} {reply.body[:200]!r}"
        if reply.status not in (200, 503, 404):
            self.complaints.add("an answer, or 503 with the reason, never an error of ours", told)
        elif reply.status == 200:
            document = orjson.loads(reply.body)
            if document["error"] is None:
                self.right_at = asked_at
            elif document["state"] == "live":
                self.complaints.add("no unlabelled stale answer", told)
            if document["accounts"] != [] and other in document["accounts"]:
                self.complaints.add("nothing of another account", told)


def _questions() -> Iterator[tuple[str, str]]:
    return cycle([(name, account) for name, read in reads().items() for account in ACCOUNTS if read.source == "sql"])


@dataclass
class Bot:
    """The bot of one account, by its own word: it goes on whatever happens to the monitoring."""

    world: Stressed
    complaints: Complaints
    lag: Lag
    account: str
    port: int
    status: dict[str, Any] = field(default_factory=dict)
    cycles: int = 0
    advanced_at: float = field(default_factory=time.monotonic)
    longest_cycle: float = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            try:
                reply = await ask(HOST, self.port, "/status", within=LIVE_SECONDS)
                self.status = orjson.loads(reply.body)
            except (OSError, ValueError):
                continue  # its /livez tells
            self._check()

    def _check(self) -> None:
        rule, moment = "the bot is untouched", time.monotonic()
        cycles = int(self.status.get("cycles", 0))
        if cycles != self.cycles or "bot" in self.world.afflicted:
            self.cycles, self.advanced_at = cycles, moment
        if moment - self.advanced_at > STILL_SECONDS:
            self.complaints.add(rule, f"{self.account}: no cycle for {moment - self.advanced_at:.0f} s", about="still")
        took = float(self.status.get("cycle_seconds") or 0.0)
        self.longest_cycle = max(self.longest_cycle, took)
        if took > CYCLE_SECONDS and self.lag.worst < 0.5:
            self.complaints.add(rule, f"{self.account}: a cycle of {took:.1f} s", about="slow")
        if self.status.get("errors"):
            self.complaints.add(rule, f"{self.account}: {self.status['last_error']}")
        if self.status["recorder"]["dropped"]:
            self.complaints.add("nothing is lost", f"{self.account} dropped {self.status['recorder']['dropped']}")
