"""How do events get from the buffer into the database whatever happens on the way?"""

import asyncio
import contextlib
from typing import Any

import structlog

from main.clock import monotonic
from main.database.address import Address
from main.domain.events import Event
from main.domain.topics import Announcement, Topic
from main.recording.announcer import Announcer
from main.recording.batch import Batch, Part, encode, size
from main.recording.buffer import Buffer
from main.recording.dead_letters import INSERT, DeadLetter
from main.recording.session import REFUSED, Backoff, connect, describe
from main.recording.spool import Spool
from main.recording.waiting import TICK, Load, Waiting
from main.recording.writer import Outcome, Writer

_log = structlog.get_logger(__name__)


class Delivery:
    """Takes batches, writes them in order, and starts over on a new connection when one fails.

    A batch stays here until its commit is confirmed. When the answer to a COMMIT is lost it is written again, which its
    keys make harmless: exactly once in effect. When the database refuses its data it is halved until the rows at fault
    are alone; they become dead letters, the others are written. While the database works on one batch the next one is
    encoded.
    """

    def __init__(self, address: Address, buffer: Buffer, flush_interval: float, spool: Spool | None) -> None:
        """Deliver the events of `buffer`, kept safe by `spool` where there is one, every `flush_interval` seconds."""
        self.outcome = Outcome()
        self.dead_letters = 0
        self.last_error: str | None = None
        self.reachable: bool | None = None
        self.waiting = Waiting(buffer, spool)
        self._address = address
        self._buffer = buffer
        self._flush_interval = flush_interval if spool is None else min(flush_interval, TICK)
        self._announcer = Announcer(address)
        self._writer: Writer | None = None
        self._backoff = Backoff()
        self._batch = Batch()
        self._load: Load | None = None  # what the batch was made of
        self._settled = 0  # events of it that are written or refused for good
        self._ahead: asyncio.Task[tuple[Load, Batch] | None] | None = None
        self._lost_at = 0.0
        self._reported = 0
        self._refused_tables: set[str] = set()
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()

    @property
    def queued(self) -> int:
        """How many events wait or are being written."""
        return len(self._buffer) + self.waiting.count - self._settled

    def close(self) -> None:
        """Make `run` return as soon as everything is written. Call it on the event loop."""
        self._closing.set()
        self._hurry.set()

    def hurry(self) -> None:
        """Have what waits written now, unless the database is away. Call it on the event loop."""
        self._hurry.set()

    def abandon(self) -> int:
        """Keep on the disk what waits, or count it as ``not_written``; return how much it was. Call it when `run` has
        ended.

        What is on the disk is written by the next Recorder, so it counts as unwritten but not as given up.
        """
        waiting = self.queued
        on_the_way = set(map(id, self._load.events)) if self._load is not None else set()
        open_still = [event.table for event in self._batch.events] + [letter.table for letter in self._batch.letters]
        lost = self.waiting.close()
        tables = [event.table for event in lost if id(event) not in on_the_way]
        if any(id(event) in on_the_way for event in lost):
            tables += open_still
        for table in tables:
            self._buffer.drops.add(table, "not_written")
        self._batch, self._load, self._settled = Batch(), None, 0
        self._buffer.give_up("not_written")
        return waiting

    async def flush(self, *, committed: bool) -> None:
        """Return when everything recorded so far is committed, or else on the disk where there is a spool."""
        while True:
            if not committed:
                self.waiting.tend(away=False, everything=True)
            if self.queued == 0 or (not committed and self.waiting.all_safe):
                return
            await asyncio.sleep(TICK / 5)

    async def run(self) -> None:
        """Deliver until `close` was called and nothing waits any more, or what waits is safe on the disk and the
        database away."""
        beside: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._announcer.run()),
            asyncio.create_task(self._tend()),
        ]
        try:
            while True:
                pause = await self._deliver_once()
                if self._closing.is_set() and (self.queued == 0 or (self.reachable is False and self._kept_safe())):
                    return
                await self._pause(pause)
        finally:
            beside += [self._ahead] if self._ahead is not None else []
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._disconnect()

    async def _tend(self) -> None:
        while True:
            try:
                self.waiting.tend(away=self.reachable is False)
            except Exception as error:  # noqa: BLE001 - the boundary: a fault of the spool must not end its care
                self.last_error = describe(error)
            await asyncio.sleep(TICK)

    def _kept_safe(self) -> bool:
        self.waiting.tend(away=True, everything=True)
        return self.waiting.all_safe

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when closing: then every moment counts, yet not so much as to keep a processor busy."""
        if self._closing.is_set():
            await asyncio.sleep(min(seconds, 0.1))
            return
        reason = self._closing if self.reachable is False else self._hurry
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reason.wait(), seconds)
        self._hurry.clear()

    async def _deliver_once(self) -> float:
        """Write all there is and return how long to wait before the next time."""
        self._report_drops()
        try:
            writer = await self._connected()
            while self._load is not None or await self._next_batch():
                await self._step(writer)
                self._found()
            self._found()
        except Exception as error:  # noqa: BLE001 - the boundary: no error may end the only thread that writes
            self._lost(error)
            return self._backoff.seconds()
        return self._flush_interval

    async def _step(self, writer: Writer) -> None:
        batch = self._batch
        if batch.letters:
            await self._write_letter(writer, batch.letters[0])
            batch.letters.popleft()
            self._settled += 1
        elif batch.parts:
            await self._write_part(writer, batch.parts[-1])
        self._backoff.reset()
        if not batch.parts and not batch.letters and self._load is not None:
            load, self._load = self._load, None
            self._settled = 0  # before they are forgotten: who looks meanwhile sees too many rather than too few
            self.waiting.done(load)

    async def _write_part(self, writer: Writer, part: Part) -> None:
        try:
            outcome = await writer.write(part)
        except REFUSED as error:
            self._batch.parts.pop()
            if size(part) == 1:
                self._condemn(self._batch, part[0].events[0], describe(error))
            else:
                self._batch.split(part)
            return
        self._batch.parts.pop()
        self._settled += size(part)
        self.outcome += outcome
        self._announcer.add({rows.table.announcement(event) for rows in part for event in rows.events})
        if outcome.conflicts:
            self._report_conflicts(part, outcome.conflicts)

    def _report_conflicts(self, part: Part, conflicts: int) -> None:
        """Announce the system events that tell of conflicts, and log the first ones."""
        accounts = {rows.table.account_of(event) for rows in part for event in rows.events}
        self._announcer.add(Announcement(Topic.EVENTS, account) for account in accounts)
        if conflicts == self.outcome.conflicts:
            _log.error("facts came again with other content, the first ones are kept", conflicts=conflicts)

    async def _write_letter(self, writer: Writer, letter: DeadLetter) -> None:
        try:
            await writer.connection.execute(INSERT, *letter.arguments())
            self.dead_letters += 1
        except (*REFUSED, ValueError, OverflowError) as error:
            self._buffer.drops.add(letter.table, "refused_twice")
            self.last_error = describe(error)

    async def _next_batch(self) -> bool:
        """Make the batch that was prepared, or what waits, the one to be written; begin to prepare the next one."""
        ahead, self._ahead = self._ahead, None
        prepared = (await ahead if ahead is not None else None) or await self._prepare()
        if prepared is None:
            return False
        self._load, self._batch = prepared
        self._ahead = asyncio.create_task(self._prepare())
        return True

    async def _prepare(self) -> tuple[Load, Batch] | None:
        load = self.waiting.next()
        if load is None:
            return None
        part, refused = await encode(load.events)
        batch = Batch([part] if part else [])
        for event, reason in refused:
            self._condemn(batch, event, reason)
        return load, batch

    def _condemn(self, batch: Batch, event: Event, reason: str) -> None:
        batch.letters.append(DeadLetter.of(event, reason))
        self.last_error = reason
        if event.table not in self._refused_tables:
            self._refused_tables.add(event.table)
            _log.error("event refused, kept in dead_letters", table=event.table, reason=reason)

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
