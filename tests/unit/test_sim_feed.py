import statistics
from datetime import timedelta
from decimal import Decimal
from itertools import islice, pairwise

from main.trading.feeds.sim import SimFeed
from tests.factories import START


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
