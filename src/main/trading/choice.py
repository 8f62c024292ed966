"""Which feed, accounts, brokers and strategies do the settings name?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from main.clock import now
from main.config import Settings
from main.domain.events import Account
from main.errors import ConfigurationError, Problem, UnknownName
from main.trading.broker import Broker
from main.trading.brokers.alpaca import AlpacaBroker
from main.trading.brokers.paper import PaperBroker
from main.trading.feed import Feed, Market
from main.trading.feeds.exchange import ExchangeFeed
from main.trading.feeds.replay import ReplayFeed
from main.trading.feeds.sim import SimFeed
from main.trading.feeds.sim_listings import INDEX
from main.trading.risk import Limits
from main.trading.strategies import market_maker, sector_rotation
from main.trading.strategy import Strategy, StrategyInstruments
from main.venues.alpaca import Alpaca, is_live

POSITION_SHARE = Decimal("0.1")
"""The usual position limit, as a fraction of what a paper account begins with."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What an account of a feed is like unless the user says otherwise."""

    label: str
    mode: str
    currency: str = "USD"
    strategy: str = market_maker.NAME
    zone: str = "UTC"
    roll_over: timedelta = timedelta(0)
    periods_per_year: int = 252
    benchmark: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """One account at the market: within which limits, from which first deposit, through whom and how it is traded.

    Broker and strategy are made for a feed that is open.
    """

    account: Account
    limits: Limits
    initial_deposit: Decimal
    broker: Callable[[Market], Broker]
    strategy: Callable[[Market], Strategy]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one bot is made of: accounts that share a feed."""

    feed: Feed
    seats: tuple[Seat, ...]


def _sim(settings: Settings, _: str) -> Feed:
    return SimFeed(settings.trade.seed, settings.trade.interval, source=_sim_source(settings))


def _sim_source(settings: Settings) -> str:
    """The usual accounts share one market; others have one of their own, or two bots would mix their prices."""
    named = settings.trade.account
    if named is None or set(named.split(",")) <= set(USUAL["sim"]):
        return "sim"
    return f"sim:{named.split(',')[0]}"


def _replay(settings: Settings, path: str) -> Feed:
    return ReplayFeed(Path(path).expanduser(), bars_a_second=settings.trade.speed)


def _ccxt(settings: Settings, exchange: str) -> Feed:
    trade = settings.trade
    return ExchangeFeed(exchange, trade.symbols, trade.interval, url=settings.ccxt.url)


FEEDS: Mapping[str, Callable[[Settings, str], Feed]] = {"sim": _sim, "replay:PATH": _replay, "ccxt:EXCHANGE": _ccxt}
"""By the name that users give, with what stands after the colon where there is one."""


def _paper(settings: Settings, account: Account) -> Callable[[Market], Broker]:
    def made(feed: Market) -> Broker:
        return PaperBroker(
            account.account, feed.source, feed.instruments, settings.trade.seed, currency=account.currency
        )

    return made


def _alpaca(settings: Settings, account: Account) -> Callable[[Market], Broker]:
    keys = settings.alpaca
    venue = Alpaca(
        keys.key_id.get_secret_value() if keys.key_id else None,
        keys.secret_key.get_secret_value() if keys.secret_key else None,
        keys.url,
    )
    return lambda feed: AlpacaBroker(account.account, feed.source, feed.instruments, venue)


BROKERS: Mapping[str, Callable[[Settings, Account], Callable[[Market], Broker]]] = {"paper": _paper, "alpaca": _alpaca}
"""What makes the broker of an account once its feed is open; what the user has to mend is raised at once."""

STRATEGIES: Mapping[str, Callable[[StrategyInstruments], Strategy]] = {
    market_maker.NAME: market_maker.MarketMaker,
    sector_rotation.NAME: sector_rotation.SectorRotation,
}

USUAL: Mapping[str, Mapping[str, Usual]] = {
    "sim": {
        "SIM": Usual("Market maker", "simulated", periods_per_year=365, benchmark=INDEX),
        "SIM-EUR": Usual("Market maker EUR", "simulated", currency="EUR", periods_per_year=365, benchmark=INDEX),
        "SIM-ROTATION": Usual(
            "Sector rotation",
            "simulated",
            strategy=sector_rotation.NAME,
            zone="America/New_York",
            roll_over=timedelta(hours=17),
            benchmark=INDEX,
        ),
    },
    "replay": {"REPLAY-{name}": Usual("Replay of {name}", "replay")},
    "ccxt": {"PAPER-{name}": Usual("Paper money on {name}", "paper", periods_per_year=365)},
}
"""The accounts of each feed; ``{name}`` is that of the market, in the alphabet of account ids."""

_AT_ALPACA: Mapping[bool, Mapping[str, Usual]] = {
    False: {"ALPACA-PAPER": Usual("Alpaca, paper money", "paper", periods_per_year=365)},
    True: {"ALPACA-LIVE": Usual("Alpaca, real money", "live", periods_per_year=365)},
}


def choose(settings: Settings) -> Chosen:
    """Make the parts that the settings name.

    Raise `UnknownName` for a feed, broker or strategy that does not exist, `UnreadablePrices` for files that cannot be
    replayed, `ConfigurationError` for parts that do not go together or lack their keys.
    """
    check_names(settings)
    trade = settings.trade
    kind, _, rest = trade.feed.partition(":")
    feed = FEEDS[_feed(trade.feed)](settings, rest)
    accounts = _accounts(settings, kind, feed)
    if trade.broker != "paper":
        _refuse_invented_prices(trade.broker, kind, len(accounts))
    return Chosen(feed, tuple(_seat(settings, account, usual, feed) for account, usual in accounts.items()))


def check_names(settings: Settings) -> None:
    """Raise `UnknownName` for a feed, broker or strategy that does not exist."""
    trade = settings.trade
    if trade.broker not in BROKERS:
        raise UnknownName("broker", trade.broker, BROKERS)
    _feed(trade.feed)
    for strategy in (trade.strategy, *(each.strategy for each in settings.accounts)):
        if strategy is not None and strategy not in STRATEGIES:
            raise UnknownName("strategy", strategy, STRATEGIES)


def _feed(stated: str) -> str:
    """The name in `FEEDS` of what a user has stated."""
    kind, colon, rest = stated.partition(":")
    for name in FEEDS:
        if name.partition(":")[0] == kind and bool(colon and rest) == (":" in name):
            return name
    raise UnknownName("feed", stated, FEEDS)


def _refuse_invented_prices(broker: str, kind: str, accounts: int) -> None:
    """Orders that leave the house need prices of today, and an account at a venue has one owner."""
    if kind != "ccxt":
        what = "on a replay" if kind == "replay" else "on simulated prices"
        raise ConfigurationError(
            Problem(key="--broker", got=f"{broker} {what}", expected="paper, or a live feed (--feed ccxt:EXCHANGE)")
        )
    if accounts > 1:
        raise ConfigurationError(
            Problem(key="--account", got=f"{accounts} accounts", expected=f"one, for there is one at {broker}")
        )


def _accounts(settings: Settings, kind: str, feed: Feed) -> dict[str, Usual]:
    market = feed.source.partition(":")[2] or feed.source
    listed = _AT_ALPACA[is_live(settings.alpaca.url)] if settings.trade.broker == "alpaca" else USUAL[kind]
    usual = {each.format(name=market): traits for each, traits in listed.items()}
    named = settings.trade.account
    first = next(iter(usual.values()))
    # One that is named is called by that name: two would else share the label of the first.
    chosen = (
        usual if named is None else {each: usual.get(each, replace(first, label=each)) for each in named.split(",")}
    )
    return {each: replace(traits, label=traits.label.format(name=market)) for each, traits in chosen.items()}


def _seat(settings: Settings, account_id: str, usual: Usual, feed: Feed) -> Seat:
    said = settings.account(account_id)
    strategy = settings.trade.strategy or said.strategy or usual.strategy
    position = said.position_limit or said.initial_deposit * POSITION_SHARE
    account = _account(settings, account_id, usual, feed, position)
    return Seat(
        account=account,
        limits=Limits(daily_loss=account.daily_loss_limit, position=position, leverage=account.leverage_limit),
        initial_deposit=said.initial_deposit,
        broker=BROKERS[settings.trade.broker](settings, account),
        strategy=lambda feed: STRATEGIES[strategy]({each.symbol: each for each in feed.instruments}),
    )


def _account(settings: Settings, account_id: str, usual: Usual, feed: Feed, position_limit: Decimal) -> Account:
    said = settings.account(account_id)
    return Account(
        at=now(),
        account=account_id,
        source=feed.source,
        broker=settings.trade.broker,
        label=said.label or usual.label,
        currency=said.currency or _quoted(settings) or usual.currency,
        mode=usual.mode,
        periods_per_year=said.periods_per_year or usual.periods_per_year,
        zone=said.zone or usual.zone,
        roll_over=usual.roll_over if said.roll_over is None else said.roll_over,
        benchmark=said.benchmark or usual.benchmark,
        clock=feed.clock,
        daily_loss_limit=said.daily_loss_limit,
        position_limit=position_limit,
        leverage_limit=said.leverage_limit,
    )


def _quoted(settings: Settings) -> str | None:
    """The currency that the symbols named for an exchange are quoted in: BTC/USDT trades in USDT."""
    if not settings.trade.feed.startswith("ccxt:") or not settings.trade.symbols:
        return None
    return settings.trade.symbols[0].partition("/")[2].partition(":")[0] or None
