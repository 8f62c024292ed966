"""The bot as a whole on the prices of an exchange and through a broker, both on local sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from main.books.verify import verify
from main.clock import now
from main.config import Settings, load_settings
from main.database.address import Address
from main.database.pool import Database
from main.errors import BrokerError, ConfigurationError
from main.trading.broker import OrderRequest
from main.trading.choice import STRATEGIES, choose
from main.trading.run import run_bot
from main.trading.strategy import Situation, Wishes
from tests.running import free_ports
from tests.venues.alpaca import KEY, SECRET, AlpacaAccount, alpaca
from tests.venues.bitstamp import Bitstamp, bitstamp, status

D = Decimal
MARKETS = "/api/v2/markets/"


@pytest.fixture
async def exchange() -> AsyncIterator[Bitstamp]:
    async with bitstamp() as served:
        yield served


@pytest.fixture
async def account() -> AsyncIterator[AlpacaAccount]:
    async with alpaca() as served:
        yield served


@pytest.fixture
def buys(monkeypatch) -> None:
    """A strategy that wants to hold two of whatever has a price."""
    monkeypatch.setattr("main.trading.choice.STRATEGIES", {**STRATEGIES, "buys": lambda _: Buys()})


@pytest.fixture
def at_once(monkeypatch) -> None:
    """What the broker tells late is in the books without a pause."""
    monkeypatch.setattr("main.trading.corrections.LATE_FILLS_SECONDS", 0.0)


class Buys:
    name = "buys"
    models: tuple[str, ...] = ()

    def decide(self, situation: Situation) -> Wishes:
        busy = {order.symbol for order in situation.open_orders}
        return Wishes(
            place=tuple(
                OrderRequest(symbol, "buy", D("0.02"), book.best_bid, book.mid, self.name, purpose="hoarding")
                for symbol, book in situation.tick.books.items()
                if not situation.held.get(symbol) and symbol not in busy
            )
        )


def settings_for(folder: Path, exchange: Bitstamp, account: AlpacaAccount | None = None, **given: Any) -> Settings:
    values = {
        "trade.feed": "ccxt:bitstamp",
        "trade.symbols": ("BTC/USD",),
        "trade.interval": 0.2,
        "trade.health_port": free_ports(1)[0],
        "ccxt.url": exchange.url,
    }
    if account is not None:
        values |= {"trade.broker": "alpaca", "trade.strategy": "buys", "alpaca.url": account.url}
        values |= {"alpaca.key_id": KEY, "alpaca.secret_key": SECRET}
    return load_settings(values | given, env={"XDG_DATA_HOME": str(folder)}, cwd=folder)


@asynccontextmanager
async def running(settings: Settings, address: Address) -> AsyncIterator["asyncio.Task[None]"]:
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))
    try:
        yield bot
    finally:
        stop.set()
        await bot


async def until(met: Callable[[], Awaitable[Any]], bot: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(40):
        while not await met():
            if bot.done():
                bot.result()
                raise AssertionError("the bot ended by itself")
            await asyncio.wait({bot}, timeout=0.05)


async def value(service: Database, sql: str, *arguments: object) -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(sql, *arguments)


def counts(service: Database, sql: str, *arguments: object) -> Callable[[], Awaitable[Any]]:
    return lambda: value(service, sql, *arguments)


async def test_a_bot_trades_paper_money_on_the_books_of_an_exchange(tmp_path, address, service, exchange):
    settings = settings_for(tmp_path, exchange)
    async with running(settings, address) as bot:
        await until(counts(service, "SELECT count(*) >= 3 FROM market_snapshots WHERE source = 'ccxt:bitstamp'"), bot)
        await until(counts(service, "SELECT count(*) > 0 FROM order_events WHERE kind = 'accepted'"), bot)
        exchange.override["/api/v2/order_book/btcusd/"] = status(503)
        trouble = "SELECT count(*) > 0 FROM system_events WHERE kind = 'feed' AND message LIKE 'BTC/USD left out%'"
        await until(counts(service, trouble), bot)
        beats = await value(service, "SELECT count(*) FROM bot_heartbeats")
        await until(counts(service, "SELECT count(*) > $1 FROM bot_heartbeats", beats + 3), bot)  # it lives on
        exchange.override.clear()
        await until(counts(service, "SELECT count(*) > 0 FROM system_events WHERE message = 'BTC/USD back'"), bot)
    kept = "SELECT mode || ' ' || currency || ' ' || account_id FROM accounts"
    assert await value(service, kept) == "paper USD PAPER-bitstamp"
    assert await value(service, "SELECT count(*) FROM orders WHERE status IN ('placed', 'accepted')") == 0
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0


async def test_a_bot_waits_for_an_exchange_that_is_away_when_it_starts(tmp_path, address, service, exchange):
    exchange.override[MARKETS] = status(502)

    async def asked_again() -> bool:
        return exchange.asked[MARKETS] >= 2

    async with running(settings_for(tmp_path, exchange), address) as bot:
        await until(asked_again, bot)
        exchange.override.clear()
        await until(counts(service, "SELECT count(*) > 0 FROM market_snapshots"), bot)


@pytest.mark.usefixtures("buys")
async def test_orders_at_a_broker_become_books_with_the_ids_of_the_venue(tmp_path, address, service, exchange, account):
    async def placed() -> bool:
        return bool(account.orders)

    async with running(settings_for(tmp_path, exchange, account), address) as bot:
        await until(placed, bot)
        execution = account.execute(account.only(), "0.02", "92450")
        await until(counts(service, "SELECT count(*) = 1 FROM positions WHERE is_active"), bot)
    assert await value(service, "SELECT source_id FROM fills") == execution
    assert await value(service, "SELECT quantity FROM positions WHERE is_active") == D("0.02")
    assert (
        await value(service, "SELECT amount::text || ' ' || note FROM cash_flows") == "100000 Cash found at the broker"
    )
    assert await value(service, "SELECT account_id || ' ' || mode FROM accounts") == "ALPACA-PAPER paper"
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0


@pytest.mark.usefixtures("buys")
@pytest.mark.usefixtures("at_once")
async def test_books_follow_from_executions_that_the_broker_tells_a_few_ticks_late(
    tmp_path, address, service, exchange, account
):
    async def placed() -> bool:
        return bool(account.orders)

    async def right() -> bool:
        (verified,) = await verify(service)
        return verified.compared > 10 and not verified.differences

    async with running(settings_for(tmp_path, exchange, account), address) as bot:
        await until(placed, bot)
        await until(counts(service, "SELECT count(*) > 8 FROM trading_pnl"), bot)
        account.execute(account.only(), "0.02", "92450", at=now() - timedelta(seconds=1))
        await until(counts(service, "SELECT count(*) = 1 FROM positions WHERE is_active"), bot)
        await until(right, bot)
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind = 'correction'") == 0


@pytest.mark.usefixtures("buys")
async def test_what_became_of_orders_while_no_bot_ran_is_told_by_the_next(
    tmp_path, address, service, exchange, account
):
    settings = settings_for(tmp_path, exchange, account)

    async def placed() -> bool:
        return bool(account.orders)

    async with running(settings, address) as bot:
        await until(placed, bot)
        order = account.only()
        await until(counts(service, "SELECT count(*) = 1 FROM orders WHERE status = 'accepted'"), bot)
        account.faults["DELETE", f"/v2/orders/{order['id']}"] = status(503)  # the venue does not hear of the end
    account.faults.clear()
    assert await value(service, "SELECT status FROM orders") == "accepted"
    execution = account.execute(order, "0.02", "92440")
    async with running(settings, address) as bot:
        await until(counts(service, "SELECT count(*) = 1 FROM fills"), bot)
        await until(counts(service, "SELECT count(*) = 1 FROM orders WHERE status = 'filled'"), bot)
    assert len(account.orders) == 1  # it holds what it wanted: nothing was ordered again
    row = "SELECT source_id || ' ' || price || ' ' || strategy || ' ' || decision_price FROM fills"
    assert await value(service, row) == f"{execution} 92440 buys 92450.5"
    assert await value(service, "SELECT count(*) FROM order_events WHERE kind = 'expired'") == 0
    assert await value(service, "SELECT count(*) FROM cash_flows") == 1
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0
    async with running(settings, address) as bot:
        beats = await value(service, "SELECT count(*) FROM bot_heartbeats")
        await until(counts(service, "SELECT count(*) > $1 FROM bot_heartbeats", beats + 3), bot)
    assert await value(service, "SELECT count(*) FROM fills") == 1
    assert await value(service, "SELECT count(*) FROM dead_letters") == 0


@pytest.mark.usefixtures("buys")
async def test_a_position_that_is_being_closed_is_not_closed_twice(tmp_path, address, service, exchange, account):
    limits = ({"id": "ALPACA-PAPER", "daily_loss_limit": 5},)

    async def ordered(count: int) -> bool:
        return len(account.orders) >= count

    async with running(settings_for(tmp_path, exchange, account, accounts=limits), address) as bot:
        await until(lambda: ordered(1), bot)
        account.execute(account.only(), "0.02", "92450")
        await until(counts(service, "SELECT count(*) = 1 FROM positions WHERE is_active"), bot)
        exchange.set_book("btcusd", "91450", "91451")
        await until(lambda: ordered(2), bot)
        beats = await value(service, "SELECT count(*) FROM bot_heartbeats")
        await until(counts(service, "SELECT count(*) > $1 FROM bot_heartbeats", beats + 8), bot)
        assert len(account.orders) == 2
        account.execute(list(account.orders.values())[1], "0.02", "91450")
        await until(counts(service, "SELECT count(*) = 1 FROM trades"), bot)
    assert await value(service, "SELECT exit_type FROM trades") == "auto_loss_limit"
    assert await value(service, "SELECT count(*) FROM positions WHERE is_active") == 0


@pytest.mark.usefixtures("buys")
async def test_refused_keys_end_the_bot_with_the_fix(tmp_path, address, exchange, account):
    settings = settings_for(tmp_path, exchange, account, **{"alpaca.secret_key": "another"})
    with pytest.raises(BrokerError, match="check ALPACA_KEY_ID"):
        await run_bot(settings, address, asyncio.Event())


def test_orders_never_leave_the_house_on_invented_prices(tmp_path):
    keys = {"alpaca.key_id": KEY, "alpaca.secret_key": SECRET, "trade.broker": "alpaca"}
    for given, match in (
        ({"trade.feed": "sim", "trade.account": "X"}, "alpaca on simulated prices, expected paper, or a live feed"),
        ({"trade.feed": "ccxt:bitstamp", "trade.account": "X,Y"}, "got 2 accounts, expected one"),
    ):
        settings = load_settings(keys | given, env={"XDG_DATA_HOME": str(tmp_path)}, cwd=tmp_path)
        with pytest.raises(ConfigurationError, match=match):
            choose(settings)


def test_without_keys_the_broker_is_refused_before_anything_has_begun(tmp_path):
    settings = load_settings(
        {"trade.feed": "ccxt:bitstamp", "trade.broker": "alpaca"}, env={"XDG_DATA_HOME": str(tmp_path)}, cwd=tmp_path
    )
    with pytest.raises(ConfigurationError, match="set ALPACA_KEY_ID"):
        choose(settings)


def test_an_account_is_in_the_currency_that_its_symbols_are_quoted_in(tmp_path):
    for symbols, currency in ((("BTC/USDT",), "USDT"), (("ETH/EUR:EUR",), "EUR"), ((), "USD")):
        settings = load_settings(
            {"trade.feed": "ccxt:kraken", "trade.symbols": symbols}, env={"XDG_DATA_HOME": str(tmp_path)}, cwd=tmp_path
        )
        (seat,) = choose(settings).seats
        assert seat.account.currency == currency
