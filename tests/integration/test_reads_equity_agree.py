"""P&L and growth of a window are the same in every read that shows them, whatever points it is made of."""

import math
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import (
    account_summary,
    account_totals,
    cumulative_pnl,
    daily_pnl,
    drawdowns,
    equity,
    monthly_returns,
    performance,
)
from tests.given import MINUTE, asked, fact, given_account, given_flow, insert, live

END = datetime(2026, 11, 4, 15, tzinfo=UTC)
ZONES = (("America/New_York", 17), ("Asia/Kolkata", 0), ("Europe/London", 0))
DATES = ((10, 24), (10, 25), (10, 31), (11, 1), (11, 2), (11, 3))
ROLL_OVERS = ((21, 0), (22, 0), (18, 30), (0, 0), (23, 0))
EDGES = [datetime(2026, *day, *time, tzinfo=UTC) for day in DATES for time in ROLL_OVERS]
"""Moments at which days begin, before and after the clocks change."""


async def given_books(service: Database, chance: Random) -> list[str]:
    """Up to three accounts, seen and funded at the edges of days and in between, seldom both within minutes."""
    names = ["A", "B", "C"][: chance.choice((1, 2, 3))]
    for name, (zone, roll_over) in zip(names, ZONES, strict=False):
        await given_account(service, name, zone=zone, roll_over=timedelta(hours=roll_over))
        inside = [END - MINUTE * chance.randrange(20 * 1440) for _ in range(28)]
        seen = sorted({*chance.sample(EDGES, 18), *inside[:25]})
        await insert(service, "trading_pnl", [fact(name, at) | {"equity": chance.randrange(500, 1500)} for at in seen])
        for at in chance.sample(EDGES, 6) + inside[25:]:
            await given_flow(service, chance.choice((-200, 50, 300)), at, account=name)
    return names


@pytest.mark.parametrize("seed", range(6))
async def test_today_all_and_the_window_are_the_same_in_every_read(
    service: Database, database: Database, seed: int
) -> None:
    scope = live(*await given_books(service, Random(seed)), window="3M", moment=END)
    periods = {row.period: row for row in await asked(database, cumulative_pnl.READ, scope)}
    [total] = await asked(database, account_totals.READ, scope)
    cards = await asked(database, account_summary.READ, scope)
    days = await asked(database, daily_pnl.READ, scope)
    known = [card.today_pnl for card in cards if card.today_pnl is not None]
    assert total.today_pnl == (sum(known) if known else None) == periods["today"].pnl
    assert total.today_return == periods["today"].period_return
    assert periods["all"].pnl == sum(day.pnl for day in days if day.pnl is not None)
    await agree_on_growth(database, scope, periods["all"].period_return)


async def agree_on_growth(database: Database, scope: Scope, period_return: float | None) -> None:
    points = await asked(database, equity.READ, scope)
    [figures] = await asked(database, performance.READ, scope)
    [below] = await asked(database, drawdowns.READ, scope)
    months = await asked(database, monthly_returns.READ, scope)
    growth = points[-1].growth
    assert growth is not None
    assert period_return == pytest.approx(growth - 1, rel=1e-9)
    assert figures.period_return.value == pytest.approx(growth - 1, rel=1e-9)
    assert math.prod(1 + month.period_return for month in months) == pytest.approx(growth, rel=1e-9)
    assert figures.max_drawdown.value == below.deepest.value == min(point.drawdown for point in points)


@pytest.mark.parametrize(("window", "step"), [("1D", 300), ("1W", 1800), ("1M", 86400), ("3M", 86400)])
async def test_every_read_that_shows_a_drawdown_says_how_far_apart_it_was_seen(
    service: Database, database: Database, window: str, step: float
) -> None:
    await given_account(service)
    seen = [END - timedelta(hours=7 * place) for place in range(80)]
    await insert(service, "trading_pnl", [fact("A", at) | {"equity": 1000 + at.hour} for at in seen])
    scope = live(window=window, moment=END)
    [total] = await asked(database, account_totals.READ, scope)
    [card] = await asked(database, account_summary.READ, scope)
    [figures] = await asked(database, performance.READ, scope)
    [below] = await asked(database, drawdowns.READ, scope)
    steps = {row.drawdown_step_seconds for row in (total, card, figures)}
    assert steps == {below.step_seconds} == {step}


async def test_growth_does_not_depend_on_the_points_of_a_window(service: Database, database: Database) -> None:
    """A flow that nobody saw coming is weighed between the observations about it, in buckets and days alike."""
    await given_account(service)
    since = END - timedelta(days=5)
    for minutes, value in ((0, 1000), (600, 1100), (1500, 1700), (1600, 1650), (4000, 1800)):
        await insert(service, "trading_pnl", [fact("A", since + MINUTE * minutes) | {"equity": value}])
    await given_flow(service, 500, since + MINUTE * 1200)
    expected = 1.1 * (1 + 100 / (1100 + 500 * 300 / 900)) * 1800 / 1700
    for window in ("1W", "1M", "All"):
        points = await asked(database, equity.READ, live(window=window, moment=END))
        assert points[-1].growth == pytest.approx(expected, rel=1e-12), window
    periods = {row.period: row for row in await asked(database, cumulative_pnl.READ, live(moment=END))}
    assert periods["all"].period_return == pytest.approx(expected - 1, rel=1e-12)
