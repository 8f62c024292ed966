"""The growth that the database computes and the one of the analytics are the same, flows, gaps and all."""

from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import pytest

from main.analytics import drawdown
from main.analytics.returns import growth_index
from main.analytics.roi import Flow
from main.database.pool import Database
from main.domain.scope import trading_date
from main.monitoring.reads import equity
from tests.given import DAY, MINUTE, asked, given_account, given_equity, given_flow, live
from tests.growth_oracle import Observation, curve, day_returns

ZONE, ROLL_OVER = "America/New_York", timedelta(hours=17)
MARCH = datetime(2026, 3, 20, 15, 0, tzinfo=UTC)
"""The weeks before it hold the change of clocks in New York."""


def history(seed: int, *, span: timedelta, count: int) -> tuple[list[Observation], list[Flow]]:
    """Equity at random times, and flows just after an observation, just before one, and in the middle of a gap."""
    chance = Random(seed)
    start = MARCH - span
    times = sorted({start + timedelta(seconds=chance.randrange(int(span.total_seconds()))) for _ in range(count)})
    flows = [
        Flow(times[count // 4] + timedelta(seconds=7), 500.0),
        Flow(times[count // 2] - timedelta(seconds=1), -200.0),
        Flow(times[3 * count // 4] + (times[3 * count // 4 + 1] - times[3 * count // 4]) / 3, 300.0),
    ]
    level, observed = 1000.0, []
    for place, at in enumerate(times):
        before = times[place - 1] if place else at
        level += sum(flow.amount for flow in flows if before < flow.at <= at)
        level = round(level * (1 + chance.uniform(-0.05, 0.05)), 2)
        observed.append(Observation(at, level))
    return observed, flows


async def given_history(service: Database, observed: list[Observation], flows: list[Flow]) -> None:
    await given_account(service, zone=ZONE, roll_over=ROLL_OVER)
    for observation in observed:
        await given_equity(service, str(observation.equity), ending=observation.at)
    for flow in flows:
        await given_flow(service, str(flow.amount), flow.at)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_growth_at_every_close_is_the_databases(seed: int, service: Database, database: Database) -> None:
    observed, flows = history(seed, span=25 * DAY, count=60)
    await given_history(service, observed, flows)
    points = await asked(database, equity.READ, live(window="1M", moment=MARCH))
    returns = day_returns(observed, flows, partial(trading_date, zone=ZONE, roll_over=ROLL_OVER))
    growth = growth_index([r.value for r in returns])
    by_time = {point.at: point.growth for point in points}
    days = [trading_date(o.at - timedelta(microseconds=1), ZONE, ROLL_OVER) for o in observed]
    closes = {day: o.at for day, o in zip(days, observed, strict=True)}
    assert len(returns) > 15
    assert any(r.days > 1 for r in returns)
    assert [by_time[closes[r.day]] for r in returns] == pytest.approx(growth[1:], rel=1e-9)


@pytest.mark.parametrize("seed", [4, 5])
async def test_the_curve_of_a_short_window_is_the_databases(seed: int, service: Database, database: Database) -> None:
    observed, flows = history(seed, span=6 * 60 * MINUTE, count=40)
    await given_history(service, observed, flows)
    points = await asked(database, equity.READ, live(window="1D", moment=MARCH))
    own = {point.at: point for point in curve(observed, flows)}
    assert len(points) > 30  # observations of the same minute share a bucket
    assert [point.equity for point in points] == [own[point.at].equity for point in points]
    growth = [point.growth for point in points]
    assert growth == pytest.approx([own[point.at].growth for point in points], rel=1e-9)
    assert [point.drawdown for point in points] == pytest.approx(drawdown.under_water(growth), abs=1e-12)
