"""Today's return of accounts whose days begin at different moments: it is that of their P&L, on all their money."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.pool import Database
from main.monitoring.reads import account_summary, account_totals, cumulative_pnl
from main.monitoring.reads.account_totals import CurrencyTotal, InCurrency
from tests.given import HOUR, asked, given_account, given_equity, given_flow, live
from tests.given_performance import told

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
"""A Wednesday in winter: all of the days below have begun, each at its own moment."""

DAYS = (("UTC", 0), ("America/New_York", 17), ("Asia/Kolkata", 0), ("Europe/London", 22))
BEGUN = (12, 14, 17.5, 14)
"""How many hours before noon each of them began."""

_examples = count(1)


async def together(database: Database, *accounts: str) -> CurrencyTotal:
    """The total of the accounts, which is the same whether or not it is converted and whoever shows it."""
    scope = live(*accounts, moment=NOON)
    [total] = await asked(database, account_totals.READ, scope)
    [converted] = await told(
        database, account_totals.READ, *accounts, params=InCurrency("USD"), until=NOON, window="1D"
    )
    today = {row.period: row for row in await asked(database, cumulative_pnl.READ, scope)}["today"]
    assert total.today_return == converted.today_return == today.period_return
    assert total.today_pnl == converted.today_pnl == today.pnl
    return total


async def given_day(service: Database, account: str, day: int, *values: int) -> None:
    """An account with an equity of the day before and some of today, the last at noon."""
    zone, roll_over = DAYS[day]
    await given_account(service, account, zone=zone, roll_over=timedelta(hours=roll_over))
    await given_equity(service, values[0], account=account, ending=NOON - (BEGUN[day] + 2) * HOUR)
    await given_equity(service, *values[1:], account=account, ending=NOON, every=5 * HOUR)


async def test_a_gain_of_two_accounts_is_no_loss_where_one_day_began_before_the_other(
    service: Database, database: Database
) -> None:
    await given_day(service, "A", 0, 130_000, 130_200, 130_435)
    await given_day(service, "B", 1, 131_000, 131_500, 130_955)
    await given_equity(service, 129_000, account="B", ending=NOON - 13 * HOUR)  # while A's day has not begun
    total = await together(database, "A", "B")
    assert total.today_pnl == 435 - 45
    assert total.today_return == pytest.approx(390 / 261_000)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    books=st.lists(
        st.tuples(st.sampled_from(range(4)), st.lists(st.integers(100, 5000), min_size=2, max_size=5)),
        min_size=1,
        max_size=3,
    )
)
async def test_without_flows_the_return_is_the_pnl_over_what_the_days_began_with(
    service: Database, database: Database, books: Sequence[tuple[int, list[int]]]
) -> None:
    names = [f"T{next(_examples)}" for _ in books]
    for name, (day, values) in zip(names, books, strict=True):
        await given_day(service, name, day, *values)
    total = await together(database, *names)
    begun = sum(_base(day, values) for day, values in books)
    earned = sum(values[-1] - _base(day, values) for day, values in books)
    assert total.today_pnl == earned
    assert total.today_return == pytest.approx(earned / begun, abs=1e-12)
    assert (total.today_return > 0) == (earned > 0)


def _base(day: int, values: Sequence[int]) -> int:
    """The last equity at or before the day began."""
    hours = (5 * place for place in reversed(range(len(values) - 1)))
    known = [(BEGUN[day] + 2, values[0]), *zip(hours, values[1:], strict=True)]
    return min((before, value) for before, value in known if before >= BEGUN[day])[1]


async def test_a_deposit_before_the_other_days_begin_is_neither_gain_nor_loss(
    service: Database, database: Database
) -> None:
    await given_day(service, "A", 0, 1000, 1000, 1100)
    await given_day(service, "B", 1, 1000, 2000)
    await given_flow(service, 1000, NOON - 13 * HOUR, account="B")
    await given_equity(service, 1000, 2000, account="B", ending=NOON - 13 * HOUR, every=timedelta(minutes=1))
    total = await together(database, "A", "B")
    assert total.today_pnl == 100
    assert total.today_return == pytest.approx(100 / 3000)
    [own] = await asked(database, account_summary.READ, live("A", moment=NOON))
    assert own.today_return == pytest.approx(0.1)
