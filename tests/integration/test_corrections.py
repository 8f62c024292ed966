"""Facts that others correct or record while the bot trades: its own books and the stored rows follow within seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from main.books.verify import verify
from main.config import Settings, load_settings
from main.database.address import Address
from main.database.pool import Database
from main.trading.run import run_bot
from tests.running import free_ports

PATIENCE = 40.0
ACCOUNTS = ["SIM", "SIM-EUR"]
BUST = """
    INSERT INTO fills
    SELECT (jsonb_populate_record(f, '{"quantity": 0, "fee": 0, "revision": 1}' || known)).*
      FROM fills f, jsonb_build_object('recorded_at', clock_timestamp()) AS known
     WHERE (account_id, source_id) IN (SELECT DISTINCT ON (account_id) account_id, exit_fill
                                         FROM trades WHERE account_id = ANY ($1) ORDER BY account_id, exit_time)
"""
LATE = """
    INSERT INTO fills (at, account_id, source, source_id, symbol, side, quantity, price)
    SELECT min(at) + interval '1 microsecond', account_id, 'broker', 'late', min(symbol), 'buy', 1, min(price)
      FROM fills WHERE account_id = 'SIM' GROUP BY account_id
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    trade = {"feed": "sim", "account": ",".join(ACCOUNTS), "history_days": 0, "interval": 0.1}
    trade["health_port"] = min(free_ports(2))
    return load_settings({f"trade.{name}": value for name, value in trade.items()}, env={}, cwd=tmp_path)


async def value(service: Database, sql: str, *arguments: object) -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(sql, *arguments)


async def until(met: Callable[[], Awaitable[bool]], bot: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE):
        while not await met():
            assert not bot.done(), bot.result()
            await asyncio.wait({bot}, timeout=0.05)


async def test_busted_and_late_fills_reach_the_books_of_a_bot_that_trades_on(
    settings: Settings, address: Address, service: Database
) -> None:
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))
    told = "SELECT count(*) FROM system_events WHERE kind = 'correction' AND account_id = ANY ($1)"

    async def traded() -> bool:
        few = """
            SELECT min(trades) > 3
              FROM (SELECT count(t.account_id) AS trades FROM accounts a LEFT JOIN trades t USING (account_id)
                     GROUP BY a.account_id) AS counted
        """
        return bool(await value(service, few))

    async def corrected() -> bool:
        return bool(await value(service, told, ACCOUNTS) >= 2)

    async def corrected_again() -> bool:
        return bool(await value(service, told, ACCOUNTS) >= 3)

    try:
        await until(traded, bot)
        async with service.scoped() as connection:
            assert await connection.execute(BUST, ACCOUNTS) == "INSERT 0 2"
        await until(corrected, bot)
        async with service.scoped() as connection:
            assert await connection.execute(LATE) == "INSERT 0 1"
        await until(corrected_again, bot)
        before = await value(service, "SELECT count(*) FROM trading_pnl")

        async def went_on() -> bool:
            return bool(await value(service, "SELECT count(*) > $1 FROM trading_pnl", before + 20))

        await until(went_on, bot)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.trade.health_port}") as client:
            status = (await client.get("/status")).json()
            assert (status["status"], status["errors"]) == ("running", 0)
    finally:
        stop.set()
        await bot
    for verified in await verify(service, ACCOUNTS):
        assert (verified.differences, verified.skipped) == ((), None)
    gone = """
        SELECT count(*) FROM trades t JOIN fills f ON (f.account_id, f.source_id) = (t.account_id, t.exit_fill)
         WHERE f.quantity = 0 AND t.quantity > 0
           AND NOT EXISTS (SELECT FROM trades n WHERE (n.account_id, n.source_id) = (t.account_id, t.source_id)
                                                  AND n.revision > t.revision)
    """
    assert await value(service, gone) == 0
    assert await value(service, "SELECT count(*) FROM trades WHERE entry_fill = 'late' OR exit_fill = 'late'") > 0
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind IN ('error', 'record_conflict')") == 0
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0
