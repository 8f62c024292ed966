"""What do the reads say where two answers would do: two observations of one moment, the ends of a trade, long lists?"""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from main.database.pool import Database
from main.monitoring.reads import (
    account_summary,
    correlation,
    costs,
    cumulative_pnl,
    daily_pnl,
    drawdowns,
    equity,
    pnl_proof,
    trade,
)
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_equity,
    given_snapshots,
    given_trade,
    live,
)
from tests.given_trades import asked_with, given_closed, random_trades

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("first", ["bot", "ledger"])
async def test_of_two_observations_of_one_moment_every_read_takes_the_one_learned_last(
    first: str, service: Database, database: Database
) -> None:
    await given_account(service)
    second = "ledger" if first == "bot" else "bot"
    wrong: dict[str, Any] = {"source": first, "recorded_at": MOMENT, "unrealized_pnl": 0}
    right: dict[str, Any] = {"source": second, "recorded_at": MOMENT + HOUR, "unrealized_pnl": 0}
    await given_equity(service, 100, 101, 102, every=6 * HOUR, **wrong)
    await given_equity(service, 200, 201, 204, every=6 * HOUR, **right)
    points = await asked(database, equity.READ, live())
    card = (await asked(database, account_summary.READ, live()))[0]
    assert [point.equity for point in points] == [200, 201, 204]
    assert (card.equity, card.today_pnl) == (204, 4)
    assert [day.pnl for day in await asked(database, daily_pnl.READ, live())] == [4]
    assert {row.pnl for row in await asked(database, cumulative_pnl.READ, live())} == {4}
    assert [row.change for row in await asked(database, pnl_proof.READ, live())] == [4]


async def test_who_lost_more_than_there_was_is_more_than_everything_below_the_peak_in_every_read(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, 100, -20)
    [row] = await asked(database, drawdowns.READ, live())
    card = (await asked(database, account_summary.READ, live()))[0]
    assert (row.current.value, row.deepest.value) == (pytest.approx(-1.2), pytest.approx(-1.2))
    assert card.drawdown == card.max_drawdown == card.today_return == row.deepest.value
    assert row.worst[0].depth == row.deepest.value


async def test_the_newest_trades_of_all_accounts_together_have_their_costs_listed(
    service: Database, database: Database
) -> None:
    closed = []
    for place, account in enumerate(("A", "B")):
        await given_account(service, account)
        times = [MOMENT - MINUTE * (2 * index + place) for index in range(150)]
        closed += random_trades(Random(place), times, account)
    await given_closed(service, closed)
    rows = await asked_with(database, costs.READ, live("A", "B", window="All"), costs.CostsParams(by="trade"))
    newest = sorted(closed, key=lambda each: each.at, reverse=True)[:200]
    assert [(row.name.partition("/")[0], row.fees) for row in rows] == [(each.account, each.fees) for each in newest]


@pytest.mark.parametrize("kind", ["BUY", "SELL"])
@pytest.mark.parametrize("held", [40 * SECOND, 8 * HOUR, 40 * DAY])
async def test_only_prices_of_the_time_it_was_open_are_a_trades_excursions(
    kind: str, held: timedelta, service: Database, database: Database
) -> None:
    best, worst = (0.05, -0.02) if kind == "BUY" else (0.02, -0.05)
    await given_account(service)
    entered = MOMENT - held
    own: dict[str, Any] = {
        "transaction_type": kind,
        "entry_time": entered,
        "entry_price": 100,
        "exit_price": 101,
        "source_id": "t",
    }
    await given_trade(service, 1, MOMENT, **own)
    for at, mid in (
        (entered - SECOND, 50),
        (entered + SECOND, 98),
        (entered + held / 2, 100),
        (MOMENT - SECOND, 105),
        (MOMENT + SECOND, 900),
    ):
        await given_snapshots(service, at, mid=mid, best_bid=mid, best_ask=mid)
    scope = live(moment=MOMENT + DAY)
    detail = await asked_with(database, trade.READ, scope, trade.TradeId("A/bot/t"))
    assert (detail.mfe.value, detail.mae.value) == (pytest.approx(best), pytest.approx(worst))


async def test_a_strategy_that_is_called_like_no_strategy_has_the_results_of_both(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for day in range(40):
        for strategy, net in (("-", day % 7), (None, day % 5), ("other", day % 7 + day % 5)):
            await given_trade(service, net, MOMENT - DAY * day, strategy=strategy)
    [matrix] = await asked(database, correlation.READ, live(window="All"))
    assert matrix.names == ["-", "other"]
    assert matrix.cells[0][1].value == pytest.approx(1)
