"""A trade: with which orders and fills was it made, how did the price go, and what did it risk and cost?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics.execution import slippage_bps
from main.analytics.figure import Figure, missing, quotient
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.closed_trade import COLUMNS, ClosedTrade
from main.monitoring.price_path import PricePoint, excursions, price_path
from main.monitoring.read import Read

LONGEST_ID = 1000


@dataclass(frozen=True, slots=True)
class TradeId:
    """Which trade: its ``id`` in the list of trades, account/source/source_id. Raises ValueError."""

    id: str = ""

    def __post_init__(self) -> None:
        if self.id and (self.id.count("/") < 2 or len(self.id) > LONGEST_ID or "\0" in self.id):
            raise ValueError("id: expected account/source/source_id, as the list of trades has it")

    @property
    def candidates(self) -> tuple[str, list[str], list[str]]:
        """The account, and every way to part the rest into a source and its id: both may contain a slash."""
        account, _, rest = self.id.partition("/")
        places = [place for place, letter in enumerate(rest) if letter == "/"]
        return account, [rest[:place] for place in places], [rest[place + 1 :] for place in places]


@dataclass(frozen=True, slots=True)
class TradeFill:
    """One leg's execution, prices in the instrument's currency. The trade may be only a part of its quantity."""

    leg: str
    id: str
    order_id: str | None
    at: datetime
    side: str
    quantity: Decimal
    price: Decimal
    multiplier: Decimal
    fee: Decimal
    liquidity: str | None
    decision_price: Decimal | None
    arrival_mid: Decimal | None


@dataclass(frozen=True, slots=True)
class TradeOrder:
    """An order that one of the fills belongs to, as it stood at the scope's moment."""

    order_id: str
    side: str
    order_type: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    average_fill_price: Decimal | None
    placed_at: datetime
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The stop that the trade's position had when it was opened, and what a price move of 1 brings."""

    stop: Decimal
    multiplier: Decimal


@dataclass(frozen=True, slots=True)
class TradeNote:
    """Which version of the notes and tags it is, counted from 1, when it was written and by whom."""

    revision: int
    at: datetime
    written_by: str


@dataclass(frozen=True, slots=True)
class TradeDetail:
    """A trade and everything about it. ``risk`` is |entry − initial stop| · quantity · multiplier in account currency.

    ``mfe`` and ``mae`` are fractions of the entry price as recorded, else from the prices of the time it was open, else
    missing; slippage is positive where it cost. ``note`` is ``None`` while nobody has written
    notes or tags of their own: those of the trade are the bot's.
    """

    trade: ClosedTrade
    fills: list[TradeFill]
    orders: list[TradeOrder]
    path: list[PricePoint]
    entry_slippage_bps: Figure
    exit_slippage_bps: Figure
    mfe: Figure
    mae: Figure
    initial_stop: Decimal | None
    risk: Figure
    r_multiple: Figure
    note: TradeNote | None


TRADE = Query(
    ClosedTrade,
    "SELECT"  # noqa: S608  # only literals of this package
    + COLUMNS
    + """
      FROM accounts_at(ARRAY[$1::text], $4, $5, $6) a
      CROSS JOIN unnest($2::text[], $3::text[]) AS wanted (source, source_id)
      CROSS JOIN LATERAL (
            SELECT v.*
              FROM trades v
             WHERE v.account_id = a.account_id AND v.source = wanted.source AND v.source_id = wanted.source_id
               AND v.recorded_at <= $5
             ORDER BY v.revision DESC
             LIMIT 1) t
      LEFT JOIN instruments i ON i.source = a.source AND i.symbol = t.symbol
      LEFT JOIN LATERAL trade_note(t.account_id, t.source, t.source_id, $4, $5) n ON true
     WHERE t.quantity > 0 AND t.exit_time <= $4
     LIMIT 1
    """,
)
FILLS = Query(
    TradeFill,
    """
    SELECT f.leg, f.source || '/' || f.source_id AS id, f.order_id, f.at, f.side, f.quantity, f.price, f.multiplier,
           f.fee, f.liquidity, f.decision_price, f.arrival_mid
      FROM trades t
      CROSS JOIN LATERAL trade_fills(t.account_id, t.source, t.source_id, t.entry_fill, t.exit_fill, $4) f
     WHERE t.account_id || '/' || t.source || '/' || t.source_id = $3 AND t.account_id = $1 AND t.exit_time = $2
       AND t.revision = $5
     ORDER BY f.at, f.leg
    """,
)
ORDERS = Query(
    TradeOrder,
    """
    SELECT o.order_id, o.side, o.order_type, o.status, o.quantity::numeric AS quantity,
           o.filled_quantity::numeric AS filled_quantity, o.price::numeric AS price,
           o.stop_price::numeric AS stop_price,
           o.average_fill_price::numeric AS average_fill_price, o.placed_at::timestamptz AS placed_at,
           o.at::timestamptz AS at, o.reason
      FROM (SELECT now.order_id, now.side, now.order_type, now.status, now.quantity, now.filled_quantity, now.price,
                   now.stop_price, now.average_fill_price, now.placed_at, now.at, now.reason
              FROM orders now
             WHERE $5 AND now.account_id = $1 AND now.order_id = ANY ($2::text[])
            UNION ALL
            SELECT v.order_id, v.side, v.order_type, v.status, v.quantity, v.filled_quantity, v.price, v.stop_price,
                   v.average_fill_price, v.placed_at, v.at, v.reason
              FROM unnest($2::text[]) AS wanted (order_id)
              CROSS JOIN LATERAL (
                    SELECT h.*
                      FROM orders_history h
                     WHERE NOT $5 AND h.account_id = $1 AND h.order_id = wanted.order_id AND h.at <= $3
                       AND h.changed_at <= $4
                     ORDER BY h.at DESC, h.changed_at DESC
                     LIMIT 1) v
             WHERE v.operation <> 'delete') o
     ORDER BY o.placed_at, o.order_id
    """,
)
NOTE = Query(
    TradeNote,
    """
    SELECT n.revision, n.at::timestamptz AS at, n.written_by
      FROM unnest($2::text[], $3::text[]) AS wanted (source, source_id)
      CROSS JOIN LATERAL trade_note($1, wanted.source, wanted.source_id, $4, $5) n
     WHERE $1 || '/' || n.source || '/' || n.source_id = $6
     LIMIT 1
    """,
)
STOP = Query(Stop, "SELECT s.stop, s.multiplier FROM initial_stop($1, $2, $3, $4) s")
NO_TRADE = TradeId()


async def trade(db: Fetcher, scope: Scope, wanted: TradeId = NO_TRADE) -> TradeDetail | None:
    """Return everything about one trade, whatever the scope's window; ``None`` for one that is not there.

    That is one of an account outside the scope too, one that was busted, and one not closed or known at the time asked
    about. The path has some 200 points, from a tenth of its time before the entry to a tenth after the exit.
    """
    bounds = scope.bounds()
    account, sources, source_ids = wanted.candidates
    if account not in scope.accounts:
        return None
    moment = scope.moment or bounds.end
    arguments = (account, sources, source_ids, moment, bounds.known_at, scope.present)
    found = await TRADE.first(db, *arguments)
    if found is None:
        return None
    fills = await FILLS.all(db, account, found.exit_time, found.id, bounds.known_at, found.revision)
    order_ids = [fill.order_id for fill in fills if fill.order_id is not None]
    orders = await ORDERS.all(db, account, order_ids, moment, bounds.known_at, scope.present)
    note = await NOTE.first(db, account, sources, source_ids, moment, bounds.known_at, found.id)
    stop = await STOP.first(db, account, found.position_id, found.exit_time, bounds.known_at)
    path = await price_path(db, found, moment, bounds.known_at)
    best, worst = await excursions(db, found, bounds.known_at)
    risk = _risk(found, stop)
    return TradeDetail(
        trade=found,
        fills=fills,
        orders=orders,
        path=path,
        entry_slippage_bps=_slippage(fills, "entry"),
        exit_slippage_bps=_slippage(fills, "exit"),
        mfe=best,
        mae=worst,
        initial_stop=stop.stop if stop is not None else None,
        risk=risk,
        r_multiple=risk if risk.value is None else quotient(float(found.pnl), risk.value, "the risk was zero"),
        note=note,
    )


def _risk(found: ClosedTrade, stop: Stop | None) -> Figure:
    if stop is None:
        return missing("no stop was recorded")
    return Figure(float(abs(found.entry_price - stop.stop) * found.quantity * stop.multiplier * found.fx_rate))


def _slippage(fills: Sequence[TradeFill], leg: str) -> Figure:
    fill = next((fill for fill in fills if fill.leg == leg), None)
    if fill is None:
        return missing("the fill was not recorded")
    return slippage_bps(fill.side, float(fill.price), None if fill.arrival_mid is None else float(fill.arrival_mid))


READ = Read(
    "trade",
    "Trade",
    trade,
    topics=frozenset({Topic.TRADES, Topic.FILLS, Topic.ORDERS, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=TradeId,
    formula="R = net P&L / (|entry − initial stop| · quantity · multiplier); MFE, MAE = side · (price − entry) / entry",
)
