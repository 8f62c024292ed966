"""Risk per trade: what does every open position lose if it is stopped, and how much of equity is that?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, trade_risk
from main.monitoring.reads.trade_risk import TradeRisk

MOST = 12


def draw(answers: Answers, scope: Scope) -> Component:
    held = answers[trade_risk.READ].value
    if not held:
        return reasons.nothing(
            answers, scope, "No open positions", "it holds nothing at the moment.", icon_name="layers"
        )
    shown = _riskiest(held)
    several = len({each.account for each in held}) > 1
    keys = [f"{each.account}-{each.symbol}-{each.side}-{each.entry_time.isoformat()}" for each in shown]
    rows = [Row(key, _cells(each, several)) for key, each in zip(keys, shown, strict=True)]
    return table(_columns(several), rows, label="Risk of open positions, the largest first")


def caption(answers: Answers, scope: Scope) -> str:
    held = answers[trade_risk.READ].value or []
    unstopped = sum(each.initial_stop is None for each in held)
    said = f"{unstopped:,} without a stop" if unstopped else ""
    return captions.joined("to the initial stop", said, captions.cut(MOST, len(held), "the largest")) if held else ""


def _riskiest(held: Sequence[TradeRisk]) -> list[TradeRisk]:
    return sorted(held, key=lambda each: (each.risk.value is None, -(each.risk.value or 0.0)))[:MOST]


def _columns(accounts: bool) -> list[Column]:
    return [
        Column("Symbol", phone="name"),
        *([Column("Account", muted=True)] if accounts else []),
        Column("Side"),
        Column("Entry", "right", phone="figure"),
        Column("Stop", "right", phone="figure"),
        Column("At risk", "right", phone="figure"),
        Column("Of equity", "right", phone="corner"),
    ]


def _cells(each: TradeRisk, accounts: bool) -> list[Cell]:
    unstopped = "no stop was set"
    amount = text.money(each.amount)
    return [
        each.symbol,
        *([each.label] if accounts else []),
        components.side_chip(each.side),
        text.price(each.entry_price, each.tick),
        components.amount(text.price(each.initial_stop, each.tick), reason=unstopped),
        components.unknown(each.risk.reason or unstopped) if each.amount is None else f"{amount} {each.currency}",
        components.amount(text.percent(each.risk.value), reason=each.risk.reason),
    ]


PANEL = Panel(
    "trade_risk",
    "Risk per trade",
    page="Risk",
    reads=(trade_risk.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=110,
    kind="flush",
    skeleton="table",
)
