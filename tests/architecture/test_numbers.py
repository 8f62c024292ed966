"""Every number of the suite is told of: its definition, its unit, what it is where there is nothing, its parameters."""

import re
from dataclasses import fields
from typing import Any

import pytest

from main.monitoring.catalogue import catalogue, rows_of
from main.monitoring.field_units import Unit, units_of
from main.monitoring.parameters import MEANINGS, own_parameters
from main.monitoring.read import Read, reads

EMPTY = re.compile(
    r"\b(empty|``None``|none|no items|nothing|no points|no lines|missing|unknown|zeros)\b", re.IGNORECASE
)
SHORTEST = 10
"""Characters of a definition: fewer say nothing."""

each_read = pytest.mark.parametrize("read", reads().values(), ids=lambda read: read.name)


@each_read
def test_a_read_says_how_it_is_defined_and_in_which_unit(read: Read[Any]) -> None:
    assert len(read.formula) >= SHORTEST
    assert read.unit
    assert read.title


@each_read
def test_a_read_says_what_it_gives_where_there_is_nothing(read: Read[Any]) -> None:
    assert EMPTY.search(read.description), "say in the docstring what is returned when nothing was recorded"


@each_read
def test_a_reads_parameters_are_told_of(read: Read[Any]) -> None:
    for each in own_parameters(read):
        assert each.meaning, f"{each.name}: say in main.monitoring.parameters what it means"
    if read.params is not None:
        assert (read.params.__doc__ or "").partition("(")[0] != read.params.__name__, "its docstring is dataclass's own"


def test_every_meaning_is_that_of_a_parameter() -> None:
    assert set(MEANINGS) == {each.name for read in reads().values() for each in own_parameters(read)}


@each_read
def test_every_field_has_a_unit_and_every_row_says_what_it_is(read: Read[Any]) -> None:
    for row in rows_of(read):
        known: Any = row
        undecided = [name for name, unit in units_of(known).items() if unit is Unit.UNDECIDED]
        assert undecided == [], f"{row.__name__}: say in main.monitoring.field_units what these are"
        assert not (row.__doc__ or "").startswith(f"{row.__name__}("), f"{row.__name__} has no docstring"


def test_the_catalogue_has_every_read_row_field_and_parameter() -> None:
    written = catalogue(reads().values())
    for read in reads().values():
        section = written.partition(f"(`{read.name}`)\n")[2].partition("\n## ")[0]
        assert read.formula in section
        names = {each.name for each in own_parameters(read)} | {
            spec.name
            for row in rows_of(read)
            for spec in fields(row)  # type: ignore[arg-type]  # all are dataclasses
        }
        assert [name for name in names if f"`{name}`" not in section] == [], read.name
