"""A replay that is stopped or killed goes on as if nothing had been: the same rows as of a run without a pause."""

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from main.config import Settings, load_settings
from main.database.address import Address
from main.database.pool import Database
from main.trading.run import run_bot
from tests.prices import write_bars
from tests.running import first_of_free_ports, told

PATIENCE = 30.0
DAYS = 250  # trading days of 2012
ROWS = {
    "fills": "at, source_id",
    "trades": "exit_time, source_id",
    "positions": "position_id",
    "orders": "order_id",
    "order_events": "at, source_id",
    "cash_flows": "at, source_id",
    "trading_pnl": "at",
    "daily_stats": "day",
    "alerts": "fired_at, rule",
}
ACCOUNTS = """
accounts:
  - {id: WHOLE-A, daily_loss_limit: 120}
  - {id: PARTS-A, daily_loss_limit: 120}
  - {id: WHOLE-B, strategy: sector_rotation}
  - {id: PARTS-B, strategy: sector_rotation}
"""
"""A hits its loss limit every now and then; B holds what has risen most in half a year."""

OWN = {"account_id", "recorded_at", "alert_id", "import_run_id", "id"}
"""What may differ between two accounts that did the same."""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Four stocks of a year, every other file with capitalised columns."""
    return write_bars(tmp_path / "prices", "2012-01-01", "2012-12-31")


def settings_for(prices: Path, accounts: str, **trade: object) -> Settings:
    values = {"feed": f"replay:{prices}", "account": accounts, "health_port": first_of_free_ports(2), **trade}
    (prices / "config").mkdir(exist_ok=True)
    (prices / "config" / "dashboards.yaml").write_text(ACCOUNTS)
    return load_settings(given_settings(values), env=folder_of(prices), cwd=prices)


def given_settings(trade: Mapping[str, object]) -> dict[str, object]:
    return {f"trade.{name}": value for name, value in trade.items()}


def folder_of(prices: Path) -> dict[str, str]:
    """A data folder of its own: what a killed bot left there must not reach another test's database."""
    return {"AI_TRADER_DATA_DIR": str(prices / "data")}


async def value(service: Database, sql: str, *arguments: object) -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(sql, *arguments)


async def ticks(service: Database, account: str) -> int:
    return int(await value(service, "SELECT count(*) FROM trading_pnl WHERE account_id = $1", account))


async def run_until(settings: Settings, address: Address, met: Callable[[], Awaitable[bool]]) -> None:
    """Trade until a condition is met, then stop as a user would."""
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))
    try:
        async with asyncio.timeout(PATIENCE):
            while not await met():
                assert not bot.done(), bot.result()
                await asyncio.wait({bot}, timeout=0.01)
    finally:
        stop.set()
        await bot


async def run_to_the_end(settings: Settings, address: Address, service: Database) -> None:
    accounts = (settings.trade.account or "").split(",")
    over = "SELECT count(DISTINCT account_id) FROM bot_heartbeats WHERE account_id = ANY ($1) AND status = 'finished'"

    async def finished() -> bool:
        return bool(await value(service, over, accounts) == len(accounts))

    await run_until(settings, address, finished)


async def rows_of(service: Database, account: str) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with service.scoped() as connection:
        for table, order in ROWS.items():
            rows = await connection.fetch(f"SELECT * FROM {table} WHERE account_id = $1 ORDER BY {order}", account)
            found[table] = [{name: each for name, each in row.items() if name not in OWN} for row in rows]
    return found


async def assert_same(service: Database, account: str, other: str) -> None:
    """Compare table by table and row by row, so that a difference names its place."""
    one, two = await rows_of(service, account), await rows_of(service, other)
    for table in ROWS:
        assert len(one[table]) == len(two[table]), table
        for mine, theirs in zip(one[table], two[table], strict=True):
            assert mine == theirs, table


async def test_a_replay_stopped_in_the_middle_gives_the_books_of_one_that_was_not(prices, address, service):
    await run_to_the_end(settings_for(prices, "WHOLE-A,WHOLE-B", speed=1000), address, service)
    for stop_at in (1, 17, 130):

        async def far_enough(stop_at: int = stop_at) -> bool:
            return await ticks(service, "PARTS-B") >= stop_at

        await run_until(settings_for(prices, "PARTS-A,PARTS-B", speed=50), address, far_enough)
    assert await ticks(service, "PARTS-B") < DAYS
    await run_to_the_end(settings_for(prices, "PARTS-A,PARTS-B", speed=1000), address, service)
    await assert_all_same(service)


async def assert_all_same(service: Database) -> None:
    blocked = "SELECT count(*) FROM daily_stats WHERE trading_blocked AND account_id = $1"
    for name, fills, blocks in (("A", 200, 2), ("B", 5, 0)):
        assert await ticks(service, f"WHOLE-{name}") == DAYS
        assert await value(service, "SELECT count(*) FROM fills WHERE account_id = $1", f"WHOLE-{name}") >= fills
        assert await value(service, blocked, f"WHOLE-{name}") >= blocks
        await assert_same(service, f"WHOLE-{name}", f"PARTS-{name}")
    refused = "SELECT count(*) FROM system_events WHERE kind IN ('record_conflict', 'error')"
    assert await value(service, refused) == 0
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0


KILLABLE = """
import asyncio, json, sys
from pathlib import Path
from main.config import load_settings
from main.database.address import Address
from main.trading.run import run_bot

given = json.load(sys.stdin)
settings = load_settings(given["trade"], env=given["environment"], cwd=Path(given["folder"]))
asyncio.run(run_bot(settings, Address(**given["address"]), asyncio.Event()))
"""


async def run_and_kill(
    settings: Settings, prices: Path, address: Address, met: Callable[[], Awaitable[bool]], pause: float
) -> None:
    """Trade in a process of its own, and kill it `pause` seconds after a condition is met."""
    trade = settings.trade.model_dump(exclude_defaults=True)
    given = {
        "trade": given_settings(trade),
        "environment": folder_of(prices),
        "folder": str(prices),
        "address": told(address),
    }
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLABLE, stdin=asyncio.subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert bot.stdin is not None
    bot.stdin.write(json.dumps(given).encode())
    bot.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE):
            while not await met():
                assert bot.returncode is None, "the bot ended by itself"
                await asyncio.sleep(0.005)
        await asyncio.sleep(pause)
    finally:
        with contextlib.suppress(ProcessLookupError):
            bot.kill()
        await bot.wait()


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_replay_killed_again_and_again_gives_the_books_of_one_that_was_not(prices, address, service, seed):
    chance = random.Random(seed)
    await run_to_the_end(settings_for(prices, "WHOLE-A,WHOLE-B", speed=1000), address, service)
    for least in (1, 50, 131):
        wanted = least + chance.randint(0, 15)

        async def far_enough(wanted: int = wanted) -> bool:
            return await ticks(service, "PARTS-B") >= wanted

        settings = settings_for(prices, "PARTS-A,PARTS-B", speed=80)
        await run_and_kill(settings, prices, address, far_enough, chance.uniform(0, 0.3))
    assert await ticks(service, "PARTS-B") < DAYS, "killed too late to prove anything"
    await run_to_the_end(settings_for(prices, "PARTS-A,PARTS-B", speed=1000), address, service)
    await assert_all_same(service)
