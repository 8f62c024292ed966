"""How are the bots, their data and their parts doing?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from main.domain.events.base import Event, Fact
from main.domain.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Fact):
    """A sign of life. ``interval_seconds`` is the wall-clock time until the next one.

    ``cpu_percent`` (of one core, since the one before) and ``rss_bytes`` are those of the whole process: accounts whose
    bots share a process say the same of it, and must not be added up.
    """

    table = "bot_heartbeats"
    topic = Topic.HEARTBEATS
    droppable = True
    positive = frozenset({"interval_seconds"})
    choices = {"status": ("starting", "running", "blocked", "finished", "stopping", "stopped", "error")}

    status: str
    interval_seconds: Decimal
    cycle_count: int
    uptime_seconds: Decimal
    error_count: int = 0
    regime: str | None = None
    strategy: str | None = None
    models: tuple[str, ...] = ()
    risk_factor: Decimal | None = None
    risk_reason: str | None = None
    dropped_events: int = 0
    host: str | None = None
    pid: int | None = None
    version: str | None = None
    health_port: int | None = None
    cpu_percent: Decimal | None = None
    rss_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent(Event):
    """Something that happened to a bot or a service; of an account, or of nobody in particular."""

    table = "system_events"
    topic = Topic.EVENTS
    choices = {"severity": ("debug", "info", "warning", "error", "critical")}

    source: str
    source_id: str
    revision: int = 0
    account: str | None = None
    severity: str
    kind: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Event):
    """An incident, from fired to resolved."""

    table = "alerts"
    topic = Topic.ALERTS
    replaces = ("alert_id",)
    choices = {"severity": ("info", "warning", "critical")}

    alert_id: str
    account: str | None = None
    rule: str
    severity: str
    title: str
    details: str = ""
    value: Decimal | None = None
    threshold: Decimal | None = None
    unit: str | None = None
    fired_at: datetime
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun(Event):
    """A run of a feed or of a data job as it is now. ``lag_seconds`` is judged against ``slo_seconds``."""

    table = "pipeline_status"
    topic = Topic.PIPELINES
    replaces = ("source", "pipeline", "run_id")
    positive = frozenset({"slo_seconds"})
    choices = {"kind": ("feed", "job"), "status": ("running", "succeeded", "failed", "late")}

    source: str
    pipeline: str
    run_id: str
    kind: str
    status: str
    started_at: datetime
    finished_at: datetime | None = None
    last_success_at: datetime | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    errors: int = 0
    lag_seconds: Decimal | None = None
    slo_seconds: Decimal | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Event):
    """Any value with a name; of an account, or of nobody in particular."""

    table = "custom_metrics"
    topic = Topic.METRICS
    droppable = True

    source: str
    name: str
    value: Decimal
    unit: str = ""
    account: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSnapshot(Fact):
    """What the broker itself says of an account: the other side of a reconciliation."""

    table = "broker_snapshots"
    topic = Topic.RECONCILIATION
    choices = {"kind": ("positions", "cash", "orders", "fills")}

    kind: str
    content: Mapping[str, Any]
