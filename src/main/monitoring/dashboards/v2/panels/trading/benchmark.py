"""Return against benchmark: did the accounts do better than what they are compared with?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import axes, components, figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.reads import accounts, benchmark, bots, equity, performance
from main.monitoring.reads.benchmark import Comparison
from main.monitoring.reads.performance import Performance

_TOO_SHORT = "a curve needs closes of two trading days: choose a longer range."


def draw(answers: Answers, scope: Scope) -> Drawing:
    owners = answers[accounts.READ].value
    compared = next(iter(one_currency.shown(answers[benchmark.READ].value, owners)), None)
    if compared is not None and compared.points:
        points = compared.points
        return Picture(
            _heading(compared, _of_currency(answers, compared.currency)),
            figures.growth_against(
                [point.at for point in points],
                [point.growth - 1 for point in points],
                [point.benchmark - 1 for point in points],
                [point.excess for point in points],
                name="accounts",
                benchmark_name=compared.benchmark or "benchmark",
            ),
        )
    return _alone(answers, scope, compared)


def caption(answers: Answers, scope: Scope) -> str:
    rows, owners = answers[benchmark.READ].value, answers[accounts.READ].value
    return one_currency.caption(rows, owners, "at common closes, net of fees", scope.window)


def _heading(compared: Comparison, known: Performance | None) -> Component:
    words = [
        f"{compared.benchmark} {text.percent(compared.benchmark_return.value, signed=True)}",
        f"excess {text.percentage_points(compared.excess_return.value)}",
        f"alpha {text.percent(known.alpha.value if known else None, signed=True)} a year",
        f"beta {text.ratio(known.beta.value if known else None)}",
    ]
    missing = known.alpha.reason or known.beta.reason if known else ""
    detail = " · ".join([*words, *([missing] if missing else [])])
    return components.reading(text.percent(compared.period_return.value, signed=True), detail=detail)


def _alone(answers: Answers, scope: Scope, compared: Comparison | None) -> Drawing:
    """Return the accounts' own growth with the reason why nothing stands beside it."""
    points = one_currency.shown(answers[equity.READ].value, answers[accounts.READ].value)
    known = [point for point in points if point.growth is not None]
    if len(known) < 2:
        return reasons.nothing(
            answers, scope, "No return in this range", _TOO_SHORT, icon_name="trending-up", ranged=True
        )
    changes = [None if point.growth is None else point.growth - 1 for point in points]
    why = compared.reason if compared is not None else ""
    figure = figures.area(
        [point.at for point in points],
        changes,
        name="Return",
        write=lambda value: text.percent(value, signed=True),
        ticks=axes.percent_ticks,
        write_tag=lambda value: text.percent(value, 1, signed=True),
    )
    last = next(change for change in reversed(changes) if change is not None)
    detail = f"no benchmark beside it: {why}" if why else ""
    return Picture(components.reading(text.percent(last, signed=True), detail=detail), figure)


def _of_currency(answers: Answers, currency: str) -> Performance | None:
    return next((row for row in answers[performance.READ].value or [] if row.currency == currency), None)


PANEL = Panel(
    "benchmark",
    "Return against benchmark",
    page="Performance",
    reads=(benchmark.READ, performance.READ, equity.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=8,
    order=10,
    height=400,
    kind="figure",
    legend=(("Accounts", "accent"), ("Benchmark", "benchmark")),
)
