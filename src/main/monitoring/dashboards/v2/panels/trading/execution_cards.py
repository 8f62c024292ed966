"""Execution at a glance: what it cost to get the orders filled, and how fast and how passively it was done."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.execution_part import FillParts, OrderParts
from main.monitoring.reads import bots, latency, liquidity, rejects, shortfall, slippage
from main.monitoring.reads.latency import Latency, LatencyParams
from main.monitoring.reads.liquidity import Liquidity
from main.monitoring.reads.rejects import Rejects, RejectsParams
from main.monitoring.reads.shortfall import Shortfall, ShortfallParams
from main.monitoring.reads.slippage import Slippage

RESTED = (
    "slippage and shortfall are against the mid when the order was placed: one that rested fills at its own, better "
    "price, which is no profit"
)


def draw(answers: Answers, scope: Scope) -> Component:
    traded = answers[liquidity.READ].value or []
    steps = answers[latency.READ].value or []
    refused = answers[rejects.READ].value or []
    if not traded and not steps and not refused:
        running = f"nothing was ordered in {scope.window}."
        return reasons.nothing(answers, scope, "No orders", running, icon_name="timer", ranged=True)
    slipped = {each.currency: each for each in answers[slippage.READ].value or []}
    fell_short = {each.currency: each for each in answers[shortfall.READ].value or []}
    speed = [_speed(steps), _refused(refused)]
    bands = [
        [_slippage(slipped.get(each.currency)), _shortfall(fell_short.get(each.currency)), _maker(each), _fees(each)]
        for each in traded
    ]
    if len(bands) < 2:
        return components.kpi_band([*(bands[0] if bands else []), *speed])
    named = [components.kpi_band(band, title=each.currency) for band, each in zip(bands, traded, strict=True)]
    return html.Div([*named, components.kpi_band(speed, title="All accounts")])


def caption(answers: Answers, scope: Scope) -> str:
    traded = answers[liquidity.READ].value or []
    rested = any(each.maker_fills for each in traded)
    return captions.joined(traded[0].currency if len(traded) == 1 else "", scope.window, RESTED if rested else "")


def _slippage(row: Slippage | None) -> Component:
    if row is None or row.bps.value is None:
        why = row.bps.reason if row is not None else "nothing was filled"
        return components.kpi("Slippage", components.unknown(why), detail=why)
    unpriced = f" · {row.unpriced:,} unpriced" if row.unpriced else ""
    detail = f"{text.money(row.cost)} on {row.fills:,} fills{unpriced}"
    return components.kpi("Slippage", components.amount(text.bps(row.bps.value, signed=True)), detail=detail)


def _shortfall(row: Shortfall | None) -> Component:
    if row is None or row.bps.value is None:
        why = row.bps.reason if row is not None else "no order has ended"
        return components.kpi("Shortfall", components.unknown(why), detail=why)
    detail = f"{text.money(row.total)} on {row.orders:,} orders"
    return components.kpi("Shortfall", components.amount(text.bps(row.bps.value, signed=True)), detail=detail)


def _maker(row: Liquidity) -> Component:
    if row.maker_share.value is None:
        return components.kpi("Maker share", components.unknown(row.maker_share.reason), detail=row.maker_share.reason)
    detail = f"{row.maker_fills:,} made, {row.taker_fills:,} taken"
    return components.kpi("Maker share", components.amount(text.percent(row.maker_share.value, 1)), detail=detail)


def _fees(row: Liquidity) -> Component:
    if row.fee_bps.value is None:
        return components.kpi("Fees", components.unknown(row.fee_bps.reason), detail=row.fee_bps.reason)
    paid = f"{text.money(row.maker_fees)} made, {text.money(row.taker_fees)} taken"
    return components.kpi("Fees", components.amount(text.bps(row.fee_bps.value)), detail=paid)


def _speed(steps: Sequence[Latency]) -> Component:
    step = next((each for each in steps if each.step == "decision_to_ack"), None)
    if step is None:
        why = "no order was acknowledged"
        return components.kpi("Decision to acknowledgement", components.unknown(why), detail=why)
    detail = f"median · 99% in {text.latency(step.p99)}"
    return components.kpi("Decision to acknowledgement", components.amount(text.latency(step.p50)), detail=detail)


def _refused(rows: Sequence[Rejects]) -> Component:
    if not rows:
        return components.kpi("Rejected", components.amount("0"), detail="no order was refused")
    refused = rows[0]
    share = f"{text.percent(refused.share.value, 1)} of all placed" if refused.share.value is not None else ""
    return components.kpi("Rejected", components.amount(f"{refused.rejected:,}"), detail=share or refused.share.reason)


PANEL = Panel(
    "execution_cards",
    "Execution",
    page="Execution",
    reads=(slippage.READ, shortfall.READ, liquidity.READ, latency.READ, rejects.READ, bots.READ),
    params=lambda _: {
        slippage.READ: FillParts("all"),
        shortfall.READ: ShortfallParams("all"),
        liquidity.READ: OrderParts("all"),
        latency.READ: LatencyParams("all"),
        rejects.READ: RejectsParams("all"),
    },
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
