"""What the page Pipelines draws: whose fault a missing price is, what was not measured, hostile names as text."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import metric_words
from main.monitoring.paging import Paged
from main.monitoring.reads import bot_health, custom_metric, custom_metrics, data_quality, feeds, pipelines
from tests.drawing import NOW, SCOPE, drawn, filled, words

HOSTILE = "<img src=x onerror=alert(1)>"
THEN = Scope(("A",), "1D", as_of=NOW).resolved(NOW)


def feed(**given: Any) -> feeds.FeedState:
    values = {"source": "sim", "condition": "ok", "messages_per_second": 6.66, "expected_seconds": 6.0, "heard_at": NOW}
    return filled(feeds.FeedState, **(values | {"symbols": 20} | given))


def run(**given: Any) -> pipelines.PipelineRun:
    values = {"source": "sim", "pipeline": "prices", "kind": "feed", "condition": "ok", "newest": True, "run_id": "1"}
    return filled(pipelines.PipelineRun, **(values | {"started_at": NOW - timedelta(minutes=2)} | given))


def symbol(**given: Any) -> data_quality.SymbolQuality:
    return filled(data_quality.SymbolQuality, **({"source": "sim", "symbol": "X", "state": "ok", "reason": ""} | given))


def page(*items: data_quality.SymbolQuality, total: int | None = None, **counts: int) -> Any:
    states = dict.fromkeys(data_quality.STATES, 0) | counts
    summary = data_quality.QualityCounts(**states, measured_until=NOW)
    return Paged(list(items), len(items) if total is None else total, 50, 0, summary)


def metric(**given: Any) -> custom_metrics.CustomMetric:
    values = {"name": "queue", "source": "bot", "value": Decimal("3.5"), "unit": "orders", "recent": [1.0, None, 2.0]}
    return filled(custom_metrics.CustomMetric, **(values | given))


def test_a_card_says_how_fast_how_old_and_how_far_behind_and_the_worst_stands_first() -> None:
    late = run(condition="late", lag_seconds=7.0, slo_seconds=5.0, rows_per_second=3.0, error_share=0.02, errors=4)
    members = drawn("pipeline_cards", (feeds.READ, [feed()]), (pipelines.READ, [late, run(newest=False)]))
    said = words(members)
    assert said.startswith("prices Late sim Rows a second 3.0")
    assert "Lag 7.00 s of 5.00 s Errors 2.00% · 4" in said
    assert "Market data Running sim Messages a second 6.7" in said
    assert members["subtitle"] == "1 in trouble"


def test_what_a_pipeline_does_not_count_is_unknown_and_not_zero() -> None:
    said = words(drawn("pipeline_cards", (pipelines.READ, [run(message=HOSTILE)])))
    assert "Rows a second — " in said
    assert "Lag —" in said
    assert HOSTILE in said


def test_many_pipelines_are_cut_to_the_worst() -> None:
    runs = [run(pipeline=f"p{number}", condition="failed" if number == 99 else "ok") for number in range(100)]
    members = drawn("pipeline_cards", (pipelines.READ, runs))
    assert words(members).startswith("p99 Failed")
    assert members["subtitle"] == "1 in trouble · the worst 48 of 100"


def test_nothing_recorded_says_what_to_do() -> None:
    assert "ai_trader.py trade" in words(drawn("pipeline_cards"))
    assert "No instrument is described yet" in words(drawn("data_quality", (data_quality.READ, page())))
    assert "No runs" in words(drawn("pipeline_runs"))
    assert "config/dashboards.yaml" in words(drawn("bot_health"))
    assert "record_metric" in words(drawn("custom_metrics"))


def test_a_symbol_in_trouble_says_why_and_one_that_is_closed_is_quiet() -> None:
    frozen = symbol(
        symbol=HOSTILE,
        state="frozen",
        reason="the same prices again",
        completeness=0.985,
        gaps=2,
        late=3,
        received=1200,
    )
    closed = symbol(symbol="Y", state="closed", reason="the exchange is closed")
    members = drawn("data_quality", (data_quality.READ, page(frozen, closed, frozen=1, closed=1)))
    said = words(members)
    assert f"{HOSTILE} Frozen 98.5% 1,200 2" in said
    assert "the same prices again" in said
    assert "the exchange is closed" not in said
    assert members["subtitle"] == "1 frozen · 1 closed · whole hours of 3M, a week at most"
    assert "light-down" in str(members)
    assert "light-unknown" in str(members)


def test_what_was_not_measured_tells_why() -> None:
    members = drawn("data_quality", (data_quality.READ, page(symbol(), ok=1)))
    assert "unknown: the worker has not measured it" in str(members)


def test_a_filter_that_nothing_matches_is_not_an_empty_database() -> None:
    assert "No such symbol" in words(drawn("data_quality?state=gap", (data_quality.READ, page(total=0, ok=3))))


def test_two_hundred_symbols_are_paged() -> None:
    many = [symbol(symbol=f"S{number}") for number in range(50)]
    members = drawn("data_quality", (data_quality.READ, page(*many, total=200, ok=200)))
    assert "1–50 of 200" in words(members)


def test_runs_are_listed_newest_first_and_one_that_never_ended_has_no_length() -> None:
    older = run(
        run_id="0", condition="ended", started_at=NOW - timedelta(hours=2), finished_at=NOW - timedelta(hours=1)
    )
    said = words(drawn("pipeline_runs", (pipelines.READ, [older, run(condition="cut short")])))
    assert said.index("Cut short") < said.index("Ended")
    assert "1 h 00 m" in said


def test_a_bot_says_what_it_complains_of() -> None:
    values = {"label": HOSTILE, "state": "unhealthy", "condition": "degraded", "status_code": 503, "said": "no tick"}
    ill = filled(bot_health.BotHealth, **values)
    gone = filled(bot_health.BotHealth, label="B", state="healthy", condition="unknown")
    members = drawn("bot_health", (bot_health.READ, [ill, gone]))
    said = words(members)
    assert f"{HOSTILE} Unhealthy 503 —" in said
    assert "no tick" in said
    assert "Nobody asks" in said
    assert members["subtitle"] == "2 asked every 15 s · 1 not well"
    assert "no past" in words(drawn("bot_health", scope=THEN))


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (Decimal("0.25"), "fraction", "25.00%"),
        (Decimal("0.012"), "seconds", "12.0 ms"),
        (1500, "bytes", "1.50 kB"),
        (Decimal("1234.5"), "orders", "1,234.5 orders"),
        (7, "", "7"),
        (7, HOSTILE, f"7 {HOSTILE}"),
    ],
)
def test_a_value_is_written_in_its_unit(value: Any, unit: str, written: str) -> None:
    assert metric_words.told(value, unit) == written


def test_custom_metrics_open_their_course() -> None:
    members = drawn("custom_metrics", (custom_metrics.READ, [metric(name=HOSTILE, account="A"), metric()]))
    said = words(members)
    assert f"{HOSTILE} A bot 3.5 orders" in said
    key = metric_words.written("A", "bot", HOSTILE)
    assert f"'data-value': '{key}'" in str(members)
    assert metric_words.read(key) == ("A", "bot", HOSTILE)


@pytest.mark.parametrize("name", ["a/b", "?x=1&y", "%2F", " ", "ü", HOSTILE])
def test_an_address_names_any_value(name: str) -> None:
    assert metric_words.read(metric_words.written(None, "s/t", name)) == (None, "s/t", name)


def test_the_course_of_a_value_is_drawn_with_its_extremes() -> None:
    points = [
        filled(
            custom_metric.MetricPoint,
            account=None,
            at=NOW - timedelta(minutes=minutes),
            mean_value=float(minutes),
            low_value=-1.0,
            high_value=9.0,
            value=Decimal(4),
            unit="orders",
        )
        for minutes in (2, 1)
    ]
    other = filled(custom_metric.MetricPoint, account="B", unit="orders", high_value=99.0)
    members = drawn("custom_metric?metric=/bot/queue", (custom_metric.READ, [*points, other]))
    assert words(members) == "4 orders lowest −1 orders · highest 9 orders"
    *band, _, line = members["figure"]["data"]
    assert line["y"] == [2.0, 1.0]
    assert [(min(edge["y"]), max(edge["y"])) for edge in band] == [(-1.0, 2.0), (1.0, 9.0)]
    assert line["text"] == ["2 orders · low −1 orders · high 9 orders", "1 orders · low −1 orders · high 9 orders"]
    assert members["subtitle"] == "queue · of no account · bot · 3M"
    assert "No such value" in words(drawn("custom_metric?metric=A/bot/queue", (custom_metric.READ, []), scope=SCOPE))
