"""What would have been recorded if the bot had run on the simulated market for months?

On the first start of simulated accounts their floor trades the scripted past as fast as it can: the same strategies,
risk rules, brokers and books as ever, only the sink is another. While one stretch is written, the next is traded.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import asyncpg
import structlog

from main.clock import monotonic, now
from main.database.address import Address
from main.database.pool import UNREACHABLE
from main.domain.events import CashFlow, Event, Heartbeat, Instrument
from main.errors import DatabaseError, DatabaseUnreachable
from main.recording.backfill import BackfillWriter, analyze, make_partitions
from main.recording.session import connect
from main.trading.candles import INTERVALS
from main.trading.engine import Engine
from main.trading.feed import Market
from main.trading.feeds.sim_history import Payment, SimHistory
from main.trading.floor import trade_on
from main.trading.journal import Sink
from main.trading.market_journal import MarketJournal

ROWS_AT_ONCE = 10_000

_NOTHING_YET = """
    SELECT NOT EXISTS (SELECT FROM bot_heartbeats WHERE account_id = ANY ($1))
       AND NOT EXISTS (SELECT FROM fills WHERE account_id = ANY ($1))
       AND NOT EXISTS (SELECT FROM market_snapshots WHERE source = $2)
"""

Staff = Callable[[Market, Sink], tuple[MarketJournal, Sequence[Engine]]]
"""Makes the journal of a market and the engines that trade on it, all of which record into the sink."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backfilled:
    """How much was written, and how long all of it took."""

    ticks: int
    rows: int
    seconds: float


class PastMarket:
    """The market whose past is told: its symbols, and a clock that stands where the history is."""

    clock: Literal["wall", "replay"] = "replay"
    interval_seconds = 60.0
    notices: tuple[str, ...] = ()

    def __init__(self, instruments: Sequence[Instrument], history: SimHistory) -> None:
        self.source = history.source
        self.instruments = tuple(replace(each, at=history.start) for each in instruments)


class _PastSink:
    """Hands events on; a heartbeat promises the next one within the step of the history, not of the wall's clock."""

    def __init__(self, writer: BackfillWriter) -> None:
        self.seconds = Decimal(1)
        self._writer = writer

    def record(self, event: Event) -> None:
        if isinstance(event, Heartbeat):
            event = replace(event, interval_seconds=self.seconds)
        self._writer.record(event)


async def has_no_past(connection: Any, accounts: Sequence[str], source: str) -> bool:
    """Tell whether nothing was ever recorded of these accounts or of the market of `source`.

    An account that joins a market with a past begins today: what the market did then is not made up a second time.
    """
    return bool(await connection.fetchval(_NOTHING_YET, list(accounts), source))


async def backfill(
    address: Address, market: Market, history: SimHistory, staff: Staff, stopping: Callable[[], bool] = bool
) -> Backfilled | None:
    """Trade the history and record it as if it had happened; make all of it visible at the end, or nothing.

    ``None`` when PostgreSQL refuses the rows: the log says why, and the bot begins without a past. Raise
    `DatabaseUnreachable` when there is no database, `DatabaseError` when `stopping` says that the bot is to end.
    """
    began = monotonic()
    try:
        ticks, rows = await _write(address, market, history, staff, stopping)
    except (*UNREACHABLE, TimeoutError) as error:
        raise DatabaseUnreachable(str(address), str(error) or type(error).__name__, since=now()) from error
    except asyncpg.PostgresError as error:
        _log.error("history refused, trading begins without one", source=history.source, exc_info=error)
        return None
    done = Backfilled(ticks, rows, monotonic() - began)
    _log.info("history back-filled", source=history.source, ticks=ticks, rows=rows, seconds=round(done.seconds, 1))
    return done


async def _write(
    address: Address, market: Market, history: SimHistory, staff: Staff, stopping: Callable[[], bool]
) -> tuple[int, int]:
    connection = await connect(address, "ai-trader back-fill")
    try:
        first = min((each.at for each in history.candles), default=history.start)
        await make_partitions(connection, history.start, history.until, first)
        writer = BackfillWriter(connection)
        await writer.begin()
        ticks = await _trade(history, PastMarket(market.instruments, history), staff, writer, stopping)
        await writer.commit()
        await _analyze(connection)
    finally:
        connection.terminate()  # a transaction that is still open goes with it
    return ticks, writer.rows


async def _trade(
    history: SimHistory, market: PastMarket, staff: Staff, writer: BackfillWriter, stopping: Callable[[], bool]
) -> int:
    sink, background = _PastSink(writer), _Background(writer)
    journal, engines = staff(market, sink)
    _record_beginning(history, market, engines, writer)
    payments, last, ticks = list(history.payments), history.start, 0
    try:
        for tick in history:
            if stopping():
                raise DatabaseError("the bot stops before its history is written: the next start writes it")
            writer.turn(tick.at)
            sink.seconds, last = Decimal(round((tick.at - last).total_seconds()) or 1), tick.at
            while payments and payments[0][0] <= tick.at:
                _pay(*payments.pop(0), engines)
            await trade_on(tick, journal, engines)
            await background.turn()
            ticks += 1
        journal.end()  # the bot that goes on begins its own runs
        await background.finish()
    finally:
        background.cancel()
    return ticks


class _Background:
    """Writes what was traded while more is traded: the database has another processor."""

    def __init__(self, writer: BackfillWriter) -> None:
        self._writer = writer
        self._writing: asyncio.Task[None] | None = None

    async def turn(self) -> None:
        """Let everybody else have their turn, and begin to write when there is enough."""
        await asyncio.sleep(0)
        if self._writer.pending >= ROWS_AT_ONCE and (self._writing is None or self._writing.done()):
            await self.finish()
            self._writing = asyncio.create_task(self._writer.write())

    async def finish(self) -> None:
        """Wait for what is being written. Raise what went wrong with it."""
        if self._writing is not None:
            await self._writing

    def cancel(self) -> None:
        """Give up what is being written."""
        if self._writing is not None:
            self._writing.cancel()


def _record_beginning(
    history: SimHistory, market: PastMarket, engines: Sequence[Engine], writer: BackfillWriter
) -> None:
    writer.turn(history.start)
    for engine in engines:
        writer.record(replace(engine.journal.account, at=history.start))
    for instrument in market.instruments:
        writer.record(instrument)
    for candle in history.candles:
        writer.turn(candle.at + INTERVALS[candle.interval])  # nobody knows a bar before it has closed
        writer.record(candle)


def _pay(at: datetime, payment: Payment, engines: Sequence[Engine]) -> None:
    for engine in engines:
        account = engine.journal.account
        flow = CashFlow(
            at=at,
            account=account.account,
            source=account.source,
            source_id=f"payment-{at:%Y%m%d}",
            kind="deposit" if payment.amount > 0 else "withdrawal",
            amount=payment.amount,
            note=payment.note,
        )
        if engine.ledger.credit(flow):
            engine.journal.record(flow)


async def _analyze(connection: Any) -> None:
    try:
        await analyze(connection)
    except asyncpg.PostgresError as error:  # autovacuum will do it in a while
        _log.info("statistics of the back-filled tables not gathered", reason=str(error))
