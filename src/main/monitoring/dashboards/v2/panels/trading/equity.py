"""Equity over drawdown, through the window."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import groupby
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Chosen, FigureDict, Panel
from main.monitoring.read import Read
from main.monitoring.reads import accounts, bots, equity, external_flows
from main.monitoring.reads.equity import EquityPoint
from main.monitoring.reads.external_flows import ExternalFlow, FlowParams

_FLOWS = 200
_WORDS = {"deposit": "Deposit", "withdrawal": "Withdrawal", "transfer": "Transfer"}


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {external_flows.READ: FlowParams(limit=_FLOWS)}


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    points = _shown(answers)
    if len(points) < 2:
        return reasons.nothing(
            answers,
            scope,
            "No equity in this range",
            "a curve needs two observations of equity: choose a longer range.",
            icon_name="chart-line",
            ranged=True,
        )
    at, values = [point.at for point in points], [point.equity for point in points]
    figure = figures.equity_and_drawdown(
        at,
        values,
        [point.drawdown for point in points],
        growth=[point.growth for point in points],
        low=[point.low for point in points],
        high=[point.high for point in points],
    )
    figure["data"] += figures.flow_marks(at, values, _marks(answers, points[0].currency))
    return figure


def caption(answers: Answers, scope: Scope) -> str:
    # What fell and rose again between two points is in no drawdown: a longer range has fewer, and may know of less.
    many = len(answers[external_flows.READ].value or []) >= _FLOWS
    words = scope.window, "drawdown at its points", f"newest {_FLOWS} cash flows" if many else ""
    return one_currency.named(_shown(answers), answers[equity.READ].value, *words)


def _shown(answers: Answers) -> list[EquityPoint]:
    """Return the curve of the currency that most accounts have, of those that are more than a point."""
    points = answers[equity.READ].value or []
    counts = Counter(point.currency for point in points)
    drawable = [point for point in points if counts[point.currency] > 1] or points
    return one_currency.shown(drawable, answers[accounts.READ].value)


def _marks(answers: Answers, currency: str) -> list[figures.FlowMark]:
    rows = [row for row in answers[external_flows.READ].value or [] if row.currency == currency]
    return [_mark(list(flows)) for _, flows in groupby(rows, lambda row: row.at)]


def _mark(flows: Sequence[ExternalFlow]) -> figures.FlowMark:
    kinds = {_WORDS.get(flow.kind, flow.kind) for flow in flows}
    words = kinds.pop() if len(kinds) == 1 else "Cash flows"
    lines = [f"{_WORDS.get(flow.kind, flow.kind)} {text.signed_money(flow.amount)} {flow.label}" for flow in flows]
    return figures.FlowMark(flows[0].at, flows[0].amount > 0, words, "<br>".join(lines))


PANEL = Panel(
    "equity",
    "Equity and drawdown",
    page="Overview",
    reads=(equity.READ, external_flows.READ, accounts.READ, bots.READ),
    draw=draw,
    params=params,
    caption=caption,
    width=8,
    order=20,
    height=300,
    kind="figure",
    refines=True,
    legend=(("Equity", "accent"), ("Drawdown", "loss")),
)
