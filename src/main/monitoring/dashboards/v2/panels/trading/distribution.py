"""Distribution: how are the returns of days, or the results of trades, spread?"""

from collections.abc import Sequence

from main import text
from main.analytics.distribution import Bin
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel
from main.monitoring.reads import accounts, bots, return_distribution, trade_distribution

OF = (("days", "Days"), ("trades", "Trades"), ("r", "R"))


def draw(answers: Answers, scope: Scope) -> Drawing:
    of = answers.chosen["of"]
    if of == "days":
        days = one_currency.shown(answers[return_distribution.READ].value, answers[accounts.READ].value)
        if days and days[0].bins:
            return _histogram(days[0].bins, of, days[0].median.value)
        running = f"{scope.window} has no whole trading day with a return: choose a longer range."
    else:
        trades = one_currency.shown(answers[trade_distribution.READ].value, answers[accounts.READ].value)
        bins = (trades[0].pnl if of == "trades" else trades[0].r) if trades else []
        if bins:
            return _histogram(bins, of, None)
        lacking = trades[0].r_reason if trades else ""
        running = f"{lacking}." if lacking else f"no trade was closed in {scope.window}: choose a longer range."
    return reasons.nothing(answers, scope, "Nothing to count", running, icon_name="chart-column", ranged=True)


def caption(answers: Answers, scope: Scope) -> str:
    owners = answers[accounts.READ].value
    if answers.chosen["of"] == "days":
        rows = answers[return_distribution.READ].value
        shown = one_currency.shown(rows, owners)
        return one_currency.caption(rows, owners, f"{shown[0].days:,} days" if shown else "")
    trades = answers[trade_distribution.READ].value
    own = one_currency.shown(trades, owners)
    unit = "" if answers.chosen["of"] == "trades" else "P&L over risk"
    return one_currency.caption(trades, owners, f"{own[0].trades:,} trades" if own else "", unit)


def _histogram(bins: Sequence[Bin], of: str, median: float | None) -> Drawing:
    edges = [each.low for each in bins] + [bins[-1].high]
    width = edges[1] - edges[0]

    def written(value: float) -> str:
        if of == "days":
            return text.percent(value, 1 if width >= 0.001 else 2, signed=True)
        if of == "trades":
            return text.signed_money(value, 0 if width >= 1 else 2)
        return text.ratio(value, 1, signed=True)

    noun = "days" if of == "days" else "trades"
    return figures.histogram(edges, [each.count for each in bins], write=written, noun=noun, median=median)


PANEL = Panel(
    "distribution",
    "Distribution",
    page="Performance",
    reads=(return_distribution.READ, trade_distribution.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=70,
    height=300,
    kind="figure",
    options=(Option("of", "Of", OF),),
)
