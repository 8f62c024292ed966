"""Worker jobs: what must happen once, when it last did, how long it took and when it is due again."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.expandable import beneath, expandable
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import worker_jobs
from main.monitoring.reads.worker_jobs import JobState

_LIGHTS: dict[str, LightState] = {"ok": "ok", "degraded": "degraded", "down": "down"}
_COLUMNS = [
    Column("Job", phone="name"),
    Column("State", phone="corner"),
    Column("Every", "right", phone="figure"),
    Column("Last run", "right", phone="figure"),
    Column("Took", "right", phone="figure"),
    Column("Next due", "right", phone="figure"),
    Column("Runs", "right", phone="figure"),
    Column("Failures", "right", phone="figure"),
    Column("Last result"),
]


def draw(answers: Answers, scope: Scope) -> Component:
    jobs = answers[worker_jobs.READ].value
    if not scope.live:
        reason = "Only the present state of the jobs is kept. Go back to live to see it."
        return components.empty("Jobs have no past", reason, icon_name="workflow")
    if not jobs:
        reason = "No worker has reported yet. One is part of the set: python ai_trader.py dashboards start"
        return components.empty("No worker jobs", reason, icon_name="workflow")
    return html.Div(table(_COLUMNS, [_row(job) for job in jobs], label="Worker jobs"), className="worker-jobs")


def caption(answers: Answers, scope: Scope) -> str:
    jobs = answers[worker_jobs.READ].value
    if not jobs or not scope.live:
        return ""
    workers = " and ".join(sorted({f"{job.host}, pid {job.pid}" for job in jobs}))
    troubled = sum(job.condition != "ok" for job in jobs)
    return f"{len(jobs)} jobs · by the worker on {workers}" + (f" · {troubled} in trouble" if troubled else "")


def _row(job: JobState) -> Row:
    cells: list[Cell] = [
        job.job.replace("_", " ").replace("-", " "),
        components.light(_LIGHTS.get(job.condition, "unknown"), _word(job)),
        text.duration(job.every_seconds) if job.every_seconds >= 1 else text.latency(job.every_seconds),
        components.moment(job.last_started_at) if job.last_started_at else components.unknown("it has not run yet"),
        components.amount(text.latency(job.last_seconds), reason="no run is over yet"),
        components.moment(job.next_at) if job.next_at else components.unknown("it runs now"),
        f"{job.runs:,}",
        f"{job.failures:,}",
        html.Span(job.last_result, title=job.last_result)
        if job.last_result
        else components.unknown("it had nothing to say"),
    ]
    said = [expandable("Last error", job.last_error)] if job.last_error else []
    return Row(job.job, cells, below=beneath(said))


def _word(job: JobState) -> str:
    if job.silent:
        return "Nobody does it"
    return "Overdue" if job.overdue and job.state != "failing" else job.state.capitalize()


PANEL = Panel(
    "worker_jobs",
    "Worker jobs",
    page="Services",
    reads=(worker_jobs.READ,),
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    kind="flush",
    skeleton="table",
)
