"""The P&L proof closes on right books, and shows what is wrong in others."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.database.pool import Database
from main.domain.events import CashFlow, Equity, Fill, Trade
from main.domain.ledger import Ledger
from main.monitoring.reads import pnl_proof
from main.monitoring.reads.pnl_proof import ProofRow
from tests.given import DAY, HOUR, MINUTE, MOMENT, asked, given_account, given_instrument, insert, live

OPENED = MOMENT - 20 * DAY
TRADE_COLUMNS = (
    *("symbol", "transaction_type", "quantity", "entry_time", "entry_price", "exit_price"),
    *("gross_pnl", "fees", "realized_pnl"),
)


class Till:
    """An account whose facts and books go into the database as a bot would write them, without a Recorder."""

    def __init__(self, service: Database) -> None:
        self._service = service
        self._ledger = Ledger("A", "sim")
        self._number = 0

    async def opened(self, **given: Any) -> "Till":
        await given_account(self._service, **given)
        await given_instrument(self._service, "X")
        return self

    async def flow(self, kind: str, amount: object, at: datetime) -> None:
        flow = CashFlow(at=at, **self._key(), kind=kind, amount=Decimal(str(amount)))
        self._ledger.credit(flow)
        await self._insert("cash_flows", [flow], ("kind", "amount"))

    async def fill(self, side: str, quantity: object, price: object, at: datetime, fee: object = 0) -> Fill:
        numbers = {"quantity": Decimal(str(quantity)), "price": Decimal(str(price)), "fee": Decimal(str(fee))}
        fill = Fill(at=at, **self._key(), symbol="X", side=side, **numbers)
        trades = self._ledger.apply(fill).trades
        await self._insert("fills", [fill], ("symbol", "side", "quantity", "price", "fee"))
        await self.trades(trades)
        return fill

    async def trades(self, trades: Sequence[Trade]) -> None:
        rows = [self._row(trade, TRADE_COLUMNS) | {"exit_time": trade.at} for trade in trades]
        for row in rows:
            del row["at"]
        if rows:
            await insert(self._service, "trades", rows)

    async def observe(self, at: datetime, mark: object = None, **changed: Any) -> Equity:
        if mark is not None:
            self._ledger.mark("X", Decimal(str(mark)), at)
        seen = self._ledger.equity(at)
        row = self._row(seen, ("equity", "cash", "realized_pnl", "unrealized_pnl", "fees"))
        await insert(self._service, "trading_pnl", [row | changed])
        return seen

    async def _insert(self, table: str, facts: Iterable[Any], names: Sequence[str]) -> None:
        await insert(self._service, table, [self._row(fact, names) for fact in facts])

    def _key(self) -> dict[str, Any]:
        self._number += 1
        return {"account": "A", "source": "sim", "source_id": f"n{self._number:06d}"}

    @staticmethod
    def _row(fact: Any, names: Sequence[str]) -> dict[str, Any]:
        key = {"account_id": fact.account, "source": fact.source, "source_id": fact.source_id, "at": fact.at}
        return key | {"recorded_at": fact.at} | {name: getattr(fact, name) for name in names}


async def proof(database: Database, window: str = "All", **given: Any) -> ProofRow:
    rows = await asked(database, pnl_proof.READ, live(window=window, **given))
    assert len(rows) == 1
    return rows[0]


async def test_two_bought_one_sold_earn_what_the_book_says(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    await till.observe(OPENED)
    await till.fill("buy", 1, 100, OPENED + HOUR)
    await till.fill("buy", 1, 110, OPENED + 2 * HOUR)
    await till.fill("sell", 1, 120, OPENED + 3 * HOUR)
    await till.observe(OPENED + 3 * HOUR, mark=120)
    row = await proof(database)
    assert (row.realized, row.unrealized_change, row.change, row.residual) == (20, 10, 30, 0)


async def test_every_part_of_the_change_is_told_and_nothing_is_left(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    await till.flow("deposit", 10_000, OPENED)
    await till.fill("buy", 3, "100.10", OPENED + HOUR, fee="0.35")
    await till.observe(OPENED + HOUR, mark="101")
    await till.flow("dividend", "1.25", MOMENT - 2 * DAY)
    await till.flow("funding", "-0.75", MOMENT - 2 * DAY)
    await till.flow("interest", "0.10", MOMENT - 2 * DAY)
    await till.flow("fee", "-2", MOMENT - 2 * DAY)
    await till.flow("withdrawal", -500, MOMENT - DAY)
    await till.fill("sell", "4.5", "99.99", MOMENT - HOUR, fee="0.45")  # through zero: short 1.5
    after = await till.observe(MOMENT, mark="98.5")

    whole = await proof(database)
    assert whole.begins_at is None
    assert whole.equity_before == 0
    assert whole.equity_after == after.equity
    assert whole.residual == 0
    assert (whole.dividends, whole.funding, whole.interest) == (Decimal("1.25"), Decimal("-0.75"), Decimal("0.10"))
    assert whole.fees == Decimal("2.80")  # both legs' and the charged one
    assert whole.external == 9500
    assert whole.realized == Decimal("-0.33")
    assert whole.unrealized_change == Decimal("2.235")

    week = await proof(database, window="1W")
    assert week.begins_at == OPENED + HOUR
    assert week.fees == Decimal("2.45")
    assert week.external == -500
    assert week.residual == 0


async def test_a_wrong_observation_shows_as_the_residual(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    await till.flow("deposit", 1000, OPENED)
    await till.observe(OPENED)
    await till.fill("buy", 1, 100, OPENED + HOUR)
    await till.observe(OPENED + HOUR, equity=Decimal("1007.01"))
    assert (await proof(database)).residual == Decimal("7.01")


async def test_a_trade_that_was_never_written_shows_as_the_residual(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    await till.flow("deposit", 1000, OPENED)
    await till.fill("buy", 1, 100, OPENED + HOUR)
    await till.fill("sell", 1, 130, OPENED + 2 * HOUR)
    await till.observe(OPENED + 2 * HOUR)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM trades")
    assert (await proof(database)).residual == 30


async def test_an_account_that_had_money_before_anything_was_recorded_begins_with_its_first_observation(
    service: Database, database: Database
) -> None:
    till = await Till(service).opened()
    await till.observe(OPENED, equity=5000)
    await till.fill("buy", 1, 100, OPENED + HOUR)
    await till.observe(OPENED + HOUR, mark=103, equity=5003)
    row = await proof(database)
    assert row.begins_at == OPENED
    assert (row.equity_before, row.change, row.residual) == (5000, 3, 0)


async def test_the_residual_is_unknown_where_nobody_says_what_was_unrealized(
    service: Database, database: Database
) -> None:
    till = await Till(service).opened()
    await till.observe(OPENED, unrealized_pnl=None)
    await till.observe(OPENED + HOUR)
    row = await proof(database)
    assert row.unrealized_change is None
    assert row.residual is None
    assert pnl_proof.READ.scalar is not None
    assert pnl_proof.READ.scalar([row]) is None


async def test_a_busted_fill_counts_until_its_bust_is_known(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    await till.flow("deposit", 1000, OPENED)
    await till.observe(OPENED)
    fill = await till.fill("buy", 1, 100, OPENED + HOUR, fee=3)
    await till.observe(OPENED + HOUR)
    key = {"account_id": "A", "source": fill.source, "source_id": fill.source_id, "revision": 1, "at": fill.at}
    bust = key | {"recorded_at": MOMENT, "symbol": "X", "side": "buy", "quantity": 0, "price": 100, "fee": 0}
    await insert(service, "fills", [bust])
    before = await proof(database, known_at=MOMENT - MINUTE)
    assert (before.fees, before.residual) == (3, 0)
    now = await proof(database)
    assert now.fees == 0
    assert now.residual == -3  # the observation still has the fee in it: nobody rebuilt it


async def test_an_account_without_two_observations_has_no_proof(service: Database, database: Database) -> None:
    till = await Till(service).opened()
    assert await asked(database, pnl_proof.READ, live(window="All")) == []
    await till.observe(OPENED)
    assert await asked(database, pnl_proof.READ, live(window="All")) == []
    assert pnl_proof.READ.scalar is not None
    assert pnl_proof.READ.scalar([]) is None
