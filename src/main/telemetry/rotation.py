"""How does a log file stay small, whoever else writes it, and what happens when the disk takes no more?"""

import contextlib
import errno
import fcntl
import os
import threading
from pathlib import Path

import structlog

from main.clock import monotonic

BYTES_KEPT = 10_000_000
FILES_KEPT = 5
RETRY_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class RotatingFile:
    """An append-only file: at `size` bytes it becomes ``name.1``, the older ones move up and the oldest goes.

    Several threads and processes may write the same file; none waits for another. A disk that is full or read-only is
    no reason to stop: that is logged once (to wherever else this process logs), the lines are counted as lost here, and
    the disk is tried again every five seconds. A file that was deleted or moved is made anew.
    """

    def __init__(
        self, path: Path, *, size: int = BYTES_KEPT, files: int = FILES_KEPT, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        """Name the file; its folder is made and the file opened at the first write."""
        self.path = path
        self.trouble: str | None = None  # why the disk takes nothing; None while it does
        self.lost = 0  # lines that the disk did not take
        self._size = size
        self._files = files
        self._retry_seconds = retry_seconds
        self._retry_at = 0.0
        self._descriptor: int | None = None
        self._lock = threading.RLock()  # reentrant: our own complaint is logged to this very file

    def write(self, line: bytes) -> None:
        """Append one line, which ends in a newline; never raises."""
        with self._lock:
            if self.trouble is not None and monotonic() < self._retry_at:
                self.lost += 1
                return
            try:
                self._append(line)
            except OSError as error:
                self.close()
                self._complain(error)
                return
            if self.trouble is not None:
                self.trouble = None
                _log.info("log file is written again", file=str(self.path), lost=self.lost)

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        with self._lock:
            if self._descriptor is not None:
                descriptor, self._descriptor = self._descriptor, None
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def _append(self, line: bytes) -> None:
        descriptor = self._current()
        length = os.fstat(descriptor).st_size
        if length > 0 and length + len(line) > self._size:
            descriptor = self._rotated(descriptor)
            length = os.fstat(descriptor).st_size
        # The line before may have been cut off by a full disk or a kill: ours must not become part of it.
        whole = b"\n" + line if length > 0 and os.pread(descriptor, 1, length - 1) not in (b"\n", b"") else line
        if os.write(descriptor, whole) < len(whole):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _current(self) -> int:
        """Return the open file, the one that is called so now: somebody may have moved or deleted ours."""
        if self._descriptor is not None and not self._is_called_so(self._descriptor):
            self.close()
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        return self._descriptor

    def _is_called_so(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _rotated(self, descriptor: int) -> int:
        """Move the files up, unless another process is at it or has done it, and return the file to write."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return descriptor  # waiting could be for ever, if the other one hangs
        if self._is_called_so(descriptor):
            self._move_up()
        self.close()  # which lets go of the lock
        return self._current()

    def _move_up(self) -> None:
        for number in range(self._files - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):  # the last one of FILES_KEPT is overwritten
                self._numbered(number).replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _complain(self, error: OSError) -> None:
        self.lost += 1
        self._retry_at = monotonic() + self._retry_seconds
        known, self.trouble = self.trouble, error.strerror or type(error).__name__
        if known is None:
            _log.error("log file cannot be written", file=str(self.path), reason=self.trouble)
