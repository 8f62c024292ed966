"""Is a PostgreSQL server running on this data folder, is it ready, and how is it stopped?"""

import contextlib
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

POLL_SECONDS = 0.01
FROZEN_SECONDS = 0.5
_PID_LINE, _PORT_LINE, _SOCKET_LINE, _STATE_LINE = 0, 3, 4, 7  # of postmaster.pid; PostgreSQL's pidfile.h


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live server process, recognised by more than its number."""

    process: psutil.Process
    port: int | None
    socket_dir: str | None
    ready: bool

    @classmethod
    def find(cls, cluster: Path) -> Self | None:
        """Return the server that runs on `cluster`, or ``None``.

        The number in ``postmaster.pid`` alone proves nothing: after a crash or a reboot any process may bear it.
        """
        lines = _pid_file_lines(cluster)
        if not lines or not lines[_PID_LINE].isdigit():
            return None
        try:
            process = psutil.Process(int(lines[_PID_LINE]))
            if not _serves(process, cluster):
                return None
        except psutil.Error:
            return None
        return cls(
            process=process,
            port=int(lines[_PORT_LINE]) if len(lines) > _PORT_LINE and lines[_PORT_LINE].isdigit() else None,
            socket_dir=lines[_SOCKET_LINE] if len(lines) > _SOCKET_LINE else None,
            ready=len(lines) > _STATE_LINE and lines[_STATE_LINE] == "ready",
        )

    def stop(self, timeout: float) -> bool:
        """Ask the server for a fast shutdown and wait up to `timeout` seconds; tell whether it is gone.

        One that takes longer goes on by itself: it is nobody's child, and who starts it again waits for its end.
        A frozen one is not waited for; it shuts down when it thaws.
        """
        try:
            self.process.send_signal(signal.SIGINT)
            return wait_until_gone(self.process, FROZEN_SECONDS if self.frozen else timeout)
        except psutil.NoSuchProcess:
            return True

    @property
    def frozen(self) -> bool:
        """Whether the server, or a process of its own that it would wait for, has been stopped (SIGSTOP)."""
        stopped = False
        for process in (self.process, *self.process.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                stopped |= process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        return stopped


def is_alive(process: psutil.Process) -> bool:
    """Tell whether `process` still runs; a zombie, which only waits for its parent, does not."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(process: psutil.Process, timeout: float) -> bool:
    """Wait up to `timeout` seconds for the end of `process`, which need not be our child; tell whether it came."""
    deadline = time.monotonic() + timeout
    while is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def orphans(cluster: Path) -> list[psutil.Process]:
    """Return the server processes that work in `cluster`; without a postmaster they are on their way out."""
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])
        if process.info["name"] == "postgres"
        and process.info["cwd"] == str(cluster)
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def _pid_file_lines(cluster: Path) -> list[str]:
    try:
        text = (cluster / "postmaster.pid").read_text(errors="replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def _serves(process: psutil.Process, cluster: Path) -> bool:
    with process.oneshot():
        return (
            process.status() != psutil.STATUS_ZOMBIE
            and Path((process.cmdline() or [""])[0]).name == "postgres"  # its children are "postgres: …"
            and process.cwd() == str(cluster)
        )
