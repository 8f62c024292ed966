"""What can be asked of the logs, and where does the next page go on?"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from main.telemetry.log_lines import LEVELS, all_surely_below, parse, surely_below

MOST_LINES = 500
LONGEST_SEARCH = 200

_WORD = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """Which lines: those in which `text` can be read, whatever its case, of `service`, at least as grave as `level`.

    Empty means any; a line without a level is shown at every one, because what a process writes beside its log is most
    often trouble. `before` is the ``older`` of an earlier page. Raises ValueError.
    """

    text: str = ""
    service: str = ""
    level: str = ""
    before: str = ""
    limit: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_LINES:
            raise ValueError(f"limit: got {self.limit}, expected 1 to {MOST_LINES}")
        if len(self.text) > LONGEST_SEARCH:
            raise ValueError(f"text: got {len(self.text)} characters, expected at most {LONGEST_SEARCH}")
        if self.level and self.level not in LEVELS:
            raise ValueError(f'level: got "{self.level[:20]}", expected one of {", ".join(LEVELS)}')
        if self.before:
            Cursor.read(self.before)

    @property
    def needle(self) -> bytes:
        """The longest word of the text, in lower case: a line that has the text has it, in its bytes as they are."""
        words = _WORD.findall(self.text)
        return max(words, key=len).lower().encode() if words else b""

    def accepts_none_of(self, lines: bytes) -> bool:
        """Tell at a glance that none of these lines is asked for."""
        return bool(self._least) and all_surely_below(lines, self._least)

    def accepts(self, raw: bytes, service: str) -> bool:
        """Tell whether a line is among those asked for."""
        least = self._least
        if least and surely_below(raw, least):
            return False
        if not self.text and not least:
            return True
        line = parse(raw, service, "", longest=len(raw) * 6)
        if least and line.level and LEVELS.index(line.level) < least:
            return False
        return not self.text or self.text.casefold() in f"{line.level} {line.event} {line.text}".casefold()

    @property
    def _least(self) -> int:
        return LEVELS.index(self.level) if self.level else 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: for each service the file (by inode, which a rotation keeps) and the bytes before it.

    ``until`` is the time of the page's last line: nothing newer is shown again, whatever became of the files.
    """

    until: float
    places: Mapping[str, tuple[int, int]]

    def write(self) -> str:
        """Return it as a text that may stand in an address."""
        document = orjson.dumps([self.until, self.places])
        return base64.urlsafe_b64encode(document).decode().rstrip("=")

    @staticmethod
    def read(text: str) -> "Cursor":
        """Return what `write` wrote. Raises ValueError."""
        try:
            padded = text + "=" * (-len(text) % 4)
            until, places = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
            found = {str(name): (int(inode), int(offset)) for name, (inode, offset) in places.items()}
            if any(offset < 0 for _, offset in found.values()):
                raise ValueError("negative offset")
            return Cursor(float(until), found)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise ValueError(f'before: got "{text[:40]}", expected the "older" of an earlier page') from None
