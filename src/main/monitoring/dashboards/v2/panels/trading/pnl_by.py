"""P&L by: which symbols, strategies, hours, weekdays or ways out earned the money?"""

from collections.abc import Sequence
from typing import Any

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import breakdown, figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel
from main.monitoring.reads import accounts, bots, pnl_by
from main.monitoring.reads.pnl_by import PnlByParams, PnlPart

MOST = 10
"""Bars that a panel of this height can show; hours have more and are thinner."""
_ALL_OF = ("hour", "weekday")


def draw(answers: Answers, scope: Scope) -> Drawing:
    parts, by = _shown(answers), answers.chosen["by"]
    if not parts:
        running = f"no trade was closed in {scope.window}: choose a longer range."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="chart-column", ranged=True)
    return figures.category_bars([_bar(part, by) for part in parts])


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[pnl_by.READ].value, answers[accounts.READ].value
    found, drawn = len(one_currency.shown(rows, owners)), len(_shown(answers))
    cut = f"the {drawn} largest of {found:,}" if drawn < found else ""
    return one_currency.caption(rows, owners, "net", scope.window, cut)


def _shown(answers: Answers) -> list[PnlPart]:
    """Return the parts with the largest results, won or lost, in the read's own order."""
    parts = one_currency.shown(answers[pnl_by.READ].value, answers[accounts.READ].value)
    return parts if answers.chosen["by"] in _ALL_OF else _largest(parts)


def _largest(parts: Sequence[PnlPart]) -> list[PnlPart]:
    ranked = sorted(range(len(parts)), key=lambda place: abs(parts[place].net_pnl), reverse=True)
    return [parts[place] for place in sorted(ranked[:MOST])]


def _bar(part: PnlPart, by: str) -> figures.CategoryBar:
    name = breakdown.part_name(part.name, by)
    written = text.signed_money(part.net_pnl)
    rate = f", {text.percent(part.win_rate.value, 1)} won" if part.win_rate.value is not None else ""
    hover = f"{name}: {written} {part.currency}, {part.trades:,} trades{rate}"
    return figures.CategoryBar(name, float(part.net_pnl), written, "profit-4" if part.net_pnl >= 0 else "loss-4", hover)


def _asked(chosen: Any) -> PnlByParams:
    return PnlByParams(by=chosen["by"])


PANEL = Panel(
    "pnl_by",
    "P&L by",
    page="Performance",
    reads=(pnl_by.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=5,
    order=80,
    height=300,
    kind="figure",
    options=(breakdown.option("symbol", "strategy", "weekday", "hour", "exit_type", "side"),),
    params=lambda chosen: {pnl_by.READ: _asked(chosen)},
)
