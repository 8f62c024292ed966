"""What do the worker's jobs look like to Prometheus?"""

from collections.abc import Sequence

from main.housekeeping.job import Job
from main.telemetry.metrics import PREFIX, Metrics

_JOB = ("job",)


def offer_jobs(metrics: Metrics, jobs: Sequence[Job]) -> None:
    """Offer runs, failures, times and states of the jobs, a series each."""
    counter, gauge = metrics.counter, metrics.gauge
    counter(f"{PREFIX}job_runs_total", "Runs.", lambda: {(job.name,): job.runs for job in jobs}, _JOB)
    counter(
        f"{PREFIX}job_failures_total", "Runs that failed.", lambda: {(job.name,): job.failures for job in jobs}, _JOB
    )
    gauge(
        f"{PREFIX}job_failing",
        "1 for a job whose last run failed.",
        lambda: {(job.name,): float(job.state == "failing") for job in jobs},
        _JOB,
    )
    gauge(
        f"{PREFIX}job_last_run_seconds",
        "How long the last run took.",
        lambda: {(job.name,): job.last_seconds for job in jobs if job.last_seconds is not None},
        _JOB,
    )
    gauge(
        f"{PREFIX}job_last_start_timestamp_seconds",
        "When the last run began.",
        lambda: {(job.name,): job.last_started_at.timestamp() for job in jobs if job.last_started_at},
        _JOB,
    )
