"""How does one file keep rows through a kill, a full disk and a damaged page?

SQLite in WAL mode: a commit survives the death of the process, and with ``synchronous = FULL`` a power failure too. The
file belongs to one process at a time, by a lock on a file beside it that ends with the process, however it ends.
"""

import contextlib
import fcntl
import os
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import structlog

from main.clock import now

FORMAT = 1
"""Of the rows' text, in SQLite's ``user_version``. A file of a higher one is left to the program that wrote it."""

_APPLICATION = 0x41495452  # "AITR", in SQLite's application_id
_PAGE = 4096
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS kept (
        id INTEGER PRIMARY KEY AUTOINCREMENT, class TEXT NOT NULL, place INTEGER NOT NULL, events INTEGER NOT NULL,
        bytes INTEGER NOT NULL, content TEXT NOT NULL, readable INTEGER NOT NULL DEFAULT 1
    );
    CREATE INDEX IF NOT EXISTS kept_place ON kept (place, id);
"""

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class Damaged(OSError):
    """A file holds what SQLite cannot read; it was set aside under a new name."""


class FromLaterVersion(OSError):
    """A file was written by a later version of the program."""


class FileLock:
    """The right of one process to a file, for as long as the process lives or until `release`."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path = path
        _LOCKS.add(self)

    @classmethod
    def take(cls, path: Path) -> "FileLock | None":
        """Return the lock, ``None`` when somebody holds it. Raise ``OSError`` when the file cannot be made."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == path.stat().st_ino:  # not one that its last holder has just deleted
                return cls(descriptor, path)
        except OSError as error:
            if not isinstance(error, (BlockingIOError, FileNotFoundError)):
                os.close(descriptor)
                raise
        os.close(descriptor)
        return None

    def release(self, *, delete: bool) -> None:
        """Give the file to whoever wants it."""
        if self._descriptor is not None:
            if delete:
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _forget_locks() -> None:
    """Close the descriptors a forked child has inherited: with them it would hold its dead parent's locks."""
    for lock in tuple(_LOCKS):
        lock.release(delete=False)


_LOCKS: "weakref.WeakSet[FileLock]" = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_locks)


class SpoolFile:
    """One locked file of rows. SQLite's errors come out as ``OSError``."""

    def __init__(self, path: Path, lock: FileLock, *, largest: int) -> None:
        """Open or begin the file at `path`, of at most about `largest` bytes. Raise `Damaged` or `FromLaterVersion`."""
        self.path = path
        self._lock = lock
        self._largest = largest
        self._connection: sqlite3.Connection | None = None
        self._call(self._connect)

    @property
    def bytes(self) -> int:
        """How much disk the file and its write-ahead log take."""
        return sum(part.stat().st_size for part in (self.path, self._beside("-wal")) if part.exists())

    def rows(self) -> list[tuple[int, str, int, int]]:
        """Return (id, class, events, bytes) of every readable row, oldest first."""
        return self._query("SELECT id, class, events, bytes FROM kept WHERE readable ORDER BY id")

    def expendable(self, places: int) -> list[tuple[int, str, int, int]]:
        """Return (id, class, events, bytes) of the rows of a `place` below `places`, the first to be given up first."""
        return self._query(
            "SELECT id, class, events, bytes FROM kept WHERE readable AND place < ? ORDER BY place, id", places
        )

    def append(self, rows: Sequence[tuple[str, int, int, str]], *, safely: bool) -> list[int]:
        """Store rows of (class, place, events, content) in one transaction and return their ids.

        `safely` waits until the disk itself has them, so that they survive a power failure too.
        """

        def store(connection: sqlite3.Connection) -> list[int]:
            connection.execute(f"PRAGMA synchronous = {'FULL' if safely else 'NORMAL'}")
            with _transaction(connection):
                return [
                    connection.execute(
                        "INSERT INTO kept (class, place, events, bytes, content) VALUES (?, ?, ?, ?, ?) RETURNING id",
                        (name, place, events, len(content), content),
                    ).fetchone()[0]
                    for name, place, events, content in rows
                ]

        return self._call(store)

    def content(self, id: int) -> tuple[str, str]:  # noqa: A002 - it is one
        """Return the class and the text of a row. Raise ``ValueError`` when it is gone."""
        found = self._query("SELECT class, content FROM kept WHERE id = ?", id)
        if not found:
            raise ValueError("the row is gone")
        return found[0][0], found[0][1]

    def remove(self, ids: Iterable[int]) -> None:
        """Delete rows. Not waiting for the disk: what comes back after a power failure is written a second time."""

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA synchronous = NORMAL")
            with _transaction(connection):
                connection.executemany("DELETE FROM kept WHERE id = ?", [(each,) for each in ids])

        self._call(delete)

    def set_unreadable(self, id: int) -> None:  # noqa: A002 - it is one
        """Keep a row for whoever can make sense of it, but hand it out no more."""
        self._query("UPDATE kept SET readable = 0 WHERE id = ?", id)

    def shrink(self) -> None:
        """Give the space of deleted rows back to the disk."""

        def vacuum(connection: sqlite3.Connection) -> None:
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

        self._call(vacuum)

    def close(self) -> None:
        """Let the file go, and delete it when nothing is in it."""
        empty = False
        with contextlib.suppress(OSError):
            empty = self._query("SELECT count(*) FROM kept")[0][0] == 0
        self._disconnect()
        if empty:
            for part in (self.path, self._beside("-wal"), self._beside("-shm")):
                part.unlink(missing_ok=True)
        self._lock.release(delete=empty)

    def _connect(self, _: object) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=0, cached_statements=32)
        self._connection = connection
        # Nobody else may have it open: SQLite then needs no shared memory, and a forked child cannot disturb.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute(f"PRAGMA journal_size_limit = {_PAGE * 1024}")
        connection.execute(f"PRAGMA max_page_count = {max(64, self._largest // _PAGE)}")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            self._disconnect()
            self._lock.release(delete=False)
            raise FromLaterVersion(f"{self.path} has format {version}, this program reads up to {FORMAT}")
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            error = sqlite3.DatabaseError("quick_check failed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")

    def _query(self, statement: str, *values: Any) -> list[Any]:
        return self._call(lambda connection: connection.execute(statement, values).fetchall())

    def _call(self, work: "Callable[[Any], Result]") -> "Result":
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
                raise Damaged(f"set aside as {self._set_aside(error)}") from error
            raise OSError(f"spool {self.path}: {error}") from error

    def _set_aside(self, error: sqlite3.Error) -> Path:
        """Keep a damaged file under another name, for somebody with better tools."""
        self._disconnect()
        stamp = now().strftime("%Y%m%dT%H%M%S%f")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        for ending in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                self._beside(ending).rename(aside.with_name(aside.name + ending))
        self._lock.release(delete=True)
        _log.error("spool file is damaged, set aside", file=str(aside), reason=str(error))
        return aside

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Any:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
