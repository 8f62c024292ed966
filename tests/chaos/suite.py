"""What is put under stress: a real suite, a PostgreSQL outside that may be killed, and the proxy between the two."""

import asyncio
import atexit
import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.embedded_home import locate
from main.database.postmaster import Postmaster, wait_until_gone
from tests.chaos.fault_proxy import FaultProxy
from tests.running import Suite, first_of_free_ports, forget_database

ACCOUNTS = ("CHAOS-ONE", "CHAOS-TWO")
INTERVAL_SECONDS = 1.0
_SHARED = "PYTEST_XDIST_WORKER" in os.environ  # other tests have the other processors
PATIENCE = float(os.environ.get("CHAOS_PATIENCE", "2" if _SHARED else "1"))
"""How many times slower the machine is than it should be: every limit in seconds is so much longer."""

MAX_CONNECTIONS = 60
PASSWORD = "canary-b6d767d2f8ed5d21"
ARGUMENTS = ("trade", "--enable-monitoring", "--interval", str(INTERVAL_SECONDS), "--account", ",".join(ACCOUNTS))
MARKS = {
    "bot": "ai_trader.py trade",
    "manager": "dashboard_manager",
    "trading": "run_trading_dashboard.py",
    "system": "run_system_dashboard.py",
    "worker": "main.worker",
}
"""How each process of the suite is known by its command line."""


class OutsideServer:
    """A PostgreSQL that is not the suite's own. The suite logs in as somebody who is no superuser. All calls block."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedServer(folder, durable=False)  # a killed server keeps what was committed all the same
        self._folder = folder
        self._home = locate(folder)
        self._leases = contextlib.ExitStack()
        self._frozen: list[psutil.Process] = []

    def start(self) -> Address:
        """Have it run; return where, as its superuser."""
        if not self._home.path.exists():
            self._home.make()
            (self._home.path / "custom.conf").write_text(f"max_connections = {MAX_CONNECTIONS}\n")
        fresh = contextlib.ExitStack()
        address = fresh.enter_context(self._server.acquire()).address
        former, self._leases = self._leases, fresh
        former.close()
        self.administrator = replace(address, database="trading")
        return self.administrator

    async def furnish(self) -> Address:
        """Make the suite's login and its empty database; return where it logs in."""
        login = await asyncpg.connect(
            **replace(self.administrator, database="postgres").connect_arguments(), timeout=5, command_timeout=30
        )
        await login.execute(f"CREATE ROLE trader LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        await login.execute(f"CREATE ROLE hog LOGIN PASSWORD '{PASSWORD}'")
        await login.execute("CREATE DATABASE trading OWNER trader")
        await login.close()
        return replace(self.administrator, user="trader", password=PASSWORD)

    async def connect(self) -> Any:
        """Return a connection as superuser, past the proxy."""
        return await asyncpg.connect(**self.administrator.connect_arguments(), timeout=5, command_timeout=10)

    def kill(self) -> None:
        """`kill -9` of the postmaster; its children end by themselves or at the next start."""
        postmaster = self._postmaster()
        if postmaster is not None:
            postmaster.process.kill()
            wait_until_gone(postmaster.process, 5.0)

    def end_fast(self) -> None:
        """What an operator's restart does: every session is ended, the server with them."""
        postmaster = self._postmaster()
        if postmaster is not None:
            postmaster.stop(10.0)

    def freeze(self) -> None:
        """SIGSTOP of all its processes."""
        postmaster = self._postmaster()
        if postmaster is not None:
            self._frozen = [postmaster.process, *postmaster.process.children(recursive=True)]
            _signal(self._frozen, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT of all that was frozen."""
        _signal(self._frozen, signal.SIGCONT)
        self._frozen = []

    def remove(self) -> None:
        """End it and remove its files."""
        self.thaw()
        self._leases.close()
        self.kill()
        forget_database(self._folder)

    def _postmaster(self) -> Postmaster | None:
        return Postmaster.find(self._home.cluster)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@dataclass
class Stressed:
    """The suite under stress, and what was done to it that excuses what is seen."""

    suite: Suite
    server: OutsideServer
    proxy: FaultProxy
    afflicted: set[str] = field(default_factory=set)  # processes a fault had in its hands since all was right
    excused_until: float = 0.0  # monotonic: when killed processes must be back
    bot_kills: list[float] = field(default_factory=list)  # seconds since the epoch
    _bot: subprocess.Popen[str] | None = None

    @property
    def jsonl(self) -> Path:
        """Where the bot writes down what it does, whatever the database does."""
        return self.suite.folder / "jsonl"

    @property
    def bot(self) -> subprocess.Popen[str]:
        """The process of the newest bot."""
        assert self._bot is not None
        return self._bot

    def start_bot(self) -> None:
        """Start the bot; it takes over the dashboards that run."""
        self._bot = self.suite.start(*ARGUMENTS, "--jsonl", str(self.jsonl))

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Return the living processes of the suite by what they are; what cannot be named counts as "other"."""
        found: dict[str, list[psutil.Process]] = {}
        for process in self.suite.members():
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                name = next((name for name, mark in MARKS.items() if mark in line), "other")
                found.setdefault(name, []).append(process)
        return found

    def excuse(self, seconds: float) -> None:
        """Expect nothing of the afflicted processes for so long."""
        self.excused_until = max(self.excused_until, time.monotonic() + seconds)


@contextlib.asynccontextmanager
async def stressed(folder: Path, seed: int) -> Any:
    """Run a suite against a database outside, through a proxy, until it is ready; end whatever is left of it."""
    server = OutsideServer(folder / "postgres")
    try:
        await asyncio.to_thread(server.start)
        with FaultProxy(await server.furnish(), seed=seed) as proxy:
            suite = Suite(folder / "suite")
            suite.ports["BOT_HEALTH_PORT"] = first_of_free_ports(len(ACCOUNTS))
            suite.extra |= _environment(proxy.address)
            atexit.register(suite.stop)  # for the second Ctrl-C, which ends the cleaning up below
            made = Stressed(suite, server, proxy)
            try:
                made.start_bot()
                ready = ("trading", "system", "worker", "bot")
                await asyncio.to_thread(suite.wait_until_ready, *ready, seconds=60 * PATIENCE)
                yield made
            finally:
                proxy.clear()
                await asyncio.to_thread(suite.stop)
                atexit.unregister(suite.stop)
    finally:
        await asyncio.to_thread(server.remove)


def _environment(address: Address) -> dict[str, str]:
    return {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "DASHBOARD_UPDATE_INTERVAL": "1",
    }
