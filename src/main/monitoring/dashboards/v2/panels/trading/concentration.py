"""Concentration: how much of all that is held is in one symbol?"""

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.reads import accounts, bots, exposure
from main.monitoring.reads.exposure import Exposure

MOST = 8


def draw(answers: Answers, scope: Scope) -> Drawing:
    row = shown(answers)
    if row is None or not row.symbols:
        return nothing(answers, scope, row)
    bars = [
        figures.CategoryBar(
            each.symbol,
            each.weight,
            text.percent(each.weight, 1),
            hover=f"{each.symbol}: gross {text.money(each.gross)}, net {text.money(each.net)} {row.currency}",
        )
        for each in row.symbols[:MOST]
    ]
    figure = components.amount(text.percent(row.max_weight.value, 1), reason=row.max_weight.reason)
    detail = f"HHI {text.ratio(row.concentration.value)} · 1.00 is a single symbol"
    return Picture(components.reading(figure, unit="largest weight", detail=detail), figures.category_bars(bars))


def caption(answers: Answers, scope: Scope) -> str:
    row = shown(answers)
    cut = f"{MOST} of {len(row.symbols)} symbols" if row is not None and len(row.symbols) > MOST else "share of gross"
    return one_currency.caption(answers[exposure.READ].value, answers[accounts.READ].value, cut)


def shown(answers: Answers) -> Exposure | None:
    """Return what is held in the currency shown."""
    rows = answers[exposure.READ].value or []
    held = [row for row in rows if row.positions]
    return next(iter(one_currency.shown(held, answers[accounts.READ].value)), None)


def nothing(answers: Answers, scope: Scope, row: Exposure | None) -> Drawing:
    """Return why there is nothing to part: nothing is held, or a price is missing."""
    if row is not None and row.unpriced:
        reason = (
            f"No price of {row.unpriced:,} of {row.positions:,} positions is known; shares of a part would mislead."
        )
        return components.empty("Not known", reason, icon_name="layers")
    reason = reasons.nothing_because(answers[bots.READ].value, scope, running="it holds nothing at the moment.")
    return components.empty("No open positions", reason, icon_name="layers")


PANEL = Panel(
    "concentration",
    "Concentration",
    page="Risk",
    reads=(exposure.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=80,
    height=300,
    kind="figure",
)
