"""Positions: what is held, at what price, with what profit, and how much of the account is in it?"""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import reasons
from main.monitoring.dashboards.v2.long_table import (
    LongCell,
    LongColumn,
    LongRow,
    figure,
    gain,
    long_table,
    share,
    side,
    word,
)
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import account_totals, bots, exposure, positions
from main.monitoring.reads.account_totals import CurrencyTotal
from main.monitoring.reads.exposure import Exposure
from main.monitoring.reads.positions import OpenPosition

_NO_PRICE = "no price is known"


def draw(answers: Answers, scope: Scope) -> Component:
    held = answers[positions.READ].value
    if not held:
        return reasons.nothing(
            answers, scope, "No open positions", "it holds nothing at the moment.", icon_name="layers"
        )
    one = held[0].currency if len({position.currency for position in held}) == 1 else ""
    several = len({position.account for position in held}) > 1
    return long_table(
        _columns(several, one),
        [_row(position, several, one) for position in held],
        name="open_positions",
        label="Open positions",
        totals=_totals(answers, scope, several, one),
        opens="price.symbol",
    )


def caption(answers: Answers, scope: Scope) -> str:
    held = answers[positions.READ].value or []
    if not held:
        return ""
    gross = [
        f"gross {text.money(each.gross, 0)} {each.currency}" for each in _exposures(answers) if each.gross is not None
    ]
    unpriced = sum(position.value is None for position in held)
    missing = [f"{unpriced} without a price"] if unpriced else []
    return " · ".join([f"{len(held)} open", *gross, *missing])


def _columns(several: bool, currency: str) -> list[LongColumn]:
    in_currency = f", {currency}" if currency else ""
    return [
        LongColumn("Symbol", phone="name", width=160),
        *([LongColumn("Account", width=120)] if several else []),
        LongColumn("Side", phone="corner", width=80),
        LongColumn("Quantity", "right", phone="figure"),
        LongColumn("Average", "right"),
        LongColumn("Current", "right"),
        LongColumn(f"P&L{in_currency}", "right", phone="figure", width=120),
        LongColumn("P&L, %", "right"),
        LongColumn(f"Value{in_currency}", "right", phone="figure", width=120),
        *([] if currency else [LongColumn("Currency", width=86)]),
        LongColumn("Weight, %", "right"),
        LongColumn("Leverage", "right"),
    ]


def _row(position: OpenPosition, several: bool, currency: str) -> LongRow:
    cells = [
        word(position.symbol),
        *([word(position.label)] if several else []),
        side(position.side),
        figure(text.quantity(position.quantity, position.quantity_step), position.quantity),
        figure(text.price(position.entry_price, position.tick), position.entry_price),
        figure(text.price(position.current_price, position.tick), position.current_price, _NO_PRICE),
        gain(position.unrealized_pnl, _NO_PRICE),
        share(position.pnl_share, _NO_PRICE),
        figure(text.money(position.value), position.value, _NO_PRICE),
        *([] if currency else [word(position.currency)]),
        _percent(position.weight, _NO_PRICE),
        figure(text.ratio(position.leverage), position.leverage, _leverage_reason(position)),
    ]
    key = f"{position.account}-{position.symbol}-{position.side}-{position.entry_time.isoformat()}"
    return LongRow(key, cells, opens=position.symbol)


def _leverage_reason(position: OpenPosition) -> str:
    return _NO_PRICE if position.value is None else "the account's equity is not known or not above 0"


def _percent(fraction: float | None, reason: str) -> LongCell:
    return figure(text.percent(fraction, 1).removesuffix("%"), fraction, reason)


def _totals(answers: Answers, scope: Scope, several: bool, currency: str) -> list[LongRow]:
    """One line a currency; profit is known of whole accounts only, so a chosen strategy has none in its total."""
    sums = {total.currency: total for total in answers[account_totals.READ].value or [] if not scope.strategy}
    return [_total(each, sums.get(each.currency), several, currency) for each in _exposures(answers)]


def _exposures(answers: Answers) -> Sequence[Exposure]:
    return [each for each in answers[exposure.READ].value or [] if each.positions]


def _total(held: Exposure, total: CurrencyTotal | None, several: bool, currency: str) -> LongRow:
    blank = word("")
    count = f"{held.positions:,} position{'' if held.positions == 1 else 's'}"
    pnl, fraction = (total.unrealized_pnl, total.unrealized_share) if total else (None, None)
    unknown = "a position has no price" if held.unpriced else "not summed for one strategy"
    cells = [
        word(f"Total {count}"),
        *([blank] if several else []),
        blank,
        blank,
        blank,
        blank,
        gain(pnl, unknown),
        share(fraction, unknown),
        figure(text.money(held.net), held.net, "a position has no price"),
        *([] if currency else [word(held.currency)]),
        blank,
        figure(text.ratio(held.leverage.value), held.leverage.value, held.leverage.reason or ""),
    ]
    return LongRow(f"total-{held.currency}", cells)


PANEL = Panel(
    "open_positions",
    "Positions",
    page="Trading",
    reads=(positions.READ, exposure.READ, account_totals.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    kind="flush",
    skeleton="table",
)
