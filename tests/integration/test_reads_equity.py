"""Growth, drawdown and P&L of periods against an independent recomputation, observation by observation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.pool import Database
from main.monitoring.reads import account_summary, account_totals, cumulative_pnl, daily_pnl, equity, external_flows
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    asked,
    given_account,
    given_equity,
    given_flow,
    live,
    past,
)
from tests.given_market import asked_with

CHECK_VECTOR = (-0.02, 0.01, 0.005, -0.01, 0.03, 0, -0.015, 0.02, 0.004, -0.006)
"""The returns of NUMBERS.md: G = 1.017048…, and the deepest drawdown is the loss of the first day."""


async def curve(database: Database, *accounts: str, window: str = "1D", moment: datetime = MOMENT) -> list:
    return await asked(database, equity.READ, live(*accounts, window=window, moment=moment))


async def test_growth_and_drawdown_of_the_check_vector_see_the_loss_of_the_first_day(
    service: Database, database: Database
) -> None:
    await given_account(service)
    values = [1000.0]
    for change in CHECK_VECTOR:
        values.append(values[-1] * (1 + change))
    await given_equity(service, *(str(value) for value in values), every=DAY)
    points = await curve(database, window="1M")
    growth = 1.0
    for change in CHECK_VECTOR:
        growth *= 1 + change
    assert len(points) == 11
    assert points[0].growth == 1.0
    assert points[-1].growth == pytest.approx(growth)
    assert min(point.drawdown for point in points) == pytest.approx(-0.02)
    assert points[1].drawdown == pytest.approx(-0.02)


async def test_drawdown_is_zero_at_a_new_peak_and_negative_below_it(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 100, 120, 90)
    assert [point.drawdown for point in await curve(database)] == pytest.approx([0.0, 0.0, -0.25])


async def test_cash_from_outside_is_told_newest_first_corrected_and_without_what_is_performance(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_account(service, "B", currency="EUR")
    await given_flow(service, 7, MOMENT - 2 * DAY)
    await given_flow(service, 500, MOMENT - 3 * HOUR, "B")
    await given_flow(service, 3, MOMENT - HOUR, kind="dividend")
    wrong = await given_flow(service, -30, MOMENT - 2 * HOUR)
    await given_flow(service, -20, MOMENT - 2 * HOUR, source_id=wrong, revision=1)
    busted = await given_flow(service, 9, MOMENT - HOUR)
    await given_flow(service, 0, MOMENT - HOUR, source_id=busted, revision=1)
    found = await asked(database, external_flows.READ, live("A", "B"))
    assert [(row.account, row.currency, row.kind, row.amount) for row in found] == [
        ("A", "USD", "withdrawal", -20),
        ("B", "EUR", "deposit", 500),
    ]
    assert [row.at for row in found] == [MOMENT - 2 * HOUR, MOMENT - 3 * HOUR]
    assert [row.account for row in await asked(database, external_flows.READ, live("A"))] == ["A"]
    assert len(await asked_with(database, external_flows.READ, live("A", "B"), limit=1)) == 1
    assert await asked(database, external_flows.READ, past(MOMENT - 4 * HOUR)) == []


async def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss(service: Database, database: Database) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 110, 1110, 888, 488)
    await given_flow(service, 1000, times[2])
    await given_flow(service, -400, times[4] - timedelta(seconds=10))
    points = await curve(database)
    assert [point.growth for point in points] == pytest.approx([1, 1.1, 1.1, 0.88, 0.88])


async def test_dividends_and_funding_are_performance(service: Database, database: Database) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 110)
    await given_flow(service, 10, times[1], kind="dividend")
    assert (await curve(database))[-1].growth == pytest.approx(1.1)


async def test_a_flow_without_equity_just_before_it_is_weighted_by_the_time_that_remained(
    service: Database, database: Database
) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 220, every=4 * HOUR)
    await given_flow(service, 100, times[1] - HOUR)
    assert (await curve(database))[-1].growth == pytest.approx(1 + 20 / (100 + 0.25 * 100))


async def test_currencies_are_never_added(service: Database, database: Database) -> None:
    await given_account(service, "A", currency="USD")
    await given_account(service, "B", currency="EUR")
    await given_equity(service, 100, 110, account="A")
    await given_equity(service, 500, 400, account="B")
    points = await curve(database, "A", "B")
    assert [(point.currency, point.equity) for point in points] == [
        ("EUR", 500),
        ("EUR", 400),
        ("USD", 100),
        ("USD", 110),
    ]


async def test_an_account_that_comes_in_later_is_an_inflow(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_equity(service, 100, 110, 110, 110, account="A")
    await given_equity(service, 1000, 1010, account="B")
    points = await curve(database, "A", "B")
    assert [point.equity for point in points] == [100, 110, 1110, 1120]
    assert [point.growth for point in points] == pytest.approx([1, 1.1, 1.1, 1.1 * 1120 / 1110])


async def test_a_time_without_observations_is_a_gap(service: Database, database: Database) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 101, None, None, None, 102, every=HOUR)
    assert [point.at for point in await curve(database)] == [times[0], times[1], times[5]]


async def test_the_highest_revision_known_wins(service: Database, database: Database) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 150)
    await given_equity(service, 120, source_id="late", recorded_at=MOMENT + HOUR)
    await given_equity(service, 110, revision=1, source_id="late", recorded_at=MOMENT + 2 * HOUR)
    assert [point.equity for point in await curve(database)] == [100, 110]
    before = past(MOMENT, known_at=times[1])
    assert [point.equity for point in await asked(database, equity.READ, before)] == [100, 150]


async def test_a_corrected_flow_counts_once_and_the_old_amount_only_before_it_was_known(
    service: Database, database: Database
) -> None:
    await given_account(service)
    times = await given_equity(service, 100, 150)
    key = await given_flow(service, 50, times[1])
    await given_flow(service, 40, times[1], source_id=key, revision=1, recorded_at=MOMENT + HOUR)
    assert (await curve(database))[-1].growth == pytest.approx(150 / 140)
    before = await asked(database, equity.READ, past(MOMENT, known_at=MOMENT))
    assert before[-1].growth == pytest.approx(1.0)


async def test_growth_is_unknown_once_equity_is_gone(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 100, -5, 20)
    points = await curve(database)
    assert [point.growth is None for point in points] == [False, False, True]
    assert points[-1].drawdown is None


async def test_an_account_without_observations_has_no_curve(service: Database, database: Database) -> None:
    await given_account(service)
    assert await curve(database) == []


async def test_an_account_of_somebody_else_is_not_in_the_curve(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B")
    await given_equity(service, 100, 110, account="A")
    await given_equity(service, 900, 990, account="B")
    async with database.scoped(["A"]) as connection:
        points = await equity.READ.fetch(connection, live("A", "B"))
    assert [point.equity for point in points] == [100, 110]


async def test_points_stay_where_they_are_while_the_window_moves(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, *range(100, 1540), ending=MOMENT + HOUR)
    now = await curve(database)
    later = await curve(database, moment=MOMENT + timedelta(seconds=7))
    assert len(now) <= 402
    assert [point.at for point in now[2:-2]] == [point.at for point in later[2:-2]]


async def test_longer_windows_go_by_the_closes_of_the_accounts_trading_days(
    service: Database, database: Database
) -> None:
    await given_account(service, zone="America/New_York", roll_over=17 * HOUR)
    times = await given_equity(service, *range(1000, 1000 + 24 * 30), every=HOUR)
    points = await curve(database, window="1M")
    closes = {at.replace(hour=22, minute=0) for at in times} | {at.replace(hour=21, minute=0) for at in times}
    assert 30 <= len(points) <= 33
    assert all(point.at in closes for point in points[1:-1])
    assert points[-1].at == MOMENT


@dataclass(frozen=True)
class History:
    """Minutes at which one account was observed, with its equity, and external flows by second."""

    observed: dict[int, int]
    flows: dict[int, int]


histories = st.builds(
    History,
    st.dictionaries(st.integers(0, 90), st.integers(-20, 400), min_size=1, max_size=12),
    st.dictionaries(st.integers(0, 90 * 60), st.integers(-150, 300).filter(bool), max_size=4),
)
BEGIN = MOMENT - 100 * MINUTE
_examples = count(1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(books=st.lists(histories, min_size=1, max_size=3))
async def test_any_curve_equals_its_recomputation_from_every_observation(
    service: Database, database: Database, books: list[History]
) -> None:
    number = next(_examples)
    names = [f"E{number}-{index}" for index in range(len(books))]
    for name, book in zip(names, books, strict=True):
        await given_account(service, name)
        for minute, value in book.observed.items():
            await given_equity(service, value, account=name, ending=BEGIN + minute * MINUTE)
        for second, amount in book.flows.items():
            await given_flow(service, amount, BEGIN + timedelta(seconds=second), account=name)
    points = await curve(database, *names)
    expected = recomputed(books)
    assert [(point.at - BEGIN).total_seconds() for point in points] == [at for at, _, _ in expected]
    assert [point.equity for point in points] == [value for _, value, _ in expected]
    assert [point.growth for point in points] == [
        value if value is None else pytest.approx(value, rel=1e-9, abs=1e-12) for _, _, value in expected
    ]
    growths = [growth for _, _, growth in expected if growth is not None]
    drawdowns = [growth / max(growths[: index + 1]) - 1 for index, growth in enumerate(growths)]
    assert [p.drawdown for p in points if p.drawdown is not None] == pytest.approx(drawdowns, rel=1e-9, abs=1e-9)


def recomputed(books: Sequence[History]) -> list[tuple[float, float, float | None]]:
    """Seconds, equity and growth at every observation, by walking through them."""
    entered = [min(book.observed) * 60 for book in books]
    first = min(entered)
    moments = sorted({minute * 60 for book in books for minute in book.observed})
    flows = [
        (second, amount)
        for book, entry in zip(books, entered, strict=True)
        for second, amount in book.flows.items()
        if second > entry
    ] + [(entry, book.observed[entry // 60]) for book, entry in zip(books, entered, strict=True) if entry > first]
    growth: float | None = 1.0
    points = [(float(first), equity_at(books, first), growth)]
    for begin, end in pairwise(moments):
        inside = [(at, amount) for at, amount in flows if begin < at <= end]
        before, after = equity_at(books, begin), equity_at(books, end)
        weighted = sum(amount * (1 if at <= begin + 300 else (end - at) / (end - begin)) for at, amount in inside)
        growth = (
            growth * (1 + (after - before - sum(amount for _, amount in inside)) / (before + weighted))
            if growth is not None and before + weighted > 1e-9
            else None
        )
        points.append((float(end), after, growth))
    return points


def equity_at(books: Sequence[History], second: int) -> float:
    """Each account's last observed equity plus what flowed in since."""
    total = 0.0
    for book in books:
        seen = [minute for minute in book.observed if minute * 60 <= second]
        if seen:
            last = max(seen)
            total += book.observed[last] + sum(amount for at, amount in book.flows.items() if last * 60 < at <= second)
    return total


async def test_periods_add_up_to_the_change_of_equity_without_flows(service: Database, database: Database) -> None:
    await given_account(service, zone="America/New_York")
    midnight = MOMENT.replace(hour=5, minute=0)  # Friday 00:00 in New York
    for at, value in (
        (midnight - 400 * DAY, 1000),
        (midnight - 30 * DAY, 1100),
        (midnight - 5 * DAY, 1200),  # Sunday, before the week begins
        (midnight - HOUR, 1300),
        (MOMENT, 1850),
    ):
        await given_equity(service, value, ending=at)
    await given_flow(service, 500, MOMENT - MINUTE)
    rows = await asked(database, cumulative_pnl.READ, live())
    assert {row.period: row.pnl for row in rows} == {"today": 50, "week": 150, "month": 250, "year": 350, "all": 350}
    assert {row.period: row.start for row in rows}["today"] == midnight
    assert {row.period: row.start for row in rows}["week"] == midnight - 4 * DAY


async def test_a_period_without_an_observation_is_unknown_not_zero(service: Database, database: Database) -> None:
    await given_account(service)
    await given_equity(service, 100, 110, ending=MOMENT - 3 * DAY)
    rows = {row.period: row for row in await asked(database, cumulative_pnl.READ, live())}
    assert (rows["today"].pnl, rows["today"].period_return) == (None, None)
    assert rows["all"].pnl == 10
    assert rows["all"].period_return == pytest.approx(0.1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.one_of(st.none(), st.integers(1, 1000)), min_size=2, max_size=70),
    flows=st.lists(st.tuples(st.integers(0, 70 * 6), st.integers(-50, 50).filter(bool)), max_size=5),
)
async def test_a_figure_shown_in_two_places_is_the_same(
    service: Database, database: Database, values: list[int | None], flows: list[tuple[int, int]]
) -> None:
    name = f"S{next(_examples)}"
    await given_account(service, name, zone="Asia/Kolkata")
    if all(value is None for value in values):
        values = [100]
    times = await given_equity(service, *values, account=name, every=6 * HOUR)
    for hours, amount in flows:
        await given_flow(service, amount, times[0] + hours * HOUR, account=name)
    scope = live(name, window="3M")
    points = await asked(database, equity.READ, scope)
    periods = {row.period: row for row in await asked(database, cumulative_pnl.READ, scope)}
    days = await asked(database, daily_pnl.READ, scope)
    card = (await asked(database, account_summary.READ, scope))[0]
    total = (await asked(database, account_totals.READ, scope))[0]
    if len(points) > 1:
        assert card.drawdown == points[-1].drawdown == total.drawdown
        worst = None if any(point.drawdown is None for point in points) else min(point.drawdown for point in points)
        assert card.max_drawdown == worst == total.max_drawdown
        assert periods["all"].pnl == sum(day.pnl for day in days if day.pnl is not None)
    assert (card.today_pnl, card.today_return) == (periods["today"].pnl, periods["today"].period_return)
    assert (total.today_pnl, total.equity) == (card.today_pnl, card.equity)
    assert [day.pnl for day in days if day.day == MOMENT.date()] in ([card.today_pnl], [])


async def test_no_accounts_have_no_periods(database: Database) -> None:
    assert await asked(database, cumulative_pnl.READ, live("nobody")) == []


async def test_a_period_of_a_currency_begins_with_the_days_of_its_own_accounts(
    service: Database, database: Database
) -> None:
    await given_account(service, "A", currency="USD")
    await given_account(service, "B", currency="EUR", zone="America/New_York", roll_over=timedelta(hours=17))
    for account in ("A", "B"):
        await given_equity(service, 100, 110, account=account, every=HOUR)
    rows = await asked(database, cumulative_pnl.READ, live("A", "B"))
    begun = {row.currency: row.start for row in rows if row.period == "today"}
    assert begun["USD"] == MOMENT.replace(hour=0)
    assert begun["EUR"] == MOMENT.replace(hour=22) - DAY  # 17:00 in New York
