"""Which lights has the Health page for what is neither machine nor process: pipelines, and rules for alerts?"""

from collections.abc import Sequence

from main import text
from main.monitoring.dashboards.v2.components import Light, LightState
from main.monitoring.reads.open_alerts import OpenAlert
from main.monitoring.reads.pipelines import PipelineRun
from main.monitoring.reads.worker_jobs import JobState

ALERT_JOB = "alerts"
_WORST: tuple[tuple[str, LightState], ...] = (("down", "down"), ("failed", "down"), ("late", "late"))


def pipelines_light(runs: Sequence[PipelineRun]) -> Light:
    """Return how many of the pipelines that run are on time; the worst of them gives the light its state."""
    newest = [run for run in runs if run.newest and run.condition not in ("ended", "cut short")]
    if not newest:
        return Light("workflow", "Pipelines", "unknown", "None runs", "no pipeline told of itself")
    well = [run for run in newest if run.condition == "ok"]
    found: list[LightState] = [light for word, light in _WORST if any(run.condition == word for run in newest)]
    state = found[0] if found else "ok"
    lags = [(run.lag_seconds, run.slo_seconds) for run in newest if run.lag_seconds is not None]
    lag, slo = max(lags, default=(None, None), key=lambda each: each[0] or 0.0)
    detail = "" if lag is None else f"lag {text.duration(lag)}" + (f" of {text.duration(slo)} SLO" if slo else "")
    troubled = [run.pipeline for run in newest if run.condition != "ok"]
    said = ", ".join(troubled[:2]) if troubled else detail or "no lag is reported"
    return Light("workflow", "Pipelines", state, f"{len(well)} of {len(newest)} on time", said)


def alerts_light(jobs: Sequence[JobState], alerts: Sequence[OpenAlert]) -> Light:
    """Return whether rules are evaluated; the bots' own risk rules fire without that."""
    firing = f"{len(alerts)} firing" if alerts else "none firing"
    job = next((job for job in jobs if job.job == ALERT_JOB), None)
    if job is None:
        return Light("bell", "Alert engine", "unknown", "Not running", f"bots' own rules: {firing}")
    state: LightState = "ok" if job.condition == "ok" else "degraded" if job.condition == "degraded" else "down"
    return Light("bell", "Alert engine", state, "Evaluating" if state == "ok" else job.state.capitalize(), firing)
