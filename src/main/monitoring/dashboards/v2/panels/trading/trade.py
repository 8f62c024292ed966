"""One trade: what was done when and at what price, how the market went meanwhile, and what it came to."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.closed_trade import ClosedTrade
from main.monitoring.dashboards.v2 import breakdown, components, figures, trade_words
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel, Picture
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import trade
from main.monitoring.reads.trade import TradeDetail, TradeFill, TradeId, TradeOrder

_FILLS = (
    Column("Leg", phone="name"),
    Column("At", phone="figure"),
    Column("Side"),
    Column("Quantity", "right", phone="figure"),
    Column("Price", "right", phone="corner"),
    Column("Fee", "right"),
    Column("Liquidity", muted=True),
)
_ORDERS = (
    Column("Order", phone="name"),
    Column("Placed", phone="figure"),
    Column("Type"),
    Column("Status", phone="corner"),
    Column("Limit", "right"),
    Column("Average", "right", phone="figure"),
    Column("Filled", "right", phone="figure"),
)


def draw(answers: Answers, scope: Scope) -> Drawing:
    detail = answers[trade.READ].value
    if not detail:
        why = "It was busted, or is not known at this moment."
        return components.empty("This trade is not there", why, icon_name="search")
    heading = html.Div(
        [
            _head(detail.trade),
            trade_words.words(detail, scope),
            components.facts(_facts(detail)),
            _section("Fills", _FILLS, [_fill(each, detail.trade) for each in detail.fills]),
            _section("Orders", _ORDERS, [_order(each, detail.trade) for each in detail.orders]),
        ],
        className="trade",
    )
    path = _path(detail)
    if path is None:
        return html.Div([html.Div("No price was recorded while it was open.", className="trade-note"), heading])
    return Picture(heading, path)


def caption(answers: Answers, scope: Scope) -> str:
    detail = answers[trade.READ].value
    return f"{detail.trade.symbol} · {detail.trade.label}" if detail else ""


def _head(closed: ClosedTrade) -> Component:
    figure = html.Span(components.signed_money(closed.pnl), className="kpi-figure")
    unit = html.Span(closed.currency, className="kpi-unit")
    return html.Div([figure, unit, components.side_chip(closed.side)], className="trade-head")


def _facts(detail: TradeDetail) -> Sequence[tuple[str, components.Child]]:
    closed = detail.trade
    excursion = breakdown.figure(detail.mfe, lambda v: text.percent(v, signed=True))
    adverse = breakdown.figure(detail.mae, lambda v: text.percent(v, signed=True))
    stop: components.Child = components.unknown("no stop was set")
    return [
        ("Quantity", text.quantity(closed.quantity, closed.quantity_step)),
        ("Entry", [text.price(closed.entry_price, closed.tick), " · ", components.event_time(closed.entry_time)]),
        ("Exit", [text.price(closed.exit_price, closed.tick), " · ", components.event_time(closed.exit_time)]),
        ("Held", text.duration(closed.hold_seconds)),
        ("Exit by", closed.exit_type or components.unknown("it was not recorded")),
        ("Gross P&L", components.signed_money(closed.gross_pnl)),
        ("Fees", text.money(closed.fees)),
        ("Most favourable", excursion),
        ("Most adverse", adverse),
        ("Initial stop", stop if detail.initial_stop is None else text.price(detail.initial_stop, closed.tick)),
        ("R multiple", breakdown.figure(detail.r_multiple, lambda v: text.ratio(v, signed=True))),
        ("Slippage at entry", breakdown.figure(detail.entry_slippage_bps, lambda v: text.bps(v, signed=True))),
        ("Slippage at exit", breakdown.figure(detail.exit_slippage_bps, lambda v: text.bps(v, signed=True))),
        ("Strategy", closed.strategy or components.unknown("of no strategy")),
        ("Model", closed.model or components.unknown("of no model")),
        ("Id", html.Code(closed.id)),
    ]


def _section(title: str, columns: Sequence[Column], rows: Sequence[Row]) -> Component:
    nothing = html.P("The bot recorded none of this trade.", className="muted")
    return html.Section([html.H3(title), table(columns, rows, label=title) if rows else nothing])


def _fill(each: TradeFill, closed: ClosedTrade) -> Row:
    cells: list[Cell] = [
        each.leg,
        components.event_time(each.at),
        components.side_chip(each.side),
        text.quantity(each.quantity, closed.quantity_step),
        text.price(each.price, closed.tick),
        text.money(each.fee),
        each.liquidity or "—",
    ]
    return Row(f"{each.leg}-{each.id}", cells)


def _order(each: TradeOrder, closed: ClosedTrade) -> Row:
    step = closed.quantity_step
    cells: list[Cell] = [
        each.order_id,
        components.event_time(each.placed_at),
        each.order_type,
        each.status,
        "—" if each.price is None else text.price(each.price, closed.tick),
        "—" if each.average_fill_price is None else text.price(each.average_fill_price, closed.tick),
        f"{text.quantity(each.filled_quantity, step)} of {text.quantity(each.quantity, step)}",
    ]
    return Row(each.order_id, cells, below=each.reason)


def _path(detail: TradeDetail) -> figures.FigureDict | None:
    if not detail.path:
        return None
    closed = detail.trade
    bought = closed.side == "long"
    executions = [
        figures.Execution("in", closed.entry_time, float(closed.entry_price), bought),
        figures.Execution("out", closed.exit_time, float(closed.exit_price), not bought),
    ]
    stop = None if detail.initial_stop is None else float(detail.initial_stop)
    at = [point.at for point in detail.path]
    mids = [point.mid for point in detail.path]
    return figures.trade_path(at, mids, executions, write=lambda v: text.price(v, closed.tick), stop=stop)


PANEL = Panel(
    "trade",
    "Trade",
    page="Trades",
    reads=(trade.READ,),
    options=(Option("id", "Trade", kind="hidden"),),
    params=lambda chosen: {trade.READ: TradeId(chosen["id"])},
    draw=draw,
    caption=caption,
    controls=trade_words.editor,
    order=90,
    kind="drawer",
    skeleton="table",
)
