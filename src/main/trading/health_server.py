"""Is this bot well? Its probes, status and metrics on a port of its own, on this machine only."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from main.clock import monotonic
from main.domain.events import Account
from main.recording import Recorder, RecorderStatistics
from main.security.guard import guarded
from main.security.policy import service_policy
from main.telemetry.metrics import Metrics
from main.telemetry.probes import Check, ProbeApp
from main.telemetry.process_metrics import process_metrics
from main.telemetry.server import ProbeServer
from main.telemetry.version import version
from main.trading.engine import Engine

HOST = "127.0.0.1"
SETTING = "BOT_HEALTH_PORT"

STUCK_INTERVALS = 3
SHORTEST_PATIENCE = 15.0
"""Seconds without a tick before the loop counts as stuck, however short the interval is."""


class HealthServer:
    """``/health`` answers 503 until the bot trades and again when its loop stands still or fails."""

    def __init__(self, account: Account, recorder: Recorder, port: int) -> None:
        self.port = port
        self.engine: Engine | None = None
        self.waiting_for = "the database"
        self._account = account
        self._recorder = recorder
        metrics = process_metrics("bot")
        self._offer(metrics)
        self._offer_recorder(metrics)
        self._app = ProbeApp("bot", self._checks, self._status, metrics.registry)
        self._server = ProbeServer(guarded(self._app, service_policy()), HOST, port, setting=SETTING)

    async def start(self) -> None:
        """Listen. Raise `PortInUse`."""
        await self._server.start()

    async def stop(self) -> None:
        """Close the port."""
        self._app.drain()
        await self._server.stop()

    def _checks(self) -> tuple[Check, ...]:
        reachable = self._recorder.statistics.database_reachable
        database = Check("database", "ok") if reachable else Check("database", "degraded", "events wait in memory")
        return self._loop_check(), database

    def _loop_check(self) -> Check:
        engine = self.engine
        if engine is None or engine.status == "starting":
            return Check("loop", "failed", f"starting: waiting for {self.waiting_for if engine is None else 'a tick'}")
        if engine.status in {"error", "stopping", "stopped"}:
            return Check("loop", "failed", engine.last_error or engine.status)
        patience = max(SHORTEST_PATIENCE, STUCK_INTERVALS * engine.tick_seconds)
        if engine.status != "finished" and monotonic() - engine.ticked > patience:
            return Check("loop", "failed", f"no tick for {monotonic() - engine.ticked:.0f} s")
        return Check("loop", "ok", engine.status)

    def _status(self) -> Mapping[str, Any]:
        engine, statistics = self.engine, self._recorder.statistics
        account = self._account
        head = {"version": version(), "account": account.account, "mode": account.mode, "source": account.source}
        recorder = asdict(statistics)
        if engine is None:
            return {**head, "status": "starting", "waiting_for": self.waiting_for, "recorder": recorder}
        equity = engine.ledger.equity(engine.moment or self._account.at)
        return {
            **head,
            "status": engine.status,
            "moment": engine.moment,
            "cycles": engine.journal.cycles,
            "errors": engine.journal.errors,
            "last_error": engine.last_error,
            "uptime_seconds": round(engine.journal.uptime_seconds, 1),
            "cycle_seconds": engine.cycle_seconds,
            "regime": engine.volatility.regime,
            "risk_factor": str(engine.risk.factor),
            "risk_reason": engine.risk.reason,
            "blocked": engine.risk.block.kind if engine.risk.block else None,
            "equity": str(equity.equity),
            "positions": len(engine.ledger.positions),
            "open_orders": engine.open_orders,
            "recorder": recorder,
        }

    def _offer(self, metrics: Metrics) -> None:
        gauge, counter = metrics.gauge, metrics.counter
        gauge("ai_trader_bot_up", "Whether the bot's loop is well.", lambda: int(self._loop_check().state == "ok"))
        gauge("ai_trader_bot_equity", "Net asset value, in account currency.", self._of(_equity))
        gauge("ai_trader_bot_open_positions", "Open positions.", self._of(lambda each: len(each.ledger.positions)))
        gauge("ai_trader_bot_open_orders", "Orders that may still fill.", self._of(lambda each: each.open_orders))
        gauge("ai_trader_bot_risk_factor_ratio", "Scale of new positions.", self._of(lambda each: each.risk.factor))
        gauge(
            "ai_trader_bot_blocked",
            "Whether risk rules block trading.",
            self._of(lambda each: each.risk.block is not None),
        )
        gauge(
            "ai_trader_bot_tick_age_seconds", "Since the last tick.", self._of(lambda each: monotonic() - each.ticked)
        )
        gauge("ai_trader_bot_cycle_seconds", "Duration of the last cycle.", self._of(lambda each: each.cycle_seconds))
        counter("ai_trader_bot_cycles_total", "Cycles of the loop.", self._of(lambda each: each.journal.cycles))
        counter("ai_trader_bot_errors_total", "Cycles that failed.", self._of(lambda each: each.journal.errors))

    def _offer_recorder(self, metrics: Metrics) -> None:
        def statistics() -> RecorderStatistics:
            return self._recorder.statistics

        gauge, counter = metrics.gauge, metrics.counter
        gauge("ai_trader_recorder_queued", "Events waiting to be written.", lambda: statistics().queued)
        gauge("ai_trader_recorder_spooled", "Of those: how many are on the disk.", lambda: statistics().spooled)
        gauge("ai_trader_recorder_spool_bytes", "Disk that the spool takes.", lambda: statistics().spool_bytes)
        gauge(
            "ai_trader_recorder_spool_up",
            "Whether the disk keeps what waits.",
            lambda: int(statistics().spool_error is None),
        )
        counter(
            "ai_trader_recorder_jsonl_failures_total",
            "Lines of the JSONL logs that could not be written.",
            lambda: statistics().mirror_failures,
        )
        counter("ai_trader_recorder_written_total", "Rows written.", lambda: statistics().written)
        counter("ai_trader_recorder_dead_letters_total", "Rows refused.", lambda: statistics().dead_letters)
        counter(
            "ai_trader_recorder_dropped_total",
            "Events given up, by reason.",
            lambda: {(reason,): count for reason, count in statistics().dropped.items()},
            ("reason",),
        )

    def _of(self, value: Callable[[Engine], Any]) -> Callable[[], float | None]:
        return lambda: None if self.engine is None or self.engine.moment is None else float(value(self.engine))


def _equity(engine: Engine) -> float:
    assert engine.moment is not None
    return float(engine.ledger.equity(engine.moment).equity)
