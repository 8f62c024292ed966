"""Performance through the database: as empyrical has it on real prices, by hand on short series, on changed clocks."""

import math
from datetime import UTC, date, datetime, timedelta

import empyrical
import pandas as pd
import pytest
from bokeh_sampledata import stocks

from main.database.pool import Database
from main.monitoring.reads import (
    benchmark,
    correlation,
    drawdowns,
    equity,
    monthly_returns,
    performance,
    return_distribution,
    rolling_metrics,
)
from tests.given import DAY, HOUR, MINUTE, asked, given_account, given_equity, given_flow, given_trade, live, past
from tests.given_performance import given_bars, given_closes, told

VECTOR = (-0.02, 0.01, 0.005, -0.01, 0.03, 0.0, -0.015, 0.02, 0.004, -0.006)
VECTOR_BENCHMARK = (-0.01, 0.008, 0.002, -0.012, 0.015, 0.001, -0.01, 0.01, 0.003, -0.002)
CLOSES = pd.DataFrame(
    {name: pd.Series(getattr(stocks, name)["adj_close"], getattr(stocks, name)["date"]) for name in ("AAPL", "IBM")}
).dropna()
DAYS = [date.fromisoformat(day) for day in CLOSES.index]
AFTERWARDS = datetime(2013, 3, 2, 12, 0, tzinfo=UTC)
MONDAY = date(2026, 3, 2)


def exactly(expected: float) -> object:
    return pytest.approx(float(expected), rel=1e-9, abs=1e-9)


def chained(returns: tuple[float, ...], start: float = 1000.0) -> list[float]:
    levels = [start]
    for change in returns:
        levels.append(levels[-1] * (1 + change))
    return levels


def weekdays(count: int, first: date = MONDAY) -> list[date]:
    return [day.date() for day in pd.bdate_range(first, periods=count)]


def evening(day: date) -> datetime:
    """Some time on the next day, when this one is over."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + DAY


@pytest.mark.parametrize("periods", [252, 365])
async def test_every_figure_is_empyricals_on_real_prices_that_were_recorded_as_equity(
    periods: int, service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY", periods_per_year=periods)
    await given_closes(service, DAYS, CLOSES["AAPL"])
    await given_bars(service, DAYS, CLOSES["IBM"])
    [row] = await told(database, performance.READ, until=AFTERWARDS)
    own, other = (CLOSES[name].pct_change().iloc[1:] for name in ("AAPL", "IBM"))
    alpha, beta = empyrical.alpha_beta(own, other, annualization=periods)
    assert row.days == len(own) > 3000
    assert row.sharpe.value == exactly(empyrical.sharpe_ratio(own, annualization=periods))
    assert row.sortino.value == exactly(empyrical.sortino_ratio(own, annualization=periods))
    assert row.volatility.value == exactly(empyrical.annual_volatility(own, annualization=periods))
    assert row.max_drawdown.value == exactly(empyrical.max_drawdown(own))
    assert row.value_at_risk.value == exactly(-empyrical.value_at_risk(own))
    assert row.conditional_value_at_risk.value == exactly(-empyrical.conditional_value_at_risk(own))
    assert row.period_return.value == exactly(empyrical.cum_returns_final(own))
    assert row.benchmark_return.value == exactly(empyrical.cum_returns_final(other))
    assert (row.alpha.value, row.beta.value) == (exactly(alpha), exactly(beta))
    assert (row.best_day.value, row.worst_day.value) == (exactly(own.max()), exactly(own.min()))
    assert row.positive_days.value == exactly((own > 0).mean())
    assert row.benchmark_correlation.value == exactly(own.corr(other))
    if periods == 252:  # who trades every day has gaps on weekends, and they count
        assert row.cagr.value == exactly(empyrical.cagr(own, annualization=periods))
        assert row.calmar.value == exactly(empyrical.calmar_ratio(own, annualization=periods))
    else:
        years = (DAYS[-1] - DAYS[0]).days / 365
        assert row.cagr.value == exactly((1 + empyrical.cum_returns_final(own)) ** (1 / years) - 1)


async def test_the_check_vector_comes_out_of_the_database_to_the_last_digit_given(
    service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY")
    levels, days = [1000.0], weekdays(41)
    for change in VECTOR * 4:  # four times, so that there are 30 days; the moments of the sample are known from it
        levels.append(levels[-1] * (1 + change))
    await given_closes(service, days, levels)
    await given_bars(service, days, chained(VECTOR_BENCHMARK * 4, 100.0))
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    of_ten = math.sqrt(39 / 36)  # ddof 1 of 40 instead of 10
    assert row.sharpe.value == pytest.approx(1.840366 * of_ten, abs=1e-6)
    assert row.volatility.value == pytest.approx(0.246473 / of_ten, abs=1e-6)
    assert row.sortino.value == pytest.approx(3.275521, abs=5e-7)
    assert row.cagr.value == pytest.approx(0.531191, abs=5e-7)
    assert row.conditional_value_at_risk.value == pytest.approx(0.02, abs=5e-7)
    assert row.max_drawdown.value == exactly(empyrical.max_drawdown(pd.Series(VECTOR * 4)))
    assert row.beta.value == pytest.approx(1.636607, abs=5e-7)
    assert row.alpha.value == pytest.approx(0.280520, abs=5e-7)


async def test_five_closes_are_too_few_for_a_year_and_enough_for_a_return(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(5)
    await given_closes(service, days, [100, 110, 99, 108.9, 108.9])
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    for name in ("cagr", "volatility", "sharpe", "sortino", "calmar", "value_at_risk", "conditional_value_at_risk"):
        assert getattr(row, name).reason == "needs 30 days, has 4", name
    assert (row.period_return.value, row.roi.value) == (pytest.approx(0.089), pytest.approx(0.089))
    assert row.max_drawdown.value == pytest.approx(-0.1)
    assert row.current_drawdown.value == pytest.approx(-0.01)
    assert row.positive_days.value == 0.5
    assert row.beta.reason == row.excess_return.reason == "the account has no benchmark"


async def test_the_running_day_is_in_the_return_of_the_window_and_in_no_ratio(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(4)
    await given_closes(service, days, [100, 110, 121, 60.5])
    running = datetime(2026, 3, 5, 22, 0, tzinfo=UTC)
    [row] = await told(database, performance.READ, until=running)
    assert (row.days, row.worst_day.value) == (2, pytest.approx(0.1))
    assert row.period_return.value == pytest.approx(-0.395)
    assert row.current_drawdown.value == row.max_drawdown.value == pytest.approx(-0.5)
    [row] = await told(database, performance.READ, until=running + 3 * HOUR)
    assert (row.days, row.worst_day.value) == (3, pytest.approx(-0.5))


async def test_a_window_that_begins_within_a_day_has_whole_days_only(service: Database, database: Database) -> None:
    await given_account(service)
    await given_closes(service, weekdays(4), [100, 110, 121, 133.1])
    [row] = await told(
        database, performance.READ, until=evening(date(2026, 3, 5)), window="2026-03-02T21:00..2026-04-01"
    )
    assert (row.days, row.period_return.value) == (2, pytest.approx(0.331))
    [row] = await told(database, performance.READ, until=evening(date(2026, 3, 5)), window="2026-03-03..2026-04-01")
    assert (row.days, row.period_return.value) == (3, pytest.approx(0.331))


async def test_a_deposit_in_the_middle_changes_no_return_and_is_money_at_work(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(41)
    plain = chained(VECTOR * 4)
    await given_closes(service, days, plain)
    [before] = await told(database, performance.READ, until=evening(days[-1]))
    await given_account(service, "B")
    funded = [value if place < 20 else value * (plain[19] + 500) / plain[19] for place, value in enumerate(plain)]
    await given_closes(service, days, funded, "B")
    await given_flow(service, 500, datetime(days[19].year, days[19].month, days[19].day, 20, 1, tzinfo=UTC), "B")
    [row] = await told(database, performance.READ, "B", until=evening(days[-1]))
    for name in ("sharpe", "sortino", "cagr", "volatility", "calmar", "value_at_risk", "period_return"):
        assert getattr(row, name).value == exactly(getattr(before, name).value), name
    share = (row.end - datetime(days[19].year, days[19].month, days[19].day, 20, 1, tzinfo=UTC)) / (row.end - row.start)
    assert row.roi.value == exactly((funded[-1] - 1500) / (1000 + 500 * share))


async def test_flat_equity_has_no_sharpe_ratio_and_no_drawdown(service: Database, database: Database) -> None:
    await given_account(service)
    days = weekdays(35)
    await given_closes(service, days, [1000.0] * 35)
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    assert (row.volatility.value, row.cagr.value, row.max_drawdown.value, row.value_at_risk.value) == (0, 0, 0, 0)
    assert row.sharpe.reason == "returns do not vary"
    assert row.sortino.reason == "no return fell short of the minimum"
    assert row.calmar.reason == "growth never fell below its peak"


async def test_from_where_equity_is_gone_every_ratio_is_missing_with_the_reason(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(40)
    await given_closes(service, days, [*range(1000, 1036), 0, 10, 20, 30])
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    for name in (
        "period_return",
        "cagr",
        "sharpe",
        "volatility",
        "calmar",
        "max_drawdown",
        "best_day",
        "value_at_risk",
    ):
        assert "not above zero" in getattr(row, name).reason, name
    assert row.roi.value == pytest.approx(-0.97)
    [shape] = await told(database, return_distribution.READ, until=evening(days[-1]))
    assert "not above zero" in shape.mean.reason
    assert sum(bin_.count for bin_ in shape.bins) == 36
    months = await told(database, monthly_returns.READ, until=evening(days[-1]))
    assert [month.period_return is None for month in months] == [False, True]
    rolling = await told(
        database, rolling_metrics.READ, until=evening(days[-1]), params=rolling_metrics.Rolling(window=5)
    )
    assert [point.sharpe is None for point in rolling[-4:]] == [False, True, True, True]


async def test_without_equity_there_is_no_row_and_with_one_observation_no_figure(
    service: Database, database: Database
) -> None:
    await given_account(service)
    reads = (performance, benchmark, monthly_returns, rolling_metrics, return_distribution, drawdowns, correlation)
    for module in reads:
        assert await told(database, module.READ, until=AFTERWARDS) == []
    await given_equity(service, 100, ending=AFTERWARDS - HOUR)
    [row] = await told(database, performance.READ, until=AFTERWARDS)
    assert (
        row.period_return.reason == row.roi.reason == row.max_drawdown.reason == "no equity was observed in the window"
    )
    assert row.best_day.reason == "no whole trading day in the window"
    assert row.sharpe.reason == "needs 30 days, has 0"
    assert await told(database, monthly_returns.READ, until=AFTERWARDS) == []


async def test_a_weekend_belongs_to_monday_unless_the_account_trades_every_day(
    service: Database, database: Database
) -> None:
    days = [date(2026, 3, 6) + DAY * place for place in range(4)]  # a Friday to a Monday
    for account, periods in (("A", 252), ("B", 365)):
        await given_account(service, account, periods_per_year=periods)
        await given_closes(service, days, [100, 110, 121, 133.1], account)
    [five] = await told(database, performance.READ, "A", until=evening(days[-1]))
    [seven] = await told(database, performance.READ, "B", until=evening(days[-1]))
    assert (five.days, five.gaps, five.best_day.value) == (1, 0, pytest.approx(0.331))
    assert (seven.days, seven.gaps, seven.best_day.value) == (3, 0, pytest.approx(0.1))
    assert (five.trading_days, seven.trading_days) == ("Monday to Friday", "every day")


async def test_a_gap_is_told_and_its_days_count_in_the_yearly_rate(service: Database, database: Database) -> None:
    await given_account(service)
    days = weekdays(60)
    kept = [*range(31), *range(51, 60)]
    await given_closes(service, [days[place] for place in kept], [1000 * 1.001**place for place in kept])
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    assert (row.days, row.gaps) == (39, 1)
    assert row.cagr.value == exactly(1.001**252 - 1)


@pytest.mark.parametrize("changed", [date(2026, 3, 8), date(2026, 11, 1)])
async def test_days_roll_over_at_five_in_new_york_before_and_after_the_clocks_change(
    changed: date, service: Database, database: Database
) -> None:
    """Against a fold, observation by observation, with the zone's clock of pandas."""
    await given_account(service, zone="America/New_York", roll_over=17 * HOUR)
    start = datetime(changed.year, changed.month, changed.day, 12, tzinfo=UTC) - 6 * DAY
    times = [start + place * HOUR for place in range(12 * 24)]
    values = [round(1000 * (1 + 0.01 * math.sin(place) + 0.0005 * place), 2) for place in range(len(times))]
    await given_equity(service, *map(str, values), ending=times[-1], every=HOUR)
    until = times[-1] + 3 * DAY
    [row] = await told(database, performance.READ, until=until)
    # The day that closes at 17:00: what is seen at the very close is still the day's. Sunday evening is Monday's.
    closing = [
        (pd.Timestamp(at) - pd.Timedelta("1us")).tz_convert("America/New_York").tz_localize(None) + 7 * HOUR
        for at in times
    ]
    closes = pd.Series(values, closing).groupby(lambda at: at.date()).last()
    closes = closes[[day.weekday() < 5 for day in closes.index]]
    expected = pd.Series([values[0], *closes]).pct_change().iloc[1:]
    assert row.days == len(expected)
    assert (row.best_day.value, row.worst_day.value) == (exactly(expected.max()), exactly(expected.min()))
    [shape] = await told(database, return_distribution.READ, until=until)
    assert shape.mean.value == exactly(expected.mean())
    assert shape.deviation.value == exactly(expected.std())


async def test_accounts_of_one_currency_are_held_together_and_currencies_stay_apart(
    service: Database, database: Database
) -> None:
    days = weekdays(4)
    for account, currency, levels in (
        ("A", "USD", [100, 110, 110, 121]),
        ("B", "USD", [300, 300, 330, 330]),
        ("C", "EUR", [50, 40, 40, 44]),
    ):
        await given_account(service, account, currency=currency, benchmark="SPY" if account == "A" else None)
        await given_closes(service, days, levels, account)
    euro, dollar = await told(database, performance.READ, "A", "B", "C", until=evening(days[-1]))
    assert (euro.currency, euro.accounts, dollar.currency, dollar.accounts) == ("EUR", 1, "USD", 2)
    assert euro.period_return.value == pytest.approx(-0.12)
    assert dollar.period_return.value == pytest.approx(451 / 400 - 1)
    assert dollar.best_day.value == pytest.approx(440 / 410 - 1)
    assert dollar.alpha.reason == "the accounts have no benchmark in common"


async def test_what_was_not_known_then_is_not_in_the_figures_of_then(service: Database, database: Database) -> None:
    await given_account(service, benchmark="SPY")
    days = weekdays(4)
    await given_closes(service, days, [100, 110, 121, 133.1])
    await given_bars(service, days, [10, 11, 12, 13])
    await given_bars(service, days[1:2], [20], revision=1, recorded_at=evening(days[3]))
    await given_equity(service, 500, ending=evening(days[1]), recorded_at=evening(days[3]))
    moment = evening(days[2])
    [then] = await asked(database, performance.READ, past(moment, window="All", known_at=moment))
    assert (then.best_day.value, then.days) == (pytest.approx(0.1), 2)
    [shown] = await asked(database, benchmark.READ, past(moment, window="All", known_at=moment))
    assert [point.benchmark for point in shown.points] == pytest.approx([1, 1.1, 1.2])
    [now] = await asked(database, benchmark.READ, past(moment, window="All"))
    assert [point.benchmark for point in now.points] == pytest.approx([1, 2, 1.2])


async def test_the_benchmark_is_taken_where_both_have_a_close_and_adjusted(
    service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY")
    days = weekdays(5)
    await given_closes(service, days, [100, 110, 99, 108.9, 108.9])
    await given_bars(service, [days[0]], [10], adjusted_close=5)
    await given_bars(service, [days[1], days[3], days[4]], [5.5, 6, 6])
    [row] = await told(database, benchmark.READ, until=evening(days[-1]))
    assert [point.day for point in row.points] == [days[0], days[1], days[3], days[4]]
    assert [point.growth for point in row.points] == pytest.approx([1, 1.1, 1.089, 1.089])
    assert [point.benchmark for point in row.points] == pytest.approx([1, 1.1, 1.2, 1.2])
    assert row.excess_return.value == pytest.approx(-0.111)
    few = await told(database, benchmark.READ, until=evening(days[-1]), params=benchmark.Series(points=2))
    assert [point.day for point in few[0].points] == [days[0], days[1], days[4]]


async def test_the_day_an_account_begins_in_counts_from_its_close_beside_a_benchmark(
    service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY")
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]
    await given_equity(service, 200, ending=datetime(2026, 3, 2, 4, tzinfo=UTC))
    await given_closes(service, days, [100, 110, 121])
    await given_bars(service, days, [10, 11, 11])
    until = datetime(2026, 3, 5, tzinfo=UTC)
    (beside,) = await told(database, benchmark.READ, until=until)
    (row,) = await told(database, performance.READ, until=until)
    assert [(point.day, point.growth) for point in beside.points] == [
        (day, pytest.approx(level)) for day, level in zip(days, (1, 1.1, 1.21), strict=True)
    ]
    assert beside.excess_return.value == pytest.approx(row.excess_return.value) == pytest.approx(0.11)


async def test_return_benchmark_and_excess_of_one_row_are_of_the_same_days_and_add_up(
    service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY")
    days = weekdays(6)
    await given_closes(service, days, [90, 100, 110, 99, 108.9, 120])
    await given_bars(service, days[1:5], [10, 11, 12, 12.5])
    [row] = await told(database, performance.READ, until=evening(days[-1]))
    assert row.period_return.value == pytest.approx(120 / 90 - 1)
    assert row.compared_return.value == pytest.approx(0.089)
    assert row.benchmark_return.value == pytest.approx(0.25)
    assert row.excess_return.value == pytest.approx(row.compared_return.value - row.benchmark_return.value)
    [beside] = await told(database, benchmark.READ, until=evening(days[-1]))
    assert beside.period_return.value == pytest.approx(row.compared_return.value)


@pytest.mark.parametrize(("begins", "since"), [(date(2026, 3, 15), date(2026, 3, 15)), (date(2026, 3, 1), None)])
async def test_a_month_that_the_window_begins_within_says_since_when_it_counts(
    begins: date, since: date | None, service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(60, date(2026, 2, 2))
    await given_closes(service, days, [1000 + place for place in range(60)])
    months = await told(database, monthly_returns.READ, until=evening(days[-1]), window=f"{begins}..2026-04-20")
    assert [month.since for month in months] == [since, None]
    assert months[0].whole is (since is None)


async def test_without_bars_the_benchmark_closes_at_the_last_price_of_the_day(
    service: Database, database: Database
) -> None:
    await given_account(service, benchmark="SPY", zone="America/New_York")
    days = weekdays(3)
    await given_closes(service, days, [100, 101, 102])
    rows = [(days[0], 21, 10), (days[0], 22, 11), (days[1], 22, 12), (days[2], 22, 13)]
    for day, hour, mid in rows:
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        await insert_snapshot(service, at, mid)
    [row] = await told(database, benchmark.READ, until=evening(days[-1]))
    assert [point.benchmark for point in row.points] == pytest.approx([1, 12 / 11, 13 / 11])
    await given_account(service, "B", benchmark="QQQ")
    await given_closes(service, days, [100, 101, 102], "B")
    [row] = await told(database, benchmark.READ, "B", until=evening(days[-1]))
    assert (row.points, row.reason) == ([], "no prices of the benchmark QQQ")


async def insert_snapshot(service: Database, at: datetime, mid: float) -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO market_snapshots (source, symbol, at, recorded_at, mid) VALUES ('sim', 'SPY', $1, $1, $2)",
            at,
            mid,
        )


async def test_months_compounded_are_the_return_of_the_window(service: Database, database: Database) -> None:
    await given_account(service, zone="America/New_York", roll_over=17 * HOUR)
    days = weekdays(90, date(2026, 1, 14))
    levels = [1000 * (1 + 0.02 * math.sin(place) + 0.001 * place) for place in range(90)]
    await given_closes(service, days, levels)
    until = evening(days[-1])
    months = await told(database, monthly_returns.READ, until=until)
    series = pd.Series(levels, pd.to_datetime([f"{day} 20:00" for day in days], utc=True))
    # At 20:00 UTC the day that began at 17:00 in New York the evening before goes on: it bears that evening's date.
    named = [(at.tz_convert("America/New_York").tz_localize(None) - 17 * HOUR).date() for at in series.index]
    last = series.groupby([day.replace(day=1) for day in named]).last()
    expected = pd.Series([levels[0], *last]).pct_change().iloc[1:]
    assert [month.month for month in months] == list(last.index)
    assert [month.period_return for month in months] == [exactly(value) for value in expected]
    assert [month.whole for month in months] == [False, True, True, True, False]
    assert [month.since for month in months] == [named[0], None, None, None, None]
    [row] = await told(database, performance.READ, until=until)
    assert math.prod(1 + month.period_return for month in months) - 1 == exactly(row.period_return.value)


async def test_rolling_figures_are_empyricals_and_of_the_window_only(service: Database, database: Database) -> None:
    await given_account(service)
    await given_closes(service, DAYS[:400], CLOSES["AAPL"][:400])
    points = await told(
        database, rolling_metrics.READ, until=evening(DAYS[399]), params=rolling_metrics.Rolling(window=60)
    )
    returns = CLOSES["AAPL"][:400].pct_change().iloc[1:]
    assert len(points) == 399 - 60 + 1
    assert [point.sharpe for point in points] == pytest.approx(
        [empyrical.sharpe_ratio(returns[end - 60 : end]) for end in range(60, 400)], rel=1e-9
    )
    assert [point.volatility for point in points] == pytest.approx(
        [empyrical.annual_volatility(returns[end - 60 : end]) for end in range(60, 400)], rel=1e-9
    )
    closes = CLOSES["AAPL"][:400]
    below = (closes / closes.rolling(61).max() - 1).dropna()
    assert [point.drawdown for point in points] == pytest.approx(below.tolist(), abs=1e-9)
    few = await told(
        database, rolling_metrics.READ, until=evening(DAYS[399]), params=rolling_metrics.Rolling(window=60, points=50)
    )
    assert len(few) <= 51
    assert few[-1] == points[-1]
    assert min(point.drawdown for point in few) == min(point.drawdown for point in points)


async def test_the_worst_drawdowns_have_their_dates_and_the_curve_is_the_equity_reads(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days = weekdays(12)
    await given_closes(service, days, [100, 90, 101, 110, 99, 55, 66, 111, 120, 114, 108, 111])
    until = evening(days[-1])
    [row] = await told(database, drawdowns.READ, until=until)
    assert [episode.depth for episode in row.worst] == pytest.approx([-0.5, -0.1, -0.1])
    worst = row.worst[0]
    assert [at.date() for at in (worst.peak_at, worst.trough_at, worst.recovered_at)] == [days[3], days[5], days[7]]
    assert (worst.days, worst.decline_days, worst.recovery_days) == (6, 4, 2)
    assert row.worst[-1].recovered_at is None or row.worst[1].recovered_at is None
    assert (row.deepest.value, row.current.value) == (pytest.approx(-0.5), pytest.approx(-0.075))
    curve = await told(database, equity.READ, until=until)
    assert [(point.at, point.drawdown) for point in curve] == [(point.at, point.drawdown) for point in row.points]
    [few] = await told(database, drawdowns.READ, until=until, params=drawdowns.Series(points=4))
    assert len(few.points) < len(row.points)
    assert min(point.drawdown for point in few.points) == pytest.approx(-0.5)
    [figures] = await told(database, performance.READ, until=until)
    assert (figures.max_drawdown, figures.current_drawdown) == (row.deepest, row.current)


@pytest.mark.parametrize("span", [MINUTE, HOUR])
async def test_drawdown_is_the_same_in_both_reads_over_a_short_window(
    span: timedelta, service: Database, database: Database
) -> None:
    await given_account(service)
    await given_equity(service, 100, 120, 90, 110, 80, 130, 120, ending=AFTERWARDS, every=span)
    [row] = await told(database, drawdowns.READ, until=AFTERWARDS)
    [figures] = await told(database, performance.READ, until=AFTERWARDS)
    assert figures.max_drawdown == row.deepest
    assert figures.max_drawdown.value == pytest.approx(-1 / 3)
    assert figures.current_drawdown == row.current


async def test_the_distribution_counts_every_day_once(service: Database, database: Database) -> None:
    await given_account(service)
    await given_closes(service, DAYS[:500], CLOSES["IBM"][:500])
    [shape] = await told(database, return_distribution.READ, until=evening(DAYS[499]))
    returns = CLOSES["IBM"][:500].pct_change().iloc[1:]
    assert shape.days == sum(bin_.count for bin_ in shape.bins) == 499
    assert [bin_.count for bin_ in shape.bins] == [
        int(((returns >= bin_.low) & (returns < bin_.high)).sum()) for bin_ in shape.bins
    ]
    assert shape.median.value == exactly(returns.median())
    assert shape.value_at_risk.value == exactly(-returns.quantile(0.05))


async def test_strategies_correlate_by_the_net_result_of_their_days(service: Database, database: Database) -> None:
    await given_account(service)
    days = weekdays(40)
    results = {
        "maker": [math.sin(place) * 10 for place in range(40)],
        "momentum": [math.cos(place * 0.7) * 10 if place % 3 else None for place in range(40)],
    }
    for name, values in results.items():
        for day, value in zip(days, values, strict=True):
            if value is not None:
                await given_trade(service, f"{value:.6f}", evening(day) - 20 * HOUR, strategy=name, symbol=name[:3])
    until = evening(days[-1])
    [row] = await told(database, correlation.READ, until=until)
    frame = pd.DataFrame(results).astype(float).round(6).fillna(0.0)
    assert (row.names, row.days) == (["maker", "momentum"], 40)
    assert [[cell.value for cell in line] for line in row.cells] == [
        [exactly(value) for value in line] for line in frame.corr().to_numpy()
    ]
    [symbols] = await told(database, correlation.READ, until=until, params=correlation.Between(by="symbol"))
    assert symbols.names == ["mak", "mom"]
    assert symbols.cells == row.cells
    scope = live(window="All", moment=until, strategy="maker")
    [one] = await asked(database, correlation.READ, scope)
    assert one.names == ["maker"]


async def test_prices_of_traded_symbols_correlate_over_the_days_that_both_have(
    service: Database, database: Database
) -> None:
    await given_account(service)
    days, until = DAYS[:60], evening(DAYS[59])
    for symbol in ("AAPL", "IBM", "NONE"):
        await given_trade(service, 1, until - DAY, symbol=symbol)
    await given_bars(service, days, CLOSES["AAPL"][:60], "AAPL")
    await given_bars(service, days, CLOSES["IBM"][:60], "IBM")
    [row] = await told(database, correlation.READ, until=until, params=correlation.Between(by="price"))
    expected = CLOSES[:60].pct_change().iloc[1:].corr()
    assert row.names == ["AAPL", "IBM"]
    assert row.cells[0][1] == row.cells[1][0]
    assert row.cells[0][1].value == exactly(expected["AAPL"]["IBM"])
    [few] = await told(database, correlation.READ, until=until, params=correlation.Between())
    assert few.cells[0][0].reason == "needs 30 common days, has 1"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: performance.Rates(risk_free=-1), "risk_free"),
        (lambda: performance.Rates(minimum_return=math.nan), "minimum_return"),
        (lambda: rolling_metrics.Rolling(window=1), "window"),
        (lambda: rolling_metrics.Rolling(points=1), "points"),
        (lambda: correlation.Between(by="colour"), "strategy, symbol, price"),
        (lambda: correlation.Between(most=1), "most"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


async def test_rates_are_yearly(service: Database, database: Database) -> None:
    await given_account(service)
    await given_closes(service, DAYS[:300], CLOSES["IBM"][:300])
    rates = performance.Rates(risk_free=0.04, minimum_return=0.05)
    [row] = await told(database, performance.READ, until=evening(DAYS[299]), params=rates)
    returns = CLOSES["IBM"][:300].pct_change().iloc[1:]
    assert row.sharpe.value == exactly(empyrical.sharpe_ratio(returns, risk_free=1.04 ** (1 / 252) - 1))
    assert row.sortino.value == exactly(empyrical.sortino_ratio(returns, required_return=1.05 ** (1 / 252) - 1))
    assert (row.risk_free, row.minimum_return) == (0.04, 0.05)
