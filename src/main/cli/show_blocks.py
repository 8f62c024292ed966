"""Into which tables does an answer's value fall apart: its own rows, and the rows that lie inside of them?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from typing import Any

from main.analytics.figure import Figure
from main.monitoring.field_units import Unit, units_of
from main.monitoring.paging import Paged

_WHOSE = ("currency", "account", "name", "by", "source", "symbol")
"""Fields that tell, beside the rows inside of a row, whose they are."""

_FINEST = 8


@dataclass(frozen=True, slots=True)
class Block:
    """One table: rows by field, and the fields' units in their order; ``one``: it is one thing, not a list of them.

    ``place`` says which part of a longer list it is.
    """

    title: str
    units: Mapping[str, Unit]
    rows: Sequence[Mapping[str, Any]]
    one: bool = False
    place: str = ""


def blocks(value: object, title: str = "") -> list[Block]:
    """Return the tables of a value, the outermost first; none for ``None`` and where nothing is in it."""
    if value is None:
        return []
    if isinstance(value, Paged):
        return _page(value, title)
    one = not isinstance(value, list | tuple)
    items = [value] if not isinstance(value, list | tuple) else list(value)
    if not items:
        return []
    if not _is_row(items[0]):
        return [Block(title, {"value": _unit(items[0])}, [{"value": each} for each in items], one)]
    return list(_of_rows(items, title, {}, {}, one=one))


def with_steps(block: Block) -> Block:
    """Return the block with its prices and quantities in equal steps where the rows do not say which.

    The finest of a column, so that its numbers stand below each other.
    """
    finest: dict[str, Decimal] = {}
    for name, field in (("tick", Unit.PRICE), ("quantity_step", Unit.QUANTITY)):
        numbers = [row[each] for each, unit in block.units.items() if unit is field for row in block.rows]
        places = [_places(number) for number in numbers if isinstance(number, Decimal)]
        if name not in block.units and places and len(block.rows) > 1:
            finest[name] = Decimal(1).scaleb(-min(max(places), _FINEST))
    rows = [{**finest, **row} for row in block.rows] if finest else block.rows
    return Block(block.title, block.units, rows, block.one, block.place)


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _page(page: Paged[Any, Any], title: str) -> list[Block]:
    found = blocks(page.items, title)
    last = page.offset + len(page.items)
    place = f"{page.offset + 1:,}–{last:,} of {page.total:,}" if page.items else f"none of {page.total:,}"
    head = Block(title, found[0].units, found[0].rows, place=place) if found else Block(title, {}, [], place=place)
    return [head, *found[1:], *blocks(page.summary, "summary")]


def _of_rows(
    items: Sequence[Any], title: str, whose: Mapping[str, Unit], owners: Mapping[int, Mapping[str, Any]], *, one: bool
) -> Iterator[Block]:
    """A table of rows, each after those that tell whose it is, and then the tables that lie inside."""
    row: Any = type(items[0])
    units = units_of(row)
    inside = [name for name, unit in units.items() if unit is Unit.PART and _holds_rows(items, name)]
    plain = {name: unit for name, unit in units.items() if name not in inside}
    rows = [
        {**owners.get(place, {}), **{name: getattr(item, name) for name in plain}} for place, item in enumerate(items)
    ]
    if plain:
        yield Block(title, {**whose, **plain}, rows, one)
    named = {name: Unit.TEXT for name in _WHOSE if plain.get(name) is Unit.TEXT}
    for name in inside:
        yield from _inside(items, name, f"{title} {name}".strip(), {} if one else named)


def _inside(items: Sequence[Any], name: str, title: str, named: Mapping[str, Unit]) -> Iterator[Block]:
    inner: list[Any] = []
    owners: dict[int, Mapping[str, Any]] = {}
    single = True
    for item in items:
        held = getattr(item, name)
        single &= not isinstance(held, list | tuple)
        for each in held if isinstance(held, list | tuple) else [held] if held is not None else []:
            owners[len(inner)] = {key: getattr(item, key) for key in named if not hasattr(each, key)}
            inner.append(each)
    if inner:
        whose = {key: unit for key, unit in named.items() if not hasattr(inner[0], key)}
        yield from _of_rows(inner, title, whose, owners, one=single and len(inner) == 1)


def _holds_rows(items: Sequence[Any], name: str) -> bool:
    values = [getattr(item, name) for item in items]
    return any(
        _is_row(each) for value in values for each in (value if isinstance(value, list | tuple) else [value])
    ) or all(value is None or (isinstance(value, list | tuple) and not value) for value in values)


def _is_row(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, Figure)


def _unit(value: object) -> Unit:
    return Unit.NUMBER if isinstance(value, int | float) else Unit.TEXT
