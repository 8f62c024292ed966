"""Sums that run through a year, a month, a week or a day: what stands at the end of a row of a calendar."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from main.database.pool import Database
from main.monitoring.reads import daily_loss_course, monthly_returns, pnl_calendar
from main.monitoring.reads.pnl_calendar import CalendarParams
from tests.given import HOUR, MINUTE, MOMENT, asked, given_account, given_daily, given_trade, live, past
from tests.given_performance import given_closes, told
from tests.given_trades import asked_with


async def test_a_calendars_weeks_and_months_add_up_where_they_end_and_begin_anew(
    service: Database, database: Database
) -> None:
    await given_account(service)
    earned = {(8, 31): 1, (9, 1): 2, (9, 4): 4, (9, 7): 8, (9, 30): 16, (10, 1): 32, (10, 2): 64}
    for (month, day), net in earned.items():
        await given_trade(service, net, datetime(2026, month, day, 12, tzinfo=UTC))
    days = await asked_with(database, pnl_calendar.READ, live(window="1D"), CalendarParams(year=2026))
    assert [int(day.net_pnl) for day in days] == list(earned.values())
    # 31 August is a Monday: its week goes on in September, and that of 30 September in October.
    assert [int(day.week_to_date) for day in days] == [1, 3, 7, 8, 16, 48, 112]
    assert [int(day.month_to_date) for day in days] == [1, 2, 6, 14, 30, 32, 96]
    assert [int(day.cumulative) for day in days] == [1, 3, 7, 15, 31, 63, 127]


async def test_a_calendars_sums_are_those_of_their_own_currency(service: Database, database: Database) -> None:
    await given_account(service)
    await given_account(service, "E", currency="EUR")
    await given_trade(service, 5, MOMENT)
    await given_trade(service, 7, MOMENT, "E")
    days = await asked_with(database, pnl_calendar.READ, live("A", "E"))
    assert {(day.currency, day.week_to_date, day.month_to_date) for day in days} == {
        ("USD", Decimal(5), Decimal(5)),
        ("EUR", Decimal(7), Decimal(7)),
    }


async def test_a_years_return_stands_at_its_last_month(service: Database, database: Database) -> None:
    await given_account(service)
    days = [date(2025, 11, 3), date(2025, 11, 28), date(2025, 12, 31), date(2026, 1, 30), date(2026, 2, 27)]
    await given_closes(service, days, [100, 110, 121, 133.1, 66.55])
    months = await told(database, monthly_returns.READ, until=datetime(2026, 3, 2, tzinfo=UTC))
    assert [month.period_return for month in months] == pytest.approx([0.1, 0.1, 0.1, -0.5])
    assert [month.year_to_date for month in months] == pytest.approx([0.1, 0.21, 0.1, -0.45])


async def test_the_days_loss_has_its_course_and_ends_in_what_the_rules_say_now(
    service: Database, database: Database
) -> None:
    await given_account(service)
    today = MOMENT.date()
    await given_daily(service, today, loss_used=10, loss_limit=100, at=MOMENT - 3 * HOUR)
    await given_daily(service, today - timedelta(days=1), loss_used=99, loss_limit=100, at=MOMENT - 24 * HOUR)

    async def say(loss: int, at: datetime, limit: int = 100) -> None:
        statement = "UPDATE daily_stats SET loss_used = $1, loss_limit = $2, at = $3 WHERE day = $4"
        async with service.scoped() as connection:
            await connection.execute(statement, Decimal(loss), Decimal(limit), at, today)

    await say(60, MOMENT - 2 * HOUR)
    await say(61, MOMENT - 2 * HOUR + MINUTE)  # within the hour: not kept
    await say(80, MOMENT - HOUR)
    await say(75, MOMENT - HOUR + 6 * MINUTE, limit=150)  # the limit changed: kept
    await say(70, MOMENT - HOUR + 7 * MINUTE, limit=150)
    points = await asked(database, daily_loss_course.READ, live())
    assert [(int(point.loss_used), point.loss_share.value) for point in points] == [
        (10, 0.1),
        (60, 0.6),
        (80, 0.8),
        (70, pytest.approx(70 / 150)),
    ]
    before = await asked(database, daily_loss_course.READ, past(MOMENT - HOUR - MINUTE))
    assert [int(point.loss_used) for point in before] == [10, 60]


async def test_without_the_rules_word_there_is_no_course_and_without_a_limit_no_share(
    service: Database, database: Database
) -> None:
    await given_account(service)
    assert await asked(database, daily_loss_course.READ, live()) == []
    await given_daily(service, MOMENT.date(), loss_used=10, loss_limit=0)
    (point,) = await asked(database, daily_loss_course.READ, live())
    assert (point.loss_share.value, point.loss_share.reason) == (None, "no daily loss limit is set")
