"""How are rows printed for people: side by side where they fit, else one below the other, nothing cut off unsaid?"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from main.analytics.figure import Figure
from main.cli.show_blocks import Block, with_steps
from main.cli.show_cells import Cells, printable
from main.cli.show_series import courses, is_series, thinned
from main.monitoring.field_units import Unit
from main.text import DASH

NOTHING = "nothing recorded"
GAP = "  "
ENDLESS = 100_000
"""A width that everything fits into: of a file, or of another program."""

_STEPS = ("tick", "quantity_step")  # they say how others are written
_FIRST = ("pnl", "net_pnl", "unrealized_pnl", "bps", "total", "at")
_LAST = (
    *("id", "label", "key", "run_id", "alert_id", "position_id", "instrument_token", "fx_rate", "details"),
    *("type", "gross_pnl", "is_profit", "revision"),
)
_NAMES = (Unit.TEXT, Unit.FLAG, Unit.TIME, Unit.DATE, Unit.PART)
_FEW, _LONGEST_TEXT, _MOST_REASONS = 6, 60, 12


def printed(block: Block, cells: Cells, width: int) -> str:
    """Return a block as text of lines no wider than `width` where that can be."""
    if not block.rows:
        return NOTHING
    block = with_steps(block)
    if is_series(block):
        return "\n".join([*courses(block, cells), "", printed(thinned(block), cells, width)])
    names = [name for name in block.units if name not in _STEPS]
    if "cells" in names and "names" in names:
        return "\n\n".join(_matrix(row, cells) for row in block.rows)
    if block.one or (len(block.rows) == 1 and len(names) > _FEW):
        return _facts(block, names, cells, width)
    same, names = _alike(block, names)
    head = (
        [", ".join(f"{name} {cells.write(name, block.units[name], block.rows[0][name], {})}" for name in same)]
        if same
        else []
    )
    return "\n".join([*head, *_side_by_side(block, names, cells, width)])


def _side_by_side(block: Block, names: Sequence[str], cells: Cells, width: int) -> list[str]:
    table = _lines(block, names, cells)
    if _wide(table) <= width:
        return [*_joined(table, _rights(block, names)), *_reasons(block, names)]
    if len(block.rows) <= _FEW:
        return [*_stacked(_cut(table), width), *_reasons(block, names)]
    return _fitting(block, names, cells, width)


def _stacked(table: Sequence[Sequence[str]], width: int) -> list[str]:
    """A line a field and a column a row; rows that do not fit beside the others stand below them."""
    head, *rows = table
    beside = next((count for count in range(len(rows), 1, -1) if _wide(_turned([head, *rows[:count]])) <= width), 1)
    lines = _joined(_turned([head, *rows[:beside]]), [False, *[True] * beside])
    return lines if beside == len(rows) else [*lines, "", *_stacked([head, *rows[beside:]], width)]


def _facts(block: Block, names: Sequence[str], cells: Cells, width: int) -> str:
    """One thing: a line a field, with the reason where there is no value."""
    wide = max(len(name) for name in names)
    row = block.rows[0]
    room = max(width - wide - len(GAP), len(DASH))
    return "\n".join(f"{name.ljust(wide)}{GAP}{_with_reason(cells, block, name, row)[:room]}" for name in names)


def _with_reason(cells: Cells, block: Block, name: str, row: Mapping[str, Any]) -> str:
    value = row[name]
    reason = f" ({value.reason})" if isinstance(value, Figure) and value.reason else ""
    return cells.write(name, block.units[name], value, row) + reason


def _alike(block: Block, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is the same text in all of several rows is said once, above them; what nobody knows is left out."""
    if len(block.rows) == 1:
        return [], list(names)
    found: dict[str, set[str]] = {name: {repr(row[name]) for row in block.rows} for name in names}
    same = [name for name in names if len(found[name]) == 1 and block.units[name] is Unit.TEXT]
    unknown = [name for name in names if found[name] <= {"None", "[]", "()", "{}"}]
    rest = [name for name in names if name not in same and name not in unknown]
    return [name for name in same if name not in unknown], rest or list(names)


def _lines(block: Block, names: Sequence[str], cells: Cells) -> list[list[str]]:
    return [
        list(names),
        *([cells.write(name, block.units[name], row[name], row) for name in names] for row in block.rows),
    ]


def _cut(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """Long texts are cut off where there is not room for all of everything."""
    return [
        [cell if len(cell) <= _LONGEST_TEXT else f"{cell[: _LONGEST_TEXT - 1]}…" for cell in line] for line in table
    ]


def _fitting(block: Block, names: Sequence[str], cells: Cells, width: int) -> list[str]:
    """As many columns as fit, those that matter most first; what does not fit is said."""
    table = _cut(_lines(block, names, cells))
    widths = {name: max(len(line[place]) for line in table) for place, name in enumerate(names)}
    kept: set[str] = set()
    room = width + len(GAP)
    for name in sorted(names, key=lambda name: (name in _LAST, name not in _FIRST)):
        if widths[name] + len(GAP) <= room or not kept:
            room -= widths[name] + len(GAP)
            kept.add(name)
    shown = [name for name in names if name in kept]
    hidden = [name for name in names if name not in kept]
    lines = _joined(_cut(_lines(block, shown, cells)), _rights(block, shown))
    return [*lines, *_reasons(block, shown), f"too wide for here, --format csv has them: {', '.join(hidden)}"]


def _reasons(block: Block, names: Sequence[str]) -> list[str]:
    """Why there is no figure where a dash stands, each reason once."""
    found: dict[tuple[str, str], None] = {}
    for name in names:
        for row in block.rows:
            if isinstance(row[name], Figure) and row[name].reason:
                found[name, row[name].reason] = None
    told = [f"{DASH} {name}: {reason}" for name, reason in found]
    return [*told[:_MOST_REASONS], *([f"{DASH} and {len(told) - _MOST_REASONS} more"] if told[_MOST_REASONS:] else [])]


def _rights(block: Block, names: Sequence[str]) -> list[bool]:
    return [block.units[name] not in _NAMES for name in names]


def _turned(table: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(line) for line in zip(*table, strict=True)]


def _wide(table: Sequence[Sequence[str]]) -> int:
    return sum(max(len(line[place]) for line in table) + len(GAP) for place in range(len(table[0]))) - len(GAP)


def _joined(table: Sequence[Sequence[str]], rights: Sequence[bool]) -> list[str]:
    widths = [max(len(line[place]) for line in table) for place in range(len(table[0]))]
    return [
        GAP.join(
            cell.rjust(wide) if right else cell.ljust(wide)
            for cell, wide, right in zip(line, widths, rights, strict=True)
        ).rstrip()
        for line in table
    ]


def _matrix(row: Mapping[str, Any], cells: Cells) -> str:
    """Every name beside every other."""
    names: Sequence[str] = [cells.write("names", Unit.TEXT, name, row) for name in row["names"]]
    head = ", ".join(f"{name} {cells.write(name, Unit.TEXT, row[name], row)}" for name in row if name not in _CELLS)
    lines = [
        [name, *(cells.write("cells", Unit.RATIO, cell, row) for cell in line)]
        for name, line in zip(names, row["cells"], strict=True)
    ]
    reasons = dict.fromkeys(cell.reason for line in row["cells"] for cell in line if cell.reason)
    table = _joined([["", *names], *lines], [False, *[True] * len(names)]) if names else [NOTHING]
    return "\n".join([head, *table, *(f"{DASH} {reason}" for reason in reasons)])


_CELLS = ("names", "cells")


def as_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return columns side by side, every digit kept; control characters of a cell are shown, never obeyed."""
    table = [list(columns), *([_exact(cell) for cell in row] for row in rows)]
    return "\n".join(_joined(table, [False] * len(columns)))


def _exact(cell: object) -> str:
    if cell is None:
        return DASH
    return f"{cell:f}" if isinstance(cell, Decimal) else printable(str(cell))
