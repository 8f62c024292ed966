"""What the panels of the page Performance draw: figures and reasons, signs, one currency a chart, hostile names."""

import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.analytics.distribution import Bin
from main.analytics.figure import Figure, missing
from main.errors import ConfigurationError
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.figures.waterfall import Step, waterfall
from main.monitoring.dashboards.v2.panels.trading.performance import FIGURES
from main.monitoring.reads import (
    accounts,
    benchmark,
    bots,
    drawdowns,
    equity,
    monthly_returns,
    performance,
    pnl_by,
    pnl_by_period,
    pnl_calendar,
    pnl_proof,
    return_distribution,
    rolling_metrics,
    trade_distribution,
    trade_statistics,
)
from main.monitoring.reads.benchmark import ComparedDay, Comparison
from main.monitoring.reads.drawdowns import DrawdownPeriod, Drawdowns, UnderWater
from main.monitoring.reads.monthly_returns import MonthReturn
from main.monitoring.reads.performance import Performance
from main.monitoring.reads.pnl_by import PnlByParams, PnlPart
from main.monitoring.reads.pnl_by_period import PeriodParams, PeriodTrades
from main.monitoring.reads.pnl_calendar import CalendarDay, CalendarParams
from main.monitoring.reads.pnl_proof import ProofRow
from main.monitoring.reads.return_distribution import ReturnDistribution
from main.monitoring.reads.rolling_metrics import Rolling, RollingPoint
from main.monitoring.reads.trade_distribution import TradeDistribution
from main.monitoring.reads.trade_statistics import TradeFigures
from tests.drawing import NOW, PANELS, account, bot, drawn, filled, words

EVIL = "<img src=x onerror=alert(1)>"
PAGE = sorted(name for name, panel in PANELS.items() if panel.page == "Performance")
DAY = timedelta(days=1)
TODAY = NOW.date()


def figures_of(currency: str = "USD", **given: Any) -> Performance:
    known = {spec.name: Figure(0.1234) for spec in fields(Performance) if spec.type is Figure}
    told = {"currency": currency, "start": NOW - 91 * DAY, "end": NOW, "days": 62, "gaps": 0, "periods_per_year": 252}
    rest = {
        "trading_days": "Monday to Friday",
        "risk_free": 0.0,
        "minimum_return": 0.0,
        "accounts": 1,
        "drawdown_step_seconds": 86400.0,
    }
    return Performance(**(known | told | rest | {"benchmark": "SPY"} | given))


def compared(*excess: float, currency: str = "USD", name: str | None = "SPY", reason: str = "") -> Comparison:
    points = [ComparedDay(TODAY, NOW + place * DAY, 1.2 + each, 1.2, each) for place, each in enumerate(excess)]
    figure = missing(reason) if reason else Figure(0.2814)
    shown = missing(reason) if reason else Figure(0.1712), missing(reason) if reason else Figure(0.1102)
    return Comparison(currency, NOW, name, reason, figure, *shown, points)


def trades_of(**given: Any) -> TradeFigures:
    known = {spec.name: Figure(1.5) for spec in fields(TradeFigures) if spec.type is Figure}
    counts = {"currency": "USD", "trades": 214, "wins": 122, "losses": 90, "break_evens": 2}
    return filled(TradeFigures, **(known | counts | given))


def proof(**given: Any) -> ProofRow:
    known = {
        "account_id": "A",
        "currency": "USD",
        "equity_before": Decimal(1000),
        "equity_after": Decimal(1030),
        "change": Decimal(30),
        "realized": Decimal(20),
        "unrealized_change": Decimal(15),
        "fees": Decimal(5),
        "residual": Decimal(0),
    }
    nothing = dict.fromkeys(("funding", "dividends", "interest", "external", "fx"), Decimal(0))
    return filled(ProofRow, **(known | nothing | given))


def calendar_day(day: date, net: str, week: str, month: str, **given: Any) -> CalendarDay:
    sums = {"net_pnl": Decimal(net), "week_to_date": Decimal(week), "month_to_date": Decimal(month)}
    return filled(
        CalendarDay, **({"currency": "USD", "day": day, "trades": 3, "cumulative": Decimal(9)} | sums | given)
    )


def classes(members: Any) -> str:
    return json.dumps(members["children"])


def test_the_page_has_every_picture_of_the_specification() -> None:
    assert set(PAGE) == {
        "benchmark",
        "performance",
        "monthly_returns",
        "pnl_calendar",
        "trade_statistics",
        "pnl_by_period",
        "distribution",
        "pnl_by",
        "rolling_metrics",
        "drawdowns",
        "pnl_waterfall",
        "pnl_proof",
    }


@pytest.mark.parametrize("name", PAGE)
def test_without_data_each_says_why_and_what_to_do(name: str) -> None:
    members = drawn(name, (bots.READ, [bot()]))
    assert "figure" not in members
    assert "The bot has run for 2 m 10 s;" in words(members)


def test_growth_stands_beside_its_benchmark_and_the_heading_has_alpha_and_beta() -> None:
    row = figures_of(alpha=Figure(0.1384), beta=Figure(0.82))
    members = drawn("benchmark", (benchmark.READ, [compared(0.0, 0.05, -0.02)]), (performance.READ, [row]))
    assert words(members) == "+28.14% SPY +17.12% · excess +11.02 pp · alpha +13.84% a year · beta 0.82"
    lines = {trace["name"]: trace for trace in members["figure"]["data"]}
    assert lines["accounts"]["y"] == pytest.approx([0.2, 0.25, 0.18])
    assert lines["SPY"]["line"]["dash"]
    assert members["figure"]["data"][2]["text"] == ["0.00 pp", "+5.00 pp", "−2.00 pp"]


def test_without_a_benchmark_the_accounts_own_return_is_drawn_with_the_reason() -> None:
    lone = compared(name=None, reason="the accounts name no benchmark")
    curve = [equity.EquityPoint("USD", NOW + place * DAY, 100.0, growth, 0.0) for place, growth in ((0, 1.0), (1, 1.1))]
    members = drawn("benchmark", (benchmark.READ, [lone]), (equity.READ, curve))
    assert words(members) == "+10.00% no benchmark beside it: the accounts name no benchmark"
    assert members["figure"]["data"][1]["y"] == pytest.approx([0.0, 0.1])


def test_every_figure_of_the_read_is_a_metric() -> None:
    shown = {field for field, _, _ in FIGURES}
    assert shown == {spec.name for spec in fields(Performance) if spec.type is Figure}


def test_metrics_say_their_convention_and_a_missing_one_its_reason() -> None:
    row = figures_of(sharpe=missing("needs 30 days, has 12"), sortino=missing("needs 30 days, has 12"), gaps=2)
    members = drawn("performance", (performance.READ, [row]))
    said = words(members)
    assert "Return +12.34% ROI +12.34%" in said
    assert "Excess return +12.34 pp" in said
    assert "Sharpe — Sortino — Calmar 0.12" in said
    assert "— needs 30 days, has 12 drawdown: daily closes · common: days that both have A = 252" in said
    assert "62 daily returns on equity, Monday to Friday, 2 of them over gaps" in said
    assert '"unknown: needs 30 days, has 12"' in json.dumps(members)


def test_a_chart_is_of_the_currency_with_most_accounts_and_says_which_it_leaves_out() -> None:
    owners = [account("EUR", "E"), account("EUR", "F"), account("USD")]
    rows = [figures_of("EUR", sharpe=Figure(2.5)), figures_of("USD")]
    members = drawn("performance", (performance.READ, rows), (accounts.READ, owners))
    assert "Sharpe 2.50" in words(members)
    assert members["subtitle"] == "EUR · 3M · not USD"


def test_months_have_their_year_and_the_running_one_is_outlined() -> None:
    months = [
        MonthReturn("USD", date(2025, 12, 1), NOW, 0.05, True, 0.05),
        MonthReturn("USD", date(2026, 10, 1), NOW, -0.1, True, -0.1),
        MonthReturn("USD", date(2026, 11, 1), NOW, 0.0, False, -0.1),
    ]
    members = drawn("monthly_returns", (monthly_returns.READ, months))
    said = words(members)
    assert said.index("2026") < said.index("2025")
    assert "−10.00% 0.00% so far — −10.00%" in said
    assert classes(members).count("heat-running") == 1
    assert "heat-n3" in classes(members)
    assert "heat-p2" in classes(members)  # half of the largest: the scale is symmetric


def test_a_month_that_the_range_begins_within_says_since_when() -> None:
    month = MonthReturn("USD", date(2026, 11, 1), NOW, 0.0179, False, 0.0179, date(2026, 11, 15))
    members = drawn("monthly_returns", (monthly_returns.READ, [month]))
    assert "+1.79% from 15 Nov so far" in words(members)
    assert members["subtitle"] == "USD · net of fees · 3M · from 15 Nov · outlined = running"


def test_return_benchmark_and_excess_stand_together() -> None:
    three = {"compared_return": 0.1043, "benchmark_return": 0.0919, "excess_return": 0.0124}
    row = figures_of(**{name: Figure(value) for name, value in three.items()})
    said = words(drawn("performance", (performance.READ, [row])))
    assert "Common return +10.43% Benchmark +9.19% Excess return +1.24 pp" in said


def test_a_month_without_a_base_is_a_dash_with_its_reason() -> None:
    members = drawn("monthly_returns", (monthly_returns.READ, [MonthReturn("USD", TODAY, NOW, None, True, None)]))
    assert "equity gave this month no base" in json.dumps(members)
    assert "heat-none" in classes(members)


def test_a_month_of_days_has_weeks_that_add_up_and_today_outlined() -> None:
    days = [
        calendar_day(date(2026, 10, 30), "5", "5", "5"),
        calendar_day(date(2026, 11, 19), "-1345", "-1345", "-1345"),
        calendar_day(date(2026, 11, 20), "350", "-995", "-995"),
    ]
    members = drawn("pnl_calendar", (pnl_calendar.READ, days), (accounts.READ, [account()]))
    said = words(members)
    assert "19 −1,345 3 trades 20 · today +350 3 trades so far −995" in said
    assert members["subtitle"] == "USD · November 2026 · −995.00"
    assert classes(members).count("heat-running") == 1
    assert "Sat" not in said
    assert members["offers"] == {"period": ["2026-11", "2026-10", "2025-12"]}


def test_a_week_across_two_months_shows_the_days_beside_and_counts_them() -> None:
    days = [calendar_day(date(2026, 9, 30), "1", "1", "1"), calendar_day(date(2026, 10, 1), "2", "3", "2")]
    members = drawn("pnl_calendar?period=2026-10", (pnl_calendar.READ, days), (accounts.READ, [account()]))
    assert "30 Sep +1.00 3 trades 1 +2.00 3 trades" in words(members)
    assert "+3.00" in words(members)
    assert "heat-faint" in classes(members)
    assert members["subtitle"] == "USD · October 2026 · +2.00"


def test_weekends_have_columns_where_trades_close_on_them() -> None:
    days = [calendar_day(date(2026, 11, 14), "1", "1", "1")]
    assert "Sat Sun Week" in words(drawn("pnl_calendar", (pnl_calendar.READ, days)))


def test_a_year_is_a_strip_a_month_with_its_sum() -> None:
    days = [calendar_day(date(2026, 10, 30), "5", "5", "7"), calendar_day(date(2026, 11, 19), "-1", "-1", "-1")]
    members = drawn("pnl_calendar?span=year", (pnl_calendar.READ, days), (accounts.READ, [account()]))
    said = words(members)
    assert "Oct 30 Oct: +5.00, 3 trades" in said
    assert "+7.00" in said
    assert members["offers"] == {"period": ["2026", "2025"]}


def test_a_calendars_year_is_asked_of_the_read_and_a_bad_period_refused() -> None:
    encoder = PanelEncoder([PANELS["pnl_calendar"]])
    assert dict(encoder.asks("pnl_calendar?period=2024-02"))[pnl_calendar.READ] == CalendarParams(year=2024)
    assert dict(encoder.asks("pnl_calendar"))[pnl_calendar.READ] == CalendarParams()
    for bad in ("2024-13", "yesterday", "0000-00"):
        with pytest.raises(ConfigurationError, match="period"):
            encoder.asks(f"pnl_calendar?period={bad}")


def test_statistics_read_like_a_sentence_each() -> None:
    row = trades_of(
        expectancy_r=Figure(0.27),
        win_rate=Figure(0.57),
        profit_factor=missing("no losses"),
        worst=Figure(-2290.1),
        longest_winning_streak=9,
        longest_losing_streak=1,
        current_streak=-2,
        average_hold_seconds=Figure(532_800.0),
        recent=214,
    )
    members = drawn("trade_statistics", (trade_statistics.READ, [row]))
    said = words(members)
    for expected in (
        "Win rate 57.0% 122 won, 90 lost, 2 even",
        "Profit factor —",
        "Expectancy +1.50 +0.27 R a trade",
        "Average hold 6 d 04 h",
        "Worst trade −2,290.10",
        "Longest streak 9 wins 1 loss",
        "Streak now 2 losses",
    ):
        assert expected in said
    assert members["subtitle"] == "USD · 3M · 214 closed trades"


def test_a_currency_without_trades_is_no_row_of_zeros() -> None:
    none = trades_of(trades=0, wins=0, losses=0, break_evens=0)
    assert "No closed trades" in words(drawn("trade_statistics", (trade_statistics.READ, [none])))


def test_periods_are_bars_with_their_sum_and_what_is_asked_is_what_was_chosen() -> None:
    days = [
        filled(
            PeriodTrades, currency="USD", start=TODAY, net_pnl=Decimal(-3), cumulative=Decimal(4), win_rate=Figure(1)
        )
    ]
    figure = drawn("pnl_by_period?period=week", (pnl_by_period.READ, days))["figure"]
    bars = next(trace for trace in figure["data"] if trace["type"] == "bar")
    assert bars["y"] == [-3]
    assert bars["name"] == "Week"
    assert datetime.fromtimestamp(bars["x"][0] / 1000, UTC).date() == TODAY
    asked = dict(PanelEncoder([PANELS["pnl_by_period"]]).asks("pnl_by_period?period=week"))
    assert asked[pnl_by_period.READ] == PeriodParams(period="week")


def test_days_trades_and_r_are_counted_in_their_own_units() -> None:
    bins = [Bin(-0.01, 0.0, 3), Bin(0.0, 0.01, 5)]
    of_days = filled(ReturnDistribution, currency="USD", days=8, bins=bins, median=Figure(0.004))
    of_trades = TradeDistribution("USD", 12, [Bin(-50, 0, 4), Bin(0, 50, 8)], [], "no stops")
    given = ((return_distribution.READ, [of_days]), (trade_distribution.READ, [of_trades]))
    days = drawn("distribution", *given)
    assert days["figure"]["data"][0]["customdata"] == ["−1.0% to 0.0%: 3 days", "0.0% to +1.0%: 5 days"]
    assert days["subtitle"] == "USD · 8 days"
    trades = drawn("distribution?of=trades", *given)
    assert trades["figure"]["data"][0]["customdata"] == ["−50 to 0: 4 trades", "0 to +50: 8 trades"]
    assert "no stops." in words(drawn("distribution?of=r", *given, (bots.READ, [bot()])))


def part(name: str | None, net: int) -> PnlPart:
    return filled(
        PnlPart, currency="USD", name=name, net_pnl=Decimal(net), trades=2, win_rate=Figure(0.5),
        profit_factor=Figure(1), expectancy=Figure(1),
    )  # fmt: skip


def test_the_largest_results_are_drawn_in_the_reads_order_and_names_stay_text() -> None:
    parts = [part(EVIL, 100), *(part(f"S{place}", place) for place in range(20, 0, -1)), part(None, -50)]
    members = drawn("pnl_by", (pnl_by.READ, parts))
    bars = members["figure"]["data"][0]
    assert bars["x"] == [100, 20, 19, 18, 17, 16, 15, 14, 13, -50]
    assert "<img" not in json.dumps(members["figure"])
    assert "not known: −50.00 USD, 2 trades, 50.0% won" in bars["customdata"]
    assert members["subtitle"] == "USD · net · 3M · the 10 largest of 22"


def test_all_hours_are_drawn_and_what_is_asked_is_what_was_chosen() -> None:
    parts = [part(f"{hour:02}", hour - 3) for hour in range(24)]
    members = drawn("pnl_by?by=hour", (pnl_by.READ, parts))
    assert len(members["figure"]["data"][0]["x"]) == 24
    assert dict(PanelEncoder([PANELS["pnl_by"]]).asks("pnl_by?by=hour"))[pnl_by.READ] == PnlByParams(by="hour")


@pytest.mark.parametrize(("metric", "written"), [("sharpe", "1.50"), ("volatility", "20.0%"), ("drawdown", "−10.0%")])
def test_rolling_figures_end_in_their_last_value(metric: str, written: str) -> None:
    points = [RollingPoint("USD", TODAY, NOW + place * DAY, 1.5, 0.2, -0.1) for place in range(3)]
    figure = drawn(f"rolling_metrics?metric={metric}", (rolling_metrics.READ, points))["figure"]
    assert f"<b>{written}</b>" in [each["text"] for each in figure["layout"]["annotations"]]
    asked = dict(PanelEncoder([PANELS["rolling_metrics"]]).asks("rolling_metrics?window=126"))
    assert asked[rolling_metrics.READ] == Rolling(window=126)


def test_a_drawdown_that_lasts_is_not_recovered_yet() -> None:
    period = DrawdownPeriod(NOW - 9 * DAY, NOW - 2 * DAY, None, -0.1124, 9.0, 7.0, None)
    row = Drawdowns("USD", NOW, Figure(-0.05), Figure(-0.1124), 9.0, [period], [UnderWater(NOW, -0.05)], 86400.0)
    said = words(drawn("drawdowns", (drawdowns.READ, [row])))
    assert "−11.24%" in said
    assert "not yet 7 d 00 h — 9 d 00 h" in said
    flat = Drawdowns("USD", NOW, Figure(0.0), Figure(0.0), None, [], [UnderWater(NOW, 0.0)], 86400.0)
    assert "Growth never fell in 3M" in words(drawn("drawdowns", (drawdowns.READ, [flat])))


def test_a_proof_adds_up_or_says_what_is_left() -> None:
    rows = [proof(), proof(account_id=EVIL, residual=Decimal("-2.5")), proof(account_id="C", residual=None)]
    said = words(drawn("pnl_proof", (pnl_proof.READ, rows)))
    assert "A USD 1,000.00 +20.00 +15.00 −5.00 0.00 0.00 0.00 0.00 0.00 0.00 +30.00 1,030.00 Adds up" in said
    assert f"{EVIL} USD" in said
    assert "−2.50 +30.00 1,030.00 Residual" in said
    assert "— +30.00 1,030.00 Not known" in said


def test_the_waterfall_ends_in_the_change_of_equity_and_leaves_out_what_was_not() -> None:
    rows = [proof(), proof(account_id="B", external=Decimal(100), change=Decimal(130))]
    first = drawn("pnl_waterfall", (pnl_proof.READ, rows))
    bars = first["figure"]["data"][0]
    assert first["figure"]["layout"]["xaxis"]["ticktext"] == ["Realised", "Unrealised", "Fees", "Δ Equity"]
    assert bars["y"] == [20, 15, -5, 30]
    assert bars["base"] == [0, 20, 35, 0]
    assert first["offers"] == {"account": ["A", "B"]}
    unseen = drawn("pnl_waterfall", (pnl_proof.READ, [proof(unrealized_change=None, residual=None)]))
    assert "without its unrealised P&L" in words(unseen)  # rather than a bar of 0
    second = drawn("pnl_waterfall?account=B", (pnl_proof.READ, rows))
    assert "Deposits" in second["figure"]["layout"]["xaxis"]["ticktext"]
    assert second["subtitle"].startswith("B · USD")


def test_in_the_waterfall_a_small_loss_has_room_for_its_amount_and_money_moved_in_is_no_profit() -> None:
    steps = [Step("Realised", 2772), Step("Fees", -87), Step("Deposits", 100_000, moved=True)]
    figure = waterfall([*steps, Step("Δ Equity", 102_685, whole=True)])
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < -0.03 * (high - low)  # the amount is written below what was lost, the names below that
    assert figure["data"][0]["marker"]["color"] == ["@profit-4", "@loss-4", "@neutral-4", "@accent"]
