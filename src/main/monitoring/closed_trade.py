"""What is told of one closed trade, in a list and by itself?"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, LiteralString

COLUMNS: Final[LiteralString] = """
           t.account_id || '/' || t.source || '/' || t.source_id AS id,
           t.account_id::text AS account, a.label, a.currency,
           t.symbol, t.exchange, t.segment, t.instrument_token, t.transaction_type AS type,
           CASE t.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END AS side, t.quantity::numeric AS quantity,
           i.quantity_step::numeric AS quantity_step, t.entry_time::timestamptz AS entry_time,
           t.exit_time::timestamptz AS exit_time,
           extract(epoch FROM t.exit_time - t.entry_time)::float8 AS hold_seconds,
           t.entry_price::numeric AS entry_price, t.exit_price::numeric AS exit_price, i.tick::numeric AS tick,
           t.gross_pnl::numeric AS gross_pnl, t.fees::numeric AS fees, t.realized_pnl::numeric AS pnl, t.is_profit,
           t.exit_type, t.mfe::float8 AS mfe, t.mae::float8 AS mae, t.strategy, t.model, t.position_id,
           t.fx_rate,
           CASE WHEN n.revision IS NULL THEN t.notes ELSE n.notes END AS notes, coalesce(n.tags, t.tags) AS tags,
           t.revision"""
"""The columns of `ClosedTrade`, of a trade ``t`` of the account ``a`` in the instrument ``i`` with the notes ``n``."""


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """One closed trade: one lot match. ``id`` is account/source/source_id.

    Prices are in the instrument's currency, ``gross_pnl``, ``fees`` (of both legs) and ``pnl`` (net) in the account's:
    ``fx_rate`` was one unit of the former in the latter. ``type`` is the entry's: BUY or SELL; quantity has no sign.
    ``mfe`` and ``mae`` are fractions of the entry price; ``revision`` is above 0 once it was corrected.
    ``notes`` and ``tags`` are what somebody wrote on the Trades page last, else what the bot said.
    """

    id: str
    account: str
    label: str
    currency: str
    symbol: str
    exchange: str | None
    segment: str | None
    instrument_token: str | None
    type: str
    side: str
    quantity: Decimal
    quantity_step: Decimal | None
    entry_time: datetime
    exit_time: datetime
    hold_seconds: float
    entry_price: Decimal
    exit_price: Decimal
    tick: Decimal | None
    gross_pnl: Decimal
    fees: Decimal
    pnl: Decimal
    is_profit: bool
    exit_type: str | None
    mfe: float | None
    mae: float | None
    strategy: str | None
    model: str | None
    position_id: str | None
    fx_rate: Decimal
    notes: str | None
    tags: list[str]
    revision: int
