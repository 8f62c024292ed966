"""Mark-outs: did the market go with the fills afterwards, or against them?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.execution_part import FillParts
from main.monitoring.reads import bots, markouts
from main.monitoring.reads.markouts import MarkOut

MOST = 8


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[markouts.READ].value or []
    if not found:
        running = f"nothing was filled in {scope.window}."
        return reasons.nothing(answers, scope, "No fills", running, icon_name="timer", ranged=True)
    by = answers.chosen["by"]
    parts = _by_part(found)[:MOST]
    horizons = sorted({each.horizon_seconds for each in found})
    columns = [
        Column(breakdown.word(by), phone="name"),
        # A phone has room for three: the longest tell most.
        *(Column(_horizon(each), "right", phone="figure" if each in horizons[-3:] else "hidden") for each in horizons),
        Column("Fills", "right", phone="corner", muted=True),
    ]
    labels = breakdown.labels([marks[0] for marks in parts], by)
    rows = [_row(label, marks, horizons) for label, marks in zip(labels, parts, strict=True)]
    return table(columns, rows, label="Mark-outs")


def caption(answers: Answers, scope: Scope) -> str:
    count = len(_by_part(answers[markouts.READ].value or []))
    return captions.joined("bps, positive = good", captions.cut(MOST, count, "the largest"))


def _by_part(found: Sequence[MarkOut]) -> list[list[MarkOut]]:
    parts: dict[tuple[str, str | None], list[MarkOut]] = {}
    for each in found:
        parts.setdefault((each.currency, each.name), []).append(each)
    return list(parts.values())


def _row(label: str, marks: Sequence[MarkOut], horizons: Sequence[int]) -> Row:
    at = {each.horizon_seconds: each for each in marks}
    cells: list[Cell] = [label]
    for horizon in horizons:
        mark = at.get(horizon)
        cells.append(components.unknown("no fill") if mark is None else _bps(mark))
    return Row(label, [*cells, f"{max(each.fills for each in marks):,}"])


def _bps(mark: MarkOut) -> Cell:
    return breakdown.figure(mark.bps, lambda value: text.bps(value, signed=True).removesuffix(" bps"))


def _horizon(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"


PANEL = Panel(
    "markouts",
    "Mark-outs",
    page="Execution",
    reads=(markouts.READ, bots.READ),
    options=(breakdown.option("symbol", "all", "strategy", "side", "hour", "size", "liquidity", "account"),),
    params=lambda chosen: {markouts.READ: FillParts(chosen["by"])},  # type: ignore[arg-type]  # checked by FillParts
    draw=draw,
    caption=caption,
    width=6,
    order=30,
    height=300,
    kind="flush",
    skeleton="table",
)
