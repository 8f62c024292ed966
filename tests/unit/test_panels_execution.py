"""What the Execution page draws: costs with their signs, what is unknown with its reason, each currency apart."""

from decimal import Decimal
from typing import Any

import pytest

from main.analytics.figure import Figure, missing
from main.monitoring.dashboards.v2.chosen import wanted
from main.monitoring.reads import costs, latency, liquidity, markouts, rejects, shortfall, slippage
from tests.drawing import NOW, PANELS, drawn, filled, words

HOSTILE = "<img onerror=alert(1)>"


def slipped(name: str | None = "BTC-USD", **given: Any) -> slippage.Slippage:
    values = {"currency": "USD", "name": name, "fills": 12, "cost": Decimal("4.20"), "bps": Figure(1.234)}
    return filled(slippage.Slippage, **(values | {"best_bps": -2.0, "worst_bps": 12.5} | given))


def marked(seconds: int, bps: Figure, **given: Any) -> markouts.MarkOut:
    values = {"currency": "USD", "name": "BTC-USD", "horizon_seconds": seconds, "fills": 7, "bps": bps}
    return filled(markouts.MarkOut, **(values | given))


def traded(**given: Any) -> liquidity.Liquidity:
    values = {
        "currency": "USD",
        "maker_fills": 30,
        "taker_fills": 10,
        "maker_share": Figure(0.75),
        "fee_bps": Figure(0.42),
        "maker_notional": Decimal(75_000),
        "taker_notional": Decimal(25_000),
        "maker_fees": Decimal("1.50"),
        "taker_fees": Decimal("2.70"),
    }
    return filled(liquidity.Liquidity, **(values | given))


def test_the_band_says_what_execution_cost_and_how_it_was_done() -> None:
    short = filled(shortfall.Shortfall, currency="USD", orders=9, total=Decimal("12.5"), bps=Figure(3.1))
    step = filled(latency.Latency, step="decision_to_ack", orders=40, p50=0.012, p99=0.2)
    refused = filled(rejects.Rejects, rejected=3, share=Figure(0.05))
    given = [(liquidity.READ, [traded()]), (shortfall.READ, [short]), (latency.READ, [step]), (rejects.READ, [refused])]
    said = words(drawn("execution_cards", (slippage.READ, [slipped(None)]), *given))
    for expected in (
        "Slippage +1.23 bps 4.20 on 12 fills",
        "Shortfall +3.10 bps 12.50 on 9 orders",
        "Maker share 75.0% 30 made, 10 taken",
        "Fees 0.42 bps 1.50 made, 2.70 taken",
        "acknowledgement 12.0 ms median · 99% in 200 ms",
        "Rejected 3 5.0% of all placed",
    ):
        assert expected in said


def test_a_gain_on_the_mid_of_orders_that_rested_is_said_to_be_no_profit() -> None:
    slipped_too = (slippage.READ, [slipped(None, bps=Figure(-157.0), cost=Decimal(-30_000))])
    resting = drawn("execution_cards", slipped_too, (liquidity.READ, [traded()]))["subtitle"]
    assert resting.endswith("one that rested fills at its own, better price, which is no profit")
    assert "rested" not in drawn("execution_cards", (liquidity.READ, [traded(maker_fills=0)]))["subtitle"]
    assert "to the mid when it was placed" in drawn("slippage", slipped_too)["subtitle"]
    waited = [filled(latency.Latency, step=step, orders=3, p50=2100.0) for step in ("decision_to_ack", "ack_to_fill")]
    assert drawn("latency", (latency.READ, waited))["subtitle"].endswith("until filled: with the wait in the book")
    assert "wait" not in drawn("latency", (latency.READ, waited[:1]))["subtitle"]


def test_two_currencies_are_two_bands_and_never_one_sum() -> None:
    said = words(
        drawn("execution_cards", (liquidity.READ, [traded(), traded(currency="EUR", maker_share=Figure(0.1))]))
    )
    assert said.index("USD") < said.index("75.0%") < said.index("EUR") < said.index("10.0%")


def test_a_figure_that_does_not_exist_is_a_dash_with_its_reason() -> None:
    none = traded(maker_share=missing("no fill says which it was"), fee_bps=missing("nothing was traded"))
    said = words(drawn("execution_cards", (liquidity.READ, [none])))
    assert "Maker share — no fill says which it was" in said
    assert "Slippage — nothing was filled" in said
    assert "Rejected 0 no order was refused" in said


def test_slippage_has_a_bar_a_part_and_none_where_it_is_unknown() -> None:
    parts = [slipped(), slipped(HOSTILE, bps=missing("no arrival mid"), best_bps=None, worst_bps=None)]
    bars = drawn("slippage", (slippage.READ, parts))["figure"]["data"][0]
    assert bars["text"] == ["+1.23 bps", "—"]
    assert bars["x"] == [1.234, 0.0]
    assert "worst +12.5 bps, best −2.00 bps" in bars["customdata"][0]
    assert bars["customdata"][1] == f"{HOSTILE.replace('<', '&lt;').replace('>', '&gt;')}: no arrival mid"


def test_parts_of_two_currencies_say_which() -> None:
    members = drawn("slippage", (slippage.READ, [slipped(), slipped(currency="EUR")]))
    assert members["figure"]["layout"]["yaxis"]["ticktext"] == ["BTC-USD · USD", "BTC-USD · EUR"]


def test_mark_outs_stand_by_horizon_and_say_why_one_is_missing() -> None:
    marks = [marked(1, Figure(-0.5)), marked(60, Figure(2.25)), marked(300, missing("the horizon has not passed yet"))]
    said = words(drawn("markouts?by=symbol", (markouts.READ, marks)))
    assert "1 s 1 min 5 min" in said
    assert "BTC-USD −0.50 +2.25 — 7" in said


def test_shortfall_is_split_into_its_steps() -> None:
    row = filled(
        shortfall.Shortfall,
        currency="USD",
        name="14",
        orders=4,
        delay=Decimal(1),
        impact=Decimal(-2),
        unsplit=Decimal(0),
        opportunity=None,
        fees=Decimal("0.5"),
        total=Decimal("-0.5"),
        bps=Figure(-0.1),
    )
    said = words(drawn("shortfall?by=hour", (shortfall.READ, [row])))
    assert "14:00 4 +1.00 −2.00 0.00 — +0.50 −0.50 −0.10" in said


def test_costs_are_by_month_with_funding_and_otherwise_without() -> None:
    row = filled(costs.Costs, currency="USD", name="2026-11", trades=5, fees=Decimal(3), funding=Decimal("-1.25"))
    assert "Nov 2026 5 3.00 — — — −1.25" in words(drawn("costs", (costs.READ, [row])))
    assert "Funding" not in words(drawn("costs?by=strategy", (costs.READ, [row])))


def test_rejects_without_a_reason_say_so() -> None:
    rows = [filled(rejects.Rejects, name=None, rejected=2, share=missing("no order is recorded as placed"), symbols=1)]
    assert "no reason given 2 — 1" in words(drawn("rejects", (rejects.READ, rows)))


def test_latency_is_told_step_by_step() -> None:
    step = filled(latency.Latency, name="maker", step="ack_to_fill", orders=3, p50=1.5, p90=2.0, p99=3.0, longest=60.0)
    said = words(drawn("latency?by=liquidity", (latency.READ, [step])))
    assert "maker acknowledged → filled 3 1.50 s 2.00 s 3.00 s 1 m 00 s" in said


@pytest.mark.parametrize("name", [n for n, panel in sorted(PANELS.items()) if panel.page == "Execution"])
def test_every_choice_of_a_panel_is_one_that_its_read_takes(name: str) -> None:
    panel = PANELS[name]
    for option in panel.options:
        for value, _ in option.choices:
            assert wanted(panel, f"{name}?{option.name}={value}").chosen[option.name] == value


def test_a_table_keeps_each_row_by_its_name() -> None:
    row = filled(rejects.Rejects, name=HOSTILE, rejected=2, share=Figure(0.5), symbols=1, last_at=NOW)
    assert HOSTILE in words(drawn("rejects", (rejects.READ, [row])))


def test_a_long_reason_is_cut_where_it_stands_and_told_whole_by_its_tooltip() -> None:
    reason = "price outside the collar of 1% around the reference price of the venue " * 3
    row = filled(rejects.Rejects, name=reason, rejected=2, share=Figure(0.5), symbols=1, last_at=NOW)
    said = str(drawn("rejects", (rejects.READ, [row]))["children"])
    assert "'className': 'cut'" in said
    assert f"'title': '{reason}'" in said
