"""Sectors: which parts of the market rose through the window, and which fell?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, reasons
from main.monitoring.dashboards.v2.figures import CategoryBar
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Panel
from main.monitoring.reads import bots, sectors
from main.monitoring.reads.sectors import SectorChange

_MOST = 10  # bars that the panel's height holds


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    rows = [row for row in answers[sectors.READ].value or [] if row.change is not None]
    if not rows:
        running = "no symbol has two prices in this range: choose a longer one."
        return reasons.nothing(answers, scope, "No sector moved yet", running, icon_name="chart-column", ranged=True)
    several = len({row.source for row in rows}) > 1
    return figures.category_bars([_bar(row, several) for row in _ends(rows)])


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[sectors.READ].value or []
    known = sum(row.change is not None for row in rows)
    missing = [f"{len(rows) - known} without prices"] if known < len(rows) else []
    left_out = [f"best and worst {_MOST // 2} of {known}"] if known > _MOST else []
    return " · ".join(["mean change", scope.window, *left_out, *missing])


def _ends(rows: Sequence[SectorChange]) -> list[SectorChange]:
    """The best and the worst, where there are more than fit."""
    ordered = sorted(rows, key=lambda row: row.change or 0.0, reverse=True)
    return ordered if len(ordered) <= _MOST else [*ordered[: _MOST // 2], *ordered[-_MOST // 2 :]]


def _bar(row: SectorChange, several: bool) -> CategoryBar:
    name = row.sector or "No sector"
    label = f"{name} · {row.source}" if several else name
    written = text.percent(row.change, signed=True)
    best = f"best {row.best} {text.percent(row.best_change, signed=True)}"
    worst = f"worst {row.worst} {text.percent(row.worst_change, signed=True)}"
    count = f"{row.priced} of {row.symbols} symbol{'' if row.symbols == 1 else 's'}"
    tone = "profit-4" if (row.change or 0.0) >= 0 else "loss-4"
    return CategoryBar(label, row.change, written, tone, f"{label} {written}<br>{best}<br>{worst}<br>{count}")


PANEL = Panel(
    "sectors",
    "Sector performance",
    page="Market",
    reads=(sectors.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=40,
    height=300,
    kind="figure",
)
