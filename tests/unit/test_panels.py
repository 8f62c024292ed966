"""What panels draw from answers made by hand: figures, words, unknown values, empty states, hostile names."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_origin, get_type_hints

import pytest

from main.database.pool import DatabaseStatus
from main.domain.scope import Scope
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.read import Answer, Freshness, Read, State
from main.monitoring.reads import (
    account_summary,
    account_totals,
    accounts,
    activity,
    bots,
    cumulative_pnl,
    daily_pnl,
    database_status,
    equity,
    external_flows,
    feeds,
    host_history,
    open_alerts,
    positions,
    service_logs,
    services,
    worker_jobs,
)
from main.telemetry.log_search import LogPage
from tests.drawing import NOW, PANELS, SCOPE, account, answer, bot, drawn, filled, words

TOTAL = account_totals.CurrencyTotal(
    currency="USD",
    accounts=2,
    unobserved=0,
    equity_at=NOW,
    equity=Decimal("208253.63"),
    cash=Decimal(64741),
    available_margin=Decimal(96214),
    today_pnl=Decimal("971.80"),
    today_return=0.0047,
    unrealized_pnl=Decimal("2778.88"),
    unrealized_share=0.0133,
    positions=10,
    unpriced_positions=0,
    realized_today=Decimal("144.65"),
    fees_today=Decimal("38.04"),
    closed_today=23,
    won_today=14,
    loss_account="B",
    loss_label="Maker US",
    loss_used=Decimal("312.60"),
    loss_limit=Decimal(500),
    loss_share=0.6252,
    trading_blocked=False,
    drawdown=-0.0267,
    max_drawdown=-0.048,
    drawdown_step_seconds=86400.0,
)


def position(**given: Any) -> positions.OpenPosition:
    values = {"label": "Maker", "currency": "USD", "symbol": "XLK", "side": "long", "quantity": Decimal(180)}
    priced = {"value": Decimal(49844), "unrealized_pnl": Decimal("1528.2"), "pnl_share": 0.0316, "weight": 0.24}
    return filled(positions.OpenPosition, **(values | priced | {"current_price": Decimal("276.9")} | given))


def test_the_cards_say_what_the_mock_up_says() -> None:
    said = words(drawn("account_cards", (account_totals.READ, [TOTAL])))
    for expected in (
        "Equity 208,254 USD Cash 64,741 · free 96,214",
        "Today's P&L +971.80 +0.47% after fees 38.04",
        "Unrealised +2,778.88 +1.33% on 10 positions",
        "Realised today +144.65 23 closed trades · 14 won",
        "Drawdown −2.67% daily closes Max −4.80% in 3M",
        "Daily loss used 62.5% Maker US 312.60 of 500",
    ):
        assert expected in said


def test_the_cards_say_why_the_daily_loss_is_not_todays_pnl() -> None:
    members = drawn("account_cards", (account_totals.READ, [TOTAL]))
    assert members["subtitle"] == "USD · 2 accounts · daily loss: fees count when a trade closes"


def test_cards_of_two_currencies_are_two_bands() -> None:
    euros = replace(TOTAL, currency="EUR", accounts=1, equity=Decimal(10))
    members = drawn("account_cards", (account_totals.READ, [TOTAL, euros]))
    assert "USD · 2 accounts" in words(members)
    assert "EUR · 1 account" in words(members)
    assert "10.00 EUR" in words(members)


def test_what_is_not_known_is_a_dash_with_its_reason_and_never_zero() -> None:
    nothing = dict.fromkeys(
        ("equity", "cash", "available_margin", "today_pnl", "today_return", "unrealized_pnl", "drawdown", "loss_share")
    )
    said = words(drawn("account_cards", (account_totals.READ, [replace(TOTAL, **nothing, unpriced_positions=1)])))
    assert "Today's P&L — not observed today" in said
    assert "Unrealised — 1 of 10 positions without a price" in said
    assert "Drawdown — too few observations in 3M" in said
    assert "Equity — USD Cash — · free —" in said


def test_a_breached_limit_is_a_chip_and_leaves_the_number_as_it_is() -> None:
    blocked = replace(TOTAL, loss_used=Decimal("504.10"), loss_share=1.0082, trading_blocked=True)
    said = words(drawn("account_cards", (account_totals.READ, [blocked])))
    assert "100.8% Maker US Trading blocked" in said


@pytest.mark.parametrize("name", sorted(name for name, panel in PANELS.items() if panel.kind not in ("strip", "badge")))
def test_every_panel_has_an_empty_state_that_gives_a_reason(name: str) -> None:
    panel = PANELS[name]
    empty = {read.name: answer(_nothing(read)) for read in panel.reads}
    members = json.loads(b"{" + PanelEncoder([panel]).encode(name, empty, SCOPE) + b"}")
    assert "broken" not in members
    assert "figure" not in members
    assert len(words(members)) > 30


def _nothing(read: Read[Any]) -> Any:
    if read is host_history.READ:
        return host_history.HostHistory(None, (), NOW, NOW)
    return [] if get_origin(get_type_hints(read.fetch)["return"]) is list else None


def test_an_empty_panel_says_how_long_the_bot_has_run_and_what_it_does() -> None:
    members = drawn("activity", (bots.READ, [bot()]))
    assert words(members) == (
        "Nothing happened yet The bot has run for 2 m 10 s; it watches the market, but nothing has traded."
    )


@pytest.mark.parametrize(
    ("scope", "bot_state", "expected"),
    [
        (Scope(accounts=("A",), as_of=NOW).resolved(NOW), bot(), "go back to live"),
        (SCOPE, bot(status=None, condition="unknown"), "never sent a heartbeat"),
        (SCOPE, bot(condition="down"), "Maker is not running"),
        (Scope().resolved(NOW), bot(), "There is no account yet"),
    ],
)
def test_an_empty_panel_names_the_cause(scope: Scope, bot_state: bots.BotState, expected: str) -> None:
    assert expected in words(drawn("positions", (bots.READ, [bot_state]), scope=scope))


def test_equity_is_drawn_over_its_drawdown() -> None:
    at = [NOW + timedelta(minutes=step) for step in range(3)]
    curve = [
        equity.EquityPoint("USD", moment, value, value / 100, drawdown)
        for moment, value, drawdown in zip(at, (100.0, 110.0, 99.0), (0.0, 0.0, -0.1), strict=True)
    ]
    members = drawn("equity", (equity.READ, [*curve, equity.EquityPoint("EUR", NOW, 1.0, 1.0, 0.0)]))
    lines = {trace.get("name"): trace["y"] for trace in members["figure"]["data"] if trace.get("name")}
    assert lines["Equity"] == [100, 110, 99]
    assert lines["Drawdown"] == [0, 0, -0.1]
    assert members["subtitle"] == "USD · 3M · drawdown at its points · not EUR"


def test_the_curve_shown_is_that_of_the_currency_with_most_accounts_however_many_points_others_have() -> None:
    at = [NOW + timedelta(minutes=step) for step in range(4)]
    usd = [equity.EquityPoint("USD", moment, 100.0, 1.0, 0.0) for moment in at[:2]]
    eur = [equity.EquityPoint("EUR", moment, 200.0, 1.0, 0.0) for moment in at]
    owners = [account("EUR"), account(name="B"), account(name="C")]
    members = drawn("equity", (equity.READ, [*eur, *usd]), (accounts.READ, owners))
    assert members["subtitle"] == "USD · 3M · drawdown at its points · not EUR"


def test_cash_that_came_or_went_is_marked_on_equity_with_its_amount_and_the_peak_is_that_of_growth() -> None:
    at = [NOW + timedelta(minutes=step) for step in range(4)]
    curve = [
        equity.EquityPoint("USD", moment, value, growth, drawdown)
        for moment, value, growth, drawdown in zip(
            at, (100.0, 101.0, 71.0, 72.0), (1.0, 1.01, 1.01, 1.02), (0.0,) * 4, strict=True
        )
    ]
    flows = [
        external_flows.ExternalFlow(at[2], name, f"Maker {name}", currency, kind, Decimal(amount))
        for name, currency, kind, amount in (
            ("A", "USD", "withdrawal", -10),
            ("B", "USD", "withdrawal", -20),
            ("C", "EUR", "deposit", 5),
        )
    ]
    members = drawn("equity", (equity.READ, curve), (external_flows.READ, flows))
    marks = members["figure"]["data"][-1]
    assert (marks["y"], marks["text"]) == ([101], ["Withdrawal"])
    assert marks["customdata"] == ["Withdrawal −10.00 Maker A<br>Withdrawal −20.00 Maker B"]
    peaks = [trace["text"] for trace in members["figure"]["data"] if "Peak" in str(trace.get("text"))]
    assert peaks == [["Peak 72"]]


def test_tiles_are_sized_by_value_and_say_short() -> None:
    short = position(symbol="SPY", side="short", value=Decimal(-900), unrealized_pnl=Decimal("-14.2"), pnl_share=-0.001)
    members = drawn("positions_map", (positions.READ, [position(), short, position(value=None)]))
    trace = members["figure"]["data"][0]
    assert trace["values"] == [49844, 900]
    assert trace["labels"] == ["XLK", "SPY short"]
    assert trace["text"][0].endswith("+1,528 · +3.2%<br>49,844")
    assert "−14.20 (−0.1%)" in trace["customdata"][1]


def test_the_positions_table_has_sides_signs_and_dashes() -> None:
    unpriced = position(
        symbol="GLD", side="short", value=None, unrealized_pnl=None, pnl_share=None, weight=None, current_price=None
    )
    members = drawn("positions", (positions.READ, [position(), unpriced]))
    said = words(members)
    assert "XLK Long 180 1.00 276.90 +1,528.20 +3.16% 49,844.00 24.0%" in said
    assert "GLD Short 180 1.00 — — — — —" in said
    assert members["subtitle"] == "2 open · 1 without a price"


def test_of_hundreds_of_positions_the_overview_shows_the_largest_and_says_where_all_are() -> None:
    held = [position(symbol=f"S{number}") for number in range(500)]
    members = drawn("positions", (positions.READ, held))
    assert "S39 " in words(members)
    assert "S40 " not in words(members)
    assert members["subtitle"] == "500 open · 40 shown, all of them on Trading"


def test_the_accounts_table_has_a_total_a_currency() -> None:
    def figures_of(name: str, currency: str, mode: str) -> account_summary.AccountFigures:
        known = {"equity": Decimal("154382.17"), "today_pnl": Decimal("-312.60"), "status": "running"}
        place = {"account": name, "label": name, "currency": currency, "mode": mode}
        return filled(account_summary.AccountFigures, **(place | known))

    rows = [
        figures_of("One", "USD", "paper"),
        figures_of("Two", "USD", "live"),
        figures_of("Coin", "USDT", "simulated"),
    ]
    said = words(
        drawn(
            "accounts",
            (account_summary.READ, rows),
            (account_totals.READ, [TOTAL, replace(TOTAL, currency="USDT", accounts=1)]),
            (bots.READ, [bot(account="One")]),
        )
    )
    assert "One USD PAPER Running — 154,382.17 — −312.60" in said
    assert "Two USD LIVE MONEY" in said
    assert "Coin USDT SIMULATED" in said
    assert "USD total 2 accounts 208,253.63" in said
    assert "USDT total" not in said


def test_activity_reads_like_sentences() -> None:
    def event(kind: str, **given: Any) -> activity.Activity:
        return filled(activity.Activity, **({"kind": kind, "symbol": "SPY", "label": "Maker"} | given))

    fill = {"side": "sell", "quantity": Decimal(12), "order_quantity": Decimal(20), "price": Decimal("690.15")}
    events = [
        event("fill", **fill),
        event("rejected", side="buy", quantity=Decimal(20), word="outside the limit"),
        event("exit", pnl=Decimal("184.20"), word="trailing_stop"),
        event("event", word="risk_factor", said="Risk factor 0.80 → 0.65", severity="info"),
        event("event", word="disk", said="Disk full", severity="error"),
        event("alert", said="Daily loss above 60%", severity="warning"),
    ]
    several = Scope(accounts=("A", "B")).resolved(NOW)
    assert "Maker" not in words(drawn("activity", (activity.READ, events)))
    said = words(drawn("activity", (activity.READ, events), scope=several))
    for expected in (
        "Sell SPY 20 · 12 filled at 690.15 Maker",
        "Buy SPY 20 rejected: outside the limit",
        "Exit SPY +184.20 , trailing stop",
        "Risk Risk factor 0.80 → 0.65",
        "Error Disk full",
        "Alert Daily loss above 60%",
    ):
        assert expected in said


def test_periods_and_days_are_signed() -> None:
    periods = [cumulative_pnl.PeriodPnl("USD", name, NOW, value, share) for name, value, share in _PERIODS]
    assert words(drawn("cumulative_pnl", (cumulative_pnl.READ, periods))).endswith(
        "Today +972.00 +0.47% Week −3.10 −1.51% All — —"
    )
    days = [
        daily_pnl.DayPnl("USD", NOW.date(), NOW, Decimal(5), Decimal(5)),
        daily_pnl.DayPnl("USD", NOW.date(), NOW, None, None),
    ]
    bars = next(
        trace for trace in drawn("daily_pnl", (daily_pnl.READ, days))["figure"]["data"] if trace["type"] == "bar"
    )
    assert bars["y"] == [5, None]


_PERIODS = (("today", Decimal(972), 0.0047), ("week", Decimal("-3.1"), -0.0151), ("all", None, None))


def test_lights_stand_for_everything_and_count_what_is_well() -> None:
    status = DatabaseStatus("db", True, NOW, "", "18.0 (x)", 0.003, 1, 1, 8, 0)
    members = drawn(
        "status",
        (database_status.READ, status),
        (bots.READ, [bot(dropped_events=3), bot(label="Other", condition="down", silent=True)]),
        (feeds.READ, [feeds.FeedState("sim", "wall", 4, NOW, NOW, 20.0, 6.0, "ok")]),
        (services.READ, [_service("trading", port=8080, viewers=3, probe_seconds=0.006), _service("worker", "worker")]),
        (host_history.READ, _machine(0.612)),
    )
    said = words(members)
    for expected in (
        "Database Healthy PostgreSQL 18.0 · 3.00 ms",
        "Maker Running heartbeat",
        "Other Silent",
        "Feed: sim Healthy 20.0 msg/s · 4 symbols",
        "Recorder 3 dropped",
        "Trading :8080 Serving 3 viewers · 6.00 ms",
        "Worker Working",
        "Disk 61% used of 500 GB",
    ):
        assert expected in said
    assert members["subtitle"] == "6 of 8 healthy · Other silent, Recorder 3 dropped"


def test_a_database_that_is_away_has_its_light_while_nothing_else_is_known() -> None:
    status = DatabaseStatus("db", False, NOW, "refused", None, None, 0, 0, 8, 0)
    panel = PANELS["status"]
    lost = Freshness(State.UNREACHABLE, None, NOW, 60.0, detail="refused")
    answers = {read.name: Answer(None, lost, "refused") for read in panel.reads} | {"database_status": answer(status)}
    members = json.loads(b"{" + PanelEncoder([panel]).encode("status", answers, SCOPE) + b"}")
    assert "Database Unreachable since" in words(members)
    assert members["subtitle"] == "0 of 1 healthy · Database unreachable"
    assert json.dumps(members["children"]).count("light-cell-own") == 1  # it is known: not greyed with what is not


def test_host_panels_show_now_mean_maximum_and_limit() -> None:
    history = _machine(0.243)
    for name, expected in (
        ("cpu", "24.3 % mean 20.0 · max 58.2 · 16 cores"),
        ("memory", "24.3 % 19.3 GB of 32.0 GB · swap 0 B"),
        ("disk", "24.3 % 306 GB of 500 GB · +1.90 GB a day"),
    ):
        members = drawn(name, (host_history.READ, history))
        assert words(members) == expected
        assert members["figure"]["layout"]["shapes"][0]["y0"] == (0.9 if name == "disk" else 0.8)


def test_services_have_a_row_each_and_no_past() -> None:
    silent = _service("system", condition="down", silent=True, pid=None, last_stderr="first\nlast line\n")
    said = words(
        drawn("services", (services.READ, [_service("trading", cpu_share=0.031, rss_bytes=184_000_000), silent]))
    )
    assert "trading Running 41207" in said
    assert "3.1 184 MB" in said
    assert "system Silent —" in said
    assert "last line" in said
    then = Scope(accounts=("A",), as_of=NOW).resolved(NOW)
    assert "no past" in words(drawn("services", (services.READ, []), scope=then))


def test_services_say_why_they_were_restarted_how_fast_they_push_and_what_sharing_saved() -> None:
    busy = _service(
        "trading",
        viewers=3,
        restarts=4,
        restarts_by_reason={"hung": 1, "killed": 3},
        push_p50_seconds=0.0084,
        push_p95_seconds=0.0312,
        questions_answered=1_800,
        questions_shared=7_200,
        degraded_reason="the database answers in 2.4 s",
    )
    said = words(drawn("services", (services.READ, [busy, _service("worker", "worker")])))
    assert "4 3 killed, 1 hung" in said
    assert "3 8.40 ms 31.2 ms 1,800 80.0%" in said
    assert "the database answers in 2.4 s" in said
    assert "worker Running 41207 — 0 — — — — — — — —" in said


def test_other_versions_hosts_and_bots_of_one_process_are_told_apart() -> None:
    given = [_service("trading", version="1.8.0"), _service("worker", "worker", version="1.8.0")]
    old = _service("trading", host="elsewhere", version="1.7.2")
    pair = [bot(account=name, label=name, pid=7, host="h", cpu_share=0.04, rss_bytes=68_000_000) for name in "AB"]
    members = drawn("services", (services.READ, [*given, old]), (bots.READ, pair))
    assert words(members).count("differs") == 1
    assert "elsewhere" in words(members)
    assert "4.0 68.0 MB" in words(members)
    assert members["subtitle"] == "4 processes · 2 bots in 1 of them · 2 machines · different versions run"
    same = drawn("services", (services.READ, given))
    assert "differs" not in words(same)
    assert "Host" not in words(same)
    assert same["subtitle"] == "2 processes"


def test_jobs_say_when_they_run_and_what_they_failed_with() -> None:
    job = {"every_seconds": 60.0, "limit_seconds": 30.0, "host": "h", "silent": False, "overdue": False}
    well = filled(worker_jobs.JobState, **(job | {"job": "rollups", "condition": "ok", "state": "waiting", "runs": 12}))
    ill = replace(well, job="books", condition="degraded", state="failing", failures=3, last_error="E: one\nE: two")
    lost = replace(well, job="host", condition="down", silent=True)
    members = drawn("worker_jobs", (worker_jobs.READ, [ill, lost, well]))
    assert "rollups Waiting 1 m 00 s" in words(members)
    assert "Failing" in words(members)
    assert "Last error E: two E: one E: two" in words(members).replace("\n", " ")
    assert "host Nobody does it" in words(members)
    assert members["subtitle"] == "3 jobs · by the worker on h, pid 1 · 2 in trouble"


def test_logs_name_what_could_not_be_read_and_how_much_there_is() -> None:
    page = LogPage((), None, 10, True, None, 3_940, ("bot", "worker"), ("evil.log: a symbolic link, not followed",))
    members = drawn("service_logs", (service_logs.READ, page))
    assert members["subtitle"] == "2 services of this machine · 3.94 kB kept"
    assert words(members) == "Not read: evil.log: a symbolic link, not followed"


def test_hostile_names_stay_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    members = drawn("positions", (positions.READ, [position(symbol=evil)]))
    assert evil in words(members)
    assert "dangerously" not in json.dumps(members)


def test_answers_of_a_panel_are_only_those_it_lists() -> None:
    for panel in PANELS.values():
        assert isinstance(panel, Panel)
        chosen = {option.name: option.default for option in panel.options}
        answers = Answers({read.name: answer(_nothing(read)) for read in panel.reads}, chosen)
        assert panel.draw(answers, SCOPE) is not None


def _service(name: str, kind: str = "dashboard", **given: Any) -> services.ServiceState:
    values = {"service": name, "host": "h", "kind": kind, "condition": "ok", "state": "running", "pid": 41207}
    return filled(
        services.ServiceState, **(values | {"silent": False, "restarts": 0, "restarts_by_reason": {}} | given)
    )


def _machine(share: float) -> host_history.HostHistory:
    sample = filled(
        host_history.HostSample,
        cpu=share,
        cpu_mean=0.2,
        cpu_max=0.582,
        cpu_count=16,
        memory=share,
        memory_used_bytes=19_300_000_000,
        memory_total_bytes=32_000_000_000,
        swap_used_bytes=0,
        disk=share,
        disk_path="/var/lib",
        disk_used_bytes=306_000_000_000,
        disk_total_bytes=500_000_000_000,
        disk_growth_bytes=1.9e9 if share < 0.5 else None,
    )
    points = (
        host_history.HostPoint(NOW - timedelta(minutes=1), share, share, share),
        host_history.HostPoint(NOW, 1, 1, 1),
    )
    return host_history.HostHistory(sample, points, NOW - timedelta(hours=1), NOW)


def _alert(title: str, severity: str) -> open_alerts.OpenAlert:
    values = {"title": title, "severity": severity, "label": "Maker", "value": Decimal(504), "threshold": Decimal(500)}
    return filled(open_alerts.OpenAlert, **values, unit="USD", fired_at=NOW)


def test_the_worst_alert_stands_in_the_strip_and_the_others_behind_it() -> None:
    worst, other = _alert("Daily loss limit reached", "critical"), _alert("Feed late", "warning")
    members = drawn("alert_strip", (open_alerts.READ, [worst, other]))
    said = words(members)
    assert "Daily loss limit reached" in said
    assert "Maker · 504.00 of 500.00 USD" in said
    assert "1 more" in said
    assert '"role": "alert"' in json.dumps(members)


def test_without_alerts_there_is_no_strip() -> None:
    assert "alert-strip" not in json.dumps(drawn("alert_strip", (open_alerts.READ, [])))
