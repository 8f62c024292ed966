"""What does a bot embed to have its events recorded, without ever waiting for them?"""

import asyncio
import atexit
import contextlib
import threading
from concurrent.futures import CancelledError
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from main.clock import monotonic
from main.database.address import Address
from main.domain.events import Event
from main.recording.buffer import Buffer
from main.recording.delivery import Delivery
from main.recording.mirror import Mirror
from main.recording.spool import Spool
from main.recording.statistics import RecorderStatistics
from main.recording.writer import Outcome

FLUSH_SECONDS = 0.25
CAPACITY = 50_000
CLOSE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Recorder:
    """Records events into PostgreSQL from a thread of its own, with its own event loop and connection.

    Record the `Account` first: what refers to an account that does not exist becomes a dead letter. While the database
    is away up to `capacity` events wait in memory; a bot that is killed loses what was not committed yet.

    With a `spool` events are committed or on the disk soon, and a killed bot loses only what is in neither: fills and
    whatever else may not be dropped within about 0.15 s, market data, equity and heartbeats only while the database is
    away. What `flush` has answered for is never lost; the next Recorder with the same spool writes it.
    """

    def __init__(
        self,
        address: Address,
        *,
        flush_interval: float = FLUSH_SECONDS,
        capacity: int = CAPACITY,
        spool: Spool | None = None,
        jsonl: Path | None = None,
    ) -> None:
        """Prepare to write to `address`, which must not be a transaction-pooling proxy. Nothing starts before `start`.

        `flush_interval` is in seconds; `spool` keeps events on their way durable; `jsonl` is a folder for logs in JSON
        lines beside the database, see `recording.mirror`.
        """
        self._address = address
        self._flush_interval = flush_interval
        self._spool = spool
        self._mirror = Mirror(jsonl) if jsonl is not None else None
        self._buffer = Buffer(capacity, self._mirror.offer if self._mirror is not None else None)
        self._delivery: Delivery | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._closing = threading.RLock()  # reentrant: a signal handler may close what is being closed
        self._closed = False
        self._unwritten = 0
        self._deadline = 0.0
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Begin to write, also what was recorded before. Idempotent; the database may be down."""
        if self._thread is not None or self._closed or self._buffer.foreign:
            return
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def record(self, event: Event) -> None:
        """Take an event. Never raises, never blocks; safe from any thread, signal handler and forked child.

        What cannot be taken is counted in `statistics` by reason: ``buffer_full``, ``closed``, ``not_an_event``, or
        ``forked`` in a child process, which needs a Recorder of its own.
        """
        self._buffer.add(event)

    def reject(self, table: str, reason: str) -> None:
        """Count something that did not even become an event of `table`."""
        self._buffer.received.add()
        self._buffer.drops.add(table, reason)

    @property
    def statistics(self) -> RecorderStatistics:
        """What became of everything recorded so far."""
        delivery = self._delivery
        outcome = delivery.outcome if delivery else Outcome()
        return RecorderStatistics(
            recorded=self._buffer.received.value,
            written=outcome.written,
            superseded=outcome.superseded,
            duplicates=outcome.duplicates,
            conflicts=outcome.conflicts,
            dropped=self._buffer.drops.by_reason(),
            dropped_by_table=self._buffer.drops.by_table(),
            dead_letters=delivery.dead_letters if delivery else 0,
            queued=delivery.queued if delivery else len(self._buffer),
            last_error=delivery.last_error if delivery else None,
            database_reachable=delivery.reachable if delivery else None,
            recovered=delivery.waiting.recovered if delivery else 0,
            spooled=delivery.waiting.spooled if delivery else 0,
            spool_bytes=delivery.waiting.bytes if delivery else 0,
            spool_error=delivery.waiting.error if delivery else None,
            mirror_failures=self._mirror.failures if self._mirror is not None else 0,
        )

    def flush(self, timeout: float = CLOSE_SECONDS, *, committed: bool = False) -> bool:
        """Wait until everything recorded before is committed, or on the disk where there is a spool: then no kill can
        lose it. With `committed` the disk is not enough: others can read it. Return whether that was so within
        `timeout` seconds. It blocks, as `close` does."""
        if self._buffer.foreign or self._thread is None or not self._ready.wait(timeout):
            return False
        if self._delivery is None or self._loop is None or not self._thread.is_alive():
            return False
        waiting = asyncio.run_coroutine_threadsafe(self._delivery.flush(committed=committed), self._loop)
        try:
            waiting.result(timeout)
        except (TimeoutError, CancelledError):
            waiting.cancel()
            return False
        return True

    def close(self, timeout: float = CLOSE_SECONDS) -> int:
        """Write what waits, for at most `timeout` seconds, and stop. Return how many events could not be written.

        It blocks: on an event loop, call it by ``asyncio.to_thread``. Called by itself when the interpreter ends.
        Idempotent; in a forked child it does nothing.
        """
        if self._buffer.foreign:
            return 0
        with self._closing:
            if not self._closed:
                self._buffer.close()
                self._stop_thread(timeout)
                self._give_up_rest()
                atexit.unregister(self.close)
            return self._unwritten

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.run(self._deliver())

    async def _deliver(self) -> None:
        self._delivery = Delivery(self._address, self._buffer, self._flush_interval, self._spool)
        self._loop = asyncio.get_running_loop()
        self._stop = stop = asyncio.Event()
        self._buffer.when_many = self._hurry
        self._ready.set()
        delivering = asyncio.create_task(self._delivery.run())
        mirroring = asyncio.create_task(self._mirror.run()) if self._mirror is not None else None
        await stop.wait()
        self._delivery.close()
        await asyncio.wait({delivering}, timeout=max(0.0, self._deadline - monotonic()))
        delivering.cancel()
        await asyncio.wait({delivering}, timeout=2.0)
        self._unwritten += self._delivery.abandon()
        if self._mirror is not None and mirroring is not None:
            mirroring.cancel()
            self._mirror.write()

    def _hurry(self) -> None:
        delivery, loop = self._delivery, self._loop
        if delivery is not None and loop is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                loop.call_soon_threadsafe(delivery.hurry)

    def _stop_thread(self, timeout: float) -> None:
        self._deadline = monotonic() + timeout
        if self._thread is None or not self._ready.wait(timeout) or self._loop is None or self._stop is None:
            return
        with contextlib.suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout + 3.0)

    def _give_up_rest(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._unwritten += self._buffer.give_up("not_written")
            self._closed = True
        else:  # stuck beyond all its time limits: what it holds is out of reach
            self._unwritten += self.statistics.queued
        if self._unwritten:
            is_ = self.statistics
            _log.error(
                "recorder closed with events not written",
                events=self._unwritten,
                spooled=self._unwritten - is_.dropped.get("not_written", 0),
                last_error=is_.last_error,
            )
