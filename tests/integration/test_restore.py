"""What an earlier run of a live bot left behind is read back as if it had never been away."""

from decimal import Decimal

from main.domain.events import Account, Fill, Instrument
from main.trading.past import past_of
from main.trading.restore import Restored, restore
from main.trading.risk import Limits
from tests.factories import instrument
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    given_account,
    given_equity,
    given_fill,
    given_flow,
    given_heartbeat,
    given_snapshots,
    given_trade,
    insert,
)

D = Decimal
ACCOUNT = Account(at=MOMENT, account="A", source="sim", broker="paper", label="A", currency="USD", mode="paper")


class Market:
    """A feed that is asked for its symbols only."""

    source = "sim"
    instruments: tuple[Instrument, ...] = (instrument(source="sim"),)


async def restored(service) -> Restored:
    return await restore(service, ACCOUNT, Market(), Limits())


def sold(left: Restored, price: object) -> list[tuple[D | None, D | None]]:
    """The excursions of the trades that selling everything now makes."""
    last = Fill(
        at=MOMENT, account="A", source="bot", source_id="last", symbol="X", side="sell", price=D(str(price)),
        quantity=left.ledger.quantity("X"),
    )  # fmt: skip
    return [(trade.mfe, trade.mae) for trade in left.ledger.apply(last).trades]


async def test_the_day_before_closed_with_what_was_corrected_last(service):
    await given_account(service)
    await given_equity(service, 95, source="sim", source_id="equity-o", unrealized_pnl=-2, revision=2)
    await given_equity(service, 100, source="sim", source_id="equity-o", unrealized_pnl=5)
    await given_equity(service, 90, source="sim", source_id="equity-o", unrealized_pnl=-5, revision=1)
    assert (await restored(service)).day.unrealized_before == -2


async def test_a_lot_remembers_the_prices_since_it_was_opened_and_none_before(service):
    await given_account(service)
    await given_snapshots(service, MOMENT - HOUR, mid=50)
    await given_fill(service, "buy", 1, 100, MOMENT - HOUR)
    await given_snapshots(service, MOMENT - MINUTE, mid=130)
    assert sold(await restored(service), 110) == [(D("0.3"), 0)]


async def test_a_price_older_than_a_fill_neither_values_it_nor_is_seen_by_it(service):
    await given_account(service)
    await given_snapshots(service, MOMENT - HOUR, mid=50)
    await given_fill(service, "buy", 1, 100, MOMENT - MINUTE)
    left = await restored(service)
    assert left.ledger.unrealized == 0
    assert sold(left, 110) == [(D("0.1"), 0)]


async def test_the_price_of_the_moment_of_a_fill_values_it_but_is_seen_by_older_lots_only(service):
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - HOUR)
    await given_snapshots(service, MOMENT - MINUTE, mid=90)
    await given_fill(service, "buy", 1, 100, MOMENT - MINUTE)
    left = await restored(service)
    assert left.ledger.unrealized == -20
    assert sold(left, 110) == [(D("0.1"), D("-0.1")), (D("0.1"), 0)]


async def test_prices_that_were_purged_are_remembered_by_the_minute(service):
    await given_account(service)
    await given_fill(service, "buy", 1, 100, MOMENT - 40 * DAY + MINUTE / 2)
    low_and_high = {"open": 100, "low": 70, "high": 150, "close": 100}
    counted = {"spread_count": 0, "bid_depth_count": 0, "ask_depth_count": 0, "snapshots": 20}
    minutes = [MOMENT - 40 * DAY, MOMENT - 39 * DAY]
    rows = [
        {"source": "sim", "symbol": "X", "width": "minute", "at": at, "learned_at": at} | low_and_high | counted
        for at in minutes
    ]
    rows[0] |= {"low": 10}  # of the minute in which the lot was opened nobody knows any more what came after it
    await insert(service, "market_rollups", rows)
    await insert(
        service,
        "daily_purge_flags",
        [{"day": MOMENT.date(), "table_name": "market_snapshots", "cutoff": MOMENT - 30 * DAY, "finished_at": MOMENT}],
    )
    assert sold(await restored(service), 110) == [(D("0.5"), D("-0.3"))]


async def test_what_a_correction_moved_beyond_the_moment_of_a_replay_has_not_happened_yet(service):
    await given_account(service, clock="replay")
    await given_heartbeat(service, MOMENT - HOUR)
    for moved in (-2 * HOUR, -MINUTE):
        revision = 0 if moved == -2 * HOUR else 1
        await given_fill(service, "buy", 1, 100, MOMENT + moved, source_id="f", revision=revision)
        await given_flow(service, 100, MOMENT + moved, source_id="c", revision=revision)
    left = await past_of(service, ACCOUNT)
    assert (left.moment, left.fills, left.flows) == (MOMENT - HOUR, (), ())


async def test_a_trade_whose_time_was_corrected_is_no_loose_end(service):
    await given_account(service)
    entry = await given_fill(service, "buy", 1, 100, MOMENT - HOUR)
    leave = await given_fill(service, "sell", 1, 110, MOMENT - HOUR / 2)
    await given_trade(service, 9, MOMENT - HOUR / 2, source_id=f"{entry}:{leave}")
    await given_fill(service, "sell", 1, 110, MOMENT - MINUTE, source_id=leave, revision=1)
    assert (await restored(service)).loose_ends == ()
