"""How is a file of lines appended to so that a half-written line can never be taken for a whole one?"""

import os
from collections.abc import Sequence
from pathlib import Path

LARGEST_BYTES = 16 * 1024 * 1024
FILES = 10
"""Of one log: the current one and nine older, ``orders.jsonl.1`` the newest of them."""


class Log:
    """A log in one file that turns into older ones by size."""

    def __init__(self, path: Path, *, largest: int = LARGEST_BYTES, files: int = FILES) -> None:
        """Append to `path`, whose folder is made when missing; keep `files` of at most about `largest` bytes."""
        self._path = path
        self._largest = largest
        self._files = files

    def append(self, lines: Sequence[str]) -> None:
        """Write lines, all in one call to the system. Raise ``OSError``.

        After a line that was cut off, by a full disk or a killed process, the next one begins on a line of its own:
        what is whole stays readable, what is not cannot be parsed.
        """
        text = ("\n".join(lines) + "\n").encode()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._turn(len(text))
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = os.fstat(descriptor).st_size
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                text = b"\n" + text
            written = os.write(descriptor, text)
            if written < len(text):
                raise OSError(f"{self._path}: only {written} of {len(text)} bytes could be written")
        finally:
            os.close(descriptor)

    def _turn(self, more: int) -> None:
        if not self._path.exists() or self._path.stat().st_size + more <= self._largest:
            return
        for number in range(self._files - 1, 0, -1):
            older = self._numbered(number - 1)
            if older.exists():
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
