"""Accounts: one row each, and a total row a currency."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import account_summary, account_totals, bots
from main.monitoring.reads.account_summary import AccountFigures
from main.monitoring.reads.account_totals import CurrencyTotal

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down", "unknown": "unknown"}
_UNSEEN = "no equity was observed since the trading day began"
WARN_AT = 0.6


def draw(answers: Answers, scope: Scope) -> Component:
    accounts = answers[account_summary.READ].value
    signs = answers[bots.READ].value or []
    if not accounts:
        return reasons.nothing(answers, scope, "No account", "its account is not recorded yet.", icon_name="wallet")
    totals = {total.currency: total for total in answers[account_totals.READ].value or []}
    conditions = {bot.account: bot.condition for bot in signs}
    rows = [row for currency in _currencies(accounts) for row in _of_currency(currency, accounts, totals, conditions)]
    return table(_columns(_currencies(accounts)), rows, label="Accounts")


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[account_summary.READ].value or []
    currencies = _currencies(rows)
    # Accounts that began within the range are seen more often than the others.
    steps = sorted({row.drawdown_step_seconds for row in rows if row.drawdown_step_seconds is not None})
    drawdown = " or ".join(dict.fromkeys(captions.seen(step) for step in steps))
    return captions.joined(
        ", ".join(currencies),
        "totals per currency, never across" if len(currencies) > 1 else "",
        f"drawdown: {drawdown}" if drawdown else "",
    )


def _currencies(accounts: Sequence[AccountFigures]) -> list[str]:
    return list(dict.fromkeys(account.currency for account in accounts))


def _of_currency(
    currency: str,
    accounts: Sequence[AccountFigures],
    totals: dict[str, CurrencyTotal],
    conditions: dict[str, str],
) -> list[Row]:
    own = [account for account in accounts if account.currency == currency]
    mixed = len({account.mode for account in accounts}) > 1
    rows = [_row(account, conditions.get(account.account, "unknown"), mixed=mixed) for account in own]
    return [*rows, _total(totals[currency])] if len(own) > 1 and currency in totals else rows


def _columns(currencies: Sequence[str]) -> list[Column]:
    unit = f", {currencies[0]}" if len(currencies) == 1 else ""
    return [
        Column("Account", phone="name"),
        Column("Bot", phone="corner"),
        Column("Regime"),
        Column(f"Equity{unit}", "right", phone="figure"),
        Column("Cash", "right"),
        Column("Today", "right", phone="figure"),
        Column("Unrealised", "right", phone="figure"),
        Column("Realised", "right"),
        Column("Pos.", "right"),
        Column("Margin free", "right"),
        Column("Daily loss"),
        Column("Drawdown", "right"),
        Column("Max", "right"),
    ]


def _row(account: AccountFigures, condition: str, *, mixed: bool) -> Row:
    word = "Silent" if account.silent else (account.status or "never heard").capitalize()
    used = text.percent(account.loss_share, 1)
    loss: Component = (
        components.unknown("not known today")
        if account.loss_share is None
        else components.chip("Trading blocked", "critical", icon_name="x")
        if account.trading_blocked
        else components.limit_bar(account.loss_share, used, warn_at=WARN_AT)
    )
    currency = html.Span(f" {account.currency}", className="muted")
    # The head of the page says the mode that all have in common.
    name = html.Span([account.label, currency, " ", components.mode_chip(account.mode) if mixed else None])
    return Row(
        account.account,
        [
            name,
            components.light(_LIGHTS.get(condition, "unknown"), word),
            (account.regime or text.DASH).capitalize(),
            *_figures(account),
            components.amount(text.money(account.available_margin), reason="not recorded"),
            loss,
            *_drawdowns(account),
        ],
    )


def _total(total: CurrencyTotal) -> Row:
    name = html.Span([f"{total.currency} total ", html.Span(f"{total.accounts} accounts", className="muted")])
    free = components.amount(text.money(total.available_margin), reason="not recorded")
    return Row(f"total-{total.currency}", [name, "", "", *_figures(total), free, "", *_drawdowns(total)], total=True)


def _figures(row: AccountFigures | CurrencyTotal) -> list[Cell]:
    unpriced = "a position has no price" if row.unpriced_positions else "not recorded"
    today = components.unknown(_UNSEEN) if row.today_pnl is None else components.signed_money(row.today_pnl)
    unrealized = (
        components.unknown(unpriced) if row.unrealized_pnl is None else components.signed_money(row.unrealized_pnl)
    )
    return [
        components.amount(text.money(row.equity), reason="no equity was recorded"),
        components.amount(text.money(row.cash), reason="not recorded"),
        today,
        unrealized,
        components.signed_money(row.realized_today),
        str(row.positions),
    ]


def _drawdowns(row: AccountFigures | CurrencyTotal) -> list[Cell]:
    why = "too few observations in this range"
    return [
        components.amount(text.percent(row.drawdown), reason=why),
        components.amount(text.percent(row.max_drawdown), reason=why),
    ]


PANEL = Panel(
    "accounts",
    "Accounts",
    page="Overview",
    reads=(account_summary.READ, account_totals.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=80,
    kind="flush",
    skeleton="table",
)
