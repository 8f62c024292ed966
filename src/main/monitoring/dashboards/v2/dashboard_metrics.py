"""What does a dashboard tell Prometheus and the manager: its viewers, questions, pushes, callbacks, connections?"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from main.monitoring.dashboards.v2.application import Callbacks
from main.monitoring.dashboards.v2.backbone import Backbone
from main.telemetry.metrics import PREFIX, Distribution, Metrics
from main.telemetry.process_metrics import offer_database, process_metrics
from main.telemetry.version import version

_SHARES = (0.5, 0.95, 0.99)


def dashboard_metrics(service: str, backbone: Backbone, callbacks: Callable[[], Callbacks]) -> Metrics:
    """Return the metrics of the dashboard `service`. All is pulled from memory; the database is never asked."""
    metrics = process_metrics(service)
    offer_database(metrics, lambda: backbone.status)
    _offer_hub(metrics, backbone)
    _offer_listener(metrics, backbone)
    _offer_callbacks(metrics, callbacks)
    return metrics


def dashboard_status(backbone: Backbone, started_at: datetime) -> Mapping[str, Any]:
    """Return the document of ``/status``, which the manager asks for; what is not known yet is ``None``."""
    status, questions, push = backbone.status, backbone.statistics, backbone.push
    hearing = backbone.listener
    return {
        "version": version(),
        "started_at": started_at,
        "viewers": backbone.viewers,
        "push_seconds": {"p50": push.quantile(0.5), "p95": push.quantile(0.95)},
        "questions": {"answered": questions.evaluated, "shared": questions.shared, "failed": questions.failed},
        "listener": {"connected": hearing.connected, "lag_seconds": hearing.lag_seconds},
        "pool": {
            "size": status.pool_size if status else 0,
            "idle": status.pool_idle if status else 0,
            "limit": status.pool_limit if status else None,
            "waiting": status.waiting if status else 0,
        },
        "database": {
            "reachable": status.reachable if status else None,
            "since": status.since if status else None,
            "reason": status.reason if status else "",
        },
    }


def _offer_hub(metrics: Metrics, backbone: Backbone) -> None:
    counter = metrics.counter
    metrics.gauge(f"{PREFIX}viewers", "Pages that are open.", lambda: backbone.viewers)
    counter(
        f"{PREFIX}questions_answered_total", "Questions that a read answered.", lambda: backbone.statistics.evaluated
    )
    counter(
        f"{PREFIX}questions_shared_total",
        "Questions answered with another viewer's answer, without the database.",
        lambda: backbone.statistics.shared,
    )
    counter(f"{PREFIX}questions_failed_total", "Answers that were an error.", lambda: backbone.statistics.failed)
    counter(f"{PREFIX}announcements_total", "Announcements heard.", lambda: backbone.statistics.announcements)
    metrics.summary(
        f"{PREFIX}push_seconds",
        "From learning of a change to handing it to a viewer's socket; the quantiles are of the last thousand.",
        lambda: Distribution(
            backbone.push.count, backbone.push.total, {share: backbone.push.quantile(share) for share in _SHARES}
        ),
    )


def _offer_listener(metrics: Metrics, backbone: Backbone) -> None:
    metrics.gauge(
        f"{PREFIX}listener_connected",
        "1 while announcements of the database are heard.",
        lambda: float(backbone.listener.connected),
    )
    metrics.gauge(
        f"{PREFIX}listener_lag_seconds",
        "How long the last announcement to itself took; absent while it is deaf.",
        lambda: backbone.listener.lag_seconds,
    )
    metrics.counter(
        f"{PREFIX}listener_reconnections_total",
        "How often listening began anew.",
        lambda: backbone.listener.reconnections,
    )


def _offer_callbacks(metrics: Metrics, callbacks: Callable[[], Callbacks]) -> None:
    metrics.gauge(f"{PREFIX}callbacks_running", "Callbacks that run.", lambda: callbacks().running)
    metrics.counter(f"{PREFIX}callbacks_total", "Callbacks that ended.", lambda: callbacks().ended)
    metrics.counter(
        f"{PREFIX}callback_failures_total", "Of those, the ones that ended with an error.", lambda: callbacks().failed
    )
