"""Where does the embedded PostgreSQL keep its files, and which account does it run as?"""

import contextlib
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from main.errors import EmbeddedDatabaseError

SYSTEM_DIR = Path("/var/lib/ai-trader")
"""Binaries for root, and databases whose requested folder the server's account cannot reach."""

FOLDER = "postgresql"
_SOCKET_PATH_LIMIT = 103  # bytes: macOS takes 104 and Linux 108, both with the closing NUL
_SHORT_DIR = Path("/tmp")  # noqa: S108 - what is found there must be a folder of the server's account
_LONGEST_SOCKET_NAME = ".s.PGSQL.65535"


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system."""

    uid: int
    gid: int

    @classmethod
    def current(cls) -> Self:
        """Return the account this process runs as."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def nobody(cls) -> Self:
        """Return the unprivileged account root starts the server as: PostgreSQL refuses to run as root."""
        try:
            entry = pwd.getpwnam("nobody")
        except KeyError:
            raise EmbeddedDatabaseError(
                "PostgreSQL does not run as root and this machine has no account 'nobody' to run it as: "
                "start AI Trader as an ordinary user, or set DB_HOST to use your own PostgreSQL"
            ) from None
        return cls(entry.pw_uid, entry.pw_gid)

    @property
    def is_current(self) -> bool:
        """Whether this process runs as this account."""
        return self.uid == os.geteuid()

    def process_arguments(self) -> dict[str, Any]:
        """Return what ``subprocess`` needs to run a program as this account; nothing when we already are it."""
        return {} if self.is_current else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_reach(self, folder: Path) -> bool:
        """Tell by the permission bits whether this account can enter `folder`, an existing one."""
        return all(self._may_enter(each) for each in (folder, *folder.parents))

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


@dataclass(frozen=True, slots=True)
class EmbeddedHome:
    """The folder of one embedded server: ``cluster``, ``log`` and the socket's are its account's, the rest is ours."""

    path: Path
    account: Account

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that tell this home from all others on the machine."""
        return _digest(self.path)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's data folder."""
        return self.path / "cluster"

    @property
    def lock(self) -> Path:
        """Locked by whoever starts or stops the server."""
        return self.path / "lock"

    @property
    def lease(self) -> Path:
        """Locked, shared, by everybody who uses the server."""
        return self.path / "lease"

    @property
    def password(self) -> Path:
        """The login role's password, for our own account only."""
        return self.path / "password"

    @property
    def remembered(self) -> Path:
        """The port and the version of the last start."""
        return self.path / "server.json"

    @property
    def startup_log(self) -> Path:
        """What the server tells before it writes to ``log``."""
        return self.path / "startup.log"

    @property
    def log(self) -> Path:
        """The server's own log files, one a weekday."""
        return self.path / "log"

    @property
    def socket(self) -> Path:
        """The unix socket's folder: inside the home, or in /tmp where the path would be too long for the kernel."""
        inside = self.path / "socket"
        if len(os.fsencode(inside / _LONGEST_SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
            return inside
        return _SHORT_DIR / f"ai-trader-{self.account.uid}-{self.digest}"

    def make(self) -> None:
        """Create the home itself, so that there is something to lock; any number of processes may do so at once."""
        self.path.mkdir(parents=True, exist_ok=True)
        owner = self.path.stat().st_uid
        if owner != os.geteuid() != 0:
            raise EmbeddedDatabaseError(
                f"the embedded database in {self.path} belongs to uid {owner}, not to you (uid {os.geteuid()}): "
                "start as the user that made it, or set AI_TRADER_DATA_DIR to another folder"
            )
        if owner == os.geteuid():  # ours to open or close; the folders above it never are
            self.path.chmod(0o700 if self.account.is_current else 0o711)

    def furnish(self) -> None:
        """Create the folders inside, under the lock; raise when one is somebody else's or the home is out of reach."""
        for folder in (self.log, self.socket):
            self._make_private(folder)
        if not self.account.is_current and not self.account.can_reach(self.path):
            raise EmbeddedDatabaseError(
                f"the embedded database in {self.path} cannot be entered by its account (uid {self.account.uid}): "
                "let others pass through the folders above it again (chmod o+x)"
            )

    def hand_over(self, folder: Path) -> None:
        """Give an empty folder of ours to the server's account, closed to all others."""
        folder.chmod(0o700)
        if not self.account.is_current:
            os.chown(folder, self.account.uid, self.account.gid)

    def write(self, file: Path, text: str, mode: int) -> None:
        """Replace one of our own files at once or not at all, for the owner of the home whoever we are."""
        new = file.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            os.fchmod(descriptor, mode)  # exactly: root's umask may keep the server's account out
            if os.geteuid() == 0:
                status = self.path.stat()
                os.fchown(descriptor, status.st_uid, status.st_gid)
            target.write(text)
            target.flush()
            os.fsync(descriptor)
        new.replace(file)

    def _make_private(self, folder: Path) -> None:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (self.account.uid, os.geteuid()):
            raise EmbeddedDatabaseError(
                f"{folder} belongs to uid {status.st_uid} or is no folder; the embedded database needs it to be one of "
                f"its account (uid {self.account.uid}): change its owner, or set AI_TRADER_DATA_DIR to another folder"
            )
        if status.st_uid == os.geteuid():  # just made, or by one of us that was killed before it could hand it over
            self.hand_over(folder)


def locate(data_dir: Path) -> EmbeddedHome:
    """Return the home of the database of `data_dir`, without creating anything.

    It is inside `data_dir` unless we are root and the server's account cannot enter there (a /root is closed);
    then it is below ``SYSTEM_DIR``. An existing database is never moved, nor given to another account.
    """
    requested = data_dir.expanduser().resolve()
    inside = requested / FOLDER
    if os.geteuid() != 0:
        return EmbeddedHome(inside, Account.current())
    elsewhere = SYSTEM_DIR / f"{requested.name or 'root'}-{_digest(requested)}"
    for home in (inside, elsewhere):
        if (home / "cluster" / "PG_VERSION").exists():
            return EmbeddedHome(home, _owner(home / "cluster"))
    nobody = Account.nobody()
    nearest = next(folder for folder in (requested, *requested.parents) if folder.is_dir())
    return EmbeddedHome(inside if nobody.can_reach(nearest) else elsewhere, nobody)


def _owner(folder: Path) -> Account:
    status = folder.stat()
    return Account(status.st_uid, status.st_gid) if status.st_uid != 0 else Account.nobody()


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
