"""What does the manager tell Prometheus of the services it supervises?"""

from collections.abc import Callable, Iterable

from main.telemetry.metrics import PREFIX, Metrics
from main.telemetry.process_metrics import process_metrics
from main.telemetry.services import RESTART_REASONS, ProcessStatus

_LABEL = ("name",)


def manager_metrics(name: str, services: Callable[[], Iterable[ProcessStatus]]) -> Metrics:
    """Return the metrics of the manager `name`; `services` is asked at every scrape."""
    metrics = process_metrics(name)
    metrics.gauge(
        f"{PREFIX}service_up",
        "1 while the service answers its probes.",
        lambda: {(each.service,): float(each.state in ("running", "degraded")) for each in services()},
        _LABEL,
    )
    metrics.gauge(
        f"{PREFIX}service_ready",
        "1 while the service is ready, by its own word.",
        lambda: {(each.service,): float(each.state == "running") for each in services()},
        _LABEL,
    )
    metrics.counter(
        f"{PREFIX}service_restarts_total",
        "Restarts since the manager started, by reason: crashed, killed, hung, asked or moved (the database).",
        lambda: {
            (each.service, reason): each.restarts_by_reason.get(reason, 0)
            for each in services()
            for reason in RESTART_REASONS
        },
        (*_LABEL, "reason"),
    )
    metrics.gauge(
        f"{PREFIX}service_probe_seconds",
        "How long the last liveness probe took.",
        lambda: {(each.service,): each.probe_seconds for each in services() if each.probe_seconds is not None},
        _LABEL,
    )
    metrics.gauge(
        f"{PREFIX}service_memory_bytes",
        "Resident memory of the service and its descendants.",
        lambda: {(each.service,): each.rss_bytes for each in services() if each.rss_bytes is not None},
        _LABEL,
    )
    metrics.gauge(
        f"{PREFIX}service_cpu_ratio",
        "Processor time of the service and its descendants; 1 is one core.",
        lambda: {(each.service,): each.cpu_percent / 100 for each in services() if each.cpu_percent is not None},
        _LABEL,
    )
    return metrics
