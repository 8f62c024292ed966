"""Risk at a glance: how much is at stake, how concentrated it is, and what a bad day costs."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.risk_marks import LEVERAGE_TONES
from main.monitoring.reads import bots, drawdowns, exposure, performance
from main.monitoring.reads.drawdowns import Drawdowns
from main.monitoring.reads.exposure import LEVERAGE_BANDS, Exposure
from main.monitoring.reads.performance import Performance


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[exposure.READ].value
    if not rows:
        return reasons.nothing(answers, scope, "No account", "its account is not recorded yet.", icon_name="wallet")
    earned = {row.currency: row for row in answers[performance.READ].value or []}
    fell = {row.currency: row for row in answers[drawdowns.READ].value or []}
    bands = [(row, _cards(row, earned.get(row.currency), fell.get(row.currency), scope)) for row in rows]
    if len(bands) == 1:
        return components.kpi_band(bands[0][1])
    return html.Div([components.kpi_band(cards, title=row.currency) for row, cards in bands])


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[exposure.READ].value or []
    if len(rows) == 1:
        return f"{rows[0].currency} · tails and drawdown over {scope.window}"
    return f"one band a currency, never added · tails and drawdown over {scope.window}" if rows else ""


def _cards(row: Exposure, earned: Performance | None, fell: Drawdowns | None, scope: Scope) -> list[Component]:
    return [_leverage(row), *_exposures(row), *_concentration(row), *_tails(earned), _drawdown(fell, scope)]


def _leverage(row: Exposure) -> Component:
    limits = " / ".join(text.ratio(limit, 1) for limit in LEVERAGE_BANDS)
    limits = f"{row.leverage_band or 'unknown'} · limits {limits}"
    if row.leverage.value is None:
        return components.kpi(
            "Leverage", components.unknown(row.leverage.reason), detail=row.leverage.reason, lead=True
        )
    tone = LEVERAGE_TONES.get(row.leverage_band or "", "flat")
    figure = html.Span(text.leverage(row.leverage.value), className=f"number risk-{tone}")
    return components.kpi("Leverage", figure, detail=limits, lead=True, beneath=limits)


def _exposures(row: Exposure) -> list[Component]:
    gross, net = row.gross_exposure, row.net_exposure
    return [
        components.kpi(
            "Gross exposure",
            components.amount(text.leverage(gross.value), reason=gross.reason),
            detail=gross.reason or f"{text.money(row.gross, 0)} in {row.positions:,} positions",
        ),
        components.kpi(
            "Net exposure",
            components.amount(text.leverage(net.value), reason=net.reason),
            detail=net.reason or f"{text.money(row.net, 0)} {row.currency}",
        ),
    ]


def _concentration(row: Exposure) -> list[Component]:
    weight, squares = row.max_weight, row.concentration
    name = row.symbols[0].symbol if row.symbols else ""
    return [
        components.kpi(
            "Largest weight",
            components.amount(text.percent(weight.value, 1), reason=weight.reason),
            detail=weight.reason or f"{name} · HHI {text.ratio(squares.value)}",
        )
    ]


def _tails(earned: Performance | None) -> list[Component]:
    why = "no equity was recorded"
    if earned is None:
        return [
            components.kpi(name, components.unknown(why), detail=why) for name in ("VaR 95, 1 day", "CVaR 95, 1 day")
        ]
    days = f"of {earned.days:,} days"
    named = (("VaR 95, 1 day", earned.value_at_risk), ("CVaR 95, 1 day", earned.conditional_value_at_risk))
    return [
        components.kpi(
            name,
            components.amount(text.percent(figure.value), reason=figure.reason),
            detail=figure.reason or f"loss, {days}",
        )
        for name, figure in named
    ]


def _drawdown(fell: Drawdowns | None, scope: Scope) -> Component:
    if fell is None or fell.current.value is None:
        why = fell.current.reason if fell is not None else f"too few observations in {scope.window}"
        return components.kpi("Drawdown", components.unknown(why), detail=why)
    detail = f"Max {text.percent(fell.deepest.value)} in {scope.window}"
    figure = components.amount(text.percent(fell.current.value))
    return components.kpi("Drawdown", figure, unit=captions.seen(fell.step_seconds), detail=detail)


PANEL = Panel(
    "risk_cards",
    "Risk",
    page="Risk",
    reads=(exposure.READ, performance.READ, drawdowns.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
