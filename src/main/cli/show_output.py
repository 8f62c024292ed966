"""How is an answer printed: as tables for people, as JSON or CSV for programs? And the reads, how are they told of?"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from main import text
from main.analytics.figure import Figure
from main.cli.show_blocks import blocks
from main.cli.show_cells import Cells, printable
from main.cli.show_table import NOTHING, as_table
from main.cli.show_table import printed as printed_block
from main.domain.scope import Scope
from main.exporters import csv, flat
from main.exporters.json import encode
from main.monitoring.api.question import COMMON, Question
from main.monitoring.api.rest import envelope
from main.monitoring.parameters import Parameter, own_parameters
from main.monitoring.read import Answer, Read, State

_HELP_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with all that it was asked with, and a note on the choice of its accounts."""

    asked: Question
    scope: Scope
    answer: Answer[Any]
    note: str = ""


def printed(told: Answered, format_: str) -> str:
    """Return an answer for a program, in one of the formats json and csv."""
    document = envelope(told.asked, told.scope, told.answer, told.note)
    if format_ == "json":
        return encode(document, told.asked.decimals).decode()
    return csv.write(flat.table(document["value"])).decode().removesuffix("\r\n")


def tables(told: Answered, cells: Cells, width: int) -> str:
    """Return an answer for people: what it is about, its tables, and how fresh it is."""
    scope = told.scope
    about = [", ".join(scope.accounts) or "no accounts", scope.window]
    about += [f"strategy {scope.strategy}"] if scope.strategy else []
    about += [f"known at {cells.time(scope.known_at)}"] if scope.known_at else []
    lines = [printable(" · ".join([told.asked.read.title, *about]))]
    found = blocks(told.asked.limited(told.answer.value))
    for block in found:
        title = " · ".join(filter(None, (block.title.replace("_", " "), block.place)))
        lines += ["", *([title] if title else []), printed_block(block, cells, width)]
    lines += [] if found else ["", _nothing(told)]
    return "\n".join([*lines, "", freshness_line(told.answer, cells), *([printable(told.note)] if told.note else [])])


def _nothing(told: Answered) -> str:
    if told.answer.error is not None:
        return text.DASH
    own = ", ".join(f"--{each.name.replace('_', '-')}" for each in own_parameters(told.asked.read))
    return f"{NOTHING}; asked for with {own}" if own and told.answer.value is None else NOTHING


def freshness_line(answer: Answer[Any], cells: Cells) -> str:
    """Return the state, the time of the newest fact with its age, and the zone that times are in."""
    fresh = answer.freshness
    words = [str(fresh.state)]
    if fresh.as_of is not None:
        age = f"{text.duration(fresh.moment - fresh.as_of)} old"
        words.append(f"as of {cells.time(fresh.as_of)} ({age})")
    if fresh.state is State.PAST or fresh.clock == "replay":
        words.append(f"seen from {cells.time(fresh.moment)}{' of a replay' if fresh.clock == 'replay' else ''}")
    if fresh.state not in (State.LIVE, State.PAST) and fresh.detail:
        words.append(fresh.detail)
    return printable(" · ".join([*words, f"times in {cells.named_zone(fresh.moment)}"]))


def listed(reads: Iterable[Read[Any]], format_: str) -> str:
    """Return the list of all reads: name, title, unit and own parameters; for programs also what they mean."""
    columns = ("name", "title", "unit", "parameters")
    rows = [(read.name, read.title, read.unit, " ".join(each.name for each in own_parameters(read))) for read in reads]
    if format_ == "table":
        return as_table(columns, rows)
    items = [dict(zip(columns, row, strict=True)) for row in rows]
    if format_ == "json":
        return encode(items).decode()
    return csv.write(flat.Table(columns, tuple(rows))).decode().removesuffix("\r\n")


def help_of(read: Read[Any]) -> str:
    """Return what one read means, which options it has of its own, and what it prints."""
    paragraphs = [" ".join(part.split()) for part in read.description.split("\n\n")]
    facts = [f"Definition: {read.formula}", *(f"See: {each}" for each in read.references), f"Unit: {read.unit}"]
    lines = [f"{read.title} ({read.name})", ""]
    for words in (*paragraphs, *facts):
        lines += textwrap.wrap(words, _HELP_WIDTH)
    own = [each for each in own_parameters(read) if each.name != "account"]
    lines += ["", "Options of its own:", *map(_option, own)] if own else []
    lines += [
        "",
        "Prints:",
        *textwrap.wrap(", ".join(_fields(read)), _HELP_WIDTH, initial_indent="  ", subsequent_indent="  "),
    ]
    every = " ".join(f"--{name.replace('_', '-')}" for name in COMMON if name != "accounts")
    return "\n".join([*lines, "", f"Options of every read: --account {every} --format --zone (show --help)"])


def _option(each: Parameter) -> str:
    choices = f" One of {', '.join(each.choices)}." if each.choices else ""
    default = f" By default {each.default}." if each.default else " Required." if each.required else ""
    words = textwrap.wrap(f"{each.meaning}{choices}{default}", _HELP_WIDTH - 20)
    name = f"  --{each.name.replace('_', '-')}"
    return "\n".join([f"{name:<20}{words[0]}", *(f"{'':20}{line}" for line in words[1:])])


def _fields(read: Read[Any]) -> list[str]:
    """The fields of the rows that the read gives, the outermost first."""
    found: dict[str, None] = {}

    def walk(hint: Any) -> None:
        row = get_origin(hint) or hint
        for part in get_args(hint):
            walk(part)
        if is_dataclass(row) and row is not Figure:
            found.update(dict.fromkeys(get_type_hints(row)))
            for inner in get_type_hints(row).values():
                walk(inner)

    walk(get_type_hints(read.fetch)["return"])
    return list(found)
