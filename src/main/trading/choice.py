"""Which feed, broker, strategy and account do the settings name?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from main.clock import now
from main.config import Settings, TradeSettings
from main.domain.events import Account
from main.errors import UnknownName
from main.trading.broker import Broker
from main.trading.brokers.paper import PaperBroker
from main.trading.engine import INITIAL_DEPOSIT
from main.trading.feed import Feed
from main.trading.feeds.replay import ReplayFeed
from main.trading.feeds.sim import SimFeed
from main.trading.risk import Limits
from main.trading.strategies import market_maker
from main.trading.strategy import Strategy, StrategyInstruments

POSITION_SHARE = Decimal("0.1")
"""The usual position limit, as a fraction of what a paper account begins with."""

STRATEGIES: Mapping[str, Callable[[StrategyInstruments], Strategy]] = {market_maker.NAME: market_maker.MarketMaker}

_FEEDS = ("sim", "replay:PATH")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one bot is made of."""

    account: Account
    feed: Feed
    broker: Broker
    strategy: Strategy
    limits: Limits


def choose(settings: Settings) -> Chosen:
    """Make the parts that the settings name.

    Raise `UnknownName` for a feed, broker or strategy that does not exist, `UnreadablePrices` for files that cannot be
    replayed.
    """
    trade = settings.trade
    strategy = trade.strategy or market_maker.NAME
    if strategy not in STRATEGIES:
        raise UnknownName("strategy", strategy, STRATEGIES)
    if trade.broker != "paper":
        raise UnknownName("broker", trade.broker, ("paper",))
    account, feed = _market(trade)
    account = _as_configured(account, settings)
    limits = Limits(
        daily_loss=account.daily_loss_limit,
        position=account.position_limit or INITIAL_DEPOSIT * POSITION_SHARE,
        leverage=account.leverage_limit,
    )
    return Chosen(
        account=replace(account, position_limit=limits.position),
        feed=feed,
        broker=PaperBroker(account.account, feed.source, feed.instruments, trade.seed),
        strategy=STRATEGIES[strategy]({each.symbol: each for each in feed.instruments}),
        limits=limits,
    )


def _market(trade: TradeSettings) -> tuple[Account, Feed]:
    kind, _, path = trade.feed.partition(":")
    feed: Feed
    if kind == "sim" and not path:
        account = _given(trade, "SIM")
        # A second simulated account has a market of its own: two writers of one source would mix their prices.
        source = "sim" if account == "SIM" else f"sim:{account}"
        feed = SimFeed(trade.seed, trade.interval, source=source)
        return _simulated(account, source), feed
    if kind == "replay" and path:
        speed = trade.speed
        feed = ReplayFeed(Path(path).expanduser(), bars_a_second=speed)
        return _replayed(_given(trade, f"REPLAY-{feed.name}"), feed), feed
    raise UnknownName("feed", trade.feed, _FEEDS)


def _given(trade: TradeSettings, usual: str) -> str:
    return trade.account or usual


def _simulated(account: str, source: str) -> Account:
    return Account(
        at=now(),
        account=account,
        source=source,
        broker="paper",
        label="Simulated market maker",
        currency="USD",
        mode="simulated",
        periods_per_year=365,
    )


def _replayed(account: str, feed: ReplayFeed) -> Account:
    return Account(
        at=now(),
        account=account,
        source=feed.source,
        broker="paper",
        label=f"Replay of {feed.name}",
        currency="USD",
        mode="replay",
        periods_per_year=252,
        clock="replay",
    )


def _as_configured(account: Account, settings: Settings) -> Account:
    """The account with what the user says about it."""
    said = settings.account(account.account)
    return replace(
        account,
        label=said.label or account.label,
        currency=said.currency or account.currency,
        periods_per_year=said.periods_per_year or account.periods_per_year,
        zone=said.zone,
        roll_over=said.roll_over,
        daily_loss_limit=said.daily_loss_limit,
        position_limit=said.position_limit,
        leverage_limit=said.leverage_limit,
    )
