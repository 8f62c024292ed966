"""How are the bot's data pipelines: prices that come in, bars and judgements that are made of them?

A pipeline's run is a UTC day of the feed's clock, or what the bot saw of it: told when it begins, at most once a minute
while it goes on, and when it ends. A run that a kill cut short stays as it was last told. Rows are counted, not
estimated, and so are errors: what could not be made, or did not come. The lag of prices is what lies between their time
and their arrival, which a replay does not have.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import structlog

from main.clock import now
from main.domain.events import Event, PipelineRun
from main.domain.market import Tick
from main.trading.journal import Sink

TOLD_EVERY = timedelta(minutes=1)
LATE_TICKS = 3
"""The prices' objective, in intervals of the feed: the bot itself is called silent after three."""

PRICES = "prices"

_MILLISECOND = Decimal("0.001")

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Run:
    started_at: datetime
    rows_in: int = 0
    rows_out: int = 0
    errors: int = 0
    lag_seconds: Decimal | None = None
    last_success_at: datetime | None = None
    told_at: datetime | None = None
    message: str | None = None  # of the last error
    broken: bool = False


class Pipelines:
    """Counts what goes through, as a sink before the one that records."""

    def __init__(
        self,
        sink: Sink,
        source: str,
        *,
        interval_seconds: float,
        live: bool,
        made: dict[type[Event], str],
        moments: Callable[[], datetime] = now,
    ) -> None:
        """`made` names the pipeline that makes each class of event out of prices; `live`: ticks have the real time.

        The first tick begins a run of each of these pipelines, also of those that have nothing to make yet.
        """
        self._sink = sink
        self._source = source
        self._slo = Decimal(repr(LATE_TICKS * interval_seconds)) if live else None
        self._made = made
        self._moments = moments
        self._runs: dict[str, _Run] = {}
        self._tick: Tick | None = None

    def begin(self, tick: Tick) -> None:
        """Take in a tick, before anything is made of it."""
        if self._tick is None:
            # Else a run that a kill cut short would stand as one that is silent until its pipeline has a row again.
            for pipeline in self._made.values():
                self._run(pipeline, tick.at)
        elif self._tick.at.date() != tick.at.date():
            self._end(self._tick.at)
        self._tick = tick
        run = self._run(PRICES, tick.at)
        run.rows_in += len(tick.books)
        run.last_success_at = tick.at
        if self._slo is not None:
            late = max(Decimal(0), Decimal((self._moments() - tick.at).total_seconds()))
            run.lag_seconds = late.quantize(_MILLISECOND)

    def record(self, event: Event) -> None:
        """Count an event that was made, and hand it on."""
        self._sink.record(event)
        pipeline = self._made.get(type(event))
        if pipeline is not None and self._tick is not None:
            run = self._run(pipeline, self._tick.at)
            run.rows_out += 1
            run.last_success_at = self._tick.at

    @contextmanager
    def attempt(self, pipeline: str) -> Iterator[None]:
        """Count it as an error of a pipeline when what is tried here fails; the bot goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # a boundary: what is only recorded must not end the trading
            self.fail(pipeline, f"{type(error).__name__}: {error}")

    def fail(self, pipeline: str, message: str, *, errors: int = 1, broken: bool = False) -> None:
        """Count errors of a pipeline, logged once a run. One that is `broken` ends as failed."""
        if self._tick is None:
            return
        run = self._run(pipeline, self._tick.at)
        if not run.errors:
            _log.error("data pipeline", source=self._source, pipeline=pipeline, reason=message)
        run.errors += errors
        run.message = message
        run.broken = run.broken or broken

    def tell(self) -> None:
        """Record how the runs are, those that were told long enough ago."""
        if self._tick is None:
            return
        for pipeline, run in self._runs.items():
            if run.told_at is None or self._tick.at - run.told_at >= TOLD_EVERY:
                run.told_at = self._tick.at
                self._sink.record(self._event(pipeline, run, self._tick.at, None))

    def end(self) -> None:
        """Record that the runs are over, because the bot stops."""
        if self._tick is not None:
            self._end(self._tick.at)

    def _end(self, at: datetime) -> None:
        for pipeline, run in self._runs.items():
            self._sink.record(self._event(pipeline, run, at, at))
        self._runs.clear()

    def _run(self, pipeline: str, at: datetime) -> _Run:
        run = self._runs.get(pipeline)
        if run is None:
            run = self._runs[pipeline] = _Run(at)
        return run

    def _event(self, pipeline: str, run: _Run, at: datetime, finished_at: datetime | None) -> PipelineRun:
        status = "running"
        if finished_at is not None:
            status = "failed" if run.broken or (run.errors and not run.rows_out) else "succeeded"
        elif run.lag_seconds is not None and self._slo is not None and run.lag_seconds > self._slo:
            status = "late"
        return PipelineRun(
            at=at,
            source=self._source,
            pipeline=pipeline,
            run_id=f"{run.started_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}",  # a restart begins another run
            kind="feed" if pipeline == PRICES else "job",
            status=status,
            started_at=run.started_at,
            finished_at=finished_at,
            last_success_at=run.last_success_at,
            rows_in=run.rows_in if pipeline == PRICES else None,
            rows_out=run.rows_out,
            errors=run.errors,
            lag_seconds=run.lag_seconds if pipeline == PRICES else None,
            slo_seconds=self._slo if pipeline == PRICES else None,
            message=run.message,
        )
