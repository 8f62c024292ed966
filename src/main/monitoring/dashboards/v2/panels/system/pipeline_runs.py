"""Runs: how did the last runs of every pipeline go?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import pipelines
from main.monitoring.reads.pipelines import PipelineRun

MOST = 60
_LIGHTS: dict[str, LightState] = {"ok": "ok", "ended": "ok", "late": "late", "failed": "down", "down": "down"}
_WORDS = {"ok": "Running", "down": "Silent"}
_COLUMNS = (
    Column("Pipeline", phone="name"),
    Column("State", phone="corner"),
    Column("Started", "right", phone="figure"),
    Column("Took", "right", phone="figure"),
    Column("Rows in", "right"),
    Column("Rows out", "right", phone="figure"),
    Column("Errors", "right"),
    Column("Lag", "right"),
)


def draw(answers: Answers, scope: Scope) -> Component:
    runs = _newest_first(answers)
    if not runs:
        reason = f"No pipeline told of a run in {scope.window}. Bots tell of theirs every minute while they run."
        return components.empty("No runs", reason, icon_name="workflow")
    return table(_COLUMNS, [_row(run) for run in runs[:MOST]], label="Runs of pipelines, newest first")


def caption(answers: Answers, scope: Scope) -> str:
    count = len(_newest_first(answers))
    return captions.joined(f"{scope.window}, newest first", captions.cut(min(count, MOST), count, "the newest"))


def _newest_first(answers: Answers) -> list[PipelineRun]:
    runs = answers[pipelines.READ].value or []
    return sorted(runs, key=lambda run: (run.started_at, run.source, run.pipeline), reverse=True)


def _row(run: PipelineRun) -> Row:
    took = None if run.finished_at is None else (run.finished_at - run.started_at).total_seconds()
    light = components.light(
        _LIGHTS.get(run.condition, "degraded"), _WORDS.get(run.condition, run.condition.capitalize())
    )
    cells: list[Cell] = [
        f"{run.pipeline} · {run.source}",
        light,
        components.moment(run.started_at),
        components.amount(text.duration(took), reason="it is under way, or never said that it ended"),
        _count(run.rows_in),
        _count(run.rows_out),
        f"{run.errors:,}",
        components.amount(text.latency(run.lag_seconds), reason="it tells of no lag"),
    ]
    return Row(f"{run.source}/{run.pipeline}/{run.run_id}", cells, below=run.message or None)


def _count(rows: int | None) -> Component:
    return components.amount(text.DASH if rows is None else f"{rows:,}", reason="it does not count them")


PANEL = Panel(
    "pipeline_runs",
    "Runs",
    page="Pipelines",
    reads=(pipelines.READ,),
    draw=draw,
    caption=caption,
    width=7,
    order=30,
    height=300,
    kind="flush",
    skeleton="table",
)
