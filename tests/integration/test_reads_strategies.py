"""Which strategies can be chosen, of which accounts, and from when on?"""

from main.database.pool import Database
from main.monitoring.reads import strategies
from main.monitoring.reads.strategies import AccountStrategy
from tests.given import (
    DAY,
    HOUR,
    MOMENT,
    asked,
    given_account,
    given_heartbeat,
    given_position,
    given_trade,
    live,
    past,
)


async def names(database: Database, scope: object) -> list[tuple[str, str]]:
    found: list[AccountStrategy] = await asked(database, strategies.READ, scope)  # type: ignore[arg-type]
    return [(row.strategy, row.account) for row in found]


async def test_strategies_come_from_bots_positions_and_trades_and_none_is_made_up(
    service: Database, database: Database
) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    assert await names(database, live("A", "B")) == []
    await given_heartbeat(service, MOMENT, strategy="maker")
    await given_position(service, "X", strategy="rotation", at=MOMENT)
    await given_trade(service, 1, MOMENT - HOUR, "B", strategy="maker")
    await given_trade(service, 1, MOMENT - HOUR, "B")
    assert await names(database, live("A", "B")) == [("maker", "A"), ("maker", "B"), ("rotation", "A")]
    assert await names(database, live("B")) == [("maker", "B")]


async def test_trades_of_long_ago_count_once_they_are_summed_up_and_not_before_they_closed(
    service: Database, database: Database
) -> None:
    await given_account(service, "A")
    await given_trade(service, 1, MOMENT - 100 * DAY, strategy="old")
    async with service.scoped() as connection:
        await connection.execute("SELECT roll_trade_days('A', 10)")
    assert await names(database, live("A")) == [("old", "A")]
    assert await names(database, past(MOMENT - 200 * DAY)) == []


async def test_nobody_learns_the_strategies_of_accounts_that_are_not_asked_about(
    service: Database, database: Database
) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_trade(service, 1, MOMENT - HOUR, "B", strategy="secret")
    assert await names(database, live("A")) == []
