"""Models, their quality over time, and data pipelines."""

from decimal import Decimal

import pytest

from main.clock import now
from main.database.pool import Database
from main.monitoring.reads import model_history, models, pipelines
from tests.given import DAY, HOUR, MINUTE, MOMENT, asked, given_account, given_heartbeat, insert, live, past
from tests.given_market import asked_with, given_judgement, given_model, given_run


async def given_prediction(service: Database, model: str, at: object) -> None:
    row = {"source": "sim", "source_id": f"{model}{at}", "at": at, "recorded_at": at, "model": model, "version": "1"}
    values = {"symbol": "X", "horizon_seconds": 60, "prediction": "0.1"}
    await insert(service, "model_predictions", [row | values])


async def test_models_come_with_their_newest_judgement_active_ones_first(service: Database, database: Database) -> None:
    await given_account(service)
    await given_model(service, "old", status="retired")
    await given_model(service, "looker", status="shadow")
    await given_model(service, "trader", strategy="rotation", budget=5000, universe=["X", "Y"], regime="calm")
    await given_model(service, "elsewhere", source="replay")
    await given_judgement(service, "trader", MOMENT - 2 * DAY, accuracy="0.4")
    await given_judgement(service, "trader", MOMENT - DAY, accuracy="0.6", ic="0.1", sharpe="1.5", drift="0.02")
    await given_judgement(service, "trader", MOMENT - HOUR, version="0", accuracy="0.9")
    await given_prediction(service, "trader", MOMENT - MINUTE)
    rows = await asked(database, models.READ, live())
    assert [row.model for row in rows] == ["trader", "looker", "old"]
    trader, looker, _ = rows
    assert (trader.budget, trader.universe, trader.regime) == (5000, ["X", "Y"], "calm")
    assert (trader.accuracy, trader.ic, trader.sharpe, trader.drift, trader.error) == (0.6, 0.1, 1.5, 0.02, None)
    assert (trader.judged_at, trader.judged, trader.predicted_at) == (MOMENT - DAY, 100, MOMENT - MINUTE)
    assert (looker.accuracy, looker.judged, looker.predicted_at) == (None, None, None)
    assert models.READ.scalar is not None
    assert models.READ.scalar(rows) == 1


async def test_a_strategy_has_its_own_models(service: Database, database: Database) -> None:
    await given_account(service)
    await given_model(service, "a", strategy="rotation")
    await given_model(service, "b", strategy="maker")
    rows = await asked(database, models.READ, live(strategy="maker"))
    assert [row.model for row in rows] == ["b"]


async def test_a_past_moment_has_the_models_and_judgements_of_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_model(service, "m", at=MOMENT - 3 * DAY, budget=100)
    async with service.scoped() as connection:
        await connection.execute("UPDATE models SET budget = 200, at = $1", MOMENT - DAY)
        await connection.execute("UPDATE models_history SET changed_at = at")
    await given_judgement(service, "m", MOMENT - 2 * DAY, accuracy="0.4")
    await given_judgement(service, "m", MOMENT - DAY, accuracy="0.6")
    (row,) = await asked(database, models.READ, past(MOMENT - 2 * DAY))
    assert (row.budget, row.accuracy) == (100, 0.4)
    (row,) = await asked(database, models.READ, past(MOMENT, known_at=MOMENT - DAY - HOUR))
    assert (row.budget, row.accuracy) == (100, 0.4)
    assert await asked(database, models.READ, past(MOMENT - 4 * DAY)) == []


async def test_quality_over_time_is_by_model_and_version_in_its_highest_revision(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for model in ("a", "b"):
        await given_model(service, model)
        for days in (3, 2, 1):
            await given_judgement(service, model, MOMENT - days * DAY, accuracy=Decimal(days) / 10)
    await given_judgement(service, "a", MOMENT - DAY, accuracy="0.9", revision=1)
    rows = await asked(database, model_history.READ, live(window="1M"))
    assert [(row.model, row.accuracy) for row in rows] == [
        ("a", 0.3),
        ("a", 0.2),
        ("a", 0.9),
        ("b", 0.3),
        ("b", 0.2),
        ("b", 0.1),
    ]
    only = await asked_with(database, model_history.READ, live(window="1M"), model="b")
    assert [(row.model, row.accuracy) for row in only] == [("b", 0.3), ("b", 0.2), ("b", 0.1)]


async def test_a_judgement_of_a_model_that_nobody_described_is_shown_too(service: Database, database: Database) -> None:
    await given_account(service)
    await given_judgement(service, "unknown", MOMENT - HOUR, ic="0.3")
    (row,) = await asked(database, model_history.READ, live())
    assert (row.model, row.ic) == ("unknown", 0.3)


async def test_ten_years_of_judgements_are_no_more_than_the_points(service: Database, database: Database) -> None:
    await given_account(service)
    await given_model(service, "m")
    rows = [
        {
            "source": "sim",
            "model": "m",
            "version": "1",
            "at": MOMENT - days * DAY,
            "recorded_at": MOMENT,
            "window_start": MOMENT - (days + 1) * DAY,
            "predictions": days,
        }
        for days in range(3650)
    ]
    await insert(service, "model_performance", rows)
    found = await asked_with(database, model_history.READ, live(window="All"), points=100)
    assert 50 <= len(found) <= 101
    assert found[-1].at == MOMENT


async def test_pipelines_tell_their_condition_and_what_went_through(service: Database, database: Database) -> None:
    await given_account(service)
    await given_heartbeat(service, MOMENT)
    hour = {"started_at": MOMENT - HOUR, "at": MOMENT}
    await given_run(service, "prices", **hour, rows_in=3600, rows_out=3600, errors=400, lag_seconds=2, slo_seconds=9)
    await given_run(service, "slow", **hour, status="late", lag_seconds=20, slo_seconds=9)
    await given_run(service, "bars", **hour, kind="job", status="failed", finished_at=MOMENT, message="disk full")
    rows = {row.pipeline: row for row in await asked(database, pipelines.READ, past(MOMENT))}
    assert {name: row.condition for name, row in rows.items()} == {"prices": "ok", "slow": "late", "bars": "failed"}
    prices = rows["prices"]
    assert (prices.rows_per_second, prices.error_share, prices.lag_seconds) == (1.0, 0.1, 2.0)
    assert (rows["bars"].message, rows["bars"].error_share, rows["bars"].rows_in) == ("disk full", None, None)
    assert pipelines.READ.scalar is not None
    assert pipelines.READ.scalar(list(rows.values())) == 2


async def test_a_pipeline_that_went_quiet_while_its_bot_works_is_down(service: Database, database: Database) -> None:
    await given_account(service)
    await given_run(service, "prices", MOMENT - HOUR, MOMENT - 10 * MINUTE)
    (idle,) = await asked(database, pipelines.READ, past(MOMENT))
    await given_heartbeat(service, MOMENT)
    (quiet,) = await asked(database, pipelines.READ, past(MOMENT))
    assert (idle.condition, quiet.condition) == ("ok", "down")


async def test_live_silence_counts_on_the_databases_clock(service: Database, database: Database) -> None:
    await given_account(service)
    moment = now()
    await given_heartbeat(service, moment, recorded_at=moment)
    await given_run(service, "prices", moment - HOUR, moment)
    (row,) = await asked(database, pipelines.READ, live(moment=moment + MINUTE))
    assert row.condition == "ok"


async def test_a_run_cut_short_is_no_trouble_once_another_has_begun(service: Database, database: Database) -> None:
    await given_account(service)
    await given_run(service, "prices", MOMENT - 3 * HOUR, MOMENT - 2 * HOUR)
    await given_run(service, "prices", MOMENT - HOUR, MOMENT)
    await given_run(
        service, "prices", MOMENT - 5 * DAY, MOMENT - 4 * DAY, status="succeeded", finished_at=MOMENT - 4 * DAY
    )
    rows = await asked(database, pipelines.READ, live())
    assert [(row.newest, row.condition) for row in rows] == [(True, "ok"), (False, "cut short")]
    every = await asked(database, pipelines.READ, live(window="1W"))
    assert [row.condition for row in every] == ["ok", "cut short", "ended"]
    assert len(await asked_with(database, pipelines.READ, live(window="1W"), runs=1)) == 1


async def test_what_a_run_said_later_is_not_shown_of_the_past(service: Database, database: Database) -> None:
    await given_account(service)
    await given_run(
        service, "prices", MOMENT - 2 * HOUR, MOMENT, status="failed", finished_at=MOMENT, rows_in=5, errors=3
    )
    (row,) = await asked(database, pipelines.READ, past(MOMENT - HOUR))
    assert (row.status, row.finished_at, row.rows_in, row.errors) == ("running", None, None, 0)


@pytest.mark.parametrize("runs", [0, 5001])
def test_a_number_of_runs_that_makes_no_sense_is_refused_by_name(runs: int) -> None:
    with pytest.raises(ValueError, match=f"runs: got {runs}"):
        pipelines.PipelineParams(runs=runs)


async def test_an_account_whose_source_says_nothing_has_no_models_and_no_pipelines(
    service: Database, database: Database
) -> None:
    await given_account(service)
    for read in (models, model_history, pipelines):
        assert await asked(database, read.READ, live()) == []
