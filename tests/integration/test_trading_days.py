"""Does every moment, and every trade, belong to exactly one trading day, also when the clocks change?"""

from datetime import UTC, datetime
from random import Random

import pytest

from main.database.pool import Database
from main.domain.scope import trading_date, trading_day
from main.monitoring.reads import pnl_by_period, pnl_calendar
from tests.given import DAY, HOUR, MINUTE, given_account, live
from tests.given_trades import asked_with, given_closed, random_trades

CHANGES = [datetime(2026, *day, tzinfo=UTC) for day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1))]
ZONES = ["UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "America/Havana", "Australia/Lord_Howe"]
HALF = 30 * MINUTE
ROLL_OVERS = [0 * HOUR, HALF, HOUR + HALF, 2 * HOUR + HALF, 17 * HOUR, 23 * HOUR + HALF, -HALF]


@pytest.mark.parametrize("zone", ZONES)
async def test_every_moment_lies_in_the_day_that_began_last(zone: str, database: Database) -> None:
    moments = [change + 10 * MINUTE * step for change in CHANGES for step in range(-12, 144)]
    async with database.scoped() as connection:
        rows = await connection.fetch(
            """
            SELECT given.m, r.roll_over, d.day, trading_day_start(d.day, $2, r.roll_over) AS begins,
                   trading_day_start(d.day + 1, $2, r.roll_over) AS ends
              FROM unnest($1::timestamptz[]) AS given (m)
              CROSS JOIN unnest($3::interval[]) AS r (roll_over)
              CROSS JOIN LATERAL (SELECT trading_date(given.m, $2, r.roll_over) AS day) d
            """,
            moments,
            zone,
            ROLL_OVERS,
        )
    assert len(rows) == len(moments) * len(ROLL_OVERS)
    for moment, roll_over, day, begins, ends in rows:
        assert begins <= moment < ends, (moment, roll_over)
        assert (day, begins) == (trading_date(moment, zone, roll_over), trading_day(moment, zone, roll_over))


@pytest.mark.parametrize("change", [datetime(2026, 3, 8, 4, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC)])
async def test_no_trade_is_lost_in_an_hour_that_is_shown_twice_or_never_while_its_day_is_summed_up(
    change: datetime, service: Database, database: Database
) -> None:
    roll_over = HOUR + HALF if change.month == 11 else 2 * HOUR + HALF  # in the very hour
    await given_account(service, zone="America/New_York", roll_over=roll_over)
    end, times = change + 4 * DAY, [change + 5 * MINUTE * place for place in range(60)]
    await given_closed(service, random_trades(Random(1), times))
    scope = live(window="All", moment=end)
    before = [await asked_with(database, read, scope) for read in (pnl_by_period.READ, pnl_calendar.READ)]
    async with service.scoped() as connection:
        for _ in range(9):  # a day at a time, from the beginning of each to that of the next
            await connection.execute("SELECT roll_trade_days('A', 1)")
    assert [await asked_with(database, read, scope) for read in (pnl_by_period.READ, pnl_calendar.READ)] == before
    for place in range(0, 60, 7):
        window = live(window=f"{times[place].isoformat()}..{end.isoformat()}", moment=end)
        assert sum(row.trades for row in await asked_with(database, pnl_by_period.READ, window)) == 59 - place
