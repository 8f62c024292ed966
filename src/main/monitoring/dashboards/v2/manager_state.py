"""Where is the manager of this data folder, and is it really the one that wrote so?"""

import contextlib
import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from main.errors import AITraderError

_CREATED_TOLERANCE_SECONDS = 2.0  # it is computed from the time of boot, which is corrected now and then
_SINCE_BOOT_TOLERANCE_SECONDS = 0.1  # counted in hundredths, and never corrected
_TAKE_SECONDS = 0.3  # whoever only looks whether the place is taken holds it for a moment


class ManagerFolderUnusable(AITraderError):
    """The data folder cannot be written, so nobody could find the manager: free some space, or choose another one."""

    exit_code = 2


class ManagerAlreadyRuns(AITraderError):
    """Another manager serves this data folder: use `ai_trader.py dashboards status`, `restart` or `stop`."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class ManagerState:
    """What a running manager leaves in the data folder for those who look for it; readable by its user only."""

    pid: int
    created: float  # when that process started, so that a reused pid is not taken for it
    port: int
    token: str  # whoever can read this file may control the manager
    version: str
    configuration: str  # what it supervises; another one calls for another manager
    boot: str = ""  # which start of the machine, and the seconds from it to the start of the process: the wall clock
    since_boot: float | None = None  # may be set meanwhile, and `created` would be another's

    @staticmethod
    def of_this_process(port: int, token: str, version: str, configuration: str) -> "ManagerState":
        """Return what this process, a manager, has to tell."""
        process = psutil.Process()
        created = process.create_time()
        own = (version, configuration, _boot(), _since_boot(process))
        return ManagerState(process.pid, created, port, token, *own)

    @property
    def alive(self) -> bool:
        """Whether that very process is still there."""
        try:
            process = psutil.Process(int(self.pid))  # of None it would be ourselves
            if self.since_boot is not None and self.boot and self.boot == _boot():
                same = abs(_since_boot(process) - self.since_boot) < _SINCE_BOOT_TOLERANCE_SECONDS
            else:
                same = abs(process.create_time() - self.created) < _CREATED_TOLERANCE_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        except (TypeError, ValueError, OverflowError):  # the file says something that is no process at all
            return False


class ManagerFile:
    """The manager's place in a data folder: held by one at a time."""

    def __init__(self, data_dir: Path) -> None:
        """Name the data folder; nothing is touched yet."""
        self._folder = data_dir.expanduser()
        self._file = self._folder / "manager.json"
        self._lock: int | None = None
        self._written: ManagerState | None = None

    def take(self) -> None:
        """Become the manager of this folder. Raises ManagerAlreadyRuns or ManagerFolderUnusable.

        The place is left when the process ends.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._folder / "manager.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        if not _locked(descriptor, fcntl.LOCK_EX, _TAKE_SECONDS):
            os.close(descriptor)
            running = self.read()
            who = f" (pid {running.pid})" if running else ""
            raise ManagerAlreadyRuns(
                f"a manager{who} already serves {self._folder}; see `ai_trader.py dashboards status`, "
                "or set AI_TRADER_DATA_DIR to another folder"
            )
        self._lock = descriptor

    def write(self, state: ManagerState) -> None:
        """Say where the manager is. Raises ManagerFolderUnusable."""
        try:
            self._write(state)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        self._written = state

    def renew(self) -> None:
        """Say it again where somebody removed the file, or else nobody could find the manager. Raises OSError."""
        if self._lock is not None and self._written is not None and not self._file.exists():
            self._write(self._written)

    def _write(self, state: ManagerState) -> None:
        fresh = self._file.with_suffix(".new")
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as target:
            json.dump(asdict(state), target)
        fresh.replace(self._file)

    def leave(self) -> None:
        """Give the place up."""
        if self._lock is not None:
            self._file.unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    @property
    def taken(self) -> bool:
        """Whether somebody holds the place now."""
        try:
            descriptor = os.open(self._folder / "manager.lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _locked(descriptor, fcntl.LOCK_SH, 0.0)
        finally:
            os.close(descriptor)

    @property
    def left(self) -> bool:
        """Whether the last manager ended in order: one that was killed leaves its file behind."""
        return not self._file.exists()

    def read(self) -> ManagerState | None:
        """Return where the running manager is; ``None`` when there is none, whatever the file says."""
        try:
            state = ManagerState(**json.loads(self._file.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        return state if state.alive else None


def _since_boot(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()  # the former is computed with the latter, so the clock drops out


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return ""


def _locked(descriptor: int, kind: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


def _unusable(folder: Path, error: OSError) -> ManagerFolderUnusable:
    return ManagerFolderUnusable(
        f"cannot keep the manager's place in {folder}: {error.strerror or error}; free some space there, make it a "
        "folder this user may write, or set AI_TRADER_DATA_DIR to another one"
    )
