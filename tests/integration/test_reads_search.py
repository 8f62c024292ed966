"""Does the search find symbols by a part of their name and trades by symbol and id, and nothing of other accounts?"""

import pytest

from main.database.pool import Database
from main.monitoring.reads import search
from main.monitoring.reads.search import Hit, Wanted
from tests.given import (
    DAY,
    HOUR,
    MOMENT,
    given_account,
    given_instrument,
    given_position,
    given_trade,
    live,
    past,
)


async def found(database: Database, text: str, *accounts: str) -> list[Hit]:
    scope = live(*accounts)
    async with database.scoped(scope.accounts) as connection:
        return await search.READ.fetch(connection, scope, Wanted(text))


async def test_symbols_are_found_by_any_part_the_same_name_first(service: Database, database: Database) -> None:
    await given_account(service)
    for symbol in ("ETHBTC", "BTCUSD", "BTC", "SPY", "100%_X"):
        await given_instrument(service, symbol)
    await given_position(service, "HELDBTC", at=MOMENT)
    assert [hit.id for hit in await found(database, "btc")] == ["BTC", "BTCUSD", "ETHBTC", "HELDBTC"]
    assert [hit.id for hit in await found(database, "%_")] == ["100%_X"]
    assert await found(database, "") == []
    assert await found(database, "nowhere") == []


async def test_trades_are_found_by_symbol_newest_first_and_by_either_form_of_their_id(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service, "SPY")
    ids = [await given_trade(service, n, MOMENT - n * HOUR, symbol="SPY", source_id=f"t{n}") for n in (3, 1, 2)]
    assert ids == ["t3", "t1", "t2"]
    trades = [hit for hit in await found(database, "spy") if hit.kind == "trade"]
    assert [hit.pnl for hit in trades] == [1, 2, 3]
    for text in ("t2", trades[1].id):
        hits = await found(database, text)
        assert [(hit.kind, hit.id, hit.side) for hit in hits] == [("trade", trades[1].id, "long")]


async def test_nothing_is_told_of_other_accounts_nor_of_what_came_later(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B", source="other")
    await given_instrument(service, "SECRET", source="other")
    await given_trade(service, 1, MOMENT - HOUR, "B", symbol="SECRET", source_id="t1")
    assert await found(database, "secret", "A") == []
    assert await found(database, "t1", "A") == []
    assert [hit.kind for hit in await found(database, "secret", "B")] == ["symbol", "trade"]
    scope = past(MOMENT - DAY, "B")
    async with database.scoped(scope.accounts) as connection:
        hits = await search.READ.fetch(connection, scope, Wanted("secret"))
    assert [hit.kind for hit in hits] == ["symbol"]


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 200"):
        Wanted("x" * 201)


async def test_of_a_symbols_trades_a_day_is_asked_for_by_its_ends(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service, "SPY")
    for n in range(12):
        await given_trade(service, n, MOMENT - n * DAY, symbol="SPY")
    async with database.scoped(["A"]) as connection:
        wanted = Wanted("spy", MOMENT - 10 * DAY, MOMENT - 9 * DAY)
        hits = await search.READ.fetch(connection, live("A"), wanted)
    assert [(hit.kind, hit.pnl) for hit in hits] == [("symbol", None), ("trade", 10)]
    with pytest.raises(ValueError, match="closed_from: expected a time with its zone"):
        Wanted("spy", MOMENT.replace(tzinfo=None))
