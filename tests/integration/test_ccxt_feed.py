"""The feed of a live exchange, through the real library and real sockets, against a local one."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from decimal import Decimal

import pytest

from main.clock import now
from main.domain.market import Tick
from main.errors import ConfigurationError, FeedError, UnknownName
from main.trading.feeds.exchange import ExchangeFeed
from main.venues import exchange as client
from tests.venues.bitstamp import Bitstamp, bitstamp, hang_up, never, status

D = Decimal
BTC, ETH = "/api/v2/order_book/btcusd/", "/api/v2/order_book/ethusd/"


@pytest.fixture
async def exchange() -> AsyncIterator[Bitstamp]:
    async with bitstamp() as served:
        yield served


def feed_of(exchange: Bitstamp, *symbols: str, interval: float = 0.32) -> ExchangeFeed:
    return ExchangeFeed("bitstamp", symbols, interval, url=exchange.url)


@asynccontextmanager
async def ticking(feed: ExchangeFeed) -> AsyncIterator[AsyncIterator[Tick]]:
    await feed.open()
    async with aclosing(aiter(feed)) as ticks:  # type: ignore[type-var]
        yield ticks


async def first(ticks: AsyncIterator[Tick], wanted: Callable[[Tick], bool]) -> Tick:
    async with asyncio.timeout(30):
        async for tick in ticks:
            if wanted(tick):
                return tick
    raise AssertionError("the feed ended")


async def answered(ticks: AsyncIterator[Tick]) -> Tick:
    """The next tick that has books: on a busy machine an answer may come a tick late."""
    return await first(ticks, lambda tick: bool(tick.books))


async def test_the_books_of_the_exchange_come_exact_with_the_wall_clock(exchange):
    exchange.books["btcusd"] = (
        [["92450.00", "1.33685271"], ["92449.39", "0.07700000"], ["92449.00", "0"]],
        [["92454.10", "1.51995636"], ["92454.71", "1.40000000"]],
    )
    async with ticking(feed_of(exchange, "BTC/USD", "ETH/USD")) as ticks:
        before = now()
        one, two = await answered(ticks), await answered(ticks)
    book = one.books["BTC/USD"]
    assert (book.bid_prices, book.bid_sizes) == ((D("92450.00"), D("92449.39")), (D("1.33685271"), D("0.07700000")))
    assert (book.best_ask, book.ask_sizes) == (D("92454.10"), (D("1.51995636"), D("1.40000000")))
    assert set(one.books) == {"BTC/USD", "ETH/USD"}
    assert before <= one.at < two.at <= now()


async def test_instruments_are_what_the_exchange_says_of_its_markets(exchange):
    feed = feed_of(exchange, "ETH/USD", "BTC/USD:USD")
    await feed.open()
    await feed.close()
    spot, swap = feed.instruments
    assert (spot.source, spot.symbol, spot.currency, spot.exchange, spot.segment) == (
        "ccxt:bitstamp",
        "ETH/USD",
        "USD",
        "bitstamp",
        "spot",
    )
    assert (spot.tick, spot.quantity_step, spot.multiplier) == (D("0.1"), D("1E-8"), 1)
    assert (swap.segment, swap.tick, swap.quantity_step) == ("swap", 1, D("0.00001"))


async def test_without_symbols_the_usual_pairs_in_dollars_are_watched(exchange):
    feed = feed_of(exchange)
    await feed.open()
    await feed.close()
    assert [each.symbol for each in feed.instruments] == ["BTC/USD", "ETH/USD"]


async def test_the_range_traded_is_that_of_the_trades_since_the_book_before(exchange):
    exchange.trades["btcusd"] = [(1, "90000", "5"), (2, "99000", "5")]
    async with ticking(feed_of(exchange, "BTC/USD")) as ticks:
        book = (await answered(ticks)).books["BTC/USD"]
        assert (book.low, book.high, book.volume) == (None, None, None)  # since when, nobody knows
        book = (await answered(ticks)).books["BTC/USD"]
        assert (book.low, book.high, book.volume) == (None, None, 0)
        exchange.trades["btcusd"] += [(3, "92451", "0.1"), (4, "92449.5", "0.25")]
        book = (await answered(ticks)).books["BTC/USD"]
        assert (book.low, book.high, book.volume) == (D("92449.5"), D("92451"), D("0.35"))
        assert (await answered(ticks)).books["BTC/USD"].volume == 0


async def test_the_first_trade_of_a_quiet_market_counts(exchange):
    async with ticking(feed_of(exchange, "BTC/USD")) as ticks:
        assert (await answered(ticks)).books["BTC/USD"].volume is None
        assert (await answered(ticks)).books["BTC/USD"].volume == 0
        exchange.trades["btcusd"] = [(1, "92451", "0.1")]
        assert (await answered(ticks)).books["BTC/USD"].volume == D("0.1")


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        (([], [["92451", "1"]]), "no bids"),
        (([["92450", "1"]], []), "no asks"),
        (([["92450", "1"]], [["92450", "1"]]), "crossed"),
        (([["92450", "1"]], [["92449", "1"]]), "crossed"),
        (([["92450", "NaN"]], [["92451", "1"]]), "no number above 0"),
        (([["Infinity", "1"]], [["92451", "1"]]), "no number above 0"),
        (([["-5", "1"]], [["92451", "1"]]), "no number above 0"),
        (([["NaN", "1"], ["92450", "1"]], [["92451", "1"]]), ""),
        (([["what", "1"]], [["92451", "1"]]), ""),
        (([["92450", "1"], ["92450", "2"]], [["92451", "1"]]), "out of order"),
    ],
)
async def test_a_book_that_cannot_be_traded_on_is_left_out_told_once_and_comes_back(exchange, book, reason):
    good = exchange.books["btcusd"]
    exchange.books["btcusd"] = book
    feed = feed_of(exchange, "BTC/USD", "ETH/USD")
    async with ticking(feed) as ticks:
        for _ in range(3):
            assert set((await answered(ticks)).books) == {"ETH/USD"}
        (news,) = feed.news
        assert news.startswith("BTC/USD left out: ")
        assert reason in news
        exchange.books["btcusd"] = good
        await first(ticks, lambda tick: len(tick.books) == 2)
    assert list(feed.news)[1:] == ["BTC/USD back"]


async def test_a_book_of_long_ago_is_not_taken_for_that_of_now(exchange):
    exchange.age_seconds = 90
    feed = feed_of(exchange, "BTC/USD")
    async with ticking(feed) as ticks:
        assert (await first(ticks, lambda tick: bool(feed.news))).books == {}
        assert "an old one" in feed.news[0]
        exchange.age_seconds = 1
        assert (await answered(ticks)).books["BTC/USD"].best_bid == 92450


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (status(429), "fewer requests"),
        (status(429, '{"status": "error", "reason": "Request limit reached"}'), "answered: {"),
        (status(404, '{"status": "error", "reason": "Not found", "code": "API0001"}'), "Not found"),
        (status(500, "oops"), "out of order"),
        (status(503, "<html>maintenance</html>"), "out of order"),
        (status(200, "<html>hello</html>"), "makes no sense"),
        (status(200, '{"bids": 7, "asks": "x", "microtimestamp": "1"}'), "makes no sense"),
        (status(200, "[]"), "makes no sense"),
        (status(200, '{"bids": [["1", "1"]]'), "makes no sense"),
        (hang_up, "cannot be reached"),
    ],
)
async def test_an_exchange_in_trouble_makes_ticks_without_books_until_it_is_over(exchange, trouble, reason):
    feed = feed_of(exchange, "BTC/USD", interval=0.1)
    async with ticking(feed) as ticks:
        await first(ticks, lambda tick: bool(tick.books))
        exchange.override[BTC] = trouble
        await first(ticks, lambda tick: bool(feed.news))
        assert (await anext(ticks)).books == {}
        (news,) = feed.news
        assert reason in news, news
        del exchange.override[BTC]
        await first(ticks, lambda tick: bool(tick.books))
    assert feed.news[-1] == "BTC/USD back"


async def test_a_silent_exchange_neither_holds_up_the_ticks_nor_is_waited_for_for_ever(exchange, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 1.5)
    feed = feed_of(exchange, "BTC/USD", "ETH/USD", interval=0.15)
    async with ticking(feed) as ticks:
        exchange.override[BTC] = exchange.override[ETH] = never
        for _ in range(4):
            assert (await anext(ticks)).books == {}
        assert exchange.asked[BTC] == 1
        assert not feed.news  # its time is not over yet
        await first(ticks, lambda tick: bool(feed.news))
        assert list(feed.news) == ["BTC/USD, ETH/USD left out: bitstamp gave no answer within 1.5 s"]
        exchange.override.clear()
        await first(ticks, lambda tick: len(tick.books) == 2)


async def test_the_longer_it_stays_away_the_less_it_is_asked(exchange):
    exchange.override[BTC] = status(503)
    feed = feed_of(exchange, "BTC/USD", interval=0.1)
    async with ticking(feed) as ticks:
        count = 0
        async for _ in ticks:
            count += 1
            if count == 20:
                break
    assert 3 <= exchange.asked[BTC] <= 7  # after 0.1, 0.2, 0.4, 0.8 … s
    assert len(feed.news) == 1


async def test_an_exchange_that_is_away_at_the_start_can_be_asked_again(exchange):
    feed = feed_of(exchange, "BTC/USD")
    exchange.override["/api/v2/markets/"] = status(502)
    with pytest.raises(FeedError, match="bitstamp cannot be reached"):
        await feed.open()
    exchange.override.clear()
    async with ticking(feed) as ticks:
        assert await answered(ticks)


async def test_the_rate_limit_is_kept_and_where_it_is_too_tight_for_trades_the_user_is_told(exchange):
    feed = feed_of(exchange, "BTC/USD", "ETH/USD", interval=0.05)  # bitstamp: a question every 75 ms
    async with ticking(feed) as ticks:
        assert feed.interval_seconds == pytest.approx(0.15)
        assert (await first(ticks, lambda tick: bool(tick.books))).books["BTC/USD"].volume is None
    (notice,) = feed.notices
    assert "trade.interval 0.3" in notice
    assert not any("transactions" in path for path in exchange.asked)


async def test_moments_only_ever_increase_also_past_those_of_an_earlier_run(exchange):
    feed = feed_of(exchange, "BTC/USD")
    ahead = now().replace(year=now().year + 1)
    feed.resume({}, ahead)
    async with ticking(feed) as ticks:
        one, two = await anext(ticks), await anext(ticks)
    assert ahead < one.at < two.at


def test_an_unknown_exchange_is_refused_with_the_one_that_was_meant():
    with pytest.raises(UnknownName, match='unknown exchange "krakn"; did you mean "kraken"'):
        ExchangeFeed("krakn")


async def test_symbols_it_has_not_or_that_cannot_be_mixed_are_refused(exchange):
    for symbols, error, match in (
        (("BTC-USD",), UnknownName, 'symbol of bitstamp "BTC-USD"; did you mean "BTC/USD"'),
        (("BTC/USD", "BTC/EUR"), ConfigurationError, "got BTC/EUR, expected one quote, USD"),
    ):
        feed = feed_of(exchange, *symbols)
        with pytest.raises(error, match=match):
            await feed.open()
        await feed.close()


def test_without_the_library_the_user_is_told_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ccxt.async_support", None)
    with pytest.raises(ConfigurationError, match=r"pip install --editable '\.\[ccxt\]'"):
        ExchangeFeed("kraken")


def test_every_exchange_of_the_library_can_be_moved_to_another_address():
    import ccxt.async_support as ccxt

    for name in ("binance", "kraken", "coinbase", "okx", "bybit", "kucoin"):
        moved = client._moved(getattr(ccxt, name)().urls["api"], "http://127.0.0.1:1")
        assert moved
        assert "https" not in str(moved)
