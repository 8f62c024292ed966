"""The books of our own bot against the fold: what it wrote while it traded is what its facts say."""

from pathlib import Path

from main.books.rebuild import rebuild
from main.database.address import Address
from main.database.pool import Database
from tests.integration.test_books import EPOCH
from tests.integration.test_trading import running, settings_for, until, value, write_prices


async def test_a_rebuild_of_a_whole_replay_of_real_prices_changes_nothing(
    tmp_path: Path, address: Address, service: Database
) -> None:
    write_prices(tmp_path, 80)
    settings = settings_for(tmp_path, f"replay:{tmp_path}", speed=500, account="R")

    async def finished() -> bool:
        newest = "SELECT status = 'finished' FROM bot_heartbeats ORDER BY recorded_at DESC LIMIT 1"
        return bool(await value(service, newest))

    async with running(settings, address) as bot:
        await until(finished, bot)
    assert await value(service, "SELECT count(*) FROM trades") > 10
    rebuilt = await rebuild(service, "R", EPOCH)
    assert (rebuilt.trades, rebuilt.equity, rebuilt.days, rebuilt.positions) == (0, 0, 0, 0)
    assert not (await rebuild(service, "R", EPOCH)).changed
