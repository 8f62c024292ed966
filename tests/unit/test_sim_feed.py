import functools
import math
import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from main.domain.market import Tick
from main.trading.feeds.sim import SimFeed
from main.trading.feeds.sim_history import CRASH_DAYS_AGO
from main.trading.feeds.sim_listings import LISTINGS
from main.trading.feeds.sim_market import SECONDS_A_YEAR, SimMarket
from main.trading.feeds.sim_rate import SimRate
from tests.factories import START

UNTIL = datetime(2026, 11, 21, 11, 33, 7, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)


def market(seed: int = 7, **options: object) -> SimFeed:
    return SimFeed(seed, moments=lambda: START, paced=False, **options)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_market_and_another_seed_another():
    def mids(seed: int) -> list[Decimal]:
        feed = market(seed)
        return [book.mid for _ in range(20) for book in feed.next_tick().books.values()]

    assert mids(7) == mids(7)
    assert mids(7) != mids(8)


def test_every_price_is_a_multiple_of_the_tick_and_every_size_of_the_step():
    feed = market()
    instruments = {each.symbol: each for each in feed.instruments}
    for _ in range(300):
        for symbol, book in feed.next_tick().books.items():
            prices = (*book.bid_prices, *book.ask_prices, book.low, book.high)
            assert all(price is not None and price > 0 and price % instruments[symbol].tick == 0 for price in prices)
            assert all(size > 0 and size % instruments[symbol].quantity_step == 0 for size in book.bid_sizes)


def test_books_have_five_levels_in_order_and_never_cross():
    feed = market()
    for _ in range(300):
        for book in feed.next_tick().books.values():
            assert len(book.bid_prices) == len(book.ask_prices) == len(book.bid_sizes) == len(book.ask_sizes) == 5
            assert list(book.bid_prices) == sorted(set(book.bid_prices), reverse=True)
            assert list(book.ask_prices) == sorted(set(book.ask_prices))
            assert book.best_bid < book.best_ask


def test_there_are_eight_symbols_of_four_sectors_that_move_together():
    feed = market()
    assert len(feed.instruments) == 8
    assert len({each.sector for each in feed.instruments}) == 4
    ticks = [feed.next_tick() for _ in range(1500)]
    moves = {
        symbol: [float(b.books[symbol].mid / a.books[symbol].mid) - 1 for a, b in pairwise(ticks)]
        for symbol in ("BTC-USD", "ETH-USD")
    }
    assert statistics.correlation(moves["BTC-USD"], moves["ETH-USD"]) > 0.3


def test_volatility_comes_in_regimes():
    feed = market(interval_seconds=60.0)
    ticks = [feed.next_tick() for _ in range(1500)]
    moves = [abs(float(b.books["BTC-USD"].mid / a.books["BTC-USD"].mid) - 1) for a, b in pairwise(ticks)]
    hours = sorted(statistics.fmean(moves[start : start + 60]) for start in range(0, 1440, 60))
    assert hours[-1] > 1.7 * hours[0]


def test_a_restarted_market_goes_on_from_the_given_prices():
    given = {"BTC-USD": Decimal(50_000), "XLM-USD": Decimal("0.5")}
    books = market(prices=given).next_tick().books
    for symbol, price in given.items():
        assert abs(books[symbol].mid / price - 1) < Decimal("0.01")
    assert abs(books["ETH-USD"].mid / Decimal("3120.5") - 1) < Decimal("0.01")


def test_moments_increase_even_when_the_clock_is_set_back():
    times = iter([START, START - timedelta(hours=1), START + timedelta(seconds=1)])
    feed = SimFeed(1, moments=lambda: next(times))
    moments = [feed.next_tick().at for _ in range(3)]
    assert moments == sorted(set(moments))


async def test_the_feed_is_an_asynchronous_iterator_without_end():
    feed = market(interval_seconds=3.0)
    ticks = []
    async for tick in feed:
        ticks.append(tick)
        if len(ticks) == 5:
            break
    assert [b.at - a.at for a, b in islice(pairwise(ticks), 4)] == [timedelta(seconds=3)] * 4


def test_every_tick_carries_the_index_its_volatility_and_the_rate_of_the_dollar_in_euros():
    tick = market().next_tick()
    assert tick.levels["SIMX"][0] == "index"
    assert Decimal(990) < tick.levels["SIMX"][1] < Decimal(1010)
    assert tick.levels["SIMVOL"][0] == "volatility"
    assert Decimal(10) < tick.levels["SIMVOL"][1] < Decimal(100)
    assert Decimal("0.8") < tick.rates["USD", "EUR"] < Decimal("0.92")


def test_the_index_moves_with_what_its_symbols_are_worth():
    listed = {each.symbol: Decimal(each.price) for each in LISTINGS}
    twice = {symbol: 2 * price for symbol, price in listed.items()}
    largest = listed | {"BTC-USD": 2 * listed["BTC-USD"]}
    smallest = listed | {"FIL-USD": 2 * listed["FIL-USD"]}
    levels = [market(prices=prices).next_tick().levels["SIMX"][1] for prices in (listed, twice, largest, smallest)]
    assert [round(float(level) / 1000, 1) for level in levels] == [1.0, 2.0, 1.8, 1.0]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), hours=st.floats(0, 24 * 365 * 5))
def test_the_rate_depends_on_seed_and_moment_alone_and_moves_slowly(seed, hours):
    at = START + timedelta(hours=hours)
    rate = SimRate(seed).at(at)
    assert rate == SimRate(seed).at(at) == rate.quantize(Decimal("1e-6"))
    assert abs(SimRate(seed).at(at + timedelta(minutes=1)) / rate - 1) < Decimal("0.0001")
    assert Decimal("0.7") < rate < Decimal("1.05")


def test_a_year_is_as_wild_in_steps_of_seconds_as_in_steps_of_days():
    for seconds in (3.0, 3600.0, 86_400.0):
        simulated = SimMarket(3, {})
        mids, at = [], START
        for _ in range(1500):
            at += timedelta(seconds=seconds)
            mids.append(float(simulated.advance(at, seconds).books["ETH-USD"].mid))
        moves = [math.log(b / a) for a, b in pairwise(mids[::25])]  # so many ticks that short-lived momentum is over
        volatility = statistics.pstdev(moves) * math.sqrt(SECONDS_A_YEAR / seconds / 25)
        assert 0.3 < volatility < 1.0  # listed as 0.60; regimes make it more or less


def told(days: int, until: datetime = UNTIL, seed: int = 1) -> list[Tick]:
    return list(SimFeed(seed).history(days, until))


@functools.cache
def all_told() -> tuple[Tick, ...]:
    return tuple(told(120))


def test_the_same_seed_has_the_same_past_and_another_seed_another():
    assert told(3) == told(3)
    assert told(3)[-1].books != told(3, seed=2)[-1].books


def test_the_past_is_told_from_a_midnight_on_without_a_gap_ever_finer_and_up_to_the_moment_asked_for():
    ticks = all_told()
    moments = [tick.at for tick in ticks]
    assert moments[0] - UNTIL.replace(hour=0, minute=0, second=0, microsecond=0) + 120 * DAY == timedelta(hours=4)
    assert moments[-1] == UNTIL
    gaps = [b - a for a, b in pairwise(moments)]
    assert min(gaps) > timedelta()
    assert max(gaps) == timedelta(hours=4)
    assert max(b - a for a, b in pairwise(at for at in moments if UNTIL - at < DAY)) == timedelta(minutes=5)
    midnights = {at.date() for at in moments if (at.hour, at.minute, at.second) == (0, 0, 0)}
    assert len(midnights) == 120  # every day has its closing tick


def test_what_happened_does_not_depend_on_the_time_of_day_of_the_first_start():
    late = UNTIL.replace(hour=23, minute=59)
    early = UNTIL.replace(hour=0, minute=0, second=0, microsecond=0)
    short = told(9, until=early)
    assert told(9, until=late)[: len(short) - 1] == short[:-1]


def test_daily_bars_before_the_past_lead_up_to_its_first_price():
    history = SimFeed(1).history(120, UNTIL)
    bars = [bar for bar in history.candles if bar.symbol == "BTC-USD"]
    assert len(bars) == 260
    assert {bar.interval for bar in history.candles} == {"1d"}
    assert {bar.symbol for bar in history.candles} == {each.symbol for each in LISTINGS} | {"SIMX"}
    assert bars[-1].at + DAY == history.start
    assert [b.at - a.at for a, b in pairwise(bars)] == [DAY] * 259
    assert all(b.open == a.close for a, b in pairwise(bars))
    first = next(iter(history))
    assert abs(first.books["BTC-USD"].mid / bars[-1].close - 1) < Decimal("0.1")


def test_the_script_has_a_calm_fortnight_a_crash_and_a_nervous_week():
    closes = {tick.at.date(): tick for tick in all_told() if (tick.at.hour, tick.at.minute) == (0, 0)}
    days = sorted(closes)
    index = [float(closes[day].levels["SIMX"][1]) for day in days]
    moves = {day: math.log(b / a) for day, a, b in zip(days[1:], index, index[1:], strict=False)}
    crash = UNTIL.date() - (CRASH_DAYS_AGO - 1) * DAY  # its close is the next day's midnight
    assert min(moves, key=moves.__getitem__) == crash
    assert moves[crash] < -0.12

    def wildness(first_days_ago: int, last_days_ago: int) -> float:
        return statistics.pstdev(moves[UNTIL.date() - ago * DAY] for ago in range(last_days_ago, first_days_ago))

    assert wildness(74, 61) * 1.5 < wildness(119, 76) < wildness(35, 30)


def test_payments_that_lie_before_the_past_are_left_out():
    assert [payment.days_ago for _, payment in SimFeed(1).history(120, UNTIL).payments] == [90, 60, 20]
    assert [payment.days_ago for _, payment in SimFeed(1).history(30, UNTIL).payments] == [20]
    at, _ = SimFeed(1).history(30, UNTIL).payments[0]
    assert at.date() == UNTIL.date() - 20 * DAY


def test_the_feed_goes_on_from_its_past_without_a_jump():
    feed = SimFeed(1, moments=lambda: UNTIL + timedelta(seconds=20))
    last = list(feed.history(2, UNTIL))[-1]
    feed.resume({symbol: book.mid for symbol, book in last.books.items()}, last.at)
    tick = feed.next_tick()
    for symbol, book in tick.books.items():
        before = last.books[symbol]
        assert abs(book.mid - before.mid) < 10 * (before.best_ask - before.best_bid)
    assert abs(tick.levels["SIMVOL"][1] / last.levels["SIMVOL"][1] - 1) < Decimal("0.05")
    assert abs(tick.rates["USD", "EUR"] / last.rates["USD", "EUR"] - 1) < Decimal("0.0001")


def test_the_venue_takes_no_new_orders_for_five_minutes_a_week():
    sunday = datetime(2026, 11, 22, 3, 59, tzinfo=UTC)
    feed = SimFeed(1, 60.0, moments=lambda: sunday, paced=False)
    closed = [tick.at.minute for tick in (feed.next_tick() for _ in range(10)) if tick.books["BTC-USD"].cancel_only]
    assert closed == [0, 1, 2, 3, 4]
    assert not any(book.cancel_only for book in market().next_tick().books.values())
