"""How are the figures told: a table on the terminal, a document in the repository?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from tests.bench.kept import Cells, Kept
from tests.bench.row import Row

INTRODUCTION = """# Benchmarks

`make bench` (`python -m tests.bench`) measures everything one after another; `python -m tests.bench NAME` measures one
section again and puts it in its place. Each section says when it was measured, on
{machine}.

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


def document(sections: Sequence[Kept]) -> str:
    """The whole of docs/benchmarks.md."""
    text = INTRODUCTION.format(machine=sections[-1].machine) + "## Aims\n\n" + _aims(sections)
    for section in sections:
        elsewhere = "" if section.machine == sections[-1].machine else f", on {section.machine}"
        took = f" in {section.seconds:.0f} s" if section.seconds else ""
        measured = f"Measured on {section.day}{took}{elsewhere}."
        text += f"\n## {section.title}\n\n`python -m tests.bench {section.name}`. {measured} {section.method}\n\n"
        text += _markdown(section.rows)
    return text


def _aims(sections: Sequence[Kept]) -> str:
    """Every aim by itself; of a section with many of them how many are met."""
    few: list[Cells] = []
    many: list[str] = []
    for section in sections:
        aimed = [cells for cells in section.rows if cells[-1]]
        if len(aimed) <= MOST_AIMS:
            few += aimed
        else:
            met = sum(cells[-1] == "met" for cells in aimed)
            many.append(f"- {section.title}: {met} of {len(aimed)} are met.\n")
    return _markdown(few, spread=False) + "\n" + "".join(many)


def _markdown(rows: Iterable[Cells], *, spread: bool = True) -> str:
    middle, ruler = (" Least … greatest |", "---|") if spread else ("", "")
    lines = [f"| Figure | Measured |{middle} Aim | |", f"|---|---:|{ruler}---:|---|"]
    for figure, measured, spread_cell, asked, verdict in rows:
        cells = [figure, measured, *([spread_cell] if spread else []), asked, verdict]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
