"""How does a bot tell of itself? Heartbeats, events and states of one run, signed and numbered."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from main.clock import monotonic, now
from main.domain.events import Account, Alert, Event, Heartbeat, Order, Position, SystemEvent
from main.telemetry.version import version
from main.trading.footprint import Usage
from main.trading.risk import Block, RiskRules

LONGEST_SILENCE = 60.0
"""Seconds: a heartbeat comes at least this often, however slow the loop is."""

_TENTH = Decimal("0.1")


class Sink(Protocol):
    """Where events go; the Recorder is one."""

    def record(self, event: Event) -> None:
        """Take an event without waiting or raising."""
        ...


class Journal:
    """Writes down one run of a bot. Its number makes ids that no other run can have."""

    def __init__(
        self,
        account: Account,
        sink: Sink,
        *,
        strategy: str,
        models: tuple[str, ...] = (),
        health_port: int | None = None,
        dropped: Callable[[], int] = int,
        usage: Callable[[], Usage] = Usage,
    ) -> None:
        """`models` are those the strategy trades on; `dropped` tells how many events the sink had to give up so far.

        `usage` is that of the whole process: accounts that share one say the same of it.
        """
        self.account = account
        self.cycles = 0
        self.errors = 0
        self._sink = sink
        self._strategy = strategy
        self._models = models
        self._health_port = health_port
        self._dropped = dropped
        self._usage = usage
        self._started = monotonic()
        self._run = f"{account.account}-{now():%Y%m%dT%H%M%S%f}"
        self._beats = 0
        self._events = 0
        self._host = socket.gethostname()
        self._states: dict[tuple[str, str], Event] = {}

    def record(self, event: Event) -> None:
        """Hand on an event. Orders and positions wait for `flush`, for only their last state of a cycle counts."""
        if isinstance(event, Order):
            self._states["order", event.order_id] = event
        elif isinstance(event, Position):
            self._states["position", event.position_id] = event
        else:
            self._sink.record(event)

    def flush(self) -> None:
        """Hand on the states that waited."""
        states, self._states = self._states, {}
        for state in states.values():
            self._sink.record(state)

    def heartbeat(
        self, at: datetime, status: str, interval_seconds: float, regime: str | None, risk: RiskRules
    ) -> None:
        """Give a sign of life; the next is due in `interval_seconds` of wall-clock time."""
        self._beats += 1
        usage = self._usage()
        self._sink.record(
            Heartbeat(
                at=at,
                account=self.account.account,
                source=self.account.source,
                source_id=f"{self._run}-{self._beats}",
                status=status,
                interval_seconds=Decimal(repr(float(interval_seconds))),
                cycle_count=self.cycles,
                uptime_seconds=Decimal(self.uptime_seconds).quantize(_TENTH),
                error_count=self.errors,
                regime=regime,
                strategy=self._strategy,
                models=self._models,
                risk_factor=risk.factor,
                risk_reason=risk.reason,
                dropped_events=self._dropped(),
                host=self._host,
                pid=os.getpid(),
                version=version(),
                health_port=self._health_port,
                cpu_percent=usage.cpu_percent,
                rss_bytes=usage.rss_bytes,
            )
        )

    @property
    def uptime_seconds(self) -> float:
        """Seconds since this run began."""
        return monotonic() - self._started

    def tell(self, at: datetime, kind: str, message: str, severity: str = "info", **details: Any) -> None:
        """Record a system event of this bot; `details` are what JSON can hold."""
        self._events += 1
        self._sink.record(
            SystemEvent(
                at=at,
                source=self.account.source,
                source_id=f"{self._run}-{self._events}",
                account=self.account.account,
                severity=severity,
                kind=kind,
                message=message,
                details=_plain(details),
            )
        )

    def alert(self, block: Block, day: str) -> Alert:
        """Record the incident of a block, and return it."""
        alert = Alert(
            at=block.since,
            alert_id=f"{self.account.account}:{block.kind}:{day}",
            account=self.account.account,
            rule=block.kind,
            severity="critical",
            title=block.title,
            details="Resting orders are cancelled and positions closed; trading is blocked until the next trading day.",
            value=block.value,
            threshold=block.threshold,
            unit=self.account.currency,
            fired_at=block.since,
        )
        self._sink.record(alert)
        return alert

    def resolve(self, alert: Alert, at: datetime) -> None:
        """Record that an incident is over."""
        self._sink.record(replace(alert, at=at, resolved_at=at))


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal | datetime) else value for name, value in details.items()}
