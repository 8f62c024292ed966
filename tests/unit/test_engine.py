import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar

import pytest
from structlog.testing import capture_logs

from main.domain.events import (
    OPEN_ORDER_STATES,
    Account,
    Alert,
    CashFlow,
    DailyStats,
    Equity,
    Event,
    Fill,
    Heartbeat,
    Instrument,
    MarketSnapshot,
    Order,
    OrderEvent,
    Position,
    SystemEvent,
    Trade,
)
from main.domain.ledger import Ledger
from main.domain.market import Tick
from main.trading.broker import LeftOrder, OrderRequest, Report
from main.trading.brokers.paper import PaperBroker
from main.trading.choice import STRATEGIES
from main.trading.engine import Engine
from main.trading.feed import Feed
from main.trading.feeds.sim import SimFeed
from main.trading.floor import Floor
from main.trading.journal import Journal
from main.trading.market_journal import MarketJournal
from main.trading.past import Past
from main.trading.risk import LOSS_LIMIT, Limits, RiskRules
from main.trading.strategy import Situation, Strategy, Wishes
from tests.factories import START, book, instrument, moment, tick

D = Decimal
E = TypeVar("E", bound=Event)


class Pages:
    """Keeps what a Recorder would write."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._awaited: Callable[[Event], bool] | None = None
        self._came = asyncio.Event()

    def record(self, event: Event) -> None:
        self.events.append(event)
        if self._awaited is not None and self._awaited(event):
            self._came.set()

    async def until(self, awaited: Callable[[Event], bool]) -> None:
        self._awaited = awaited
        await asyncio.wait_for(self._came.wait(), 10)

    def of(self, kind: type[E]) -> list[E]:
        return [each for each in self.events if isinstance(each, kind)]


class Ticks:
    """A replay of given ticks."""

    source = "test"
    clock: Literal["wall", "replay"] = "replay"
    interval_seconds = 0.01
    notices: tuple[str, ...] = ("2 rows left out",)

    def __init__(self, *ticks: Tick) -> None:
        self.ticks = ticks

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return (instrument(),)

    def resume(self, mids: Mapping[str, Decimal], after: datetime | None) -> None:
        raise AssertionError("nothing to go on with")

    async def __aiter__(self) -> AsyncIterator[Tick]:
        for each in self.ticks:
            yield each


class Buys:
    """Wants to hold ten at the market."""

    name = "buys"

    def decide(self, situation: Situation) -> Wishes:
        if situation.held["X"]:
            return Wishes()
        return Wishes(place=(OrderRequest("X", "buy", D(10), None, situation.tick.books["X"].mid, "buys"),))


class Watches:
    """Wants nothing, and remembers what it has seen."""

    name = "watches"

    def __init__(self) -> None:
        self.seen: list[Situation] = []

    def decide(self, situation: Situation) -> Wishes:
        self.seen.append(situation)
        return Wishes()


class Stumbles:
    name = "stumbles"

    def decide(self, situation: Situation) -> Wishes:
        raise ZeroDivisionError("no idea")


def built(
    feed: Feed, strategy: Strategy, pages: Pages, *, currency: str = "USD", name: str = "A", **given: Any
) -> Engine:
    account = Account(
        at=START, account=name, source=feed.source, broker="paper", label="A", currency=currency, mode="replay"
    )
    parts: dict[str, Any] = {
        "risk": RiskRules(Limits(daily_loss=D(100))),
        "ledger": Ledger(name, feed.source, feed.instruments, currency=currency),
        "broker": PaperBroker(name, feed.source, feed.instruments, currency=currency),
        "journal": Journal(account, pages, strategy=strategy.name),
    }
    return Engine(feed=feed, strategy=strategy, **(parts | given))


def floor_of(feed: Feed, engine: Engine, pages: Pages) -> Floor:
    return Floor(feed, MarketJournal(pages, feed, feed.instruments), [engine])


def priced(mid: object, at: float) -> Tick:
    return tick(book(D(str(mid)) - D("0.01"), D(str(mid)) + D("0.01")), at=at)


async def test_one_cycle_records_the_market_the_orders_the_books_and_a_heartbeat_last():
    pages = Pages()
    feed = Ticks()
    await floor_of(feed, built(feed, Buys(), pages), pages).cycle(priced(100, 0))
    recorded = [type(each) for each in pages.events]
    for kind in (SystemEvent, CashFlow, MarketSnapshot, OrderEvent, Fill, Order, Position, Equity, DailyStats):
        assert kind in recorded
    assert recorded[-1] is Heartbeat
    (equity,) = pages.of(Equity)
    fee = pages.of(Fill)[0].fee
    assert equity.equity == 100_000 - fee - D("0.1")  # ten, bought a cent above the mid
    assert len(pages.of(Order)) == 1  # its last state of the cycle
    assert [each.kind for each in pages.of(OrderEvent)] == ["placed", "accepted", "filled"]
    assert pages.of(Heartbeat)[0].status == "running"


async def test_the_first_deposit_comes_before_everything_and_only_once():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages)
    for second in range(3):
        await engine.cycle(priced(100, second))
    (flow,) = pages.of(CashFlow)
    assert (flow.source_id, flow.amount) == ("initial", 100_000)
    assert flow.at < min(each.at for each in pages.of(Equity))
    again = Pages()
    resumed = built(Ticks(), Buys(), again, ledger=engine.ledger)
    await resumed.cycle(priced(100, 9))
    assert again.of(CashFlow) == []


async def test_the_daily_loss_limit_closes_everything_alerts_and_blocks_until_the_next_trading_day():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages)
    await engine.cycle(priced(100, 0))
    with capture_logs() as logged:
        await engine.cycle(priced(89, 1))  # ten of them lost eleven each
    assert engine.status == "blocked"
    (line,) = logged
    assert (line["event"], line["log_level"]) == ("trading blocked", "warning")
    (alert,) = pages.of(Alert)
    assert (alert.rule, alert.severity, alert.resolved_at, alert.threshold) == (LOSS_LIMIT, "critical", None, 100)
    assert [each.kind for each in pages.of(SystemEvent) if each.severity == "critical"] == ["risk_block"]
    (trade,) = pages.of(Trade)
    assert trade.exit_type == "auto_loss_limit"
    assert engine.ledger.positions == ()
    await engine.cycle(priced(89, 2))
    stats = pages.of(DailyStats)[-1]
    assert (stats.limit_hit, stats.trading_blocked, stats.trades, stats.realized_pnl) == (
        True,
        True,
        1,
        trade.realized_pnl,
    )
    assert stats.loss_used == -trade.realized_pnl
    assert pages.of(Heartbeat)[-1].status == "blocked"
    assert len(pages.of(Fill)) == 2
    await engine.cycle(priced(89, 86_400))
    assert engine.status == "running"
    resolved = pages.of(Alert)[-1]
    assert (resolved.alert_id, resolved.resolved_at) == (alert.alert_id, moment(86_400))
    assert pages.of(DailyStats)[-1].trading_blocked is False
    assert len(pages.of(Fill)) == 3


async def test_the_change_of_unrealised_of_a_day_starts_at_the_last_mark_of_the_day_before():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages)
    await engine.cycle(priced(100, 0))
    await engine.cycle(priced(95, 1))
    assert pages.of(DailyStats)[-1].loss_used == D("50.1")
    await engine.cycle(priced(96, 86_400))
    assert pages.of(DailyStats)[-1].loss_used == 0
    assert pages.of(DailyStats)[-1].day == (START + timedelta(days=1)).date()
    await engine.cycle(priced(94, 86_401))
    assert pages.of(DailyStats)[-1].loss_used == 10


async def test_an_error_of_the_strategy_is_told_once_and_the_bot_goes_on():
    pages = Pages()
    engine = built(Ticks(), Stumbles(), pages)
    for second in range(3):
        await engine.cycle(priced(100, second))
    (told,) = [each for each in pages.of(SystemEvent) if each.kind == "error"]
    assert told.message == "ZeroDivisionError: no idea"
    beats = pages.of(Heartbeat)
    assert [(each.status, each.error_count, each.cycle_count) for each in beats] == [
        ("error", 1, 1),
        ("error", 2, 2),
        ("error", 3, 3),
    ]


async def test_a_replay_that_ends_leaves_the_bot_up_with_heartbeats_at_the_last_bar():
    pages, stop = Pages(), asyncio.Event()
    feed = Ticks(priced(100, 0), priced(101, 60))
    engine = built(feed, Buys(), pages)
    run = asyncio.create_task(floor_of(feed, engine, pages).run(stop))
    await pages.until(lambda event: isinstance(event, Heartbeat) and event.status == "finished")
    assert not run.done()
    stop.set()
    await run
    assert {each.at for each in pages.of(Heartbeat) if each.status in {"finished", "stopped"}} == {moment(60)}
    assert [each.kind for each in pages.of(SystemEvent)] == ["start", "feed", "finished", "stop"]
    assert pages.of(Heartbeat)[-1].status == "stopped"
    assert {each.at for each in pages.events if not isinstance(each, Instrument | CashFlow)} <= {moment(0), moment(60)}


async def test_stopping_takes_the_quotes_back():
    pages, stop = Pages(), asyncio.Event()
    feed = SimFeed(3, 0.01, paced=False)
    engine = built(feed, STRATEGIES["market_maker"]({each.symbol: each for each in feed.instruments}), pages)
    run = asyncio.create_task(floor_of(feed, engine, pages).run(stop))
    await pages.until(lambda event: isinstance(event, Order))
    stop.set()
    await run
    last = {each.order_id: each.status for each in pages.of(Order)}
    assert set(last.values()) <= {"cancelled", "filled", "rejected"}
    assert engine.open_orders == 0


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_day_of_market_making_balances_and_keeps_its_limits(seed):
    pages = Pages()
    feed = SimFeed(seed, 60.0, moments=lambda: START, paced=False)
    limits = Limits(position=D(10_000))
    engine = built(
        feed,
        STRATEGIES["market_maker"]({each.symbol: each for each in feed.instruments}),
        pages,
        risk=RiskRules(limits),
    )
    for _ in range(600):
        await engine.cycle(feed.next_tick())
    assert engine.last_error is None
    fills, trades = pages.of(Fill), pages.of(Trade)
    assert len(fills) > 100
    assert {each.side for each in fills} == {"buy", "sell"}
    again = Ledger.folded("A", "sim", fills, pages.of(CashFlow))
    assert again.realized == engine.ledger.realized == sum((each.gross_pnl for each in trades), D(0))
    for equity in pages.of(Equity):
        assert equity.realized_pnl is not None
        assert equity.unrealized_pnl is not None
        assert equity.fees is not None
        assert equity.equity == 100_000 + equity.realized_pnl - equity.fees + equity.unrealized_pnl
    # A price may move a position a little past the limit it was bought within.
    assert all(abs(each.quantity * (each.current_price or 0)) < 11_000 for each in pages.of(Position))
    for kind in (Fill, Trade, OrderEvent, Equity, Heartbeat, SystemEvent):
        ids = [each.source_id for each in pages.of(kind)]
        assert len(ids) == len(set(ids))


def in_euros(mid: object, at: float, rate: object = "0.5") -> Tick:
    return replace(priced(mid, at), rates={("USD", "EUR"): D(str(rate))})


@pytest.mark.parametrize(("limit", "status"), [(499, "rejected"), (501, "filled")])
async def test_limits_of_an_account_in_euros_hold_for_dollars_turned_into_euros(limit, status):
    pages = Pages()
    rules = RiskRules(Limits(daily_loss=D(100), position=D(limit)))
    engine = built(Ticks(), Buys(), pages, currency="EUR", risk=rules)
    await engine.cycle(in_euros(100, 0))  # ten at a hundred dollars are five hundred euros
    (order,) = pages.of(Order)
    assert order.status == status
    if status == "rejected":
        assert order.reason == "position limit: 500.00 long would exceed 499"


async def test_money_of_an_account_in_euros_is_in_euros_and_its_loss_limit_too():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages, currency="EUR")
    await engine.cycle(in_euros(100, 0))
    (bought,) = pages.of(Fill)
    assert bought.fee == (10 * D("100.01") * D("0.5") * D("0.0004")).quantize(D("1e-8"))
    assert pages.of(Equity)[-1].equity == 100_000 - D("0.05") - bought.fee
    assert pages.of(DailyStats)[-1].volume == 10 * D("100.01") * D("0.5")
    await engine.cycle(in_euros(85, 1))  # minus 150 dollars
    assert pages.of(DailyStats)[-1].loss_used == D("75.05")
    assert engine.status == "running"
    await engine.cycle(in_euros(79, 2))
    assert pages.of(DailyStats)[-1].limit_hit


async def test_a_strategy_is_told_what_a_unit_is_worth_in_the_currency_of_its_account():
    strategy = Watches()
    engine = built(Ticks(), strategy, Pages(), currency="EUR")
    await engine.cycle(in_euros(100, 0))
    (seen,) = strategy.seen
    assert seen.unit_value(instrument()) == 50
    assert seen.equity == 100_000


async def test_without_a_rate_nothing_is_traded_and_the_reason_is_told():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages, currency="EUR")
    await engine.cycle(priced(100, 0))
    assert [(each.status, each.reason) for each in pages.of(Order)] == [("rejected", "no rate into EUR is known yet")]
    assert engine.last_error is None


class TellsTwice(PaperBroker):
    """Tells of every fill again at the next tick, as brokers behind a network may."""

    async def advance(self, tick: Tick) -> Sequence[Report]:
        reports = await super().advance(tick)
        again, self.told = self.told, []
        return [*reports, *again]

    async def place(self, request: OrderRequest, tick: Tick, refusal: str = "") -> Sequence[Report]:
        reports = await super().place(request, tick, refusal)
        self.told += [each for each in reports if isinstance(each, Fill)]
        return reports

    def purpose(self, order_id: str) -> str:
        return "signal"

    told: list[Report] = []  # noqa: RUF012


async def test_a_fill_that_is_told_twice_counts_once():
    pages = Pages()
    engine = built(Ticks(), Buys(), pages, broker=TellsTwice("A", "test", [instrument()]))
    await engine.cycle(priced(100, 0))
    before = pages.of(DailyStats)[-1]
    await engine.cycle(priced(100, 1))
    assert len(pages.of(Fill)) == 2
    after = pages.of(DailyStats)[-1]
    assert (after.volume, after.fees, after.trades) == (before.volume, before.fees, before.trades)


class Turns:
    """Buys ten, then sells what it is told to."""

    name = "turns"

    def __init__(self, sold: D) -> None:
        self._sold = sold

    def decide(self, situation: Situation) -> Wishes:
        side, quantity = ("sell", self._sold) if situation.held["X"] else ("buy", D(10))
        return Wishes(place=(OrderRequest("X", side, quantity, None, situation.tick.books["X"].mid, "turns"),))


@pytest.mark.parametrize(("sold", "fills"), [(10, 2), (15, 1)])
async def test_at_the_leverage_limit_a_position_may_be_closed_but_not_turned_round(sold, fills):
    pages = Pages()
    limits = Limits(daily_loss=D(1000), position=D(10_000), leverage=D("0.001"))
    engine = built(Ticks(), Turns(D(sold)), pages, risk=RiskRules(limits))
    await engine.cycle(priced(100, 0))
    await engine.cycle(priced(100, 1))
    assert len(pages.of(Fill)) == fills


async def test_the_market_is_recorded_once_for_all_accounts():
    pages, feed = Pages(), Ticks()
    engines = [built(feed, Buys(), pages, name=name) for name in ("A", "B")]
    floor = Floor(feed, MarketJournal(pages, feed, feed.instruments), engines)
    await floor.cycle(priced(100, 0))
    assert len(pages.of(MarketSnapshot)) == 1
    assert [each.account for each in pages.of(Equity)] == ["A", "B"]
    assert [each.account for each in pages.of(Heartbeat)] == ["A", "B"]


def told_until(pages: Pages, at: datetime) -> Past:
    """What a database would hold of a run, up to the heartbeat of `at`."""
    steps: dict[str, list[OrderEvent]] = {}
    for step in pages.of(OrderEvent):
        if step.at <= at:
            steps.setdefault(step.order_id, []).append(step)
    orders = {order.order_id: order for order in pages.of(Order) if order.at <= at}
    alerts = {alert.alert_id: alert for alert in pages.of(Alert) if alert.at <= at}
    return Past(
        moment=at,
        fills=[each for each in pages.of(Fill) if each.at <= at],
        alerts=[each for each in alerts.values() if each.resolved_at is None],
        flows=[each for each in pages.of(CashFlow) if each.at <= at],
        orders=[
            LeftOrder(order, steps[order_id][0].reason or "", len(steps[order_id]))
            for order_id, order in orders.items()
            if order.status in OPEN_ORDER_STATES
        ],
    )


def books_of(pages: Pages, after: datetime) -> list[Event]:
    """What was recorded after a moment, without what names the run."""
    return [
        each for each in pages.events if each.at > after and not isinstance(each, Heartbeat | SystemEvent | Instrument)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_run_that_is_cut_after_any_tick_goes_on_as_the_one_that_was_not(seed):
    market = SimFeed(seed, 60.0, moments=lambda: START, paced=False)
    ticks = [market.next_tick() for _ in range(150)]
    ticks = [replace(each, at=START + number * timedelta(minutes=20)) for number, each in enumerate(ticks)]

    def bot(pages: Pages, past: Past | None = None) -> Engine:
        strategy = STRATEGIES["market_maker"]({each.symbol: each for each in market.instruments})
        feed = SimFeed(seed, 60.0, source="test")
        feed.clock = "replay"  # type: ignore[misc]
        return built(feed, strategy, pages, risk=RiskRules(Limits(daily_loss=D(10))), past=past)

    whole = Pages()
    engine = bot(whole)
    for each in ticks:
        await engine.cycle(each)
    assert engine.last_error is None
    assert len(whole.of(Fill)) > 100
    assert any(each.trading_blocked for each in whole.of(DailyStats))
    for cut in (0, 1, 30, 71, 72, 73, 140):
        rest = Pages()
        again = bot(rest, told_until(whole, ticks[cut].at))
        for each in ticks:
            await again.cycle(each)
        assert books_of(rest, ticks[cut].at) == books_of(whole, ticks[cut].at), f"cut after tick {cut}"
