"""What was recorded lately is found without a look at the pages of months that are over."""

from datetime import timedelta

import asyncpg
import pytest

from main.clock import now
from main.database.partitions import summarize_past_months
from main.database.pool import Database
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
