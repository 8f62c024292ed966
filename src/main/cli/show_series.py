"""How does a series look in a terminal: its course as a line of blocks, and few of its points?"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from main.analytics.figure import Figure
from main.cli.show_blocks import Block
from main.cli.show_cells import Cells
from main.monitoring.field_units import Unit

MOST_POINTS = 40
"""More rows than this of a series are told by their course and by some of them."""
SHOWN_POINTS = 20
WIDTH = 40

_STEPS = "▁▂▃▄▅▆▇█"
_WORDS = (Unit.TEXT, Unit.FLAG)
_TIMES = (Unit.TIME, Unit.DATE)
_GAP = "·"
_OWNERS = ("currency", "account", "label", "name", "source", "symbol", "model", "version")
_REMARKS = ("regime", "reason")
_MOST_OWNERS = 12


def is_series(block: Block) -> bool:
    """Tell whether the rows are points of time, oldest first within what they are of, and too many to read."""
    time = _time_of(block)
    texts = {name for name, unit in block.units.items() if unit is Unit.TEXT}
    if len(block.rows) <= MOST_POINTS or time is None or block.place or texts - {*_OWNERS, *_REMARKS}:
        return False
    return len(_groups(block)) <= _MOST_OWNERS and all(
        all(isinstance(row[time], date) for row in rows)
        and all(before[time] <= after[time] for before, after in pairwise(rows))
        for rows in _groups(block).values()
    )


def courses(block: Block, cells: Cells) -> list[str]:
    """Return a line for each number of each series: its course from the first point to the last, and its range."""
    time = _time_of(block)
    numbers = [
        name
        for name, unit in block.units.items()
        if unit not in (*_WORDS, *_TIMES, Unit.PART) and any(_value(row[name]) is not None for row in block.rows)
    ]
    wide = max((len(name) for name in numbers), default=0)
    lines = []
    for owner, rows in _groups(block).items():
        span = f"{_written(cells, block, str(time), rows[0])} to {_written(cells, block, str(time), rows[-1])}"
        lines.append(f"{' '.join(filter(None, owner))} {span}, {len(rows):,} points".strip())
        for name in numbers:
            known = [row for row in rows if _value(row[name]) is not None]
            if known:
                low, high = (pick(known, key=lambda row: _value(row[name])) for pick in (min, max))
                told = (_written(cells, block, name, row) for row in (low, high, known[-1]))
                line = _line([_value(row[name]) for row in rows])
                lines.append("  {}  {}  {} … {}, last {}".format(name.ljust(wide), line, *told))
    return lines


def thinned(block: Block) -> Block:
    """Return the block with few of its points, evenly chosen, the first and the last of each series among them."""
    groups = _groups(block)
    each = max(2, SHOWN_POINTS // len(groups))
    rows = [row for found in groups.values() for row in _evenly(found, each)]
    place = f"{len(rows):,} of {len(block.rows):,} points; --format csv has all"
    return Block(block.title, block.units, rows, place=place)


def _time_of(block: Block) -> str | None:
    return next((name for name, unit in block.units.items() if unit in _TIMES), None)


def _groups(block: Block) -> dict[tuple[str, ...], list[Mapping[str, Any]]]:
    owners = [name for name in block.units if name in _OWNERS and block.units[name] is Unit.TEXT]
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in block.rows:
        found.setdefault(tuple(str(row[name] or "") for name in owners), []).append(row)
    return found


def _evenly(rows: Sequence[Any], count: int) -> list[Any]:
    if len(rows) <= count:
        return list(rows)
    return [rows[round(place * (len(rows) - 1) / (count - 1))] for place in range(count)]


def _line(values: Sequence[Any]) -> str:
    """Blocks between the lowest and the highest value; of a stretch that has several the last, of one without a dot."""
    known = [float(value) for value in values if value is not None]
    low, span = min(known), (max(known) - min(known)) or 1.0
    width = min(WIDTH, len(values))
    marks = []
    for place in range(width):
        part = values[place * len(values) // width : max((place + 1) * len(values) // width, 1)]
        last = next((float(value) for value in reversed(part) if value is not None), None)
        marks.append(_GAP if last is None else _STEPS[min(int((last - low) / span * len(_STEPS)), len(_STEPS) - 1)])
    return "".join(marks)


def _value(cell: Any) -> Any:
    return cell.value if isinstance(cell, Figure) else cell


def _written(cells: Cells, block: Block, name: str, row: Mapping[str, Any]) -> str:
    return cells.write(name, block.units[name], row[name], row)
