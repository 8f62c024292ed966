"""What does one line of a log say, whoever wrote it and whatever bytes it holds?"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

LEVELS = ("debug", "info", "warning", "error", "critical")
LONGEST_TEXT = 4_000
"""Characters of one line that are shown; a traceback fits, a dumped order book does not."""

_AT = re.compile(rb'"(?:at|timestamp)": ?"([0-9T:.Z+ -]{19,35})"')
_LEVEL = re.compile(rb'"level": ?"(\w+)"', re.IGNORECASE)
_SAME_LEVEL = {"warn": "warning", "fatal": "critical", "exception": "error", "notset": "debug"}
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
# Control characters, lone surrogates, and marks that make text read in another order than it is written.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_HEAD = frozenset({"at", "timestamp", "level", "event", "service"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line as it is shown: plain text without control characters.

    ``at`` is aware UTC, ``None`` where the line has no time; ``level`` one of `LEVELS`, or empty. ``event`` is what
    happened, or the whole line where it is no JSON object; ``text`` its other keys. ``key`` names the line for as long
    as its file exists, also when that is rotated. ``cut`` counts what is left out of a line that is too long.
    """

    at: datetime | None
    service: str
    level: str
    event: str
    text: str
    file: str
    key: str = ""
    cut: int = 0


def parse(raw: bytes, service: str, file: str, key: str = "", cut: int = 0, *, longest: int = LONGEST_TEXT) -> LogLine:
    """Return what the line `raw` (without its newline) says, in `longest` characters; `cut` bytes were not read."""
    record = None if cut else _record(raw)
    if record is None:
        at = time_of(raw)
        return _shortened(
            LogLine(at, service, _level_in(raw), _clean(raw.decode(errors="replace")), "", file, key, cut), longest
        )
    moment = next((record[name] for name in ("at", "timestamp") if name in record), None)
    level = _named_level(record.get("level"))
    shown = {name: value for name, value in record.items() if name not in _HEAD}
    if record.get("service", service) != service:  # the file tells whose line it is; another claim is worth seeing
        shown["service"] = record["service"]
    event = record.get("event", "")
    said = _clean(event if isinstance(event, str) else _written(event))
    return _shortened(LogLine(_moment(moment), service, level, said, _pairs(shown), file, key, cut), longest)


def time_of(raw: bytes) -> datetime | None:
    """Return the first time that stands in `raw` as a JSON line has it, without parsing the line."""
    found = _AT.search(raw)
    return _moment(found[1].decode("ascii")) if found else None


def surely_below(raw: bytes, least: int) -> bool:
    """Tell at a glance that a line's level is below `LEVELS[least]`; a line without one never is."""
    levels = [_named_level(found.decode("ascii", "replace")) for found in _LEVEL.findall(raw)]
    return bool(levels) and all(level and LEVELS.index(level) < least for level in levels)


def all_surely_below(lines: bytes, least: int) -> bool:
    """Tell the same of a whole block at once, a hundred times faster: every line has a lower level and none another."""
    graver, only_lower = _patterns(least)
    return graver.search(lines) is None and only_lower.fullmatch(lines) is not None


@cache
def _patterns(least: int) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    low = "|".join((*LEVELS[:least], *(name for name, same in _SAME_LEVEL.items() if same in LEVELS[:least])))
    level = rf'"level": ?"(?:{low})"'
    other = rf'"level": ?"(?!(?:{low})")'
    return (
        re.compile(other.encode(), re.IGNORECASE),
        re.compile(rf"(?>[^\n]*?{level}[^\n]*(?:\n|\Z))*+".encode(), re.IGNORECASE),
    )


def _record(raw: bytes) -> dict[str, Any] | None:
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        value = orjson.loads(raw)
    except ValueError:
        try:  # what Python's own encoder writes and the standard forbids: NaN, lone surrogates
            value = json.loads(raw.decode(errors="replace"))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _moment(written: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(written))
        return at.astimezone(UTC) if at.utcoffset() is not None else None
    except (ValueError, OverflowError):
        return None


def _named_level(written: object) -> str:
    level = written.lower() if isinstance(written, str) else ""
    level = _SAME_LEVEL.get(level, level)
    return level if level in LEVELS else ""


def _level_in(raw: bytes) -> str:
    found = _LEVEL.search(raw) if raw.lstrip().startswith(b"{") else None
    return _named_level(found[1].decode("ascii", "replace")) if found else ""


def _pairs(values: Mapping[str, object]) -> str:
    written = [
        (_clean(name), _clean(value if isinstance(value, str) else _written(value))) for name, value in values.items()
    ]
    one_line = [f"{name}={_quoted(value)}" for name, value in written if "\n" not in value]
    blocks = [f"{name}:\n{value}" for name, value in written if "\n" in value]  # tracebacks stand below the rest
    return "\n".join(part for part in (" ".join(one_line), *blocks) if part)


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value or not value else value


def _written(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "…"


def _clean(text: str) -> str:
    return _HARMFUL.sub(_visible, _ANSI.sub("", text))


def _visible(found: re.Match[str]) -> str:
    code = ord(found[0])
    return "" if found[0] == "\r" else chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _shortened(line: LogLine, longest: int) -> LogLine:
    over = len(line.event) + len(line.text) - longest
    if over <= 0:
        return line
    event = line.event[:longest]
    text = line.text[: longest - len(event)]
    return LogLine(line.at, line.service, line.level, event, text, line.file, line.key, line.cut + over)
