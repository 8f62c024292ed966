"""What the panels of the page Risk draw: limits and bands, worst first, unknown values with reasons, hostile names."""

import json
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.analytics.figure import Figure, missing
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.risk_marks import ACCOUNT_TONES, account_tones
from main.monitoring.reads import (
    accounts,
    bots,
    correlation,
    daily_loss,
    daily_loss_course,
    drawdowns,
    exposure,
    inventory,
    performance,
    risk_factor,
    trade_risk,
)
from main.monitoring.reads.accounts import AccountEntry
from main.monitoring.reads.correlation import Between, CorrelationMatrix
from main.monitoring.reads.daily_loss import DailyLoss
from main.monitoring.reads.daily_loss_course import LossPoint
from main.monitoring.reads.drawdowns import Drawdowns, UnderWater
from main.monitoring.reads.exposure import Exposure, ExposureParams, SectorExposure, SymbolWeight
from main.monitoring.reads.inventory import Holding
from main.monitoring.reads.performance import Performance
from main.monitoring.reads.risk_factor import RiskFactorPoint
from main.monitoring.reads.trade_risk import TradeRisk
from tests.drawing import NOW, PANELS, bot, drawn, filled, words

EVIL = "<img src=x onerror=alert(1)>"
PAGE = sorted(name for name, panel in PANELS.items() if panel.page == "Risk")
HOUR = timedelta(hours=1)


def exposed(leverage: float | None = 0.5, band: str | None = "normal", **given: Any) -> Exposure:
    known = {
        "currency": "USD",
        "equity": Decimal(1000),
        "positions": 3,
        "unpriced": 0,
        "gross": Decimal(500),
        "net": Decimal(-100),
        "gross_exposure": Figure(0.5),
        "net_exposure": Figure(-0.1),
        "leverage": missing("no equity recorded of A") if leverage is None else Figure(leverage),
        "leverage_band": band,
        "max_weight": Figure(0.6),
        "concentration": Figure(0.44),
        "sectors": (),
        "symbols": (SymbolWeight("XLK", Decimal(300), Decimal(300), 0.6),),
    }
    return filled(Exposure, **(known | given))


def earned(**given: Any) -> Performance:
    known = {spec.name: Figure(0.02) for spec in fields(Performance) if spec.type is Figure}
    return filled(Performance, **(known | {"currency": "USD", "days": 62} | given))


def lost(share: float | None = 0.625, **given: Any) -> DailyLoss:
    known = {
        "account": "A",
        "label": "Maker US",
        "currency": "USD",
        "day": NOW.date(),
        "result": Decimal("-312.60"),
        "loss_used": Decimal("312.60"),
        "loss_limit": Decimal(500),
        "loss_share": missing("no daily loss limit is set") if share is None else Figure(share),
        "origin": "bot",
    }
    return filled(DailyLoss, **(known | given))


def held(used: float | None, band: str | None, **given: Any) -> Holding:
    figure = missing("no price is known") if used is None else Figure(used)
    known = {"account": "A", "label": "Maker", "currency": "USD", "symbol": "XLK", "limit": Decimal(20000)}
    return filled(Holding, **(known | {"used": figure, "band": band, "value": Decimal(-100)} | given))


def said_at(place: int, share: float | None, account: str = "A") -> LossPoint:
    figure = missing("no daily loss limit is set") if share is None else Figure(share)
    return LossPoint(account, f"Account {account}", "USD", NOW + place * HOUR, Decimal(1), Decimal(2), figure)


def test_the_page_has_every_picture_of_the_specification() -> None:
    assert set(PAGE) == {
        "risk_cards",
        "under_water",
        "daily_loss",
        "daily_loss_course",
        "risk_factor",
        "leverage",
        "inventory",
        "concentration",
        "sector_exposure",
        "correlation",
        "trade_risk",
    }


@pytest.mark.parametrize("name", PAGE)
def test_without_data_each_says_why_and_what_to_do(name: str) -> None:
    members = drawn(name, (bots.READ, [bot()]))
    assert "figure" not in members
    assert "The bot has run for 2 m 10 s;" in words(members)


def test_the_cards_have_leverage_with_its_limits_tails_and_drawdown() -> None:
    fell = Drawdowns("USD", NOW, Figure(-0.0267), Figure(-0.048), 9.0, [], [UnderWater(NOW, -0.0267)], 1800.0)
    row = earned(value_at_risk=Figure(0.0157), conditional_value_at_risk=Figure(0.0192))
    members = drawn("risk_cards", (exposure.READ, [exposed(0.97)]), (performance.READ, [row]), (drawdowns.READ, [fell]))
    said = words(members)
    for expected in (
        "Leverage 0.97× normal · limits 1.0 / 1.2",
        "Gross exposure 0.50× 500 in 3 positions",
        "Net exposure −0.10× −100 USD",
        "Largest weight 60.0% XLK · HHI 0.44",
        "VaR 95, 1 day 1.57% loss, of 62 days",
        "CVaR 95, 1 day 1.92% loss, of 62 days",
        "Drawdown −2.67% every 30 min Max −4.80% in 3M",
    ):
        assert expected in said


def test_cards_of_two_currencies_are_two_bands() -> None:
    members = drawn("risk_cards", (exposure.READ, [exposed(), exposed(currency="EUR")]))
    assert "EUR Leverage" in words(members)
    assert members["subtitle"].startswith("one band a currency, never added")


def test_what_is_not_known_is_a_dash_with_its_reason() -> None:
    members = drawn(
        "risk_cards",
        (exposure.READ, [exposed(None, None)]),
        (performance.READ, [earned(value_at_risk=missing("needs 30 days, has 12"))]),
    )
    said = words(members)
    assert "Leverage — no equity recorded of A" in said
    assert "VaR 95, 1 day — needs 30 days, has 12" in said
    assert "Drawdown — too few observations in 3M" in said


@pytest.mark.parametrize(
    ("leverage", "band", "tone"), [(0.99, "normal", "profit"), (1.2, "raised", "warn"), (1.21, "excessive", "loss")]
)
def test_leverage_is_green_amber_or_red_and_says_the_same_in_a_word(leverage: float, band: str, tone: str) -> None:
    row = exposed(leverage, band, account="A", label="Maker US")
    table = drawn("leverage", (exposure.READ, [row]))
    assert f"{leverage:.2f}× {band}" in words(table)
    assert f"fill-{tone}" in json.dumps(table)
    assert f"risk-{tone}" in json.dumps(drawn("risk_cards", (exposure.READ, [row])))
    assert table["subtitle"] == "green below 1.00×, amber to 1.20×, red above"
    assert dict(PanelEncoder([PANELS["leverage"]]).asks("leverage"))[exposure.READ] == ExposureParams(by="account")


def test_of_many_accounts_the_highest_leverage_comes_first_and_unknown_last() -> None:
    rows = [exposed(place / 100, "normal", account=f"A{place:02}", label=f"A{place:02}") for place in range(30)]
    members = drawn("leverage", (exposure.READ, [exposed(None, None, account="X", label=EVIL), *rows]))
    said = words(members)
    assert said.index("A29") < said.index("A28")
    assert EVIL not in said
    assert "the highest 20 of 31 accounts" in members["subtitle"]
    assert EVIL in words(drawn("leverage", (exposure.READ, [exposed(None, None, label=EVIL)])))


def test_the_curve_under_water_has_its_depth_and_length_above_it() -> None:
    points = [UnderWater(NOW, 0.0), UnderWater(NOW + HOUR, -0.1124), UnderWater(NOW + 2 * HOUR, -0.05)]
    row = Drawdowns("USD", NOW, Figure(-0.05), Figure(-0.1124), 18.5, [], points, 86400.0)
    members = drawn("under_water", (drawdowns.READ, [row]))
    assert words(members) == "−5.00% Max −11.24% · longest 18 d 12 h"
    assert members["subtitle"] == "USD · below the peak · 3M · daily closes"
    assert members["figure"]["data"][0]["y"] == [0, -0.1124, -0.05]
    assert members["figure"]["layout"]["yaxis"]["range"][1] == 0


def test_the_worst_daily_loss_is_first_with_its_limit_beside_it() -> None:
    blocked = lost(1.008, label="Blocked", loss_used=Decimal(504), trading_blocked=True)
    protected = lost(0.0, label="Calm", trailing_active=True, trailing_level=Decimal(80), protected_profit=Decimal(120))
    unknown = lost(None, label=EVIL, origin="computed")
    said = words(drawn("daily_loss", (daily_loss.READ, [unknown, protected, lost(), blocked])))
    assert said.startswith("Blocked 100.8% 504.00 of 500 USD Trading blocked")
    assert "Maker US 62.5% 312.60 of 500 USD today −312.60 after all fees" in said
    assert "120.00 protected, closes at +80.00" in said
    assert f"{EVIL} — no daily loss limit is set" in said
    assert said.endswith("computed from equity, the bot says nothing")


def test_the_days_course_is_drawn_against_limit_and_warning() -> None:
    rows = [said_at(0, 0.1), said_at(1, 0.65), said_at(0, 0.2, "B"), said_at(0, None, "C")]
    members = drawn("daily_loss_course", (daily_loss_course.READ, rows))
    figure = members["figure"]
    assert [trace["y"] for trace in figure["data"]] == [[0.1, 0.65], [0.2]]
    assert [len(trace["x"]) for trace in figure["data"]] == [2, 1]
    said = [each["text"] for each in figure["layout"]["annotations"]]
    assert " limit 100%" in said
    assert " warning 60%" in said
    assert "showlegend" not in figure["layout"]  # two are named where they end
    assert members["subtitle"] == "share of the limit · the worst 2 of 3 accounts"


def test_a_risk_factor_has_its_reason_in_the_bots_own_words() -> None:
    rows = [
        RiskFactorPoint("A", "Maker", NOW, 1.0, None, None),
        RiskFactorPoint("A", "Maker", NOW + HOUR, 0.65, EVIL, "choppy"),
        RiskFactorPoint("B", "Other", NOW, 0.9, "near the day's best", None),
    ]
    members = drawn("risk_factor", (risk_factor.READ, rows))
    assert words(members) == f"0.65 Maker: {EVIL} (choppy) 0.90 Other: near the day's best"
    assert members["figure"]["data"][0]["y"] == [1.0, 0.65]
    assert members["figure"]["data"][0]["line"]["shape"] == "hv"


def test_holdings_are_tiles_by_band_with_the_limit_written_once_an_account() -> None:
    holdings = [
        held(0.302, "low", symbol="SPY"),
        held(0.95, "critical", symbol=EVIL, value=Decimal(19000)),
        held(None, None, symbol="GLD", value=None),
        held(0.5, "medium", account="B", label="Other", limit=None),
    ]
    members = drawn("inventory", (inventory.READ, holdings))
    said = words(members)
    assert said.startswith(f"Maker limit 20,000 USD a symbol {EVIL} 95.0% 19,000 · near the limit SPY short 30.2%")
    assert "GLD — —" in said
    assert "Other no limit" in said
    assert "tile-critical" in json.dumps(members)
    assert members["subtitle"] == "bands at 40%, 70%, 90% of the limit"


def test_a_holding_over_its_limit_is_said_to_be_so_and_not_in_the_words_of_an_alert() -> None:
    said = words(drawn("inventory", (inventory.READ, [held(1.01, "critical", symbol="SOL-USD")])))
    assert "101.0% −100 · over the limit" in said
    assert "critical" not in said


def test_an_account_has_one_colour_on_the_page_whichever_chart_it_is_in() -> None:
    names = ["SIM", "SIM-EUR", "SIM-ROTATION"]
    owners = (accounts.READ, [filled(AccountEntry, account=name) for name in names])
    losses = [
        said_at(hour, share, name) for name, share in zip(names, (0.0, 0.0, 0.03), strict=True) for hour in (0, 1)
    ]
    factors = [
        filled(RiskFactorPoint, account=name, label=f"Account {name}", at=NOW + hour * HOUR, risk_factor=factor)
        for name, factor in zip(names, (1.0, 0.5, 0.9), strict=True)
        for hour in (0, 1)
    ]

    def tones(name: str, *given: Any) -> dict[str, str]:
        traces = drawn(name, owners, *given)["figure"]["data"]
        return {trace["name"]: trace["line"]["color"] for trace in traces}

    course = tones("daily_loss_course", (daily_loss_course.READ, losses))
    assert course == tones("risk_factor", (risk_factor.READ, factors))
    assert len(set(course.values())) == 3
    alone = tones("risk_factor", (risk_factor.READ, factors[2:4]))
    assert alone.items() <= course.items()


def test_more_accounts_than_colours_are_drawn_in_colours_of_their_own() -> None:
    everybody = [f"A{number:02}" for number in range(20)]
    tones = account_tones(["A01", "A07", "A13", "A02"], everybody)
    assert tones["A01"] == ACCOUNT_TONES[1]
    assert len(set(tones.values())) == 4


def test_of_five_hundred_holdings_the_fullest_are_shown() -> None:
    holdings = [held(place / 500, "low", symbol=f"S{place:03}") for place in range(500)]
    members = drawn("inventory", (inventory.READ, holdings))
    assert "S499" in words(members)
    assert "S439" not in words(members)
    assert members["subtitle"].endswith("the fullest 60 of 500")


def test_weights_are_bars_and_names_stay_text() -> None:
    symbols = (SymbolWeight(EVIL, Decimal(300), Decimal(-300), 0.6), SymbolWeight("B", Decimal(200), Decimal(200), 0.4))
    members = drawn("concentration", (exposure.READ, [exposed(symbols=symbols)]))
    assert words(members) == "60.0% largest weight HHI 0.44 · 1.00 is a single symbol"
    assert members["figure"]["data"][0]["x"] == [0.6, 0.4]
    assert "<img" not in json.dumps(members["figure"])


def test_sectors_are_shares_of_gross_with_their_net() -> None:
    parts = (
        SectorExposure("Tech", Decimal(300), Decimal(-100), 0.6),
        SectorExposure(None, Decimal(200), Decimal(0), 0.4),
    )
    bars = drawn("sector_exposure", (exposure.READ, [exposed(sectors=parts)]))["figure"]["data"][0]
    assert bars["text"] == ["60.0% · −100", "40.0% · 0"]
    assert bars["customdata"][1] == "not known: 40.0%, gross 200.00, net 0.00 USD"


@pytest.mark.parametrize("name", ["concentration", "sector_exposure"])
def test_parts_are_not_shown_while_a_price_is_missing(name: str) -> None:
    row = exposed(unpriced=1, gross=None, net=None, symbols=(), sectors=())
    assert "No price of 1 of 3 positions is known" in words(drawn(name, (exposure.READ, [row])))


def test_a_chart_of_exposure_is_of_the_currency_with_most_accounts_that_hold_anything() -> None:
    owners = [filled(AccountEntry, account=name, currency="EUR") for name in "AB"]
    empty = exposed(currency="EUR", positions=0, symbols=())
    members = drawn("concentration", (exposure.READ, [empty, exposed()]), (accounts.READ, owners))
    assert "60.0% largest weight" in words(members)


def matrix(*names: str, of: Figure) -> CorrelationMatrix:
    cells = [[Figure(1.0) if row == column else of for column in names] for row in names]
    return CorrelationMatrix("USD", "strategy", NOW.date(), NOW.date(), 62, list(names), cells)


def test_correlations_are_written_in_their_cells() -> None:
    members = drawn("correlation", (correlation.READ, [matrix("a", EVIL, of=Figure(-0.25))]))
    trace = members["figure"]["data"][0]
    assert trace["text"] == [["1.00", "−0.25"], ["−0.25", "1.00"]]
    assert "<img" not in json.dumps(members["figure"])
    assert members["subtitle"] == "USD · daily net P&L · 62 days"
    asked = dict(PanelEncoder([PANELS["correlation"]]).asks("correlation?of=price"))
    assert asked[correlation.READ] == Between(by="price", most=12)


def test_pairs_with_too_few_days_say_so_and_one_name_is_alone() -> None:
    few = matrix("a", "b", of=missing("needs 30 days, has 12"))
    assert "Every pair needs 30 days, has 12." in words(drawn("correlation", (correlation.READ, [few])))
    alone = words(drawn("correlation", (correlation.READ, [matrix("a", of=Figure(1.0))])))
    assert "Two strategies are needed, a is alone." in alone


def at_risk(symbol: str, share: float | None, **given: Any) -> TradeRisk:
    known: dict[str, Any] = {"account": "A", "label": "Maker", "currency": "USD", "symbol": symbol, "side": "long"}
    known |= {"entry_price": Decimal("276.9"), "entry_time": NOW}
    if share is None:
        known["risk"] = missing("no stop was set")
    else:
        known |= {"risk": Figure(share), "initial_stop": Decimal(270), "amount": Decimal("690.5")}
    return filled(TradeRisk, **(known | given))


def test_the_riskiest_position_is_first_and_one_without_a_stop_has_its_reason() -> None:
    rows = [at_risk("GLD", None), at_risk(EVIL, 0.005), at_risk("XLK", 0.012, account="B", label="Other")]
    members = drawn("trade_risk", (trade_risk.READ, rows))
    said = words(members)
    assert "XLK Other Long 276.90 270.00 690.50 USD 1.20%" in said
    assert f"{EVIL} Maker Long" in said
    assert said.endswith("GLD Maker Long 276.90 — — —")
    assert members["subtitle"] == "to the initial stop · 1 without a stop"
    assert "unknown: no stop was set" in json.dumps(members)
