"""What is summed up by day takes smaller steps where one takes too long, and one sum that fails stops no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from main.database.address import Address
from main.database.kept_days import roll_order_days, roll_trade_days
from main.database.pool import Database
from main.errors import DatabaseTimeout
from tests.conftest import administrator
from tests.given import DAY, MINUTE, MOMENT, given_account, given_equity, given_order_event, given_trade, rolled_up

DAYS_OF_ORDERS = "SELECT count(DISTINCT day) FROM order_days WHERE width = 'day'"
TRADED = "SELECT DISTINCT account_id::text FROM trade_days ORDER BY 1"


@asynccontextmanager
async def failing(address: Address, roll: str, condition: str, code: str) -> AsyncIterator[None]:
    """Let one of the functions fail with a code of PostgreSQL where a condition of its account and days holds."""
    admin = await administrator(address)
    try:
        await admin.execute(f"""
            ALTER FUNCTION {roll}(text, integer) RENAME TO sound_{roll};
            CREATE FUNCTION {roll}(for_account text, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
            BEGIN
                IF {condition} THEN
                    RAISE EXCEPTION 'as this test will have it' USING ERRCODE = '{code}';
                END IF;
                RETURN sound_{roll}(for_account, most);
            END
            $$;
            GRANT EXECUTE ON FUNCTION {roll}(text, integer) TO ai_trader_service
        """)
        yield
        await admin.execute(f"DROP FUNCTION {roll}; ALTER FUNCTION sound_{roll} RENAME TO {roll}")
    finally:
        await admin.close()


async def test_days_with_too_many_orders_for_one_statement_are_summed_up_fewer_at_a_time(
    address: Address, service: Database
) -> None:
    await given_account(service)
    for day in range(30):
        await given_order_event(service, "rejected", MOMENT - day * DAY)
    async with failing(address, "roll_order_days", "most > 3", "query_canceled"):
        assert await roll_order_days(service) >= 30
    async with service.scoped() as connection:
        assert await connection.fetchval(DAYS_OF_ORDERS) == 30


async def test_a_day_that_alone_takes_too_long_is_told_of_and_not_tried_for_ever(
    address: Address, service: Database
) -> None:
    await given_account(service)
    await given_order_event(service, "rejected", MOMENT)
    async with failing(address, "roll_order_days", "true", "query_canceled"):
        with pytest.raises(DatabaseTimeout):
            await roll_order_days(service)


async def test_an_account_that_cannot_be_summed_up_stops_neither_the_others_nor_any_other_roll_up(
    address: Address, service: Database
) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
        await given_trade(service, 5, MOMENT, account)
    await given_order_event(service, "rejected", MOMENT)
    await given_equity(service, 100, 101, ending=MOMENT, every=MINUTE)
    async with failing(address, "roll_trade_days", "for_account = 'A'", "program_limit_exceeded"):
        with pytest.raises(asyncpg.ProgramLimitExceededError, match="as this test will have it"):
            await rolled_up(service)
    async with service.scoped() as connection:
        assert [row[0] for row in await connection.fetch(TRADED)] == ["B"]
        assert await connection.fetchval(DAYS_OF_ORDERS) == 1
        assert await connection.fetchval("SELECT count(*) FROM equity_rollups") > 0
    assert await roll_trade_days(service) > 0
