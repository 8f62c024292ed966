"""What does every process of the suite tell Prometheus: its requests, its event loop, its log, its connections?"""

from collections.abc import Callable

from main.database.pool import DatabaseStatus
from main.telemetry.logging import LOGGED
from main.telemetry.loop_lag import LOOP_LAG
from main.telemetry.metrics import PREFIX, Distribution, Metrics
from main.telemetry.requests import REQUESTS
from main.telemetry.version import version


def process_metrics(service: str) -> Metrics:
    """Return the metrics of the process `service`, with those that all processes have."""
    metrics = Metrics(service, version())
    _offer_requests(metrics)
    _offer_loop(metrics)
    _offer_log(metrics)
    return metrics


def offer_database(metrics: Metrics, status: Callable[[], DatabaseStatus | None]) -> None:
    """Add what is known of the database and the pool; `status` answers from memory, ``None`` while there is no pool."""

    def of(value: Callable[[DatabaseStatus], float | None]) -> Callable[[], float | None]:
        return lambda: None if (known := status()) is None else value(known)

    gauge = metrics.gauge
    gauge(
        f"{PREFIX}database_up",
        "1 while the database answers; absent before it was asked.",
        of(lambda known: None if known.reachable is None else float(known.reachable)),
    )
    gauge(f"{PREFIX}database_ping_seconds", "The last round trip.", of(lambda known: known.ping_seconds))
    gauge(f"{PREFIX}pool_connections", "Connections that are open.", of(lambda known: known.pool_size))
    gauge(f"{PREFIX}pool_idle_connections", "Of those, the ones not in use.", of(lambda known: known.pool_idle))
    gauge(f"{PREFIX}pool_limit_connections", "Connections there may be.", of(lambda known: known.pool_limit))
    gauge(f"{PREFIX}pool_waiting", "Transactions that wait for a connection.", of(lambda known: known.waiting))
    metrics.summary(
        f"{PREFIX}pool_wait_seconds",
        "Time spent waiting for a connection.",
        lambda: None if (known := status()) is None else Distribution(known.acquired, known.waited_seconds),
    )


def _offer_requests(metrics: Metrics) -> None:
    metrics.counter(
        f"{PREFIX}http_requests_total",
        "Requests answered, by route of the route table and class of the status.",
        lambda: {**REQUESTS.answers},
        ("route", "status"),
    )
    metrics.summary(
        f"{PREFIX}http_request_seconds",
        "How long they took, from the first byte of the request's head to the last of the answer.",
        lambda: {route: Distribution(took.count, took.seconds) for route, took in REQUESTS.durations.items()},
        ("route",),
    )
    metrics.gauge(f"{PREFIX}http_requests_running", "Requests being answered.", lambda: REQUESTS.running)


def _offer_loop(metrics: Metrics) -> None:
    metrics.gauge(
        f"{PREFIX}event_loop_lag_seconds",
        "By how much the event loop was late for its last alarm.",
        lambda: LOOP_LAG.last,
    )
    metrics.gauge(
        f"{PREFIX}event_loop_worst_lag_seconds", "The worst of those of the last minute.", lambda: LOOP_LAG.worst
    )


def _offer_log(metrics: Metrics) -> None:
    metrics.counter(
        f"{PREFIX}log_events_total",
        "Events logged by this process.",
        lambda: {(level,): count for level, count in tuple(LOGGED.events.items())},
        ("level",),
    )
    metrics.counter(
        f"{PREFIX}log_lines_lost_total",
        "Lines that the log file, or the reader of standard output, did not take.",
        lambda: {(place,): count for place, count in LOGGED.lost.items()},
        ("place",),
    )
    metrics.gauge(
        f"{PREFIX}log_files_up",
        "1 while every log file of this process can be written; absent where it writes none.",
        lambda: None if not LOGGED.files else float(LOGGED.trouble is None),
    )
