"""Momentum: which symbols have risen most over half a year of trading days."""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, momentum_ranking
from main.monitoring.reads.momentum_ranking import MomentumRank

MOST = 100
_COLUMNS = (
    Column("Symbol", phone="name"),
    Column("Rank", "right", phone="figure"),
    Column("Sector", muted=True),
    Column("Momentum, %", "right", phone="corner"),
    Column("Last close", "right", phone="figure", muted=True),
)


def draw(answers: Answers, scope: Scope) -> Component:
    ranks = answers[momentum_ranking.READ].value or []
    if not ranks:
        running = "its feed's source describes no instrument."
        return reasons.nothing(answers, scope, "No instruments", running, icon_name="trending-up")
    return table(_COLUMNS, [_row(rank) for rank in ranks[:MOST]], label="Momentum ranking")


def caption(answers: Answers, scope: Scope) -> str:
    ranks = answers[momentum_ranking.READ].value or []
    return captions.joined(
        "126 trading days", captions.cut(len(ranks[:MOST]), ranks[0].symbols if ranks else 0, "the first")
    )


def _row(rank: MomentumRank) -> Row:
    cells: list[Cell] = [
        rank.symbol,
        "—" if rank.rank is None else f"{rank.rank}",
        rank.sector or "",
        _momentum(rank),
        components.moment(rank.until),
    ]
    return Row(f"{rank.source}-{rank.symbol}", cells)


def _momentum(rank: MomentumRank) -> Cell:
    if rank.momentum.value is None:
        return components.unknown(rank.momentum.reason)
    return text.percent(rank.momentum.value, signed=True).removesuffix("%")


PANEL = Panel(
    "momentum",
    "Momentum ranking",
    page="Models",
    reads=(momentum_ranking.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=5,
    order=21,
    height=300,
    kind="flush",
    skeleton="table",
)
