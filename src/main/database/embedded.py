"""How do several processes share one embedded PostgreSQL, started by the first and stopped by the last?"""

import contextlib
import errno
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import structlog

from main.database import cluster
from main.database.address import Address
from main.database.embedded_home import SYSTEM_DIR, EmbeddedHome, locate
from main.database.lease import Lease, open_lease, starting_or_stopping, stop_if_last
from main.database.postgres_binaries import PostgresBinaries, copied_binaries, installed_binaries
from main.database.postmaster import POLL_SECONDS, Postmaster, is_alive, orphans, wait_until_gone
from main.errors import EmbeddedDatabaseError

log = structlog.get_logger(__name__)

_HOST = "127.0.0.1"
_FIRST_PORT, _PORTS = 15432, 8000  # below the range from which the kernel takes ports for outgoing connections
_PORT_ATTEMPTS = 5
_TAIL_BYTES = 4000

_DETACHED = '"$@" </dev/null >&2 & echo $!'
"""The server belongs to all its users: not a child of the one that happened to start it, or it dies with that tree."""


class EmbeddedServer:
    """The PostgreSQL of one data directory, for as many processes and threads as want it.

    Every user holds a shared lock on the lease file. The kernel drops it when the user dies, however it dies; who can
    turn it into an exclusive one is the last. Starting and stopping happen under a second, exclusive lock.
    A server whose very last user was killed stays until the next user leaves.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        """Name the data directory; nothing is touched yet. `durable=False` is for tests.

        It gives up only what protects against a crash of the machine: a killed server keeps what was committed.
        """
        self._data_dir = data_dir
        self._durable = durable

    def acquire(self, timeout: float = 45.0) -> Lease:
        """Start the server, or join it if it runs; return the lease that keeps it running.

        Blocks up to `timeout` seconds, by default less than a supervisor waits for a process to answer; safe from any
        thread and process. Call it again after the server was lost: it is brought back, possibly on another port when
        its own was taken meanwhile.
        Raises ``EmbeddedDatabaseError`` with the cause and the fix.
        """
        deadline = time.monotonic() + timeout
        try:
            self._data_dir.expanduser().mkdir(parents=True, exist_ok=True)
            home = locate(self._data_dir)
            home.make()
            with starting_or_stopping(home, deadline):
                home.furnish()
                return self._leased(home, open_lease(home, deadline), deadline)
        except (OSError, subprocess.SubprocessError) as error:
            raise _unusable(self._data_dir, error) from error

    def running(self) -> Address | None:
        """Return where the server answers, or ``None`` when it is not running or not ready; start nothing."""
        try:
            home = locate(self._data_dir)
            postmaster = Postmaster.find(home.cluster)
            return _address(home, postmaster) if postmaster is not None and postmaster.ready else None
        except OSError as error:
            raise _unusable(self._data_dir, error) from error

    def _leased(self, home: EmbeddedHome, lease: int, deadline: float) -> Lease:
        try:
            postmaster = _join(home, deadline) or self._start(home, deadline)
            return Lease(home, lease, _address(home, postmaster), _remembered(home).get("version", ""))
        except BaseException as error:
            if not isinstance(error, Exception):  # Ctrl-C while it starts; after an error it may be recovering: let it
                stop_if_last(home, lease)
            os.close(lease)
            raise

    def _start(self, home: EmbeddedHome, deadline: float) -> Postmaster:
        major = cluster.existing_major(home)
        binaries = installed_binaries(major)
        if not home.account.is_current:
            binaries = copied_binaries(binaries, SYSTEM_DIR / "binaries")
        cluster.remove_unfinished(home)
        if major is None:
            cluster.create_cluster(home, binaries, durable=self._durable)
            log.info("embedded database created", folder=str(home.path), requested=str(self._data_dir))
        else:
            _clear_remains(home, deadline)
            cluster.ensure_password(home, binaries, durable=self._durable)
        for port in _free_ports(home):
            arguments = cluster.configure(home, port, durable=self._durable)
            postmaster = _launch(home, binaries, arguments, deadline)
            if postmaster is not None:
                home.write(home.remembered, json.dumps({"port": port, "version": binaries.version()}), 0o644)
                log.info("embedded database started", folder=str(home.path), port=port, pid=postmaster.process.pid)
                return postmaster
        raise EmbeddedDatabaseError(
            f"the embedded database in {home.path} finds no free port from {_FIRST_PORT} "
            f"to {_FIRST_PORT + _PORTS - 1}: stop what listens there, or set DB_HOST to use your own PostgreSQL"
        )


def _join(home: EmbeddedHome, deadline: float) -> Postmaster | None:
    """Return the running server once it is ready; ``None`` when there is none, or when it ends while we watch."""
    while (postmaster := Postmaster.find(home.cluster)) is not None:
        if postmaster.ready:
            return postmaster
        _require_time(deadline, home)
        time.sleep(POLL_SECONDS)
    return None


def _clear_remains(home: EmbeddedHome, deadline: float) -> None:
    """Remove what a killed server left behind, when it is certain that none is alive.

    PostgreSQL itself takes any process with the old number for the old server and would refuse to start.
    """
    for endpoint in home.socket.glob(".s.PGSQL.*[0-9]"):
        if _answers(endpoint):
            raise EmbeddedDatabaseError(
                f"a server that cannot be seen from here, perhaps in another container, serves {home.cluster}: "
                "stop it, or set AI_TRADER_DATA_DIR to a folder of your own"
            )
    pid_file = home.cluster / "postmaster.pid"
    if pid_file.exists():
        _end_orphans(home, deadline)
        log.warning("embedded database had not been stopped, it recovers", folder=str(home.path))
        pid_file.unlink(missing_ok=True)
    for remains in home.socket.glob(".s.PGSQL.*"):
        remains.unlink(missing_ok=True)


def _end_orphans(home: EmbeddedHome, deadline: float) -> None:
    """End what a killed server left: idle processes see that it is gone, busy ones must be told, and both may write."""
    left = orphans(home.cluster)
    for orphan in left:  # all before we wait for any: the log writer stays until the last that may log has gone
        with contextlib.suppress(psutil.NoSuchProcess):
            orphan.terminate()
    for orphan in left:
        if not wait_until_gone(orphan, max(0.0, deadline - time.monotonic())):
            raise EmbeddedDatabaseError(
                f"process {orphan.pid} of a killed server still works in {home.cluster}: "
                f"end it with `kill -9 {orphan.pid}` and start again"
            )


def _answers(endpoint: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(endpoint))
        except (ConnectionError, FileNotFoundError):
            return False
        except OSError:
            return True
        return True


def _launch(home: EmbeddedHome, binaries: PostgresBinaries, arguments: list[str], deadline: float) -> Postmaster | None:
    """Start the server and wait until it is ready; ``None`` when its port was taken meanwhile."""
    earlier = _log_sizes(home)
    started = _detach(home, [str(binaries.program("postgres")), *arguments])
    try:
        server = psutil.Process(started)
        while is_alive(server):
            postmaster = Postmaster.find(home.cluster)
            if postmaster is not None and postmaster.ready:
                return postmaster
            _require_time(deadline, home)
            time.sleep(POLL_SECONDS)
    except psutil.NoSuchProcess:
        pass  # it ended before we looked: its log says why
    told = _log_tail(home, earlier)
    if "could not bind" in told:
        return None
    raise cluster.failure(f"the embedded database in {home.path} does not start", told, home)


def _detach(home: EmbeddedHome, command: list[str]) -> int:
    """Start a program as the server's account in a session of its own, nobody's child; return its process id."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(home.startup_log, flags, 0o600), "wb") as errors:
        shell = subprocess.run(
            ["/bin/sh", "-c", _DETACHED, "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=home.path,
            env=cluster.ENVIRONMENT,
            umask=0o077,
            start_new_session=True,  # Ctrl-C must not stop the database before its users have drained
            timeout=30,
            check=True,
            **home.account.process_arguments(),
        )
    return int(shell.stdout)


def _require_time(deadline: float, home: EmbeddedHome) -> None:
    if time.monotonic() > deadline:
        told = _log_tail(home, {})
        raise cluster.failure(
            f"the embedded database in {home.path} is not ready yet; it may be recovering from a crash and goes on "
            "doing so, start again in a while",
            told,
            home,
        )


def _log_sizes(home: EmbeddedHome) -> dict[Path, int]:
    return {file: file.stat().st_size for file in home.log.glob("*.log")}


def _log_tail(home: EmbeddedHome, earlier: dict[Path, int]) -> str:
    """Return what the newest log tells beyond the sizes of earlier, so that an old failure is not read as a new one."""
    newest = sorted(home.log.glob("*.log"), key=lambda file: file.stat().st_mtime)[-1:]
    told = ""
    for file in (home.startup_log, *newest):
        with contextlib.suppress(FileNotFoundError), file.open("rb") as source:
            size = source.seek(0, os.SEEK_END)
            known = earlier.get(file, 0)
            source.seek(max(known if known <= size else 0, size - _TAIL_BYTES))
            told += source.read().decode(errors="replace")
    return told


def _address(home: EmbeddedHome, postmaster: Postmaster) -> Address:
    if postmaster.port is None or not home.password.is_file():
        raise EmbeddedDatabaseError(
            f"the embedded database runs (pid {postmaster.process.pid}) but {home.password} or the port in its "
            f"pid file is lost: end it with `kill -INT {postmaster.process.pid}` and start again for a new password"
        )
    return Address(_HOST, postmaster.port, cluster.DATABASE, cluster.USER, home.password.read_text(), tls="disable")


def _free_ports(home: EmbeddedHome) -> Iterator[int]:
    """Yield the port of last time, then others from a place of this home's own, as long as they are free."""
    start = int(home.digest, 16) % _PORTS  # two copies of the suite start from different places
    candidates = [_remembered(home).get("port", _FIRST_PORT + start)]
    candidates += [_FIRST_PORT + (start + step) % _PORTS for step in range(_PORTS)]
    found = 0
    for port in candidates:
        if _is_free(int(port)):
            yield int(port)
            found += 1
            if found == _PORT_ATTEMPTS:
                return


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does: TIME_WAIT is free
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _remembered(home: EmbeddedHome) -> dict[str, str]:
    try:
        known = json.loads(home.remembered.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(key): str(value) for key, value in known.items()} if isinstance(known, dict) else {}


def _unusable(data_dir: Path, error: OSError | subprocess.SubprocessError) -> EmbeddedDatabaseError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = "free some space on that disk, or set AI_TRADER_DATA_DIR to another one"
    else:
        fix = "make it a folder this user may write, or set AI_TRADER_DATA_DIR to another one"
    return EmbeddedDatabaseError(f"cannot keep the embedded database in {data_dir}: {error}; {fix}")
