"""Do recorded events wait on the disk for the database, and does anybody still carry them there?"""

import fcntl
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from main.diagnosis.finding import Finding, failed, passed, skipped, warned
from main.diagnosis.situation import Situation
from main.text import bytes_

_LOCKS = Path("/proc/locks")
_LARGEST_COPIED = 600_000_000
_REPLAY = "start the bot again (ai_trader.py trade): it takes over what others left"


def spool(situation: Situation) -> list[Finding]:
    """Count what waits in the spool of these settings' database, and look for that of others and for damaged files."""
    folder = situation.known.spool_folder
    found = [_of_this_database(folder), *_of_others(folder)]
    damaged = sorted(folder.glob("*.damaged-*")) if folder.is_dir() else []
    if damaged:
        seen = f"{len(damaged)} damaged files were set aside, the last {damaged[-1].name}"
        found.append(warned("spool", seen, f"keep {folder} for `sqlite3 FILE .recover`, then remove them"))
    return found


def _of_this_database(folder: Path) -> Finding:
    files = _files(folder)
    if not files:
        return passed("spool", "empty")
    left = [file for file in files if not _held(file)]
    try:
        waiting, abandoned = _events(files), _events(left)
    except (sqlite3.Error, OSError) as error:
        fix = f"start the bot, which sets a damaged file aside; the files are in {folder}"
        return failed("spool", f"cannot be read: {error}", fix)
    size = bytes_(sum(file.stat().st_size for file in files if file.exists()))
    if waiting is None:
        return skipped("spool", f"{size} in {len(files)} files: too much to count")
    if abandoned:
        return warned("spool", f"{abandoned:,} events of a bot that has ended wait for the database", _REPLAY)
    if waiting:
        fix = "ai_trader.py db status: they go as soon as the database takes them; run doctor again in a minute"
        return warned("spool", f"{waiting:,} events ({size}) wait for the database", fix)
    return passed("spool", "no event waits")


def _of_others(folder: Path) -> list[Finding]:
    found = []
    for other in sorted(folder.parent.glob("*")) if folder.parent.is_dir() else []:
        files = _files(other) if other != folder else []
        try:
            waiting = _events(files)
        except (sqlite3.Error, OSError):
            waiting = None
        if files and waiting != 0:
            seen = f"events wait for another database ({other.name}): {waiting if waiting is not None else 'many'}"
            found.append(warned("spool", seen, "start the bot once with the settings of that database"))
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool")) if folder.is_dir() else []


def _held(file: Path) -> bool:
    """Tell whether a process has the spool file. Where the kernel lists locks, none is taken to see."""
    lock = file.with_suffix(".lock")
    try:
        inode = lock.stat().st_ino
        return any(line.split()[5].endswith(f":{inode}") for line in _LOCKS.read_text().splitlines() if "FLOCK" in line)
    except FileNotFoundError:
        return lock.exists() and _taken(lock)


def _taken(lock: Path) -> bool:
    with lock.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _events(files: Sequence[Path]) -> int | None:
    """Count the events in spool files by copies of them: their owner has them locked. ``None`` where they are huge."""
    if sum(file.stat().st_size for file in files) > _LARGEST_COPIED:
        return None
    events = 0
    with tempfile.TemporaryDirectory(prefix="ai-trader-doctor-") as folder:
        for number, file in enumerate(files):
            copy = Path(folder) / f"{number}.spool"
            for ending in ("", "-wal"):
                part = file.with_name(file.name + ending)
                if part.exists():
                    shutil.copyfile(part, copy.with_name(copy.name + ending))
            with closing(sqlite3.connect(copy)) as connection:
                events += connection.execute("SELECT coalesce(sum(events), 0) FROM kept").fetchone()[0]
    return events
