"""Who still uses the embedded PostgreSQL, and is this user the last?"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import structlog

from main.database.address import Address
from main.database.embedded_home import EmbeddedHome
from main.database.postmaster import POLL_SECONDS, Postmaster
from main.errors import EmbeddedDatabaseError

log = structlog.get_logger(__name__)

_STOP_SECONDS = 6.0
"""A process that is told to stop has ten seconds in all; the server ends by itself what takes it longer."""
_TURN_SECONDS = 2.0


class Lease:
    """One user's hold on the embedded server; as a context manager it is released at the end."""

    def __init__(self, home: EmbeddedHome, descriptor: int, address: Address, version: str) -> None:
        """Take over an open lease file that is locked shared. `version` is the server's, such as ``18.4``."""
        self.address = address
        self.version = version
        self._home = home
        self._descriptor: int | None = descriptor
        self._owner = os.getpid()

    def release(self) -> None:
        """Let go of the server; the last user stops it and waits a while for its end. Idempotent, never raises."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            if os.getpid() == self._owner:  # a forked child shares the lock: it must not release its parent's
                with starting_or_stopping(self._home, time.monotonic() + _TURN_SECONDS):
                    stop_if_last(self._home, descriptor)
        except (OSError, EmbeddedDatabaseError, psutil.Error) as error:
            log.warning("embedded database not stopped", folder=str(self._home.path), reason=str(error))
        finally:
            if os.getpid() == self._owner:
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing alone would not do while a forked child has it open
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def stop_if_last(home: EmbeddedHome, lease: int) -> None:
    """Stop the server unless somebody else holds a lease; the caller holds the start-and-stop lock."""
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    postmaster = Postmaster.find(home.cluster)
    if postmaster is None:
        return
    if postmaster.stop(_STOP_SECONDS):
        log.info("embedded database stopped", folder=str(home.path))
    else:
        log.warning(
            "embedded database was asked to stop and has not yet", folder=str(home.path), pid=postmaster.process.pid
        )


@contextlib.contextmanager
def starting_or_stopping(home: EmbeddedHome, deadline: float) -> Iterator[None]:
    """Hold the lock under which the server is started and stopped; `deadline` is on the monotonic clock."""
    descriptor = _locked(home.lock, fcntl.LOCK_EX, deadline)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def open_lease(home: EmbeddedHome, deadline: float) -> int:
    """Return the descriptor of the lease file, locked as one of its users."""
    return _locked(home.lease, fcntl.LOCK_SH, deadline)


def _locked(file: Path, kind: int, deadline: float) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
                return descriptor
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    f"another process is starting or stopping the embedded database in {file.parent} and does not "
                    f"finish in time: find it with `fuser {file}`"
                )
            time.sleep(POLL_SECONDS)
    except BaseException:
        os.close(descriptor)
        raise
