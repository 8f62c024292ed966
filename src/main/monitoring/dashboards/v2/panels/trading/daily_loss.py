"""Daily loss: how much of each account's limit for the day is used, and what is blocked or protected?"""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.risk_marks import LOSS_WARN_AT
from main.monitoring.reads import bots, daily_loss
from main.monitoring.reads.daily_loss import DailyLoss

MOST = 20


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[daily_loss.READ].value
    if not rows:
        return reasons.nothing(answers, scope, "No account", "its account is not recorded yet.", icon_name="wallet")
    return html.Ul([_gauge(row) for row in _worst(rows)], className="gauges")


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[daily_loss.READ].value or []
    return (
        captions.cut(MOST, len(rows), "the worst", "accounts")
        or "trading stops at 100% · fees count when a trade closes"
    )


def _worst(rows: Sequence[DailyLoss]) -> list[DailyLoss]:
    return sorted(rows, key=lambda row: (row.loss_share.value is None, -(row.loss_share.value or 0.0)))[:MOST]


def _gauge(row: DailyLoss) -> Component:
    share = row.loss_share.value
    figure = components.amount(text.percent(share, 1), reason=row.loss_share.reason)
    head = html.Div([html.Span(row.label, className="gauge-name"), figure], className="gauge-head")
    written = f"{text.money(row.loss_used)} of {text.money(row.loss_limit, 0)} {row.currency}"
    bar = components.limit_bar(share, row.loss_share.reason or written, warn_at=LOSS_WARN_AT)
    return html.Li([head, bar, html.Div(_said(row), className="gauge-said")], className="gauge")


def _said(row: DailyLoss) -> list[Component | str]:
    said: list[Component | str] = []
    if row.trading_blocked:
        said += [components.chip("Trading blocked", "critical", icon_name="x"), " "]
    if row.result is not None:
        said += ["today ", components.signed_money(row.result, arrow=False), " after all fees"]
    if row.trailing_active and row.trailing_level is not None:
        protected = f"{text.money(row.protected_profit)} protected" if row.protected_profit is not None else "protected"
        said.append(f" · {protected}, closes at {text.signed_money(row.trailing_level)}")
    if row.origin == "computed":
        said.append(" · computed from equity, the bot says nothing")
    return said


PANEL = Panel(
    "daily_loss",
    "Daily loss",
    page="Risk",
    reads=(daily_loss.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=4,
    order=30,
    skeleton="feed",
)
