"""A whole suite running for a test: real processes, free ports, a folder of its own."""

import atexit
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from main.database.address import Address
from main.database.embedded_home import SYSTEM_DIR, locate
from main.database.postmaster import Postmaster

ROOT = Path(__file__).resolve().parents[1]


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on and no other test of this run was given.

    They lie below the range the kernel hands out by itself, and each run begins at another place.
    """
    ports: list[int] = []
    for port in random.sample(range(20_000, 32_000), 2_000):
        if _taken(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError(f"no {count} free ports")


def first_of_free_ports(count: int) -> int:
    """Return the first of so many free ports in a row: a bot's health servers stand side by side."""
    for port in random.sample(range(20_000, 32_000), 2_000):
        if all(_taken(port + number) for number in range(count)):
            return port
    raise AssertionError(f"no {count} free ports in a row")


def _taken(port: int) -> bool:
    """Take a port for this run; whether it was free."""
    taken = Path(os.environ.get("TESTS_RUN_DIR", tempfile.gettempdir())) / "ports"
    taken.mkdir(exist_ok=True)
    with contextlib.closing(socket.socket()) as attempt:
        try:
            attempt.bind(("127.0.0.1", port))
            (taken / str(port)).touch(exist_ok=False)
        except OSError:
            return False
    return True


def told(address: Address) -> dict[str, Any]:
    """Return an address as plain values, from which `Address(**…)` makes it again in another process."""
    return {name: getattr(address, name) for name in ("host", "port", "database", "user", "password", "tls")}


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Poll until `condition` gives something true; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


def fetch(url: str, timeout: float = 3.0) -> tuple[int, bytes]:
    """Return status and body; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def forget_database(folder: Path) -> None:
    """Remove the embedded database of a data folder when it lies elsewhere: as root, it is no part of the folder."""
    home = locate(folder)
    if home.path.is_relative_to(SYSTEM_DIR) and Postmaster.find(home.cluster) is None:
        shutil.rmtree(home.path, ignore_errors=True)


@dataclass
class Suite:
    """One `trade --enable-monitoring` (or another command) with its ports, folder and output."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        names = ("TRADING_DASHBOARD_PORT", "SYSTEM_DASHBOARD_PORT", "MANAGER_PORT", "WORKER_PORT")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.ports["BOT_HEALTH_PORT"] = first_of_free_ports(3)
        self.output = self.folder / "output.txt"
        atexit.register(forget_database, self.folder / "data")

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        own = {name: str(port) for name, port in self.ports.items()}
        folders = {"AI_TRADER_DATA_DIR": str(self.folder / "data"), "AI_TRADER_LOG_DIR": str(self.folder / "logs")}
        return kept | own | folders | self.extra

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `ai_trader.py` with arguments, in a session of its own, output into a file.

        A simulated market begins without history unless the arguments ask for some.
        """
        if arguments[:1] == ("trade",) and "--history-days" not in arguments:
            arguments = (*arguments, "--history-days", "0")
        with self.output.open("a") as output:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "ai_trader.py"), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )
        self.processes.append(process)
        return process

    def url(self, which: str, path: str = "/") -> str:
        """Return the address of a port, by the first word of its name: trading, system, manager, worker, bot."""
        return f"http://127.0.0.1:{self.port(which)}{path}"

    def port(self, which: str) -> int:
        return next(port for name, port in self.ports.items() if name.lower().startswith(which))

    def wait_until_ready(self, *which: str, seconds: float = 60) -> None:
        """Wait until the processes answer `/readyz`; fail with what was written when one does not."""

        def ready(name: str) -> bool:
            ended = self.processes and all(process.poll() is not None for process in self.processes)
            assert not ended or fetch(self.url(name, "/livez"))[0], f"ended before {name} was ready"
            return fetch(self.url(name, "/readyz"))[0] == 200

        for name in which:
            try:
                until(lambda name=name: ready(name), seconds, f"{name} ready")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.said()}") from None

    def json(self, which: str, path: str) -> Any:
        status, body = fetch(self.url(which, path))
        assert status == 200, (status, body)
        return json.loads(body)

    def said(self) -> str:
        """What the processes wrote."""
        return self.output.read_text() if self.output.exists() else ""

    def members(self) -> list[psutil.Process]:
        """Return every living process that carries this suite's folder in its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and str(self.folder) in "\0".join(
                    [*process.environ().values(), *process.cmdline()]
                ):
                    found.append(process)
        return found

    def stop(self) -> None:
        """Interrupt what was started and wait; then end by pid whatever of it is left."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(25)
        left = self.members()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()


@contextlib.contextmanager
def running(suite: Suite, *arguments: str) -> Iterator[Suite]:
    """Run `ai_trader.py` with arguments for the length of a test."""
    suite.start(*arguments)
    try:
        yield suite
    finally:
        suite.stop()
