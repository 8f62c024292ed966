"""Account cards: the headline figures of the selected accounts, one band a currency."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import account_totals, bots
from main.monitoring.reads.account_totals import CurrencyTotal

WARN_AT = 0.6  # the tick on the daily loss bar, where the bot's own warning stands


def draw(answers: Answers, scope: Scope) -> Component:
    totals = answers[account_totals.READ].value
    if not totals:
        return reasons.nothing(answers, scope, "No account", "its account is not recorded yet.", icon_name="wallet")
    if len(totals) == 1:
        return components.kpi_band(_cards(totals[0], scope))
    return html.Div([components.kpi_band(_cards(total, scope), title=_named(total)) for total in totals])


def caption(answers: Answers, scope: Scope) -> str:
    totals = answers[account_totals.READ].value or []
    if not totals:
        return ""
    # Today's P&L has the fees of what is still open, the bot's own loss has not.
    which = _named(totals[0]) if len(totals) == 1 else "one band a currency, never added"
    return captions.joined(which, "daily loss: fees count when a trade closes")


def _named(total: CurrencyTotal) -> str:
    return f"{total.currency} · {total.accounts} account{'s' if total.accounts > 1 else ''}"


def _cards(total: CurrencyTotal, scope: Scope) -> list[Component]:
    return [_equity(total), _today(total), _unrealized(total), _realized(total), _drawdown(total, scope), _loss(total)]


def _equity(total: CurrencyTotal) -> Component:
    figure = components.amount(_large(total.equity), reason="no equity was recorded")
    missing = f" · {total.unobserved} without equity" if total.unobserved else ""
    detail = f"Cash {text.money(total.cash, 0)} · free {text.money(total.available_margin, 0)}{missing}"
    return components.kpi("Equity", figure, unit=total.currency, detail=detail, lead=True, beneath=_beneath(total))


def _beneath(total: CurrencyTotal) -> components.Child:
    if total.today_pnl is None:
        return "not observed today"
    return [components.signed_money(total.today_pnl), " ", components.signed_percent(total.today_return), " today"]


def _today(total: CurrencyTotal) -> Component:
    if total.today_pnl is None:
        figure = components.unknown("no equity was observed since the trading day began")
        return components.kpi("Today's P&L", figure, detail="not observed today", phone=False)
    share = components.signed_percent(total.today_return)
    return components.kpi(
        "Today's P&L",
        components.signed_money(total.today_pnl),
        detail=[share, f" after fees {text.money(total.fees_today)}"],
        phone=False,
    )


def _unrealized(total: CurrencyTotal) -> Component:
    count = f"{total.positions} position{'' if total.positions == 1 else 's'}"
    if total.unrealized_pnl is None:
        why = f"{total.unpriced_positions} of {count} without a price" if total.unpriced_positions else "not recorded"
        return components.kpi("Unrealised", components.unknown(why), detail=why)
    figure = components.signed_money(total.unrealized_pnl)
    if not total.positions:
        return components.kpi("Unrealised", figure, detail="no open positions")
    share = components.signed_percent(total.unrealized_share)
    return components.kpi("Unrealised", figure, detail=[share, f" on {count}"])


def _realized(total: CurrencyTotal) -> Component:
    trades = f"{total.closed_today:,} closed trade{'' if total.closed_today == 1 else 's'}"
    detail = f"{trades} · {total.won_today:,} won" if total.closed_today else "nothing closed today"
    return components.kpi("Realised today", components.signed_money(total.realized_today), detail=detail)


def _drawdown(total: CurrencyTotal, scope: Scope) -> Component:
    if total.drawdown is None:
        why = f"too few observations in {scope.window}"
        return components.kpi("Drawdown", components.unknown(why), detail=why)
    detail = f"Max {text.percent(total.max_drawdown)} in {scope.window}"
    figure = components.amount(text.percent(total.drawdown))
    return components.kpi("Drawdown", figure, unit=captions.seen(total.drawdown_step_seconds), detail=detail)


def _loss(total: CurrencyTotal) -> Component:
    blocked: list[Component | str] = []
    if total.trading_blocked:
        blocked = [components.chip("Trading blocked", "critical", icon_name="x"), " "]
    if total.loss_share is None:
        known = components.unknown("not known today")
        return components.kpi("Daily loss used", known, detail=[*blocked, "not known today"])
    written = f"{text.money(total.loss_used)} of {text.money(total.loss_limit, 0)}"
    bar: Component | str = "" if blocked else components.limit_bar(total.loss_share, written, warn_at=WARN_AT)
    figure = components.amount(text.percent(total.loss_share, 1))
    unit = total.loss_label or "" if total.accounts > 1 else ""
    return components.kpi("Daily loss used", figure, unit=unit, detail=[*blocked, bar])


def _large(value: text.Number | None) -> str:
    return text.money(value, 0 if value is not None and abs(float(value)) >= 100_000 else 2)


PANEL = Panel(
    "account_cards",
    "Account",
    page="Overview",
    reads=(account_totals.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
