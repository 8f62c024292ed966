"""Trades: every round trip that matches, and what all of them together came to."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.closed_trade import ClosedTrade
from main.monitoring.dashboards.v2 import breakdown, components, reasons
from main.monitoring.dashboards.v2.export_links import export_links
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option, Panel
from main.monitoring.dashboards.v2.table import Cell, Choosing, Column, Row, pager, table
from main.monitoring.read import Read
from main.monitoring.reads import bots, pnl_by, trades
from main.monitoring.reads.pnl_by import PnlByParams
from main.monitoring.reads.trades import TradesPage, TradesSummary

TAGS = 2  # of a row; more are counted
_FILTERS = ("symbol", "side", "exit_type", "segment", "tag")


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    """Return what the viewer's choices ask of the reads. Raise ValueError for what they do not take."""
    size = int(chosen["size"])
    page = chosen["page"] or "0"
    if not page.isdecimal():
        raise ValueError(f'page: got "{page[:20]}", expected a number from 0 on')
    wanted: dict[str, Any] = {name: chosen[name] or None for name in _FILTERS}
    sort: Any = chosen["sort"] or "-exit_time"  # the page checks it
    asked = TradesPage(**wanted, limit=size, offset=int(page) * size, sort=sort)
    return {trades.READ: asked, pnl_by.READ: PnlByParams(by="exit_type")}


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[trades.READ].value
    chosen = answers.chosen
    if not found or not found.total:
        if any(chosen.get(name) for name in _FILTERS):
            return components.empty("No trade matches", "Widen the filters above or the range.", icon_name="search")
        running = f"no trade has closed in {scope.window}."
        reason = reasons.nothing_because(answers[bots.READ].value, scope, running=running)
        return components.empty("No closed trades", reason, icon_name="table-2")
    several = len(found.summary or []) > 1
    bands = [_band(row, several) for row in found.summary or [] if row.total_trades or not several]
    accounts = len({each.account for each in found.items}) > 1
    choosing = Choosing(chosen["sort"] or "-exit_time", "trades.sort", "trade.id")
    rows = [_row(each, accounts, several) for each in found.items]
    pages = pager("trades.page", first=found.offset, count=len(rows), total=found.total, size=found.limit)
    wanted = {name: chosen[name] for name in (*_FILTERS, "sort")}
    foot = html.Div([pages, export_links(trades.READ, scope, wanted, found.total)], className="table-foot")
    return html.Div([*bands, table(_columns(accounts, several), rows, label="Closed trades", choosing=choosing), foot])


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[trades.READ].value
    currencies = [row.currency for row in (found.summary or [])] if found else []
    return f"{currencies[0]} · {scope.window}, net of fees" if len(currencies) == 1 else f"{scope.window}, net of fees"


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    parts = answers[pnl_by.READ].value or []
    return {"exit_type": ["", *sorted({part.name for part in parts if part.name})]}


def _band(row: TradesSummary, several: bool) -> Component:
    said = f"{row.wins:,} won, {row.losses:,} lost" + (f", {row.break_evens:,} even" if row.break_evens else "")
    signed, money = components.signed_money, text.signed_money
    between = f"{money(row.total_profit)} against {money(row.total_loss)}"
    rate = _figure(row.win_rate, lambda share: text.percent(share, 1))
    cards = [
        components.kpi("Trades", components.amount(f"{row.total_trades:,}"), detail=said),
        components.kpi("Net P&L", signed(row.net_pnl), detail=f"gross {money(row.gross_pnl)}"),
        components.kpi("Win rate", rate, detail="of wins and losses"),
        components.kpi("Profit factor", _figure(row.profit_factor, text.ratio), detail=between, phone=False),
        components.kpi("Expectancy", _figure(row.expectancy, money), detail="a trade"),
        components.kpi("Fees", components.amount(text.money(row.fees)), detail="of both legs", phone=False),
    ]
    return components.kpi_band(cards, title=row.currency if several else "")


_figure = breakdown.figure


def _columns(accounts: bool, currencies: bool) -> list[Column]:
    return [
        Column("Symbol", phone="name", sort="symbol"),
        *([Column("Account", muted=True)] if accounts else []),
        Column("Side"),
        Column("Quantity", "right", sort="quantity"),
        Column("Entry", "right"),
        Column("Exit", "right"),
        Column("P&L", "right", phone="corner", sort="pnl"),
        *([Column("Currency")] if currencies else []),
        Column("Fees", "right", muted=True, sort="fees"),
        Column("Held", "right", phone="figure", sort="hold_seconds"),
        Column("Exit by", phone="figure", sort="exit_type"),
        Column("Strategy", muted=True, sort="strategy"),
        Column("Closed", "right", phone="figure", muted=True, sort="exit_time"),
    ]


def _row(trade: ClosedTrade, accounts: bool, currencies: bool) -> Row:
    cells: list[Cell] = [
        [trade.symbol, *_marks(trade)],
        *([trade.label] if accounts else []),
        components.side_chip(trade.side),
        text.quantity(trade.quantity, trade.quantity_step),
        text.price(trade.entry_price, trade.tick),
        text.price(trade.exit_price, trade.tick),
        components.signed_money(trade.pnl),
        *([trade.currency] if currencies else []),
        text.money(trade.fees),
        text.duration(trade.hold_seconds),
        trade.exit_type or components.unknown("it was not recorded"),
        trade.strategy or components.unknown("of no strategy"),
        components.moment(trade.exit_time),
    ]
    return Row(trade.id, cells, opens=trade.id)


def _marks(trade: ClosedTrade) -> list[Component]:
    corrected = [components.chip("corrected", "outline")] if trade.revision else []
    tags = [components.chip(tag) for tag in trade.tags[:TAGS]]
    left_out = trade.tags[TAGS:]
    more = [components.chip(f"+{len(left_out)}", title=", ".join(left_out))] if left_out else []
    return [*corrected, *tags, *more]


PANEL = Panel(
    "trades",
    "Trades",
    page="Trades",
    reads=(trades.READ, pnl_by.READ, bots.READ),
    options=(
        Option("symbol", "Symbol", kind="text"),
        Option("side", "Side", (("", "Any side"), ("long", "Long"), ("short", "Short"))),
        Option("exit_type", "Exit by"),
        Option("segment", "Segment", kind="text"),
        Option("tag", "Tag", kind="text"),
        Option("size", "Rows", (("50", "50"), ("100", "100"), ("250", "250"))),
        Option("sort", "Sort", kind="hidden"),
        Option("page", "Page", kind="hidden"),
    ),
    params=params,
    offers=offers,
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="table",
)
