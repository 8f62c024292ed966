"""Metrics: every figure of performance, and why one is missing."""

from collections.abc import Callable, Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.analytics.figure import Figure
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import accounts, bots, performance
from main.monitoring.reads.performance import Performance

Write = Callable[[float | None], str]


def _signed(value: float | None) -> str:
    return text.percent(value, signed=True)


def _share(value: float | None) -> str:
    return text.percent(value, 1)


FIGURES: tuple[tuple[str, str, Write], ...] = (
    ("period_return", "Return", _signed),
    ("roi", "ROI", _signed),
    ("cagr", "CAGR", _signed),
    ("volatility", "Volatility, a year", text.percent),
    ("sharpe", "Sharpe", text.ratio),
    ("sortino", "Sortino", text.ratio),
    ("calmar", "Calmar", text.ratio),
    ("max_drawdown", "Max drawdown", text.percent),
    ("current_drawdown", "Drawdown now", text.percent),
    ("value_at_risk", "VaR 95, 1 day", text.percent),
    ("conditional_value_at_risk", "CVaR 95, 1 day", text.percent),
    ("best_day", "Best day", _signed),
    ("worst_day", "Worst day", _signed),
    ("positive_days", "Winning days", _share),
    ("compared_return", "Common return", _signed),
    ("benchmark_return", "Benchmark", _signed),
    ("excess_return", "Excess return", text.percentage_points),
    ("alpha", "Alpha, a year", _signed),
    ("beta", "Beta", text.ratio),
    ("benchmark_correlation", "Correlation", text.ratio),
)
"""Field, name and form of every figure, in reading order."""


def draw(answers: Answers, scope: Scope) -> Component:
    rows = one_currency.shown(answers[performance.READ].value, answers[accounts.READ].value)
    if not rows:
        return reasons.nothing(
            answers,
            scope,
            "No performance in this range",
            "no equity was recorded yet.",
            icon_name="trending-up",
            ranged=True,
        )
    known = [(name, getattr(rows[0], field), write) for field, name, write in FIGURES]
    pairs = [(name, components.amount(write(figure.value), reason=figure.reason)) for name, figure, write in known]
    table = html.Div(components.facts(pairs), className="metrics")
    return html.Div([table, _foot(rows[0], [figure for _, figure, _ in known])], className="metrics-body")


def caption(answers: Answers, scope: Scope) -> str:
    return one_currency.caption(answers[performance.READ].value, answers[accounts.READ].value, scope.window)


def _foot(row: Performance, figures: Sequence[Figure]) -> Component:
    gaps = f", {row.gaps} of them over gaps" if row.gaps else ""
    convention = (
        f"A = {row.periods_per_year} · rf {text.percent(row.risk_free, 0)} · "
        f"{row.days:,} daily returns on equity, {row.trading_days}{gaps}"
    )
    seen = captions.seen(row.drawdown_step_seconds)
    common = "common: days that both have" if row.benchmark_return.value is not None else ""
    meant = captions.joined(f"drawdown: {seen}" if seen else "", common)
    lacking = list(dict.fromkeys(figure.reason for figure in figures if figure.reason))
    said = [html.Div(f"{text.DASH} {'; '.join(lacking)}", className="metrics-lacking")] if lacking else []
    return html.Div([*said, *([html.Div(meant)] if meant else []), html.Div(convention)], className="metrics-foot")


PANEL = Panel(
    "performance",
    "Metrics",
    page="Performance",
    reads=(performance.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=20,
    skeleton="table",
)
