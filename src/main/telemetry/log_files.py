"""Which log files are there, of which service, newest first, and which of them cannot be read?"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MOST_FILES = 256
"""Open at once for one question; a suite of ten services has sixty."""

_NAME = re.compile(r"(?P<service>[A-Za-z0-9][\w.@-]{0,63}?)\.log(?:\.(?P<number>\d{1,4}))?")


@dataclass(frozen=True, slots=True)
class LogFile:
    """An open log file as it was when it was opened; ``modified`` in seconds since 1970."""

    descriptor: int
    name: str
    inode: int
    size: int
    modified: float


@dataclass(slots=True)
class LogFiles:
    """The files of every service, each service's newest first, and why others were left out."""

    by_service: dict[str, list[LogFile]] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes in all of them."""
        return sum(file.size for files in self.by_service.values() for file in files)


@contextmanager
def opened(folder: Path) -> Iterator[LogFiles]:
    """Open the ``*.log`` and ``*.log.N`` of `folder` for reading; empty where there is no such folder.

    A symbolic link is never followed: it could lead to any file of the machine.
    """
    found = LogFiles()
    try:
        _open_all(folder, found)
        yield found
    finally:
        for files in found.by_service.values():
            for file in files:
                os.close(file.descriptor)


def _open_all(folder: Path, found: LogFiles) -> None:
    try:
        names = [match for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    except FileNotFoundError:
        return
    except OSError as error:
        found.unreadable.append(f"{folder.name}: {error.strerror}")
        return
    # By age, then by service: the opposite order of a rotation's renames, so that none slips through while one runs.
    names.sort(key=lambda match: (int(match["number"] or 0), match["service"]))
    if len(names) > MOST_FILES:
        found.unreadable.append(f"{len(names) - MOST_FILES} older files: only {MOST_FILES} are read at once")
    seen: set[int] = set()
    for match in names[:MOST_FILES]:
        file = _open(folder, match[0], found)
        if file is None:
            continue
        if file.inode in seen:  # it was rotated since it was listed
            os.close(file.descriptor)
            continue
        seen.add(file.inode)
        found.by_service.setdefault(match["service"], []).append(file)


def _open(folder: Path, name: str, found: LogFiles) -> LogFile | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # nobody may be writing into a named pipe
    try:
        descriptor = os.open(folder / name, flags)
    except FileNotFoundError:
        return None  # rotated away since it was listed
    except OSError as error:
        link = (folder / name).is_symlink()
        found.unreadable.append(f"{name}: {'a symbolic link, not followed' if link else error.strerror}")
        return None
    told = os.fstat(descriptor)
    if not stat.S_ISREG(told.st_mode):
        os.close(descriptor)
        found.unreadable.append(f"{name}: not a file")
        return None
    return LogFile(descriptor, name, told.st_ino, told.st_size, told.st_mtime)
