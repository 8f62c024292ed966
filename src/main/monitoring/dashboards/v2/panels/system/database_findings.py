"""Database findings: what to look at, why it matters, and the SQL that would act on it."""

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.captions import cut, joined
from main.monitoring.dashboards.v2.database_parts import severity_chip, sql_to_copy, unsampled
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import database_findings, worker_jobs
from main.monitoring.reads.worker_jobs import JobState
from main.monitoring.server_advice import Finding

_JOBS = ("database", "database sizes")
_COLUMNS = (Column("Finding", phone="name"), Column("Severity", phone="corner"), Column("About", muted=True))


def draw(answers: Answers, scope: Scope) -> Component:
    found = answers[database_findings.READ].value
    failing = [_failing(each) for each in _failed(answers, scope)]
    if not failing and (not found or found.sampled_at is None):
        return unsampled()
    rows = [*failing, *(_row(each) for each in (found.findings if found else ()))]
    if not rows:
        why = "Rights, connections, locks, vacuum, wraparound, replication and indexes are as they should be."
        return components.empty("Nothing to do", why, icon_name="check")
    return html.Div(table(_COLUMNS, rows, label="Findings"), className="findings")


def caption(answers: Answers, scope: Scope) -> str:
    found = answers[database_findings.READ].value
    if not found or found.sampled_at is None:
        return ""
    counts = (("critical", found.critical), ("warning", found.warning), ("info", found.info))
    said = [f"{count:,} {name}" for name, count in counts if count]
    return joined(*said, cut(len(found.findings), sum(count for _, count in counts), "the worst"))


def _failed(answers: Answers, scope: Scope) -> list[JobState]:
    jobs = (answers[worker_jobs.READ].value or []) if scope.live else []
    return [each for each in jobs if each.job in _JOBS and (each.last_error or each.silent)]


def _failing(job: JobState) -> Row:
    said = job.last_error or "the worker that did it has fallen silent"
    cells: list[Cell] = [
        f"The worker's job “{job.job}” fails: what is shown is old",
        severity_chip("warning"),
        "worker",
    ]
    return Row(f"job:{job.job}", cells, below=html.P(said, className="finding-why"))


def _row(finding: Finding) -> Row:
    below = [html.P(finding.why, className="finding-why"), *([sql_to_copy(finding.sql)] if finding.sql else [])]
    cells: list[Cell] = [finding.title, severity_chip(finding.severity), finding.about]
    return Row(f"{finding.kind}:{finding.about}", cells, below=html.Div(below))


PANEL = Panel(
    "database_findings",
    "Findings",
    page="Database",
    reads=(database_findings.READ, worker_jobs.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=20,
    kind="flush",
    skeleton="table",
)
