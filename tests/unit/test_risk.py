from decimal import Decimal

import pytest

from main.trading.broker import OrderRequest
from main.trading.risk import LOSS_LIMIT, TRAILING_STOP, Block, Limits, RiskRules
from tests.factories import moment

D = Decimal


def rules(**limits: object) -> RiskRules:
    return RiskRules(Limits(daily_loss=D(1000), position=D(10_000), **limits))  # type: ignore[arg-type]


def request(side: str, quantity: int, purpose: str = "signal") -> OrderRequest:
    return OrderRequest("X", side, D(quantity), None, D(100), "test", purpose)


def test_a_loss_below_the_limit_is_used_and_not_blocked():
    risk = rules()
    assert risk.observe(moment(), D(-999), "calm") is None
    assert (risk.loss_used, risk.block) == (999, None)


def test_reaching_the_daily_loss_limit_blocks_once_and_for_the_day():
    risk = rules()
    block = risk.observe(moment(), D(-1000), "calm")
    assert block == Block(LOSS_LIMIT, moment(), D(1000), D(1000))
    assert risk.observe(moment(1), D(-1200), "calm") is None
    assert risk.observe(moment(2), D(500), "calm") is None
    assert risk.block is block
    risk.begin_day()
    assert risk.block is None
    assert risk.loss_used == 0


def test_half_of_a_good_days_best_is_protected():
    risk = rules()
    risk.observe(moment(), D(499), "calm")
    assert (risk.trailing_active, risk.trailing_level) == (False, None)
    risk.observe(moment(1), D(800), "calm")
    assert (risk.trailing_active, risk.trailing_level) == (True, 400)
    assert risk.observe(moment(2), D(401), "calm") is None
    block = risk.observe(moment(3), D(400), "calm")
    assert block is not None
    assert (block.kind, block.value, block.threshold) == (TRAILING_STOP, 400, 400)


def test_a_block_outlives_a_restart():
    risk = rules()
    risk.restore(Block(LOSS_LIMIT, moment(), D(1000), D(1000)), D(300))
    assert risk.observe(moment(1), D(0), "calm") is None
    assert risk.refusal(request("buy", 1), D(0), D(0), D(100)) == "trading is blocked: daily loss limit reached"
    assert risk.trailing_level == 300


def test_a_blocked_bot_may_only_close():
    risk = rules()
    risk.observe(moment(), D(-1000), "calm")
    assert risk.refusal(request("sell", 1, LOSS_LIMIT), D(1), D(0), D(100)) == ""
    assert "blocked" in risk.refusal(request("sell", 1), D(1), D(0), D(100))


@pytest.mark.parametrize(
    ("side", "quantity", "held", "pending", "allowed"),
    [
        ("buy", 100, 0, 0, True),
        ("buy", 101, 0, 0, False),
        ("buy", 50, 40, 11, False),  # what rests on the same side may fill too
        ("sell", 100, 0, 0, True),
        ("sell", 101, 0, 0, False),
        ("sell", 30, 150, 0, True),  # above the limit already, but this reduces it
        ("sell", 160, 50, 0, False),  # through zero and beyond on the other side
    ],
)
def test_no_order_may_take_a_position_beyond_its_limit(side, quantity, held, pending, allowed):
    refusal = rules().refusal(request(side, quantity), D(held), D(pending), D(100))
    assert (refusal == "") == allowed
    assert allowed or refusal.startswith("position limit: ")


def test_at_the_leverage_limit_nothing_is_opened():
    risk = rules(leverage=D(2))
    assert risk.leverage_refusal(True, D(199), D(100)) == ""
    assert "leverage limit" in risk.leverage_refusal(True, D(200), D(100))
    assert risk.leverage_refusal(False, D(900), D(100)) == ""
    assert rules().leverage_refusal(True, D(900), D(100)) == ""


def test_the_risk_factor_falls_with_the_regime_and_with_what_was_given_back_and_says_why():
    risk = rules()
    risk.observe(moment(), D(0), "calm")
    assert (risk.factor, risk.reason) == (1, "calm market, near the day's best")
    risk.observe(moment(1), D(100), "choppy")
    assert (risk.factor, risk.reason) == (D("0.70"), "choppy market ×0.7")
    risk.observe(moment(2), D(-100), "stressed")
    assert (risk.factor, risk.reason) == (D("0.32"), "stressed market ×0.4, 200.00 below the day's best ×0.80")
    risk.observe(moment(3), D(-900), "stressed")
    assert risk.factor == D("0.20")


def test_what_was_decided_then_counts_though_the_limits_were_changed_since():
    lenient, strict = RiskRules(Limits(daily_loss=D(1000))), RiskRules(Limits(daily_loss=D(10)))
    block = Block(LOSS_LIMIT, moment(), D(100), D(50))
    lenient.observe(moment(), D(-100), None)
    lenient.abide(block)
    assert lenient.block == block
    own = strict.observe(moment(), D(-100), None)
    strict.abide(block)
    assert strict.block == own
    strict.abide(None)
    assert strict.block is None
