"""Σ calendar = Σ periods = cumulative = Σ trades of the same filter, and all of them as an independent fold says."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.kept_days import roll_trade_days
from main.database.pool import Database
from main.monitoring.reads import costs, pnl_by, pnl_by_period, pnl_calendar, trades
from main.monitoring.reads.costs import CostsParams
from main.monitoring.reads.pnl_by import By, PnlByParams
from main.monitoring.reads.pnl_by_period import Period, PeriodParams
from main.monitoring.reads.pnl_calendar import CalendarParams
from main.monitoring.reads.trades import TradesPage
from tests.given import given_account, live
from tests.given_trades import Closed, asked_with, given_closed, random_trades

END = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ZONES = (("UTC", 0), ("America/New_York", 17), ("Europe/Berlin", 0), ("Asia/Kolkata", 0), ("Australia/Lord_Howe", 5))
_numbers = count(1)


def day_of(at: datetime, zone: str, roll_over: int) -> date:
    """The trading day by walking: the last day whose beginning, on the wall clock, has been."""
    local = at.astimezone(ZoneInfo(zone))
    wall = (local.hour, local.minute, local.second, local.microsecond)
    return local.date() if wall >= (roll_over, 0, 0, 0) else local.date() - timedelta(days=1)


def moments(chance: Random, many: int) -> list[datetime]:
    """Times in all of two years, about the changes of clocks and the roll-over in New York too."""
    edges = [
        datetime(2026, 3, 8, 7, 0, tzinfo=UTC),
        datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 7, 1, 21, 0, tzinfo=UTC),
        datetime(2026, 1, 5, 22, 0, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
        datetime(2025, 12, 31, 18, 30, tzinfo=UTC),
    ]
    near = [edge + timedelta(seconds=chance.randrange(-7200, 7200)) for edge in edges]
    return edges + near + [END - timedelta(seconds=chance.randrange(700 * 86_400)) for _ in range(many)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    zone=st.sampled_from(ZONES),
    rolled=st.sampled_from(("never", "all", "before the last ones came")),
    strategy=st.sampled_from((None, "breakout")),
    symbol=st.sampled_from((None, "a", "btc/")),
)
async def test_calendar_periods_cumulative_and_trades_have_the_same_sum_which_a_fold_day_by_day_confirms(
    service: Database,
    database: Database,
    *,
    seed: int,
    zone: tuple[str, int],
    rolled: str,
    strategy: str | None,
    symbol: str | None,
) -> None:
    chance, name = Random(seed), f"Z{next(_numbers)}"
    await given_account(service, name, zone=zone[0], roll_over=timedelta(hours=zone[1]))
    closed = random_trades(chance, moments(chance, 60), name)
    await given_closed(service, closed[:40])
    if rolled != "never":
        assert await roll_trade_days(service) > 0
    await given_closed(service, closed[40:])
    if rolled == "all":
        await roll_trade_days(service)
    wanted = [
        each
        for each in closed
        if (strategy is None or each.strategy == strategy) and (symbol is None or symbol in each.symbol.lower())
    ]
    by_day: dict[date, Decimal] = defaultdict(Decimal)
    for each in wanted:
        by_day[day_of(each.at, *zone)] += each.net
    scope = live(name, window="All", moment=END, strategy=strategy)
    months = await asked_with(database, costs.READ, scope, CostsParams(symbol=symbol))
    assert {month.name: month.trades for month in months} == Counter(
        f"{day_of(each.at, *zone):%Y-%m}" for each in wanted
    )

    days = await asked_with(database, pnl_by_period.READ, scope, PeriodParams(symbol=symbol))
    assert {row.start: row.net_pnl for row in days} == by_day
    assert [row.start for row in days] == sorted(by_day)
    assert sum(row.trades for row in days) == len(wanted)
    periods: tuple[tuple[Period, Callable[[date], date]], ...] = (
        ("week", week_of),
        ("month", month_of),
        ("year", year_of),
    )
    for period, start in periods:
        sums: dict[date, Decimal] = defaultdict(Decimal)
        for day, net in by_day.items():
            sums[start(day)] += net
        rows = await asked_with(database, pnl_by_period.READ, scope, PeriodParams(symbol=symbol, period=period))
        assert {row.start: row.net_pnl for row in rows} == sums
        assert rows == [] or rows[-1].cumulative == sum(by_day.values())

    calendar = [
        row
        for year in (2024, 2025, 2026)
        for row in await asked_with(database, pnl_calendar.READ, scope, CalendarParams(symbol=symbol, year=year))
    ]
    assert {row.day: row.net_pnl for row in calendar} == by_day
    assert calendar == [] or calendar[-1].cumulative == sum(
        (net for day, net in by_day.items() if day.year == calendar[-1].day.year), Decimal(0)
    )

    found = await asked_with(database, trades.READ, scope, TradesPage(symbol=symbol, limit=1000))
    assert sum(item.pnl for item in found.items) == sum(by_day.values())
    assert [found.summary[0].net_pnl, found.total] == [sum(by_day.values()), len(wanted)]
    for by in get_args(By):
        parts = await asked_with(database, pnl_by.READ, scope, PnlByParams(symbol=symbol, by=by))
        assert {row.name: (row.net_pnl, row.trades, row.wins) for row in parts} == parted(wanted, by, zone)


def parted(closed: list[Closed], by: str, zone: tuple[str, int]) -> dict[str | None, tuple[Decimal, int, int]]:
    """Net P&L, trades and wins of each part."""
    parts: dict[str | None, list[Decimal]] = defaultdict(list)
    for each in closed:
        keys = {
            "symbol": each.symbol,
            "strategy": each.strategy,
            "weekday": day_of(each.at, *zone).strftime("%A"),
            "hour": each.at.astimezone(ZoneInfo(zone[0])).strftime("%H"),
            "exit_type": each.exit_type,
            "side": "long" if each.type == "BUY" else "short",
            "account": each.account,
        }
        parts[keys.get(by)].append(each.net)
    return {key: (sum(nets, Decimal(0)), len(nets), sum(net > 0 for net in nets)) for key, nets in parts.items()}


def week_of(day: date) -> date:
    return date.fromisocalendar(day.isocalendar().year, day.isocalendar().week, 1)


def month_of(day: date) -> date:
    return date(day.year, day.month, 1)


def year_of(day: date) -> date:
    return date(day.year, 1, 1)


@pytest.mark.parametrize("window", ["1D", "1W", "1M", "3M", "2026-10-31T22:30:00Z..2026-11-02T03:00:00Z"])
@pytest.mark.parametrize("summed_up", [False, True])
async def test_a_window_takes_the_trades_after_its_start_and_up_to_its_end_whether_summed_up_or_not(
    window: str, summed_up: bool, service: Database, database: Database
) -> None:
    await given_account(service, zone="America/New_York", roll_over=timedelta(hours=17))
    closed = random_trades(Random(7), [END - timedelta(minutes=173) * index for index in range(900)])
    await given_closed(service, closed)
    if summed_up:
        await roll_trade_days(service)
    scope = live(window=window, moment=END)
    bounds = scope.bounds()
    inside = [each for each in closed if bounds.start < each.at <= bounds.end]
    summary = (await asked_with(database, trades.READ, scope)).summary[0]
    assert (summary.total_trades, summary.net_pnl) == (len(inside), sum(each.net for each in inside))
    assert summary.wins == sum(each.net > 0 for each in inside)
    assert summary.newest == max(each.at for each in inside)
