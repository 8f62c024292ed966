"""Is there room where data, logs and spooled events are written, and may we write there? Nothing is written to see."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from main.config import Settings
from main.database.embedded_home import locate
from main.diagnosis.finding import Finding, failed, passed, warned
from main.diagnosis.situation import Situation
from main.errors import AITraderError
from main.text import bytes_

ALMOST_FULL, FULL = 1_000_000_000, 100_000_000
"""Bytes left: below the first there is time to act, below the second PostgreSQL and the spool are about to stop."""

SCARCE_SHARE, SCARCE_BYTES = 0.05, 20_000_000_000
"""A large disk is also almost full with less than this share of it left, if that is not plenty all the same."""

_READ_ONLY = getattr(os, "ST_RDONLY", 1)


def places(situation: Situation) -> list[Finding]:
    """Look at each folder that is written to."""
    settings = situation.known
    found = [_folder(name, path, setting, vital) for name, path, setting, vital in _written(settings)]
    return list(dict.fromkeys(found))


def _written(settings: Settings) -> Sequence[tuple[str, Path, str, bool]]:
    """Name, path and setting of the folders, and whether it matters that nothing can be written there."""
    data, logs = "AI_TRADER_DATA_DIR", "AI_TRADER_LOG_DIR"
    written = [
        ("data folder", settings.data_dir.expanduser(), data, True),
        ("log folder", settings.log_dir.expanduser() / "dashboards", logs, False),
        ("spool folder", settings.spool_folder, data, True),
    ]
    if settings.database.embedded:
        try:
            home = locate(settings.data_dir)
        except AITraderError:
            return written  # the check of the database tells
        if not home.path.is_relative_to(settings.data_dir.expanduser().resolve()):
            written.append(("database files", home.path, data, True))
    return written


def _folder(name: str, path: Path, setting: str, vital: bool) -> Finding:
    place = next((each for each in (path, *path.parents) if each.exists()), path)
    told = f"{path}" if place == path else f"{path} (not made yet)"
    bad = failed if vital else warned
    consequence = "" if vital else "; logs go to standard output only"
    if not place.is_dir():
        return bad(name, f"{place} is no folder{consequence}", f"remove {place}, or set {setting} to a folder")
    if os.statvfs(place).f_flag & _READ_ONLY:
        return bad(name, f"{told} is on a disk mounted read-only{consequence}", f"set {setting} to a writable folder")
    if not os.access(place, os.W_OK | os.X_OK):
        fix = f"chown {_user()} {place}, or set {setting} to a writable folder"
        return bad(name, f"{told} cannot be written by this user{consequence}", fix)
    return _room(name, place, told, setting)


def _room(name: str, place: Path, told: str, setting: str) -> Finding:
    disk, files = shutil.disk_usage(place), os.statvfs(place)
    seen = f"{told}: {bytes_(disk.free)} of {bytes_(disk.total)} free"
    fix = f"free some space there (ai_trader.py db status shows what takes it), or set {setting} to another disk"
    if files.f_files and not files.f_favail:
        return failed(name, f"{told}: the disk takes no more files", fix)
    if disk.free < FULL:
        return failed(name, seen, fix)
    if disk.free < ALMOST_FULL or disk.free < min(SCARCE_SHARE * disk.total, SCARCE_BYTES):
        return warned(name, seen, fix)
    return passed(name, seen)


def _user() -> str:
    return os.environ.get("USER") or str(os.geteuid())
