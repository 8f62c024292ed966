"""Risk: exposure, limits, stops, the day's loss, the risk factor, alerts, and whether exchanges are open."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from main.database.pool import Database
from main.monitoring.reads import (
    alerts,
    daily_loss,
    exposure,
    inventory,
    market_hours,
    risk_factor,
    trade_risk,
)
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_alert,
    given_daily,
    given_equity,
    given_heartbeat,
    given_instrument,
    given_position,
    given_trade,
    live,
    past,
)
from tests.given_market import asked_with

SECOND = timedelta(seconds=1)


async def given_holding(service: Database, symbol: str, value: int, account: str = "A", **given: object) -> None:
    """A position worth `value`, short when it is below zero, at a price of 10."""
    side = "long" if value > 0 else "short"
    key = f"{account}-{symbol}-{side}"
    await given_position(
        service, symbol, side, Decimal(abs(value)) / 10, account, position_id=key, current_price=10, **given
    )


async def test_exposure_is_gross_and_net_over_equity_by_sector_and_symbol(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, 1000)
    for symbol, sector in (("X", "Tech"), ("Y", "Tech"), ("Z", "Oil")):
        await given_instrument(service, symbol, sector=sector)
    await given_holding(service, "X", 400)
    await given_holding(service, "Y", -200)
    await given_holding(service, "Z", 300)
    await given_holding(service, "W", 100)
    (row,) = await asked(database, exposure.READ, live())
    assert (row.currency, row.account, row.equity, row.gross, row.net) == ("USD", None, 1000, 1000, 600)
    assert (row.gross_exposure.value, row.net_exposure.value, row.leverage.value) == (1.0, 0.6, 1.0)
    assert (row.leverage_band, row.max_weight.value) == ("raised", 0.4)
    assert row.concentration.value == pytest.approx(0.16 + 0.04 + 0.09 + 0.01)
    assert [(s.sector, s.gross, s.net, s.share) for s in row.sectors] == [
        ("Tech", 600, 200, 0.6),
        ("Oil", 300, 300, 0.3),
        (None, 100, 100, 0.1),
    ]
    assert [(s.symbol, s.weight) for s in row.symbols] == [("X", 0.4), ("Z", 0.3), ("Y", 0.2), ("W", 0.1)]


@pytest.mark.parametrize(("value", "band"), [(999, "normal"), (1000, "raised"), (1200, "raised"), (1201, "excessive")])
async def test_leverage_is_raised_from_one_and_excessive_above_one_point_two(
    value: int, band: str, service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, 1000)
    await given_holding(service, "X", value)
    (row,) = await asked(database, exposure.READ, live())
    assert row.leverage_band == band


async def test_currencies_are_never_added_and_accounts_can_be_told_apart(service: Database, database: Database) -> None:
    for account, currency in (("A", "USD"), ("B", "USD"), ("C", "EUR")):
        await given_account(service, account, currency=currency)
        await given_equity(service, 1000, account=account)
    await given_instrument(service, "E", currency="EUR")
    await given_holding(service, "X", 500, "A")
    await given_holding(service, "X", -500, "B")
    await given_holding(service, "E", 100, "C")
    rows = await asked(database, exposure.READ, live("A", "B", "C"))
    assert [(row.currency, row.equity, row.gross, row.net) for row in rows] == [
        ("EUR", 1000, 100, 100),
        ("USD", 2000, 1000, 0),
    ]
    assert rows[1].concentration.value == 1.0  # long here and short there is still one symbol
    apart = await asked_with(database, exposure.READ, live("A", "B", "C"), by="account")
    assert [(row.account, row.net) for row in apart] == [("C", 100), ("A", 500), ("B", -500)]
    with pytest.raises(ValueError, match='by: got "symbol", expected one of currency, account'):
        exposure.ExposureParams(by="symbol")


async def test_what_is_missing_is_said_and_never_taken_for_zero(service: Database, database: Database) -> None:
    await given_account(service)
    (empty,) = await asked(database, exposure.READ, live())
    assert (empty.equity, empty.gross, empty.leverage.reason) == (None, 0, "no equity recorded of A")
    await given_equity(service, 1000)
    (flat,) = await asked(database, exposure.READ, live())
    assert (flat.leverage.value, flat.leverage_band, flat.max_weight.reason) == (0.0, "normal", "no positions")
    await given_position(service, "X", current_price=None)
    await given_holding(service, "Y", 100)
    (unpriced,) = await asked(database, exposure.READ, live())
    assert (unpriced.positions, unpriced.unpriced, unpriced.gross, unpriced.symbols) == (2, 1, None, ())
    assert unpriced.leverage.reason == unpriced.concentration.reason == "no price of 1 of 2 positions"


@pytest.mark.parametrize("equity", [0, -5])
async def test_without_equity_above_zero_there_is_no_leverage(
    equity: int, service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, equity)
    await given_holding(service, "X", 100)
    (row,) = await asked(database, exposure.READ, live())
    assert (row.gross, row.leverage.value, row.leverage.reason) == (100, None, "equity is not above zero")
    assert (row.leverage_band, row.max_weight.value) == (None, 1.0)


async def test_a_strategy_shows_its_own_positions(service: Database, database: Database) -> None:
    await given_account(service, position_limit=1000)
    await given_equity(service, 1000)
    await given_holding(service, "X", 100, strategy="maker")
    await given_holding(service, "Y", 300, strategy="rotation")
    (row,) = await asked(database, exposure.READ, live(strategy="maker"))
    assert row.gross == 100
    assert [each.symbol for each in await asked(database, inventory.READ, live(strategy="maker"))] == ["X"]
    assert [each.symbol for each in await asked(database, trade_risk.READ, live(strategy="rotation"))] == ["Y"]


async def test_a_past_moment_has_the_positions_and_the_equity_of_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 1000, 500, every=HOUR)
    await given_holding(service, "X", 400, entry_time=MOMENT - DAY, at=MOMENT - DAY)
    async with service.scoped() as connection:
        await connection.execute("UPDATE positions SET quantity = 20, at = $1", MOMENT)
        await connection.execute("UPDATE positions_history SET changed_at = at")
    (now_,) = await asked(database, exposure.READ, past(MOMENT))
    (then,) = await asked(database, exposure.READ, past(MOMENT - MINUTE))
    assert (now_.gross, now_.leverage.value) == (200, 0.4)
    assert (then.gross, then.leverage.value) == (400, 0.4)


@pytest.mark.parametrize(
    ("value", "band"), [(399, "low"), (-400, "medium"), (700, "high"), (-900, "critical"), (1500, "critical")]
)
async def test_inventory_is_banded_at_40_70_and_90_per_cent_of_the_limit(
    value: int, band: str, service: Database, database: Database
) -> None:
    await given_account(service, position_limit=1000)
    await given_holding(service, "X", value)
    (row,) = await asked(database, inventory.READ, live())
    assert (row.value, row.limit, row.band) == (value, 1000, band)
    assert row.used.value == pytest.approx(abs(value) / 1000)


async def test_two_positions_of_a_symbol_are_one_holding_and_no_limit_is_no_band(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_holding(service, "X", 300)
    await given_holding(service, "X", -100)
    await given_position(service, "Y", current_price=None)
    rows = await asked(database, inventory.READ, live())
    assert [(row.symbol, row.value, row.used.reason, row.band) for row in rows] == [
        ("X", 200, "the account has no position limit", None),
        ("Y", None, "the account has no position limit", None),
    ]
    await given_account(service, "B", position_limit=10)
    await given_position(service, "Y", account="B", current_price=None)
    (other,) = await asked(database, inventory.READ, live("B"))
    assert other.used.reason == "no price is known"


async def test_risk_per_trade_is_the_distance_to_the_initial_stop_over_equity(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, 10_000)
    await given_position(service, "X", "short", 5, multiplier=10, entry_price=100, initial_stop=104)
    await given_position(service, "Y", "long", 5, entry_price=100)
    stopped, free = await asked(database, trade_risk.READ, live())
    assert (stopped.initial_stop, stopped.amount, stopped.risk.value) == (104, 200, pytest.approx(0.02))
    assert (free.initial_stop, free.amount, free.risk.reason) == (None, None, "no stop was set")
    assert trade_risk.READ.scalar is not None
    assert trade_risk.READ.scalar([stopped, free]) == pytest.approx(0.02)


async def test_risk_without_equity_says_why_it_is_missing(service: Database, database: Database) -> None:
    await given_account(service)
    await given_position(service, "X", initial_stop=90)
    (row,) = await asked(database, trade_risk.READ, live())
    assert (row.amount, row.risk.reason) == (100, "no equity recorded")
    await given_equity(service, 0)
    (row,) = await asked(database, trade_risk.READ, live())
    assert row.risk.reason == "equity is not above zero"


async def test_a_past_moment_has_the_stop_of_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 1000, ending=MOMENT - 2 * HOUR)
    await given_position(service, "X", initial_stop=90, at=MOMENT - HOUR)
    async with service.scoped() as connection:
        await connection.execute("UPDATE positions SET initial_stop = 80, at = $1", MOMENT)
        await connection.execute("UPDATE positions_history SET changed_at = at")
    (then,) = await asked(database, trade_risk.READ, past(MOMENT - MINUTE))
    (now_,) = await asked(database, trade_risk.READ, past(MOMENT))
    assert (then.initial_stop, now_.initial_stop) == (90, 80)
    (live_,) = await asked(database, trade_risk.READ, live())
    assert live_.initial_stop == 80


async def test_the_daily_loss_is_what_the_bots_rules_say_of_the_day(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 1000, 900, every=HOUR)
    await given_daily(
        service,
        MOMENT.date(),
        loss_used=150,
        loss_limit=200,
        trailing_active=True,
        trailing_level=30,
        protected_profit=30,
    )
    (row,) = await asked(database, daily_loss.READ, live())
    assert (row.day, row.day_start) == (date(2026, 11, 20), datetime(2026, 11, 20, tzinfo=UTC))
    assert (row.loss_used, row.loss_limit, row.loss_share.value, row.origin) == (150, 200, 0.75, "bot")
    assert (row.result, row.trailing_active, row.trailing_level, row.protected_profit) == (-100, True, 30, 30)
    assert (row.limit_hit, row.trading_blocked) == (False, False)


async def test_without_the_bots_word_the_loss_follows_from_equity(service: Database, database: Database) -> None:
    await given_account(service, daily_loss_limit=400)
    (empty,) = await asked(database, daily_loss.READ, live())
    assert (empty.loss_used, empty.loss_share.reason) == (None, "nothing was recorded of the day")
    await given_equity(service, 1000, 900, every=HOUR)
    await given_trade(service, -100, MOMENT)
    (row,) = await asked(database, daily_loss.READ, live())
    assert (row.loss_used, row.loss_share.value, row.origin, row.trailing_active) == (100, 0.25, "computed", None)


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        (datetime(2026, 10, 30, 20, 59, tzinfo=UTC), datetime(2026, 10, 29, 21, tzinfo=UTC)),  # summer time
        (datetime(2026, 10, 30, 21, 1, tzinfo=UTC), datetime(2026, 10, 30, 21, tzinfo=UTC)),
        (datetime(2026, 11, 2, 21, 59, tzinfo=UTC), datetime(2026, 11, 1, 22, tzinfo=UTC)),  # clocks have changed
    ],
)
async def test_a_day_that_begins_at_17_in_new_york_follows_its_clocks(
    moment: datetime, start: datetime, service: Database, database: Database
) -> None:
    await given_account(service, zone="America/New_York", roll_over=timedelta(hours=17))
    await given_equity(service, 1000, ending=start - SECOND)
    await given_equity(service, 990, ending=moment)
    (row,) = await asked(database, daily_loss.READ, live(moment=moment))
    assert row.day_start == start
    assert row.loss_used == 10


async def test_the_risk_factor_keeps_its_reasons_and_no_more_than_its_points(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for second in range(0, 600, 5):
        await given_heartbeat(
            service,
            MOMENT - 10 * MINUTE + second * SECOND + 5 * SECOND,
            risk_factor=Decimal(second) / 600,
            risk_reason=f"r{second}",
        )
    every = await asked(database, risk_factor.READ, live(window="1h"))
    assert len(every) == 120
    few = await asked_with(database, risk_factor.READ, live(window="1h"), points=10)
    assert 10 <= len(few) <= 11
    assert (few[-1].at, few[-1].risk_factor, few[-1].reason, few[-1].regime) == (
        MOMENT,
        pytest.approx(595 / 600),
        "r595",
        "calm",
    )
    assert risk_factor.READ.scalar is not None
    assert risk_factor.READ.scalar(few) == pytest.approx(595 / 600)


async def test_a_bot_without_a_risk_factor_has_no_history_of_it(service: Database, database: Database) -> None:
    await given_account(service)
    assert await asked(database, risk_factor.READ, live()) == []
    await given_heartbeat(service, MOMENT)
    assert await asked(database, risk_factor.READ, live()) == []


async def test_alerts_have_their_state_at_the_moment_and_are_counted(service: Database, database: Database) -> None:
    await given_account(service)
    await given_alert(service, "open", MOMENT - HOUR, account_id="A", severity="critical")
    await given_alert(service, "seen", MOMENT - 2 * HOUR, acknowledged_at=MOMENT - HOUR, acknowledged_by="ann")
    await given_alert(service, "over", MOMENT - 3 * HOUR, resolved_at=MOMENT - HOUR, severity="info")
    await given_alert(service, "long ago", MOMENT - 9 * DAY, resolved_at=MOMENT - 8 * DAY)
    await given_alert(service, "of another", MOMENT - HOUR, account_id="B")
    page = await asked(database, alerts.READ, live())
    assert [(row.title, row.state) for row in page.items] == [
        ("open", "open"),
        ("seen", "acknowledged"),
        ("over", "resolved"),
    ]
    assert (page.total, page.summary.open, page.summary.acknowledged, page.summary.critical) == (3, 1, 1, 1)
    assert [row.duration_seconds for row in page.items] == [3600, 7200, 7200]
    assert page.items[0].label == "Account A"


async def test_alerts_come_by_page_in_the_order_and_of_the_kind_asked_for(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for number, severity in enumerate(["info", "critical", "warning", "critical"]):
        await given_alert(service, f"t{number}", MOMENT - number * MINUTE, severity=severity, rule=f"r{number}")
    page = await asked_with(database, alerts.READ, live(), limit=2, offset=1, sort="fired_at")
    assert ([row.title for row in page.items], page.total) == (["t2", "t1"], 4)
    worst = await asked_with(database, alerts.READ, live(), sort="-severity")
    assert [row.title for row in worst.items] == ["t1", "t3", "t2", "t0"]
    critical = await asked_with(database, alerts.READ, live(), severity="critical", sort="rule", limit=1)
    assert ([row.rule for row in critical.items], critical.total, critical.summary.critical) == (["r1"], 2, 2)
    assert (await asked_with(database, alerts.READ, live(), rule="r3")).total == 1
    nothing = await asked_with(database, alerts.READ, live(), state="resolved")
    assert (nothing.items, nothing.total) == ([], 0)


@pytest.mark.parametrize("given", [{"sort": "colour"}, {"state": "odd"}, {"severity": "grave"}, {"limit": 0}])
def test_params_of_alerts_that_make_no_sense_are_refused_with_the_choices(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(given))}: got .*expected"):
        alerts.AlertParams(**given)


async def test_an_alert_that_is_over_now_was_open_then(service: Database, database: Database) -> None:
    await given_account(service)
    fired = {"resolved_at": MOMENT, "acknowledged_at": MOMENT - MINUTE, "acknowledged_by": "ann"}
    await given_alert(service, "t", MOMENT - HOUR, **fired)
    (row,) = (await asked(database, alerts.READ, past(MOMENT - 30 * MINUTE))).items
    assert (row.state, row.resolved_at, row.acknowledged_by, row.duration_seconds) == ("open", None, None, 1800)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library uses pandas
async def test_exchanges_are_open_by_their_own_calendars(service: Database, database: Database) -> None:
    await given_account(service)
    for symbol, calendar in (("A", "24/7"), ("B", "XNYS"), ("C", "XNYS"), ("D", "NOPE")):
        await given_instrument(service, symbol, calendar=calendar)
    rows = await asked(database, market_hours.READ, live())
    assert [(row.calendar, row.symbols, row.state) for row in rows] == [
        ("24/7", 1, "open"),
        ("NOPE", 1, "unknown"),
        ("XNYS", 2, "open"),
    ]
    assert rows[2].until == datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert market_hours.READ.scalar is not None
    assert market_hours.READ.scalar(rows) == 2


@pytest.mark.parametrize("read", [inventory, trade_risk, risk_factor, market_hours], ids=lambda read: read.READ.name)
async def test_an_account_that_holds_nothing_has_no_rows(read, service: Database, database: Database) -> None:
    await given_account(service)
    assert await asked(database, read.READ, live()) == []
