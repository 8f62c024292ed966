"""The market: books, prices, bars, volatility, sectors, breadth and momentum."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from random import Random

import pytest

from main.analytics.microstructure import realised_volatility, volatility_over_time
from main.database.pool import Database
from main.monitoring.reads import (
    breadth,
    candles,
    day_prices,
    indices,
    market_current,
    momentum_ranking,
    order_book,
    sectors,
    spread_history,
    volatility,
)
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_instrument,
    given_position,
    given_snapshots,
    live,
    past,
    rolled_up,
)
from tests.given_market import asked_with, given_bars, given_levels, given_mids

SECOND = timedelta(seconds=1)


async def given_market(service: Database, *symbols: str) -> None:
    await given_account(service)
    for symbol in symbols or ("X",):
        await given_instrument(service, symbol)


async def test_the_watch_list_has_the_newest_book_of_every_symbol_with_its_change_and_volume(
    service: Database, database: Database
) -> None:
    await given_market(service, "X", "Y")
    await given_snapshots(service, MOMENT - 25 * HOUR, mid=80)
    await given_snapshots(service, MOMENT, mid=100, best_bid=99, best_ask=101, spread_bps=200, bid_depth=5, ask_depth=7)
    await given_bars(service, [1, 1, 1], interval="1h", every=HOUR, last=MOMENT - HOUR, volume=4)
    rows = {row.symbol: row for row in await asked(database, market_current.READ, live())}
    x, y = rows["X"], rows["Y"]
    assert (x.mid_price, x.best_bid, x.best_ask, x.spread_bps, x.bid_depth, x.ask_depth) == (100, 99, 101, 200, 5, 7)
    assert (x.change, x.change_since) == (pytest.approx(0.25), MOMENT - 25 * HOUR)
    assert (x.volume, x.volume_coverage) == (12, pytest.approx(3 / 24))
    assert (y.at, y.mid_price, y.change, y.volume, y.volume_coverage) == (None, None, None, None, None)
    assert market_current.READ.as_of is not None
    assert market_current.READ.as_of([x, y]) == MOMENT


async def test_an_unknown_volume_is_left_out_and_said_and_an_only_unknown_one_is_none(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_snapshots(service, MOMENT)
    await given_bars(service, [1], interval="1h", every=HOUR, last=MOMENT - HOUR, volume=None)
    (row,) = await asked(database, market_current.READ, live())
    assert (row.volume, row.volume_coverage) == (None, None)
    await given_bars(service, [1], interval="1h", every=HOUR, last=MOMENT - 2 * HOUR, volume=3)
    (row,) = await asked(database, market_current.READ, live())
    assert (row.volume, row.volume_coverage) == (3, pytest.approx(1 / 24))


async def test_one_symbol_can_be_asked_for_and_another_markets_prices_never_mix(
    service: Database, database: Database
) -> None:
    await given_market(service, "X", "Y")
    await given_instrument(service, "X", source="replay")
    await given_snapshots(service, MOMENT, source="replay", mid=7)
    (row,) = await asked_with(database, market_current.READ, live(), symbol="X")
    assert (row.source, row.mid_price) == ("sim", None)
    assert await asked_with(database, market_current.READ, live(), symbol="nothing") == []


async def test_a_past_moment_sees_the_book_of_then_and_known_at_only_what_had_arrived(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_snapshots(service, MOMENT - HOUR, mid=90)
    await given_snapshots(service, MOMENT, mid=100)
    await given_snapshots(service, MOMENT - HOUR, mid=91, revision=1, recorded_at=MOMENT)
    (corrected,) = await asked(database, market_current.READ, past(MOMENT - MINUTE))
    (shown,) = await asked(database, market_current.READ, past(MOMENT - MINUTE, known_at=MOMENT - MINUTE))
    assert (corrected.mid_price, shown.mid_price) == (91, 90)


async def test_the_ladder_adds_up_from_the_best_price_and_says_which_side_is_deeper(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_snapshots(
        service,
        MOMENT,
        bid_prices=[99, 98],
        bid_sizes=[3, 6],
        ask_prices=[101],
        ask_sizes=[3],
        bid_depth=9,
        ask_depth=3,
    )
    book = await asked(database, order_book.READ, live())
    assert [(level.price, level.size, level.cumulative) for level in book.bids] == [(99, 3, 3), (98, 6, 9)]
    assert [level.cumulative for level in book.asks] == [3]
    assert book.imbalance.value == pytest.approx(0.5)


async def test_depths_are_the_top_five_sizes_whoever_recorded_them_and_no_size_breaks_a_book(
    service: Database, database: Database
) -> None:
    await given_market(service, "X", "Y", "Z")
    levels = {"bid_prices": [9, 8, 7, 6, 5, 4], "bid_sizes": [1, 0, 2, 0, 3, 99]}
    await given_snapshots(service, MOMENT, ask_prices=[9], ask_sizes=[6], spread_bps=0, **levels)
    book = await asked(database, order_book.READ, live())
    assert (book.bid_depth, book.ask_depth, book.imbalance.value, book.spread_bps) == (6, 6, 0.0, 0)  # bid = ask
    assert [level.cumulative for level in book.bids] == [1, 1, 3, 3, 6, 105]
    await given_snapshots(service, MOMENT, symbol="Y", ask_prices=[11], ask_sizes=[4])
    one_sided = await asked_with(database, order_book.READ, live(), symbol="Y")
    assert (one_sided.bids, one_sided.bid_depth, one_sided.ask_depth) == ((), None, 4)
    assert (one_sided.imbalance.value, one_sided.imbalance.reason) == (None, "the depth was not recorded")
    nothing = {"bid_prices": [9], "bid_sizes": [0], "ask_prices": [8], "ask_sizes": [0], "spread_bps": "-1176.4706"}
    await given_snapshots(service, MOMENT, symbol="Z", mid="8.5", best_bid=9, best_ask=8, **nothing)
    crossed = await asked_with(database, order_book.READ, live(), symbol="Z")
    assert (crossed.imbalance.value, crossed.imbalance.reason) == (None, "the book is empty")
    assert crossed.spread_bps < 0


async def test_a_book_without_levels_has_the_imbalance_of_its_depths_or_says_why_it_has_none(
    service: Database, database: Database
) -> None:
    await given_market(service, "X", "Y")
    await given_snapshots(service, MOMENT, bid_depth=1, ask_depth=3)
    await given_snapshots(service, MOMENT, symbol="Y")
    assert (await asked(database, order_book.READ, live())).imbalance.value == pytest.approx(-0.5)
    other = await asked_with(database, order_book.READ, live(), symbol="Y")
    assert (other.imbalance.value, other.imbalance.reason) == (None, "the depth was not recorded")
    assert await asked_with(database, order_book.READ, live(), symbol="Z") is None


async def test_the_spread_is_the_mean_of_its_bucket_and_no_extreme_of_the_mid_is_lost(
    service: Database, database: Database
) -> None:
    await given_market(service)
    mids = [100 + (step == 1234) * 50 - (step == 777) * 30 for step in range(3000)]
    await given_mids(service, *mids, every=SECOND, spread_bps=2)
    history = await asked_with(database, spread_history.READ, live(window="1h"), points=50)
    assert 25 <= len(history.points) <= 51
    assert (max(p.high for p in history.points), min(p.low for p in history.points)) == (150, 70)
    assert {p.spread_bps for p in history.points} == {2.0}
    assert sum(p.snapshots for p in history.points) == 3000
    assert history.bucket_seconds == 60.0
    assert all(p.at.timestamp() % 60 == 0 for p in history.points)


async def test_the_widest_and_the_narrowest_spread_outlive_downsampling_and_purging(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_mids(service, *[100] * 240, every=30 * SECOND, ending=MOMENT - DAY, spread_bps=4)
    for at, spread in ((MOMENT - DAY - HOUR, 90), (MOMENT - DAY - 75 * MINUTE, -3)):  # crossed for a moment
        await given_snapshots(service, at + SECOND, mid=100, spread_bps=spread)
    await rolled_up(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM market_snapshots")
        await connection.execute("UPDATE rollup_progress SET kept_since = $1 WHERE fact = 'market'", MOMENT)
    for points in (2, 20, 4000):
        told = (await asked_with(database, spread_history.READ, live(window="1W"), points=points)).points
        assert (max(p.spread_high for p in told), min(p.spread_low for p in told)) == (90.0, -3.0)
        assert all(p.spread_low <= p.spread_bps <= p.spread_high for p in told)


async def test_a_roll_up_made_before_extremes_of_the_spread_were_kept_does_not_pretend_to_know_them(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_mids(service, *[100] * 60, every=MINUTE, ending=MOMENT - DAY, spread_bps=4)
    await rolled_up(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM market_snapshots")
        await connection.execute("UPDATE rollup_progress SET kept_since = $1 WHERE fact = 'market'", MOMENT)
        old = "UPDATE market_rollups SET spread_low = NULL, spread_high = NULL WHERE at <= $1"
        await connection.execute(old, MOMENT - DAY - HOUR)
    told = (await asked_with(database, spread_history.READ, live(window="1W"), points=20)).points
    assert (told[0].spread_bps, told[0].spread_low, told[0].spread_high) == (4.0, None, None)


async def test_all_of_a_short_history_is_shown_in_buckets_of_its_own_length(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_mids(service, *range(1, 11), every=MINUTE)
    history = await asked(database, spread_history.READ, live(window="All"))
    assert [p.mid_price for p in history.points] == list(range(1, 11))
    assert {p.spread_bps for p in history.points} == {None}


async def test_what_is_purged_is_told_by_its_roll_ups(service: Database, database: Database) -> None:
    await given_market(service)
    mids = [100 + (step == 77) * 50 for step in range(240)]
    await given_mids(service, *mids, every=30 * SECOND, ending=MOMENT - DAY, spread_bps=4)
    await given_snapshots(service, MOMENT, mid=200)
    kept = await asked_with(database, spread_history.READ, live(window="1W"), points=4000)
    await rolled_up(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM market_snapshots WHERE at <= $1", MOMENT - HOUR)
        await connection.execute("UPDATE rollup_progress SET kept_since = $1 WHERE fact = 'market'", MOMENT - HOUR)
    told = await asked_with(database, spread_history.READ, live(window="1W"), points=4000)
    assert (kept.bucket_seconds, told.bucket_seconds) == (30.0, 60.0)
    assert max(point.high for point in told.points) == max(point.high for point in kept.points) == 200
    assert sum(point.snapshots for point in told.points) == sum(point.snapshots for point in kept.points) == 241
    assert {point.spread_bps for point in told.points[:-1]} == {4.0}
    (row,) = await asked(database, sectors.READ, live(window="6h"))
    assert (row.change, row.since) == (pytest.approx(1.0), MOMENT - DAY + MINUTE)


async def test_an_old_snapshot_that_outlives_newer_ones_is_not_taken_for_the_price(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_mids(service, *[100] * 10, every=MINUTE, ending=MOMENT - 9 * DAY)
    await rolled_up(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM market_snapshots")
        await connection.execute("UPDATE rollup_progress SET kept_since = $1 WHERE fact = 'market'", MOMENT - 2 * DAY)
    await given_snapshots(service, MOMENT - 20 * DAY, mid=1, recorded_at=MOMENT)  # learned late, so it is kept
    await given_snapshots(service, MOMENT, mid=110)
    (row,) = await asked(database, sectors.READ, live(window="1W"))
    assert row.change == pytest.approx(0.1)


async def test_a_market_that_was_never_recorded_has_no_spread(service: Database, database: Database) -> None:
    await given_market(service)
    assert await asked(database, spread_history.READ, live()) is None


def test_volatility_over_time_is_the_same_as_of_even_steps() -> None:
    prices = [100 * math.exp(0.01 * math.sin(7 * step)) for step in range(60)]
    moves = [(math.log(b / a), 1 / 8760) for a, b in pairwise(prices)]
    expected = realised_volatility(prices, 8760).value
    assert volatility_over_time(moves).value == pytest.approx(expected, rel=1e-12)


async def test_volatility_is_of_the_hourly_closes_and_has_its_band(service: Database, database: Database) -> None:
    await given_market(service)
    prices = [100 * math.exp(0.004 * (-1) ** step) for step in range(60)]
    await given_mids(service, *prices, every=HOUR)
    report = await asked(database, volatility.READ, live(window="1W"))
    (row,) = report.symbols
    assert row.volatility.value == pytest.approx(realised_volatility(prices, 365 * 24).value)
    assert (row.band, row.closes) == ("high", 60)
    assert report.window.value == pytest.approx(realised_volatility(prices, 365 * 24).value)
    assert len(report.points) == 30
    assert report.points[-1].volatility == pytest.approx(realised_volatility(prices[-31:], 365 * 24).value)


async def test_a_gap_in_prices_counts_with_the_time_it_took(service: Database, database: Database) -> None:
    await given_market(service)
    prices = [100 + step % 3 for step in range(70)]
    gaps: list[object] = [None if 20 <= step < 25 else price for step, price in enumerate(prices)]
    await given_mids(service, *gaps, every=HOUR)
    kept = [(step, price) for step, price in enumerate(prices) if not 20 <= step < 25]
    squares = sum(math.log(b / a) ** 2 for (_, a), (_, b) in pairwise(kept))
    (row,) = (await asked(database, volatility.READ, live())).symbols
    assert row.volatility.value == pytest.approx(math.sqrt(squares * 365 * 24 / 69))


async def test_a_symbol_with_trading_hours_is_judged_by_daily_closes(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service, "X", calendar="XNYS")
    prices = [100 * 1.01 ** (step % 2) for step in range(40)]
    await given_mids(service, *prices, every=DAY)
    (row,) = (await asked(database, volatility.READ, live())).symbols
    assert row.volatility.value == pytest.approx(realised_volatility(prices, 252).value)
    assert row.band == "normal"


async def test_a_market_round_the_clock_that_has_a_price_a_day_is_judged_by_daily_closes(
    service: Database, database: Database
) -> None:
    await given_market(service)
    prices = [100 * 1.01 ** (step % 2) for step in range(40)]
    await given_mids(service, *prices, every=DAY)
    (row,) = (await asked(database, volatility.READ, live())).symbols
    assert row.volatility.value == pytest.approx(realised_volatility(prices, 365).value)
    assert (row.band, row.closes, row.close_seconds) == ("normal", 40, 86_400)


async def test_a_day_on_which_the_price_stands_still_is_no_trading_day(service: Database, database: Database) -> None:
    await given_account(service)
    await given_instrument(service, "X", calendar="XNYS")
    await given_instrument(service, "Y", calendar="XNYS")
    walk = Random(5)
    days = [MOMENT - step * DAY for step in reversed(range(59))]
    price, frozen, weekdays = 100.0, [], []
    for day in days:
        if day.weekday() < 5:
            price *= math.exp(walk.gauss(0, 0.01))
            weekdays.append(price)
        frozen.append(price)
    await given_mids(service, *frozen, every=DAY)  # the feed repeats Friday's book through the weekend
    gaps = [price if day.weekday() < 5 else None for day, price in zip(days, frozen, strict=True)]
    await given_mids(service, *gaps, symbol="Y", every=DAY)
    x, y = (await asked(database, volatility.READ, live())).symbols
    assert x.volatility.value == y.volatility.value == pytest.approx(realised_volatility(weekdays, 252).value)
    assert x.closes == len(weekdays)


async def test_the_volatility_of_a_window_does_not_depend_on_how_many_points_are_drawn(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_instrument(service, "X", calendar="XNYS")
    walk = Random(6)
    prices = [100 * math.exp(each) for each in accumulate(walk.gauss(0, 0.01) for _ in range(900))]
    await given_mids(service, *prices, every=DAY)
    reports = [await asked_with(database, volatility.READ, live(window="All"), points=n) for n in (2, 40, 500, 5000)]
    assert [report.window.value for report in reports] == [pytest.approx(realised_volatility(prices, 252).value)] * 4
    drawn = [[point.volatility for point in report.points] for report in reports]
    assert [max(each) for each in drawn] == [max(drawn[-1])] * 4  # nor do the extremes
    assert [min(each) for each in drawn] == [min(drawn[-1])] * 4
    assert [each[-1] for each in drawn] == [drawn[-1][-1]] * 4
    assert all(len(each) <= n + 2 for each, n in zip(drawn, (2, 40, 500, 5000), strict=True))


async def test_of_more_symbols_than_are_judged_the_others_are_told_and_the_one_asked_for_is_among_them(
    service: Database, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volatility, "MOST", 2)
    await given_market(service, "A", "B", "C", "<img onerror=x>")
    report = await asked(database, volatility.READ, live())
    assert ([row.symbol for row in report.symbols], report.left_out) == (["<img onerror=x>", "A"], 2)
    report = await asked_with(database, volatility.READ, live(), symbol="C")
    assert ([row.symbol for row in report.symbols], report.left_out) == (["<img onerror=x>", "A", "C"], 1)


async def test_volatility_says_what_is_missing(service: Database, database: Database) -> None:
    await given_market(service)
    await given_mids(service, 100, 101, every=HOUR)
    report = await asked(database, volatility.READ, live())
    (row,) = report.symbols
    assert (row.volatility.value, row.volatility.reason, row.band) == (None, "needs 30 returns, has 1", None)
    assert report.points == ()


async def test_the_finest_bars_that_fit_are_shown_and_an_interval_can_be_chosen(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_bars(service, range(1, 61), interval="1m", every=MINUTE, last=MOMENT - MINUTE)
    await given_bars(service, [7, 8], interval="1h", every=HOUR, last=MOMENT - HOUR)
    fine = await asked(database, candles.READ, live())
    assert (fine.interval, [bar.close for bar in fine.bars]) == ("1m", list(range(1, 61)))
    coarse = await asked_with(database, candles.READ, live(), points=10)
    assert (coarse.interval, len(coarse.bars)) == ("1h", 2)
    newest = await asked_with(database, candles.READ, live(), interval="1m", points=5)
    assert [bar.close for bar in newest.bars] == [56, 57, 58, 59, 60]
    assert await asked_with(database, candles.READ, live(), interval="5m") is None
    assert await asked_with(database, candles.READ, live(), symbol="nothing") is None


async def test_minutes_are_put_together_where_the_next_longer_bars_would_be_too_few(
    service: Database, database: Database
) -> None:
    await given_market(service)
    minutes = [Decimal(100 + (step == 700) * 9) for step in range(1440)]
    await given_bars(service, minutes, interval="1m", every=MINUTE, last=MOMENT - MINUTE)
    await given_bars(service, [7, 8])
    shown = await asked_with(database, candles.READ, live(), points=500)
    assert (shown.interval, shown.bar_seconds, len(shown.bars)) == ("1m", 300.0, 288)
    assert max(bar.high for bar in shown.bars) == 109


async def test_ten_years_of_days_become_few_bars_that_keep_the_extremes_and_the_volume(
    service: Database, database: Database
) -> None:
    await given_market(service)
    closes = [Decimal(100 + step % 7) for step in range(3650)]
    closes[1700], closes[2500] = Decimal(900), Decimal(3)
    await given_bars(service, closes)
    shown = await asked_with(database, candles.READ, live(window="All"), points=200)
    assert 100 <= len(shown.bars) <= 201
    assert (max(bar.high for bar in shown.bars), min(bar.low for bar in shown.bars)) == (900, 3)
    assert sum(bar.volume for bar in shown.bars) == 3650
    assert (shown.bars[0].open, shown.bars[-1].close) == (closes[0], closes[-1])
    assert all((after.at - before.at).days % 7 == 0 for before, after in pairwise(shown.bars))


async def test_of_more_minutes_than_can_be_looked_at_the_newest_make_a_whole_picture(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_bars(service, [5], interval="1m", every=MINUTE, last=MOMENT - 3650 * DAY)
    bars = [Decimal(100 + step % 9) for step in range(20_100)]
    await given_bars(service, bars, interval="1m", every=MINUTE, last=MOMENT - MINUTE)
    shown = await asked_with(database, candles.READ, live(window="All"), points=200)
    assert 60 <= len(shown.bars) <= 201
    assert shown.bars[-1].close == bars[-1]


async def test_a_bar_is_shown_once_it_has_closed_and_in_its_highest_revision(
    service: Database, database: Database
) -> None:
    await given_market(service)
    (at,) = await given_bars(service, [50], interval="1h", every=HOUR, last=MOMENT - HOUR)
    await given_bars(service, [51], interval="1h", every=HOUR, last=at, revision=1, recorded_at=MOMENT + MINUTE)
    assert [bar.close for bar in (await asked(database, candles.READ, live())).bars] == [51]
    before = await asked(database, candles.READ, past(MOMENT - SECOND))
    assert before.bars == ()
    known = await asked(database, candles.READ, past(MOMENT, known_at=MOMENT))
    assert [bar.close for bar in known.bars] == [50]


async def test_the_bar_that_is_still_forming_is_made_of_the_mids_so_far_and_said_to_be(
    service: Database, database: Database
) -> None:
    await given_market(service)
    now = MOMENT - MOMENT.minute % 5 * MINUTE + 2 * MINUTE
    opened = now - 2 * MINUTE
    await given_bars(service, [50, 51], interval="5m", every=5 * MINUTE, last=opened - 5 * MINUTE)
    await given_mids(service, 51, 47, 58, 55, every=30 * SECOND, ending=opened + 90 * SECOND)
    shown = await asked(database, candles.READ, live(moment=now))
    assert [(bar.close, bar.closed) for bar in shown.bars] == [(50, True), (51, True), (55, False)]
    forming = shown.bars[-1]
    assert (forming.at, forming.open, forming.high, forming.low, forming.volume) == (opened, 51, 58, 47, None)
    assert (await asked(database, candles.READ, live(moment=opened + 30 * SECOND))).bars[-1].close == 47
    # Over, and not recorded yet: it stands until it is, at most a minute.
    soon = await asked(database, candles.READ, live(moment=opened + 5 * MINUTE + SECOND))
    assert [(bar.at, bar.closed) for bar in soon.bars][-1] == (opened, False)
    later = await asked(database, candles.READ, live(moment=opened + 8 * MINUTE))
    assert all(bar.closed for bar in later.bars)
    newest = await asked_with(database, candles.READ, live(moment=now), interval="5m", points=2)
    assert [(bar.close, bar.closed) for bar in newest.bars] == [(51, True), (55, False)]


async def test_of_a_range_that_is_over_no_bar_is_forming(service: Database, database: Database) -> None:
    await given_market(service)
    await given_bars(service, [50, 51], interval="5m", every=5 * MINUTE, last=MOMENT - 20 * MINUTE)
    await given_mids(service, 52, 53, every=MINUTE, ending=MOMENT - 12 * MINUTE)
    ends = f"{MOMENT - 12 * MINUTE:%Y-%m-%dT%H:%M:%SZ}"
    over = live(window=f"{MOMENT - HOUR:%Y-%m-%dT%H:%M:%SZ}..{ends}")
    assert [(bar.close, bar.closed) for bar in (await asked(database, candles.READ, over)).bars] == [
        (50, True),
        (51, True),
    ]
    assert not (await asked(database, candles.READ, past(MOMENT - 12 * MINUTE))).bars[-1].closed


async def test_bars_that_are_put_together_tell_which_of_them_goes_on(service: Database, database: Database) -> None:
    await given_market(service)
    minutes = range(100, 100 + 1440)
    await given_bars(service, minutes, interval="1m", every=MINUTE, last=MOMENT - 2 * MINUTE)
    await given_mids(service, 9000, every=MINUTE, ending=MOMENT - 10 * SECOND)
    shown = await asked_with(database, candles.READ, live(), points=500)
    assert shown.bar_seconds == 300.0
    assert (shown.bars[-1].close, shown.bars[-1].closed) == (9000, False)
    assert all(bar.closed for bar in shown.bars[:-1])


@pytest.mark.parametrize(("interval", "points"), [("2m", 500), (None, 1)])
def test_params_of_candles_that_make_no_sense_are_refused_by_name(interval: str | None, points: int) -> None:
    with pytest.raises(ValueError, match=r"interval: got|points: got"):
        candles.CandleParams(interval=interval, points=points)


async def test_indices_come_with_their_change_and_the_band_of_volatility(service: Database, database: Database) -> None:
    await given_market(service)
    await given_levels(service, "SPX", "index", 4000, 4400)
    await given_levels(service, "VIX", "volatility", 34, 14)
    await given_levels(service, "ADV", "breadth", "0.4")
    value = await asked(database, indices.READ, live(window="1W"))
    assert [(row.name, row.level, row.band) for row in value.levels] == [
        ("SPX", 4400, None),
        ("VIX", 14, "low"),
        ("ADV", Decimal("0.4"), None),
    ]
    assert [row.change for row in value.levels] == [pytest.approx(0.1), pytest.approx(14 / 34 - 1), None]
    assert (value.name, [point.level for point in value.points]) == ("SPX", [4000, 4400])
    other = await asked_with(database, indices.READ, live(window="1W"), name="VIX")
    assert [point.level for point in other.points] == [34, 14]


async def test_the_course_of_an_index_is_the_last_level_of_each_bucket(service: Database, database: Database) -> None:
    await given_market(service)
    await given_levels(service, "SPX", "index", *range(1, 3601), every=SECOND)
    value = await asked_with(database, indices.READ, live(window="1h"), points=60)
    assert 60 <= len(value.points) <= 61
    assert value.points[-1].level == 3600
    assert all(point.at.second == 59 for point in value.points[1:-1])


async def test_sectors_change_as_the_mean_of_their_symbols_since_the_window_began(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for symbol, sector in (("A1", "Tech"), ("A2", "Tech"), ("B1", "Oil"), ("C1", None)):
        await given_instrument(service, symbol, sector=sector)
    for symbol, before, after in (("A1", 100, 110), ("A2", 100, 130), ("B1", 100, 90)):
        await given_mids(service, before, after, symbol=symbol, every=2 * DAY)
    rows = await asked(database, sectors.READ, live())
    assert [(row.sector, row.symbols, row.priced) for row in rows] == [("Tech", 2, 2), ("Oil", 1, 1), (None, 1, 0)]
    assert [row.change for row in rows] == [pytest.approx(0.2), pytest.approx(-0.1), None]
    assert (rows[0].best, rows[0].worst, rows[0].since) == ("A2", "A1", MOMENT - 2 * DAY)
    (counts,) = await asked(database, breadth.READ, live())
    assert (counts.advancing, counts.declining, counts.unchanged, counts.unknown) == (2, 1, 0, 1)
    assert counts.advancing_share.value == pytest.approx(2 / 3)


async def test_a_record_that_begins_inside_the_window_counts_from_its_beginning(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_mids(service, 100, 100, every=HOUR)
    (row,) = await asked(database, breadth.READ, live(window="All"))
    assert (row.unchanged, row.advancing_share.reason) == (1, "no price moved")
    (one,) = await asked(database, sectors.READ, live(window="15m"))
    assert (one.change, one.since) == (0.0, MOMENT - HOUR)


async def test_a_price_that_is_not_newer_than_the_windows_start_is_no_change(
    service: Database, database: Database
) -> None:
    await given_market(service)
    await given_snapshots(service, MOMENT - 2 * HOUR)
    (row,) = await asked(database, breadth.READ, live(window="1h"))
    assert (row.unknown, row.unchanged, row.median_change) == (1, 0, None)


async def test_momentum_takes_127_closes_and_ranks_the_best_first(service: Database, database: Database) -> None:
    await given_market(service, "UP", "DOWN", "YOUNG", "NONE")
    await given_bars(service, [50, 100, *[1] * 125, 150], "UP")
    await given_bars(service, [100, *[1] * 125, 80], "DOWN")
    await given_bars(service, [100] * 126, "YOUNG")
    rows = await asked(database, momentum_ranking.READ, live())
    assert [(row.symbol, row.rank, row.closes) for row in rows] == [
        ("UP", 1, 127),
        ("DOWN", 2, 127),
        ("NONE", None, 0),
        ("YOUNG", None, 126),
    ]
    assert [row.momentum.value for row in rows[:2]] == [pytest.approx(0.5), pytest.approx(-0.2)]
    assert [row.momentum.reason for row in rows[2:]] == ["needs 127 closes, has 0", "needs 127 closes, has 126"]


async def test_of_more_symbols_than_are_asked_for_those_held_are_told_then_the_first_and_how_many_there_are(
    service: Database, database: Database
) -> None:
    await given_market(service, *(f"S{number}" for number in range(6)))
    await given_position(service, "S4")
    rows = await asked_with(database, market_current.READ, live(), limit=3)
    assert [(row.symbol, row.symbols) for row in rows] == [("S0", 6), ("S1", 6), ("S4", 6)]
    (one,) = await asked_with(database, market_current.READ, live(), symbol="S5", limit=3)
    assert (one.symbol, one.symbols) == ("S5", 1)
    whole = await asked(database, market_current.READ, live())
    assert [row.symbol for row in whole] == [f"S{number}" for number in range(6)]
    for limit in (0, 10_001):
        with pytest.raises(ValueError, match="expected 1 to"):
            market_current.Symbol(limit=limit)


async def test_of_more_symbols_than_are_asked_for_the_best_are_told_with_their_place_among_all(
    service: Database, database: Database
) -> None:
    names = [f"S{number}" for number in range(5)]
    await given_market(service, *names, "NONE")
    for number, name in enumerate(names):
        await given_bars(service, [100] * 126 + [101 + number], name)
    rows = await asked_with(database, momentum_ranking.READ, live(), limit=2)
    assert [(row.symbol, row.rank, row.symbols) for row in rows] == [("S4", 1, 6), ("S3", 2, 6)]
    with pytest.raises(ValueError, match="expected 1 to"):
        momentum_ranking.Best(limit=0)


async def test_without_a_name_the_candles_are_of_the_first_symbol_that_has_any_in_the_window(
    service: Database, database: Database
) -> None:
    await given_market(service, "A", "B", "C")
    await given_bars(service, [1, 2], "A", last=MOMENT - 90 * DAY)
    await given_bars(service, [3, 4], "B", interval="1h", every=HOUR, last=MOMENT - 2 * HOUR)
    await given_bars(service, [5, 6], "C", interval="5m", every=5 * MINUTE, last=MOMENT - HOUR)
    shown = await asked(database, candles.READ, live(window="1W"))
    assert (shown.symbol, shown.interval, [bar.close for bar in shown.bars]) == ("B", "1h", [3, 4])
    assert (await asked(database, candles.READ, live(window="All"))).symbol == "A"


async def test_momentum_is_on_adjusted_closes_of_days_that_are_over(service: Database, database: Database) -> None:
    await given_market(service)
    await given_bars(service, [100] * 127, adjusted_close=50)
    await given_bars(service, [75], last=datetime(2026, 11, 20, tzinfo=UTC))  # the day of the moment goes on
    (row,) = await asked(database, momentum_ranking.READ, live())
    assert row.momentum.value == 0.0
    assert row.until == datetime(2026, 11, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    "read",
    [market_current, order_book, spread_history, candles, sectors, breadth, momentum_ranking],
    ids=lambda module: module.__name__.rpartition(".")[2],
)
async def test_an_account_without_instruments_has_no_market(read, service: Database, database: Database) -> None:
    await given_account(service)
    assert not await asked(database, read.READ, live())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library itself uses pandas
async def test_the_nights_of_an_exchange_are_told_with_its_bars_and_those_of_round_the_clock_are_not(
    service: Database, database: Database
) -> None:
    await given_account(service)
    opening = datetime(2026, 11, 17, 14, 30, tzinfo=UTC)  # XNYS
    assert opening + 2 * DAY < MOMENT
    for symbol, calendar in (("X", "XNYS"), ("COIN", "24/7"), ("ODD", "NOPE")):
        await given_instrument(service, symbol, calendar=calendar)
        for day in range(2):
            last = opening + day * DAY + 6 * HOUR
            await given_bars(service, range(1, 8), symbol, interval="1h", every=HOUR, last=last)
    closes, opens = opening + 7 * HOUR, opening + DAY
    scope = past(opening + 2 * DAY, window="1W")
    shown = await asked_with(database, candles.READ, scope, symbol="X", interval="1h")
    assert [(each.begins, each.ends) for each in shown.closed] == [(closes, opens)]
    for symbol in ("COIN", "ODD"):
        other = await asked_with(database, candles.READ, scope, symbol=symbol, interval="1h")
        assert (len(other.bars), other.closed) == (14, ())


async def test_a_day_of_prices_ends_at_each_symbols_newest_book_and_begins_where_the_record_does(
    service: Database, database: Database
) -> None:
    await given_market(service, "X", "Y", "Z")
    last = MOMENT - 3 * DAY  # a market that has closed shows its last day
    await given_mids(service, *range(100, 149), every=HOUR / 2, ending=last)
    await given_snapshots(service, MOMENT - 6 * HOUR, MOMENT, symbol="Y", mid=7)
    x, y = await asked(database, day_prices.READ, live())
    assert (x.symbol, x.at, len(x.prices), x.prices[0], x.prices[-1]) == ("X", last, 33, 100, 148)
    assert x.prices == sorted(x.prices)
    assert (y.prices[:24], y.prices[24:]) == ([None] * 24, [7] * 9)
    (before,) = await asked(database, day_prices.READ, past(last - 12 * HOUR))
    assert (before.prices[0], before.prices[-1]) == (None, 124)
    assert day_prices.READ.as_of is not None
    assert day_prices.READ.as_of([x, y]) == MOMENT


async def test_no_more_than_forty_symbols_have_a_day_of_prices(service: Database, database: Database) -> None:
    await given_market(service, *(f"S{number:02}" for number in range(45)))
    for number in range(45):
        await given_snapshots(service, MOMENT, symbol=f"S{number:02}")
    found = await asked(database, day_prices.READ, live())
    assert [row.symbol for row in found] == [f"S{number:02}" for number in range(40)]
