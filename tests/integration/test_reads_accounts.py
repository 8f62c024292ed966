"""The headline figures, positions and events against amounts worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from main.clock import now
from main.database.pool import Database
from main.domain.scope import trading_day
from main.monitoring.reads import (
    account_summary,
    account_totals,
    accounts,
    activity,
    daily_pnl,
    open_alerts,
    positions,
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
    given_event,
    given_fill,
    given_flow,
    given_heartbeat,
    given_instrument,
    given_order_event,
    given_position,
    given_trade,
    live,
    past,
)

MIDNIGHT = MOMENT.replace(hour=5, minute=0)
"""When the trading day of an account in New York began."""


async def summary(database: Database, *names: str) -> dict:
    rows = await asked(database, account_summary.READ, live(*names))
    return {row.account: row for row in rows}


async def test_todays_pnl_is_the_change_of_equity_since_the_accounts_own_midnight_without_flows(
    service: Database, database: Database
) -> None:
    await given_account(service, zone="America/New_York")
    await given_equity(service, 900, ending=MIDNIGHT - 2 * HOUR)
    await given_equity(service, 1000, ending=MIDNIGHT)
    await given_equity(service, 1530, ending=MOMENT, cash=400, available_margin=300, unrealized_pnl=7)
    await given_flow(service, 500, MOMENT - MINUTE)
    row = (await summary(database))["A"]
    assert (row.equity, row.cash, row.available_margin, row.today_start) == (1530, 400, 300, MIDNIGHT)
    assert row.today_pnl == 30
    assert row.unrealized_pnl == 7


async def test_realised_today_counts_the_trades_that_closed_today_in_their_newest_revision(
    service: Database, database: Database
) -> None:
    await given_account(service, zone="America/New_York")
    await given_trade(service, 100, MIDNIGHT - MINUTE)
    await given_trade(service, 10, MIDNIGHT, fees="0.5")
    await given_trade(service, "-4.25", MOMENT, fees="0.25")
    corrected = await given_trade(service, 50, MOMENT - HOUR)
    await given_trade(service, 60, MOMENT - HOUR, source_id=corrected, revision=1, recorded_at=MOMENT - MINUTE)
    busted = await given_trade(service, 1000, MOMENT - HOUR)
    await given_trade(service, 0, MOMENT - HOUR, source_id=busted, revision=1, quantity=0)
    row = (await summary(database))["A"]
    assert (row.realized_today, row.fees_today, row.closed_today, row.won_today) == (
        Decimal("65.75"),
        Decimal("1.75"),
        3,
        2,
    )
    assert row.gross_today == row.realized_today + row.fees_today
    before = await asked(database, account_summary.READ, past(MOMENT, known_at=MOMENT - 2 * MINUTE))
    assert before[0].realized_today == 60


async def test_unknown_figures_are_none_and_never_zero(service: Database, database: Database) -> None:
    await given_account(service)
    row = (await summary(database))["A"]
    unknown = (row.equity, row.cash, row.today_pnl, row.today_return, row.unrealized_pnl, row.loss_used, row.drawdown)
    assert unknown == (None,) * 7
    assert (row.status, row.silent, row.trading_blocked, row.loss_share) == (None, None, None, None)


async def test_unrealised_is_unknown_while_a_position_has_no_price(service: Database, database: Database) -> None:
    await given_account(service)
    await given_position(service, "X", quantity=10, entry_price=100, current_price=110)
    await given_position(service, "Y", "short", quantity=5, entry_price=20, current_price=22)
    assert (await summary(database))["A"].unrealized_pnl == 90
    await given_position(service, "Z", current_price=None)
    row = (await summary(database))["A"]
    assert (row.unrealized_pnl, row.positions, row.unpriced_positions) == (None, 3, 1)


async def test_the_daily_loss_is_what_the_bot_says_of_today_else_computed(
    service: Database, database: Database
) -> None:
    await given_account(service, daily_loss_limit=200)
    await given_equity(service, 1000, 950, every=MINUTE)
    computed = (await summary(database))["A"]
    assert (computed.loss_used, computed.loss_share, computed.loss_origin) == (50, 0.25, "computed")
    await given_daily(service, date(2026, 11, 19), loss_used=999, at=MOMENT - DAY)
    await given_daily(service, date(2026, 11, 20), loss_used=60, loss_limit=100, trading_blocked=True)
    said = (await summary(database))["A"]
    assert (said.loss_used, said.loss_limit, said.loss_share) == (60, 100, 0.6)
    assert (said.loss_origin, said.trading_blocked) == ("bot", True)


async def test_a_loss_limit_of_zero_has_no_share(service: Database, database: Database) -> None:
    await given_account(service)
    await given_daily(service, date(2026, 11, 20), loss_used=5, loss_limit=0)
    (row,) = await asked(database, account_summary.READ, live())
    (total,) = await asked(database, account_totals.READ, live())
    assert (row.loss_used, row.loss_share, total.loss_share) == (5, None, None)


async def test_a_heartbeat_does_not_make_old_equity_fresh(service: Database, database: Database) -> None:
    await given_account(service)
    assert account_summary.READ.as_of is not None
    await given_heartbeat(service, MOMENT)
    assert account_summary.READ.as_of(await asked(database, account_summary.READ, live())) == MOMENT
    await given_equity(service, 100, ending=MOMENT - HOUR)
    assert account_summary.READ.as_of(await asked(database, account_summary.READ, live())) == MOMENT - HOUR


async def test_a_bot_is_silent_after_three_intervals_of_the_databases_clock(
    service: Database, database: Database
) -> None:
    for name, interval, status in (("A", 3, "running"), ("B", 100_000_000, "running"), ("C", 3, "stopped")):
        await given_account(service, name)
        heard = now() - MINUTE
        await given_heartbeat(service, MOMENT - HOUR, name, recorded_at=heard, interval_seconds=interval, status=status)
    rows = await summary(database, "A", "B", "C")
    assert {name: row.silent for name, row in rows.items()} == {"A": True, "B": False, "C": False}
    assert rows["A"].regime == "calm"


async def test_a_replayed_account_lives_in_its_own_day_beside_others(service: Database, database: Database) -> None:
    then = datetime(2010, 3, 5, 20, 0, tzinfo=UTC)
    await given_account(service, "A")
    await given_account(service, "R", clock="replay", mode="replay")
    await given_equity(service, 100, 105, account="R", ending=then)
    await given_heartbeat(service, then, "R")
    row = (await summary(database, "A", "R"))["R"]
    assert (row.today_start, row.today_pnl) == (then.replace(hour=0), 5)


async def test_totals_add_the_accounts_of_a_currency_and_never_currencies(
    service: Database, database: Database
) -> None:
    await given_account(service, "A", daily_loss_limit=100)
    await given_account(service, "B", daily_loss_limit=1000)
    await given_account(service, "C", currency="EUR")
    await given_account(service, "D")
    await given_equity(service, 1000, 980, account="A", cash=10)
    await given_equity(service, 3000, 2900, account="B", cash=20)
    await given_equity(service, 7, 8, account="C")
    totals = {row.currency: row for row in await asked(database, account_totals.READ, live("A", "B", "C", "D"))}
    assert set(totals) == {"USD", "EUR"}
    dollars = totals["USD"]
    assert (dollars.accounts, dollars.unobserved, dollars.equity, dollars.cash) == (3, 1, 3880, 30)
    assert dollars.today_pnl == -120
    assert dollars.today_return == pytest.approx(-120 / 4000)
    assert dollars.drawdown == pytest.approx(-0.03)
    assert (dollars.loss_account, dollars.loss_share) == ("A", 0.2)
    assert totals["EUR"].equity == 8


async def test_the_summary_of_somebody_elses_account_is_invisible(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_equity(service, 5, 6, account="B")
    await given_position(service, account="B")
    await given_alert(service, "Theirs", MOMENT, account_id="B")
    for read in (account_summary, account_totals, positions, activity, open_alerts, accounts, daily_pnl):
        async with database.scoped(["A"]) as connection:
            rows = await read.READ.fetch(connection, live("A", "B"))
        assert "B" not in {getattr(row, "account", None) for row in rows}, read.__name__
        assert all(getattr(row, "equity", None) != 6 for row in rows), read.__name__


async def test_positions_have_value_weight_and_profit_by_side(service: Database, database: Database) -> None:
    await given_account(service, label="Maker")
    await given_instrument(service, "X", tick="0.05", quantity_step="0.1")
    await given_position(service, "X", quantity=10, entry_price=100, current_price=120, multiplier=2)
    await given_position(service, "Y", "short", quantity=4, entry_price=50, current_price=100)
    await given_position(service, "Z", current_price=None)
    await given_position(service, "W", quantity=0, is_active=False)
    rows = await asked(database, positions.READ, live())
    assert [(row.symbol, row.value, row.unrealized_pnl, row.pnl_share) for row in rows] == [
        ("X", 2400, 400, 0.2),
        ("Y", -400, -200, -1.0),
        ("Z", None, None, None),
    ]
    assert [row.weight for row in rows] == pytest.approx([2400 / 2800, 400 / 2800, None])
    assert (rows[0].label, rows[0].tick, rows[0].quantity_step) == ("Maker", Decimal("0.05"), Decimal("0.1"))


async def test_past_positions_are_those_held_then_with_their_mark_of_that_minute(
    service: Database, database: Database
) -> None:
    await given_account(service)
    opened = {"at": MOMENT - 2 * HOUR, "entry_time": MOMENT - 2 * HOUR}
    await given_position(service, "X", quantity=5, current_price=100, **opened)
    for statement in (
        "UPDATE positions SET quantity = 8, current_price = 105, at = $1 WHERE symbol = 'X'",
        "UPDATE positions SET quantity = 0, is_active = false, at = $1 WHERE symbol = 'X'",
    ):
        async with service.scoped() as connection:
            await connection.execute(statement, MOMENT - (HOUR if "105" in statement else MINUTE))
    at = [MOMENT - 3 * HOUR, MOMENT - 2 * HOUR, MOMENT - HOUR, MOMENT]
    held = [await asked(database, positions.READ, past(moment)) for moment in at]
    assert [[row.quantity for row in rows] for rows in held] == [[], [5], [8], []]
    assert await asked(database, positions.READ, live()) == []
    unknown_then = past(MOMENT - HOUR, known_at=MOMENT - 365 * DAY)
    assert await asked(database, positions.READ, unknown_then) == []


async def test_a_position_that_its_bot_deleted_was_held_until_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_position(service, at=MOMENT - 2 * HOUR, entry_time=MOMENT - 2 * HOUR)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM positions")
        await connection.execute(
            "UPDATE positions_history SET changed_at = CASE operation WHEN 'delete' THEN $1 ELSE at END", MOMENT - HOUR
        )
    held = {hours: len(await asked(database, positions.READ, past(MOMENT - hours * HOUR))) for hours in (3, 2, 1.5, 0)}
    assert held == {3: 0, 2: 1, 1.5: 1, 0: 0}


async def test_activity_is_one_feed_newest_first_without_busts_and_requotes(
    service: Database, database: Database
) -> None:
    await given_account(service, label="Maker")
    await given_fill(service, "sell", 5, "623.06", MOMENT - 2 * MINUTE, symbol="QQQ")
    busted = await given_fill(service, "buy", 9, 1, MOMENT - 3 * MINUTE)
    await given_fill(service, "buy", 0, 1, MOMENT - 3 * MINUTE, source_id=busted, revision=1)
    await given_order_event(service, "rejected", MOMENT - 4 * MINUTE, reason="outside the limit")
    await given_order_event(service, "cancelled", MOMENT - 5 * MINUTE, reason="requote")
    await given_order_event(service, "placed", MOMENT - 5 * MINUTE)
    await given_trade(service, "184.2", MOMENT - 6 * MINUTE, symbol="XLV", exit_type="trailing_stop")
    await given_event(service, "risk_factor", "info", MOMENT - 7 * MINUTE, account_id="A")
    await given_event(service, "started", "info", MOMENT - 8 * MINUTE, account_id="A")
    await given_event(service, "disk", "error", MOMENT - 9 * MINUTE)
    await given_alert(service, "Daily loss above 60%", MOMENT - 10 * MINUTE, account_id="A")
    rows = await asked(database, activity.READ, live())
    assert [(row.kind, row.symbol or row.said) for row in rows] == [
        ("fill", "QQQ"),
        ("rejected", "X"),
        ("exit", "XLV"),
        ("event", "risk_factor happened"),
        ("event", "disk happened"),
        ("alert", "Daily loss above 60%"),
    ]
    assert (rows[0].side, rows[0].quantity, rows[0].price, rows[0].label) == ("sell", 5, Decimal("623.06"), "Maker")
    assert (rows[2].pnl, rows[2].word) == (Decimal("184.2"), "trailing_stop")
    then = await asked(database, activity.READ, past(MOMENT - 8 * MINUTE))
    assert [(row.kind, row.word) for row in then] == [("event", "disk"), ("alert", "rule")]


async def test_activity_keeps_the_newest_fifty(service: Database, database: Database) -> None:
    await given_account(service)
    for number in range(60):
        await given_fill(service, "buy", number + 1, 1, MOMENT - number * MINUTE)
    rows = await asked(database, activity.READ, live())
    assert [row.quantity for row in rows] == [number + 1 for number in range(50)]


async def test_open_alerts_are_those_not_over_by_the_moment_worst_first(service: Database, database: Database) -> None:
    await given_account(service)
    await given_alert(service, "Old", MOMENT - DAY, resolved_at=MOMENT - HOUR, account_id="A")
    await given_alert(service, "Loss", MOMENT - HOUR, account_id="A")
    await given_alert(service, "Disk", MOMENT - MINUTE, severity="critical")
    assert [row.title for row in await asked(database, open_alerts.READ, live())] == ["Disk", "Loss"]
    then = await asked(database, open_alerts.READ, past(MOMENT - 2 * HOUR))
    assert [row.title for row in then] == ["Old"]


async def test_accounts_show_the_settings_that_were_in_force(service: Database, database: Database) -> None:
    await given_account(service, "A", label="Before", at=MOMENT - 10 * DAY)
    async with service.scoped() as connection:
        await connection.execute("UPDATE accounts SET label = 'After', at = $1", MOMENT - DAY)
    now = await asked(database, accounts.READ, live())
    assert [(row.account, row.label, row.currency, row.clock) for row in now] == [("A", "After", "USD", "wall")]
    labels = [(await asked(database, accounts.READ, past(MOMENT - days * DAY)))[0].label for days in (20, 5, 0)]
    assert labels == ["Before", "Before", "After"]


async def test_the_directory_of_a_scope_without_accounts_is_everything_visible(
    service: Database, database: Database
) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    async with database.scoped(["A", "B"]) as connection:
        rows = await accounts.READ.fetch(connection, live().__class__().resolved(MOMENT))
    assert [row.account for row in rows] == ["A", "B"]


async def test_daily_pnl_adds_up_to_the_change_of_equity_without_flows(service: Database, database: Database) -> None:
    await given_account(service, "A", zone="America/New_York")
    await given_account(service, "B")
    times = await given_equity(service, 100, 110, None, 130, 80, account="A", every=DAY)
    await given_equity(service, 50, 55, account="B", every=DAY)
    await given_flow(service, -60, times[4] - HOUR, account="A")
    days = await asked(database, daily_pnl.READ, live("A", "B"))
    assert [(day.day.day, day.pnl, day.cumulative) for day in days] == [
        (17, 10, 10),
        (18, None, None),
        (19, 20, 30),
        (20, 15, 45),
    ]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe"])
async def test_a_trading_day_begins_in_sql_when_it_begins_in_python(zone: str, database: Database) -> None:
    begin = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    moments = [begin + timedelta(hours=5 * step) for step in range(1752)]
    for roll_over in (timedelta(0), timedelta(hours=17), timedelta(hours=-2)):
        async with database.scoped() as connection:
            rows = await connection.fetch(
                "SELECT trading_day_start(trading_date(m, $2, $3), $2, $3) FROM unnest($1::timestamptz[]) AS m",
                moments,
                zone,
                roll_over,
            )
        assert [row[0] for row in rows] == [trading_day(moment, zone, roll_over) for moment in moments]
