"""How do events get from the buffer into the database whatever happens on the way?"""

import asyncio
import contextlib
from collections import deque

import structlog

from main.clock import monotonic
from main.database.address import Address
from main.domain.events import Event
from main.domain.topics import Announcement, Topic
from main.recording.announcer import Announcer
from main.recording.buffer import Buffer
from main.recording.dead_letters import INSERT, DeadLetter
from main.recording.session import REFUSED, Backoff, connect, describe
from main.recording.spool import Spool
from main.recording.writer import Outcome, Row, Writer, encode

BATCH = 5000
"""Events of one transaction: about 40 ms of the bot's processor, in slices; larger ones gain nothing (measured)."""

_log = structlog.get_logger(__name__)


class Delivery:
    """Takes batches, writes them in order, and starts over on a new connection when one fails.

    A batch stays here until its commit is confirmed. When the answer to a COMMIT is lost it is written again, which its
    keys make harmless: exactly once in effect. When the database refuses its data it is halved until the rows at fault
    are alone; they become dead letters, the others are written.
    """

    def __init__(self, address: Address, buffer: Buffer, flush_interval: float, spool: Spool | None) -> None:
        """Deliver the events of `buffer`, by way of `spool` where there is one, every `flush_interval` seconds."""
        self.outcome = Outcome()
        self.dead_letters = 0
        self.last_error: str | None = None
        self.reachable: bool | None = None
        self._address = address
        self._buffer = buffer
        self._flush_interval = flush_interval
        self._spool = spool
        self._announcer = Announcer(address)
        self._writer: Writer | None = None
        self._backoff = Backoff()
        self._parts: list[list[Row]] = []  # of the batch being written; the last one is next
        self._letters: deque[DeadLetter] = deque()
        self._moving: list[Event] = []  # from memory into the spool
        self._spooled = 0  # how many events of the batch to acknowledge
        self._in_flight = 0
        self._lost_at = 0.0
        self._reported = 0
        self._refused_tables: set[str] = set()
        self._closing = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many events wait or are being written."""
        on_the_way = self._in_flight if self._spool is None else len(self._moving) + len(self._spool)
        return len(self._buffer) + on_the_way

    def close(self) -> None:
        """Make `run` return as soon as everything is written. Call it on the event loop."""
        self._closing.set()

    def abandon(self) -> int:
        """Give up what waits, count it as ``not_written`` and return how much it was. Call it when `run` has ended.

        What is in a spool is written by the next Recorder, so it counts as unwritten but not as given up.
        """
        events = [row.event for part in self._parts for row in part] if self._spool is None else self._moving
        tables = [event.table for event in events] + [letter.table for letter in self._letters if self._spool is None]
        for table in tables:
            self._buffer.drops.add(table, "not_written")
        self._parts, self._letters, self._moving, self._in_flight = [], deque(), [], 0
        rest = self._buffer.give_up("not_written")
        return len(tables) + rest + (len(self._spool) if self._spool is not None else 0)

    async def run(self) -> None:
        """Deliver until `close` was called and nothing waits any more."""
        beside = [asyncio.create_task(self._announcer.run())]
        if self._spool is not None:
            beside.append(asyncio.create_task(self._fill_spool(self._spool)))
        try:
            while True:
                pause = await self._deliver_once()
                if self._closing.is_set() and self.queued == 0:
                    return
                await self._pause(pause)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._disconnect()

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when closing: then every moment counts, yet not so much as to keep a processor busy."""
        if self._closing.is_set():
            await asyncio.sleep(min(seconds, 0.1))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    async def _deliver_once(self) -> float:
        """Write all there is and return how long to wait before the next time."""
        self._report_drops()
        try:
            writer = await self._connected()
            while self._parts or self._letters or self._next_batch():
                await self._step(writer)
                self._found()
            self._found()
        except Exception as error:  # noqa: BLE001 - the boundary: no error may end the only thread that writes
            self._lost(error)
            return self._backoff.seconds()
        return self._flush_interval

    async def _step(self, writer: Writer) -> None:
        if self._letters:
            await self._write_letter(writer)
        elif self._parts:
            await self._write_part(writer, self._parts[-1])
        self._backoff.reset()
        if not self._parts and not self._letters and self._spool is not None:
            self._spool.acknowledge(self._spooled)

    async def _write_part(self, writer: Writer, rows: list[Row]) -> None:
        try:
            outcome = await writer.write(rows)
        except REFUSED as error:
            self._parts.pop()
            if len(rows) == 1:
                self._condemn(rows[0].event, describe(error))
            else:
                half = len(rows) // 2  # the first half is next: accounts come before what refers to them
                self._parts += [rows[half:], rows[:half]]
            return
        self._parts.pop()
        self._in_flight -= len(rows)
        self.outcome += outcome
        self._announcer.add({row.table.announcement(row.event) for row in rows})
        if outcome.conflicts:
            self._report_conflicts(rows, outcome.conflicts)

    def _report_conflicts(self, rows: list[Row], conflicts: int) -> None:
        """Announce the system events that tell of conflicts, and log the first ones."""
        accounts = {row.table.account_of(row.event) for row in rows}
        self._announcer.add(Announcement(Topic.EVENTS, account) for account in accounts)
        if conflicts == self.outcome.conflicts:
            _log.error("facts came again with other content, the first ones are kept", conflicts=conflicts)

    async def _write_letter(self, writer: Writer) -> None:
        letter = self._letters[0]
        try:
            await writer.connection.execute(INSERT, *letter.arguments())
            self.dead_letters += 1
        except (*REFUSED, ValueError, OverflowError) as error:
            self._buffer.drops.add(letter.table, "refused_twice")
            self.last_error = describe(error)
        self._letters.popleft()
        self._in_flight -= 1

    def _next_batch(self) -> bool:
        events = list(self._spool.peek(BATCH)) if self._spool is not None else self._buffer.take(BATCH)
        self._in_flight = self._spooled = len(events)
        rows, refused = encode(events)
        if rows:
            self._parts.append(rows)
        for event, reason in refused:
            self._condemn(event, reason)
        return bool(events)

    def _condemn(self, event: Event, reason: str) -> None:
        self._letters.append(DeadLetter.of(event, reason))
        self.last_error = reason
        if event.table not in self._refused_tables:
            self._refused_tables.add(event.table)
            _log.error("event refused, kept in dead_letters", table=event.table, reason=reason)

    async def _fill_spool(self, spool: Spool) -> None:
        """Move events out of memory as they come, also while the database is away."""
        while True:
            self._moving = self._moving or self._buffer.take(BATCH)
            try:
                if self._moving:
                    spool.append(self._moving)
                    self._moving = []
            except OSError as error:
                self.last_error = describe(error)
            await asyncio.sleep(self._flush_interval)

    async def _connected(self) -> Writer:
        if self._writer is None or self._writer.connection.is_closed():
            self._writer = Writer(await connect(self._address, "ai-trader recorder"))
        return self._writer

    def _found(self) -> None:
        if self.reachable is False:
            away = round(monotonic() - self._lost_at, 1)
            _log.info("database back", database=str(self._address), away_seconds=away, queued=self.queued)
        self.reachable = True

    def _lost(self, error: Exception) -> None:
        self.last_error = describe(error)
        if self._writer is not None:
            self._writer.connection.terminate()
            self._writer = None
        if self.reachable is not False:
            self._lost_at = monotonic()
            _log.warning("database lost, events are kept", database=str(self._address), reason=self.last_error)
        self.reachable = False

    def _report_drops(self) -> None:
        reasons = self._buffer.drops.reasons()
        for table, reason in reasons[self._reported :]:
            _log.warning("events are given up", table=table or "none", reason=reason)
        self._reported = len(reasons)

    async def _disconnect(self) -> None:
        await self._announcer.close(1.0)
        if self._writer is not None:
            with contextlib.suppress(Exception):
                await self._writer.connection.close(timeout=1.0)
            self._writer.connection.terminate()
