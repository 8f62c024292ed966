"""A Redis of a test's own: named, on the PATH, or from the distribution."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.running import free_ports

NAMES = ("redis-server", "valkey-server")
HOW = "set REDIS_SERVER to a redis-server or valkey-server, or install one (Debian: apt-get install redis-tools)"


@cache
def redis_server() -> str | None:
    """Return the path of a server, installing one where that is possible; ``None`` where it is not."""
    named = os.environ.get("REDIS_SERVER")
    if named:
        assert Path(named).is_file(), f"REDIS_SERVER={named}: there is no such file; {HOW}"
        return named
    found = _on_path() or (_from_distribution() if os.geteuid() == 0 else None)
    return found or shutil.which("redis-check-rdb")  # Debian's is the server's own file, and does what it is called


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None) or shutil.which("redis-check-rdb")


def _from_distribution() -> str | None:
    """Install Debian's tools rather than its server, which would be started with the machine."""
    if not shutil.which("apt-get"):
        return None
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "redis-tools"]
    for command in (["apt-get", "update", "-qq"], install):
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=300)
    return _on_path()


class RunningRedis:
    """A server that keeps nothing on disk."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        named = ["redis-server", *options]  # by this name the tools' file is the server
        self.process = subprocess.Popen(named, executable=self._program, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert self.process.poll() is None, "the redis server ended"
            assert time.monotonic() < deadline, "the redis server does not answer"
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        import socket

        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


@contextlib.contextmanager
def running_redis(folder: Path) -> Iterator[RunningRedis]:
    """Run a server; fail with what to do where there is none."""
    program = redis_server()
    assert program is not None, f"no redis server found or installable; {HOW}"
    server = RunningRedis(program, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
