"""What does each service say of itself when it is asked: is it ready, who looks at it, how fast is it?"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.probe import ask

ASK_SECONDS = 2.0
_LONGEST_REASON = 500
_LARGEST_COUNT = 2**31 - 1
_TOLD = (200, 503)  # also one that is not ready says why


@dataclass(frozen=True, slots=True)
class ServiceReport:
    """A service's own word. What it does not know, or did not tell in time, is ``None``."""

    pid: int
    degraded_reason: str | None = None  # why it is alive but not ready
    viewers: int | None = None
    push_p50_seconds: float | None = None
    push_p95_seconds: float | None = None
    questions_answered: int | None = None
    questions_shared: int | None = None


class ServiceReports:
    """Asks services for ``/health`` and ``/status``. Nothing follows from an answer but that it is shown.

    Whether a service is alive is the supervisor's to find out: one that is not ready must not be restarted for that.
    """

    def __init__(self, on_change: Callable[[], None], *, within: float = ASK_SECONDS) -> None:
        """`on_change` is called when a service becomes ready, or no longer is; `within` limits each question."""
        self._on_change = on_change
        self._within = within
        self._reports: dict[str, ServiceReport] = {}

    def of(self, name: str, pid: int | None) -> ServiceReport | None:
        """Return the newest word of the process `pid` of the service `name`; ``None`` before there is one."""
        report = self._reports.get(name)
        return report if report is not None and report.pid == pid else None

    async def ask_all(self, running: Mapping[ServiceCommand, int]) -> None:
        """Ask these services (with their pids) at the same time, and forget the others. Nothing is raised."""
        reports = await asyncio.gather(*(self._ask(command, pid) for command, pid in running.items()))
        before = self._complaining()
        self._reports = {command.name: report for command, report in zip(running, reports, strict=True)}
        if self._complaining() != before:
            self._on_change()

    def _complaining(self) -> set[str]:
        return {name for name, report in self._reports.items() if report.degraded_reason}

    async def _ask(self, command: ServiceCommand, pid: int) -> ServiceReport:
        health, status = await asyncio.gather(self._document(command, "/health"), self._document(command, "/status"))
        push, questions = _mapping(status.get("push_seconds")), _mapping(status.get("questions"))
        return ServiceReport(
            pid=pid,
            degraded_reason=_complaint(health),
            viewers=_count(status.get("viewers")),
            push_p50_seconds=_seconds(push.get("p50")),
            push_p95_seconds=_seconds(push.get("p95")),
            questions_answered=_count(questions.get("answered")),
            questions_shared=_count(questions.get("shared")),
        )

    async def _document(self, command: ServiceCommand, path: str) -> Mapping[str, Any]:
        try:
            reply = await ask(command.host, command.port, path, within=self._within)
            return _mapping(orjson.loads(reply.body)) if reply.status in _TOLD else {}
        except TimeoutError:
            return {"state": "degraded", "checks": [{"detail": f"no answer to {path} within {self._within:g} s"}]}
        except (OSError, ValueError):
            return {}


def _complaint(health: Mapping[str, Any]) -> str | None:
    """Return in words what keeps a service from being ready; ``None`` when it is, or does not say."""
    state = health.get("state")
    if state not in ("degraded", "failed", "draining"):
        return None
    checks = health.get("checks")
    words = [
        ": ".join(str(word) for word in (check.get("name"), check.get("detail") or check.get("state")) if word)
        for check in (checks if isinstance(checks, list) else [])
        if isinstance(check, dict) and check.get("state") != "ok"
    ]
    return ("; ".join(words) or f"not ready: {state}")[:_LONGEST_REASON]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT else None


def _seconds(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    return float(value) if number else None  # type: ignore[arg-type]
