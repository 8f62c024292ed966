"""Exposure by sector: how much of all that is held is in which part of the market, long or short?"""

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import exposed, figures, one_currency
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel
from main.monitoring.reads import accounts, bots, exposure
from main.monitoring.reads.exposure import SectorExposure

MOST = 11
"""As many as the market has sectors."""


def draw(answers: Answers, scope: Scope) -> Drawing:
    row = exposed.shown(answers)
    if row is None or not row.sectors:
        return exposed.nothing(answers, scope, row)
    return figures.category_bars([_bar(sector, row.currency) for sector in row.sectors[:MOST]])


def caption(answers: Answers, scope: Scope) -> str:
    row = exposed.shown(answers)
    cut = f"{MOST} of {len(row.sectors)}" if row is not None and len(row.sectors) > MOST else ""
    owners = answers[accounts.READ].value
    return one_currency.caption(answers[exposure.READ].value, owners, "share of gross, and net", cut)


def _bar(sector: SectorExposure, currency: str) -> figures.CategoryBar:
    name = sector.sector or "not known"
    written = f"{text.percent(sector.share, 1)} · {text.signed_money(sector.net, 0)}"
    amounts = f"gross {text.money(sector.gross)}, net {text.money(sector.net)} {currency}"
    hover = f"{name}: {text.percent(sector.share, 1)}, {amounts}"
    return figures.CategoryBar(name, sector.share, written, hover=hover)


PANEL = Panel(
    "sector_exposure",
    "Exposure by sector",
    page="Risk",
    reads=(exposure.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=90,
    height=300,
    kind="figure",
)
