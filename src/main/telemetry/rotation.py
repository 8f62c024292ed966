"""How does a log file stay small, and what happens when the disk takes no more?"""

import sys
from pathlib import Path
from typing import BinaryIO

BYTES_KEPT = 10_000_000
FILES_KEPT = 5


class RotatingFile:
    """An append-only file: at `size` bytes it becomes ``name.1``, the older ones move up and the oldest goes.

    A disk that is full or read-only is no reason to stop: lines then go to standard output, and that is said once.
    """

    def __init__(self, path: Path, *, size: int = BYTES_KEPT, files: int = FILES_KEPT) -> None:
        """Name the file; its folder is made and the file opened at the first write."""
        self.path = path
        self._size = size
        self._files = files
        self._file: BinaryIO | None = None
        self._complained = False

    def write(self, line: bytes) -> None:
        """Append one line, which ends in a newline; never raises."""
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("ab", buffering=0)
            if self._file.tell() + len(line) > self._size and self._file.tell() > 0:
                self._rotate()
            self._file.write(line)
        except OSError as error:
            self.close()
            self._fall_back(line, error)

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rotate(self) -> None:
        self.close()
        for number in range(self._files - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():  # the last one of FILES_KEPT is overwritten
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._file = self.path.open("ab", buffering=0)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _fall_back(self, line: bytes, error: OSError) -> None:
        try:
            if not self._complained:
                self._complained = True
                sys.stdout.write(f"log file {self.path} cannot be written ({error.strerror}); logging here instead\n")
            sys.stdout.write(line.decode(errors="replace"))
            sys.stdout.flush()
        except (OSError, ValueError):
            pass  # no place is left to say it
