"""A suite on a PostgreSQL of somebody else, with a page of each dashboard open: how long until it is back?"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

from main.database.postmaster import is_alive
from tests.bench.open_page import OpenPage, open_pages, wait_until_right
from tests.chaos.suite import OutsideServer
from tests.running import Suite, fetch, running, until

SERVICES = ("manager", "trading-dashboard", "system-dashboard", "worker")
PATIENCE_SECONDS = 60.0  # a figure that misses its aim is still a figure
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Back:
    """Seconds from the signal: the old process is gone, the new one answers, the open pages are Live."""

    gone: float
    answering: float
    live: float


@dataclass(frozen=True, slots=True)
class Outage:
    """Seconds from the loss of the database until every panel says so, and from its return until all are Live."""

    said: float
    live: float


@dataclass
class Disturbed:
    """The suite, the server it uses, and who looks."""

    suite: Suite
    server: OutsideServer
    pages: dict[str, OpenPage]

    def pids(self) -> dict[str, int]:
        """The process of each service that is there, the manager's own included; none while it does not answer."""
        told = status(self.suite, "manager")
        return {row["service"]: row["pid"] for row in told.get("services", []) if row["pid"]}

    def settle(self, *, leader: bool = True) -> None:
        """Wait until nothing of the last disturbance is left to be seen; the worker's lead is for `leader` only."""
        until(lambda: self.pids().keys() >= set(SERVICES), PATIENCE_SECONDS, "every service runs")
        if leader:
            until(lambda: status(self.suite, "worker").get("elected"), PATIENCE_SECONDS, "the worker works")
        wait_until_right(list(self.pages.values()), PATIENCE_SECONDS, time.time())
        time.sleep(1)

    def ended(self, service: str, number: signal.Signals) -> Back:
        """Signal a service, and wait until it was replaced. With the manager all others are."""
        self.settle()
        pids = self.pids()
        hit = SERVICES if service == "manager" else (service,)
        processes = [psutil.Process(pids[name]) for name in hit]
        pages = [(page, page.connections) for name, page in self.pages.items() if f"{name}-dashboard" in hit]
        began = time.monotonic()
        os.kill(pids[service], number)
        until(lambda: not any(is_alive(process) for process in processes), PATIENCE_SECONDS, f"the old {service} ends")
        gone = time.monotonic() - began
        until(lambda: all(self._works(name) for name in hit), PATIENCE_SECONDS, f"the new {service} answers")
        answering = time.monotonic() - began
        until(lambda: all(_again(*each) for each in pages), PATIENCE_SECONDS, f"the pages Live after {service}")
        return Back(gone, answering, time.monotonic() - began)

    def without_database(self, take: Callable[[], None], seconds: float, give_back: Callable[[], Any]) -> Outage:
        """Take the database away for so long."""
        self.settle()
        began = time.monotonic()
        take()
        until(self.pages["trading"].is_lost, PATIENCE_SECONDS, "every panel says that the database is away")
        said = time.monotonic() - began
        time.sleep(max(0.0, seconds - said))
        give_back()
        since, returned = time.time(), time.monotonic()
        wait_until_right(list(self.pages.values()), PATIENCE_SECONDS, since)
        return Outage(said, time.monotonic() - returned)

    def _works(self, service: str) -> bool:
        which = service.partition("-")[0]
        if service == "worker":
            return bool(status(self.suite, which).get("elected"))
        return fetch(self.suite.url(which, "/livez"), _POLL_SECONDS)[0] == 200


def _again(page: OpenPage, connections: int) -> bool:
    """Whether a page that had so many connections has another, over which it was sent every panel, Live."""
    return page.connections > connections and not page.wrong(0.0)


def status(suite: Suite, which: str) -> dict[str, Any]:
    """What a process says of itself; nothing when it does not answer at once."""
    code, body = fetch(suite.url(which, "/status"), _POLL_SECONDS)
    return dict(orjson.loads(body)) if code == 200 else {}


@contextlib.contextmanager
def disturbed(folder: Path) -> Iterator[Disturbed]:
    """`trade --enable-monitoring --interval 1` on a server that may be stopped, with both pages open and Live."""
    server = OutsideServer(folder / "postgres")
    try:
        server.start()
        address = asyncio.run(server.furnish())
        suite = Suite(folder / "suite")
        suite.extra |= {"DB_HOST": address.host, "DB_PORT": str(address.port), "DB_NAME": address.database}
        suite.extra |= {"DB_USER": address.user, "DB_PASSWORD": address.password or ""}
        with running(suite, "trade", "--enable-monitoring", "--interval", "1"):
            suite.wait_until_ready("trading", "system", "worker", "bot")
            with open_pages(suite) as pages:
                yield Disturbed(suite, server, pages)
    finally:
        server.remove()
