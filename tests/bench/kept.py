"""What was measured last of every section? Beside the document, so that one section can be measured again by itself."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import orjson

from tests.bench.machine import Machine
from tests.bench.row import Row

Cells = tuple[str, str, str, str, str]
"""As written: the figure, its value with its unit, how it spread, what was asked of it, and whether that is met."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A section as it was measured on a day, and on which machine."""

    name: str
    title: str
    method: str
    day: str
    machine: str
    seconds: float
    rows: tuple[Cells, ...]

    @classmethod
    def of(cls, name: str, title: str, method: str, seconds: float, rows: tuple[Row, ...]) -> Self:
        """Return what was measured here and now."""
        cells = tuple((row.figure, row.written, row.spread, row.asked, row.verdict) for row in rows)
        return cls(name, title, method.strip(), f"{datetime.now(UTC):%Y-%m-%d}", str(Machine.here()), seconds, cells)


def kept(file: Path) -> dict[str, Kept]:
    """Return what the file holds, by name; nothing where there is none."""
    if not file.exists():
        return {}
    found = [Kept(**each) for each in orjson.loads(file.read_bytes())]
    return {each.name: each for each in found}


def keep(file: Path, sections: dict[str, Kept]) -> None:
    """Write the file anew."""
    told = [asdict(each) for each in sections.values()]
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
