"""What the Models page draws: models as they are described and judged, never a zero for what is not known."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from main.analytics.figure import Figure, missing
from main.monitoring.reads import model_history, models, momentum_ranking, pnl_by
from tests.drawing import NOW, drawn, filled, words

HOSTILE = "<img onerror=alert(1)>"


def model(**given: Any) -> models.ModelState:
    values = {"source": "sim", "model": "ridge", "version": "v3", "status": "active", "universe": ["A", "B", "C", "D"]}
    return filled(models.ModelState, **(values | given))


def judged(days_ago: int, accuracy: float | None = 0.5, **given: Any) -> model_history.ModelQuality:
    at = NOW - timedelta(days=days_ago)
    values = {"source": "sim", "model": "ridge", "version": "v3", "at": at, "accuracy": accuracy}
    return filled(model_history.ModelQuality, **(values | given))


def test_a_model_that_was_never_judged_has_dashes_and_an_abridged_universe() -> None:
    said = words(drawn("models", (models.READ, [model(budget=None)])))
    assert "ridge v3 Active — no limit A, B, C and 1 more any — — — — — —" in said


def test_a_judged_model_says_how_good_it_was() -> None:
    known = model(judged=240, judged_at=NOW, accuracy=0.561, ic=0.043, sharpe=1.2, drift=0.08, budget=Decimal(50_000))
    said = words(drawn("models", (models.READ, [known, model(model=HOSTILE, status="retired")])))
    assert "50,000" in said
    assert "240 56.1 +0.04 1.20 0.08" in said
    assert HOSTILE in said


def test_each_version_of_a_model_is_a_line_with_its_own_moments() -> None:
    rows = [judged(3, 0.51), judged(2, None), judged(1, 0.55), judged(1, 0.6, model="tree", version="v1")]
    figure = drawn("model_quality", (model_history.READ, rows), (models.READ, [model()]))["figure"]
    assert [(trace["name"], trace["y"]) for trace in figure["data"]] == [("ridge v3", [0.51, 0.55]), ("tree v1", [0.6])]
    assert " a coin" in [each["text"] for each in figure["layout"]["annotations"]]


def test_the_models_to_choose_from_are_those_that_are_known() -> None:
    members = drawn("model_quality", (model_history.READ, []), (models.READ, [model(), model(model="tree")]))
    assert members["offers"] == {"model": ["", "ridge", "tree"]}


def test_a_measure_that_no_judgement_tells_is_not_known_rather_than_zero() -> None:
    said = words(drawn("model_quality?measure=sharpe", (model_history.READ, [judged(1)]), (models.READ, [model()])))
    assert "Sharpe is not known" in said


def test_a_symbol_with_a_short_history_has_no_rank_and_the_reason() -> None:
    rows = [
        filled(momentum_ranking.MomentumRank, symbol="XLK", rank=1, momentum=Figure(0.1234), sector="Technology"),
        filled(momentum_ranking.MomentumRank, symbol=HOSTILE, momentum=missing("needs 127 closes, has 12")),
    ]
    drawing = drawn("momentum", (momentum_ranking.READ, rows))
    assert "XLK 1 Technology +12.34" in words(drawing)
    assert f"{HOSTILE} — —" in words(drawing)
    assert "needs 127 closes, has 12" in str(drawing)


def test_pnl_by_model_is_signed_and_says_why_there_is_no_profit_factor() -> None:
    row = filled(
        pnl_by.PnlPart,
        currency="USD",
        name=None,
        trades=3,
        net_pnl=Decimal("-12.5"),
        win_rate=Figure(0.0),
        profit_factor=missing("no wins"),
        expectancy=Figure(-4.17),
        fees=Decimal(1),
    )
    drawing = drawn("pnl_by_model?by=regime", (pnl_by.READ, [row]))
    assert "not known −12.50 3 0.0 — −4.17 1.00" in words(drawing)
    assert "no wins" in str(drawing)
