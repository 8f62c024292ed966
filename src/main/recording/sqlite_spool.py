"""Where on the disk do events wait while the database is away, and how much of it may they take?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import structlog

from main.domain.events import Event
from main.domain.topics import Topic
from main.errors import RecordRejected
from main.recording.spool import PRECIOUS, Appended, Kept
from main.recording.spool_codec import CLASSES, dump, load
from main.recording.spool_file import Damaged, FileLock, FromLaterVersion, SpoolFile
from main.recording.tables import ORDER

LARGEST_BYTES = 256 * 1024 * 1024
"""Holds about ten minutes of 2,500 order books a second, or a day of an ordinary bot."""

_MARKET, _DROPPABLE, _KEPT = range(3)  # the order in which rows are given up; what is kept never is
_SPARE = 1.25  # of the file over its rows: pages that are half full, indexes
_IN_ROW = 500  # events: a row is read and given up as a whole

_log = structlog.get_logger(__name__)


class SqliteSpool:
    """A spool in a folder that processes may share: each writes a file of its own, and takes over those of the dead.

    Nothing is touched before `open`. When `largest` bytes are full, market data makes room first, then the other events
    that are droppable; fills and whatever else must stay are never given up for newer ones: those wait in memory.
    """

    def __init__(self, folder: Path, *, largest: int = LARGEST_BYTES) -> None:
        """Keep files in `folder`, which is made when missing, of `largest` bytes of rows together."""
        self._folder = folder
        self._largest = largest
        self._files: dict[str, SpoolFile] = {}
        self._sizes: dict[Kept, int] = {}
        self._rows = Counter[str]()  # by file
        self._total = 0
        self._own = ""
        self._lost: list[tuple[Kept, str]] = []

    @property
    def bytes(self) -> int:
        """How much disk its files take."""
        return sum(file.bytes for file in self._files.values())

    def open(self) -> Sequence[Kept]:
        """Begin, and return what dead processes left, oldest first. Raise ``OSError`` where no file can be made."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in sorted(self._folder.glob("*.spool"), key=lambda path: path.stat().st_mtime):
            self._take(path)
        left = list(self._sizes)
        if left:
            _log.info(
                "events of an earlier run found", events=sum(row.events for row in left), folder=str(self._folder)
            )
        if not self._files:
            self._begin()
        self._own = next(reversed(self._files))
        return left

    def append(self, events: Sequence[Event]) -> Appended:
        """Store events durably, in the order of their tables. Raise ``OSError`` when there is no room for them."""
        rows, refused = _rows(events)
        if not rows:
            return Appended((), refused=refused)
        self._make_room(sum(len(content) for _, _, _, content in rows))
        safely = any(issubclass(CLASSES[name], PRECIOUS) for name, _, _, _ in rows)
        file = self._writable()
        try:
            ids = file.append(rows, safely=safely)
        except Damaged:
            self._lose(file)
            raise
        kept = []
        for number, (name, _, count, content) in zip(ids, rows, strict=True):
            kept.append(Kept(self._own, number, CLASSES[name].table, count))
            self._know(kept[-1], len(content))
        return Appended(tuple(kept), refused)

    def read(self, row: Kept) -> Sequence[Event]:
        """Return the events of a row; none when it is gone or cannot be read, of which `lost` tells."""
        file = self._files.get(row.file)
        if file is None or row not in self._sizes:
            return ()
        try:
            return load(*file.content(row.id))
        except Damaged:
            self._lose(file)
        except ValueError as error:
            file.set_unreadable(row.id)
            self._forget(row)
            self._lost.append((row, "spool_unreadable"))
            _log.error("spooled events cannot be read, kept in their file", file=row.file, id=row.id, reason=str(error))
        return ()

    def lost(self) -> Sequence[tuple[Kept, str]]:
        """Return the rows that were given up since the last call, each with the reason: ``spool_full``,
        ``spool_unreadable`` or ``spool_damaged``."""
        lost, self._lost = self._lost, []
        return lost

    def remove(self, rows: Iterable[Kept]) -> None:
        """Forget rows. A file of a dead process goes when it is empty; one's own gives its space back."""
        known = sorted((row for row in rows if row in self._sizes), key=lambda row: (row.file, row.id))
        for name, group in groupby(known, key=lambda row: row.file):
            same = list(group)
            file = self._files[name]
            try:
                file.remove(row.id for row in same)
            except Damaged:
                self._lose(file)
                continue
            for row in same:
                self._forget(row)
            if not self._rows[name]:
                self._emptied(file)

    def close(self) -> None:
        """Let go of the files, for the next process; those that hold nothing are deleted."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._sizes.clear()
        self._rows.clear()
        self._total = 0

    def _take(self, path: Path) -> None:
        lock = FileLock.take(path.with_suffix(".lock"))
        if lock is None:
            return
        try:
            file = SpoolFile(path, lock, largest=int(self._largest * _SPARE))
        except (Damaged, FromLaterVersion) as error:
            _log.error("spool file left alone", reason=str(error))
            return
        self._files[path.name] = file
        for number, name, events, size in file.rows():
            table = CLASSES[name].table if name in CLASSES else ""
            self._know(Kept(path.name, number, table, events), size)

    def _begin(self) -> None:
        for number in range(1, 10_000):
            path = self._folder / f"{number}.spool"
            lock = None if path.exists() else FileLock.take(path.with_suffix(".lock"))
            if lock is not None:
                self._files[path.name] = SpoolFile(path, lock, largest=int(self._largest * _SPARE))
                self._own = path.name
                return
        raise OSError(f"spool {self._folder}: no file name is free")

    def _writable(self) -> SpoolFile:
        if self._own not in self._files:
            self._begin()
        return self._files[self._own]

    def _make_room(self, needed: int) -> None:
        over = self._total + needed - self._largest
        if over <= 0:
            return
        over += self._largest // 64  # some more, for what comes next
        giving_up: list[Kept] = []
        for name, file in self._files.items():
            for number, kind, events, size in file.expendable(_KEPT):
                if over > 0:
                    giving_up.append(Kept(name, number, CLASSES[kind].table if kind in CLASSES else "", events))
                    over -= size
        if over > self._largest // 64:
            raise OSError(f"spool {self._folder}: full with {self._largest} bytes of events that must be kept")
        self.remove(giving_up)
        self._lost += [(row, "spool_full") for row in giving_up]

    def _emptied(self, file: SpoolFile) -> None:
        if file.path.name == self._own:
            file.shrink()
        else:
            file.close()
            del self._files[file.path.name]

    def _lose(self, file: SpoolFile) -> None:
        """Forget the rows of a file that was set aside."""
        del self._files[file.path.name]
        lost = [row for row in self._sizes if row.file == file.path.name]
        self._lost += [(row, "spool_damaged") for row in lost]
        for row in lost:
            self._forget(row)

    def _know(self, row: Kept, size: int) -> None:
        self._sizes[row] = size
        self._rows[row.file] += 1
        self._total += size

    def _forget(self, row: Kept) -> None:
        self._total -= self._sizes.pop(row)
        self._rows[row.file] -= 1


def _rows(events: Sequence[Event]) -> tuple[list[tuple[str, int, int, str]], tuple[Event, ...]]:
    """The rows (class, place, events, content) of events, and those that no row can hold."""
    rows: list[tuple[str, int, int, str]] = []
    refused: list[Event] = []
    for kind, group in groupby(sorted(events, key=lambda event: ORDER[type(event)]), key=type):
        for good, content in _contents(list(group), refused):
            rows.append((kind.__name__, _place(kind), good, content))
    return rows, tuple(refused)


def _contents(events: list[Event], refused: list[Event]) -> Iterator[tuple[int, str]]:
    """Yield (events, content) of rows; one bad event is looked for by halves."""
    waiting = [events[start : start + _IN_ROW] for start in range(0, len(events), _IN_ROW)][::-1]
    while waiting:
        some = waiting.pop()
        try:
            content = dump(some)
        except RecordRejected:
            if len(some) == 1:
                refused += some
            else:
                waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
        else:
            yield len(some), content


def _place(kind: type[Event]) -> int:
    if not kind.droppable:
        return _KEPT
    return _MARKET if kind.topic is Topic.MARKET else _DROPPABLE
