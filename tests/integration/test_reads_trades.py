"""Pages, statistics, distribution, costs and details of closed trades, against pandas and sums made by hand."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, get_args

import numpy
import pandas
import pytest

from main.analytics.figure import Figure
from main.database.kept_days import roll_trade_days
from main.database.pool import Database
from main.monitoring.reads import costs, pnl_by, pnl_by_period, pnl_calendar, trade_distribution, trade_statistics
from main.monitoring.reads import trade as trade_read
from main.monitoring.reads import trades as trades_read
from main.monitoring.reads.costs import CostsParams
from main.monitoring.reads.pnl_by import PnlByParams
from main.monitoring.reads.pnl_by_period import PeriodParams
from main.monitoring.reads.pnl_calendar import CalendarParams
from main.monitoring.reads.trade import TradeId
from main.monitoring.reads.trades import TradesPage
from main.monitoring.trade_filter import TradeFilter
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_fill,
    given_flow,
    given_heartbeat,
    given_instrument,
    given_snapshots,
    given_trade,
    insert,
    live,
    past,
)
from tests.given_trades import SYMBOLS, asked_with, given_closed, random_trades

ALL = live(window="All")
KNOWN_LATER = MOMENT + HOUR
HALF = Decimal("0.1")
"""Half the spread of the books in these tests."""


async def test_pages_follow_each_other_without_gap_or_overlap_in_every_order(
    service: Database, database: Database
) -> None:
    await given_account(service)
    times = [MOMENT - MINUTE * (index // 3) for index in range(60)]  # three at a time, and many of equal worth
    await given_closed(service, random_trades(Random(1), times))
    for sort in get_args(trades_read.Sort):
        pages = [
            (await asked_with(database, trades_read.READ, ALL, TradesPage(limit=7, offset=7 * index, sort=sort))).items
            for index in range(9)
        ]
        assert [len(page) for page in pages] == [7] * 8 + [4]
        items = [item for page in pages for item in page]
        assert len({item.id for item in items}) == 60
        values = [getattr(item, sort.removeprefix("-")) for item in items]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert values == known + [None] * (len(values) - len(known))


@pytest.mark.parametrize(
    "params",
    [
        TradesPage(symbol="aa"),
        TradesPage(symbol="%"),
        TradesPage(exit_type="signal"),
        TradesPage(side="long"),
        TradesPage(side="short", symbol="msft", exit_type="stop_loss"),
    ],
)
async def test_the_filter_narrows_the_page_and_its_summary_alike(
    params: TradesPage, service: Database, database: Database
) -> None:
    await given_account(service)
    closed = random_trades(Random(2), [MOMENT - 37 * HOUR * index for index in range(50)])
    await given_closed(service, closed)
    await roll_trade_days(service)
    wanted = [
        each
        for each in closed
        if (params.symbol or "").lower() in each.symbol.lower()
        and params.exit_type in (None, each.exit_type)
        and params.side in (None, "long" if each.type == "BUY" else "short")
    ]
    found = await asked_with(database, trades_read.READ, ALL, params)
    assert [item.pnl for item in found.items] == [each.net for each in wanted][:50]
    assert found.total == found.summary[0].total_trades == len(wanted)
    assert [found.summary[0].wins, found.summary[0].fees] == [
        sum(each.net > 0 for each in wanted),
        sum((each.fees for each in wanted), Decimal(0)),
    ]
    assert found.summary[0].net_pnl == sum((each.net for each in wanted), Decimal(0))


async def test_segment_tag_and_strategy_are_whole_words(service: Database, database: Database) -> None:
    await given_account(service)
    await given_trade(service, 1, MOMENT, segment="EQ", tags=["plan", "late"], strategy="fast")
    await given_trade(service, 2, MOMENT, segment="FO", strategy="faster")
    for params, strategy, expected in (
        (TradesPage(segment="EQ"), None, [1]),
        (TradesPage(tag="late"), None, [1]),
        (TradesPage(tag="lat"), None, []),
        (TradesPage(), "fast", [1]),
        (TradesPage(segment=""), None, [1, 2]),
    ):
        found = await asked_with(database, trades_read.READ, live(strategy=strategy), params)
        assert sorted(item.pnl for item in found.items) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": 0}, "limit: got 0, expected 1 to 1000"),
        ({"offset": -1}, "offset: got -1, expected 0"),
        ({"sort": "profit"}, 'sort: got "profit", expected one of exit_time, entry_time'),
        ({"side": "buy"}, 'side: got "buy", expected one of long, short'),
        ({"symbol": "a\0"}, "symbol: expected"),
    ],
)
def test_a_bad_parameter_is_refused_with_its_name_and_the_choices(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TradesPage(**params)


def test_so_are_those_of_the_other_reads() -> None:
    for make, message in (
        (lambda: PnlByParams(by="colour"), "by: got"),  # type: ignore[arg-type]
        (lambda: PeriodParams(period="decade"), "period: got"),  # type: ignore[arg-type]
        (lambda: CalendarParams(year=1), "year: got 1"),
        (lambda: CostsParams(by="hour"), "by: got"),  # type: ignore[arg-type]
        (lambda: TradeId("A/b"), "id: expected account/source/source_id"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


async def test_statistics_are_those_of_pandas(service: Database, database: Database) -> None:
    await given_account(service)
    closed = random_trades(Random(3), [MOMENT - HOUR * index for index in range(300)])
    await given_closed(service, closed)
    await roll_trade_days(service)
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    frame = pandas.DataFrame(
        {
            "net": [float(each.net) for each in closed],
            "fees": [float(each.fees) for each in closed],
            "hold": [each.hold.total_seconds() for each in closed],
        }
    )[::-1].reset_index(drop=True)
    wins, losses = frame.net[frame.net > 0], frame.net[frame.net < 0]
    assert (row.trades, row.wins, row.losses) == (300, len(wins), len(losses))
    assert row.break_evens == (frame.net == 0).sum() > 0
    assert float(row.net_pnl) == pytest.approx(frame.net.sum())
    assert float(row.gross_pnl) == pytest.approx((frame.net + frame.fees).sum())
    expected = {
        "win_rate": len(wins) / (len(wins) + len(losses)),
        "profit_factor": wins.sum() / -losses.sum(),
        "expectancy": frame.net.mean(),
        "expectancy_r": (frame.net / -losses.mean()).mean(),
        "average_win": wins.mean(),
        "average_loss": losses.mean(),
        "payoff": wins.mean() / -losses.mean(),
        "best": frame.net.max(),
        "worst": frame.net.min(),
        "average_hold_seconds": frame.hold.mean(),
    }
    assert {name: getattr(row, name).value for name in expected} == pytest.approx(expected, rel=1e-9)
    decided = pandas.Series(numpy.sign(frame.net[frame.net != 0])).reset_index(drop=True)
    runs = decided.groupby((decided != decided.shift()).cumsum()).agg(["first", "size"])
    assert row.longest_winning_streak == runs[runs["first"] > 0]["size"].max()
    assert row.longest_losing_streak == runs[runs["first"] < 0]["size"].max()
    assert row.current_streak == runs.iloc[-1].prod()


async def test_win_rate_profit_factor_and_expectancy_agree_with_each_other_and_with_the_summary(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_closed(service, random_trades(Random(4), [MOMENT - HOUR * index for index in range(40)]))
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    summary = (await asked_with(database, trades_read.READ, ALL)).summary[0]
    assert (row.win_rate, row.profit_factor, row.expectancy) == (
        summary.win_rate,
        summary.profit_factor,
        summary.expectancy,
    )
    share = row.wins / row.trades, row.losses / row.trades
    assert row.expectancy.value == pytest.approx(
        share[0] * row.average_win.value + share[1] * row.average_loss.value, rel=1e-9
    )
    ratio = row.win_rate.value / (1 - row.win_rate.value)
    assert row.profit_factor.value == pytest.approx(ratio * row.payoff.value, rel=1e-9)


async def test_an_account_without_trades_has_zeros_and_reasons(service: Database, database: Database) -> None:
    await given_account(service)
    await roll_trade_days(service)
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    assert (row.trades, row.net_pnl, row.longest_winning_streak, row.recent) == (0, 0, 0, 0)
    assert row.win_rate == row.profit_factor == row.expectancy == row.expectancy_r == Figure(None, "no trades")
    found = await asked_with(database, trades_read.READ, ALL)
    assert (found.items, found.total, found.summary[0].win_rate) == ([], 0, Figure(None, "no trades"))
    for read in (pnl_by, pnl_calendar, pnl_by_period, trade_distribution, costs):
        assert await asked_with(database, read.READ, ALL) == []


async def test_only_losses_have_a_profit_factor_of_zero_and_no_payoff(service: Database, database: Database) -> None:
    await given_account(service)
    for index in range(3):
        await given_trade(service, -10 - index, MOMENT - HOUR * index)
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    assert (row.win_rate.value, row.profit_factor.value, row.current_streak) == (0, 0, -3)
    assert row.average_win == row.payoff == Figure(None, "no wins")
    distribution = (await asked_with(database, trade_distribution.READ, ALL))[0]
    assert all(each.high <= 0 for each in distribution.pnl)
    assert sum(each.count for each in distribution.r) == 3


async def test_one_win_has_no_profit_factor(service: Database, database: Database) -> None:
    await given_account(service)
    await given_trade(service, 5, MOMENT)
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    assert row.profit_factor == Figure(None, "no losses")
    assert row.expectancy_r == Figure(None, "no stops, and no losses to stand for the risk")
    distribution = (await asked_with(database, trade_distribution.READ, ALL))[0]
    assert (distribution.r, distribution.r_reason) == ([], "no stops, and no losses to stand for the risk")


async def test_a_trade_with_a_stop_counts_its_own_risk(service: Database, database: Database) -> None:
    await given_account(service)
    await given_position_with_stop(service, "p1", stop=98, at=MOMENT - HOUR)
    await given_trade(service, 30, MOMENT, position_id="p1", quantity=5)  # risks 2 · 5 · 10 = 100
    await given_trade(service, -40, MOMENT)
    row = (await asked_with(database, trade_statistics.READ, ALL))[0]
    assert row.expectancy_r.value == pytest.approx((0.3 - 1) / 2)
    assert (row.recent, row.recent_with_stop) == (2, 1)


async def test_of_more_trades_than_are_looked_at_the_newest_of_all_accounts_count(
    service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (account, net) in enumerate((("A", -5), ("B", 7), ("A", 3), ("B", 4))):
        if number < 2:
            await given_account(service, account)
        await given_trade(service, net, MOMENT - (4 - number) * MINUTE, account=account)
    scope = live("A", "B")
    monkeypatch.setattr(trade_statistics, "RECENT", 3)
    monkeypatch.setattr(trade_distribution, "RECENT", 3)
    (row,) = await asked(database, trade_statistics.READ, scope)
    assert (row.trades, row.wins, row.losses, row.recent) == (4, 3, 1, 3)
    assert (row.longest_winning_streak, row.longest_losing_streak, row.current_streak) == (3, 0, 3)
    (spread,) = await asked(database, trade_distribution.READ, scope)
    assert (spread.trades, sum(each.count for each in spread.pnl)) == (3, 3)


async def test_what_is_planned_anew_leaves_the_connection_to_plan_others_as_ever(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_trade(service, 5, MOMENT)
    async with database.scoped(("A",)) as connection:
        await trade_distribution.READ.fetch(connection, ALL, TradeFilter())
        (row,) = await connection.fetch("SHOW plan_cache_mode")
    assert row[0] == "auto"


@pytest.mark.parametrize("summed_up", [False, True])
async def test_a_correction_counts_since_it_was_known_and_a_busted_trade_no_more(
    summed_up: bool, service: Database, database: Database
) -> None:
    await given_account(service)
    old = MOMENT - 40 * DAY
    corrected, busted = await given_trade(service, 50, old), await given_trade(service, 1000, old)
    await given_trade(service, 7, MOMENT - HOUR)
    if summed_up:
        await roll_trade_days(service)
    moved = old + DAY
    await given_trade(service, 60, moved, source_id=corrected, revision=1, recorded_at=KNOWN_LATER)
    await given_trade(service, 0, old, source_id=busted, revision=1, quantity=0, recorded_at=KNOWN_LATER)

    async def told(known_later: bool) -> tuple[Decimal, int, list[tuple[date, Decimal]]]:
        scope = ALL if known_later else past(MOMENT, window="All", known_at=MOMENT)
        found = await asked_with(database, trades_read.READ, scope)
        days = await asked_with(database, pnl_by_period.READ, scope)
        calendar = await asked_with(database, pnl_calendar.READ, scope)
        parts = await asked_with(database, pnl_by.READ, scope)
        statistics = await asked_with(database, trade_statistics.READ, scope)
        assert parts[0].net_pnl == statistics[0].net_pnl == found.summary[0].net_pnl == calendar[-1].cumulative
        assert [(day.start, day.net_pnl) for day in days] == [(day.day, day.net_pnl) for day in calendar]
        return found.summary[0].net_pnl, found.total, [(day.start, day.net_pnl) for day in days]

    today = MOMENT.date(), Decimal(7)
    after = (Decimal(67), 2, [(moved.date(), Decimal(60)), today])
    assert await told(False) == (Decimal(1057), 3, [(old.date(), Decimal(1050)), today])
    assert await told(True) == after
    await roll_trade_days(service)
    assert await told(True) == after
    assert (await told(False))[0] == 1057


async def test_sums_follow_a_trade_that_was_changed_or_deleted_by_hand(service: Database, database: Database) -> None:
    await given_account(service)
    keys = [await given_trade(service, net, MOMENT - 40 * DAY) for net in (10, 20)]
    await roll_trade_days(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE trades SET realized_pnl = 15 WHERE source_id = $1", keys[0])
        await connection.execute("DELETE FROM trades WHERE source_id = $1", keys[1])
    for _ in range(2):
        summary = (await asked_with(database, trades_read.READ, ALL)).summary[0]
        assert (summary.net_pnl, summary.total_trades) == (15, 1)
        await roll_trade_days(service)


async def test_sums_are_made_anew_when_the_accounts_day_begins_at_another_time(
    service: Database, database: Database
) -> None:
    await given_account(service, zone="UTC")
    await given_trade(service, 10, MOMENT - 40 * DAY)
    await roll_trade_days(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET zone = 'America/New_York', roll_over = '17:00' WHERE true")
    expected = [MOMENT.date() - timedelta(days=41)]  # 15:00 UTC is before 17:00 in New York
    for _ in range(2):
        assert [row.start for row in await asked_with(database, pnl_by_period.READ, ALL)] == expected
        await roll_trade_days(service)
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT zone FROM trade_days_progress") == "America/New_York"


async def test_currencies_are_never_mixed(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B", currency="EUR")
    await given_account(service, "C")
    for account, net in (("A", 10), ("B", 20), ("C", -30)):
        await given_trade(service, net, MOMENT, account)
    scope = live("A", "B", "C")
    found = await asked_with(database, trades_read.READ, scope)
    assert {row.currency: row.net_pnl for row in found.summary} == {"EUR": 20, "USD": -20}
    assert found.total == 3
    for read in (pnl_by, pnl_calendar, pnl_by_period, trade_statistics):
        rows = await asked_with(database, read.READ, scope)
        assert [(row.currency, row.net_pnl) for row in rows] == [("EUR", 20), ("USD", -20)]
    accounts = await asked_with(database, pnl_by.READ, scope, PnlByParams(by="account"))
    assert [(row.currency, row.name, row.net_pnl) for row in accounts] == [
        ("EUR", "B", 20),
        ("USD", "A", 10),
        ("USD", "C", -30),
    ]


async def test_sums_of_an_account_of_somebody_else_are_not_seen(service: Database, database: Database) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
        await given_trade(service, 10, MOMENT - 40 * DAY, account)
    await roll_trade_days(service)
    async with database.scoped(["A"]) as connection:
        found = await trades_read.READ.fetch(connection, live("A", "B", window="All"))
        assert found.total == 1
        assert [row.net_pnl for row in found.summary or ()] == [10]
        for table in ("trade_days", "trade_marks", "trade_days_progress"):
            assert {row[0] for row in await connection.fetch(f"SELECT account_id FROM {table}")} <= {"A"}


async def test_the_regime_is_the_bots_word_when_the_trade_was_entered(service: Database, database: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, MOMENT - 3 * HOUR, regime="calm")
    await given_heartbeat(service, MOMENT - HOUR, regime="wild")
    await given_trade(service, 1, MOMENT, entry_time=MOMENT - 2 * HOUR)
    await given_trade(service, 2, MOMENT, entry_time=MOMENT - MINUTE)
    await given_trade(service, 3, MOMENT, entry_time=MOMENT - 4 * HOUR)
    rows = await asked_with(database, pnl_by.READ, live(), PnlByParams(by="regime"))
    assert {row.name: row.net_pnl for row in rows} == {"calm": 1, "wild": 2, None: 3}


async def test_the_distribution_counts_every_trade_once_and_no_bin_mixes_gains_and_losses(
    service: Database, database: Database
) -> None:
    await given_account(service)
    closed = random_trades(Random(6), [MOMENT - MINUTE * index for index in range(200)])
    await given_closed(service, closed)
    row = (await asked_with(database, trade_distribution.READ, ALL, TradeFilter(symbol=SYMBOLS[0])))[0]
    nets = [float(each.net) for each in closed if each.symbol == SYMBOLS[0]]
    assert row.trades == len(nets) == sum(each.count for each in row.pnl) == sum(each.count for each in row.r)
    for each in row.pnl:
        assert each.count == sum(each.low <= net < each.high for net in nets)
        assert each.low >= 0 or each.high <= 1e-9


async def test_a_trades_costs_are_worked_out_from_its_fills(service: Database, database: Database) -> None:
    await given_costly_trade(service)
    row = (await asked_with(database, costs.READ, live(), CostsParams(by="trade")))[0]
    # Bought at 100.2 over a mid of 100.1, sold at 104.8 under one of 105: 2 units · 10 · (0.1 + 0.2).
    assert (row.name, row.trades, row.fees, row.measured) == ("A/bot/round", 1, Decimal("1.5"), 1)
    assert row.slippage == Decimal(6)
    assert row.slippage_bps == pytest.approx(6 / (20 * (100.1 + 105)) * 1e4)
    assert row.spread == 0  # a taker paid half of 0.2, a maker earned it
    assert row.funding is None
    month = await asked_with(database, costs.READ, live())
    assert [(each.name, each.trades, each.fees, each.funding) for each in month] == [
        ("2026-11", 1, Decimal("1.5"), Decimal(3))
    ]
    assert month[0].slippage == row.slippage
    strategies = await asked_with(database, costs.READ, live(), CostsParams(by="strategy"))
    assert [(each.name, each.fees_per_trade) for each in strategies] == [("fast", Decimal("1.5"))]


async def test_costs_that_nobody_recorded_are_unknown_and_not_zero(service: Database, database: Database) -> None:
    await given_account(service)
    await given_trade(service, 5, MOMENT, fees="2")
    row = (await asked_with(database, costs.READ, live(), CostsParams(by="symbol")))[0]
    assert (row.name, row.fees, row.measured) == ("X", 2, 0)
    assert (row.slippage, row.slippage_bps, row.spread, row.spread_bps) == (None,) * 4


async def test_one_trade_opens_to_its_fills_orders_path_and_risk(service: Database, database: Database) -> None:
    await given_costly_trade(service)
    found = await asked_with(database, trade_read.READ, live(), TradeId("A/bot/round"))
    assert (found.trade.id, found.trade.pnl, found.trade.notes) == ("A/bot/round", Decimal("90.5"), "as planned")
    assert [(fill.leg, fill.price, fill.liquidity) for fill in found.fills] == [
        ("entry", Decimal("100.2"), "taker"),
        ("exit", Decimal("104.8"), "maker"),
    ]
    assert [(order.order_id, order.status) for order in found.orders] == [("o-in", "filled")]
    assert found.entry_slippage_bps.value == pytest.approx(0.1 / 100.1 * 1e4)
    assert found.exit_slippage_bps.value == pytest.approx(0.2 / 105 * 1e4)
    assert (found.initial_stop, found.risk.value) == (98, pytest.approx(2.2 * 2 * 10))
    assert found.r_multiple.value == pytest.approx(90.5 / 44)
    assert [point.mid for point in found.path] == [100.1, 97.0, 105.0]
    assert found.mae.value == pytest.approx((97 - 100.2) / 100.2)
    assert found.mfe.value == pytest.approx((105 - 100.2) / 100.2)


async def test_a_trade_is_not_there_before_it_was_closed_known_or_once_it_was_busted(
    service: Database, database: Database
) -> None:
    await given_account(service)
    key = await given_trade(service, 5, MOMENT - HOUR, source="a/b")
    wanted = TradeId(f"A/a/b/{key}")
    for scope, there in (
        (live(), True),
        (past(MOMENT - 2 * HOUR), False),
        (past(MOMENT, known_at=MOMENT - 2 * HOUR), False),
        (live("B"), False),
    ):
        found = await asked_with(database, trade_read.READ, scope, wanted)
        assert (found is not None) == there
    assert await asked_with(database, trade_read.READ, live()) is None
    await given_trade(service, 0, MOMENT - HOUR, source="a/b", source_id=key, revision=1, quantity=0)
    assert await asked_with(database, trade_read.READ, live(), wanted) is None


async def given_costly_trade(service: Database) -> None:
    """A long trade of two units with a multiplier of ten, its fills, an order, books, a stop and funding."""
    await given_account(service)
    await given_instrument(service, multiplier=10)
    entry, leave = MOMENT - HOUR, MOMENT - MINUTE
    legs = (("buy", "100.2", entry, "in", "100.1", "taker"), ("sell", "104.8", leave, "out", "105", "maker"))
    for side, price, at, key, mid, liquidity in legs:
        given = {"source_id": key, "order_id": f"o-{key}", "arrival_mid": mid, "liquidity": liquidity}
        await given_fill(service, side, 2, price, at, multiplier=10, **given)
        await given_snapshots(service, at, mid=mid, best_bid=Decimal(mid) - HALF, best_ask=Decimal(mid) + HALF)
    await given_snapshots(service, MOMENT - 30 * MINUTE, mid=97)
    order = {"account_id": "A", "order_id": "o-in", "source": "bot", "symbol": "X", "side": "buy", "status": "filled"}
    times = {"placed_at": entry, "at": entry}
    await insert(service, "orders", [order | times | {"order_type": "market", "quantity": 2, "filled_quantity": 2}])
    await given_position_with_stop(service, "p1", stop=98, at=entry)
    await given_flow(service, -3, MOMENT - HOUR, kind="funding")
    await given_trade(
        service,
        "90.5",
        leave,
        fees="1.5",
        source_id="round",
        entry_time=entry,
        entry_price="100.2",
        exit_price="104.8",
        quantity=2,
        entry_fill="in",
        exit_fill="out",
        position_id="p1",
        strategy="fast",
        notes="as planned",
    )


async def given_position_with_stop(service: Database, position: str, *, stop: int, at: object) -> None:
    """What is left of a position that had a stop: its history, known since it was opened."""
    values = {"operation": "insert", "changed_at": at, "account_id": "A", "position_id": position, "source": "bot"}
    state = {"symbol": "X", "side": "long", "quantity": 5, "entry_time": at, "entry_price": 100, "at": at}
    more = {"lot_size": 1, "multiplier": 10, "is_active": True, "recorded_at": at, "initial_stop": stop}
    await insert(service, "positions_history", [values | state | more])


async def test_a_question_about_months_reads_the_sums_and_asks_only_the_ends_and_changed_days_of_the_trades(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_closed(service, random_trades(Random(8), [MOMENT - 5 * HOUR * index for index in range(700)]))
    await roll_trade_days(service)
    async with service.scoped() as connection:
        await connection.execute("UPDATE trade_days SET trades = 10000")
    scope = live(window="3M")
    untouched = (await asked_with(database, trades_read.READ, scope)).total
    assert untouched > 20_000
    assert untouched % 10_000 < 20
    by_day = [row.trades >= 10_000 for row in await asked_with(database, pnl_by_period.READ, scope)]
    assert sum(by_day) >= 89
    assert (await asked_with(database, trades_read.READ, live(window="3M"), TradesPage(symbol="a"))).total > 20_000
    assert (await asked_with(database, trades_read.READ, past(MOMENT, window="3M", known_at=MOMENT))).total < 700
    await given_trade(service, 1, MOMENT - 50 * DAY)
    now = [row.trades >= 10_000 for row in await asked_with(database, pnl_by_period.READ, scope)]
    assert sum(now) == sum(by_day) - 1


async def test_accounts_whose_sums_are_up_to_date_cost_the_worker_nothing(service: Database) -> None:
    await given_account(service)
    await given_trade(service, 10, MOMENT)
    assert [await roll_trade_days(service) > 0 for _ in range(2)] == [True, False]
    await given_trade(service, 10, MOMENT - 400 * DAY)
    await given_trade(service, 10, MOMENT)
    assert [await roll_trade_days(service) for _ in range(2)] == [2, 0]
