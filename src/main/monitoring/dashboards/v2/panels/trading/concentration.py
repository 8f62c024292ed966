"""Concentration: how much of all that is held is in one symbol?"""

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, exposed, figures, one_currency
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.reads import accounts, bots, exposure

MOST = 8


def draw(answers: Answers, scope: Scope) -> Drawing:
    row = exposed.shown(answers)
    if row is None or not row.symbols:
        return exposed.nothing(answers, scope, row)
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
    row = exposed.shown(answers)
    cut = f"{MOST} of {len(row.symbols)} symbols" if row is not None and len(row.symbols) > MOST else "share of gross"
    return one_currency.caption(answers[exposure.READ].value, answers[accounts.READ].value, cut)


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
