"""How are the figures told: a table on the terminal, a document in the repository?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from tests.bench.machine import Machine
from tests.bench.row import Row

INTRODUCTION = """# Benchmarks

Written by `make bench` (`python -m tests.bench`); `python -m tests.bench NAME` measures one section again and
prints it. Measured on {day}: {machine}. The whole run took {took:.0f} s.

Machines are noisy, and processors differ: where a figure was measured several times its median stands here, with the
least and the greatest beside it. The ratios to a baseline of the same run travel further than the seconds do.

"""
MOST_AIMS = 12
"""A section with more of them tells in the list of all aims only how many are met."""


@dataclass(frozen=True, slots=True)
class Section:
    """One measurement: how it is called, how it was measured, and what came out."""

    name: str
    title: str
    method: str
    run: Callable[[Path], Iterable[Row]]
    rows: tuple[Row, ...] = ()
    seconds: float = 0.0
    failure: str = ""


def table(section: Section) -> Table:
    """The section for a terminal."""
    shown = Table(title=f"{section.title} ({section.seconds:.0f} s)", title_justify="left", title_style="bold")
    shown.add_column("Figure")
    shown.add_column("Measured", justify="right", no_wrap=True)
    shown.add_column("Spread", style="dim")
    shown.add_column("Aim", justify="right", no_wrap=True)
    shown.add_column("")
    for row in section.rows:
        colour = {"met": "green", "missed": "red"}.get(row.verdict, "")
        verdict = f"[{colour}]{row.verdict}[/]" if colour else ""
        shown.add_row(row.figure, row.written, row.spread, row.asked, verdict)
    return shown


def document(sections: Sequence[Section], machine: Machine, took: float) -> str:
    """The whole of docs/benchmarks.md."""
    text = INTRODUCTION.format(day=f"{datetime.now(UTC):%Y-%m-%d}", machine=machine, took=took)
    text += "## Aims\n\n" + _aims(sections)
    for section in sections:
        text += f"\n## {section.title}\n\n`python -m tests.bench {section.name}`. {section.method.strip()}\n\n"
        text += _markdown(section.rows)
    return text


def _aims(sections: Sequence[Section]) -> str:
    """Every aim by itself; of a section with many of them how many are met."""
    few: list[Row] = []
    many: list[str] = []
    for section in sections:
        aimed = [row for row in section.rows if row.aim]
        if len(aimed) <= MOST_AIMS:
            few += aimed
        else:
            met = sum(row.verdict == "met" for row in aimed)
            many.append(f"- {section.title}: {met} of {len(aimed)} are met.\n")
    return _markdown(few, spread=False) + "\n" + "".join(many)


def _markdown(rows: Iterable[Row], *, spread: bool = True) -> str:
    middle, ruler = (" Least … greatest |", "---|") if spread else ("", "")
    lines = [f"| Figure | Measured |{middle} Aim | |", f"|---|---:|{ruler}---:|---|"]
    for row in rows:
        cells = [row.figure, row.written, *([row.spread] if spread else []), row.asked, row.verdict]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
