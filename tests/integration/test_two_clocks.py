"""What was true then, and what did we know then? Past answers against those that were given at the time."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from main.books.bookkeeper import Bookkeeper
from main.books.corrections import earliest, unknown_facts
from main.books.rebuild import rebuild
from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.domain.events import (
    Account,
    DailyStats,
    Event,
    Fill,
    FxRate,
    Heartbeat,
    Instrument,
    MarketSnapshot,
)
from main.domain.ledger import Ledger
from main.domain.scope import Scope
from main.monitoring.reads import account_summary, positions
from main.recording.recorder import Recorder
from tests.given import asked, given_account, given_position, insert
from tests.integration.test_books import BEGIN, SECOND, fill_row, flow_row, given_suite_account, mark_row, tell
from tests.quiet import server, template  # noqa: F401 - fixtures

MINUTE = timedelta(minutes=1)


async def database_clock(service: Database) -> datetime:
    async with service.scoped() as connection:
        moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
        return moment


async def answers(database: Database, scope: Scope) -> tuple[Any, Any]:
    return await asked(database, positions.READ, scope), await asked(database, account_summary.READ, scope)


def about(name: str, at: datetime, known_at: datetime | None = None) -> Scope:
    return Scope(accounts=(name,), window="1D", as_of=at, known_at=known_at).resolved(at)


class Bot:
    """A bot with books of its own in euros, that trades X in dollars and Y in euros."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.account = Account(
            at=now(), account="BOT", source="sim", broker="b", label="Bot", currency="EUR", mode="paper"
        )
        self.instruments = tuple(
            Instrument(at=now(), source="sim", symbol=symbol, currency=currency)
            for symbol, currency in (("X", "USD"), ("Y", "EUR"))
        )
        self.ledger = Ledger("BOT", "sim", self.instruments, currency="EUR")
        self.beats = 0
        self.net = Decimal(0)
        self.record((self.account, *self.instruments))

    def record(self, events: Iterable[Event]) -> None:
        for event in events:
            self.recorder.record(event)

    def tick(self, price: int, rate: str, fills: Sequence[tuple[str, str, int]]) -> None:
        """One loop: prices, fills of (symbol, side, quantity) at them, books."""
        at = now()
        self.beats += 1
        self.ledger.convert("USD", Decimal(rate), at)
        self.record([FxRate(at=at, source="sim", base="USD", quote="EUR", rate=Decimal(rate))])
        for symbol in ("X", "Y"):
            self.ledger.mark(symbol, Decimal(price), at)
            self.record([MarketSnapshot(at=at, source="sim", symbol=symbol, mid=Decimal(price))])
        for number, order in enumerate(fills):
            self.trade(at, number, Decimal(price), order)
        self.record([*self.ledger.positions, self.ledger.equity(at), self.day(at)])
        beat = {"account": "BOT", "source": "sim", "source_id": f"b{self.beats}", "status": "running"}
        counts = {"interval_seconds": Decimal(600), "cycle_count": self.beats, "uptime_seconds": Decimal(1)}
        self.record([Heartbeat(at=at, **beat, **counts)])

    def trade(self, at: datetime, number: int, price: Decimal, order: tuple[str, str, int]) -> None:
        symbol, side, quantity = order
        event = Fill(
            at=at,
            account="BOT",
            source="sim",
            source_id=f"{self.beats}-{number}",
            symbol=symbol,
            side=side,
            quantity=Decimal(quantity),
            price=price - 1 if side == "buy" else price + 1,
            fee=Decimal("0.25"),
        )
        change = self.ledger.apply(event, "signal")
        self.net += sum((trade.realized_pnl for trade in change.trades), Decimal(0))
        self.record([event, *change.trades, *change.positions])

    def day(self, at: datetime) -> DailyStats:
        used = max(Decimal(0), -(self.net + self.ledger.unrealized))
        return DailyStats(at=at, account="BOT", day=at.date(), loss_used=used, loss_limit=Decimal(5000))

    async def written(self) -> None:
        async with asyncio.timeout(20):
            while self.recorder.statistics.queued or self.recorder.statistics.written == 0:
                await asyncio.sleep(0.01)
        assert self.recorder.statistics.dead_letters == 0


TICKS: Sequence[tuple[int, str, Sequence[tuple[str, str, int]]]] = (
    (100, "0.90", [("X", "buy", 10), ("Y", "sell", 5)]),
    (104, "0.91", []),
    (97, "0.89", [("X", "buy", 3)]),
    (90, "0.95", []),
    (92, "0.94", [("Y", "buy", 9)]),
    (99, "0.93", [("X", "sell", 13)]),
)


async def test_a_past_moment_shows_what_the_live_books_were_then(
    service: Database, database: Database, address: Address
) -> None:
    given: list[tuple[datetime, Any]] = []
    with Recorder(address, flush_interval=0.02) as recorder:
        bot = Bot(recorder)
        for price, rate, fills in TICKS:
            bot.tick(price, rate, fills)
            await bot.written()
            moment = await database_clock(service)
            live = Scope(accounts=("BOT",), window="1D").resolved(moment)
            given.append((moment, await answers(database, live)))
    assert [len(held) for _, (held, _) in given] == [2, 2, 2, 2, 2, 1]
    assert any(figures.loss_used for _, ((figures,),) in [(at, (answer[1],)) for at, answer in given])
    for moment, answer in given:
        assert await answers(database, about("BOT", moment)) == answer
        assert await answers(database, about("BOT", moment, moment)) == answer


async def test_before_a_correction_was_known_the_uncorrected_figures_stand(
    service: Database, database: Database
) -> None:
    name = await given_suite_account(service)
    prices = [mark_row(name, second, 100 + second) for second in range(0, 60, 10)]
    told = [
        flow_row(name, 1, 0, "deposit", 1000),
        fill_row(name, 1, 1, "buy 5", 100),
        fill_row(name, 2, 20, "sell 2", 120),
    ]
    await tell(service, [*prices, *told])
    bookkeeper = Bookkeeper()
    await bookkeeper.run(service)
    at = [BEGIN + second * SECOND for second in (6, 25, 58)]
    before = [await answers(database, about(name, moment)) for moment in at]
    known_at = await database_clock(service)

    await tell(service, [fill_row(name, 1, 1, "buy 9", 100, revision=1), fill_row(name, 3, 40, "sell 1", 139)])
    await bookkeeper.run(service)
    corrected = [await answers(database, about(name, moment)) for moment in at]
    assert [await answers(database, about(name, moment, known_at)) for moment in at] == before
    assert [[row.quantity for row in held] for held, _ in before] == [[5], [3], [3]]
    assert [[row.quantity for row in held] for held, _ in corrected] == [[9], [7], [6]]
    figures = [summary for _, (summary,) in corrected]
    assert {row.loss_origin for row in figures} == {"computed"}
    assert [row.closed_today for row in figures] == [0, 1, 2]
    assert [row.gross_today for row in figures] == [0, 40, 79]
    assert [row.equity for row in figures] == [
        Decimal("999.9"),
        Decimal("999.8") + 40 + 7 * 20,
        Decimal("999.7") + 40 + 39 + 6 * 50,
    ]

    await tell(service, [fill_row(name, 1, 1, "buy 0", 100, revision=2)])
    second_known = await database_clock(service)
    await bookkeeper.run(service)
    assert [await answers(database, about(name, moment, known_at)) for moment in at] == before
    assert [await answers(database, about(name, moment, second_known)) for moment in at] == corrected
    short = await asked(database, positions.READ, about(name, at[2]))
    assert [(row.side, row.quantity) for row in short] == [("short", 3)]


async def test_a_superseded_version_keeps_the_interval_in_which_it_counted(service: Database) -> None:
    name = await given_suite_account(service)
    await tell(service, [fill_row(name, 1, 1, "buy 5", 100)])
    await Bookkeeper().run(service)
    await tell(service, [fill_row(name, 1, 1, "buy 6", 100, revision=1)])
    assert (await rebuild(service, name, BEGIN)).versions
    async with service.scoped() as connection:
        rows = await connection.fetch(
            "SELECT quantity, changed_at, superseded_at FROM positions_history ORDER BY sequence"
        )
    assert [(row["quantity"], row["superseded_at"] is None) for row in rows] == [(5, False), (6, True)]
    assert rows[0]["changed_at"] < rows[0]["superseded_at"] == rows[1]["changed_at"]


async def test_a_bot_learns_what_its_ledger_does_not_know_and_its_own_words_survive_a_rebuild(
    service: Database, address: Address
) -> None:
    with Recorder(address, flush_interval=0.02) as recorder:
        bot = Bot(recorder)
        for price, rate, fills in TICKS[:3]:
            bot.tick(price, rate, fills)
        bot.record([DailyStats(at=now(), account="BOT", day=now().date(), trading_blocked=True, limit_hit=True)])
        await bot.written()
    rebuilt = await rebuild(service, "BOT", now() - MINUTE)
    assert (rebuilt.trades, rebuilt.equity, rebuilt.positions) == (0, 0, 0)
    async with service.scoped() as connection:
        unknown, asked_until = await unknown_facts(connection, "BOT", bot.ledger, None)
        assert unknown == []
        await connection.execute(
            "INSERT INTO fills (account_id, source, source_id, revision, at, symbol, side, quantity, price, fee) "
            "SELECT account_id, source, source_id, 1, at, symbol, side, 7, price, fee FROM fills "
            "WHERE source_id = '1-0'"
        )
    async with service.scoped() as connection:
        unknown, _ = await unknown_facts(connection, "BOT", bot.ledger, asked_until)
        assert [(fact.source_id, fact.revision) for fact in unknown] == [("1-0", 1)]
        since = await earliest(connection, "BOT", unknown)
        assert since == unknown[0].at
    assert since is not None
    rebuilt = await rebuild(service, "BOT", since)
    assert (rebuilt.equity, rebuilt.days) == (3, 1)
    assert not (await rebuild(service, "BOT", since)).changed
    async with service.scoped() as connection:
        held = await connection.fetchval("SELECT quantity FROM positions WHERE symbol = 'X'")
        day = await connection.fetchrow("SELECT origin, trading_blocked, limit_hit FROM daily_stats")
    assert held == 10
    assert tuple(day) == ("bot", True, True)


async def test_money_in_a_currency_without_a_rate_is_unknown(service: Database, database: Database) -> None:
    await given_account(service, currency="EUR")
    await insert(service, "instruments", [{"source": "sim", "symbol": "X", "currency": "USD"}])
    await given_position(service)
    moment = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    (row,), (figures,) = await answers(database, Scope(accounts=("A",)).resolved(moment))
    assert (row.current_price, row.value, row.unrealized_pnl, figures.unpriced_positions) == (110, None, None, 1)
    rate = {
        "source": "sim",
        "base": "EUR",
        "quote": "USD",
        "at": moment,
        "recorded_at": moment,
        "rate": Decimal("1.25"),
    }
    await insert(service, "fx_rates", [rate])
    (row,), (figures,) = await answers(database, Scope(accounts=("A",)).resolved(moment))
    assert (row.value, row.unrealized_pnl, row.pnl_share, figures.unrealized_pnl) == (880, 80, 0.1, 80)


async def settled(service: Database) -> datetime | None:
    async with service.scoped() as connection:
        await connection.execute("SELECT mark_settlement()")
    async with service.scoped() as connection:
        until: datetime | None = await connection.fetchval("SELECT settled_until()")
        return until


async def older(service: Database, seconds: int) -> None:
    async with service.scoped() as connection:
        await connection.execute("UPDATE settlement SET at = at - make_interval(secs => $1)", float(seconds))


async def test_the_settled_horizon_stands_before_the_oldest_open_transaction(service: Database) -> None:
    assert await settled(service) is not None
    await older(service, 10)
    async with service.scoped() as writing:
        await writing.execute(
            "INSERT INTO system_events (source, source_id, at, severity, kind, message) "
            "VALUES ('s', 'e', now(), 'info', 'k', 'm')"
        )
        began = await database_clock(service)
        first = await settled(service)
        assert first is not None
        assert first < began - 9 * SECOND  # only the mark from before it counts
    last = await settled(service)
    assert last is not None
    assert last > first


async def test_marks_of_another_cluster_and_of_a_clock_that_went_back_are_dropped(service: Database) -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO settlement VALUES (now() - interval '1 hour', '4000000000'), (now() + interval '1 hour', '3')"
        )
        assert await connection.fetchval("SELECT settled_until()") is None
    assert await settled(service) is not None
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT count(*) FROM settlement") == 1


async def test_the_horizon_needs_no_right_to_see_other_sessions(service: Database) -> None:
    async with service.scoped() as connection:
        roles = (
            "SELECT rolsuper OR pg_has_role(rolname, 'pg_monitor', 'MEMBER') FROM pg_roles WHERE rolname = current_user"
        )
        assert not await connection.fetchval(roles)
    assert await settled(service) is not None
