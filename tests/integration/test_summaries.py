"""What was recorded lately is found without a look at the pages of months that are over."""

from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from main.clock import now
from main.config import load_settings
from main.database.address import Address
from main.database.partitions import make_partitions_ahead, summarize_past_months
from main.database.pool import Database
from main.housekeeping.duties import Housekeeping
from tests.conftest import administrator
from tests.given import fact, given_account, insert

LONG_AGO = (now() - timedelta(days=100)).replace(day=10)


async def test_the_last_pages_of_a_month_that_is_over_are_summarised_once(service: Database) -> None:
    await given_account(service)
    await summarize_past_months(service)
    async with service.scoped() as connection:
        await connection.execute("SELECT make_month_partition('trading_pnl', $1)", LONG_AGO.date())
    assert await summarize_past_months(service) == 0  # it has no pages yet
    rows = [fact("A", LONG_AGO + step * timedelta(seconds=1)) | {"equity": 100} for step in range(4000)]
    await insert(service, "trading_pnl", rows)
    assert [await summarize_past_months(service) > 0 for _ in range(2)] == [True, False]


async def test_a_dashboard_may_not_have_anything_summarised(database: Database) -> None:
    async with database.scoped() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT summarize_past_months()")


async def test_months_that_cannot_be_summarised_keep_no_partition_of_a_coming_month_from_being_made(
    address: Address, service: Database, tmp_path: Path
) -> None:
    admin = await administrator(address)
    try:
        newest = "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'trading_pnl'::regclass"
        named = newest + " AND inhrelid::regclass::text ~ '[0-9]$'"
        await admin.execute(f"DROP TABLE {await admin.fetchval(named)}")
        await admin.execute("REVOKE EXECUTE ON FUNCTION summarize_past_months() FROM ai_trader_service")
    finally:
        await admin.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):  # and it is told of
        await Housekeeping(load_settings({}, env={}, cwd=tmp_path)).make_partitions(service)
    assert await make_partitions_ahead(service) == 0
